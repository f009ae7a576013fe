"""Two records of one person become one that is kept and one that leads to it, and can become two again."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from hospitals import services
from hospitals.models import Hospital, Patient, PatientMerge, PossibleDuplicate
from hospitals.providers import find_patients
from hospitals.services_duplicates import duplicates_sweep
from hospitals.services_merge import patient_merge, patient_unmerge
from matching.models import PatientWatch
from matching.services import watches_sweep
from tests.factories.hospitals import (
    GL,
    HospitalFactory,
    PatientFactory,
    PatientMergeFactory,
    PatientTypingFactory,
    PossibleDuplicateFactory,
)
from tests.factories.matching import MatchRequestFactory
from tests.factories.reservations import ReservationFactory
from tests.hospitals.pages import page, text_of
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
MERGES = reverse("hospitals:merge-list")


@pytest.fixture
def bank(bank_coordinator: User) -> Actor:
    return Actor.user(bank_coordinator)


def merge(kept: Patient, merged: Patient, by: Actor, reason: str = "entered twice") -> PatientMerge:
    return patient_merge(kept_id=kept.pk, merged_id=merged.pk, reason=reason, by=by)


def test_the_merged_record_leads_to_the_kept_one(
    hospital: Hospital, patient: Patient, bank: Actor, coordinator: User
) -> None:
    other = PatientFactory(hospital=hospital)

    merge(patient, other, bank)

    other.refresh_from_db()
    assert (other.state, other.inactive_reason, other.merged_into) == ("inactive", "merged", patient)
    (hit,) = find_patients(coordinator, other.code)
    assert hit.url == page(patient)
    assert patient.code in hit.detail
    told = AuditEntry.objects.filter(reason="entered twice").values_list("action", "target_key")
    assert set(told) == {("patient.merged", str(other.pk)), ("patient.merge_kept", str(patient.pk))}


@pytest.mark.parametrize("former", ["active", "moved"])
def test_undoing_gives_back_what_it_was(
    hospital: Hospital, patient: Patient, bank: Actor, by: Actor, former: str
) -> None:
    other = PatientFactory(hospital=hospital)
    if former == "moved":
        services.patient_deactivate(patient_id=other.pk, reason="moved", by=by)
    fields = ("state", "inactive_reason", "deactivated_at", "merged_into", "ended_on")
    before = Patient.objects.filter(pk=other.pk).values(*fields).get()

    row = merge(patient, other, bank)
    patient_unmerge(merge_id=row.pk, reason="two persons", by=bank)

    assert Patient.objects.filter(pk=other.pk).values(*fields).get() == before
    row.refresh_from_db()
    assert (row.undo_reason, row.undone_by_id) == ("two persons", bank.person_id)
    with pytest.raises(Conflict) as refused:
        patient_unmerge(merge_id=row.pk, reason="again", by=bank)
    assert refused.value.code == "merge_undone"


def test_it_can_be_merged_anew_after_undoing(hospital: Hospital, patient: Patient, bank: Actor) -> None:
    other = PatientFactory(hospital=hospital)
    row = merge(patient, other, bank)
    patient_unmerge(merge_id=row.pk, reason="two persons", by=bank)

    merge(other, patient, bank)

    assert PatientMerge.objects.in_force().get().kept == other


def _refusal(kept: Patient, merged: Patient, by: Actor, reason: str = "entered twice") -> str:
    with pytest.raises((Conflict, InvalidInput)) as refused:
        merge(kept, merged, by, reason)
    return refused.value.code


def test_what_cannot_be_merged(hospital: Hospital, patient: Patient, bank: Actor) -> None:
    elsewhere, chain = (
        PatientFactory(hospital=HospitalFactory()),
        PatientMergeFactory(kept__hospital=hospital),
    )

    assert _refusal(patient, elsewhere, bank) == "merge_across"
    assert _refusal(patient, patient, bank) == "merge_same"
    assert _refusal(patient, PatientFactory(hospital=hospital), bank, " ") == "reason_missing"
    assert _refusal(patient, chain.merged, bank) == "patient_merged"
    assert _refusal(chain.merged, patient, bank) == "patient_merged"
    assert _refusal(patient, chain.kept, bank) == "merge_kept_others"
    assert PatientMerge.objects.count() == 1


def test_typings_that_contradict_are_two_persons(
    hospital: Hospital, typed_patient: Patient, bank: Actor
) -> None:
    other, lower = PatientFactory(hospital=hospital), PatientFactory(hospital=hospital)
    PatientTypingFactory(patient=other, gl=GL.replace("A*11:01", "A*33:03"))
    PatientTypingFactory(patient=lower, gl="A11+A24^B60+B46^DR9+DR15")

    assert _refusal(typed_patient, other, bank) == "merge_typings_differ"
    merge(typed_patient, lower, bank)


def test_an_active_record_is_not_merged_into_an_inactive_one(
    hospital: Hospital, patient: Patient, bank: Actor, by: Actor
) -> None:
    gone, other = PatientFactory(hospital=hospital), PatientFactory(hospital=hospital)
    for row in (gone, other):
        services.patient_deactivate(patient_id=row.pk, reason="moved", by=by)

    assert _refusal(gone, patient, bank) == "merge_kept_inactive"
    patient.refresh_from_db()
    assert patient.is_active
    merge(gone, other, bank)


def test_undoing_gives_back_watches(
    hospital: Hospital, patient: Patient, bank: Actor, coordinator: User
) -> None:
    request = MatchRequestFactory(patient=PatientFactory(hospital=hospital), submitted=True, state="CLOSED")
    watch = PatientWatch.objects.create(request=request, user=coordinator, started_by="x")

    row = merge(patient, request.patient, bank)
    assert watches_sweep() == 0
    patient_unmerge(merge_id=row.pk, reason="two persons", by=bank)

    assert watches_sweep() == 0
    watch.refresh_from_db()
    assert watch.ended_at is None


def test_a_record_with_an_open_request_or_reservation_is_not_merged_away(
    hospital: Hospital, patient: Patient, bank: Actor
) -> None:
    request = MatchRequestFactory(patient=PatientFactory(hospital=hospital))
    reservation = ReservationFactory(patient=PatientFactory(hospital=hospital))

    for number, other in ((request.number, request.patient), (reservation.number, reservation.patient)):
        with pytest.raises(Conflict, match=number) as refused:
            merge(patient, other, bank)
        assert refused.value.code == "merge_open_work"
    merge(request.patient, patient, bank)  # the kept one may go on


def test_a_merged_record_is_not_reactivated_nor_is_merging_a_reason(
    hospital: Hospital, patient: Patient, by: Actor
) -> None:
    row = PatientMergeFactory(kept=patient)

    with pytest.raises(Conflict) as refused:
        services.patient_reactivate(patient_id=row.merged_id, by=by)
    with pytest.raises(InvalidInput):
        services.patient_deactivate(patient_id=patient.pk, reason="merged", by=by)

    assert refused.value.code == "patient_merged"


def test_merged_pairs_are_no_longer_possible_duplicates(hospital: Hospital, bank: Actor) -> None:
    one, other = (PatientFactory(hospital=hospital) for _ in range(2))
    PatientTypingFactory(patient=one)
    PatientTypingFactory(patient=other)
    duplicates_sweep()

    merge(one, other, bank)

    assert PossibleDuplicate.objects.count() == 1
    assert not PossibleDuplicate.objects.open().exists()


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_merged_without_the_audit_entry(hospital: Hospital, patient: Patient, bank: Actor) -> None:
    other = PatientFactory(hospital=hospital)

    with pytest.raises(RuntimeError):
        merge(patient, other, bank)

    other.refresh_from_db()
    assert other.is_active
    assert not PatientMerge.objects.exists()


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_undone_without_the_audit_entry(patient: Patient, bank: Actor) -> None:
    row = PatientMergeFactory(kept=patient)

    with pytest.raises(RuntimeError):
        patient_unmerge(merge_id=row.pk, reason="two persons", by=bank)

    row.merged.refresh_from_db()
    assert row.merged.merged_into_id == patient.pk


def test_the_database_holds_one_merge_in_force(hospital: Hospital, patient: Patient) -> None:
    row = PatientMergeFactory(kept=patient)

    with pytest.raises(IntegrityError), transaction.atomic():
        PatientMerge.objects.create(kept=patient, merged=row.merged, reason="x", former_state="active")
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.filter(pk=row.merged_id).update(merged_into=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        PatientMerge.objects.create(kept=patient, merged=patient, reason="x", former_state="active")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_who_merge_crosswise_at_once_make_one_merge(bank_coordinator: User) -> None:
    hospital = HospitalFactory()
    one, other = (PatientFactory(hospital=hospital) for _ in range(2))
    by = Actor.user(bank_coordinator)

    works = [partial(merge, *pair, by) for pair in ((one, other), (other, one)) * 4]
    found = all_at_once(works)

    made = [row for row in found if isinstance(row, PatientMerge)]
    refused = {row.code for row in found if isinstance(row, Conflict)}
    assert (len(made), refused) == (1, {"patient_merged"})
    assert Patient.objects.filter(merged_into__isnull=False).count() == 1


# --- pages


def test_the_bank_merges_and_undoes_on_the_page(
    hospital: Hospital, patient: Patient, admin: User, sign_in: Any
) -> None:
    other = PatientFactory(hospital=hospital)
    PossibleDuplicateFactory(one=patient, other=other)
    client: Client = sign_in(admin)
    listed = text_of(client.get(reverse("hospitals:duplicate-list")))
    filled = text_of(client.get(f"{MERGES}?kept={patient.code}"))
    wrong = client.post(MERGES, {"kept": "P-1", "merged": other.code, "reason": "entered twice"})
    # a code in any spelling
    client.post(MERGES, {"kept": patient.code.lower(), "merged": other.code, "reason": "entered twice"})
    row = PatientMerge.objects.get()
    again = client.post(MERGES, {"kept": patient.code, "merged": other.code, "reason": "entered twice"})
    undo = reverse("hospitals:merge-undo", args=[row.pk])
    refused = text_of(client.post(undo, {"reason": ""}, follow=True))
    client.post(undo, {"reason": "two persons"})

    assert f"{MERGES}?kept=" in listed
    assert f'value="{patient.code}"' in filled
    assert "No patient has this code." in text_of(wrong)
    assert (wrong.status_code, again.status_code) == (400, 409)
    assert "was merged into another record already" in text_of(again)
    assert "Give a reason." in refused
    row.refresh_from_db()
    assert row.undone_by == admin
    assert "two persons" in text_of(client.get(MERGES))


def test_both_pages_say_so(patient: Patient, coordinator: User, sign_in: Any) -> None:
    row = PatientMergeFactory(kept=patient)
    client: Client = sign_in(coordinator, "zh-hans")

    kept, merged = text_of(client.get(page(patient))), text_of(client.get(page(row.merged)))

    assert page(row.merged) in kept
    assert "已合并的记录" in kept
    assert page(patient) in merged
    assert reverse("hospitals:patient-reactivate", args=[row.merged_id]) not in merged


def test_the_api_names_the_kept_record(patient: Patient, coordinator: User, sign_in: Any) -> None:
    row = PatientMergeFactory(kept=patient)

    found = sign_in(coordinator).get(reverse("api:patient-detail", args=[row.merged_id])).json()

    assert (found["merged_into"], found["inactive_reason"]) == (str(patient.pk), "merged")
