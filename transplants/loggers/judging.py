"""What a temperature record says of a way: how cold, how warm, how long too warm, and whether it covers the way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from transplants.loggers.reading import Readings

WITHIN, ABOVE, INCOMPLETE = "within", "above", "incomplete"


@dataclass(frozen=True)
class Gap:
    """From and to, seconds since 1970: so long nothing was measured."""

    start: int
    end: int


@dataclass(frozen=True)
class Judged:
    """Of the way only. minutes_above: by straight lines between the readings. gaps: of the way, longer than allowed.

    verdict: above, where any moment of the way was warmer than the limit; else incomplete, where there are gaps.
    """

    min_c: float
    max_c: float
    minutes_above: float
    gaps: tuple[Gap, ...]
    verdict: str


def judged(
    readings: Readings, *, limit_c: float, start: int, end: int | None, most_gap_seconds: int
) -> Judged:
    """readings: in order, one at least. start, end: of the way, seconds since 1970; end None: it is not over yet, so
    that the record may end where it does. A record that does not touch the way shows its own range, and is incomplete.
    """
    last = readings[-1][0] if end is None else end
    way = within(readings, start, last)
    gaps = tuple(_gaps([at for at, _value in way], start, last, most_gap_seconds))
    values = [value for _at, value in way] or [value for _at, value in readings]
    above = minutes_above(way, limit_c)
    verdict = ABOVE if way and max(values) > limit_c else INCOMPLETE if gaps or not way else WITHIN
    return Judged(min(values), max(values), above, gaps, verdict)


@dataclass(frozen=True)
class Together:
    """Of several records of one way. above_c: the warmest that one of them was above its limit, None where none was.

    gaps: of the way, longer than allowed, in which none of them measured.
    """

    above_c: float | None
    gaps: tuple[Gap, ...]


def judged_together(
    records: Sequence[tuple[Readings, float]], *, start: int, end: int, most_gap_seconds: int
) -> Together:
    """records: readings, each with its limit in °C. One that was warm is not made good by another that was not."""
    above = [
        value
        for readings, limit_c in records
        for _at, value in within(readings, start, end)
        if value > limit_c
    ]
    moments = sorted(at for readings, _limit in records for at, _value in readings if start <= at <= end)
    return Together(max(above, default=None), tuple(_gaps(moments, start, end, most_gap_seconds)))


def within(readings: Readings, start: int, end: int) -> list[tuple[int, float]]:
    """The part of the line from start to end, its ends on the straight line between two readings.

    Where a reading was made at the very moment it stands for itself. Empty where the record does not touch the way.
    """
    if not readings or end < start or readings[-1][0] < start or readings[0][0] > end:
        return []
    inside = [reading for reading in readings if start <= reading[0] <= end]
    before = next((one for one in reversed(readings) if one[0] < start), None)
    after = next((one for one in readings if one[0] > end), None)
    first = inside[0] if inside else after
    last = inside[-1] if inside else before
    found = list(inside)
    if before is not None and first is not None and (not inside or inside[0][0] > start):
        found.insert(0, (start, _between(before, first, start)))
    if after is not None and last is not None and found[-1][0] < end:
        found.append((end, _between(last, after, end)))
    return found


def _between(one: tuple[int, float], other: tuple[int, float], at: int) -> float:
    share = (at - one[0]) / (other[0] - one[0])
    return one[1] + (other[1] - one[1]) * share


def minutes_above(readings: Readings, limit_c: float) -> float:
    """How long the straight lines between the readings lie above the limit."""
    seconds = 0.0
    for (at, value), (later, next_value) in itertools.pairwise(readings):
        seconds += (later - at) * _share_above(value - limit_c, next_value - limit_c)
    return seconds / 60


def _share_above(first: float, second: float) -> float:
    """Of a straight line from one height to another: how much of it lies above 0."""
    if first <= 0 and second <= 0:
        return 0.0
    if first >= 0 and second >= 0:
        return 1.0
    return max(first, second) / abs(first - second)


def _gaps(moments: Sequence[int], start: int, end: int, most: int) -> list[Gap]:
    """Stretches of the way without a reading that are longer than allowed. moments: of the clipped line."""
    if not moments:
        return [Gap(start, end)]
    points = [start, *moments, end]
    return [Gap(here, there) for here, there in itertools.pairwise(points) if there - here > most]
