"""Two people at the same moment, on real PostgreSQL."""

from __future__ import annotations

import datetime
from uuid import uuid4

import pytest

from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.typings import TypingInput
from hospitals import services
from hospitals.data import BeadData, PatientData, SerumData
from hospitals.models import AntibodySerum, Hospital, Patient
from hospitals.services_antibodies import serum_record, serum_withdraw
from tests.factories.hospitals import GL, HospitalFactory, PatientFactory, member_of
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)
DATA = PatientData(sex="F", birth_date=datetime.date(2024, 3, 1))


@pytest.fixture
def own() -> Hospital:
    return HospitalFactory()


def test_a_double_click_makes_one_patient(own: Hospital) -> None:
    by, wanted = Actor.user(member_of(own)), uuid4()

    answers = at_once(
        lambda: services.patient_create(hospital_id=own.pk, data=DATA, patient_id=wanted, by=by), people=4
    )

    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert Patient.objects.count() == 1
    assert [error.code for error in refused] == ["patient_exists"] * 3


def test_one_typing_is_in_force_after_many_at_once(own: Hospital) -> None:
    by, patient = Actor.user(member_of(own)), PatientFactory(hospital=own)

    answers = at_once(
        lambda: services.patient_typing_record(patient_id=patient.pk, typing=TypingInput(gl=GL), by=by),
        people=4,
    )

    assert not [answer for answer in answers if isinstance(answer, Conflict)]
    assert patient.typings.count() == 4
    assert patient.typings.filter(is_current=True).count() == 1
    assert Patient.objects.get().version == patient.version + 4


def test_of_many_edits_of_one_version_one_is_taken(own: Hospital) -> None:
    by, patient = Actor.user(member_of(own)), PatientFactory(hospital=own)

    answers = at_once(
        lambda: services.patient_update(patient_id=patient.pk, data=DATA, version=patient.version, by=by),
        people=4,
    )

    assert (
        sorted(getattr(answer, "code", "") for answer in answers if isinstance(answer, Conflict))
        == ["patient_changed"] * 3
    )
    assert Patient.objects.get().version == patient.version + 1


def test_a_serum_sent_twice_is_kept_once(own: Hospital) -> None:
    patient, wanted, by = PatientFactory(hospital=own), uuid4(), Actor.user(member_of(own))
    serum = SerumData(
        sampled_on=datetime.date(2026, 10, 1),
        method="single_antigen",
        beads=(BeadData(written="A24", mfi=4000),),
    )

    answers = at_once(
        lambda: serum_record(patient_id=patient.pk, serum=serum, serum_id=wanted, by=by),
        4,
    )

    refused = [answer.code for answer in answers if isinstance(answer, Conflict)]
    assert (len(answers), refused) == (4, ["serum_exists"] * 3)
    assert AntibodySerum.objects.get().pk == wanted
    assert AuditEntry.objects.filter(action="patient.serum_recorded").count() == 1


def test_a_serum_is_withdrawn_once(own: Hospital) -> None:
    patient, by = PatientFactory(hospital=own), Actor.user(member_of(own))
    serum = serum_record(
        patient_id=patient.pk, serum=SerumData(sampled_on=datetime.date(2026, 10, 1), method="single_antigen",
        beads=(BeadData(written="A24", mfi=4000),)), by=by,
    )  # fmt: skip

    answers = at_once(lambda: serum_withdraw(serum_id=serum.pk, reason="mixed up", by=by), 4)

    refused = [answer.code for answer in answers if isinstance(answer, Conflict)]
    assert (len(answers), refused) == (4, ["serum_withdrawn"] * 3)
