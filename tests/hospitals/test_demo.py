"""The synthetic hospitals and patients: complete, plausible, the same for the same seed, nobody real."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.audit import Actor
from core.models import AuditEntry, User
from hospitals.antibody_page import own_antigens
from hospitals.codes import normalise_code
from hospitals.confirmation import Standing, typing_confirmation
from hospitals.demo import load
from hospitals.models import (
    AntibodyBead,
    AntibodySerum,
    Hospital,
    Membership,
    Patient,
    PatientHlaTyping,
    PatientWeight,
)
from hospitals.plausibility import weight_doubts

BY = Actor.system("demo_data")


def picture() -> list[Any]:
    patients = Patient.objects.order_by("code").values_list(
        "code", "hospital__code", "sex", "birth_date", "weight_kg", "diagnosis", "state", "populations"
    )
    typings = PatientHlaTyping.objects.order_by("patient__code", "sampled_on").values_list(
        "canonical_gl", flat=True
    )
    hospitals = Hospital.objects.order_by("code").values_list("name", "city", "qualified_until")
    beads = AntibodyBead.objects.order_by("serum__patient__code", "serum__sampled_on", "text")
    found = beads.values_list("serum__patient__code", "serum__sampled_on", "text", "mfi")
    return [list(patients), list(typings), list(hospitals), list(found)]


def test_synthetic_hospitals_and_patients_are_complete_and_plausible(db: None) -> None:
    """One load, looked at from all sides: it is the slow part."""
    made = load(hospitals=6, patients=60, seed=1, by=BY)

    _as_many_as_asked_for(made)
    _everything_says_that_it_is_invented()
    _patients_are_plausible(list(Patient.objects.with_current_typing()))
    _some_patients_have_antibodies()
    _half_are_confirmed_and_one_sample_was_mixed_up()
    _people_are_one_entry_of_the_audit()


def _half_are_confirmed_and_one_sample_was_mixed_up() -> None:
    found = Counter(
        typing_confirmation(patient).standing
        for patient in Patient.objects.active()
        if patient.current_typing
    )
    assert found[Standing.DISCREPANCY] == Patient.objects.filter(typing_discrepancy=True).count() == 1
    assert found[Standing.CONFIRMED] > 0.3 * found.total()
    assert found[Standing.UNCONFIRMED] > 0.3 * found.total()


def _as_many_as_asked_for(made: list[Hospital]) -> None:
    assert (Hospital.objects.count(), Patient.objects.count()) == (6, 60)
    assert set(Membership.objects.values_list("hospital_id", flat=True)) == {h.pk for h in made}
    assert Patient.objects.filter(hospital=made[0]).count() >= 3


def _everything_says_that_it_is_invented() -> None:
    assert all("Synthetic" in hospital.name for hospital in Hospital.objects.all())
    assert all(user.email.endswith(".example") for user in User.objects.all())
    assert not any(user.has_usable_password() for user in User.objects.all())


def _patients_are_plausible(patients: list[Patient]) -> None:
    today = timezone.localdate()
    assert all(normalise_code(patient.code) == patient.code for patient in patients)
    assert any(patient.birth_date > today for patient in patients)
    assert any(not patient.is_active for patient in patients)
    assert any(patient.current_typing is None for patient in patients)
    assert {patient.populations for patient in patients} == {"HAN", ""}
    assert sum(patient.populations == "HAN" for patient in patients) > 0.75 * len(patients)
    assert all(p.created_at <= p.updated_at <= timezone.now() for p in patients)
    weighed = list(PatientWeight.objects.select_related("patient"))
    assert len(weighed) > 45
    assert not [w for w in weighed if weight_doubts(w.weight_kg, w.patient.birth_date, w.measured_on)]
    loci = [row.canonical for row in PatientHlaTyping.objects.all()]
    assert sum({"A", "B", "DRB1"} <= set(typed) for typed in loci) > 0.9 * len(loci)


def _some_patients_have_antibodies() -> None:
    active = Patient.objects.active().count()
    tested = AntibodySerum.objects.values("patient").distinct().count()
    sensitised = AntibodyBead.objects.values("serum__patient").distinct().count()
    assert 0.1 < sensitised / active < 0.35
    assert 0.5 < tested / active < 0.9
    assert AntibodySerum.objects.exclude(withdrawn_at=None).exists()
    assert all(serum.created_at <= timezone.now() for serum in AntibodySerum.objects.all())
    assert not [bead for bead in AntibodyBead.objects.all() if _is_own(bead)]


def _is_own(bead: AntibodyBead) -> bool:
    """Nobody makes antibodies against what he has himself."""
    return bool(own_antigens(bead.serum.patient, [(bead.specificity, bead.mfi, bead.called)]))


def _people_are_one_entry_of_the_audit() -> None:
    entry = AuditEntry.objects.get(action="membership.loaded")
    assert entry.batch_rows == Membership.objects.count()
    assert len(entry.batch_sha256) == 64


def test_the_same_seed_gives_the_same_patients(db: None) -> None:

    pictures = []
    for seed in (7, 7, 8):
        with transaction.atomic():
            load(hospitals=3, patients=10, seed=seed, by=BY)
            pictures.append(picture())
            transaction.set_rollback(True)

    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


def test_no_hospitals_no_patients(db: None) -> None:
    assert load(hospitals=0, patients=5, seed=1, by=BY) == []
    assert not Patient.objects.exists()
