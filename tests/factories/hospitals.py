"""Hospitals, people and patients for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone

from core import reference
from core.models import User
from core.roles import Role
from core.typings import TypingInput, interpret, typing_digest
from hla.antibodies import Specificity, parse_specificity
from hospitals.codes import patient_code
from hospitals.models import (
    AntibodyBead,
    AntibodySerum,
    Department,
    Hospital,
    Membership,
    Patient,
    PatientHlaTyping,
    PatientIdentity,
    PatientMerge,
    PossibleDuplicate,
)
from tests.factories.core import UserFactory

GL = "A*11:01+A*24:02^B*40:01+B*46:01^C*01:02+C*07:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"


class HospitalFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Hospital

    code = factory.Sequence(lambda n: f"F{n:03d}")  # tests write H… themselves
    name = factory.Sequence(lambda n: f"Synthetic Hospital {n:03d}")
    city = "Shanghai"


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    hospital = factory.SubFactory(HospitalFactory)
    name = factory.Sequence(lambda n: f"Department {n:03d}")


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    hospital = factory.SubFactory(HospitalFactory)


class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    code = factory.LazyFunction(patient_code)
    hospital = factory.SubFactory(HospitalFactory)
    sex = "F"
    birth_date = datetime.date(2024, 3, 1)
    weight_kg = Decimal("12.40")
    diagnosis = "mld"
    stage = "presymptomatic"


class PatientIdentityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PatientIdentity

    patient = factory.SubFactory(PatientFactory)
    name = "Invented Name"
    document_no = "X-0001"


class PatientTypingFactory(factory.django.DjangoModelFactory):
    """`gl` is read by the nomenclature in force, as the service does."""

    class Meta:
        model = PatientHlaTyping

    class Params:
        gl = GL

    patient = factory.SubFactory(PatientFactory)
    canonical_gl = factory.LazyAttribute(lambda o: interpret(TypingInput(gl=o.gl)).typing().gl())
    loci = factory.LazyAttribute(lambda o: _pairs(o.gl))
    canonical = factory.LazyAttribute(lambda o: _pairs(o.gl))
    digest = factory.LazyAttribute(lambda o: typing_digest(o.canonical_gl))
    notes = factory.LazyAttribute(lambda o: interpret(TypingInput(gl=o.gl)).notes())
    nomenclature = factory.LazyAttribute(lambda o: interpret(TypingInput(gl=o.gl)).release)


class PossibleDuplicateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PossibleDuplicate
        exclude = ("one", "other")

    one = factory.SubFactory(PatientFactory)
    other = factory.SubFactory(PatientFactory)
    first = factory.LazyAttribute(lambda o: min((o.one, o.other), key=lambda patient: patient.pk))
    second = factory.LazyAttribute(lambda o: max((o.one, o.other), key=lambda patient: patient.pk))


class PatientMergeFactory(factory.django.DjangoModelFactory):
    """In force: the merged record is inactive and leads to the kept one."""

    class Meta:
        model = PatientMerge

    kept = factory.SubFactory(PatientFactory)
    merged = factory.SubFactory(
        PatientFactory,
        hospital=factory.SelfAttribute("..kept.hospital"),
        merged_into=factory.SelfAttribute("..kept"),
        state="inactive",
        inactive_reason="merged",
        deactivated_at=factory.LazyFunction(timezone.now),
    )
    reason = "entered twice"
    former_state = "active"


def second_sample(patient: Patient, gl: str = GL, **values: Any) -> PatientHlaTyping:
    """A typing of another sample than the one in force, which is stated to be of 2 January 2026."""
    patient.typings.filter(is_current=True).update(sampled_on=datetime.date(2026, 1, 2))
    given = {"sampled_on": datetime.date(2026, 2, 2), "laboratory": "Another laboratory", "is_current": False}
    return PatientTypingFactory(patient=patient, gl=gl, **given | values)


def _pairs(gl: str) -> dict[str, list[str]]:
    read = interpret(TypingInput(gl=gl))
    return {name: [locus.first, locus.second] for name, locus in read.loci.items()}


def member_of(hospital: Hospital, *roles: Role, **kwargs: Any) -> User:
    """A person of this hospital; a coordinator unless other roles are named."""
    user = UserFactory(roles=list(roles or (Role.HOSPITAL_COORDINATOR,)), **kwargs)
    MembershipFactory(user=user, hospital=hospital)
    return user


class AntibodySerumFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AntibodySerum

    patient = factory.SubFactory(PatientFactory)
    sampled_on = datetime.date(2026, 5, 1)
    method = "single_antigen"
    classes = "both"
    nomenclature = "built-in"


class AntibodyBeadFactory(factory.django.DjangoModelFactory):
    """`written` is read by the nomenclature in force, as the service does."""

    class Meta:
        model = AntibodyBead

    serum = factory.SubFactory(AntibodySerumFactory)
    written = "A24"
    text = factory.LazyAttribute(lambda o: _specificity(o.written).text)
    loci = factory.LazyAttribute(lambda o: list(_specificity(o.written).loci))
    level = factory.LazyAttribute(lambda o: _specificity(o.written).level)
    mfi = 5_000
    called = factory.LazyAttribute(lambda o: "positive" if o.mfi is None else "")


def _specificity(written: str) -> Specificity:
    return parse_specificity(written, reference.resolver())
