"""Entered twice: a warning within the hospital; across hospitals the bank is told, and no hospital."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.kinds import subject_of, text_of, url_of
from core.models import AuditEntry, Notification, User
from core.typings import TypingInput
from hospitals import services, services_duplicates
from hospitals.data import PatientData
from hospitals.duplicates import duplicate_code, duplicates_of, pair_of
from hospitals.models import Hospital, Patient, PossibleDuplicate
from hospitals.providers import work_items
from hospitals.services_duplicates import duplicate_dismiss, duplicate_found, duplicates_sweep
from hospitals.tasks import sweep_duplicates
from tests.factories.hospitals import (
    GL,
    HospitalFactory,
    PatientFactory,
    PatientTypingFactory,
    PossibleDuplicateFactory,
    member_of,
)
from tests.hospitals.pages import NEW, page, values
from tests.hospitals.pages import text_of as body
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db

DATA = PatientData(sex="F", birth_date=dt.date(2024, 3, 1))
LIST = reverse("hospitals:duplicate-list")


def create(hospital: Hospital, by: Actor, confirmed: tuple[str, ...] = (), **changes: Any) -> Patient:
    data = PatientData(**{"sex": "F", "birth_date": dt.date(2024, 3, 1)} | changes)
    return services.patient_create(
        hospital_id=hospital.pk, data=data, typing=TypingInput(gl=GL), confirmed=confirmed, by=by
    )


def typed(hospital: Hospital, **values: Any) -> Patient:
    patient = PatientFactory(hospital=hospital, **values)
    PatientTypingFactory(patient=patient)
    return patient


# --- within a hospital


def test_the_same_sex_birth_date_and_typing_is_asked_about(
    hospital: Hospital, typed_patient: Patient, by: Actor
) -> None:
    with pytest.raises(Conflict) as refused:
        create(hospital, by)

    assert refused.value.code == "possible_duplicate_unconfirmed"
    assert [one["code"] for one in refused.value.details] == [duplicate_code(typed_patient)]
    assert Patient.objects.count() == 1


def test_a_twin_is_confirmed_once(hospital: Hospital, typed_patient: Patient, by: Actor) -> None:
    twin = create(hospital, by, confirmed=(duplicate_code(typed_patient),))

    services.patient_typing_record(patient_id=twin.pk, typing=TypingInput(gl=GL), by=by)  # not asked again
    row = PossibleDuplicate.objects.get()
    assert (row.dismissed_by_id, row.is_across) == (by.person_id, False)
    assert "another person" in row.reason_text
    assert duplicates_of(twin) == []
    assert duplicates_sweep() == 0


@pytest.mark.parametrize("changes", [{"sex": "M"}, {"birth_date": dt.date(2024, 3, 2)}])
def test_another_sex_or_day_is_another_person(
    hospital: Hospital, typed_patient: Patient, by: Actor, changes: dict[str, Any]
) -> None:
    create(hospital, by, **changes)

    assert duplicates_of(typed_patient) == []


def test_a_typing_entered_later_is_asked_about_too(
    hospital: Hospital, typed_patient: Patient, by: Actor
) -> None:
    other = PatientFactory(hospital=hospital)

    with pytest.raises(Conflict) as refused:
        services.patient_typing_record(patient_id=other.pk, typing=TypingInput(gl=GL), by=by)

    assert refused.value.code == "possible_duplicate_unconfirmed"
    assert not other.typings.exists()


def test_an_inactive_record_counts(hospital: Hospital, by: Actor) -> None:
    gone = typed(hospital)
    services.patient_deactivate(patient_id=gone.pk, reason="no_longer_sought", by=by)

    with pytest.raises(Conflict):
        create(hospital, by)


def test_the_form_asks_and_saves_when_confirmed(
    hospital: Hospital, coordinator: User, by: Actor, sign_in: Any
) -> None:
    client: Client = sign_in(coordinator)
    client.post(NEW, values(hospital, confirmed="not_searchable"))
    asked = body(client.post(NEW, values(hospital)))
    first = Patient.objects.get()
    client.post(NEW, values(hospital, confirmed=duplicate_code(first)))

    assert f"{first.code} of this hospital has the same sex" in asked
    assert Patient.objects.count() == 2


def test_the_typing_form_asks(hospital: Hospital, coordinator: User, sign_in: Any) -> None:
    first, other = typed(hospital), PatientFactory(hospital=hospital)

    asked = body(sign_in(coordinator).post(page(other, "patient-typing"), {"gl": GL, "source": "report"}))

    assert first.code in asked
    assert not other.typings.exists()


def test_the_page_lists_it_and_the_hospital_may_deny(
    hospital: Hospital, coordinator: User, sign_in: Any
) -> None:
    one, other = typed(hospital), typed(hospital)
    client: Client = sign_in(coordinator)
    before = body(client.get(page(one)))
    url = reverse("hospitals:duplicate-deny", args=[one.pk, other.pk])
    refused = body(client.post(url, {"reason": " "}, follow=True))
    client.post(url, {"reason": "twins"})
    after = body(client.get(page(one)))
    again = body(client.post(url, {"reason": "twins"}, follow=True))

    assert other.code in before
    assert "Give a reason." in refused
    assert other.code not in after
    assert "declared to be two persons already" in again


def test_a_patient_is_not_denied_against_another_hospital_or_itself(
    hospital: Hospital, coordinator: User, sign_in: Any
) -> None:
    second_home = HospitalFactory()
    second_home.memberships.create(user=coordinator)
    one, other = typed(hospital), typed(second_home)
    client: Client = sign_in(coordinator)

    for wrong in (other, one):
        url = reverse("hospitals:duplicate-deny", args=[one.pk, wrong.pk])
        assert client.post(url, {"reason": "twins"}).status_code == 404


def test_the_api_asks_and_takes_the_confirmation(hospital: Hospital, coordinator: User, sign_in: Any) -> None:
    first = typed(hospital)
    client: Client = sign_in(coordinator)
    given = {"hospital": str(hospital.pk), "sex": "F", "birth_date": "2024-03-01", "typing": {"gl": GL}}
    url = reverse("api:patient-list")

    refused = client.post(url, given, content_type="application/json")
    taken = client.post(url, {**given, "confirmed": [duplicate_code(first)]}, content_type="application/json")

    assert (refused.status_code, taken.status_code) == (409, 201)
    assert duplicate_code(first) in refused.content.decode()


# --- across hospitals


def test_another_hospital_is_told_nothing_and_asked_nothing(
    hospital: Hospital, coordinator: User, sign_in: Any, django_assert_num_queries: Any
) -> None:
    """Same answer, same words, same number of queries, whether another hospital has the patient or not."""
    client: Client = sign_in(coordinator)
    alone = _queries(client, hospital, birth_date="2024-03-02")
    typed(HospitalFactory())
    with_other = _queries(client, hospital, birth_date="2024-03-01")

    assert alone[0] == with_other[0]
    assert alone[1] == with_other[1] == 2
    mine = Patient.objects.filter(hospital=hospital, birth_date="2024-03-01").get()
    duplicates_sweep()
    assert "same sex" not in body(client.get(page(mine)))
    assert not Notification.objects.filter(user=coordinator).exists()


def _queries(client: Client, hospital: Hospital, **changes: Any) -> tuple[int, int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    grid = {name: None for name in values(hospital) if name.startswith("hla_")}
    given = values(hospital, **grid, gl=GL, **changes)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.post(NEW, given)
    return len(queries), answer.status_code // 100 - 1


def test_the_sweep_finds_a_pair_once_and_tells_the_search_coordinators(
    hospital: Hospital, coordinator: User, bank_coordinator: User, admin: User
) -> None:
    one, other = typed(hospital), typed(HospitalFactory(code="H999"))

    assert [duplicates_sweep(), duplicates_sweep()] == [1, 0]

    row = PossibleDuplicate.objects.get()
    assert ({row.first, row.second}, row.is_across) == ({one, other}, True)
    told = Notification.objects.get()
    assert told.user == bank_coordinator
    assert one.code in text_of(told)
    assert "H999" in text_of(told)
    assert (url_of(told), "one patient" in subject_of(told)) == (LIST, True)
    entry = AuditEntry.objects.get(action="duplicate.found")
    assert entry.target_type == "hospitals.PossibleDuplicate"
    assert entry.hospital_id is None


def test_a_pair_that_another_round_found_is_told_of_once(hospital: Hospital, bank_coordinator: User) -> None:
    row = PossibleDuplicateFactory(one__hospital=hospital)

    assert not duplicate_found(row.first_id, row.second_id)
    assert not Notification.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_rounds_at_once_find_a_pair_once(bank_coordinator: User) -> None:
    one, other = (typed(HospitalFactory()) for _ in range(2))
    pair = pair_of(one.pk, other.pk)

    found = all_at_once([partial(duplicate_found, *pair)] * 8)

    assert sorted(found) == [False] * 7 + [True]
    assert Notification.objects.filter(user=bank_coordinator).count() == 1


def test_a_database_that_is_away_ends_the_sweep(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, bank_coordinator: User
) -> None:
    for _ in range(3):
        typed(hospital)
    tried = []

    def away(*pair: Any) -> bool:
        tried.append(pair)
        raise OperationalError("gone")

    monkeypatch.setattr(services_duplicates, "duplicate_found", away)

    with pytest.raises(OperationalError):
        sweep_duplicates()
    assert len(tried) == 1


def test_one_pair_that_fails_stops_no_other(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, bank_coordinator: User
) -> None:
    from hospitals import notices

    for _ in range(2):
        typed(hospital)
    monkeypatch.setattr(notices, "possible_duplicate", lambda row: 1 / 0)

    sweep_duplicates()

    assert not PossibleDuplicate.objects.exists()  # found again in the next round


def test_the_bank_says_they_are_two_persons(bank_coordinator: User, sign_in: Any) -> None:
    row = PossibleDuplicateFactory()
    client: Client = sign_in(bank_coordinator)
    listed = body(client.get(LIST))
    waiting = [item.url for item in work_items(bank_coordinator)]
    client.post(reverse("hospitals:duplicate-dismiss", args=[row.pk]), {"reason": "two documents"})

    assert row.first.code in listed
    assert "two hospitals" in listed
    assert waiting == [LIST]
    assert work_items(bank_coordinator) == []
    assert "two documents" in body(client.get(f"{LIST}?state=dismissed"))
    entry = AuditEntry.objects.get(action="duplicate.dismissed")
    assert (entry.reason, entry.target_key) == ("two documents", str(row.pk))


def test_an_administrator_sees_codes_and_opens_no_patient(admin: User, sign_in: Any) -> None:
    row = PossibleDuplicateFactory()

    shown = body(sign_in(admin, "zh-hans").get(LIST))

    assert row.first.code in shown
    assert page(row.first) not in shown
    assert "可能重复登记的患者" in shown


def test_a_reason_is_needed_and_said_once(by: Actor) -> None:
    row = PossibleDuplicateFactory()

    with pytest.raises(InvalidInput):
        duplicate_dismiss(first_id=row.first_id, second_id=row.second_id, reason="", by=by)
    duplicate_dismiss(first_id=row.second_id, second_id=row.first_id, reason="twins", by=by)
    with pytest.raises(Conflict):
        duplicate_dismiss(first_id=row.first_id, second_id=row.second_id, reason="twins", by=by)


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_dismissed_without_the_audit_entry(by: Actor) -> None:
    row = PossibleDuplicateFactory()

    with pytest.raises(RuntimeError):
        duplicate_dismiss(first_id=row.first_id, second_id=row.second_id, reason="twins", by=by)

    row.refresh_from_db()
    assert row.dismissed_at is None


def test_a_hospital_has_no_way_to_the_pairs(hospital: Hospital, coordinator: User) -> None:
    PossibleDuplicateFactory(one__hospital=hospital, other__hospital=hospital)

    assert not PossibleDuplicate.objects.visible_to(coordinator).exists()
    assert not PossibleDuplicate.objects.visible_to(member_of(hospital)).exists()
