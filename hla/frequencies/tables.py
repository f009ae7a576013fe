"""Tables of haplotypes: rows of cells, of a CSV file or of a spreadsheet, with or without names of columns.

Either one column has the whole haplotype, or each locus has one; either one column has the frequencies, or each
population has one ("EUR_freq").
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hla.frequencies.errors import FrequencyError, FrequencyNote
from hla.frequencies.names import Entry, locus_key, tokens_of

HAPLOTYPE: Final = frozenset({"haplo", "haplotype", "haplotypes", "hap"})
FREQUENCY: Final = frozenset({"freq", "frequency"})
OF_POPULATION: Final = re.compile(r"(.+?)[_ .-](?:freq|frequency)", re.IGNORECASE)
UNUSED: Final = re.compile(r"(?:.+[_ .-])?(?:count|rank|n)|", re.IGNORECASE)

Cells = Sequence[object]
Lines = Iterator[tuple[int, Cells]]  # number of the line or row from 1, its cells


@dataclass
class Columns:
    """Where what stands: haplotype (or -1 and one column a locus) and frequency."""

    haplotype: int = -1
    loci: dict[str, int] = field(default_factory=dict)
    frequency: int = -1
    population: str = ""  # that the column of frequencies names
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """What to look for. text: name of the file; population: whose; column: its column, "" for any that fits.

    header: names of the columns that metadata promise ("haplotype", "frequency" -> name).
    """

    text: str
    population: str
    column: str = ""
    header: Mapping[str, str] = field(default_factory=dict)


def entries_of(lines: Lines, wanted: Wanted, notes: list[FrequencyNote]) -> Iterator[Entry]:
    """The haplotypes of a table. Raises FrequencyError; what was not used is noted."""
    columns: Columns | None = None
    for number, cells in lines:
        if not any(_text(cell) for cell in cells):
            continue
        if columns is None:
            if not any("*" in _text(cell) for cell in cells):
                columns = columns_of(cells, wanted)
                notes.extend(_said(columns, wanted))
                continue
            columns = _without_header(cells, wanted)
        yield _entry(number, cells, columns)


def columns_of(cells: Cells, wanted: Wanted) -> Columns:
    """What the first line says about the columns. Raises FrequencyError."""
    found = Columns()
    populations: dict[str, int] = {}
    names = [_text(cell) for cell in cells]
    lower = [name.lower() for name in names]
    for name in filter(None, lower):
        if lower.count(name) > 1:
            raise FrequencyError("header_repeated", text=wanted.text, column=name)
    haplotype = {wanted.header["haplotype"].lower()} if "haplotype" in wanted.header else HAPLOTYPE
    frequency = {wanted.header["frequency"].lower()} if "frequency" in wanted.header else FREQUENCY
    if wanted.column.lower() in lower:
        frequency = {wanted.column.lower()}
    for place, name in enumerate(names):
        if lower[place] in haplotype:
            once(found.haplotype < 0, "the haplotype", wanted)
            found.haplotype = place
        elif lower[place] in frequency:
            once(found.frequency < 0, "the frequency", wanted)
            found.frequency = place
        elif (of := OF_POPULATION.fullmatch(name)) is not None:
            populations[of[1]] = place
        elif (locus := locus_key(name)) is not None:
            once(locus not in found.loci, f"HLA-{locus}", wanted)
            found.loci[locus] = place
        elif not UNUSED.fullmatch(name):
            found.ignored.append(name)
    once(found.haplotype < 0 or not found.loci, "the haplotype", wanted)
    if found.frequency < 0 and populations:
        found.population, found.frequency = _chosen(populations, wanted)
    missing = [
        what
        for what, there in (
            ("the haplotype", found.haplotype >= 0 or found.loci),
            ("the frequency", found.frequency >= 0),
        )
        if not there
    ]
    if missing:
        raise FrequencyError("header", text=wanted.text, missing=", ".join(missing))
    return found


def once(first: bool, column: str, wanted: Wanted) -> None:
    """Raises FrequencyError for what a second column says as well: it may say something else."""
    if not first:
        raise FrequencyError("header_repeated", text=wanted.text, column=column)


def _chosen(populations: Mapping[str, int], wanted: Wanted) -> tuple[str, int]:
    """The column of the population that is wanted; a single one serves whatever it is called."""
    for name, place in populations.items():
        if name.lower() == (wanted.column or wanted.population).lower():
            return name, place
    if len(populations) == 1 and not wanted.column:
        return next(iter(populations.items()))
    found = ", ".join(populations)
    raise FrequencyError(
        "population", text=wanted.text, population=wanted.column or wanted.population, found=found
    )


def _said(columns: Columns, wanted: Wanted) -> Iterable[FrequencyNote]:
    if columns.population and columns.population.lower() != wanted.population.lower():
        yield FrequencyNote("population", found=columns.population)
    if columns.ignored:
        yield FrequencyNote("columns", columns=", ".join(columns.ignored)[:200])


def _without_header(cells: Cells, wanted: Wanted) -> Columns:
    """Haplotype, (count,) frequency, in this order."""
    if not 2 <= len(cells) <= 3 or wanted.header:
        raise FrequencyError("header", text=wanted.text, missing="the names of the columns")
    return Columns(haplotype=0, frequency=len(cells) - 1)


def _entry(number: int, cells: Cells, columns: Columns) -> Entry:
    def cell(place: int) -> object:
        return cells[place] if place < len(cells) else ""

    entry = Entry("Line", number, (), cell(columns.frequency))
    if columns.haplotype >= 0:
        tokens = tokens_of(_text(cell(columns.haplotype)))
    else:
        tokens = [token_of(entry, locus, cell(place)) for locus, place in columns.loci.items()]
    return Entry("Line", number, tokens, entry.frequency)


def token_of(entry: Entry, locus: str, value: object) -> str:
    """The name of a locus that has a column of its own, with its locus. Raises FrequencyError."""
    if value is not None and not isinstance(value, str):
        raise entry.error("name_number", locus=locus, text=_text(value))
    written, _, name = (value or "").rpartition("*")
    if written.strip() and locus_key(written) != locus:
        raise entry.error("name_other_locus", locus=locus, text=value or "")
    return f"{locus}*{name}"


def _text(cell: object) -> str:
    return "" if cell is None else f"{cell}".strip()
