"""Rows of an import file to checked units: every cell is read before anything is said, all findings at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bank.choices import UnitStatus
from bank.imports import invent
from bank.imports.columns import LATER_COLUMNS, MOTHER, NAMES, SEROLOGY_LOCI, VALUE_COLUMNS
from bank.imports.errors import CellError, FileError, Finding
from bank.imports.files import RawFile
from bank.imports.typings import BadPair, TypingReader
from bank.limits import Limits, held_reasons
from hla.errors import Note
from hla.kinship import differences
from hla.loci import LOCI
from hla.text import fold_text
from hla.typing import LocusTyping, is_serological, untyped, with_serology

OPERATORS = frozenset("|~?#")  # what a pair of values cannot say
_READERS = {column.name: column.read for column in VALUE_COLUMNS}
# What identifies the content of a row. Status is the bank's to change afterwards, so it does not count.
_DIGESTED = ("din", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments")


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


@dataclass(frozen=True)
class RowChecker:
    """What a row is checked against. `bank_code` "" takes the bank from the file's own column."""

    reader: TypingReader
    limits: Limits
    today: dt.date
    bank_code: str = ""
    invent_seed: int | None = None

    def check(self, raw: RawFile) -> Checked:
        columns = _columns_of(raw)
        if self.invent_seed is not None and raw.kind != "gl":
            raise FileError("counts_only_for_gl")
        checked = Checked(raw.kind, total=len(raw.rows) + len(raw.broken), findings=list(raw.broken))
        for line, cells in raw.rows:
            findings: list[Finding] = []
            row = self._row(line, columns, cells, findings)
            checked.findings += findings
            if row is not None and not findings:
                checked.rows.append(row)
        return checked

    def _row(
        self, line: int, columns: list[str], cells: list[str], findings: list[Finding]
    ) -> UnitRow | None:
        if len(cells) != len(columns):
            given = {"given": len(cells), "expected": len(columns)}
            findings.append(Finding(line, "", "cells_count", given))
            return None
        texts = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
        values = self._values(line, texts, findings)
        if "gl" in texts:
            as_typed = _gl_pairs(texts["gl"])
            typing = self._gl(line, texts["gl"], findings)
        else:
            as_typed = _column_pairs(texts)
            typing = self._columns(line, as_typed, findings)
        mother_as_typed = _column_pairs(texts, MOTHER)
        mother = self._columns(line, mother_as_typed, findings, MOTHER)
        if findings:
            return None
        row = self._unit(line, values, typing, as_typed, mother_as_typed)
        row.mother, row.mother_as_typed = mother, mother_as_typed
        row.mother_differs = differences(mother.values(), typing.values(), self.reader.resolver)
        return row

    def _values(self, line: int, texts: Mapping[str, str], findings: list[Finding]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in texts.items():
            if name not in _READERS:
                continue
            try:
                if text:
                    values[name] = _READERS[name](text, self.today)
                elif name == "unit_no":
                    raise CellError("required")
            except CellError as error:
                findings.append(Finding(line, name, error.code, error.params))
        tnc, cd34 = values.get("tnc_e7"), values.get("cd34_e6")
        if tnc and cd34 and cd34 > tnc * 10:
            params = {"cd34": f"{cd34:g}", "tnc": f"{tnc:g}"}
            findings.append(Finding(line, "cd34_e6", "cd34_above_tnc", params))
        screened = {"haemoglobinopathy_method", "haemoglobinopathy_on"} & values.keys()
        if screened and not texts.get("haemoglobinopathy"):
            findings.append(Finding(line, "haemoglobinopathy", "haemoglobinopathy_needed"))
        bank = values.pop("bank", self.bank_code)
        if bank != self.bank_code:
            findings.append(
                Finding(line, "bank", "bank_differs", {"given": bank, "expected": self.bank_code})
            )
        return values

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
        held = held_reasons(values.get("tnc_e7"), values.get("cd34_e6"), self.limits)
        tags = {tag for locus, pair in typing.items() for tag in self._tags(locus, pair)}
        conflicts = tuple(pair.conflict for pair in typing.values() if pair.conflict is not None)
        return UnitRow(
            line, unit_no, values, typing, as_typed, sorted(tags), held, digest, invented, conflicts
        )

    def _tags(self, locus: str, pair: LocusTyping) -> tuple[str, ...]:
        return self.reader.tags(locus, pair.first) + self.reader.tags(locus, pair.second)


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


def _column_pairs(texts: Mapping[str, str], prefix: str = "") -> dict[str, tuple[str, str]]:
    """The two cells of each locus that is given: by DNA under its name, by serology as `A_ser`."""
    names = (*LOCI, *(f"{locus}_ser" for locus in SEROLOGY_LOCI))
    pairs = (
        (name, (texts.get(f"{prefix}{name}_1", ""), texts.get(f"{prefix}{name}_2", ""))) for name in names
    )
    return {name: pair for name, pair in pairs if pair != ("", "")}


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
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:32]


def _doubled(typing: Mapping[str, LocusTyping]) -> list[str]:
    return sorted(
        locus for locus, pair in typing.items() if any(note.code == "homozygous" for note in pair.notes)
    )
