"""Synthetic units of which everything is known that a release asks for, so that their orders can go all the way.

Most units of the inventory were declared as released, and lack what only a unit in quarantine shows at its desk. These
few get the rest: the markers, cultures, blood group, decision and count that the proposed specification wants.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.utils import timezone

from bank.choices import (
    Analyte,
    CriterionKind,
    CultureKind,
    CultureValue,
    Eligibility,
    MarkerResultValue,
    MeasureUnit,
    ReleaseOutcome,
    Subject,
    TimePoint,
)
from bank.demo.release import MORE_TESTS, VIABLE_SHARE
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    EligibilityDecision,
    MarkerResult,
    Measurement,
    Release,
)
from bank.release.judge import Finding
from bank.services_release import judged
from core.models import User

_K = CriterionKind
SEGMENT_VIABILITY_PERCENT: Final = 88.0
_ADDED: Final = frozenset({_K.CULTURE, _K.ELIGIBILITY, _K.BLOOD_GROUP})


def fit(units: Sequence[CordBloodUnit]) -> list[CordBloodUnit]:
    """Those that lack nothing but what `complete` adds."""
    found = judged(units)
    return [unit for unit in units if all(_is_added(one) for one in found[unit.pk].open)]


def _is_added(one: Finding) -> bool:
    is_ours = one.kind in _ADDED or one.test in MORE_TESTS or one.analyte == "cd34_viable"
    return is_ours and one.verdict == "missing" and one.why == "none"


def complete(units: Sequence[CordBloodUnit], *, verifies: User) -> None:
    """Add what is missing and the signed decision that listed each. verifies: who vouched for the results."""
    found = judged(units)
    rows: dict[type[Any], list[Any]] = {}
    for unit in units:
        missing = {(str(one.kind), one.test or one.analyte) for one in found[unit.pk].open}
        for row in _rows(unit, missing):
            row.verified_by, row.verified_at = verifies, _noon(unit, 30)
            rows.setdefault(type(row), []).append(row)
    for model, made in rows.items():
        model.objects.bulk_create(made)
    _list(units, verifies)


def _rows(unit: CordBloodUnit, missing: set[tuple[str, str]]) -> Iterable[Any]:
    day = _noon(unit, 0).date()
    for test in MORE_TESTS:
        if (_K.MARKER, test) in missing:
            yield MarkerResult(
                unit=unit,
                subject=Subject.MOTHER,
                test=test,
                result=MarkerResultValue.NEGATIVE,
                specimen="serum",
                tested_on=day + dt.timedelta(days=3),
            )
    for kind in CultureKind:
        if (_K.CULTURE, kind) in missing:
            read = day + dt.timedelta(days=14)
            yield CultureResult(
                unit=unit, kind=kind, result=CultureValue.NO_GROWTH, method="BacT/ALERT", read_on=read
            )
    if (_K.BLOOD_GROUP, "") in missing:
        tested = day + dt.timedelta(days=2)
        yield BloodGroupResult(unit=unit, abo=unit.abo, rh=unit.rh, method="gel card", tested_on=tested)
    if (_K.ELIGIBILITY, "") in missing:
        yield EligibilityDecision(
            donation=unit.donation,
            decision=Eligibility.ELIGIBLE,
            questionnaire="Q-DEMO-3",
            interviewed_on=day,
        )
    if (_K.MEASUREMENT, "cd34_viable") in missing and unit.cd34_e6:
        yield Measurement(
            unit=unit,
            time_point=TimePoint.PROCESSING,
            analyte="cd34_viable",
            value=round(unit.cd34_e6 * sum(VIABLE_SHARE) / 2, 2),
            measure_unit=MeasureUnit.E6,
        )
    yield Measurement(  # of a segment that was thawed: nothing else says what the frozen cells still can
        unit=unit,
        time_point=TimePoint.POST_THAW_SEGMENT,
        analyte=Analyte.CD45_VIABILITY,
        value=SEGMENT_VIABILITY_PERCENT,
        measure_unit=MeasureUnit.PERCENT,
        method="7-AAD",
        measured_on=day + dt.timedelta(days=28),
    )


def _list(units: Sequence[CordBloodUnit], signs: User) -> None:
    found = judged(units)
    Release.objects.bulk_create(
        Release(
            unit=unit,
            specification=found[unit.pk].specification,
            outcome=ReleaseOutcome.PASSED,
            findings=[one.as_json() for one in found[unit.pk].findings],
            released_by=signs,
            signed_by=str(signs),
            released_at=_noon(unit, 45),
        )
        for unit in units
    )


def _noon(unit: CordBloodUnit, days_later: int) -> dt.datetime:
    assert unit.collected_on is not None  # of every unit that was collected
    day = unit.collected_on + dt.timedelta(days=days_later)
    return timezone.make_aware(dt.datetime.combine(day, dt.time(12)))
