"""Services: what they write and what they refuse."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from core.roles import Role
from core.typings import TypingInput
from hospitals import services
from hospitals.codes import normalise_code
from hospitals.data import HospitalData, IdentityData, PatientData, WeightData
from hospitals.models import Hospital, Membership, Patient, PatientHlaTyping, PatientIdentity, PatientWeight
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    GL,
    HospitalFactory,
    PatientFactory,
)
from tests.hospitals.conftest import last_entry

DATA = PatientData(sex="F", birth_date=datetime.date(2024, 3, 1), diagnosis="mld")
HOSPITAL = HospitalData(code="H900", name="Synthetic Hospital 900", city="Wuhan")
TODAY = timezone.localdate


def weight(kg: str, days_ago: int = 0) -> WeightData:
    return WeightData(weight_kg=Decimal(kg), measured_on=TODAY() - datetime.timedelta(days=days_ago))


# --- hospitals ---


def test_hospital_create(db: None, by: Actor) -> None:
    hospital = services.hospital_create(data=HOSPITAL, by=by)

    entry = last_entry()
    assert Hospital.objects.get(code="H900").city == "Wuhan"
    assert (entry.action, entry.target_key, entry.hospital_id) == (
        "hospital.created",
        str(hospital.pk),
        hospital.pk,
    )
    assert entry.after["name"] == "Synthetic Hospital 900"


def test_hospital_create_refuses_a_used_code(hospital: Hospital, by: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.hospital_create(data=HospitalData(code="H014", name="x", city="y"), by=by)

    assert caught.value.field == "code"
    assert "H014" in caught.value.message


def test_hospital_update_records_only_what_changed(hospital: Hospital, by: Actor) -> None:
    data = HospitalData(code="H014", name=hospital.name, name_zh=hospital.name_zh, city="Wuhan")

    services.hospital_update(hospital_id=hospital.pk, data=data, version=1, by=by)

    entry = last_entry()
    assert (entry.before, entry.after) == ({"city": "Shanghai"}, {"city": "Wuhan"})
    assert Hospital.objects.get().city == "Wuhan"


def test_hospital_that_somebody_else_changed_is_not_overwritten(hospital: Hospital, by: Actor) -> None:
    data = HospitalData(code="H014", name=hospital.name, name_zh=hospital.name_zh, city="Wuhan")
    services.hospital_update(hospital_id=hospital.pk, data=data, version=1, by=by)

    with pytest.raises(Conflict, match="in the meantime"):
        services.hospital_update(hospital_id=hospital.pk, data=replace(data, city="Xi'an"), version=1, by=by)

    hospital.refresh_from_db()
    assert (hospital.city, hospital.version) == ("Wuhan", 2)
    again = services.hospital_update(
        hospital_id=hospital.pk, data=replace(data, city="Xi'an"), version=2, by=by
    )
    assert again.city == "Xi'an"


def test_hospital_update_without_a_change_writes_nothing(hospital: Hospital, by: Actor) -> None:
    data = HospitalData(code="H014", name=hospital.name, name_zh=hospital.name_zh, city=hospital.city)

    services.hospital_update(hospital_id=hospital.pk, data=data, version=1, by=by)

    assert not AuditEntry.objects.filter(action="hospital.updated").exists()


def test_hospital_update_refuses_a_used_code(hospital: Hospital, by: Actor) -> None:
    other = HospitalFactory(code="H015")

    with pytest.raises(InvalidInput, match="H014"):
        services.hospital_update(
            hospital_id=other.pk, data=HospitalData(code="H014", name="x", city="y"), version=1, by=by
        )

    assert Hospital.objects.get(pk=other.pk).code == "H015"


def test_membership_add_and_remove(hospital: Hospital, by: Actor) -> None:
    person = UserFactory(roles=[Role.HOSPITAL_PHYSICIAN])

    membership = services.membership_add(hospital_id=hospital.pk, user_id=person.pk, title="Dr", by=by)
    added = last_entry()
    services.membership_remove(membership_id=membership.pk, reason="moved", by=by)
    removed = last_entry()

    assert (added.action, added.after["user"]) == ("membership.added", str(person.pk))
    assert (removed.action, removed.reason) == ("membership.removed", "moved")
    assert not Membership.objects.filter(user=person).exists()


def test_membership_needs_a_hospital_role(hospital: Hospital, by: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.membership_add(hospital_id=hospital.pk, user_id=UserFactory(roles=[Role.LAB]).pk, by=by)

    assert (caught.value.code, caught.value.field) == ("membership_without_role", "email")


def test_membership_only_once(hospital: Hospital, coordinator: User, by: Actor) -> None:
    with pytest.raises(Conflict) as caught:
        services.membership_add(hospital_id=hospital.pk, user_id=coordinator.pk, by=by)

    assert caught.value.code == "membership_exists"


def test_membership_removed_twice_is_told(hospital: Hospital, by: Actor) -> None:
    with pytest.raises(Conflict, match="already"):
        services.membership_remove(membership_id=uuid4(), reason="", by=by)


# --- patients ---


def test_patient_create_with_everything(hospital: Hospital, coordinator: User, by: Actor) -> None:
    patient = services.patient_create(
        hospital_id=hospital.pk,
        data=DATA,
        weight=weight("12.4"),
        typing=TypingInput(gl=GL),
        identity=IdentityData(name="Invented Name"),
        by=by,
    )

    saved = Patient.objects.get(pk=patient.pk)
    assert normalise_code(saved.code) == saved.code
    assert (saved.weight_kg, saved.created_by) == (Decimal("12.40"), coordinator)
    assert saved.current_typing.canonical["A"] == ["A*11:01", "A*24:02"]
    assert PatientIdentity.objects.get(patient=saved).name == "Invented Name"
    entry = last_entry()
    assert (entry.action, entry.hospital_id, entry.after["identity"]) == (
        "patient.created",
        hospital.pk,
        ["name"],
    )
    assert "Invented" not in str(entry.after)


def test_patient_create_saves_nothing_when_the_typing_is_wrong(hospital: Hospital, by: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.patient_create(
            hospital_id=hospital.pk, data=DATA, typing=TypingInput(values={"A": ("A*02:01", "A*2:xx")}), by=by
        )

    assert not Patient.objects.exists()
    assert not AuditEntry.objects.exists()
    assert [detail["field"] for detail in caught.value.details] == ["hla_A_2"]


def test_patient_create_in_an_inactive_hospital_is_refused(by: Actor) -> None:
    with pytest.raises(Conflict) as caught:
        services.patient_create(hospital_id=HospitalFactory(active=False).pk, data=DATA, by=by)

    assert caught.value.code == "hospital_inactive"


def test_patient_create_twice_with_the_id_of_one_form(hospital: Hospital, by: Actor) -> None:
    first = services.patient_create(hospital_id=hospital.pk, data=DATA, patient_id=uuid4(), by=by)

    with pytest.raises(Conflict) as caught:
        services.patient_create(hospital_id=hospital.pk, data=DATA, patient_id=first.pk, by=by)

    assert caught.value.code == "patient_exists"
    assert Patient.objects.count() == 1


def test_somebody_elses_id_is_not_used_and_not_told(hospital: Hospital, by: Actor) -> None:
    theirs = PatientFactory()

    mine = services.patient_create(hospital_id=hospital.pk, data=DATA, patient_id=theirs.pk, by=by)

    assert mine.pk != theirs.pk


def test_a_drawn_code_that_is_taken_is_drawn_again(
    hospital: Hospital, patient: Patient, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter([patient.code, patient.code, "P-222-2222"])
    monkeypatch.setattr(services, "patient_code", lambda: next(codes))

    assert services.patient_create(hospital_id=hospital.pk, data=DATA, by=by).code == "P-222-2222"


def test_no_free_code_is_told(
    hospital: Hospital, patient: Patient, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "patient_code", lambda: patient.code)

    with pytest.raises(Conflict, match="No free patient code"):
        services.patient_create(hospital_id=hospital.pk, data=DATA, by=by)


def test_patient_update_records_only_what_changed(patient: Patient, by: Actor) -> None:
    data = PatientData(
        sex="F", birth_date=patient.birth_date, diagnosis="mld", stage="presymptomatic", abo="O"
    )

    services.patient_update(patient_id=patient.pk, data=data, version=patient.version, by=by)

    entry = last_entry()
    assert (entry.before, entry.after) == ({"abo": ""}, {"abo": "O"})
    assert Patient.objects.get().version == patient.version + 1


def test_a_population_is_stored_as_canonical_text_and_recorded(patient: Patient, by: Actor) -> None:
    data = PatientData(
        sex="F",
        birth_date=patient.birth_date,
        diagnosis="mld",
        stage="presymptomatic",
        populations="uig:1+han:3",
    )

    services.patient_update(patient_id=patient.pk, data=data, version=patient.version, by=by)

    entry = last_entry()
    assert (entry.before, entry.after) == ({"populations": ""}, {"populations": "HAN:0.75+UIG:0.25"})
    again = services.patient_create(hospital_id=patient.hospital_id, data=data, by=by)
    assert again.populations == last_entry().after["populations"] == "HAN:0.75+UIG:0.25"


def test_patient_update_without_a_change_writes_nothing(patient: Patient, by: Actor) -> None:
    data = PatientData(sex="F", birth_date=patient.birth_date, diagnosis="mld", stage="presymptomatic")

    services.patient_update(patient_id=patient.pk, data=data, version=patient.version, by=by)

    assert Patient.objects.get().version == patient.version
    assert not AuditEntry.objects.exists()


def test_patient_update_never_overwrites_a_change_made_meanwhile(patient: Patient, by: Actor) -> None:
    services.patient_weight_record(patient_id=patient.pk, weight=weight("13"), by=by)

    with pytest.raises(Conflict) as caught:
        services.patient_update(patient_id=patient.pk, data=DATA, version=patient.version, by=by)

    assert caught.value.code == "patient_changed"


def test_the_latest_weighing_counts_not_the_last_entered(patient: Patient, by: Actor) -> None:
    services.patient_weight_record(patient_id=patient.pk, weight=weight("13"), by=by)
    services.patient_weight_record(patient_id=patient.pk, weight=weight("11", days_ago=30), by=by)

    assert Patient.objects.get().weight_kg == Decimal("13.00")
    assert PatientWeight.objects.count() == 2


def test_new_typing_takes_the_place_of_the_former(typed_patient: Patient, by: Actor) -> None:
    former = typed_patient.current_typing

    row = services.patient_typing_record(
        patient_id=typed_patient.pk,
        typing=TypingInput(
            values={"A": ("A*02:01", ""), "DRB1": ("DRB1*09:01", "DRB1*15:01")}, blank="homozygous"
        ),
        by=by,
    )

    assert Patient.objects.get().current_typing == row
    assert row.canonical["A"] == ["A*02:01", "A*02:01"]
    assert row.loci["A"] == ["A*02:01", ""]
    assert row.blank_rule == "homozygous"
    assert ["A", "homozygous", {}] in row.notes
    assert PatientHlaTyping.objects.get(pk=former.pk).is_current is False
    assert last_entry().before == {"typing": former.canonical_gl}


def test_empty_typing_is_refused(patient: Patient, by: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.patient_typing_record(
            patient_id=patient.pk, typing=TypingInput(values={"A": ("-", "-")}), by=by
        )

    assert caught.value.code == "typing_empty"


def test_deactivate_and_reactivate(patient: Patient, by: Actor) -> None:
    services.patient_deactivate(patient_id=patient.pk, reason="moved", note="to H015", by=by)
    gone = Patient.objects.get()
    entry = last_entry()
    services.patient_reactivate(patient_id=patient.pk, by=by)
    back = Patient.objects.get()

    assert (gone.state, gone.inactive_reason) == ("inactive", "moved")
    assert gone.deactivated_at is not None
    assert (entry.action, entry.reason) == ("patient.deactivated", "to H015")
    assert (back.state, back.inactive_reason, back.deactivated_at) == ("active", "", None)


def test_deactivate_needs_a_known_reason(patient: Patient, by: Actor) -> None:
    with pytest.raises(InvalidInput):
        services.patient_deactivate(patient_id=patient.pk, reason="because", by=by)


def test_states_are_not_reached_twice(patient: Patient, by: Actor) -> None:
    with pytest.raises(Conflict):
        services.patient_reactivate(patient_id=patient.pk, by=by)
    services.patient_deactivate(patient_id=patient.pk, reason="moved", by=by)
    with pytest.raises(Conflict):
        services.patient_deactivate(patient_id=patient.pk, reason="moved", by=by)


INACTIVE_REFUSES: list[Callable[[Patient, Actor], Any]] = [
    lambda p, by: services.patient_update(patient_id=p.pk, data=DATA, version=p.version, by=by),
    lambda p, by: services.patient_weight_record(patient_id=p.pk, weight=weight("13"), by=by),
    lambda p, by: services.patient_typing_record(patient_id=p.pk, typing=TypingInput(gl=GL), by=by),
    lambda p, by: services.patient_identity_update(patient_id=p.pk, identity=IdentityData(name="x"), by=by),
]


@pytest.mark.parametrize("call", INACTIVE_REFUSES)
def test_inactive_patient_is_not_edited(call: Callable[[Patient, Actor], Any], by: Actor) -> None:
    patient = PatientFactory(state="inactive", inactive_reason="moved", deactivated_at=timezone.now())

    with pytest.raises(Conflict, match="reactivate"):
        call(patient, by)


# --- identity ---


def test_every_look_at_an_identity_is_recorded(patient: Patient, by: Actor) -> None:
    services.patient_identity_update(
        patient_id=patient.pk, identity=IdentityData(name="Invented", contact="0000"), by=by
    )
    written = last_entry()

    seen = services.patient_identity_view(patient_id=patient.pk, by=by)
    looked = last_entry()

    assert (seen.name, seen.contact) == ("Invented", "0000")
    assert (written.action, written.after) == ("patient.identity_updated", {"fields": ["contact", "name"]})
    assert (looked.action, looked.actor_id) == ("patient.identity_viewed", by.id)


def test_a_look_at_nothing_is_recorded_too(patient: Patient, by: Actor) -> None:
    assert services.patient_identity_view(patient_id=patient.pk, by=by) is None
    assert last_entry().action == "patient.identity_viewed"


def test_identity_is_ciphertext_in_the_database(patient: Patient, by: Actor) -> None:
    services.patient_identity_update(patient_id=patient.pk, identity=IdentityData(name="Invented"), by=by)

    with connection.cursor() as cursor:
        cursor.execute("SELECT name, document_no FROM hospitals_patientidentity")
        name, document_no = cursor.fetchone()

    assert name.startswith("v1:")
    assert "Invented" not in name
    assert document_no == ""
