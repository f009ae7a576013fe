"""Haplotypes as files write them: loci, names of alleles and groups, frequencies."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hla.frequencies.errors import FrequencyError, FrequencyNote
from hla.frequencies.sets import MAX_HAPLOTYPES, Row
from hla.loci import LOCI, SEARCH_LOCI, locus_of

MARGINALISED: Final = (frozenset(LOCI) - frozenset(SEARCH_LOCI)) | {"DRB3/4/5"}
GENE_OF_MANY: Final = {"DRBX": "DRB3/4/5", "DRB345": "DRB3/4/5"}  # one column for the gene beside DRB1
PREFIX: Final = re.compile(r"\bHLA[-_ ]", re.IGNORECASE)
SEPARATOR: Final = re.compile(r"[~^-]")
NAME: Final = re.compile(r"(\d{2,4}(?::\d{2,4}){1,3})([NLSCAQGPg]?)", re.ASCII)
PLAIN: Final = re.compile(r"((?:\d\d){2,4})([NLSCAQGPg]?)", re.ASCII)
FIELDS_OF_MARK: Final = {"G": (3,), "P": (2,), "g": (2, 3)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One haplotype of a file. place, number: "Line 7"; tokens: its names with locus; frequency: as it stands."""

    place: str
    number: int
    tokens: Sequence[str]
    frequency: object

    def error(self, code: str, **params: str | int) -> FrequencyError:
        return FrequencyError(code, place=self.place, line=self.number, **params)


def locus_key(text: str) -> str | None:
    """Locus that a file names: of LOCI, or "DRB3/4/5" for whichever of the three a haplotype has; or None."""
    found = locus_of(text)
    if found is not None:
        return found
    return GENE_OF_MANY.get(re.sub(r"[^A-Z0-9]", "", text.upper().removeprefix("HLA")))


def tokens_of(haplotype: str) -> list[str]:
    """The names of a haplotype such as A*01:01~B*08:01, joined by ~, ^ or -."""
    return [token.strip() for token in SEPARATOR.split(PREFIX.sub("", haplotype))]


def frequency_of(entry: Entry) -> float:
    """The frequency of an entry, 0 or above and finite. Raises FrequencyError."""
    value = entry.frequency
    text = f"{value}".strip()
    if text == "" or value is None:
        raise entry.error("frequency_blank")
    if text == "NA":
        return 0.0
    try:
        if isinstance(value, bool) or not text.isascii() or "_" in text:
            raise ValueError
        found = float(text)
    except ValueError:
        raise entry.error("frequency", text=text) from None
    if not math.isfinite(found):
        raise entry.error("frequency_infinite", text=text)
    if found < 0:
        raise entry.error("frequency_negative", text=text)
    return found


@dataclass
class Gathering:
    """Entries read so far; checks each against the ones before it."""

    loci: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    zeros: int = 0
    repeated: int = 0
    plain: tuple[str, str] | None = None  # the first name without colons, and how it was read
    _seen: set[tuple[str, ...]] = field(default_factory=set)
    _names: dict[str, tuple[str, str]] = field(default_factory=dict)  # token -> locus, name

    def add(self, entry: Entry) -> None:
        """Raises FrequencyError that names the line."""
        names: dict[str, str] = {}
        for token in entry.tokens:
            known = self._names.get(token)
            if known is None:
                known = self._names[token] = self._read(entry, token)
            locus, name = known
            if locus in names:
                raise entry.error("locus_twice", locus=locus)
            names[locus] = name
        self._check_loci(entry, names)
        self._add(names, frequency_of(entry))

    def _read(self, entry: Entry, token: str) -> tuple[str, str]:
        """Locus and name with locus of a token; of a locus that is left out the token itself."""
        written, star, text = token.partition("*")
        locus = locus_key(written)
        if locus is None and (not star or not written.strip()):
            raise entry.error("haplotype", text="~".join(entry.tokens))
        if locus is None:
            raise entry.error("unknown_locus", text=written)
        if locus in MARGINALISED:
            self.left_out.add(locus)
            return locus, token
        return locus, f"{locus}*{self._name(entry, locus, text.strip())}"

    def _name(self, entry: Entry, locus: str, text: str) -> str:
        found = NAME.fullmatch(text)
        if found is None and (plain := PLAIN.fullmatch(text)) is not None:
            digits = plain[1]
            name = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)) + plain[2]
            self.plain = self.plain or (f"{locus}*{text}", f"{locus}*{name}")
            found = NAME.fullmatch(name)
        if found is None or found[1].count(":") + 1 not in FIELDS_OF_MARK.get(found[2], (2, 3, 4)):
            raise entry.error("name", text=text or "-", locus=locus)
        if found[2] in FIELDS_OF_MARK:
            self.marks.add(found[2])
        return found[0]

    def _check_loci(self, entry: Entry, names: dict[str, str]) -> None:
        loci = tuple([locus for locus in SEARCH_LOCI if locus in names])
        if not loci:
            raise entry.error("haplotype", text="~".join(entry.tokens))
        self.loci = self.loci or loci
        if loci != self.loci:
            raise entry.error("loci_differ", found=", ".join(loci), expected=", ".join(self.loci))

    def _add(self, names: dict[str, str], frequency: float) -> None:
        if frequency == 0:
            self.zeros += 1
            return
        whole = tuple([name for _, name in sorted(names.items())])
        if whole in self._seen:
            self.repeated += 1
        self._seen.add(whole)
        self.rows.append((tuple([names[locus] for locus in self.loci]), frequency))
        if len(self.rows) > MAX_HAPLOTYPES:
            raise FrequencyError("too_many", limit=MAX_HAPLOTYPES, what="haplotypes")

    @property
    def resolution(self) -> str:
        """What the names show: the mark that groups have; names without it beside them are groups of one."""
        return "mixed" if len(self.marks) > 1 else next(iter(self.marks), "allele")

    def notes(self) -> list[FrequencyNote]:
        found = []
        if self.plain:
            found.append(FrequencyNote("colons", text=self.plain[0], name=self.plain[1]))
        if self.left_out:
            found.append(FrequencyNote("marginalised", loci=", ".join(sorted(self.left_out))))
        if self.zeros:
            found.append(FrequencyNote("zero", count=self.zeros))
        if self.repeated:
            found.append(FrequencyNote("duplicates", count=self.repeated))
        return found
