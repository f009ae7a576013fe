"""The slow readable twin of transplants.loggers.judging.minutes_above: it walks along the line in small steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

STEPS = 2_000  # of one piece of the line


def minutes_above(readings: Sequence[tuple[int, float]], limit_c: float) -> float:
    seconds = 0.0
    for (at, value), (later, next_value) in pairwise(readings):
        step = (later - at) / STEPS
        for number in range(STEPS):
            middle = value + (next_value - value) * (number + 0.5) / STEPS
            if middle > limit_c:
                seconds += step
    return seconds / 60
