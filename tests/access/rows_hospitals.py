"""Addresses of hospitals and patients, pages and API."""

from __future__ import annotations

from django.utils import timezone

from core.roles import HOSPITAL_ROLES, Role
from hospitals.models import Hospital, Patient
from tests.access.matrix import Row, World
from tests.factories.hospitals import (
    AntibodyBeadFactory,
    DepartmentFactory,
    HospitalFactory,
    MembershipFactory,
    PatientFactory,
    PatientIdentityFactory,
    PatientTypingFactory,
)

R = Role


# Written out, so that a change of the policy must be meant.
VIEW_HOSPITALS = frozenset(
    {R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN}
    | {R.DIRECTOR, R.ADMIN, R.AUDITOR}
)
EDIT_HOSPITALS = frozenset({R.ADMIN})
VIEW_PATIENTS = frozenset(
    {R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN}
)
EDIT_PATIENTS = frozenset({R.HOSPITAL_COORDINATOR})
IDENTITIES = HOSPITAL_ROLES


def build(world: World) -> None:
    world.hospital, world.other_hospital = HospitalFactory(), HospitalFactory()
    for role in HOSPITAL_ROLES:
        MembershipFactory(user=world.users[role], hospital=world.hospital)
    world.membership = world.hospital.memberships.first()
    world.other_membership = MembershipFactory(hospital=world.other_hospital)
    world.department = DepartmentFactory(hospital=world.hospital)
    world.other_department = DepartmentFactory(hospital=world.other_hospital)
    world.patient, world.inactive_patient = _patient(world.hospital), _inactive(world.hospital)
    world.serum = AntibodyBeadFactory(serum__patient=world.patient).serum
    world.other_patient, world.other_inactive = (
        _patient(world.other_hospital),
        _inactive(world.other_hospital),
    )
    world.other_serum = AntibodyBeadFactory(serum__patient=world.other_patient).serum


def _patient(hospital: Hospital) -> Patient:
    patient = PatientFactory(hospital=hospital)
    PatientTypingFactory(patient=patient)
    PatientIdentityFactory(patient=patient)
    return patient


def _inactive(hospital: Hospital) -> Patient:
    return PatientFactory(
        hospital=hospital, state="inactive", inactive_reason="moved", deactivated_at=timezone.now()
    )


def own(world: World) -> dict[str, object]:
    return {"pk": world.patient.pk}


def other(world: World) -> dict[str, object]:
    return {"pk": world.other_patient.pk}


def own_serum(world: World) -> dict[str, object]:
    return {"pk": world.serum.pk}


def other_serum(world: World) -> dict[str, object]:
    return {"pk": world.other_serum.pk}


def post(name: str, roles: frozenset[Role], /, **data: object) -> Row:
    return Row(name, roles, own, other=other, method="post", data=lambda w: dict(data))


HOSPITAL_VALUES = {"code": "NEW1", "name": "New", "city": "Wuhan", "country": "CN", "active": "on"}

SERUM = {"sampled_on": "2026-05-01", "method": "single_antigen"}

ROWS = [
    Row("hospitals:hospital-list", VIEW_HOSPITALS, query="?q=a&sort=-people"),
    Row("hospitals:hospital-export", VIEW_HOSPITALS),
    Row("hospitals:hospital-create", EDIT_HOSPITALS),
    Row("hospitals:hospital-create", EDIT_HOSPITALS, method="post", data=lambda w: HOSPITAL_VALUES),
    Row(
        "hospitals:hospital-detail",
        VIEW_HOSPITALS,
        lambda w: {"pk": w.hospital.pk},
        other=lambda w: {"pk": w.other_hospital.pk},
    ),
    Row(
        "hospitals:hospital-edit",
        EDIT_HOSPITALS,
        lambda w: {"pk": w.hospital.pk},
        other=lambda w: {"pk": w.other_hospital.pk},
    ),
    Row(
        "hospitals:hospital-edit",
        EDIT_HOSPITALS,
        lambda w: {"pk": w.hospital.pk},
        other=lambda w: {"pk": w.other_hospital.pk},
        method="post",
        data=lambda w: {**HOSPITAL_VALUES, "version": Hospital.objects.get(pk=w.hospital.pk).version},
        ok=(302,),
    ),
    Row(
        "hospitals:membership-add",
        EDIT_HOSPITALS,
        lambda w: {"pk": w.hospital.pk},
        other=lambda w: {"pk": w.other_hospital.pk},
        method="post",
        ok=(400,),  # nobody is named
    ),
    *(
        Row(
            "hospitals:membership-edit",
            EDIT_HOSPITALS,
            lambda w: {"pk": w.membership.pk},
            other=lambda w: {"pk": w.other_membership.pk},
            method=method,
            data=lambda w: {"title": "Physician"},
            ok=(200, 409),
        )
        for method in ("get", "post")
    ),
    *(
        Row(
            "hospitals:department-create",
            EDIT_HOSPITALS,
            lambda w: {"pk": w.hospital.pk},
            other=lambda w: {"pk": w.other_hospital.pk},
            method=method,
            data=lambda w: {"name": "Haematology"},
        )
        for method in ("get", "post")
    ),
    *(
        Row(
            "hospitals:department-edit",
            EDIT_HOSPITALS,
            lambda w: {"pk": w.department.pk},
            other=lambda w: {"pk": w.other_department.pk},
            method=method,
            data=lambda w: {"name": "Haematology", "version": 1},
        )
        for method in ("get", "post")
    ),
    Row(
        "hospitals:membership-remove",
        EDIT_HOSPITALS,
        lambda w: {"pk": w.membership.pk},
        other=lambda w: {"pk": w.other_membership.pk},
        method="post",
    ),
    Row("hospitals:patient-list", VIEW_PATIENTS, query="?state=inactive&q=P"),
    Row("hospitals:patient-export", VIEW_PATIENTS),
    Row("hospitals:patient-create", EDIT_PATIENTS),
    Row(
        "hospitals:patient-create",
        EDIT_PATIENTS,
        method="post",
        data=lambda w: {
            "hospital": str(w.hospital.pk),
            "sex": "F",
            "birth_date": "2024-01-01",
            "urgency": "routine",
            "confirmed": "not_searchable",
        },
        ok=(302,),
    ),
    Row(
        "hospitals:typing-check",
        VIEW_PATIENTS,
        method="post",
        data=lambda w: {"locus": "A", "hla_A_1": "A*02:01"},
        ok=(200,),
    ),
    Row("hospitals:patient-detail", VIEW_PATIENTS, own, other=other, ok=(200,)),
    Row("hospitals:patient-edit", EDIT_PATIENTS, own, other=other, ok=(200,)),
    post(
        "hospitals:patient-edit",
        EDIT_PATIENTS,
        sex="M",
        birth_date="2024-01-01",
        urgency="routine",
        version="1",
    ),
    Row("hospitals:patient-typing", EDIT_PATIENTS, own, other=other, ok=(200,)),
    post("hospitals:patient-typing", EDIT_PATIENTS, gl="A*02:01+A*24:02", confirmed="not_searchable"),
    post("hospitals:patient-weight", EDIT_PATIENTS, weight_kg="13", measured_on="2025-01-01"),
    post("hospitals:patient-deactivate", EDIT_PATIENTS, reason="moved", on="2026-05-01"),
    Row(
        "hospitals:patient-reactivate",
        EDIT_PATIENTS,
        lambda w: {"pk": w.inactive_patient.pk},
        other=lambda w: {"pk": w.other_inactive.pk},
        method="post",
        ok=(302,),
    ),
    Row("hospitals:patient-identity", IDENTITIES, own, other=other, method="post", ok=(200,)),
    post("hospitals:patient-identity-edit", EDIT_PATIENTS, open="1"),
    post("hospitals:patient-identity-edit", EDIT_PATIENTS, name="Other Invented Name"),
    Row("hospitals:serum-create", EDIT_PATIENTS, own, other=other, ok=(200,)),
    post("hospitals:serum-create", EDIT_PATIENTS, **SERUM, none_found="on", save="1"),
    Row("hospitals:serum-detail", VIEW_PATIENTS, own_serum, other=other_serum, ok=(200,)),
    Row(
        "hospitals:serum-withdraw",
        EDIT_PATIENTS,
        own_serum,
        other=other_serum,
        method="post",
        data=lambda w: {"reason": "another patient's"},
        ok=(302,),
    ),
    Row("api:patient-antibodies-list", VIEW_PATIENTS, own, other=other, json=True, ok=(200,)),
    Row(
        "api:patient-antibodies-list",
        EDIT_PATIENTS,
        own,
        other=other,
        method="post",
        data=lambda w: {**SERUM, "beads": [{"specificity": "A24", "mfi": 5000}]},
        json=True,
        ok=(201,),
    ),
    Row("api:hospital-list", VIEW_HOSPITALS, json=True, ok=(200,)),
    Row(
        "api:hospital-detail",
        VIEW_HOSPITALS,
        lambda w: {"pk": w.hospital.pk},
        other=lambda w: {"pk": w.other_hospital.pk},
        json=True,
    ),
    Row("api:patient-list", VIEW_PATIENTS, json=True, ok=(200,)),
    Row("api:patient-detail", VIEW_PATIENTS, own, other=other, json=True, ok=(200,)),
    Row(
        "api:patient-list",
        EDIT_PATIENTS,
        method="post",
        data=lambda w: {"hospital": str(w.hospital.pk), "sex": "F", "birth_date": "2024-01-01"},
        json=True,
        ok=(201,),
    ),
]
