"""Readings as a file that `reading.read` reads back as they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

HEADER = ("Time", "Temperature (°C)")


def rows(readings: Iterable[tuple[int, float]], zone: dt.tzinfo) -> Iterator[tuple[str, float]]:
    """Time with its offset from UTC, and the temperature."""
    for at, value in readings:
        yield dt.datetime.fromtimestamp(at, zone).isoformat(), float(value)
