"""The one error of typings, and the notes that a reading leaves.

Every message is a code with named parameters; CODES, HINTS and NOTES hold the English templates, so that
an upper layer can translate them by code.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

QUOTE_LENGTH: Final = 60  # characters of the offending text that a message repeats

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "absent_here": "{text} means that the gene is absent, which cannot be at HLA-{locus}.",
        "alternatives_apart": "The alternatives in {text} have no locus in common.",
        "alternatives_differ": "The two values of HLA-{locus} have different numbers of alternatives "
        "({first} and {second}).",
        "chains": "{text} leaves open which {alpha} and which {beta} belong together.",
        "deleted": "{text} was withdrawn from the nomenclature ({reason}) and has no successor.",
        "duplicate_locus": "HLA-{locus} is given twice.",
        "empty": "There is no typing in the text.",
        "empty_specificity": "There is no allele and no antigen here.",
        "gl_code": "{text} is not the head of a GL String Code for HLA.",
        "haplotype": "HLA-{locus} stands twice in one haplotype.",
        "list_gap": "A member of the list is missing.",
        "list_member": "{text} cannot be a member of an allele list.",
        "list_shorthand": "{text} leaves open which fields it continues.",
        "mac_empty": "The code {text} names no allele that exists at HLA-{locus} in release {release}.",
        "mac_other_family": "The code {mac} in {text} holds no allele of that family.",
        "mac_other_locus": "Of the {total} alleles of the code {text}, {count} do not exist at HLA-{locus} "
        "in release {release}.",
        "malformed": "{text} is not a typing of HLA-{locus}.",
        "missing_locus": "{text} does not say to which locus it belongs.",
        "no_colon": "{text} has no colon between its fields.",
        "not_specificity": "{text} is not one allele or antigen that an antibody can be against.",
        "null_specificity": "{text} is a null allele: nothing is expressed that an antibody could bind.",
        "null_without_n": "{text} exists only as the null allele {name}.",
        "old_name": "{text} is no name without colons that release {release} knows.",
        "old_name_open": "{text} has no colons and may be any of {names}.",
        "public_antigen": "{text} is a public antigen, carried by many HLA types: it is not a typing.",
        "public_specificity": "{text} is carried by many HLA types, and by which is not read here.",
        "several_specificities": "{text} names several specificities: {names}.",
        "several_values": "{text} looks like several values in one.",
        "too_long": "The text is {length} characters long; at most {limit} are read.",
        "too_many_values": "HLA-{locus} has {count} values; a person has two.",
        "unknown_allele": "There is no allele {text} in release {release}.",
        "unknown_antigen": "There is no antigen {text} in release {release}.",
        "unknown_family": "There is no allele family {text} in release {release}.",
        "unknown_g_group": "There is no G group {text} in release {release}.",
        "unknown_locus": "{text} is not an HLA locus that is read.",
        "unknown_mac": "The multiple allele code {mac} in {text} is not in the loaded table ({version}).",
        "unknown_p_group": "There is no P group {text} in release {release}.",
        "wrong_locus": "{text} belongs to HLA-{found}, not to HLA-{locus}.",
    }
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "absent_here": "Leave the value empty if it is not known.",
        "alternatives_apart": "Put ^ between loci; | stands between the genotypes that one locus may have.",
        "alternatives_differ": "Give each alternative two values, such as A*02:01+A*24:02|A*02:05+A*24:03.",
        "chains": "Give each molecule a line of its own, such as DQA1*05:01~DQB1*02:01.",
        "deleted": "Ask the laboratory for the allele's present name.",
        "duplicate_locus": "Put both values of a locus side by side, joined by +.",
        "empty": "Write a typing such as A*02:01+A*24:02.",
        "empty_specificity": "Write an allele such as A*24:02, an antigen such as A24, or leave the line out.",
        "gl_code": "Write hla#3.58.0# and the GL String, or the GL String alone.",
        "haplotype": "Put the values of one chromosome between ~ and join the two chromosomes by +.",
        "list_gap": "Remove the extra /, or write what is missing.",
        "list_member": "Put only alleles, groups and codes into a list.",
        "list_shorthand": "Write every member of the list in full, such as A*02:01:01/A*02:01:02.",
        "mac_empty": "Check the code and its first field, or load a newer release.",
        "mac_other_family": "It stands for alleles of {families}: correct the first field or the code.",
        "mac_other_locus": "The code seems to have been made for another locus: correct it, or load a newer release.",
        "malformed": "Write fields of two to four digits with colons, such as {example}.",
        "missing_locus": "Write the locus before the asterisk, such as A*02:01.",
        "no_colon": "Write {example}, if that is meant.",
        "not_specificity": "Write an allele such as {locus}*01:01 or an antigen; a family or a code is neither.",
        "null_specificity": "Correct the name, or leave it out.",
        "null_without_n": "Write {name} if that is meant; otherwise correct the name.",
        "old_name": "Write {example}, if that is meant.",
        "old_name_open": "Write the name with colons.",
        "public_antigen": "Give the antigen itself or a DNA typing.",
        "public_specificity": "Enter the antigens and alleles of the positive beads.",
        "several_specificities": "Give each a line of its own.",
        "several_values": "Join the two values of a locus by +, the fields of a name by : and alternatives by /.",
        "too_long": "Use a multiple allele code or a group in place of the list.",
        "too_many_values": "Separate ambiguous alleles by /, not by +.",
        "unknown_allele": "The closest known name is {nearest}; a newer release may hold more.",
        "unknown_antigen": "Known near it is {nearest}; if an allele is meant, write {example}.",
        "unknown_family": "Check the first field; the closest known name is {nearest}.",
        "unknown_g_group": "The closest known name is {nearest}; a newer release may hold more.",
        "unknown_locus": "Use one of {loci}.",
        "unknown_mac": "Load a newer code table with: manage.py load_mac PATH, or name one by --mac.",
        "unknown_p_group": "The closest known name is {nearest}; a newer release may hold more.",
        "wrong_locus": "Move it to HLA-{found} or correct the locus.",
    }
)

NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alternative_empty": "An empty alternative was left out.",
        "absent_gene": "{text}: the gene is absent; counts as a null allele.",
        "family": "{text} read as the whole family {name}.",
        "groups_unknown": "Which P groups the family has is not known without a loaded release.",
        "homozygous": "Blank second value read as homozygous.",
        "first_field_antigen": "{text} is no antigen of the WHO: read as the alleles whose first field it is.",
        "locus_open": "Alternatives of the whole typing (?): HLA-{locus} counts as each of them.",
        "locus_partial": "HLA-{locus} is not given in every alternative: it counts as untyped.",
        "members_dropped": "{text}: {count} members unknown in release {release} left out ({names}).",
        "mother_differs": "Mother ({mother}) and unit ({unit}) share no type: samples may have been swapped.",
        "new_allele": "{text}: an allele without a name yet; counts as unknown.",
        "normalised": "{text} read as {name}.",
        "null_beside": "Null allele beside an expressed one: counts as the expressed type twice.",
        "null_common": "{text}: among the null alleles it could be, {names} is not rare (CIWD {version}).",
        "null_unknown": "Null allele beside an unknown value: counts as one unknown type twice.",
        "null_only": "Two null alleles: no expressed type.",
        "null_possible": "{text} could also be a null allele ({names}); read as expressed.",
        "old_name": "{text} is a name of before 2010, now {name}.",
        "other_release": "Written with release {text}, read with release {release}.",
        "phase": "Which values lie on one chromosome (~) is not used in counting matches.",
        "questionable": "{text}: expression is questionable (Q); counted as expressed.",
        "rare_allele": "{text} is rare: check the typing (CIWD {version}: neither common, intermediate nor "
        "well-documented).",
        "renamed": "{text} is now called {name}.",
        "serology_beside": "{text} is reported beside the DNA typing; the DNA typing decides.",
        "suffix_added": "{text} exists only as {name}.",
        "typing_conflict": "The antigens {text} contradict the DNA typing {dna}.",
        "unknown_value": "{text}: not typed; counts as unknown.",
    }
)

Params = Mapping[str, str | int]


def quote(text: str) -> str:
    """The offending text, cut so that a hostile input cannot flood a message."""
    return text if len(text) <= QUOTE_LENGTH else text[: QUOTE_LENGTH - 1] + "…"


class TypingError(ValueError):
    """A typing that cannot be read.

    locus: the locus, None if not known. text: the offending part, cut to QUOTE_LENGTH. position: 0-based
    index of that part in the text given to the parser, None if it has no place. code: key of CODES and
    HINTS. params: values of the templates. hint: what to write instead, in English.
    """

    def __init__(
        self, code: str, *, locus: str | None, text: str, position: int | None = None, **params: str | int
    ) -> None:
        self.code = code
        self.locus = locus
        self.text = quote(text)
        self.position = position
        self.params: dict[str, str | int] = {"locus": locus or "?", "text": self.text, **params}
        self.message = CODES[code].format(**self.params)
        self.hint = HINTS[code].format(**self.params)
        super().__init__(f"{self.message} {self.hint}")

    def moved(self, offset: int) -> "TypingError":
        """The same error, its position counted from `offset` characters further left."""
        params = {key: value for key, value in self.params.items() if key not in ("locus", "text")}
        position = offset + (self.position or 0)
        return TypingError(self.code, locus=self.locus, text=self.text, position=position, **params)


class Note(str):
    """A remark on a reading: an English sentence that still knows its code (key of NOTES) and params."""

    __slots__ = ("code", "params")

    code: str
    params: dict[str, str | int]

    def __new__(cls, code: str, **params: str | int) -> "Note":
        note = super().__new__(cls, NOTES[code].format(**params))
        note.code = code
        note.params = dict(params)
        return note

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, str | int]]:
        return (self.code,), self.params
