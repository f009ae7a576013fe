"""The log of a tank as a page shows it: its curves, drawn by the server, and the same numbers in a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bank.choices import TankQuantity
from bank.models import StorageNode, TankLimits, TankReading

PERIODS = {"7": 7, "30": 30, "365": 365}  # days, as in the address
DEFAULT_PERIOD = "30"
MOST_DOTS = 240
ROWS_SHOWN = 50
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 210, 52, 606, 12, 176

Point = tuple[dt.datetime, float]


def context(tank: StorageNode, period: str) -> dict[str, Any]:
    """Curves, table and choices of a period. period: a key of PERIODS, anything else is the default."""
    key = period if period in PERIODS else DEFAULT_PERIOD
    until = timezone.now()
    since = until - dt.timedelta(days=PERIODS[key])
    rows = list(tank.readings.filter(read_at__gte=since).select_related("entered_by").order_by("read_at"))
    limits = TankLimits.objects.filter(tank=tank).first()
    warm, low = (limits.warm_above_c, limits.level_below_percent) if limits else (None, None)
    temperature = [(row.read_at, row.temperature_c) for row in rows if row.temperature_c is not None]
    level = [(row.read_at, row.level_percent) for row in rows if row.level_percent is not None]
    return {
        "limits": limits,
        "curves": [
            _curve(str(TankQuantity.TEMPERATURE.label), "°C", temperature, warm, since, until, max),
            _curve(str(TankQuantity.LEVEL.label), "%", level, low, since, until, min),
        ],
        "periods": [{"key": name, "days": days, "active": name == key} for name, days in PERIODS.items()],
        "readings": [_row(row, warm, low) for row in rows[::-1][:ROWS_SHOWN]],
        "count": len(rows),
    }


def _row(row: TankReading, warm: float | None, low: float | None) -> dict[str, Any]:
    return {
        "reading": row,
        "too_warm": warm is not None and row.temperature_c is not None and row.temperature_c > warm,
        "too_low": low is not None and row.level_percent is not None and row.level_percent < low,
    }


def thinned(points: Sequence[Point], worst: Callable[..., Point], most: int = MOST_DOTS) -> list[Point]:
    """At most so many points: of neighbours the worst stays, so that no excursion is smoothed away."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    return [
        worst(points[start : start + size], key=lambda point: point[1])
        for start in range(0, len(points), size)
    ]


def _curve(
    name: str,
    sign: str,
    points: Sequence[Point],
    limit: float | None,
    since: dt.datetime,
    until: dt.datetime,
    worst: Callable[..., Point],
) -> dict[str, Any] | None:
    """Everything that the drawing needs, in its own units; None where nothing was read."""
    if not points:
        return None
    shown = thinned(points, worst)
    values = [value for _at, value in points] + ([] if limit is None else [limit])
    low, high, step = scale(min(values), max(values))

    def x(at: dt.datetime) -> float:
        return round(LEFT + (RIGHT - LEFT) * ((at - since) / (until - since)), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 1)

    extreme = worst(points, key=lambda point: point[1])
    words = _("%(name)s: last %(last)s, worst %(worst)s") % {
        "name": name,
        "last": f"{points[-1][1]:g} {sign}",
        "worst": f"{extreme[1]:g} {sign}",
    }
    return {
        "name": name,
        "sign": sign,
        "summary": words,
        "size": {
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": RIGHT,
            "top": TOP,
            "bottom": BOTTOM,
        },
        "points": " ".join(f"{x(at)},{y(value)}" for at, value in shown),
        "dots": [
            {
                "x": x(at),
                "y": y(value),
                "words": f"{timezone.localtime(at):%Y-%m-%d %H:%M} · {value:g} {sign}",
            }
            for at, value in (shown if len(shown) <= 60 else [extreme, points[-1]])
        ],
        "limit": None if limit is None else {"y": y(limit), "text": f"{limit:g}"},
        "rows": [
            {"y": y(low + number * step), "text": f"{low + number * step:g}"}
            for number in range(round((high - low) / step) + 1)
        ],
        "columns": [
            {"x": x(at), "text": f"{timezone.localtime(at):%m-%d}"}
            for at in (since + (until - since) * part / 4 for part in range(1, 4))
        ],
    }


def scale(low: float, high: float) -> tuple[float, float, float]:
    """Round ends and a round step, four steps or so, around what is shown."""
    span = max(high - low, 1.0)
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if span / step <= 4)
    bottom = step * (low // step)
    top = bottom
    while top < high or top - bottom < step:
        top += step
    return bottom, top, step
