"""Synthetic reservations and enquiries of the demonstration, made by its people; the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from django.utils import timezone

from bank.choices import DonorType, Source
from bank.models import CordBloodUnit
from core.models import User
from core.roles import Role
from hospitals.models import Patient
from transplants import demo_fees, demo_orders, demo_typings, services
from transplants.choices_enquiries import EnquiryKind
from transplants.demo_people import person
from transplants.models import Reservation
from transplants.services import Wish
from transplants.services_enquiries import Written, enquiry_open

LEAST_UNITS = 200  # fewer are left to be found
SHOWN, ELSEWHERE = 6, 12  # of the hospital whose people sign in, and of others
DAYS = (3, 12, 26)  # until which the first of its promises hold


def load(*, seed: int) -> int:
    """Of the hospital whose coordinator signs in: promises with more and fewer days left, wishes, one that ended."""
    rng = random.Random(seed)
    demo_fees.load(director=person(Role.DIRECTOR), today=timezone.localdate())
    bank = person(Role.SEARCH_COORDINATOR)
    own = person(Role.HOSPITAL_COORDINATOR)
    shown = _patients(rng, SHOWN, hospital__in=own.hospital_ids)
    others = _patients(rng, ELSEWHERE, exclude=own)
    units = _units(rng, len(shown) + len(others))
    asked = [_ask(unit, patient, own) for unit, patient in zip(units, shown, strict=False)]
    for row, days in zip([one for one in asked if not one.is_active], DAYS, strict=False):
        last = timezone.localdate() + dt.timedelta(days=days)
        services.reservation_confirm(reservation_id=row.pk, user=bank, until=last)
    if len(asked) > len(DAYS):
        services.reservation_cancel(reservation_id=asked[-1].pk, user=own, reason="another unit was chosen")
    for unit, patient in zip(units[len(shown) :], others, strict=False):
        _ask(unit, patient, bank)
    for patient, user, kind, subject, text in _questions(shown, own, bank):
        enquiry_open(patient_id=patient.pk, kind=kind, subject=subject, written=Written(text), user=user)
    demo_typings.load(person=person)
    demo_orders.load(seed=seed)
    return Reservation.objects.count()


def _questions(
    patients: list[Patient], own: User, bank: User
) -> Iterator[tuple[Patient, User, EnquiryKind, str, str]]:
    """One of each side."""
    if len(patients) < 2:
        return
    text = "No unit of the list reaches 6/6. Whom else can we ask, and would two units do?"
    yield patients[0], own, EnquiryKind.SEARCH_ADVICE, "Two units or another registry?", text
    text = "The typing that you sent has no DRB1. Please send the report of the laboratory."
    yield patients[1], bank, EnquiryKind.MESSAGE, "Report of the typing", text


def _patients(rng: random.Random, count: int, exclude: User | None = None, **where: object) -> list[Patient]:
    rows = Patient.objects.active().filter(hospital__active=True, **where).order_by("code")
    found = list(rows.exclude(hospital__in=exclude.hospital_ids) if exclude else rows)
    return rng.sample(found, min(count, len(found)))


def _units(rng: random.Random, count: int) -> list[CordBloodUnit]:
    rows = CordBloodUnit.objects.listed().filter(source=Source.OWN, donor_type=DonorType.CORD)
    keys = list(rows.order_by("unit_no").values_list("pk", flat=True)[: 20 * count])
    chosen = rng.sample(keys, min(count, len(keys)))
    return sorted(CordBloodUnit.objects.filter(pk__in=chosen), key=lambda unit: chosen.index(unit.pk))


def _ask(unit: CordBloodUnit, patient: Patient, user: User) -> Reservation:
    return services.reservation_ask(wish=Wish(unit.pk, patient.pk), user=user)
