"""A file or pasted table of blood counts: days, neutrophils, platelets, transfusions. Nothing is written here.

Columns: `date` (2026-05-04) or `day` (days since day 0); `anc`, `platelets` in 10⁹/L, or `anc_per_ul`,
`platelets_per_ul` in cells per µL; `transfused` (yes, no, empty). A decimal comma is read where commas do not separate
the columns. Preview and taking over read the same text in the same way.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from bank.imports import tables
from bank.imports.errors import FileError
from bank.imports.tables import Columns, Row
from core.errors import InvalidInput
from transplants.outcomes.engraftment import Count
from transplants.services_counts import MOST_ROWS, Given, faults

COLUMNS: Final = Columns(
    needed=(), other=("date", "day", "anc", "anc_per_ul", "platelets", "platelets_per_ul", "transfused")
)
PER_UL: Final = Decimal(1000)  # cells per µL of 10⁹/L: 1 × 10⁹/L are 1,000 per µL
_YES: Final = frozenset({"yes", "y", "1", "true", "x", "是", "有"})
_NO: Final = frozenset({"", "no", "n", "0", "false", "否", "无"})
_NUMBER: Final = re.compile(r"\d{1,9}([.,]\d{1,6})?")
_NOT_MEASURED: Final = frozenset({"", "-", "–", "na", "n/a", "nd"})


@dataclass(frozen=True)
class Read:
    """What a text holds. faults: {line, column, code, text}, all at once; without one it may be taken over."""

    given: list[Given] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


def read(data: bytes, day_0: dt.date, *, died_on: dt.date | None = None) -> Read:
    """Raises InvalidInput for a file that cannot be read at all; of single lines the faults tell."""
    try:
        rows, broken = tables.read(data, COLUMNS, max_rows=MOST_ROWS)
    except FileError as error:
        raise InvalidInput(error.finding.code, error.finding.text, field="file") from error
    found = [{"line": one.line, "column": one.column, "code": one.code, "text": one.text} for one in broken]
    given = []
    for row in rows:
        one = _given(row, day_0, found)
        if one is not None:
            given.append(one)
    found += faults(given, day_0, died_on=died_on)
    return Read(given, sorted(found, key=lambda one: one["line"]))


def _given(row: Row, day_0: dt.date, found: list[dict[str, Any]]) -> Given | None:
    wrong: list[tuple[str, str, str]] = []
    day = _day(row.cells, day_0, wrong)
    anc = _value(row.cells, "anc", wrong)
    platelets = _value(row.cells, "platelets", wrong)
    text = row.cells["transfused"].casefold()
    if text not in _YES | _NO:
        wrong.append(("transfused", "yes_no", _("Write yes, no or nothing.")))
    found += [{"line": row.line, "column": name, "code": code, "text": said} for name, code, said in wrong]
    if wrong or day is None:
        return None
    return Given(row.line, Count(day, anc, platelets, text in _YES))


def _day(cells: Mapping[str, str], day_0: dt.date, wrong: list[tuple[str, str, str]]) -> dt.date | None:
    date, days = cells["date"], cells["day"]
    if bool(date) == bool(days):
        wrong.append(("date", "day_missing", _("Give either a date or the day since day 0.")))
        return None
    if days:
        if not re.fullmatch(r"\+?\d{1,5}", days):
            wrong.append(
                (
                    "day",
                    "day_form",
                    _("“%(text)s” is no day: days since day 0, such as 21.") % {"text": days[:40]},
                )
            )
            return None
        return day_0 + dt.timedelta(days=int(days))
    try:
        return dt.date.fromisoformat(date.replace("/", "-"))
    except ValueError:
        text = _("“%(text)s” is no date. Write YYYY-MM-DD.") % {"text": date[:40]}
        wrong.append(("date", "date_form", text))
        return None


def _value(cells: Mapping[str, str], name: str, wrong: list[tuple[str, str, str]]) -> Decimal | None:
    """In 10⁹/L. Both units in one line contradict one another."""
    here, small = cells[name], cells[f"{name}_per_ul"]
    column = name if here else f"{name}_per_ul"
    text = here or small
    if here and small:
        wrong.append((name, "two_units", _("Two units for one value: leave one of them empty.")))
        return None
    if text.casefold() in _NOT_MEASURED:
        return None
    if not _NUMBER.fullmatch(text):
        said = _("“%(text)s” is no number. Leave the cell empty where nothing was measured.") % {
            "text": text[:40]
        }
        wrong.append((column, "number_form", said))
        return None
    value = Decimal(text.replace(",", "."))
    return value if here else value / PER_UL
