"""Which units a hospital knows: those kept for its patients, and those that it was sent."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from bank.models import CordBloodUnit
from bank.querysets import CordBloodUnitQuerySet
from transplants.choices import ReservationState
from transplants.models import Order, Reservation


def known_to(hospital_ids: Collection[UUID]) -> CordBloodUnitQuerySet:
    """Of these hospitals: with a promise that is in force, or an order that the bank approved, however it ended."""
    kept = Reservation.objects.filter(hospital__in=hospital_ids, state=ReservationState.ACTIVE)
    sent = Order.objects.filter(hospital__in=hospital_ids, approved_at__isnull=False)
    return CordBloodUnit.objects.filter(
        Q(pk__in=kept.order_by().values("unit")) | Q(pk__in=sent.order_by().values("unit"))
    )
