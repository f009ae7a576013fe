"""What a new list changes, by the class that orders it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.choices import CLASS_SIZE
from matching.models import SearchRun
from matching.results import LISTED
from matching.waiting import changes

A, B, C = (UUID(int=number) for number in (1, 2, 3))
Classes = dict[str, tuple[int, int]]


def row(unit: UUID, classes: Classes, **others: Any) -> tuple[Any, ...]:
    """A unit of a list; classes: certain and possible matches."""
    named = {
        f"{name}_{end}": span[at] for name, span in classes.items() for at, end in enumerate(("min", "max"))
    }
    return tuple({"unit_id": unit, **named, **others}.get(name) for name in LISTED)


def told(before: list[Any], after: list[Any], primary: str) -> dict[str, Any]:
    return changes(SearchRun(run_no=4), before, after, primary)


@pytest.mark.parametrize("primary", CLASS_SIZE)
def test_only_the_class_that_orders_the_list_makes_a_unit_better_or_worse(primary: str) -> None:
    same = dict.fromkeys(CLASS_SIZE, (3, 5))
    others = dict.fromkeys(CLASS_SIZE, (5, 5)) | {primary: (3, 5)}
    before = [row(unit, same, p0_of6=0.1) for unit in (A, B, C)]
    after = [
        row(A, others, p0_of6=0.9, tnc_e7=200.0),
        row(B, same | {primary: (4, 5)}),
        row(C, others | {primary: (4, 4)}),
    ]

    found = told(before, after, primary)

    assert {key: found[key] for key in ("new", "gone", "better", "worse", "news")} == {
        "new": 0, "gone": 0, "better": 1, "worse": 1, "news": 1,
    }  # fmt: skip
    assert found["units"] == [str(B)]


def test_units_that_came_and_went() -> None:
    span = {"antigen6": (4, 5)}

    found = told([row(A, span), row(B, span)], [row(C, span), row(A, span)], "antigen6")

    assert (found["against"], found["new"], found["gone"], found["better"], found["worse"]) == (4, 1, 1, 0, 0)
    assert found["units"] == [str(C)]


@given(
    st.sampled_from(sorted(CLASS_SIZE)),
    st.fixed_dictionaries({name: st.tuples(st.integers(0, 6), st.integers(0, 6)) for name in CLASS_SIZE}),
    st.fixed_dictionaries({name: st.tuples(st.integers(0, 6), st.integers(0, 6)) for name in CLASS_SIZE}),
)
def test_possible_matches_count_first_then_certain_ones(primary: str, old: Classes, new: Classes) -> None:
    unit = uuid4()
    was, now = (tuple(reversed(one[primary])) for one in (old, new))

    found = told([row(unit, old)], [row(unit, new)], primary)

    assert (found["better"], found["worse"]) == (int(now > was), int(now < was))
