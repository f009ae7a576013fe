"""What transplants may be chosen and split by: everything here is known on day 0.

A reader of outcomes cannot group by what happens later (that favours who lived long enough for it): the columns of the
course are not among the columns that a dimension may read (tests/transplants/test_cohorts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hospitals.choices import DIAGNOSES, DiagnosisGroup, Sex, Stage
from transplants.choices_orders import GraftType
from transplants.choices_outcomes import Intensity, RiskIndex, YesNo

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from transplants.cohorts.frame import Baseline

Codes = npt.NDArray[np.int16]
UNKNOWN: Final = "unknown"  # the last value of every dimension: missing is never "no"


@dataclass(frozen=True)
class Dimension:
    """values: (key in the address, words); codes(baseline): int16, shape (n,), index of the value of each row.

    open: readers without row access may split by it. A dimension that follows from another one is not open: two
    tables of linked dimensions tell what either hides.
    """

    key: str
    label: StrPromise
    values: tuple[tuple[str, StrPromise], ...]
    codes: Callable[[Baseline], Codes]
    open: bool = True

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key, _label in self.values)

    def label_of(self, key: str) -> StrPromise:
        return dict(self.values)[key]


_UNKNOWN_VALUE: Final = ((UNKNOWN, pgettext_lazy("value", "Not known")),)


def _listed(
    key: str, label: StrPromise, choices: Sequence[tuple[str, StrPromise]], *, open: bool = True
) -> Dimension:
    """A column of coded text; what is not in the list counts as not known."""
    values = (*choices, *_UNKNOWN_VALUE)
    places = {value: place for place, (value, _label) in enumerate(choices)}
    last = len(choices)

    def codes(baseline: Baseline) -> Codes:
        texts, inverse = np.unique(baseline.text(key), return_inverse=True)
        found = np.array([places.get(text, last) for text in texts.tolist()], dtype=np.int16)
        return found[inverse] if texts.size else np.zeros(0, dtype=np.int16)

    return Dimension(key, label, values, codes, open)


def _banded(
    key: str, label: StrPromise, values: tuple[tuple[str, StrPromise], ...], bounds: Sequence[float]
) -> Dimension:
    """A number cut at bounds (each the least of the next value); NaN is not known."""
    cuts = np.array(bounds, dtype=np.float64)

    def codes(baseline: Baseline) -> Codes:
        numbers = baseline.number(key)
        found = np.searchsorted(cuts, numbers, side="right")
        return np.where(np.isnan(numbers), len(values), found).astype(np.int16)

    return Dimension(key, label, (*values, *_UNKNOWN_VALUE), codes)


def _matched(key: str, label: StrPromise, least: int, most: int, *, open: bool) -> Dimension:
    values = tuple(
        (f"{n}", format_lazy(_("{n} of {of} or fewer"), n=n, of=most) if n == least else f"{n}/{most}")
        for n in range(most, least - 1, -1)
    )

    def codes(baseline: Baseline) -> Codes:
        numbers = baseline.number(key)
        found = most - np.clip(np.nan_to_num(numbers, nan=most), least, most)
        return np.where(np.isnan(numbers), len(values), found).astype(np.int16)

    return Dimension(key, label, (*values, *_UNKNOWN_VALUE), codes, open)  # type: ignore[arg-type]


AGE: Final = _banded(
    "age",
    _("Age group"),
    (
        ("0-4", _("0–4 years")),
        ("5-17", _("5–17 years")),
        ("18-39", _("18–39 years")),
        ("40-59", _("40–59 years")),
        ("60", _("60 years and older")),
    ),
    (5, 18, 40, 60),
)
ERA: Final = _banded(
    "era",
    pgettext_lazy("outcomes", "Era"),
    (
        ("-2004", _("to 2004")),
        ("2005-2009", _("2005–2009")),
        ("2010-2014", _("2010–2014")),
        ("2015-2019", _("2015–2019")),
        ("2020-", _("since 2020")),
    ),
    (2005, 2010, 2015, 2020),
)
DOSE: Final = _banded(
    "dose",
    _("TNC of all units (10⁷/kg)"),
    (("-2.5", _("under 2.5")), ("2.5-5", _("2.5–4.9")), ("5-10", _("5.0–9.9")), ("10-", _("10 and more"))),
    (2.5, 5, 10),
)
STAGE: Final = _listed("stage", _("Stage"), Stage.choices)
RISK: Final = _listed("risk", _("Disease risk index"), RiskIndex.choices, open=False)  # follows from stage
INTENSITY: Final = _listed("intensity", _("Intensity of conditioning"), Intensity.choices)
GRAFT: Final = _listed("graft", _("Graft"), GraftType.choices)
MATCH6: Final = _matched("match6", _("Match of the worst unit, of 6"), 3, 6, open=True)
MATCH8: Final = _matched(
    "match8", _("Match of the worst unit, of 8"), 4, 8, open=False
)  # follows from that of 6
SEX: Final = _listed("sex", _("Sex"), [(s.value, s.label) for s in (Sex.FEMALE, Sex.MALE)])
SYMPTOMATIC: Final = _listed(
    "symptomatic",
    _("Symptoms before transplant"),
    [(YesNo.NO.value, _("before symptoms")), (YesNo.YES.value, _("with symptoms"))],
    open=False,  # linked with stage
)
DIAGNOSIS: Final = _listed("diagnosis", _("Diagnosis"), [(d.code, d.label) for d in DIAGNOSES], open=False)

DIMENSIONS: Final[dict[str, Dimension]] = {
    d.key: d
    for d in (STAGE, AGE, ERA, DOSE, MATCH6, MATCH8, GRAFT, INTENSITY, RISK, SEX, SYMPTOMATIC, DIAGNOSIS)
}
# By what rows are left out one after another; the graft has its switch, the diagnosis its group.
FILTERS: Final = tuple(key for key in DIMENSIONS if key not in ("graft", "diagnosis", "era"))

ALL_GROUPS: Final = "all"
GROUP_OF: Final[dict[str, str]] = {d.code: d.group.value for d in DIAGNOSES}
GROUPS: Final = tuple(DiagnosisGroup.values)
NON_MALIGNANT: Final = frozenset(GROUPS) - {DiagnosisGroup.MALIGNANT.value}
# Inherited disorders: event-free survival is asked first, and whether there were symptoms.
INHERITED: Final = frozenset(
    {DiagnosisGroup.METABOLIC.value, DiagnosisGroup.HAEMOGLOBIN.value, DiagnosisGroup.IMMUNE.value}
)
CORE_GRAFTS: Final = frozenset({GraftType.SINGLE.value, GraftType.DOUBLE.value})
