"""Match success as observed: who counts, what counts as found, what is left out, who sees which figures."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import success
from matching.success import By, Definition, First, LeftOut, is_untold, judged, left_out, reaches

pytestmark = pytest.mark.django_db

ASKED = Definition(matches=5, min_tnc_e7_per_kg=Decimal("2.5"))
REACH: dict[str, Any] = {"possible": {"6": 2.0, "5": 3.0, "4": 9.0}, "certain": {"5": 2.4, "4": 9.0}}


def first(**values: Any) -> First:
    usual: dict[str, Any] = {
        "at": datetime(2025, 6, 1, tzinfo=UTC),
        "hospital_id": uuid4(),
        "hospital": "H1",
        "diagnosis": "aml",
        "populations": "HAN",
        "weight_kg": Decimal(20),
        "criteria": {"floors": {"antigen6": 4}, "min_tnc_e7_per_kg": None, "statuses": ["LISTED"]},
        "primary": "antigen6",
        "cut": 0,
        "in_error": False,
        "reach": REACH,
    }
    return First(**{**usual, **values})


@pytest.mark.parametrize(
    ("best", "wanted"),
    [
        ({}, False),
        ({"5": 2.5}, True),  # exactly at the dose
        ({"5": 2.49}, False),
        ({"6": 2.5}, True),  # a better class
        ({"4": 9.0}, False),
        ({"5": None}, False),  # no dose is known: not found
        ({"6": 2.0, "5": 2.4, "4": 9.0}, False),  # class and dose in different units
    ],
)
def test_class_and_dose_in_one_unit(best: dict[str, Any], wanted: bool) -> None:
    assert reaches(best, ASKED) == wanted


def test_without_a_dose_the_class_is_enough() -> None:
    assert reaches({"5": None}, Definition(5, Decimal(0)))


def criteria(**values: Any) -> dict[str, Any]:
    return {"floors": {"antigen6": 4}, "min_tnc_e7_per_kg": None, "statuses": ["LISTED"], **values}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, None),
        ({"criteria": criteria(floors={"antigen6": 5})}, None),  # as high as asked
        ({"criteria": criteria(floors={"antigen6": 6})}, LeftOut.FLOOR),
        ({"criteria": criteria(floors={"antigen6": 4, "allele8": 5})}, LeftOut.FLOOR),
        ({"criteria": criteria(floors={"antigen6": 4, "allele8": 0})}, None),
        ({"criteria": criteria(min_tnc_e7_per_kg="2.50")}, None),
        ({"criteria": criteria(min_tnc_e7_per_kg="2.51")}, LeftOut.DOSE),
        ({"criteria": criteria(statuses=["RESERVED"])}, LeftOut.STATUS),
        ({"weight_kg": None}, LeftOut.NO_WEIGHT),
        ({"in_error": True}, LeftOut.ERROR),
    ],
)
def test_who_is_left_out_is_decided_by_what_was_asked(values: dict[str, Any], reason: LeftOut | None) -> None:
    """Not by what was found: the same with a unit and without one."""
    for reach in (REACH, {"possible": {}, "certain": {}}):
        assert left_out(first(**values, reach=reach), ASKED) == reason


def test_a_patient_without_weight_counts_where_no_dose_is_asked() -> None:
    assert left_out(first(weight_kg=None), Definition(4, Decimal(0))) is None


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, False),
        ({"cut": 1}, False),  # its last units are of 4: all of 5 and 6 are there
        ({"cut": 1, "reach": {"possible": {"6": 1.0, "5": 1.0}, "certain": {}}}, True),
        ({"cut": 1, "reach": {"possible": {}, "certain": {}}}, True),
        ({"cut": 1, "primary": "allele8"}, True),
    ],
)
def test_whether_a_cut_list_can_tell(values: dict[str, Any], wanted: bool) -> None:
    assert is_untold(first(**values), ASKED) == wanted


def test_a_list_that_cannot_tell_counts_as_without_a_unit() -> None:
    short = {"possible": {"6": 1.0}, "certain": {}}
    share = success.count(judged([first(), first(cut=1, reach=short), first(weight_kg=None)], ASKED))

    assert (share.n, share.possible, share.certain, share.untold) == (2, 1, 0, 1)
    assert share.left_out == {LeftOut.NO_WEIGHT: 1}


BEST = st.dictionaries(st.sampled_from("3456"), st.one_of(st.none(), st.floats(0, 20)))


@given(BEST, st.integers(3, 6), st.decimals(0, 10, places=2))
def test_success_falls_with_class_and_dose(best: dict[str, Any], matches: int, dose: Decimal) -> None:
    if reaches(best, Definition(matches, dose)):
        assert reaches(best, Definition(matches - 1, dose))
        assert reaches(best, Definition(matches, max(dose - 1, Decimal(0))))


def test_intervals_of_wilson() -> None:
    share = success.Share(n=10, possible=10)

    low, high = share.interval(10) or (0, 0)

    assert (round(low, 3), high) == (0.722, 1.0)
    assert success.Share().interval(0) is None


def test_groups() -> None:
    rows = [
        first(populations="HAN:0.5+UIG:0.5", diagnosis="mld", at=datetime(2024, 12, 31, 20, tzinfo=UTC)),
        first(populations="", diagnosis="", hospital="H2"),
        first(),
    ]

    found = {
        by: {key: len(group) for key, group in success.groups(judged(rows, ASKED), by).items()} for by in By
    }

    assert found == {
        By.YEAR: {"2025": 3},  # New Year's Eve in Greenwich is 2025 in Shanghai
        By.HOSPITAL: {"H1": 2, "H2": 1},
        By.DISEASE: {"malignant": 1, "metabolic": 1, "": 1},
        By.POPULATION: {"HAN": 1, "mixed": 1, "": 1},
    }
