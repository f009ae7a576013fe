"""Synthetic orders of the demonstration: one at each step of the way, with all that the next step asks for.

Everything by the services, but the signatures, which are written as rows: nobody's password is known here. What
happened days ago is set back afterwards.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.utils import timezone

from bank.models import CordBloodUnit, GeneticLimits
from core.audit import Actor
from core.models import User
from core.roles import Role
from hospitals.models import Patient
from transplants import (
    checklist,
    demo_ready,
    demo_shipments,
    demo_typings,
    moving,
    order_signatures,
    prescription,
    services,
)
from transplants.choices_orders import Meaning, OrderState
from transplants.demo_people import colleague, coordinator, person, physician
from transplants.models import Order, Reservation
from transplants.prescription import Prescription
from transplants.services import Wish
from transplants.services_orders import OrderWish, guard_checks, order_approve, order_ask

PROMISED: Final = dt.timedelta(days=20)  # ago
Step = Callable[[Order], None]


@dataclass(frozen=True)
class Stage:
    """How far an order has come. days: until its delivery; own: of the hospital whose people sign in."""

    steps: Sequence[Step]
    days: int
    own: bool = False


def load(*, seed: int) -> int:
    """One order of each stage, as far as there are patients and units that lack nothing."""
    rng = random.Random(f"qidai-orders-{seed}")
    own = sum(1 for one in STAGES if one.own)
    elsewhere = demo_ready.other_hospitals(GeneticLimits.load().home_country)
    found = {
        True: demo_ready.patients(rng, own, demo_ready.own_hospitals()),
        False: demo_ready.patients(rng, len(STAGES) - own, elsewhere),
    }
    units = demo_ready.units(rng, len(STAGES))
    for stage in STAGES:
        if units and found[stage.own]:
            _at_stage(stage, found[stage.own].pop(0), units.pop(0))
    return Order.objects.count()


def _at_stage(stage: Stage, patient: Patient, unit: CordBloodUnit) -> None:
    demo_ready.make_ready(patient)
    kept = _reserved(unit, patient)
    demo_typings.confirmed_by_two(kept, asked_at=timezone.now() - PROMISED)
    order = _asked(kept, stage.days)
    for step in stage.steps:
        step(order)
        order = _fresh(order)


def _fresh(order: Order) -> Order:
    found: Order = Order.objects.with_names().prefetch_related("signatures").get(pk=order.pk)
    return found


def _reserved(unit: CordBloodUnit, patient: Patient) -> Reservation:
    row = services.reservation_ask(wish=Wish(unit.pk, patient.pk), user=coordinator(patient.hospital_id))
    if not row.is_active:
        row = services.reservation_confirm(reservation_id=row.pk, user=person(Role.SEARCH_COORDINATOR))
    ago = timezone.now() - PROMISED
    Reservation.objects.filter(pk=row.pk).update(asked_at=ago, confirmed_at=ago)
    return row


def _asked(kept: Reservation, days: int) -> Order:
    deliver_on = timezone.localdate() + dt.timedelta(days=days)
    given = {
        **prescription.proposed(kept.patient, kept.hospital.departments.active().first()),
        "weight_kg": kept.patient.weight_kg or Decimal(20),
        "conditioning": "Bu/Cy/ATG",
        "conditioning_on": deliver_on + dt.timedelta(days=1),
        "deliver_on": deliver_on,
        "infusion_on": deliver_on + dt.timedelta(days=8),
    }
    wish = OrderWish(reservation_id=kept.pk, prescribed=Prescription(**given))
    return order_ask(wish=wish, user=coordinator(kept.hospital_id))


# --- the steps ------------------------------------------------------------------------------------


def _sign(order: Order) -> None:
    _write(order, Meaning.PRESCRIPTION, physician(order.hospital_id), prescription.digest(order))


def _approve(order: Order) -> None:
    order_approve(order_id=order.pk, user=person(Role.SEARCH_COORDINATOR))


@transaction.atomic
def _release(order: Order) -> None:
    held = moving.locked_order(order.pk)
    found = checklist.checklist_of(held.row)
    guard_checks(found.checks)
    digest = checklist.digest_of(held.row, found)
    director = person(Role.MEDICAL_DIRECTOR)
    _write(held.row, Meaning.RELEASE, person(Role.QA), digest)
    _write(held.row, Meaning.RELEASE_SECOND, director, digest)
    new = {"released_at": timezone.now(), "release_checks": checklist.kept(checklist.in_english(held.row))}
    actor = Actor.user(director)
    moving.step(held, OrderState.RELEASED, actor=actor, action="order.release", fields=new)


@transaction.atomic
def _write(order: Order, meaning: Meaning, user: User, digest: str) -> None:
    order_signatures.write(order, meaning, user, digest)
    action = "order.sign" if meaning == Meaning.PRESCRIPTION else "order.release_sign"
    moving.record(order, action, Actor.user(user), after={"meaning": str(meaning), "digest": digest})


def _pack(order: Order) -> None:
    """By the colleague: nobody checks his own packing, and the one who signs in has something to check."""
    demo_shipments.packed(order, colleague(Role.SHIPPING))


def _send(order: Order) -> None:
    demo_shipments.sent(order, checks=person(Role.SHIPPING), sends=colleague(Role.SHIPPING))


_RELEASED: Final = (_sign, _approve, _release)
_SENT: Final = (*_RELEASED, _pack, _send)
STAGES: Final = (
    Stage((), 16, own=True),
    Stage((_sign,), 14, own=True),
    Stage((_sign, _approve), 12),
    Stage(_RELEASED, 4),
    Stage((*_RELEASED, _pack), 3),
    Stage((*_SENT, demo_shipments.under_way), 1, own=True),
    Stage((*_SENT, demo_shipments.delivered), 1, own=True),
    Stage((*_SENT, demo_shipments.delivered, demo_shipments.infused), 1, own=True),
    Stage((*_SENT, demo_shipments.delivered, demo_shipments.not_used), 1),
    Stage((_sign, _approve), 10),  # the last: its unit is recalled (demo_incidents)
)
