"""HLA errors and notes in the reader's language. The texts are those of hla.errors, here for gettext to see.

`hla` knows no Django, so it speaks English: a code with parameters. Everything that shows such a message to
people comes through here. tests/hospitals/test_hla_messages.py holds the tables equal to hla.errors.
SEVERITY says which remarks are more than a note: the one table for forms, imports and the workbench.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from hla.errors import Note, TypingError

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

ERRORS: Mapping[str, StrPromise] = {
    "absent_here": _("{text} means that the gene is absent, which cannot be at HLA-{locus}."),
    "alternatives_apart": _("The alternatives in {text} have no locus in common."),
    "alternatives_differ": _(
        "The two values of HLA-{locus} have different numbers of alternatives ({first} and {second})."
    ),
    "chains": _("{text} leaves open which {alpha} and which {beta} belong together."),
    "deleted": _("{text} was withdrawn from the nomenclature ({reason}) and has no successor."),
    "duplicate_locus": _("HLA-{locus} is given twice."),
    "empty": _("There is no typing in the text."),
    "empty_specificity": _("There is no allele and no antigen here."),
    "gl_code": _("{text} is not the head of a GL String Code for HLA."),
    "haplotype": _("HLA-{locus} stands twice in one haplotype."),
    "list_gap": _("A member of the list is missing."),
    "list_member": _("{text} cannot be a member of an allele list."),
    "list_shorthand": _("{text} leaves open which fields it continues."),
    "mac_empty": _("The code {text} names no allele that exists at HLA-{locus} in release {release}."),
    "mac_other_family": _("The code {mac} in {text} holds no allele of that family."),
    "mac_other_locus": _(
        "Of the {total} alleles of the code {text}, {count} do not exist at HLA-{locus} in release {release}."
    ),
    "malformed": _("{text} is not a typing of HLA-{locus}."),
    "missing_locus": _("{text} does not say to which locus it belongs."),
    "no_colon": _("{text} has no colon between its fields."),
    "not_specificity": _("{text} is not one allele or antigen that an antibody can be against."),
    "null_specificity": _("{text} is a null allele: nothing is expressed that an antibody could bind."),
    "null_without_n": _("{text} exists only as the null allele {name}."),
    "old_name": _("{text} is no name without colons that release {release} knows."),
    "old_name_open": _("{text} has no colons and may be any of {names}."),
    "public_antigen": _("{text} is a public antigen, carried by many HLA types: it is not a typing."),
    "public_specificity": _("{text} is carried by many HLA types, and by which is not read here."),
    "several_specificities": _("{text} names several specificities: {names}."),
    "several_values": _("{text} looks like several values in one."),
    "too_long": _("The text is {length} characters long; at most {limit} are read."),
    "too_many_values": _("HLA-{locus} has {count} values; a person has two."),
    "unknown_allele": _("There is no allele {text} in release {release}."),
    "unknown_antigen": _("There is no antigen {text} in release {release}."),
    "unknown_family": _("There is no allele family {text} in release {release}."),
    "unknown_g_group": _("There is no G group {text} in release {release}."),
    "unknown_locus": _("{text} is not an HLA locus that is read."),
    "unknown_mac": _("The multiple allele code {mac} in {text} is not in the loaded table ({version})."),
    "unknown_p_group": _("There is no P group {text} in release {release}."),
    "wrong_locus": _("{text} belongs to HLA-{found}, not to HLA-{locus}."),
}

HINTS: Mapping[str, StrPromise] = {
    "absent_here": _("Leave the value empty if it is not known."),
    "alternatives_apart": _("Put ^ between loci; | stands between the genotypes that one locus may have."),
    "alternatives_differ": _("Give each alternative two values, such as A*02:01+A*24:02|A*02:05+A*24:03."),
    "chains": _("Give each molecule a line of its own, such as DQA1*05:01~DQB1*02:01."),
    "deleted": _("Ask the laboratory for the allele's present name."),
    "duplicate_locus": _("Put both values of a locus side by side, joined by +."),
    "empty": _("Write a typing such as A*02:01+A*24:02."),
    "empty_specificity": _("Write an allele such as A*24:02, an antigen such as A24, or leave the line out."),
    "gl_code": _("Write hla#3.58.0# and the GL String, or the GL String alone."),
    "haplotype": _("Put the values of one chromosome between ~ and join the two chromosomes by +."),
    "list_gap": _("Remove the extra /, or write what is missing."),
    "list_member": _("Put only alleles, groups and codes into a list."),
    "list_shorthand": _("Write every member of the list in full, such as A*02:01:01/A*02:01:02."),
    "mac_empty": _("Check the code and its first field, or load a newer release."),
    "mac_other_family": _("It stands for alleles of {families}: correct the first field or the code."),
    "mac_other_locus": _(
        "The code seems to have been made for another locus: correct it, or load a newer release."
    ),
    "malformed": _("Write fields of two to four digits with colons, such as {example}."),
    "missing_locus": _("Write the locus before the asterisk, such as A*02:01."),
    "no_colon": _("Write {example}, if that is meant."),
    "not_specificity": _(
        "Write an allele such as {locus}*01:01 or an antigen; a family or a code is neither."
    ),
    "null_specificity": _("Correct the name, or leave it out."),
    "null_without_n": _("Write {name} if that is meant; otherwise correct the name."),
    "old_name": _("Write {example}, if that is meant."),
    "old_name_open": _("Write the name with colons."),
    "public_antigen": _("Give the antigen itself or a DNA typing."),
    "public_specificity": _("Enter the antigens and alleles of the positive beads."),
    "several_specificities": _("Give each a line of its own."),
    "several_values": _(
        "Join the two values of a locus by +, the fields of a name by : and alternatives by /."
    ),
    "too_long": _("Use a multiple allele code or a group in place of the list."),
    "too_many_values": _("Separate ambiguous alleles by /, not by +."),
    "unknown_allele": _("The closest known name is {nearest}; a newer release may hold more."),
    "unknown_antigen": _("Known near it is {nearest}; if an allele is meant, write {example}."),
    "unknown_family": _("Check the first field; the closest known name is {nearest}."),
    "unknown_g_group": _("The closest known name is {nearest}; a newer release may hold more."),
    "unknown_locus": _("Use one of {loci}."),
    "unknown_mac": _("Load a newer code table with: manage.py load_mac PATH, or name one by --mac."),
    "unknown_p_group": _("The closest known name is {nearest}; a newer release may hold more."),
    "wrong_locus": _("Move it to HLA-{found} or correct the locus."),
}

NOTES: Mapping[str, StrPromise] = {
    "alternative_empty": _("An empty alternative was left out."),
    "absent_gene": _("{text}: the gene is absent; counts as a null allele."),
    "family": _("{text} read as the whole family {name}."),
    "groups_unknown": _("Which P groups the family has is not known without a loaded release."),
    "homozygous": _("Blank second value read as homozygous."),
    "first_field_antigen": _("{text} is no antigen of the WHO: read as the alleles whose first field it is."),
    "locus_open": _("Alternatives of the whole typing (?): HLA-{locus} counts as each of them."),
    "locus_partial": _("HLA-{locus} is not given in every alternative: it counts as untyped."),
    "members_dropped": _("{text}: {count} members unknown in release {release} left out ({names})."),
    "mother_differs": _("Mother ({mother}) and unit ({unit}) share no type: samples may have been swapped."),
    "new_allele": _("{text}: an allele without a name yet; counts as unknown."),
    "normalised": _("{text} read as {name}."),
    "null_beside": _("Null allele beside an expressed one: counts as the expressed type twice."),
    "null_common": _("{text}: among the null alleles it could be, {names} is not rare (CIWD {version})."),
    "null_unknown": _("Null allele beside an unknown value: counts as one unknown type twice."),
    "null_only": _("Two null alleles: no expressed type."),
    "null_possible": _("{text} could also be a null allele ({names}); read as expressed."),
    "old_name": _("{text} is a name of before 2010, now {name}."),
    "other_release": _("Written with release {text}, read with release {release}."),
    "phase": _("Which values lie on one chromosome (~) is not used in counting matches."),
    "questionable": _("{text}: expression is questionable (Q); counted as expressed."),
    "rare_allele": _(
        "{text} is rare: check the typing (CIWD {version}: neither common, intermediate nor well-documented)."
    ),
    "renamed": _("{text} is now called {name}."),
    "serology_beside": _("{text} is reported beside the DNA typing; the DNA typing decides."),
    "suffix_added": _("{text} exists only as {name}."),
    "typing_conflict": _("The antigens {text} contradict the DNA typing {dna}."),
    "unknown_value": _("{text}: not typed; counts as unknown."),
}

Severity = Literal["conflict", "warning", "note"]

# What a person must look at when a typing is entered. A conflict keeps a unit from being offered; a warning
# hinders nothing but asks to look again; every other remark only says what was understood.
SEVERITY: Mapping[str, Severity] = {
    "typing_conflict": "conflict",
    "mother_differs": "conflict",
    "alternative_empty": "warning",
    "first_field_antigen": "warning",
    "locus_partial": "warning",
    "null_common": "warning",
    "null_possible": "warning",
    "old_name": "warning",
    "other_release": "warning",
    "rare_allele": "warning",
}
SEVERITIES: tuple[Severity, ...] = ("conflict", "warning", "note")


@dataclass(frozen=True)
class Remark:
    """A remark of the parser for people: which, how grave, in the language in force."""

    code: str
    severity: Severity
    text: str

    @property
    def is_warning(self) -> bool:
        return self.severity == "warning"

    @property
    def is_conflict(self) -> bool:
        return self.severity == "conflict"


def remarks(notes: Iterable[str]) -> list[Remark]:
    """Remarks for people, the gravest first, each once."""
    found = dict.fromkeys(remark(note) for note in notes)
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def remark(note: str) -> Remark:
    """One note of the parser; a plain text has no code and is only a note."""
    code = note.code if isinstance(note, Note) else ""
    return Remark(code, severity_of(code), note_text(note))


def stored_remarks(notes: Iterable[Sequence[Any]]) -> list[Remark]:
    """The same for notes that were kept as [locus, code, parameters]; the locus is "" for the text as a whole."""
    found: dict[Remark, None] = {}
    for locus, code, params in notes:
        text = stored_note_text(code, params)
        found[Remark(code, severity_of(code), f"HLA-{locus}: {text}" if locus else text)] = None
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def severity_of(code: str) -> Severity:
    return SEVERITY.get(code, "note")


def typing_error_text(error: TypingError) -> str:
    """What is wrong and what to do, in the language in force."""
    parts = {"error": error_text(error), "cure": hint_text(error)}
    # two whole sentences; Chinese puts no space between them
    return pgettext("sentences", "%(error)s %(cure)s") % parts


def error_text(error: TypingError) -> str:
    """Only what is wrong."""
    return _filled(ERRORS[error.code], error.params)


def hint_text(error: TypingError) -> str:
    """Only what to do."""
    return _filled(HINTS[error.code], error.params)


def note_text(note: str) -> str:
    """A remark of the parser, in the language in force; a plain text as it is."""
    return stored_note_text(note.code, note.params) if isinstance(note, Note) else note


def stored_note_text(code: str, params: Mapping[str, str | int]) -> str:
    """The same for a remark that was kept as code and parameters."""
    template = NOTES.get(code)
    return _filled(template, params) if template else code


def _filled(template: StrPromise, params: Mapping[str, str | int]) -> str:
    return str(template).format(**params)
