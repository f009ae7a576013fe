"""Synthetic orders of the demonstration, in several states.

Asked for by the services. Signatures and what follows them are written as rows: nobody's password is known here, and
the checklist of an invented unit is not all there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from core.audit import Actor
from core.models import User
from core.roles import Permission, Role
from hospitals.querysets import members_who
from transplants import checklist, moving, order_signatures, prescription
from transplants.choices_orders import Meaning, OrderState
from transplants.models import Order, Reservation
from transplants.prescription import Prescription
from transplants.services_orders import OrderWish, order_ask

# How far the orders of other hospitals have come; that of the hospital whose people sign in waits for its physician.
OTHERS: Final = (OrderState.ASKED, OrderState.APPROVED, OrderState.RELEASED)
DAYS_TO_DELIVERY: Final = (16, 12, 9, 4)


def load(*, own: Sequence[Reservation], others: Sequence[Reservation], bank: User) -> int:
    """own, others: promises that hold, of the hospital that signs in and of others."""
    for kept in own[:1]:
        _ask(kept, kept.asked_by, DAYS_TO_DELIVERY[0])
    for kept, state, days in zip(others, OTHERS, DAYS_TO_DELIVERY[1:], strict=False):
        _advance(_ask(kept, bank, days), state, bank)
    return Order.objects.count()


def _ask(kept: Reservation, user: User, days: int) -> Order:
    today = timezone.localdate()
    deliver_on = today + dt.timedelta(days=days)
    given = {
        **prescription.proposed(kept.patient),
        "weight_kg": kept.patient.weight_kg or Decimal(20),
        "conditioning": "Bu/Cy/ATG",
        "conditioning_on": deliver_on + dt.timedelta(days=1),
        "deliver_on": deliver_on,
        "infusion_on": deliver_on + dt.timedelta(days=9),
        "ship_to": kept.hospital.shipping_address or f"{kept.hospital.name}, {kept.hospital.city}",
        "contact": kept.hospital.shipping_contact or "Stem cell laboratory",
        "contact_phone": kept.hospital.shipping_phone or "+86 21 0000 0000",
    }
    wish = OrderWish(reservation_id=kept.pk, prescribed=Prescription(**given))
    return order_ask(wish=wish, user=user)


@transaction.atomic
def _advance(order: Order, state: OrderState, bank: User) -> None:
    held = moving.locked_order(order.pk)
    physicians = members_who(Permission.ORDER_PRESCRIBE, order.hospital_id)
    _sign(order, Meaning.PRESCRIPTION, physicians[0] if physicians else bank, prescription.digest(order))
    if state == OrderState.ASKED:
        return
    actor = Actor.user(bank)
    new: dict[str, Any] = {
        "approved_by": actor.label[:200],
        "approved_by_user": bank,
        "approved_at": timezone.now(),
    }
    row = moving.step(held, OrderState.APPROVED, actor=actor, action="order.approve", fields=new)
    if state == OrderState.APPROVED:
        return
    digest = checklist.digest_of(row, checklist.checklist_of(row))
    pairs = ((Meaning.RELEASE, Role.QA), (Meaning.RELEASE_SECOND, Role.MEDICAL_DIRECTOR))
    for meaning, role in pairs:
        signer = User.objects.filter(role_grants__role=role).order_by("email")[0]
        _sign(row, meaning, signer, digest)
    new = {"released_at": timezone.now(), "release_checks": checklist.kept(checklist.in_english(row))}
    moving.step(held, OrderState.RELEASED, actor=Actor.user(signer), action="order.release", fields=new)


def _sign(order: Order, meaning: Meaning, user: User, digest: str) -> None:
    order_signatures.write(order, meaning, user, digest)
    action = "order.sign" if meaning == Meaning.PRESCRIPTION else "order.release_sign"
    moving.record(order, action, Actor.user(user), after={"meaning": str(meaning), "digest": digest})
