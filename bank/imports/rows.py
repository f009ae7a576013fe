"""Rows of an import file to checked units: every cell is read before anything is said, all findings at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bank.choices import UnitStatus
from bank.imports import invent
from bank.imports.columns import (
    DONOR_COLUMNS,
    GONE,
    LATER_COLUMNS,
    MOTHER,
    NAMES,
    SEROLOGY_LOCI,
    VALUE_COLUMNS,
    read_partners_status,
)
from bank.imports.errors import CellError, FileError, Finding
from bank.imports.raw import OWN, Owner, RawFile
from bank.imports.typings import BadPair, TypingReader
from bank.limits import Limits, held_reasons
from hla.errors import Note
from hla.kinship import differences
from hla.loci import LOCI
from hla.text import fold_text
from hla.typing import LocusTyping, is_serological, untyped, with_serology

OPERATORS = frozenset("|~?#")  # what a pair of values cannot say
TELL_EVERY = 250  # rows
MOST_FINDINGS = 200_000  # of one file; more than that fills the memory and helps nobody
MOST_SEEN = 20_000  # texts of one column whose values are remembered
Tell = Callable[[int], None]
_JSON = json.JSONEncoder(ensure_ascii=False)
_READERS = {column.name: column.read for column in VALUE_COLUMNS}
# What identifies the content of a row. Status is the bank's to change afterwards, so it does not count.
_DIGESTED = ("din", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments")


def _silent(count: int) -> None:
    """Nobody waits for it."""


@dataclass(slots=True)
class UnitRow:
    """One unit that passed every check of its own row."""

    line: int
    unit_no: str
    values: dict[str, Any]
    typing: dict[str, LocusTyping]
    as_typed: dict[str, tuple[str, str]]
    tags: list[str]
    held: list[dict[str, Any]]
    digest: str
    invented: bool = False
    conflicts: tuple[Note, ...] = ()  # antigens that the DNA typing excludes
    mother: Mapping[str, LocusTyping] = field(default_factory=dict)
    mother_as_typed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    mother_differs: Sequence[tuple[str, Note]] = ()  # loci at which she shares no type with the unit

    @property
    def wanted_status(self) -> str:
        return str(self.values.get("status", UnitStatus.LISTED.value))

    @property
    def status(self) -> str:
        return UnitStatus.QUARANTINE.value if self.held else self.wanted_status


@dataclass
class Checked:
    """All rows of a file after the checks that need no database."""

    kind: str
    total: int
    rows: list[UnitRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, findings: Sequence[Finding]) -> None:
        """Of a file in which every cell is wrong the first findings; a last one says that there are more."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings += findings
        elif self.findings[-1].code != "too_many_findings":
            line = self.findings[-1].line
            self.findings.append(Finding(line, "", "too_many_findings", {"limit": MOST_FINDINGS}))


@dataclass(frozen=True)
class Layout:
    """Where the cells of a row stand: places of the columns, -1 for one that the file has not.

    values: place and name; typed, mother: name of a pair of cells and the places of both; of_cord: what no donor has.
    """

    width: int
    unit_no: int
    screen: int
    grid: int
    gl: int | None
    values: tuple[tuple[int, str], ...]
    typed: tuple[tuple[str, int, int], ...]
    mother: tuple[tuple[str, int, int], ...]
    of_cord: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, columns: list[str]) -> Layout:
        at = {name: place for place, name in enumerate(columns)}
        return cls(
            width=len(columns),
            unit_no=at.get("unit_no", -1),
            screen=at.get("haemoglobinopathy", -1),
            grid=at.get("grid", -1),
            gl=at.get("gl"),
            values=tuple((place, name) for name, place in at.items() if name in _READERS),
            typed=_pair_places(at),
            mother=_pair_places(at, MOTHER),
            of_cord=tuple((place, name) for name, place in at.items() if name not in DONOR_COLUMNS | {"gl"}),
        )


@dataclass(frozen=True)
class RowChecker:
    """What a row is checked against. `bank_code` "" takes the bank from the file's own column.

    owner: whose list it is.
    """

    reader: TypingReader
    limits: Limits
    today: dt.date
    bank_code: str = ""
    invent_seed: int | None = None
    owner: Owner = OWN
    _seen: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: {} for name in _READERS if name not in ("unit_no", "din")}
    )

    def check(self, raw: RawFile, tell: Tell = _silent) -> Checked:
        """tell: is told now and then how many rows are checked."""
        layout = Layout.of(_columns_of(raw))
        if self.invent_seed is not None and raw.kind != "gl":
            raise FileError("counts_only_for_gl")
        checked = Checked(raw.kind, total=len(raw.rows) + len(raw.broken), findings=list(raw.broken))
        for count, (line, cells) in enumerate(raw.rows):
            findings = list(raw.found.get(line, ()))
            row = self._row(line, layout, cells, findings)
            if findings:
                checked.add(_in_its_words(findings, raw.names))
            elif row is not None:
                checked.rows.append(row)
            if count % TELL_EVERY == 0:
                tell(count)
        return checked

    def _row(self, line: int, layout: Layout, cells: list[str], findings: list[Finding]) -> UnitRow | None:
        if len(cells) != layout.width:
            given = {"given": len(cells), "expected": layout.width}
            findings.append(Finding(line, "", "cells_count", given))
            return None
        texts = [cell.strip() for cell in cells]
        texts.append("")  # of a column that the file has not
        values = self._values(line, layout, texts, findings)
        if layout.gl is not None:
            as_typed = _gl_pairs(texts[layout.gl])
            typing = self._gl(line, texts[layout.gl], findings)
        else:
            as_typed = _pairs(layout.typed, texts)
            typing = self._columns(line, as_typed, findings)
        mother_as_typed = _pairs(layout.mother, texts)
        mother = self._columns(line, mother_as_typed, findings, MOTHER) if mother_as_typed else {}
        self._kind(line, layout, texts, values, findings)
        if findings:
            return None
        row = self._unit(line, values, typing, as_typed, mother_as_typed)
        if mother:
            row.mother, row.mother_as_typed = mother, mother_as_typed
            row.mother_differs = differences(mother.values(), typing.values(), self.reader.resolver)
        return row

    def _values(
        self, line: int, layout: Layout, texts: Sequence[str], findings: list[Finding]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for place, name in layout.values:
            text = texts[place]
            if not text:
                continue
            try:
                values[name] = self._read(name, text)
            except CellError as error:
                findings.append(Finding(line, name, error.code, error.params))
        if not texts[layout.unit_no]:  # of files without a header no row may have had a number
            findings.append(Finding(line, "unit_no", "required"))
        tnc, cd34 = values.get("tnc_e7"), values.get("cd34_e6")
        if tnc and cd34 and cd34 > tnc * 10:
            params = {"cd34": f"{cd34:g}", "tnc": f"{tnc:g}"}
            findings.append(Finding(line, "cd34_e6", "cd34_above_tnc", params))
        screened = {"haemoglobinopathy_method", "haemoglobinopathy_on"} & values.keys()
        if screened and not texts[layout.screen]:
            findings.append(Finding(line, "haemoglobinopathy", "haemoglobinopathy_needed"))
        bank = values.pop("bank", self.bank_code)
        if bank != self.bank_code:
            findings.append(
                Finding(line, "bank", "bank_differs", {"given": bank, "expected": self.bank_code})
            )
        return values

    def _kind(
        self, line: int, layout: Layout, texts: Sequence[str], values: Mapping[str, Any],
        findings: list[Finding],
    ) -> None:  # fmt: skip
        """A donor is known by a GRID and has no cells, bag or mother; cord blood has no GRID."""
        if not self.owner.adult:
            if values.get("grid"):
                findings.append(Finding(line, "grid", "grid_of_cord"))
            return
        findings += [Finding(line, name, "not_of_donors") for place, name in layout.of_cord if texts[place]]
        if not texts[layout.grid] and values.get("status") != GONE:
            findings.append(Finding(line, "grid", "required"))

    def _read(self, name: str, text: str) -> Any:
        """The value of a cell. Dates, groups and numbers come again and again: each text is read once."""
        reader = read_partners_status if name == "status" and self.owner.partner else _READERS[name]
        seen = self._seen.get(name)
        if seen is None:
            return reader(text, self.today)
        if text not in seen:
            value = reader(text, self.today)
            if len(seen) < MOST_SEEN:
                seen[text] = value
            return value
        return seen[text]

    def _gl(self, line: int, text: str, findings: list[Finding]) -> dict[str, LocusTyping]:
        reading = self.reader.gl(text)
        findings += [Finding.of_typing(line, error.locus or "gl", error) for error in reading.errors]
        return dict(reading.typing.loci)

    def _columns(
        self, line: int, pairs: Mapping[str, tuple[str, str]], findings: list[Finding], prefix: str = ""
    ) -> dict[str, LocusTyping]:
        """prefix: of the columns' names."""
        found: dict[str, LocusTyping] = {}
        for name, (first, second) in pairs.items():
            locus, _, serological = name.partition("_")
            read = self.reader.pair(locus, first, second)
            if isinstance(read, BadPair):
                findings += [
                    Finding.of_typing(line, f"{prefix}{name}_{position}", error)
                    for position, error in read.errors
                ]
                continue
            if not serological:
                found[locus] = read
            elif code := self._add_serology(found, read):
                findings.append(Finding(line, f"{name}_1", code, {"locus": locus}))
        return {locus: typing for locus, typing in found.items() if not typing.untyped}

    def _add_serology(self, found: dict[str, LocusTyping], read: LocusTyping) -> str:
        """Put antigens beside what the other columns say, which come first. Gives the code of what is wrong, or ""."""
        if read.untyped:
            return ""
        resolver = self.reader.resolver
        if not is_serological(read, resolver):
            return "serology_needed"
        known = found.get(read.locus, untyped(read.locus))
        if known.untyped or not is_serological(known, resolver):
            found[read.locus] = with_serology(known, read, resolver)
            return ""
        return "" if {known.first, known.second} == {read.first, read.second} else "serology_twice"

    def _unit(
        self,
        line: int,
        values: dict[str, Any],
        typing: dict[str, LocusTyping],
        as_typed: dict[str, tuple[str, str]],
        mother: Mapping[str, tuple[str, str]],
    ) -> UnitRow:
        unit_no = values.pop("unit_no")
        digest = _digest(unit_no, values, as_typed, mother, doubled=_doubled(typing))
        invented = bool(values.pop("counts_invented", False))
        if self.invent_seed is not None:
            values |= invent.counts(self.invent_seed, unit_no)
            invented = True
        counted = not self.owner.adult and values.get("status") != GONE
        held = held_reasons(values.get("tnc_e7"), values.get("cd34_e6"), self.limits) if counted else []
        tags: set[str] = set()
        for locus, pair in typing.items():
            tags.update(self.reader.tags(locus, pair.first), self.reader.tags(locus, pair.second))
        noted = (pair.conflict for pair in typing.values() if pair.notes)
        conflicts = tuple(conflict for conflict in noted if conflict is not None)
        return UnitRow(
            line, unit_no, values, typing, as_typed, sorted(tags), held, digest, invented, conflicts
        )


def _in_its_words(findings: list[Finding], names: Mapping[str, str]) -> list[Finding]:
    """Columns under the names that they have in the file."""
    if not names:
        return findings
    return [replace(finding, column=names.get(finding.column, finding.column)) for finding in findings]


def _columns_of(raw: RawFile) -> list[str]:
    """The header in our spelling. Raises FileError: column_unknown, column_twice."""
    if raw.kind == "gl":
        return raw.header
    known = {name.lower(): name for name in NAMES}
    columns: list[str] = []
    for name in raw.header:
        if name.lower() not in known:
            raise FileError(
                "column_unknown", line=1, column=name[:40], name=name[:40], known=", ".join(NAMES)
            )
        if known[name.lower()] in columns:
            raise FileError("column_twice", line=1, column=name[:40], name=name[:40])
        columns.append(known[name.lower()])
    return columns


def _pair_places(at: Mapping[str, int], prefix: str = "") -> tuple[tuple[str, int, int], ...]:
    """The two cells of each locus: by DNA under its name, by serology as `A_ser`."""
    names = (*LOCI, *(f"{locus}_ser" for locus in SEROLOGY_LOCI))
    pairs = ((name, at.get(f"{prefix}{name}_1", -1), at.get(f"{prefix}{name}_2", -1)) for name in names)
    return tuple(pair for pair in pairs if pair[1:] != (-1, -1))


def _pairs(places: Sequence[tuple[str, int, int]], texts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of the loci that are given."""
    return {
        name: (texts[first], texts[second]) for name, first, second in places if texts[first] or texts[second]
    }


def _gl_pairs(text: str) -> dict[str, tuple[str, str]]:
    """What is kept as reported: the two values of each locus of a plain GL String, else the whole text."""
    pairs: dict[str, tuple[str, str]] = {}
    for block in text.split("^"):
        copies = [copy.strip() for copy in block.split("+")]
        loci = {copy.removeprefix("HLA-").partition("*")[0] for copy in copies}
        locus = next(iter(loci))
        if (
            len(loci) > 1
            or locus not in LOCI
            or locus in pairs
            or len(copies) > 2
            or OPERATORS & {*fold_text(block)}
        ):
            return {"gl": (text, "")}
        pairs[locus] = (copies[0], copies[1] if len(copies) == 2 else "")
    return pairs


def _digest(
    unit_no: str,
    values: Mapping[str, Any],
    pairs: Mapping[str, tuple[str, str]],
    mother: Mapping[str, tuple[str, str]],
    *,
    doubled: list[str],
) -> str:
    """128 bits over the meaning of a row: the same unit written with other spaces or column order is the same.

    doubled: the loci at which a blank was read as homozygous; the same cells mean something else then.
    """
    content: list[Any] = [unit_no, *(str(values.get(name, "")) for name in _DIGESTED), sorted(pairs.items())]
    content += [doubled] if doubled else []
    # Columns that came later: rows without them keep the digest under which they were imported.
    content += [{"population": values["population"]}] if values.get("population") else []
    later = {name: str(values[name]) for name in LATER_COLUMNS if name in values}
    content += [{"quality": later}] if later else []
    content += [{"mother": sorted(mother.items())}] if mother else []
    return hashlib.sha256(_JSON.encode(content).encode()).hexdigest()[:32]


def _doubled(typing: Mapping[str, LocusTyping]) -> list[str]:
    return sorted(
        locus for locus, pair in typing.items() if any(note.code == "homozygous" for note in pair.notes)
    )
