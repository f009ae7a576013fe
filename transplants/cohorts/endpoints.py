"""Endpoints: when each is reached, what competes with it, and of whom nothing is known (domain notes, workflow 4.3).

Missing is never "no": who has no answer to the question is left out of its endpoint and counted. What happens on the
same day as death happened before it. A second transplant does not end overall survival.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from transplants.choices_outcomes import GROUP_OF_CAUSE, Cause, CauseGroup
from transplants.cohorts.frame import Bools, Course, Floats, Frame
from transplants.statistics.arrays import Ints

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

OF_INTEREST, COMPETING = 1, 2
CAUSES: Final = tuple(CauseGroup.values)  # code of a cause of death: its place here, from 1


@dataclass(frozen=True)
class Endpoint:
    """rule: what is counted, in words. competing: what competes; empty for survival. grid: days of its table.

    day: at which it is reported.
    """

    key: str
    label: StrPromise
    rule: StrPromise
    competing: StrPromise | str
    times: Callable[[Course], tuple[Floats, Ints, Bools]]
    day: float | None = None
    grid: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class EndpointData:
    """time: days, event: codes, known: of whom the question is answered; shape (n,) each. key: of the endpoint."""

    key: str
    time: Floats
    event: Ints
    known: Bools


def endpoint_data(frame: Frame, endpoint: Endpoint) -> EndpointData:
    time, event, known = endpoint.times(frame.course)
    return EndpointData(
        endpoint.key, np.nan_to_num(time), event.astype(np.int64), known & frame.course.flag("reported")
    )


def _first(*days: Floats) -> Floats:
    """The earliest day, NaN where none has come."""
    first: Floats = np.fmin.reduce(days)
    return first


def _survival(course: Course, event_day: Floats, known: Bools) -> tuple[Floats, Ints, Bools]:
    """Event 1 at the earlier of event_day and death; else censored at the last contact."""
    followed, dead = course.days("followed"), course.flag("dead")
    first = _first(event_day, np.where(dead, followed, np.nan))
    happened = ~np.isnan(first)
    return np.where(happened, first, followed), happened.astype(np.int64), known


def _against(course: Course, event_day: Floats, rival: Floats, known: Bools) -> tuple[Floats, Ints, Bools]:
    """Event 1 on event_day, 2 on the day of a rival or of death, whichever is first."""
    followed, dead = course.days("followed"), course.flag("dead")
    rivals = _first(rival, np.where(dead, followed, np.nan))
    own = ~np.isnan(event_day) & ~(rivals < event_day)
    other = ~own & ~np.isnan(rivals)
    event = np.where(own, OF_INTEREST, np.where(other, COMPETING, 0))
    time = np.where(own, event_day, np.where(other, rivals, followed))
    return time, event, known


def _relapse_day(course: Course) -> Floats:
    """A death by relapse of which no day was reported is a relapse on the day of death."""
    died_of_it = course.flag("dead") & (course.columns["cause"] == Cause.RELAPSE.value)
    return np.where(
        np.isnan(course.days("relapse")) & died_of_it, course.days("followed"), course.days("relapse")
    )


def _relapse_known(course: Course) -> Bools:
    known: Bools = course.flag("relapse_known") | (course.columns["cause"] == Cause.RELAPSE.value)
    return known


def _none(course: Course) -> Floats:
    return np.full(len(course.columns["dead"]), np.nan)


def _overall(course: Course) -> tuple[Floats, Ints, Bools]:
    return _survival(course, _none(course), course.flag("reported"))


def _event_free(course: Course) -> tuple[Floats, Ints, Bools]:
    day = _first(_relapse_day(course), course.days("failure"), course.days("second"))
    return _survival(course, day, _relapse_known(course) & course.flag("failure_known"))


def _event_free_inherited(course: Course) -> tuple[Floats, Ints, Bools]:
    """Of disorders that do not relapse."""
    day = _first(course.days("failure"), course.days("second"))
    return _survival(course, day, course.flag("failure_known"))


def _grfs(course: Course) -> tuple[Floats, Ints, Bools]:
    day = _first(course.days("acute_3"), course.days("chronic_systemic"), _relapse_day(course))
    known = course.flag("acute_known") & course.flag("chronic_known") & _relapse_known(course)
    return _survival(course, day, known)


def _relapse(course: Course) -> tuple[Floats, Ints, Bools]:
    return _against(course, _relapse_day(course), _none(course), _relapse_known(course))


def _before_second(key: str, known: str) -> Callable[[Course], tuple[Floats, Ints, Bools]]:
    def times(course: Course) -> tuple[Floats, Ints, Bools]:
        return _against(course, course.days(key), course.days("second"), course.flag(known))

    return times


def _failure(course: Course) -> tuple[Floats, Ints, Bools]:
    day = _first(course.days("failure"), course.days("second"))
    return _against(course, day, _none(course), course.flag("failure_known") | ~np.isnan(day))


def _causes(course: Course) -> tuple[Floats, Ints, Bools]:
    """Codes by group of cause; a death whose cause was not reported is known, its cause is not: it is left out."""
    dead, cause = course.flag("dead"), course.columns["cause"]
    texts, inverse = np.unique(cause, return_inverse=True)
    codes = [CAUSES.index(GROUP_OF_CAUSE[text]) + 1 if text else 0 for text in texts.tolist()]
    found = np.array(codes, dtype=np.int64)[inverse] if texts.size else np.zeros(0, dtype=np.int64)
    return course.days("followed"), np.where(dead, found, 0), ~dead | (cause != "")


_DEATH: Final = _("death without it")
_SECOND: Final = _("death or a second transplant before it")

OVERALL: Final = Endpoint(
    "os",
    _("Overall survival"),
    _("Death of any cause; censored at the last contact. A second transplant does not censor."),
    "",
    _overall,
)
EVENT_FREE: Final = Endpoint(
    "efs",
    _("Event-free survival"),
    _("Relapse or progression, graft failure, a second transplant or death, whichever is first."),
    "",
    _event_free,
)
EVENT_FREE_INHERITED: Final = Endpoint(
    "efs",
    _("Event-free survival"),
    _("Graft failure, a second transplant or death, whichever is first."),
    "",
    _event_free_inherited,
)
GRFS: Final = Endpoint(
    "grfs",
    _("Survival free of GVHD and relapse (GRFS)"),
    _(
        "Acute GVHD of grade III or IV, chronic GVHD treated systemically, relapse or death, whichever is first."
    ),
    "",
    _grfs,
)
RELAPSE: Final = Endpoint(
    "relapse",
    _("Relapse and non-relapse mortality"),
    _("Relapse or progression; its rival is death without it, which is the non-relapse mortality."),
    _DEATH,
    _relapse,
)
NEUTROPHILS: Final = Endpoint(
    "neutrophils",
    _("Neutrophil engraftment"),
    _("First of three days in a row with at least 0.5 × 10⁹/L."),
    _SECOND,
    _before_second("neutrophils", "neutrophils_known"),
    42,
    (0.0, 14.0, 21.0, 28.0, 42.0, 60.0),
)
PLATELETS: Final = Endpoint(
    "platelets",
    _("Platelet engraftment"),
    _("First of three days in a row with at least 20 × 10⁹/L, seven days after the last transfusion."),
    _SECOND,
    _before_second("platelets", "platelets_known"),
    100,
    (0.0, 28.0, 42.0, 60.0, 100.0, 180.0),
)
FAILURE: Final = Endpoint(
    "failure",
    _("Graft failure"),
    _("Primary or secondary graft failure, or a second transplant."),
    _DEATH,
    _failure,
    100,
    (0.0, 28.0, 42.0, 60.0, 100.0, 180.0, 365.0),
)
ACUTE_2: Final = Endpoint(
    "acute2",
    _("Acute GVHD, grade II to IV"),
    _("Grade II or more; graded by MAGIC from the organ stages."),
    _SECOND,
    _before_second("acute_2", "acute_known"),
    100,
    (0.0, 28.0, 60.0, 100.0, 180.0),
)
ACUTE_3: Final = Endpoint(
    "acute3",
    _("Acute GVHD, grade III and IV"),
    _("Grade III or IV; graded by MAGIC from the organ stages."),
    _SECOND,
    _before_second("acute_3", "acute_known"),
    100,
    (0.0, 28.0, 60.0, 100.0, 180.0),
)
CHRONIC: Final = Endpoint(
    "chronic",
    _("Chronic GVHD"),
    _("Of any severity (NIH)."),
    _SECOND,
    _before_second("chronic", "chronic_known"),
    365.25,
    (0.0, 100.0, 182.625, 365.25, 730.5, 1095.75),
)
CAUSE_OF_DEATH: Final = Endpoint(
    "causes",
    pgettext_lazy("outcomes", "Causes of death"),
    _("Death by its one primary cause; the other causes compete."),
    _("death of another cause"),
    _causes,
)
SURVIVALS: Final = (OVERALL, EVENT_FREE, GRFS)
INCIDENCES: Final = (RELAPSE, NEUTROPHILS, PLATELETS, FAILURE, ACUTE_2, ACUTE_3, CHRONIC)
