"""Who is at risk when, and what happens then: counts by distinct time. All estimators without covariates rest on it.

Counts are whole numbers, so the order of rows cannot matter, to the last bit.
"""

from dataclasses import dataclass

import numpy as np

from transplants.statistics.arrays import Bools, Floats, Ints
from transplants.statistics.data import SurvivalData


@dataclass(frozen=True, eq=False)
class RiskTable:
    """Counts at K distinct times, ascending.

    time: float64, shape (K,). at_risk: int64, shape (K,), under observation just before. events: int64, shape (K, C),
    by the causes asked for. censored: int64, shape (K,). entries: sorted, of those who enter late, None if nobody does.
    """

    time: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    entries: Floats | None

    def at_risk_at(self, times: Floats) -> Ints:
        """int64, shape (q,): under observation just before each time."""
        left = np.concatenate(([0], np.cumsum(self.events.sum(axis=1) + self.censored)))
        gone = left[np.searchsorted(self.time, times, side="left")]
        come = left[-1] if self.entries is None else np.searchsorted(self.entries, times, side="left")
        counts: Ints = come - gone
        return counts

    def place(self, times: Floats) -> Ints:
        """Row of the last distinct time at or before each time, -1 before the first."""
        return np.searchsorted(self.time, times, side="right") - 1


def risk_table(data: SurvivalData, causes: tuple[int, ...]) -> RiskTable:
    """Counts of each cause; events of other causes count as events of no column but do leave. O(n log n)."""
    time, place = np.unique(data.time, return_inverse=True)
    width = max(int(data.event.max(initial=0)), max(causes, default=0)) + 1
    counts = np.bincount(place * width + data.event, minlength=time.size * width).reshape(time.size, width)
    at_risk, entries = _at_risk(data, time, counts.sum(axis=1))
    return RiskTable(time, at_risk, counts[:, list(causes)], counts[:, 0], entries)


def _at_risk(data: SurvivalData, time: Floats, leaving: Ints) -> tuple[Ints, Floats | None]:
    gone = np.cumsum(leaving) - leaving
    if data.entry is None:
        return len(data) - gone, None
    entries = np.sort(data.entry)
    return np.searchsorted(entries, time, side="left") - gone, entries


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Counts of G groups at the K distinct times at which anybody has an event.

    at_risk: int64, shape (G, K). events: int64, shape (C, G, K). Groups first: a row is what is computed with.
    """

    time: Floats
    at_risk: Ints
    events: Ints


def group_table(data: SurvivalData, group: Ints, groups: int, causes: tuple[int, ...]) -> GroupTable:
    """Counts by group; group: codes 0 to groups - 1, shape (n,). Memory: some dozen bytes × G × K."""
    happened = data.event > 0
    time, place = np.unique(data.time[happened], return_inverse=True)
    cell = group[happened] * time.size + place
    size, event = time.size * groups, data.event[happened]
    events = [np.bincount(cell[event == cause], minlength=size) for cause in causes]
    shape = (len(causes), groups, time.size)
    at_risk = np.stack([_at_risk_of(data, group == code, time) for code in range(groups)])
    return GroupTable(time, at_risk, np.array(events, np.int64).reshape(shape))


def _at_risk_of(data: SurvivalData, mine: Bools, time: Floats) -> Ints:
    gone = np.searchsorted(np.sort(data.time[mine]), time, side="left")
    if data.entry is None:
        return np.count_nonzero(mine) - gone
    return np.searchsorted(np.sort(data.entry[mine]), time, side="left") - gone
