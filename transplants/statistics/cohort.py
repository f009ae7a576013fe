"""Who is counted, from when, with which event: one row a person, first of several events, landmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import (
    Bools,
    Floats,
    Ints,
    coded,
    column_of_numbers,
    first,
    same_length,
)
from transplants.statistics.data import SurvivalData
from transplants.statistics.errors import StatisticsError


def first_of_each(subject: Sequence[object] | npt.ArrayLike, when: npt.ArrayLike) -> Bools:
    """Which rows are the earliest of their subject, shape (n,): a second transplant, or the second unit of a double
    graft, is no second patient. when: numbers, such as the ordinal of the day; the earlier row wins a tie."""
    days = column_of_numbers(when, "when", "not_a_number")
    codes, _ = coded(subject, "subject", days.size)
    order = np.lexsort((np.arange(days.size), days, codes))
    kept = np.zeros(days.size, dtype=np.bool_)
    kept[order[np.concatenate(([True], np.diff(codes[order]) != 0))] if days.size else order] = True
    return kept


@dataclass(frozen=True, eq=False)
class FirstEvent:
    """time: float64, shape (n,). event: int64, shape (n,): 0 = none by the last contact, 1, 2, … by order of names."""

    time: Floats
    event: Ints
    names: tuple[str, ...]


def first_event(
    days: Mapping[str, npt.ArrayLike], last_contact: npt.ArrayLike, *, terminal: Sequence[str] = ()
) -> FirstEvent:
    """The first of several events of each person, as competing causes in the order of `days`.

    days: of each event by name, float64, shape (n,), NaN where it never happened. last_contact: shape (n,). terminal:
    events after which nobody is seen again (death). On one day the event named first counts.

    GRFS (Holtan, Blood 2015;125:1333): grade III–IV acute GVHD, chronic GVHD under systemic therapy, relapse, death;
    any_event() of the data is its failure. Disease-free survival: relapse, death. Relapse and non-relapse mortality:
    the same two as causes.
    Raises StatisticsError: "event_after_contact", "contact_after_end", "time_negative".
    """
    contact = column_of_numbers(last_contact, "last contact", "not_a_number")
    _refuse_negative(contact, "last contact")
    columns = [_days_of(name, values, contact, name in terminal) for name, values in days.items()]
    table = np.stack([contact, *columns])
    table[1:][np.isnan(table[1:])] = np.inf
    earliest = table[1:].argmin(axis=0) if columns else np.zeros(contact.size, dtype=np.int64)
    happened = np.isfinite(table[1:].min(axis=0)) if columns else np.zeros(contact.size, dtype=np.bool_)
    time = np.where(happened, table[1:].min(axis=0, initial=np.inf), contact)
    return FirstEvent(time, np.where(happened, earliest + 1, 0).astype(np.int64), tuple(days))


def _days_of(name: str, values: npt.ArrayLike, contact: Floats, ends: bool) -> Floats:
    when = np.asarray(values, dtype=np.float64)
    same_length(when.size, name, contact.size, "last contact")
    _refuse_negative(when, name)
    for code, wrong in (
        ("event_after_contact", when > contact),
        ("contact_after_end", ends & (contact > when)),
    ):
        if wrong.any():
            row = first(wrong)
            told = {"name": name, "value": f"{when[row]:g}", "contact": f"{contact[row]:g}"}
            raise StatisticsError(code, column=name, row=row, **told)
    return when


def _refuse_negative(values: Floats, column: str) -> None:
    if (values < 0).any():
        row = first(values < 0)
        raise StatisticsError("time_negative", column=column, row=row, value=f"{values[row]:g}")


@dataclass(frozen=True, eq=False)
class Landmark:
    """data: of those still under observation and free of the event after the landmark; times as they were, counted
    from day 0. kept: which of the n rows, shape (n,). reached: of the kept, whether the marker had come by then."""

    data: SurvivalData
    kept: Bools
    reached: Bools
    day: float


def landmark(data: SurvivalData, day: float, marker: npt.ArrayLike) -> Landmark:
    """Compare by something that happens after day 0 (engraftment, GVHD) without making anybody immortal.

    day: of the landmark; who had the event or was censored by then is left out. marker: day on which it happened,
    shape (n,), NaN for never; what comes after the landmark does not count. (Anderson, J Clin Oncol 1983;1:710.)
    """
    when = np.asarray(marker, dtype=np.float64)
    same_length(when.size, "marker", len(data), "time")
    kept = data.time > day
    return Landmark(data.subset(kept), kept, when[kept] <= day, day)
