"""HLA errors and notes in the reader's language. The texts are those of hla.errors, here for gettext to see.

`hla` knows no Django, so it speaks English: a code with parameters. Everything that shows such a message to
people comes through here. tests/hospitals/test_hla_messages.py holds the three tables equal to hla.errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from hla.errors import Note, TypingError

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

ERRORS: Mapping[str, StrPromise] = {
    "absent_here": _("{text} means that the gene is absent, which cannot be at HLA-{locus}."),
    "deleted": _("{text} was withdrawn from the nomenclature ({reason}) and has no successor."),
    "duplicate_locus": _("HLA-{locus} is given twice."),
    "empty": _("There is no typing in the text."),
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
    "null_without_n": _("{text} exists only as the null allele {name}."),
    "operator": _("The GL String operator {operator} is not read."),
    "public_antigen": _("{text} is a public antigen, carried by many HLA-{locus} types: it is not a typing."),
    "serology": _("{text} is a serological typing; only DNA typings are read."),
    "small_g": _("{text} ends in a small g, which names no group of the nomenclature."),
    "too_long": _("The text is {length} characters long; at most {limit} are read."),
    "too_many_values": _("HLA-{locus} has {count} values; a person has two."),
    "unknown_allele": _("There is no allele {text} in release {release}."),
    "unknown_family": _("There is no allele family {text} in release {release}."),
    "unknown_g_group": _("There is no G group {text} in release {release}."),
    "unknown_locus": _("{text} is not an HLA locus that is read."),
    "unknown_mac": _("The multiple allele code {mac} in {text} is not in the loaded table ({version})."),
    "unknown_p_group": _("There is no P group {text} in release {release}."),
    "wrong_locus": _("{text} belongs to HLA-{found}, not to HLA-{locus}."),
}

HINTS: Mapping[str, StrPromise] = {
    "absent_here": _("Leave the value empty if it is not known."),
    "deleted": _("Ask the laboratory for the allele's present name."),
    "duplicate_locus": _("Put both values of a locus side by side, joined by +."),
    "empty": _("Write a typing such as A*02:01+A*24:02."),
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
    "null_without_n": _("Write {name} if that is meant; otherwise correct the name."),
    "operator": _("Use only ^ between loci, + between the two values and / inside a list."),
    "public_antigen": _("Give the antigen itself or a DNA typing."),
    "serology": _("Give a DNA typing such as {example}."),
    "small_g": _("Write the G group with three fields, or the allele with two."),
    "too_long": _("Use a multiple allele code or a group in place of the list."),
    "too_many_values": _("Separate ambiguous alleles by /, not by +."),
    "unknown_allele": _("The closest known name is {nearest}; a newer release may hold more."),
    "unknown_family": _("Check the first field; the closest known name is {nearest}."),
    "unknown_g_group": _("The closest known name is {nearest}; a newer release may hold more."),
    "unknown_locus": _("Use one of {loci}."),
    "unknown_mac": _("Load a newer code table with: manage.py load_mac FILE."),
    "unknown_p_group": _("The closest known name is {nearest}; a newer release may hold more."),
    "wrong_locus": _("Move it to HLA-{found} or correct the locus."),
}

NOTES: Mapping[str, StrPromise] = {
    "absent_gene": _("{text}: the gene is absent; counts as a null allele."),
    "family": _("{text} read as the whole family {name}."),
    "homozygous": _("Blank second value read as homozygous."),
    "members_dropped": _("{text}: {count} members unknown in release {release} left out ({names})."),
    "new_allele": _("{text}: an allele without a name yet; counts as unknown."),
    "normalised": _("{text} read as {name}."),
    "null_beside": _("Null allele beside an expressed one: counts as the expressed type twice."),
    "null_only": _("Two null alleles: no expressed type."),
    "null_possible": _("{text} could also be a null allele ({names}); read as expressed."),
    "questionable": _("{text}: expression is questionable (Q); counted as expressed."),
    "renamed": _("{text} is now called {name}."),
    "suffix_added": _("{text} exists only as {name}."),
    "unknown_value": _("{text}: not typed; counts as unknown."),
}


def typing_error_text(error: TypingError) -> str:
    """What is wrong and what to do, in the language in force."""
    parts = {"error": _filled(ERRORS[error.code], error.params), "cure": hint_text(error)}
    # two whole sentences; Chinese puts no space between them
    return pgettext("sentences", "%(error)s %(cure)s") % parts


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
