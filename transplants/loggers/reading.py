"""A logger's file to its readings: seconds since 1970 and °C, in their order. By headings, whoever made the logger."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from transplants.loggers.errors import Finding, LoggerError, refused
from transplants.loggers.table import Columns, Table, decoded, scale_stated, table_of
from transplants.loggers.times import DayOrder, Moment, folded, offset_of, order_told, parsed

Readings = Sequence[tuple[int, float]]

MOST_READINGS = 200_000
LEAST_READINGS = 2  # one is no record of a way
MOST_FINDINGS = 20
COLDEST_C, WARMEST_C = -273.15, 150.0
SCALES = ("C", "F", "K")
_NUMBER = re.compile(
    r"(?P<value>[+\-–]?\d{1,6}(?:[.,]\d{1,20})?(?:e[+-]?\d{1,2})?)\s?(?:°|deg)?\s?(?P<scale>[cfk]?)"
)
_NOTHING = {"", "-", "--", "---", "----", "n/a", "na", "nan", "nc", "null", "none", "open", "err", "error"}


@dataclass(frozen=True)
class Asked:
    """What a person says of a file, used where the file does not say it itself.

    zone: of times without one. day_order, scale (C, F, K), column: "" where the person did not say. until: seconds
    since 1970 after which no reading can lie.
    """

    zone: dt.tzinfo
    day_order: str = ""
    scale: str = ""
    column: str = ""
    until: int | None = None


@dataclass(frozen=True)
class Record:
    """A file that was read. missing: lines with a time and no temperature. serial: of the logger, if it is said."""

    maker: str
    readings: tuple[tuple[int, float], ...]
    zone: str
    day_order: str
    scale: str
    column: str
    missing: int
    serial: str = ""


@dataclass(frozen=True)
class _Line:
    number: int
    moment: Moment
    value: float
    scale: str


def read(data: bytes, asked: Asked) -> Record:
    """The readings of a file. Raises LoggerError, and nothing else, for whatever the bytes are.

    Delimiter comma, semicolon or tab; lines before and below the table; date and time in one column or two; decimal
    point or comma. What cannot be told is asked: the order of day and month, the scale, which of several columns.
    """
    table = table_of(decoded(data), asked.column)
    lines, missing = _lines(table, asked)
    order = _order(lines, asked)
    zone, zone_said = _zone(table.columns, asked)
    readings = _in_order(lines, order, zone, asked.until)
    return Record(
        maker=table.maker,
        readings=tuple(readings),
        zone=zone_said,
        day_order=order or "",
        scale=lines[0].scale,
        column=table.columns.heading,
        missing=missing,
        serial=table.serial,
    )


# --- lines ----------------------------------------------------------------------------------------


def _lines(table: Table, asked: Asked) -> tuple[list[_Line], int]:
    rows = _without_foot(table)
    if len(rows) > MOST_READINGS:
        raise refused("too_many", most=f"{MOST_READINGS:,}")
    found: list[_Line] = []
    wrong: list[Finding] = []
    missing = 0
    scale = table.columns.scale or scale_stated(table.preamble)
    for number, cells in rows:
        one = _line(number, cells, table, scale or asked.scale)
        if isinstance(one, Finding):
            wrong.append(one)
        elif one is None:
            missing += 1
        else:
            found.append(one)
        if len(wrong) >= MOST_FINDINGS:
            break
    if wrong:
        raise LoggerError(*wrong)
    if len(found) < LEAST_READINGS:
        raise refused("too_few")
    return found, missing


def _without_foot(table: Table) -> list[tuple[int, list[str]]]:
    """Lines below the last reading that begin with words: summaries, “end of data”."""
    rows, place = list(table.rows), table.columns.moment
    while rows and not re.search(r"\d.*\d", _cell(rows[-1][1], place)):
        rows.pop()
    return rows


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _line(number: int, cells: list[str], table: Table, scale: str) -> _Line | Finding | None:
    """None for a moment at which nothing was measured."""
    columns = table.columns
    if len(cells) > table.width:
        return Finding(number, "cells_count", {"given": len(cells), "expected": table.width})
    written = _cell(cells, columns.moment)
    moment = None
    if columns.clock is not None:
        both = f"{written} {_cell(cells, columns.clock)}"
        moment = parsed(both)
        written = written if moment or parsed(written) else both
    moment = moment or parsed(written)
    if moment is None:
        return Finding(number, "moment_form", {"text": written[:40]})
    text = _cell(cells, columns.temperature)
    if folded(text) in _NOTHING:
        return None
    return _measured(number, moment, text, scale)


def _measured(number: int, moment: Moment, text: str, scale: str) -> _Line | Finding:
    match = _NUMBER.fullmatch(folded(text))
    if match is None:
        return Finding(number, "temperature_form", {"text": text[:40]})
    own = match["scale"].upper() or scale
    if own not in SCALES:
        raise refused("scale_unknown", number)  # of the whole file, not of each of its lines
    value = _celsius(float(match["value"].replace("–", "-").replace(",", ".")), own)
    if not COLDEST_C <= value <= WARMEST_C:
        return Finding(
            number,
            "temperature_range",
            {"text": text[:40], "low": f"{COLDEST_C:g}", "high": f"{WARMEST_C:g}"},
        )
    return _Line(number, moment, value, own)


def _celsius(value: float, scale: str) -> float:
    if scale == "F":
        return round((value - 32) * 5 / 9, 4)
    return round(value - 273.15, 4) if scale == "K" else value


# --- times ----------------------------------------------------------------------------------------


def _order(lines: Sequence[_Line], asked: Asked) -> DayOrder | None:
    """What the dates prove, else what the person said. Raises LoggerError: day_order_unknown, day_order_mixed."""
    proven, matters = order_told(line.moment for line in lines)
    if len(proven) > 1:
        raise refused("day_order_mixed", _against(lines, DayOrder.DAY_FIRST))
    said = DayOrder(asked.day_order) if asked.day_order else None
    if proven:
        (order,) = proven
        if said is not None and said != order:
            raise refused("day_order_other", _against(lines, said))
        return order
    if matters and said is None:
        raise refused("day_order_unknown", lines[0].number)
    return said if matters else None


def _against(lines: Sequence[_Line], order: DayOrder) -> int:
    """The first line whose date is impossible in this order."""
    place = 1 if order == DayOrder.DAY_FIRST else 0
    return next((line.number for line in lines if line.moment.pair and line.moment.pair[place] > 12), 0)


def _zone(columns: Columns, asked: Asked) -> tuple[dt.tzinfo, str]:
    """What the head line says of the zone, else the person; and its name."""
    if columns.offset:
        away = offset_of(columns.offset)
        return dt.timezone(away or dt.timedelta()), columns.offset.upper()
    return asked.zone, str(asked.zone)


def _in_order(
    lines: Sequence[_Line], order: DayOrder | None, zone: dt.tzinfo, until: int | None
) -> list[tuple[int, float]]:
    """From the earliest on. Raises LoggerError: moment_form, moment_future, time_back."""
    wrong: list[Finding] = []
    found: list[tuple[int, dt.datetime, dt.tzinfo, float]] = []
    for line in lines:
        naive = line.moment.naive(order)
        if naive is None:
            wrong.append(Finding(line.number, "day_unknown"))
            continue
        own = zone if line.moment.offset is None else dt.timezone(line.moment.offset)
        found.append((line.number, naive, own, line.value))
    if wrong:
        raise LoggerError(*wrong[:MOST_FINDINGS])
    if _is_newest_first(found):
        found.reverse()
    readings: list[tuple[int, float]] = []
    for number, naive, own, value in found:
        at = _seconds(naive, own)
        if readings and at < readings[-1][0]:
            # the hour that comes twice when clocks are set back
            at = max(at, _seconds(naive.replace(fold=1), own))
        if readings and at < readings[-1][0]:
            wrong.append(Finding(number, "time_back", {"text": f"{naive:%Y-%m-%d %H:%M:%S}"}))
        elif until is not None and at > until:
            wrong.append(Finding(number, "moment_future", {"text": f"{naive:%Y-%m-%d %H:%M:%S}"}))
        else:
            readings.append((at, value))
        if len(wrong) >= MOST_FINDINGS:
            break
    if wrong:
        raise LoggerError(*wrong)
    return readings


def _is_newest_first(found: Sequence[tuple[int, dt.datetime, dt.tzinfo, float]]) -> bool:
    """Each not later than the one before, and the last earlier than the first."""
    previous = first = _seconds(found[0][1], found[0][2])
    for _number, naive, own, _value in found:
        here = _seconds(naive, own)
        if here > previous:
            return False
        previous = here
    return previous < first


def _seconds(naive: dt.datetime, zone: dt.tzinfo) -> int:
    return int(naive.replace(tzinfo=zone).timestamp())
