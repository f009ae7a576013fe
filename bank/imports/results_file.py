"""A laboratory's file of results, one a line, to checked rows. Knows no units: who they are of is looked up later."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from bank.choices import (
    ANALYTE_UNIT,
    Analyte,
    CultureKind,
    CultureValue,
    MarkerResultValue,
    MarkerTest,
    MeasureUnit,
    Subject,
    TimePoint,
)
from bank.imports.columns import YES_NO, read_date, refuse_formula
from bank.imports.errors import CellError, FileError, Finding
from bank.imports.files import WITH_HEADER, recognised
from bank.imports.mapping import plain_heading
from bank.imports.tables import Columns, header_of
from core.findings import Messages

MAX_ROWS = 5_000
COLUMNS = Columns(
    ("unit", "test", "value"),
    (
        "time_point", "measure_unit", "subject", "tested_on", "sampled_on", "method", "instrument", "kit_lot",
        "specimen", "laboratory", "organism", "corrects", "lot_reason",
    ),
)  # fmt: skip
HELPS: Mapping[str, Any] = {
    "unit": _("unit number, or DIN with its check character"),
    "test": _("what was tested: tnc, cd34, viability …; hbs_ag, anti_hcv …; bacterial, fungal"),
    "value": _("a number; negative, positive or indeterminate; no_growth, growth or indeterminate"),
    "time_point": _("of a measurement: collection, processing, post_thaw_segment or post_thaw"),
    "measure_unit": _("of a measurement: e7, e6, e5, ml or percent, as the analyte is kept; empty: that one"),
    "subject": _("of a marker: unit or mother"),
    "tested_on": _(
        "day of the test, of a culture the final reading: YYYY-MM-DD; of a measurement it may be empty"
    ),
    "sampled_on": _("day of the sample, YYYY-MM-DD"),
    "method": _("method, at most 80 characters"),
    "instrument": _("of a measurement, at most 80 characters"),
    "kit_lot": _("lot of the kit, of markers and cultures"),
    "specimen": _("of markers and cultures: serum, plasma, whole blood"),
    "laboratory": _("laboratory, at most 120 characters"),
    "organism": _("of a culture in which something grew"),
    "corrects": _("yes: a measurement that counts though its day is earlier"),
    "lot_reason": _("why a lot or instrument that is expired or blocked was used all the same"),
}
MESSAGES: Messages = {
    "results_form": _("This is no table with a header. Save it as CSV or XLSX."),
    "test_unknown": _("“%(text)s” is no test that is known here."),
    "time_point_needed": _("Say when it was measured: %(allowed)s."),
    "subject_needed": _("Say of whom the sample was: unit or mother."),
    "measure_unit_other": _("%(test)s is kept in %(expected)s, not in “%(text)s”: give the value in that."),
    "value_number": _("“%(text)s” is no number from 0 to %(most)s."),
    "text_long": _("The text has more than %(most)s characters."),
    "not_of_this": _("This is not recorded with such a result. Leave the cell empty."),
    "unit_unknown": _("There is no unit “%(text)s”. Write a unit number, or a DIN with its check character."),
    "unit_ambiguous": _("Two banks have a unit “%(text)s”. Write its DIN."),
    "row_twice": _("The same result stands in line %(first)s already."),
    "was_retracted": _("This result was recorded and retracted. If it is right after all, enter it by hand."),
    "was_superseded": _(
        "This result was recorded and superseded by another. If it is right after all, enter it by hand."
    ),
    "refused": "%(said)s",  # in the words of the service
}  # fmt: skip
_LENGTHS = {
    "method": 80,
    "instrument": 80,
    "kit_lot": 40,
    "specimen": 80,
    "laboratory": 120,
    "organism": 120,
    "lot_reason": 2_000,
}
_MARKER_WORDS = {
    **{value: value for value in MarkerResultValue.values},
    "neg": "negative", "pos": "positive", "-": "negative", "+": "positive", "阴性": "negative", "阳性": "positive",
}  # fmt: skip
_CULTURE_WORDS = {
    **{value: value for value in CultureValue.values},
    "no growth": "no_growth",
    "无生长": "no_growth",
}
_SUBJECT_WORDS = {**{value: value for value in Subject.values}, "母亲": "mother", "脐带血": "unit"}
_UNIT_WORDS = {
    **{value: value for value in MeasureUnit.values},
    "%": "percent", "×10⁷": "e7", "×10⁶": "e6", "×10⁵": "e5", "10^7": "e7", "10^6": "e6", "10^5": "e5",
    "x10^7": "e7", "x10^6": "e6", "x10^5": "e5",
}  # fmt: skip


class ResultFinding(Finding):
    """One thing wrong in a file of results."""

    messages: ClassVar[tuple[Messages, ...]] = (MESSAGES, *Finding.messages)


@dataclass(frozen=True)
class ResultRow:
    """One result as the services take it. test: Analyte, MarkerTest or CultureKind; value: number or coded result."""

    line: int
    unit: str
    test: Analyte | MarkerTest | CultureKind
    value: Any
    given: Mapping[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.unit, self.test, self.value, tuple(sorted(self.given.items(), key=str)))


def read_results(
    data: bytes, today: dt.date, tell: Callable[[float], None] = lambda share: None
) -> tuple[int, list[ResultRow], list[Finding]]:
    """How many rows there are, those that are right by themselves, and what is wrong. Raises FileError."""
    raw = recognised(data, max_rows=MAX_ROWS)
    if raw.kind not in WITH_HEADER:
        raise FileError("results_form")
    if len(raw.rows) > MAX_ROWS:
        raise FileError("too_many_lines", limit=MAX_ROWS)
    header = header_of(raw.header, COLUMNS)
    reader = _Reader(today)
    rows: list[ResultRow] = []
    findings: list[Finding] = [*raw.broken]
    for count, (line, cells) in enumerate(raw.rows):
        if len(cells) != len(header):
            params = {"given": len(cells), "expected": len(header)}
            findings.append(ResultFinding(line, "", "cells_count", params))
            continue
        texts = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        row, wrong = reader.row(line, texts)
        findings += wrong
        if row is not None:
            rows.append(row)
        if count % 200 == 0:
            tell(count / len(raw.rows))
    return len(raw.rows) + len(raw.broken), *_without_doubles(rows, findings)


def _without_doubles(rows: list[ResultRow], findings: list[Finding]) -> tuple[list[ResultRow], list[Finding]]:
    first: dict[tuple[Any, ...], int] = {}
    unique = []
    for row in rows:
        if first.setdefault(row.key, row.line) != row.line:
            findings.append(ResultFinding(row.line, "test", "row_twice", {"first": first[row.key]}))
        else:
            unique.append(row)
    return unique, findings


class _Reader:
    """Reads rows one by one; gathers all that is wrong with one before it is given up."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._tests = _tests()

    def row(self, line: int, texts: Mapping[str, str]) -> tuple[ResultRow | None, list[Finding]]:
        wrong: list[Finding] = []

        def read(name: str, reader: Callable[[str], Any], needed: str = "") -> Any:
            try:
                text = texts.get(name, "")
                if not text and needed:
                    raise CellError(needed)
                return reader(text) if text else None
            except CellError as error:
                wrong.append(ResultFinding(line, name, error.code, error.params))
                return None

        unit = read("unit", lambda text: text, "required")
        test = read("test", self._test, "required")
        day = self._day
        given: dict[str, Any] = {
            "tested_on": read(
                "tested_on", day, "required" if isinstance(test, MarkerTest | CultureKind) else ""
            ),
            "sampled_on": read("sampled_on", day),
            **{name: read(name, _text(most)) or "" for name, most in _LENGTHS.items()},
        }
        value = read("value", _value_reader(test), "required")
        if isinstance(test, Analyte):
            given["time_point"] = read("time_point", _word(TimePoint.values), "time_point_needed")
            given["corrects"] = bool(read("corrects", _word(YES_NO)))
            read("measure_unit", _measure_unit(test))
        if isinstance(test, MarkerTest):
            given["subject"] = read("subject", _word(_SUBJECT_WORDS), "subject_needed")
        wrong += [
            ResultFinding(line, name, "not_of_this") for name in _not_of(test) if test and texts.get(name)
        ]
        wrong = [_allowed(one) for one in wrong]
        return (None if wrong or test is None else ResultRow(line, unit, test, value, given)), wrong

    def _test(self, text: str) -> Analyte | MarkerTest | CultureKind:
        found = self._tests.get(plain_heading(text))
        if found is None:
            raise CellError("test_unknown", text=text[:40])
        return found

    def _day(self, text: str) -> dt.date:
        day: dt.date = read_date(text, self._today)
        return day


def _tests() -> dict[str, Analyte | MarkerTest | CultureKind]:
    """By their codes and by what they are called, in English and in the reader's language."""
    found: dict[str, Analyte | MarkerTest | CultureKind] = {}
    for kind in (Analyte, MarkerTest, CultureKind):
        for test in kind:
            found[plain_heading(test.value)] = test
            found[plain_heading(str(test.label))] = test
            with translation.override("en"):
                found[plain_heading(str(test.label))] = test
    return found


def _not_of(test: Any) -> tuple[str, ...]:
    """Columns that mean nothing beside such a test."""
    if isinstance(test, Analyte):
        return ("subject", "sampled_on", "kit_lot", "specimen", "organism")
    if isinstance(test, MarkerTest):
        return ("time_point", "measure_unit", "instrument", "organism", "corrects")
    return ("time_point", "measure_unit", "instrument", "subject", "corrects")


def _value_reader(test: Any) -> Callable[[str], Any]:
    if isinstance(test, MarkerTest):
        return _word(_MARKER_WORDS)
    if isinstance(test, CultureKind):
        return _word(_CULTURE_WORDS)
    most = 100 if isinstance(test, Analyte) and ANALYTE_UNIT[test] == MeasureUnit.PERCENT else 5_000
    return lambda text: _number(text, most)


def _number(text: str, most: int) -> float:
    try:
        value = float(text) if len(text) <= 30 and text.isascii() else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise CellError("value_number", text=text[:40], most=most)
    return value


def _word(words: Any) -> Callable[[str], Any]:
    known = words if isinstance(words, Mapping) else {word: word for word in words}

    def read(text: str) -> Any:
        if text.lower() not in known:
            raise CellError("choice_unknown", text=text[:40], allowed=", ".join(map(str, known)))
        return known[text.lower()]

    return read


def _measure_unit(test: Analyte) -> Callable[[str], Any]:
    def read(text: str) -> None:
        expected = ANALYTE_UNIT[test]
        if _UNIT_WORDS.get(text.lower().replace(" ", "")) != expected:
            raise CellError("measure_unit_other", text=text[:40], test=test.value, expected=expected)

    return read


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        refuse_formula(text)
        if len(text) > most:
            raise CellError("text_long", most=most)
        return text.replace("\0", "")

    return read


def _allowed(finding: Finding) -> Finding:
    if finding.code != "time_point_needed":
        return finding
    params = {"allowed": ", ".join(TimePoint.values)}
    return ResultFinding(finding.line, finding.column, finding.code, params)
