"""How far the data carry: completeness of follow-up, who could have reached t years, what is stable enough to show."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, column_of_numbers, same_length
from transplants.statistics.data import SurvivalData
from transplants.statistics.errors import StatisticsError


@dataclass(frozen=True)
class Completeness:
    """observed, potential: person-time, unit of the data. share: observed / potential, 1 where nothing was due."""

    observed: float
    potential: float

    @property
    def share(self) -> float:
        return self.observed / self.potential if self.potential > 0 else 1.0


def clark_completeness(
    data: SurvivalData, potential: npt.ArrayLike, *, horizon: float = np.inf
) -> Completeness:
    """Clark's C (Lancet 2002;359:1309): follow-up seen of what could have been seen.

    data: any event > 0 ends the potential time of its patient. potential: from day 0 to the day of the cut, shape (n,).
    horizon: only follow-up up to it counts (365 for one year). C understates when deaths are unknown.
    """
    due = np.minimum(_potential(data, potential), horizon)
    seen = np.minimum(data.time, due)
    died = (data.event > 0) & (data.time <= due)
    return Completeness(float(seen.sum()), float(np.where(died, seen, due).sum()))


def simplified_completeness(
    data: SurvivalData, potential: npt.ArrayLike, *, horizon: float = np.inf
) -> Completeness:
    """Simplified person-time (Xue, BMC Med Res Methodol 2017;18): who had an event counts as followed to the end."""
    due = np.minimum(_potential(data, potential), horizon)
    died = (data.event > 0) & (data.time <= due)
    return Completeness(float(np.where(died, due, np.minimum(data.time, due)).sum()), float(due.sum()))


def _potential(data: SurvivalData, potential: npt.ArrayLike) -> Floats:
    due = column_of_numbers(potential, "potential", "not_a_number")
    same_length(due.size, "potential", len(data), "time")
    if (due < 0).any():
        row = int(np.argmax(due < 0))
        raise StatisticsError("time_negative", column="potential", row=row, value=f"{due[row]:g}")
    return due


def share_that_could_reach(potential: npt.ArrayLike, time: float) -> float:
    """Share of patients whose day 0 lies at least `time` before the cut. An estimate at `time` is shown where it is
    at least one half (HRSA, frequently asked questions). 0 without patients."""
    due = column_of_numbers(potential, "potential", "not_a_number")
    return float(np.mean(due >= time)) if due.size else 0.0


@dataclass(frozen=True)
class StabilityRule:
    """Below either number an estimate is hatched and not ranked. Whether it may be seen at all is another rule
    (disclosure). least_share: of patients who could have reached the time that is spoken of."""

    least_patients: int = 20
    least_at_risk: int = 10
    least_share: float = 0.5

    def is_stable(self, patients: int, at_risk: int) -> bool:
        return patients >= self.least_patients and at_risk >= self.least_at_risk

    def may_speak_of(self, potential: npt.ArrayLike, time: float) -> bool:
        return share_that_could_reach(potential, time) >= self.least_share
