"""Days of engraftment: the vectors of the published manuals, and the laws of the definitions."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transplants.outcomes.made import day, neutrophils, platelets
from transplants.outcomes.engraftment import Count, neutrophil_day, platelet_day

CIBMTR_2008 = (10, 35, 30, 25, 10, 15, 19, 23, 25, 40, 50)
MANUAL_2100 = (10, 30, 25, 10, 15, 19, 23, 25, 40, 50, 56, 65, 72)


def test_platelets_of_the_first_manual() -> None:
    """q12-14: the last transfusion on day 0 moves the day from 2 to 8 January."""
    new_year = dt.date(2008, 1, 1)

    assert platelet_day(platelets(new_year, *CIBMTR_2008)) == dt.date(2008, 1, 2)
    assert platelet_day(platelets(new_year, *CIBMTR_2008, given=(new_year,))) == dt.date(2008, 1, 8)


def test_platelets_of_the_newer_manual() -> None:
    """Form 2100, q13-18: of at least 20 on 20 June, of at least 50 on 22 June."""
    first = dt.date(2023, 6, 13)
    rows = platelets(first, *MANUAL_2100, given=(first,))

    assert platelet_day(rows) == dt.date(2023, 6, 20)
    assert platelet_day(rows, limit=Decimal(50)) == dt.date(2023, 6, 22)


def test_platelets_never_below_and_never_given_have_no_day() -> None:
    """Nothing to recover from: not applicable, which is not "not recovered"."""
    rows = platelets(day(1), 90, 70, 60, 80)

    assert platelet_day(rows) is None
    assert platelet_day([*rows, Count(day(0), transfused=True)]) is None  # no three values after seven days


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((0.1, 0.5, 0.5, 0.5), 11),
        ((0.1, 0.5, 0.5, 0.49, 0.5, 0.5, 0.5), 14),  # a value below begins anew
        ((0.9, 0.8, 0.7, 0.1, 0.6, 0.7, 0.8), 14),  # before the nadir nothing counts
        ((0.1, 0.5, None, 0.6, None, 0.7), 11),  # consecutive values, days between not measured
        ((0.1, 0.5, 0.5), None),
        ((0.6, 0.7, 0.8), None),  # never below
        ((0.1, 0.2, 0.1), None),
        ((), None),
        ((None, None), None),
    ],
)
def test_neutrophils(values: tuple[float | None, ...], wanted: int | None) -> None:
    assert neutrophil_day(neutrophils(*values)) == (None if wanted is None else day(wanted))


def test_a_nadir_that_is_reached_twice_counts_from_its_first_day() -> None:
    assert neutrophil_day(neutrophils(0.1, 0.6, 0.6, 0.6, 0.1, 0.6, 0.6, 0.6)) == day(11)


VALUES = st.lists(st.one_of(st.none(), st.integers(0, 15).map(lambda tenth: tenth / 10)), max_size=20)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_in_which_counts_come_changes_nothing(
    values: list[float | None], chance: random.Random
) -> None:
    rows = neutrophils(*values)
    mixed = list(rows)
    chance.shuffle(mixed)

    assert neutrophil_day(mixed) == neutrophil_day(rows)


@given(VALUES)
def test_the_day_is_the_definition(values: list[float | None]) -> None:
    """The slow reading: the first of three values of at least 0.5 in a row, none of them before the lowest one."""
    found = neutrophil_day(neutrophils(*values))
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    lowest = min((value for _, value in known), default=1.0)
    after = [one for one in known if lowest < 0.5 and one[0] >= next(p for p, v in known if v == lowest)]
    runs = [
        after[start][0]
        for start in range(len(after) - 2)
        if all(value >= 0.5 for _, value in after[start : start + 3])
    ]

    assert found == (day(10 + runs[0]) if runs else None)


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=20),
    st.lists(st.integers(0, 25), max_size=4, unique=True),
)
def test_no_transfusion_in_the_seven_days_up_to_recovery(values: list[int], given_on: list[int]) -> None:
    found = platelet_day(platelets(day(0), *values, given=tuple(day(one) for one in given_on)))

    if found is None:
        return
    place = (found - day(0)).days
    assert values[place] >= 20
    assert not [one for one in given_on if place - 6 <= one <= place]
