"""The one error of frequency sets, and the notes that reading one leaves; each a code with named parameters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hla.errors import quote
from hla.nomenclature import NomenclatureError

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checksum": "{text} is not the file that its metadata describe: their checksum is {expected}, "
        "the file's is {found}.",
        "damaged": "This is not a stored frequency set, or it is damaged.",
        "demand": "{size} distinct haplotypes cannot be made of this set: at most {limit} are possible.",
        "empty": "{text} holds no haplotype with a frequency above 0.",
        "encoding": "{text} is not text in UTF-8.",
        "frequency": "{place} {line}: {text} is not a frequency.",
        "frequency_blank": "{place} {line}: the frequency is missing.",
        "frequency_negative": "{place} {line}: the frequency {text} is negative.",
        "frequency_infinite": "{place} {line}: the frequency {text} is not finite.",
        "haplotype": "{place} {line}: {text} is not a haplotype.",
        "header": "The first line of {text} does not name what is needed: {missing}.",
        "header_repeated": "The first line of {text} names {column} twice.",
        "json": "{text} is not JSON that can be read ({why}).",
        "json_form": "{text} is JSON, but not a frequency set: {missing} is missing.",
        "line": "{place} {line} cannot be read ({why}).",
        "loci_differ": "{place} {line} has the loci {found}, what stands before it {expected}.",
        "locus_twice": "{place} {line} names HLA-{locus} twice.",
        "location": "The metadata name {text} as their file of frequencies, which is not beside them.",
        "missing": "{text} does not exist or cannot be read ({why}).",
        "name": "{place} {line}: {text} is not a name of an allele or group of HLA-{locus}.",
        "name_number": "{place} {line}: the cell of HLA-{locus} holds the number {text}, not a name.",
        "name_other_locus": "{place} {line}: {text} stands where HLA-{locus} belongs.",
        "no_loci": "{text} names none of the loci that are searched.",
        "nul": "{text} holds NUL characters.",
        "population": "{text} has no population {population}: it has {found}.",
        "several": "{text} holds several frequency sets: {found}.",
        "sheet": "{text} cannot be read as a spreadsheet ({why}).",
        "sum_high": "The frequencies add up to {total}, more than {limit}.",
        "sum_low": "The frequencies add up to only {total}, less than {limit}.",
        "too_large": "{text} is larger than {limit} MB.",
        "too_many": "There are more than {limit} {what}.",
        "unknown_locus": "{place} {line}: {text} is not an HLA locus that is read.",
        "zip": "{text} is a zip that cannot be read ({why}).",
        "zip_empty": "{text} holds neither metadata (.json) nor one table of frequencies.",
    }
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checksum": "Fetch both again from their owner; if you trust the file, load it with --ignore-checksum.",
        "damaged": "Load the set again: manage.py load_frequencies.",
        "demand": "Ask for fewer, or start from a larger set.",
        "empty": "Give the complete file, and for a table of several populations the right one.",
        "encoding": "Save it as UTF-8 (CSV UTF-8 in a spreadsheet program).",
        "frequency": "Write a number between 0 and 1 with a decimal point, such as 0.0123 or 6e-05.",
        "frequency_blank": "Write a number, or 0 if it was not observed; of a formula its value must be stored.",
        "frequency_negative": "A frequency is a number from 0 to 1: correct it, or ask the owner of the set.",
        "frequency_infinite": "A frequency is a number from 0 to 1: correct it, or ask the owner of the set.",
        "haplotype": "Join the names of its loci by ~, such as A*01:01~B*08:01~DRB1*03:01.",
        "header": "Name the columns Haplo,Count,Freq, or give one column a locus (A, C, B, DRB1, DQB1) and Freq.",
        "header_repeated": "Remove one of the two columns.",
        "json": "Check that the file came whole.",
        "json_form": "Give HFX metadata, or a set with nomenclatureVersion and frequencies.",
        "line": "Correct the line.",
        "loci_differ": "Every haplotype of a set must name the same loci: complete the line or remove it.",
        "locus_twice": "A haplotype has one allele a locus: correct the line.",
        "location": "Put the file beside the metadata, or both into one folder or zip.",
        "missing": "Check the path.",
        "name": "Write an allele or a G, P or g group, such as 01:01, 01:01:01G, 01:01P or 01:01g.",
        "name_number": "Format the column as text, so that leading zeros stay.",
        "name_other_locus": "Correct the name or the locus.",
        "no_loci": "Haplotypes are read of the loci A, B, C, DRB1 and DQB1.",
        "nul": "Fetch it again: it was damaged on its way, or it is no text.",
        "population": "Name one of these by --column (or --population).",
        "several": "Name one of them.",
        "sheet": "Give an .xls or .xlsx file, or save the sheet as CSV.",
        "sum_high": "Shares of one population add up to 1: check that it is one population, and not percent.",
        "sum_low": "If the set was cut on purpose, load it with --truncated; the sum is then its coverage.",
        "too_large": "That is no frequency set.",
        "too_many": "That is no frequency set.",
        "unknown_locus": "Remove this locus from the haplotypes, and add up those that are then alike.",
        "zip": "Fetch it again, or give the unpacked folder.",
        "zip_empty": "Give a zip of one set.",
    }
)

NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checksum_ignored": "The checksum of its metadata ({expected}) is not that of the file ({found}).",
        "checksum_unchecked": "The metadata give no checksum: whether the file came whole was not checked.",
        "colons": "Names without colons were read with them, such as {text} as {name}.",
        "columns": "Columns not used: {columns}.",
        "duplicates": "Lines that repeat a haplotype, added up: {count}.",
        "marginalised": "Loci not used: {loci}; haplotypes alike in the others were added up.",
        "normalised": "The frequencies add up to {total}; they were divided by this sum.",
        "population": "The file names the population {found}.",
        "release": "Its names are of release {found}, says the file.",
        "release_differs": "The file says that its names are of release {found}, not {release}.",
        "resolution_differs": "The metadata say resolution {found}.",
        "synthetic": "Synthetic: made by computation from {text}, not observed.",
        "truncated": "A truncated set: its frequencies add up to {total}, which is its coverage.",
        "zero": "Lines with the frequency 0, left out: {count}.",
    }
)

Params = Mapping[str, str | int]


class FrequencyError(NomenclatureError):
    """A frequency set that cannot be used: why (`code`, a key of CODES), where (`params`) and what to do."""

    def __init__(self, code: str, **params: str | int) -> None:
        self.code = code
        self.params: Params = {
            name: quote(value) if isinstance(value, str) else value for name, value in params.items()
        }
        super().__init__(f"{CODES[code].format(**self.params)} {HINTS[code]}")


class FrequencyNote(str):
    """A remark on a set: an English sentence that still knows its code (key of NOTES) and params."""

    __slots__ = ("code", "params")

    code: str
    params: dict[str, str | int]

    def __new__(cls, code: str, **params: str | int) -> "FrequencyNote":
        note = super().__new__(cls, NOTES[code].format(**params))
        note.code = code
        note.params = dict(params)
        return note
