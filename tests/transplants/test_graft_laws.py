"""Laws of what a hospital reports: times, doses, doubts; whatever is given."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank.limits import Limits
from core.errors import InvalidInput
from transplants.choices_orders import GraftPoint, ThawMethod
from transplants.graft_reports import (
    COUNTED,
    TIME_FAULTS,
    Count,
    Known,
    Report,
    doubts,
    guard_report,
    time_fault,
)

DAY = dt.date(2026, 5, 4)
NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
# The machine may be busy; what is drawn is small.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MINUTES = st.integers(-3, 3)  # few, so that equal moments are met


def at(minutes: int) -> dt.datetime:
    return NOON + dt.timedelta(minutes=minutes)


PLAIN = Report(
    scanned="U1",
    thaw_method="washed",
    thawed_at=at(-120),
    began_at=at(-60),
    ended_at=at(-30),
    volume_ml=Decimal("48.0"),
    all_given=True,
    weight_kg=Decimal("12.40"),
    graft_type="single",
)
KNOWN = Known(tnc_e7=130.0, cd34_e6=4.0, weight_kg=Decimal("12.40"), infusion_on=DAY, arrived_at=None)
LIMITS = Limits()


@CALM
@given(MINUTES, MINUTES, MINUTES, MINUTES)
def test_times_are_taken_exactly_where_they_are_in_order(
    arrived: int, thaw: int, begin: int, end: int
) -> None:
    report = replace(PLAIN, thawed_at=at(thaw), began_at=at(begin), ended_at=at(end))

    fault = time_fault(report, at(arrived), NOON)

    assert (fault is None) == (arrived <= thaw <= begin <= end <= 0)
    if fault:
        assert (fault[1] in TIME_FAULTS, hasattr(report, fault[0])) == (True, True)


@CALM
@given(MINUTES, MINUTES, MINUTES, st.integers(-1000, 1000))
def test_a_shift_of_all_times_changes_nothing(thaw: int, begin: int, end: int, shift: int) -> None:
    def fault(by: int) -> Any:
        report = replace(PLAIN, thawed_at=at(thaw + by), began_at=at(begin + by), ended_at=at(end + by))
        return time_fault(report, at(by - 1), at(by))

    assert fault(0) == fault(shift)


COUNTS = st.builds(
    Count,
    st.sampled_from([one.value for one in GraftPoint]),
    st.sampled_from([one.value for one in COUNTED]),
    st.floats(allow_nan=True, allow_infinity=True),
)


@CALM
@given(st.lists(COUNTS, max_size=6))
def test_whatever_is_counted_is_taken_asked_about_or_refused_beside_its_field(counts: list[Count]) -> None:
    report, fields = replace(PLAIN, counts=tuple(counts)), {one.field for one in counts}

    refused = refusal_of(report)

    if refused is not None:
        assert refused in {"values"} | fields
        return
    found = doubts(report, KNOWN, LIMITS, DAY)
    assert {one.field for one in found} <= fields
    assert all(" " not in one.code and len(one.code) <= 80 for one in found)


def refusal_of(report: Report) -> str | None:
    """The field that cannot be right."""
    try:
        guard_report(report, KNOWN, NOON)
    except InvalidInput as error:
        return error.field
    return None


@CALM
@given(st.floats(0.31, 1.29), st.sampled_from([0.001, 0.1, 10, 1000]))
def test_a_count_in_the_wrong_power_of_ten_is_never_taken_silently(share: float, slip: float) -> None:
    value = KNOWN.tnc_e7 * share if KNOWN.tnc_e7 else 0
    right = replace(PLAIN, counts=(Count("arrival", "tnc", value),))
    wrong = replace(PLAIN, counts=(Count("arrival", "tnc", value * slip),))

    assert doubts(right, KNOWN, LIMITS, DAY) == []
    assert [one.field for one in doubts(wrong, KNOWN, LIMITS, DAY)] == ["arrival_tnc"]


@CALM
@given(st.decimals(1, 250, places=2), st.decimals(1, 250, places=2))
def test_a_weight_is_asked_about_where_it_differs_by_a_tenth(ordered: Decimal, kg: Decimal) -> None:
    report, known = replace(PLAIN, weight_kg=kg), replace(KNOWN, weight_kg=ordered)

    asked = [one.field for one in doubts(report, known, LIMITS, DAY)]

    assert (asked == ["weight_kg"]) == (abs(float(kg / ordered) - 1) > 0.1)


@pytest.mark.parametrize(
    ("method", "hours"),
    [(ThawMethod.DIRECT, 4), (ThawMethod.DILUTED, 4), (ThawMethod.WASHED, 24), (ThawMethod.OTHER, 4)],
)
def test_how_long_a_thawed_unit_may_stand_depends_on_its_washing(method: ThawMethod, hours: int) -> None:
    def asked(minutes: int) -> list[str]:
        report = replace(PLAIN, thaw_method=method, thawed_at=at(-minutes), began_at=at(-1), ended_at=at(0))
        return [one.field for one in doubts(report, KNOWN, LIMITS, DAY)]

    assert (asked(60 * hours), asked(60 * hours + 1)) == ([], ["ended_at"])
