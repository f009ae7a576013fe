"""Who is in a cohort: rules applied one after another, each with the number that it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext_lazy as _

from hospitals.choices import DiagnosisGroup
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import ALL_GROUPS, CORE_GRAFTS, DIMENSIONS, GROUP_OF, Codes
from transplants.cohorts.frame import Baseline, Bools, Frame

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

REASONS: Final[dict[str, StrPromise]] = {
    "not_first": _("not the first transplant of the patient"),
    "no_own_unit": _("no unit of this bank in the graft"),
    "disease": _("another disease"),
    "graft": _("cord blood with a haploidentical graft, or supportive (switched off)"),
    "hospital": _("another hospital"),
    "list": _("another list"),
    "years": _("another time of transplant"),
    "not_reported": _("nothing reported since the transplant"),
}


@dataclass(frozen=True)
class Selection:
    """rows: bool, shape (n,), who is in. exclusions: (reason or dimension, how many it left out), in order."""

    rows: Bools
    exclusions: tuple[tuple[str, int], ...]

    @property
    def n(self) -> int:
        return int(self.rows.sum())


def reason_label(reason: str) -> StrPromise:
    return REASONS[reason] if reason in REASONS else DIMENSIONS[reason].label


def selected(frame: Frame, cohort: Cohort, within: Bools | None = None) -> Selection:
    """The cohort's rows. within: only these count at all (a reader's own hospital)."""
    baseline = frame.baseline
    rows = np.ones(len(frame), dtype=np.bool_) if within is None else within.copy()
    exclusions: list[tuple[str, int]] = []

    def keep(reason: str, those: Bools) -> None:
        nonlocal rows
        left = rows & those
        exclusions.append((reason, int(rows.sum() - left.sum())))
        rows = left

    keep("not_first", baseline.number("sequence") == 1)
    keep("no_own_unit", baseline.columns["own"])
    if cohort.group != ALL_GROUPS or cohort.diagnoses:
        keep("disease", of_disease(baseline, cohort))
    if not cohort.combined:
        keep("graft", core_graft(baseline))
    if cohort.hospital:
        keep("hospital", baseline.of_key("hospital", [cohort.hospital]))
    if cohort.batch:
        keep("list", baseline.of_key("batch", [cohort.batch]))
    if cohort.since or cohort.until:
        years = baseline.years
        keep("years", (years >= (cohort.since or 0)) & (years <= (cohort.until or 9999)))
    for key, values in cohort.chosen:
        dimension = DIMENSIONS[key]
        wanted = [dimension.keys.index(value) for value in values]
        keep(key, np.isin(strata_of(frame, key), wanted))
    keep("not_reported", informed(frame))
    return Selection(rows, tuple(exclusions))


def of_disease(baseline: Baseline, cohort: Cohort) -> Bools:
    """A coded list decides what is a blood cancer; a diagnosis that is not on it counts to the other diseases."""
    column = baseline.text("diagnosis")
    if cohort.diagnoses:
        return np.isin(column, cohort.diagnoses)
    same: Bools = groups_of_rows(baseline) == cohort.group
    return same


def groups_of_rows(baseline: Baseline) -> npt.NDArray[np.str_]:
    """The group of diseases of each row, shape (n,)."""
    texts, inverse = np.unique(baseline.text("diagnosis"), return_inverse=True)
    if not texts.size:
        return np.zeros(0, dtype=np.str_)
    other = DiagnosisGroup.OTHER.value
    return np.array([GROUP_OF.get(text, other) for text in texts.tolist()], dtype=np.str_)[inverse]


def core_graft(baseline: Baseline) -> Bools:
    return np.isin(baseline.text("graft"), sorted(CORE_GRAFTS))


def informed(frame: Frame) -> Bools:
    """Anything is known of the time after day 0: a contact later than it, or a death."""
    followed = np.nan_to_num(frame.course.days("followed"))
    return frame.course.flag("reported") & (frame.course.flag("dead") | (followed > 0))


def strata_of(frame: Frame, split: str) -> Codes:
    """Index of the stratum of each row; one stratum without a split."""
    if not split:
        return np.zeros(len(frame), dtype=np.int16)
    return frame.once(("strata", split), lambda: DIMENSIONS[split].codes(frame.baseline))
