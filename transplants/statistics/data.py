"""Rows that are fit for an estimate. Every estimator takes SurvivalData, so that nothing unchecked reaches one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import (
    Bools,
    Floats,
    Ints,
    coded,
    column_of_numbers,
    first,
    frozen,
    quoted,
    same_length,
)
from transplants.statistics.errors import StatisticsError

LARGEST_CAUSE: Final = 99


@dataclass(frozen=True, eq=False)
class SurvivalData:
    """n rows, usually one a patient; made by survival_data.

    time: float64, shape (n,), unit of the caller (days, months), 0 or more: last day under observation.
    event: int64, shape (n,), what ended it: 0 = censored, 1, 2, … = causes.
    entry: float64, shape (n,), None if all are under observation from the start: under observation in (entry, time].
    """

    time: Floats
    event: Ints
    entry: Floats | None = None

    def __len__(self) -> int:
        return self.time.size

    @property
    def causes(self) -> tuple[int, ...]:
        """The codes of events that occur, ascending."""
        return tuple(int(code) for code in np.unique(self.event) if code > 0)

    def subset(self, mask: Bools) -> "SurvivalData":
        """The rows where mask is True. Refuses none at all."""
        same_length(len(mask), "mask", len(self), "time")
        if not mask.any():
            raise StatisticsError("empty")
        entry = None if self.entry is None else self.entry[mask]
        return SurvivalData(self.time[mask], self.event[mask], entry)

    def any_event(self) -> "SurvivalData":
        """The same with every cause as event 1: the question is whether anything happened at all."""
        return SurvivalData(self.time, (self.event > 0).astype(np.int64), self.entry)

    def only(self, cause: int) -> "SurvivalData":
        """The same with `cause` as event 1 and other causes as censoring: for cause-specific hazards.

        One minus the Kaplan-Meier of this is no probability of the cause (use cumulative_incidence).
        """
        return SurvivalData(self.time, (self.event == cause).astype(np.int64), self.entry)

    def censored_at(self, horizon: float) -> "SurvivalData":
        """The same as if looked at on day `horizon`: what came later is not known. Rows that enter later leave."""
        time, event = np.minimum(self.time, horizon), np.where(self.time <= horizon, self.event, 0)
        if self.entry is None:
            return SurvivalData(time, event)
        return SurvivalData(time, event, self.entry).subset(self.entry < horizon)


def survival_data(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    subject: Sequence[object] | npt.ArrayLike | None = None,
) -> SurvivalData:
    """Check and copy the columns of an estimate.

    time: n numbers of 0 or more, one unit for all. An event on day 0 counts: all are at risk on day 0.
    event: n whole numbers, 0 = censored, 1 to 99 = causes. Text is refused: of a labelled status nobody can tell which
    label means censored (an estimate that took it for a cause is a known mistake of published courses).
    entry: n numbers below time, for who came under observation late, or for several rows of one patient whose
    covariates change; a row is at risk in (entry, time].
    subject: n identities; one with two rows is refused, unless the rows have entries and do not overlap.

    Raises StatisticsError with column and row. Source: workflow 5.2, pitfalls.
    """
    times = column_of_numbers(time, "time", "not_a_number")
    if times.size == 0:
        raise StatisticsError("empty")
    if (times < 0).any():
        row = first(times < 0)
        raise StatisticsError("time_negative", column="time", row=row, value=quoted(times[row]))
    events = _events(event, times.size)
    entries = None if entry is None else _entries(entry, times)
    if subject is not None:
        _refuse_twice(subject, times, entries)
    for array in (times, events, *([] if entries is None else [entries])):
        frozen(array)
    return SurvivalData(times, events, entries)


def _events(event: npt.ArrayLike, expected: int) -> Ints:
    numbers = column_of_numbers(event, "event", "event_text")
    same_length(numbers.size, "event", expected, "time")
    faults: Mapping[str, Bools] = {
        "event_fraction": numbers != np.floor(numbers),
        "event_negative": numbers < 0,
        "event_large": numbers > LARGEST_CAUSE,
    }
    for code, wrong in faults.items():
        if wrong.any():
            row = first(wrong)
            value = f"{numbers[row]:g}"
            raise StatisticsError(code, column="event", row=row, value=value, limit=LARGEST_CAUSE)
    return numbers.astype(np.int64)


def _entries(entry: npt.ArrayLike, times: Floats) -> Floats:
    numbers = column_of_numbers(entry, "entry", "not_a_number")
    same_length(numbers.size, "entry", times.size, "time")
    wrong = numbers >= times
    if wrong.any():
        row = first(wrong)
        told = {"entry": f"{numbers[row]:g}", "value": f"{times[row]:g}"}
        raise StatisticsError("entry_not_before", column="entry", row=row, **told)
    return numbers


def _refuse_twice(subject: Sequence[object] | npt.ArrayLike, times: Floats, entries: Floats | None) -> None:
    codes, names = coded(subject, "subject", times.size)
    begins = np.full_like(times, -np.inf) if entries is None else entries
    order = np.lexsort((begins, codes))
    same = np.diff(codes[order]) == 0
    wrong = same & (begins[order][1:] < times[order][:-1])
    if wrong.any():
        row = int(order[1:][wrong].min())
        code = "subject_twice" if entries is None else "overlap"
        raise StatisticsError(code, column="subject", row=row, value=quoted(names[codes[row]]))


def without_causes(data: SurvivalData, method: str) -> SurvivalData:
    """data, if its events are 0 and 1 only: which of several causes is meant is not for a method to guess."""
    several = data.event > 1
    if several.any():
        row = first(several)
        value = int(data.event[row])
        raise StatisticsError("several_causes", column="event", row=row, value=value, method=method)
    return data


def from_the_start(data: SurvivalData, method: str) -> SurvivalData:
    """data, if nobody enters late."""
    if data.entry is not None:
        raise StatisticsError("entry_unsupported", column="entry", method=method)
    return data
