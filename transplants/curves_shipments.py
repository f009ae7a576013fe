"""A temperature record as a page shows it: its curve over the way, drawn by the server, and the numbers in a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bank.tank_log import scale
from transplants.choices_orders import LoggerVerdict
from transplants.logger_files import judgement, names_other_logger, way_of
from transplants.loggers.judging import Judged, within
from transplants.models import LoggerFile, Receipt, Shipment, ShippingRules

Reading = tuple[int, float]

MOST_DOTS: Final = 300
ROWS_SHOWN: Final = 48
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 230, 58, 606, 14, 192
VERDICT_TONE: Final = {
    LoggerVerdict.WITHIN: "good",
    LoggerVerdict.ABOVE: "bad",
    LoggerVerdict.INCOMPLETE: "warn",
}


def card(file: LoggerFile, row: Shipment, receipt: Receipt | None, rules: ShippingRules) -> dict[str, Any]:
    """One file: verdict, figures, drawing, table."""
    readings = [(int(at), float(value)) for at, value in file.readings]
    start, end = way_of(row, receipt)
    found = judgement(file, row, receipt, rules)
    way = within(readings, start, readings[-1][0] if end is None else end)
    shown = way if len(way) > 1 else readings
    return {
        "file": file,
        "tone": VERDICT_TONE[LoggerVerdict(file.verdict)],
        "is_way": len(way) > 1,
        "gaps": [_span(gap.start, gap.end) for gap in found.gaps],
        "count": len(readings),
        "curve": _curve(shown, file.limit_c, found, rules.cover_minutes * 60, _moments(row, receipt)),
        "other": other_logger_text(file, row) if names_other_logger(file, row) else "",
        "rows": [
            {"at": _at(at), "value": f"{value:.1f}", "above": value > file.limit_c}
            for at, value in thinned(shown, ROWS_SHOWN)
        ],
        "zone": timezone.get_current_timezone_name(),
    }


def other_logger_text(file: LoggerFile, row: Shipment) -> str:
    text = _("The file is of logger %(read)s; packed was %(written)s. Is it the record of this way?")
    return text % {"read": file.serial, "written": row.logger_serial}


def _moments(row: Shipment, receipt: Receipt | None) -> list[tuple[int, str]]:
    """What the curve marks: with the first the way begins, with the last it ends."""
    found = [
        (row.loaded_at, _("Loaded")),
        (row.dispatched_at, _("Dispatched")),
        (receipt.received_at if receipt else None, pgettext("shipment", "Received")),
    ]
    return [(int(at.timestamp()), text) for at, text in found if at is not None]


def thinned(readings: Sequence[Reading], most: int) -> list[Reading]:
    """At most so many: of neighbours the coldest and the warmest stay, so that no excursion is smoothed away."""
    if len(readings) <= most:
        return list(readings)
    size = -(-len(readings) * 2 // most)
    found: list[Reading] = []
    for place in range(0, len(readings), size):
        part = readings[place : place + size]
        ends = {min(part, key=_value), max(part, key=_value)}
        found += sorted(ends)
    return found


def _value(reading: Reading) -> float:
    return reading[1]


def _at(seconds: int) -> dt.datetime:
    return timezone.localtime(dt.datetime.fromtimestamp(seconds, dt.UTC))


def _span(start: int, end: int) -> dict[str, Any]:
    return {"start": _at(start), "end": _at(end), "minutes": (end - start) // 60}


def _curve(
    readings: Sequence[Reading],
    limit: float,
    found: Judged,
    most_gap: int,
    moments: Sequence[tuple[int, str]],
) -> dict[str, Any]:
    """Everything that the drawing needs, in its own units. A gap is left open: nobody knows what was there."""
    values = [value for _at, value in readings]
    low, high, step = scale(min([*values, limit]), max([*values, limit]))
    first, last = readings[0][0], max(readings[-1][0], readings[0][0] + 1)

    def x(at: int) -> float:
        return round(LEFT + (RIGHT - LEFT) * (at - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 1)

    parts = _unbroken(readings, most_gap)
    lines = [thinned(part, max(4, MOST_DOTS * len(part) // len(readings))) for part in parts]
    warmest, coldest = max(readings, key=_value), min(readings, key=_value)
    return {
        "summary": _(
            "Temperature from %(start)s to %(end)s: coldest %(min)s °C, warmest %(max)s °C, limit %(limit)s °C"
        )
        % {
            "start": f"{_at(first):%Y-%m-%d %H:%M}",
            "end": f"{_at(last):%Y-%m-%d %H:%M}",
            "min": f"{coldest[1]:.1f}",
            "max": f"{warmest[1]:.1f}",
            "limit": f"{limit:g}",
        },
        "size": {
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": RIGHT,
            "top": TOP,
            "bottom": BOTTOM,
        },
        "lines": [" ".join(f"{x(at)},{y(value)}" for at, value in line) for line in lines if len(line) > 1],
        "dots": [
            {"x": x(at), "y": y(value), "words": f"{_at(at):%Y-%m-%d %H:%M} · {value:.1f} °C"}
            for at, value in dict.fromkeys((coldest, warmest, *(line[0] for line in lines if len(line) == 1)))
        ],
        "limit": {"y": y(limit), "text": f"{limit:g}"},
        "marks": [
            {
                "x": x(at),
                "text": text,
                "end": "end" if x(at) > (LEFT + RIGHT) / 2 else "",
                "dy": 10 + 14 * place,
            }
            for place, (at, text) in enumerate(moments)
            if first <= at <= last
        ],
        "rows": [
            {"y": y(low + number * step), "text": f"{low + number * step:g}"}
            for number in range(round((high - low) / step) + 1)
        ],
        "columns": [_tick(first, last, part, x) for part in range(4)],
    }


def _tick(first: int, last: int, part: int, x: Any) -> dict[str, Any]:
    """Four times along the axis; the first begins at its line, the last ends there, so that none is cut off."""
    at = first + (last - first) * part // 3
    return {
        "x": x(at),
        "text": f"{_at(at):%m-%d %H:%M}",
        "end": "" if part == 0 else "end" if part == 3 else "mid",
    }


def _unbroken(readings: Sequence[Reading], most_gap: int) -> list[list[Reading]]:
    parts = [[readings[0]]]
    for before, here in pairwise(readings):
        if here[0] - before[0] > most_gap:
            parts.append([])
        parts[-1].append(here)
    return parts
