"""Where a unit stands in the order of a list, and when one beats another. Pure.

The order is that of a match list (matching.md 2.3): possible matches in the class that orders the list, then the
10 % band of the probability of no mismatch, then certain matches, then nucleated cells. Without an estimate a unit
stands behind those of its class that have one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from matching.choices import WatchFor

BANDS = 10
NO_ESTIMATE = -1  # below every band, as in the list


# How much of the order each asks for; each holds what the one before it says.
_LENGTH = {WatchFor.CLASS: 1, WatchFor.BAND: 2, WatchFor.DOSE: 4}


@dataclass(frozen=True)
class Standing:
    """class_max, class_min: possible and certain matches. band: 0–9, or NO_ESTIMATE. tnc_e4: cells of the whole
    unit in 10⁴, below 0 where not known (the weight is the patient's and the same for all).
    """

    class_max: int
    band: int
    class_min: int
    tnc_e4: int

    def key(self, counts: WatchFor = WatchFor.DOSE) -> tuple[int, ...]:
        """What is compared; larger is better."""
        return (self.class_max, self.band, self.class_min, self.tnc_e4)[: _LENGTH[counts]]


def band_of(share: float | None) -> int:
    """The 10 % band of a probability, 0 (below 10 %) to 9 (from 90 %); NO_ESTIMATE where there is none."""
    if share is None:
        return NO_ESTIMATE
    return min(math.floor(share * BANDS + 1e-9), BANDS - 1)


def beats(unit: Standing, best: Standing | None, counts: WatchFor) -> bool:
    """Whether `unit` is better than the best so far, where `counts` says how much of the order counts.

    Equal is not better. Where there is no best, nothing was on offer: then every unit is.
    """
    return best is None or unit.key(counts) > best.key(counts)


def better_of(one: Standing | None, other: Standing | None) -> Standing | None:
    """The higher of two; None is lower than all."""
    known = [standing for standing in (one, other) if standing is not None]
    return max(known, key=Standing.key, default=None)
