"""Blood counts: typed in and from a file; what is refused, by line; engraftment that follows from them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from hospitals.models import Patient
from tests.factories.outcomes import day, dead, handed_in, outcome_of, transplanted
from transplants import count_files
from transplants.models import BloodCount, Transplant
from transplants.outcomes.engraftment import Count
from transplants.services_counts import Given, counts_save
from transplants.services_facts import facts_stamp, transplant_facts_update
from transplants.services_outcomes import current_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(patient: Patient) -> Transplant:
    return transplanted(100, patient=patient)


def given(row: Transplant, *values: tuple[int, str | None, str | None]) -> list[Given]:
    return [
        Given(line, Count(day(row, days), anc and Decimal(anc), platelets and Decimal(platelets)))
        for line, (days, anc, platelets) in enumerate(values, start=1)
    ]


def test_counts_give_the_day_of_engraftment_at_once(row: Transplant, he_lan: User) -> None:
    rows = given(row, (10, "0.1", "10"), (20, "0.5", "20"), (22, "0.6", "25"), (24, "0.7", "30"))

    assert counts_save(transplant_id=row.pk, given=rows, user=he_lan) == 4

    found = outcome_of(row)
    assert (found.days_to_neutrophils, found.days_to_platelets, found.days_followed) == (20, 20, 24)


def test_a_day_is_replaced_added_and_taken_out_and_the_trail_says_what_was(
    row: Transplant, he_lan: User
) -> None:
    counts_save(transplant_id=row.pk, given=given(row, (10, "0.1", "10"), (11, "0.2", None)), user=he_lan)
    changed = counts_save(
        transplant_id=row.pk,
        given=given(row, (10, "0.15", "10"), (12, None, "12")),
        remove=[day(row, 11)],
        user=he_lan,
    )

    assert changed == 3
    days = list(BloodCount.objects.values_list("counted_on", "anc_e9_per_l"))
    assert days == [(day(row, 10), Decimal("0.150")), (day(row, 12), None)]
    entry = AuditEntry.objects.filter(action="counts.save").latest("at")
    assert entry.before == {
        str(day(row, 10)): "0.1 / 10",
        str(day(row, 12)): "",
        str(day(row, 11)): "0.2 / –",
    }
    assert entry.after[str(day(row, 10))] == "0.15 / 10"


def test_what_is_known_already_changes_nothing(row: Transplant, he_lan: User) -> None:
    rows = given(row, (10, "0.1", "10"))
    counts_save(transplant_id=row.pk, given=rows, user=he_lan)
    version = current_version()

    assert counts_save(transplant_id=row.pk, given=rows, user=he_lan) == 0
    assert (current_version(), AuditEntry.objects.filter(action="counts.save").count()) == (version, 1)


@pytest.mark.parametrize(
    ("count", "code"),
    [
        ((-1, "0.5", None), "before_day_0"),
        ((101, "0.5", None), "in_the_future"),
        ((61, "0.5", None), "after_death"),
        ((10, "201", None), "out_of_range"),
        ((10, None, "3001"), "out_of_range"),
        ((10, None, None), "nothing"),
    ],
)
def test_what_cannot_be_so_is_refused_with_its_line(
    row: Transplant, he_lan: User, count: tuple[int, str | None, str | None], code: str
) -> None:
    handed_in(row, "d100", **dead(row, 60))
    with pytest.raises(InvalidInput) as caught:
        counts_save(transplant_id=row.pk, given=given(row, (9, "0.1", None), count), user=he_lan)

    assert [(one["line"], one["code"]) for one in caught.value.details] == [(2, code)]
    assert not BloodCount.objects.exists()


def test_one_day_one_line(row: Transplant, he_lan: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        counts_save(transplant_id=row.pk, given=given(row, (9, "0.1", None), (9, "0.2", None)), user=he_lan)
    assert [(one["line"], one["code"]) for one in caught.value.details] == [(2, "twice")]


def test_only_its_hospital_enters_counts(row: Transplant, tan_xi: User, shen_jia: User) -> None:
    for person in (tan_xi, shen_jia):
        with pytest.raises(NotAllowed):
            counts_save(transplant_id=row.pk, given=given(row, (9, "0.1", None)), user=person)


# --- files

DAY_0 = dt.date(2024, 3, 1)


def read(text: str) -> count_files.Read:
    return count_files.read(text.encode(), DAY_0)


def test_a_file_with_decimal_commas_and_days() -> None:
    found = read("day;anc;platelets;transfused\n10;0,12;15;yes\n11;;20,5;\n12;-;31;no\n")

    assert found.faults == []
    assert [one.count for one in found.given] == [
        Count(dt.date(2024, 3, 11), Decimal("0.12"), Decimal("15"), True),
        Count(dt.date(2024, 3, 12), None, Decimal("20.5"), False),
        Count(dt.date(2024, 3, 13), None, Decimal("31"), False),
    ]


def test_cells_per_microlitre_are_converted() -> None:
    found = read("date,anc_per_ul,platelets_per_ul\n2024-03-20,500,20000\n")

    assert [one.count for one in found.given] == [Count(dt.date(2024, 3, 20), Decimal("0.5"), Decimal(20))]


def test_everything_that_is_wrong_is_said_at_once_by_line() -> None:
    found = read(
        "date,day,anc,anc_per_ul,platelets,transfused\n"
        "2024-03-10,,0.1,,10,\n"
        "2024-13-10,,0.1,,10,\n"
        ",soon,0.1,,10,\n"
        ",,0.1,,10,\n"
        "2024-03-11,,0.1,100,10,\n"
        "2024-03-12,,few,,10,\n"
        "2024-03-13,,500,,10,\n"
        "2024-03-14,,0.1,,10,perhaps\n"
        "2024-03-10,,0.3,,10,\n"
        "2024-02-29,,0.3,,10,\n"
        "2024-03-15,,0.3\n"
    )

    assert [(one["line"], one["code"]) for one in found.faults] == [
        (3, "date_form"), (4, "day_form"), (5, "day_missing"), (6, "two_units"), (7, "number_form"),
        (8, "out_of_range"), (9, "yes_no"), (10, "twice"), (11, "before_day_0"), (12, "cells_count"),
    ]  # fmt: skip
    assert "anc_per_ul" in next(one["text"] for one in found.faults if one["line"] == 8)
    assert all(one["text"] for one in found.faults)


@pytest.mark.parametrize("text", ["", "leukocytes,day\n1,2\n", "day,anc\n", "day,day\n1,2\n"])
def test_a_file_that_cannot_be_read_at_all(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.field == "file"


# --- facts of the transplant


def facts(row: Transplant, user: User, **values: Any) -> Transplant:
    return transplant_facts_update(transplant_id=row.pk, values=values, seen=facts_stamp(row), user=user)


def test_facts_are_completed_and_figures_are_out_of_date(row: Transplant, he_lan: User) -> None:
    version = current_version()
    new = facts(row, he_lan, diagnosis="aml", risk_index="high", intensity="mac", karnofsky=90, atg="no")

    assert (new.diagnosis, new.karnofsky, current_version()) == ("aml", 90, version + 1)
    entry = AuditEntry.objects.get(action="transplant.facts")
    assert (entry.before["diagnosis"], entry.after["diagnosis"]) == ("mld", "aml")
    assert facts(new, he_lan, diagnosis="aml") == new
    assert AuditEntry.objects.filter(action="transplant.facts").count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"risk_index": "high"}, "risk_index"),  # mld is no blood cancer
        ({"diagnosis": "measles"}, "diagnosis"),
        ({"diagnosis": "other"}, "diagnosis_text"),
        ({"stage": "far"}, "stage"),
        ({"karnofsky": 95}, "karnofsky"),
        ({"hct_ci": 30}, "hct_ci"),
        ({"tbi_gy": Decimal("20.5")}, "tbi_gy"),
        ({"intensity": "hard"}, "intensity"),
        ({"infused_on": DAY_0}, "infused_on"),
    ],
)
def test_facts_that_cannot_be_so(row: Transplant, he_lan: User, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        facts(row, he_lan, **values)
    assert caught.value.field == field


def test_facts_of_a_stale_page_and_of_others(
    row: Transplant, he_lan: User, tan_xi: User, shen_jia: User
) -> None:
    seen = facts_stamp(row)
    facts(row, he_lan, atg="yes")
    with pytest.raises(Conflict):
        transplant_facts_update(transplant_id=row.pk, values={"atg": "no"}, seen=seen, user=he_lan)
    for person in (tan_xi, shen_jia):
        with pytest.raises(NotAllowed):
            facts(row, person, atg="no")
