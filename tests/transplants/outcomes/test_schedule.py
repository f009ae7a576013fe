"""When a form is due: the calendar of the registries, and that periods never overlap."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transplants.outcomes.made import DAY_0, day
from transplants.outcomes.schedule import (
    VISIT,
    VISITS,
    Due,
    Followed,
    State,
    first_missing,
    last_day_of,
    state_of,
    states,
    visit_of,
)

CODES = [visit.code for visit in VISITS]


def test_the_visits_of_the_registries() -> None:
    assert CODES == [
        "d100", "m6", "y1", "y2", "y3", "y4", "y5", "y6",
        "y8", "y10", "y12", "y14", "y16", "y18", "y20", "y22", "y24", "y26", "y28", "y30",
    ]  # fmt: skip


def test_the_one_year_contact_is_after_day_365() -> None:
    assert (VISIT["y1"].opens, VISIT["y1"].closes) == (366, 425)
    assert visit_of(365) == VISIT["m6"]
    assert visit_of(366) == VISIT["y1"]


def test_periods_do_not_overlap_and_leave_no_gap() -> None:
    for visit, following in pairwise(VISITS):
        assert visit.opens <= visit.due <= visit.closes < following.opens
        assert last_day_of(visit) == following.opens - 1
    assert last_day_of(VISITS[-1]) is None


@given(st.integers(0, 12000))
def test_every_day_belongs_to_one_form_at_most(days: int) -> None:
    holding = [one for one in VISITS if one.opens <= days and days <= (last_day_of(one) or days)]

    assert [visit_of(days)] == (holding or [None])
    assert len(holding) <= 1


def followed(**given: Any) -> Followed:
    done = frozenset(given.pop("done", ()))
    return Followed(DAY_0, done=done, **given)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ("d100", 85, 115)),
        ({"done": ["d100"]}, ("m6", 153, 213)),
        ({"done": ["m6"]}, ("y1", 366, 425)),  # what day 100 would have told stands in the later form
        ({"done": ["d100", "m6", "y1"]}, ("y2", 731, 790)),
        ({"reached": 400}, ("y2", 731, 790)),  # a list that was taken over tells as far
        ({"reached": 20}, ("d100", 85, 115)),
        ({"died": 50.0}, ("d100", 50, 110)),  # a form has to say how, at once
        ({"died": 50.0, "told_dead": True, "done": ["d100"]}, None),
        ({"is_lost": True, "done": ["d100"]}, None),
        ({"next_day_0": day(100), "done": ["d100"]}, None),  # followed with the later transplant
        ({"next_day_0": day(90)}, ("d100", 85, 115)),
        ({"done": CODES}, None),
    ],
)
def test_the_first_form_that_is_missing(given: dict[str, Any], wanted: tuple[str, int, int] | None) -> None:
    expected = wanted and Due(wanted[0], day(wanted[1]), day(wanted[2]))

    assert first_missing(followed(**given)) == expected


@pytest.mark.parametrize(
    ("days", "state"),
    [(84, State.TO_COME), (85, State.DUE), (115, State.DUE), (116, State.OVERDUE)],
)
def test_due_to_the_day(days: int, state: State) -> None:
    assert state_of(VISITS[0], followed(), day(days)) == state


def test_states_of_a_course() -> None:
    found = {visit.code: state for visit, state in states(followed(done=["m6"]), day(800))}

    assert [found[code] for code in ("d100", "m6", "y1", "y2", "y3")] == [
        State.PASSED, State.DONE, State.OVERDUE, State.OVERDUE, State.TO_COME,
    ]  # fmt: skip


def test_of_the_dead_one_form_is_asked_and_no_other() -> None:
    found = [state for _, state in states(followed(died=50.0), day(60))]

    assert (found[0], set(found[1:])) == (State.DUE, {State.ENDED})
    assert state_of(VISITS[0], followed(died=50.0), day(111)) == State.OVERDUE


def test_of_the_lost_nothing_is_due_until_they_are_found() -> None:
    lost = followed(done=["d100"], is_lost=True)

    assert {state for _, state in states(lost, day(5000))} == {State.DONE, State.LOST}
    assert first_missing(followed(done=["d100", "y1"])) is not None


FOLLOWED = st.builds(
    followed,
    done=st.lists(st.sampled_from(CODES), max_size=4),
    died=st.one_of(st.none(), st.floats(0, 9000)),
    told_dead=st.booleans(),
    is_lost=st.booleans(),
    next_day_0=st.one_of(st.none(), st.integers(1, 9000).map(day)),
)


@given(FOLLOWED, st.integers(0, 12000))
def test_lists_and_pages_say_the_same(one: Followed, days: int) -> None:
    """What is due by the states of all forms is due by the first that is missing, and the other way round."""
    today = day(days)
    found = {visit.code: state for visit, state in states(one, today)}
    missing = first_missing(one)

    asked = {code for code, state in found.items() if state in (State.DUE, State.OVERDUE)}
    if missing is None or missing.opens_on > today:
        assert not asked
    else:
        assert missing.visit in asked
        assert (found[missing.visit] == State.OVERDUE) == (missing.closes_on < today)
    assert missing is None or missing.opens_on >= DAY_0


def test_days_are_kept_as_days() -> None:
    assert isinstance(VISIT["y4"].opens, int)
    assert VISIT["y4"].opens == 1462
    assert day(1462) == DAY_0 + dt.timedelta(days=1462)
