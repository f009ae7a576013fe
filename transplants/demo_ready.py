"""Patients and units of the demonstration with all that an order asks for: what is missing is added by the services.

Everything by random numbers of their own and of a few rows only, so that the rest of a seed stays as it is.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection
from itertools import islice
from uuid import UUID

from django.utils import timezone

from bank import typing_compared
from bank.choices import DonorType, Source
from bank.demo.complete import complete, fit
from bank.models import CordBloodUnit
from bank.typing_compared import half_typed, loci_of
from core.audit import Actor
from core.roles import Role
from core.typings import TypingInput
from hospitals.choices import AntibodyMethod, SerumClasses
from hospitals.confirmation import typing_confirmation
from hospitals.data import SerumData, WeightData
from hospitals.models import Hospital, Membership, Patient
from hospitals.services import patient_weight_record
from hospitals.services_antibodies import serum_record
from hospitals.services_confirmation import patient_typing_confirm
from transplants.choices_typings import NEEDED
from transplants.demo_people import person

LABORATORY = "Second synthetic HLA laboratory"
LEAST_TNC_E7, LEAST_CD34_E6, LEAST_SEGMENTS = 90, 3, 3
LOOKED_AT = 12  # units for each that is wanted
QUALIFIED_DAYS, BORN_DAYS, SAMPLED_DAYS = 90, 60, 14


def patients(rng: random.Random, many: int, hospitals: Collection[UUID]) -> list[Patient]:
    """Of these hospitals, who wait and lack little: born, weighed and typed on a dated sample, none in dispute."""
    today = timezone.localdate()
    rows = (
        Patient.objects.active()
        .with_current_typing()
        .filter(
            hospital__in=hospitals,
            typing_discrepancy=False,
            birth_date__lt=today - dt.timedelta(days=BORN_DAYS),
            weight_kg__isnull=False,
            reservations=None,
        )
    )
    found = [one for one in rows.select_related("hospital").order_by("code") if _is_sampled(one, today)]
    return rng.sample(found, min(many, len(found)))


def _is_sampled(patient: Patient, today: dt.date) -> bool:
    first = patient.current_typing
    days = dt.timedelta(days=SAMPLED_DAYS)
    return first is not None and first.sampled_on is not None and first.sampled_on <= today - days


def own_hospitals() -> frozenset[UUID]:
    """Of the coordinator who signs in."""
    return frozenset(person(Role.HOSPITAL_COORDINATOR).hospital_ids)


def other_hospitals(home: str) -> list[UUID]:
    """In the country, qualified for a while, and with people for each step: a coordinator and a physician."""
    last = timezone.localdate() + dt.timedelta(days=QUALIFIED_DAYS)
    rows = Hospital.objects.filter(active=True, country=home, qualified_until__gte=last)
    people = Membership.objects.filter(user__is_active=True)
    with_both = [
        set(people.filter(user__role_grants__role=role).values_list("hospital", flat=True))
        for role in (Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN)
    ]
    keys = rows.exclude(pk__in=own_hospitals()).order_by("code").values_list("pk", flat=True)
    return [key for key in keys if all(key in found for found in with_both)]


def make_ready(patient: Patient) -> None:
    """A second sample, a serum of both classes, a weighing of this week; each where it is wanted."""
    by, today = Actor.system("demo_data"), timezone.localdate()
    first = patient.current_typing
    assert first is not None
    assert first.sampled_on is not None
    assert patient.weight_kg is not None
    if not typing_confirmation(patient).is_confirmed:
        drawn = first.sampled_on + dt.timedelta(days=10)
        second = TypingInput(
            gl=first.canonical_gl,
            laboratory=LABORATORY,
            typed_on=drawn,
            sampled_on=drawn,
            sample=f"{first.sample}-C",
        )
        patient_typing_confirm(patient_id=patient.pk, typing=second, by=by)
    serum = SerumData(
        sampled_on=today - dt.timedelta(days=9),
        tested_on=today - dt.timedelta(days=7),
        method=AntibodyMethod.SINGLE_ANTIGEN.value,
        laboratory=LABORATORY,
        none_found=True,
        classes=SerumClasses.BOTH.value,
    )
    serum_record(patient_id=patient.pk, serum=serum, by=by)
    weighed = WeightData(weight_kg=patient.weight_kg, measured_on=today - dt.timedelta(days=2))
    patient_weight_record(patient_id=patient.pk, weight=weighed, by=by)


def units(rng: random.Random, many: int) -> list[CordBloodUnit]:
    """Own units on offer, rich enough and typed at all loci, with all that a release asks for."""
    rows = CordBloodUnit.objects.listed().filter(
        source=Source.OWN,
        donor_type=DonorType.CORD,
        segments__gte=LEAST_SEGMENTS,
        tnc_e7__gte=LEAST_TNC_E7,
        cd34_e6__gte=LEAST_CD34_E6,
        donation__isnull=False,
        releases=None,
    )
    keys = list(rows.order_by("unit_no").values_list("pk", flat=True))
    drawn = rng.sample(keys, min(LOOKED_AT * many, len(keys)))
    looked_at = CordBloodUnit.objects.filter(pk__in=drawn).select_related("donation", "bank")
    by_key = {unit.pk: unit for unit in looked_at}
    typed = (unit for unit in fit([by_key[key] for key in drawn]) if _is_typed(unit))
    found = list(islice(typed, many))
    complete(found, verifies=person(Role.QA))
    return found


def _is_typed(unit: CordBloodUnit) -> bool:
    row = typing_compared.in_force(unit.pk)
    return row is not None and not half_typed(loci_of(row.canonical_gl), NEEDED)
