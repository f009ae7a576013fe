"""An outcome from forms and counts: each column, and the pitfalls that change a survival figure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transplants.outcomes.made import DAY_0, day, form, neutrophils
from transplants.outcomes.derive import DAYS_PER_MONTH, IMPORTED_VISIT, Course, derived


def outcome(*forms: Any, **given: Any) -> dict[str, Any]:
    return derived(Course(DAY_0, forms=forms, **given))


def test_without_anything_nothing_is_known() -> None:
    found = outcome()

    assert found["days_followed"] == 0
    assert not [name for name, value in found.items() if value not in (None, False, "", 0)]


def test_follow_up_reaches_to_the_last_day_of_contact_whatever_the_order() -> None:
    assert outcome(form(400), form(100))["days_followed"] == 400
    assert outcome(form(100), counts=neutrophils(0.1, first=130))["days_followed"] == 130
    assert outcome(form(100), day_of_next=day(250))["days_followed"] == 250


def test_death_ends_follow_up() -> None:
    found = outcome(form(100), form(250, "dead", primary_cause="viral"))

    assert (found["days_followed"], found["is_dead"], found["cause"]) == (250, True, "viral")


def test_a_death_before_the_last_contact_ends_follow_up_there() -> None:
    """Services refuse it; should a list hold it, nobody lives on after his death."""
    found = outcome(form(400), form(300, "dead"))

    assert (found["days_followed"], found["is_dead"]) == (300, True)


def test_a_patient_whose_record_was_closed_is_dead_before_a_form_says_so() -> None:
    found = outcome(form(100), died_on=day(140))

    assert (found["days_followed"], found["is_dead"], found["cause"]) == (140, True, "")


def test_a_second_transplant_does_not_end_survival_after_the_first() -> None:
    later = [form(900), form(1200, "dead", primary_cause="relapse", relapse="yes", relapse_on=1100)]
    found = outcome(form(100), day_of_next=day(300), later_forms=later)

    assert (found["days_followed"], found["is_dead"], found["cause"]) == (1200, True, "relapse")
    assert found["days_to_second"] == 300
    assert (found["days_to_relapse"], found["relapse_known"]) == (None, False)  # that is the later one's


def test_a_second_transplant_elsewhere_counts_from_the_form() -> None:
    found = outcome(form(400, second_transplant="yes", second_transplant_on=210), day_of_next=day(300))

    assert found["days_to_second"] == 210


def test_lost_and_found_again() -> None:
    lost = form(200, "lost")

    assert outcome(form(100), lost)["is_lost"]
    assert not outcome(form(100), lost, form(400))["is_lost"]
    assert not outcome(form(100), lost, form(400, "dead"))["is_lost"]


def test_an_event_on_day_0_is_an_event() -> None:
    found = outcome(form(0, "dead", primary_cause="cardiac", relapse="yes", relapse_on=0))

    assert (found["days_followed"], found["is_dead"], found["days_to_relapse"]) == (0, True, 0)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [("", (None, False)), ("unknown", (None, False)), ("no", (None, True)), ("yes", (60, True))],
)
@pytest.mark.parametrize("name", ["relapse", "chronic"])
def test_missing_is_not_no(name: str, answer: str, wanted: tuple[Any, bool]) -> None:
    more = {f"{name}_on": 60} if answer == "yes" else {}
    found = outcome(form(100, **{name: answer}, **more))

    assert (found[f"days_to_{name}"], found[f"{name}_known"]) == wanted


def test_an_event_is_not_undone_by_a_later_no_and_the_earliest_day_counts() -> None:
    found = outcome(
        form(100, relapse="yes", relapse_on=80),
        form(400, relapse="no"),
        form(800, relapse="yes", relapse_on=70),
    )

    assert (found["days_to_relapse"], found["relapse_known"]) == (70, True)


def test_counts_speak_before_what_a_form_says() -> None:
    said = form(100, neutrophils="yes", neutrophils_on=30)

    assert outcome(said)["days_to_neutrophils"] == 30
    found = outcome(said, counts=neutrophils(0.1, 0.5, 0.6, 0.7, first=20))
    assert (found["days_to_neutrophils"], found["neutrophils_known"]) == (21, True)


def test_counts_that_are_too_few_leave_the_word_to_the_form() -> None:
    found = outcome(form(100, neutrophils="yes", neutrophils_on=30), counts=neutrophils(0.1, 0.2))

    assert found["days_to_neutrophils"] == 30


def test_never_below_is_neither_recovered_nor_missing_recovery() -> None:
    found = outcome(form(100, platelets="never_below"))

    assert (found["days_to_platelets"], found["platelets_known"]) == (None, False)


@pytest.mark.parametrize(("followed", "wanted"), [(41, None), (42, 42), (100, 42)])
def test_primary_failure_by_the_clock(followed: int, wanted: int | None) -> None:
    assert outcome(form(followed, neutrophils="no"))["days_to_graft_failure"] == wanted


def test_no_word_of_neutrophils_is_no_failure() -> None:
    found = outcome(form(100))

    assert (found["days_to_graft_failure"], found["graft_failure_known"]) == (None, False)


def test_reported_failure_and_one_that_is_denied() -> None:
    later = outcome(
        form(100, neutrophils="yes", neutrophils_on=20),
        form(400, graft_failure="secondary", graft_failure_on=200),
    )
    assert (later["days_to_graft_failure"], later["graft_failure_known"]) == (200, True)
    assert outcome(form(100, graft_failure="no"))["graft_failure_known"]


@pytest.mark.parametrize(
    ("grade", "wanted"),
    [
        (0, (None, None)),
        (1, (None, None)),
        (2, (30, None)),
        (3, (30, 44)),
        (4, (30, 44)),
        (None, (None, None)),
    ],
)
def test_acute_disease_by_its_grade(grade: int | None, wanted: tuple[Any, Any]) -> None:
    found = outcome(form(100, acute="yes", acute_on=30, acute_grade=grade, acute_severe_on=44))

    assert (found["days_to_acute_2"], found["days_to_acute_3"]) == wanted
    assert found["acute_known"] is (grade is not None)


def test_a_duration_of_a_list_is_kept_as_given() -> None:
    """Months to the tenth decimal place give the survival of the published cohort to its printed digits."""
    found = outcome(form(1826, visit=IMPORTED_VISIT), months_followed=60.0123456789)

    assert found["days_followed"] == 60.0123456789 * DAYS_PER_MONTH


def test_the_latest_chimerism_counts() -> None:
    found = outcome(form(400, donor_chimerism_percent=98), form(100, donor_chimerism_percent=100), form(800))

    assert found["chimerism_percent"] == 98.0


ANSWERS = st.sampled_from(["", "no", "unknown", "yes"])
FORMS = st.lists(
    st.tuples(
        st.integers(1, 2000), ANSWERS, st.sampled_from(["alive", "alive", "lost", "dead"]), st.floats(0, 1)
    ),
    max_size=6,
    unique_by=lambda one: one[0],
)


def made(rows: list[tuple[int, str, str, float]]) -> list[Any]:
    return [
        form(days, contact, relapse=answer, relapse_on=day(int(days * share)) if answer == "yes" else None)
        for days, answer, contact, share in rows
    ]


@given(FORMS, st.permutations(range(6)))
def test_the_order_of_forms_changes_nothing(
    rows: list[tuple[int, str, str, float]], order: list[int]
) -> None:
    mixed = [rows[place] for place in order if place < len(rows)]

    assert outcome(*made(mixed)) == outcome(*made(rows))


@given(FORMS, st.integers(1, 2000))
def test_one_more_contact_never_shortens_follow_up_nor_takes_an_event_away(
    rows: list[tuple[int, str, str, float]], days: int
) -> None:
    before, after = outcome(*made(rows)), outcome(*made(rows), form(days, relapse="no"))

    assert after["is_dead"] == before["is_dead"]
    assert after["days_followed"] >= before["days_followed"]
    assert after["days_to_relapse"] == before["days_to_relapse"]
    if before["is_dead"]:
        assert after["days_followed"] == before["days_followed"]


@given(FORMS, st.integers(-1000, 1000))
def test_only_the_distance_to_day_0_counts(rows: list[tuple[int, str, str, float]], shift: int) -> None:
    by = dt.timedelta(days=shift)
    moved = made(rows)
    for one in moved:
        one.contact_on += by
        one.relapse_on = one.relapse_on + by if one.relapse_on else None

    assert derived(Course(DAY_0 + by, forms=moved)) == outcome(*made(rows))
