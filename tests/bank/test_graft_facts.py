"""What is known of units for the choice of a graft: which value counts, what is told as not known, few queries."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bank.graft_facts import graft_facts, pairs_of
from bank.models import CordBloodUnit
from tests.factories.bank import (
    AccreditationFactory,
    BankFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MarkerFactory,
    MeasurementFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db


def measure(
    unit: CordBloodUnit, analyte: str, value: float, time_point: str = "processing", **more: Any
) -> None:
    unit_of = {"cfu": "e5"}.get(analyte, "percent")
    MeasurementFactory(
        unit=unit, analyte=analyte, value=value, time_point=time_point, measure_unit=unit_of, **more
    )


def test_what_is_recorded_is_told() -> None:
    unit = UnitFactory(red_cells="depleted", processing_method="Sepax", recalled=True)
    measure(unit, "cfu", 14.5)
    measure(unit, "haematocrit", 38)
    HaemoglobinopathyFactory(unit=unit, result="trait", verified_by=UserFactory(), verified_at=timezone.now())

    facts = graft_facts([unit.pk])[unit.pk]

    assert (facts.status, facts.blocks) == ("LISTED", ("recalled",))
    assert (facts.tnc_e7, facts.tnc_time_point) == (130.0, "processing")
    assert (facts.cd34_e6, facts.cd34_time_point) == (4.0, "processing")
    assert (facts.cfu_e5, facts.cfu_time_point) == (14.5, "processing")
    assert facts.haematocrit_percent == 38
    assert (facts.red_cells, facts.processing_method) == ("depleted", "Sepax")
    assert (facts.haemoglobinopathy, facts.haemoglobinopathy_verified) == ("trait", True)
    assert (facts.bank_code, facts.source, facts.donor_type) == (unit.bank.code, "own", "cord")
    assert facts.collected_on == unit.collected_on
    assert facts.updated_at == CordBloodUnit.objects.get(pk=unit.pk).updated_at


def test_what_is_not_recorded_is_none_and_never_zero() -> None:
    unit = UnitFactory(tnc_e7=None, cd34_e6=None, volume_ml=None, segments=None, sex="", abo="", rh="")

    facts = graft_facts([unit.pk])[unit.pk]

    values = (
        facts.tnc_e7, facts.cd34_e6, facts.cfu_e5, facts.volume_ml, facts.segments, facts.viability_percent,
        facts.cd34_viability_percent, facts.haematocrit_percent,
    )  # fmt: skip
    assert set(values) == {None}
    words = (
        facts.tnc_time_point, facts.cd34_time_point, facts.cfu_time_point, facts.viability_time_point,
        facts.cd34_viability_time_point, facts.red_cells, facts.processing_method, facts.haemoglobinopathy,
        facts.sex, facts.abo, facts.rh,
    )  # fmt: skip
    assert set(words) == {""}
    assert (facts.accreditations, facts.typing, facts.mother_typing) == ((), {}, {})
    assert not facts.haemoglobinopathy_verified


@pytest.mark.parametrize(
    ("points", "used"),
    [
        (["processing"], "processing"),
        (["processing", "post_thaw"], "post_thaw"),
        (["post_thaw", "post_thaw_segment", "processing"], "post_thaw_segment"),
        (["collection", "processing"], "processing"),
        (["collection"], ""),  # says nothing of the product
    ],
)
def test_viability_is_that_of_a_thawed_segment_first(points: list[str], used: str) -> None:
    unit = UnitFactory()
    for number, point in enumerate(points):
        measure(unit, "viability", 80 + number, point)
        measure(unit, "cd34_viability", 90 + number, point)

    facts = graft_facts([unit.pk])[unit.pk]

    assert facts.viability_time_point == facts.cd34_viability_time_point == used
    assert facts.viability_percent == (80 + points.index(used) if used else None)
    assert facts.cd34_viability_percent == (90 + points.index(used) if used else None)


def test_colonies_are_those_as_frozen_first() -> None:
    unit = UnitFactory()
    measure(unit, "cfu", 4, "post_thaw_segment")
    measure(unit, "cfu", 11, "processing")

    facts = graft_facts([unit.pk])[unit.pk]

    assert (facts.cfu_e5, facts.cfu_time_point) == (11, "processing")


def test_superseded_values_and_results_are_left_out() -> None:
    unit = UnitFactory()
    measure(unit, "viability", 50, superseded=True)
    HaemoglobinopathyFactory(unit=unit, result="pending", superseded=True)
    HaemoglobinopathyFactory(unit=unit, result="not_found")

    facts = graft_facts([unit.pk])[unit.pk]

    assert facts.viability_percent is None
    assert facts.haemoglobinopathy == "not_found"


def test_only_accreditations_of_the_bank_that_are_valid_today_count() -> None:
    today = timezone.localdate()
    day = dt.timedelta(days=1)
    bank, other = BankFactory(), BankFactory(code="B2")
    AccreditationFactory(bank=bank, scheme="aabb", valid_from=today, valid_until=today)
    AccreditationFactory(bank=bank, scheme="licence", number="L1")
    AccreditationFactory(bank=bank, scheme="licence", number="L2")
    AccreditationFactory(bank=bank, scheme="netcord_fact", valid_until=today - day)
    AccreditationFactory(bank=other, scheme="netcord_fact", valid_from=today + day)
    mine, theirs = UnitFactory(bank=bank), UnitFactory(bank=other)

    facts = graft_facts([mine.pk, theirs.pk])

    assert facts[mine.pk].accreditations == ("aabb", "licence")
    assert facts[mine.pk].accreditations_ended == ("netcord_fact",)
    assert facts[theirs.pk].accreditations == facts[theirs.pk].accreditations_ended == ()


def test_a_value_says_whether_somebody_vouched_for_it() -> None:
    unit, seen = UnitFactory(), {"verified_by": UserFactory(), "verified_at": timezone.now()}
    measure(unit, "cfu", 11)
    measure(unit, "viability", 90, "post_thaw", **seen)
    measure(unit, "viability", 95, "processing", invented=True)
    measure(unit, "cd34_viability", 95, invented=True, **seen)

    facts = graft_facts([unit.pk])[unit.pk]

    standings = (facts.cfu_standing, facts.viability_standing, facts.cd34_viability_standing)
    assert standings == ("unverified", "verified", "invented")
    assert facts.haematocrit_standing == ""


def test_the_newest_marker_counts_and_a_positive_one_for_good() -> None:
    unit, seen = UnitFactory(), {"verified_by": UserFactory(), "verified_at": timezone.now()}
    MarkerFactory(unit=unit, result="positive", tested_on="2020-05-01")
    MarkerFactory(unit=unit, result="negative", tested_on="2020-06-01", **seen)
    MarkerFactory(unit=unit, subject="unit", test="cmv", result="indeterminate", tested_on="2020-05-01")
    MarkerFactory(unit=unit, subject="unit", test="cmv", result="negative", tested_on="2020-06-01", **seen)
    MarkerFactory(unit=unit, subject="unit", test="syphilis", result="negative", **seen)
    MarkerFactory(unit=unit, subject="unit", test="syphilis", result="indeterminate", **seen)

    assert graft_facts([unit.pk])[unit.pk].markers == (
        ("mother", "hbs_ag", "positive", False),
        ("unit", "cmv", "negative", True),
        ("unit", "syphilis", "indeterminate", True),
    )


def test_the_current_typings_of_unit_and_mother_are_told_by_locus() -> None:
    unit = UnitFactory()
    HlaTypingFactory(unit=unit, is_current=False)
    HlaTypingFactory(unit=unit, canonical_gl="A*11:01+A*24:02^DRB3*02:02^DQA1*01:03+DQA1*05:01^A11+A24")
    HlaTypingFactory(unit=unit, subject="mother", is_current=False, canonical_gl="A*01:01+A*02:01")
    HlaTypingFactory(
        unit=unit,
        subject="mother",
        canonical_gl="A*11:01+A*33:03^B*40:01^DRB1*09:01/DRB1*09:02+DRB1*12:02^A11+A33",
        notes=[["B", "mother_differs", {"unit": "x", "mother": "y"}], ["A", "normalised", {}]],
    )

    facts = graft_facts([unit.pk])[unit.pk]

    assert facts.typing == {
        "A": ("A*11:01", "A*24:02"),
        "DRB3": ("DRB3*02:02", ""),
        "DQA1": ("DQA1*01:03", "DQA1*05:01"),
    }
    assert facts.mother_typing == {
        "A": ("A*11:01", "A*33:03"),
        "B": ("B*40:01", ""),
        "DRB1": ("DRB1*09:01/DRB1*09:02", "DRB1*12:02"),
    }
    assert facts.mother_differs == ("B",)


def test_a_mother_known_by_antigens_only_is_told_by_them() -> None:
    assert pairs_of("A2+A24^B60") == {"A": ("A2", "A24"), "B": ("B60", "")}


@pytest.mark.parametrize("count", [1, 20])
def test_three_queries_whatever_the_number(count: int, django_assert_num_queries: Any) -> None:
    units = [UnitFactory() for _ in range(count)]
    for unit in units:
        measure(unit, "cfu", 10)
        HlaTypingFactory(unit=unit)
        HlaTypingFactory(unit=unit, subject="mother")

    with django_assert_num_queries(3):
        found = graft_facts([unit.pk for unit in units])

    assert set(found) == {unit.pk for unit in units}


def test_nothing_is_asked_for_nothing_and_unknown_ids_are_left_out(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert graft_facts([]) == {}
    assert graft_facts([uuid4()]) == {}
