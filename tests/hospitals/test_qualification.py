"""Until when a hospital is qualified: on each day one answer, by row and by query; its history, and who is told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.audit import Actor
from core.errors import InvalidInput
from core.models import User
from core.roles import Role
from hospitals import services
from hospitals.choices import DUE, Qualification
from hospitals.data import HospitalData
from hospitals.hospital_page import qualification_history
from hospitals.models import Hospital
from hospitals.providers import work_items
from hospitals.querysets import QUALIFICATION_WARN
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory

TODAY = dt.date(2026, 11, 30)
DAY = dt.timedelta(days=1)
BY = Actor.system("test")
CASES = [
    (None, None, Qualification.NONE),
    (None, TODAY - DAY, Qualification.ENDED),
    (TODAY - 9 * DAY, TODAY - DAY, Qualification.ENDED),
    (None, TODAY, Qualification.SOON),
    (TODAY, TODAY, Qualification.SOON),
    (None, TODAY + QUALIFICATION_WARN, Qualification.SOON),
    (None, TODAY + QUALIFICATION_WARN + DAY, Qualification.VALID),
    (TODAY, TODAY + QUALIFICATION_WARN + DAY, Qualification.VALID),
    (TODAY + DAY, TODAY + 400 * DAY, Qualification.TO_COME),
    (TODAY + DAY, TODAY + 9 * DAY, Qualification.TO_COME),
]


@pytest.mark.parametrize(("begins", "ends", "state"), CASES)
def test_boundaries(begins: dt.date | None, ends: dt.date | None, state: Qualification) -> None:
    assert Hospital(qualified_from=begins, qualified_until=ends).qualification(TODAY) == state


@pytest.mark.django_db
def test_queries_find_what_the_rows_say() -> None:
    for begins, ends, _state in CASES:
        HospitalFactory(qualified_from=begins, qualified_until=ends)
    rows = list(Hospital.objects.all())

    for state in Qualification:
        found = set(Hospital.objects.by_qualification(state, TODAY))
        assert found == {row for row in rows if row.qualification(TODAY) == state}, state
    due = {Qualification.ENDED, Qualification.SOON}
    assert set(Hospital.objects.due(TODAY)) == {row for row in rows if row.qualification(TODAY) in due}


DAYS = st.one_of(st.none(), st.dates(TODAY - 90 * DAY, TODAY + 90 * DAY))


@given(begins=DAYS, ends=DAYS)
def test_a_qualified_hospital_is_one_whose_days_hold_today(
    begins: dt.date | None, ends: dt.date | None
) -> None:
    state = Hospital(qualified_from=begins, qualified_until=ends).qualification(TODAY)

    holds = ends is not None and ends >= TODAY and (begins is None or begins <= TODAY)
    assert (state in (Qualification.VALID, Qualification.SOON)) is holds


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"qualified_from": TODAY}, "qualified_until_missing"),
        ({"qualified_from": TODAY, "qualified_until": TODAY - DAY}, "qualified_order"),
    ],
)
def test_days_that_cannot_be(values: dict[str, Any], code: str, hospital: Hospital) -> None:
    data = HospitalData(code="H900", name="x", city="y", **values)
    for work in (
        lambda: services.hospital_create(data=data, by=BY),
        lambda: services.hospital_update(hospital_id=hospital.pk, data=data, version=hospital.version, by=BY),
    ):
        with pytest.raises(InvalidInput) as refused:
            work()
        assert (refused.value.code, refused.value.field) == (code, "qualified_until")


@pytest.mark.django_db
def test_database_refuses_an_end_before_the_beginning() -> None:
    with pytest.raises(IntegrityError, match="hospitals_qualified_in_order"), transaction.atomic():
        HospitalFactory(qualified_from=TODAY, qualified_until=TODAY - DAY)


# --- history --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_history_is_what_was_recorded_newest_first() -> None:
    base = {"code": "H900", "name": "x", "city": "y"}
    first = {"qualification_no": "Q-1", "qualified_until": TODAY}
    second = {
        "qualification_no": "Q-2",
        "qualification_authority": "Ministry",
        "qualified_until": TODAY + DAY,
    }
    hospital = services.hospital_create(data=HospitalData(**base), by=BY)
    assert qualification_history(hospital) == []

    for values in (first, {**first, "city": "z"}, second, {}):
        data = HospitalData(**{**base, **values})
        hospital.refresh_from_db()
        services.hospital_update(hospital_id=hospital.pk, data=data, version=hospital.version, by=BY)

    rows = [
        (row["qualification_no"], row["qualification_authority"], row["qualified_until"])
        for row in qualification_history(hospital)
    ]
    assert rows == [
        ("", "", ""),
        ("Q-2", "Ministry", (TODAY + DAY).isoformat()),
        ("Q-1", "", TODAY.isoformat()),
    ]


@pytest.mark.django_db
def test_history_of_one_hospital_is_not_another_ones() -> None:
    for code in ("H900", "H901"):
        data = HospitalData(code=code, name="x", city="y", qualification_no=code, qualified_until=TODAY)
        services.hospital_create(data=data, by=BY)

    (row,) = qualification_history(Hospital.objects.get(code="H900"))

    assert (row["qualification_no"], row["actor"]) == ("H900", BY.label)


# --- pages and work -------------------------------------------------------------------------------


def in_days(days: int) -> dt.date:
    return timezone.localdate() + days * DAY


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("until", "active", "said"),
    [
        (-1, True, "The qualification ended on"),
        (30, True, "in 30 days"),
        (61, True, ""),
        (None, True, ""),
        (-1, False, ""),
    ],
)
def test_page_is_loud_where_something_is_to_be_done(
    until: int | None, active: bool, said: str, sign_in: Any, bank_coordinator: User
) -> None:
    ends = None if until is None else in_days(until)
    row = HospitalFactory(qualified_until=ends, active=active)

    page = text_of(sign_in(bank_coordinator).get(reverse("hospitals:hospital-detail", args=[row.pk])))

    if said:
        assert said in page
    else:
        assert "The qualification en" not in page


def test_list_is_loud_too(sign_in: Any, bank_coordinator: User) -> None:
    HospitalFactory(qualified_until=in_days(-1))
    HospitalFactory(qualified_until=in_days(60))
    HospitalFactory(qualified_from=in_days(1), qualified_until=in_days(90))

    page = text_of(sign_in(bank_coordinator).get(reverse("hospitals:hospital-list")))

    for said in (">ended<", ">ends soon<", ">not valid yet<"):
        assert said in page


def test_qualifications_wait_for_whoever_records_them(
    sign_in: Any, admin: User, bank_coordinator: User
) -> None:
    HospitalFactory(code="H001", qualified_until=in_days(-1))
    HospitalFactory(code="H002", qualified_until=in_days(60))
    HospitalFactory(code="H003", qualified_until=in_days(61))
    HospitalFactory(code="H004", qualified_until=in_days(-1), active=False)

    (item,) = [one for one in work_items(admin) if one.kind == "hospital"]

    assert (item.count, item.overdue) == (2, True)
    assert [row.code for row, *_ in sign_in(admin).get(item.url).context["rows"]] == ["H001", "H002"]
    assert not [one for one in work_items(bank_coordinator) if one.kind == "hospital"]


def test_nothing_waits_where_all_are_valid(admin: User) -> None:
    HospitalFactory(qualified_until=in_days(61))

    assert work_items(admin) == []


def test_form_tells_of_wrong_days_beside_the_field(sign_in: Any, hospital: Hospital, admin: User) -> None:
    given_values = {
        "code": "H014",
        "name": "x",
        "city": "y",
        "country": "CN",
        "qualified_from": "2026-05-01",
        "qualified_until": "2026-04-30",
        "version": "1",
    }

    page = text_of(sign_in(admin).post(reverse("hospitals:hospital-edit", args=[hospital.pk]), given_values))

    assert "id_qualified_until_error" in page
    assert "It ends before it begins" in page


def test_due_is_a_filter_of_the_address() -> None:
    assert DUE not in Qualification.values


def test_hospital_abroad_is_marked_and_found(sign_in: Any, bank_coordinator: User) -> None:
    HospitalFactory(code="H001")
    row = HospitalFactory(code="H002", country="SG")
    client, address = sign_in(bank_coordinator), reverse("hospitals:hospital-list")

    for where, codes in (("home", ["H001"]), ("abroad", ["H002"]), ("", ["H001", "H002"])):
        page = client.get(address, {"where": where})
        assert [one.code for one, *_ in page.context["rows"]] == codes
    assert ">abroad<" in text_of(client.get(reverse("hospitals:hospital-detail", args=[row.pk])))


def test_auditor_reads_the_page(sign_in: Any, hospital: Hospital) -> None:
    client = sign_in(UserFactory(roles=[Role.AUDITOR]))

    page = text_of(client.get(reverse("hospitals:hospital-detail", args=[hospital.pk])))

    assert "Activity by year" in page
    assert reverse("hospitals:hospital-edit", args=[hospital.pk]) not in page


def test_who_cannot_record_it_is_told_what_to_do_instead(
    sign_in: Any, hospital: Hospital, coordinator: User, admin: User
) -> None:
    Hospital.objects.filter(pk=hospital.pk).update(qualified_until=in_days(5))
    address = reverse("hospitals:hospital-detail", args=[hospital.pk])

    assert "Send the new one to the bank" in text_of(sign_in(coordinator).get(address))
    assert "record it here" in text_of(sign_in(admin).get(address))
