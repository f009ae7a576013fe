"""Which units a hospital knows: those kept for its patients, and those that it was sent."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from bank.models import CordBloodUnit
from bank.querysets import CordBloodUnitQuerySet
from transplants.affected import still_concerned
from transplants.choices import ReservationState
from transplants.models import Order, Reservation

_ACTIVE = Q(state=ReservationState.ACTIVE)
_APPROVED = Q(approved_at__isnull=False)


def known_to(hospital_ids: Collection[UUID]) -> CordBloodUnitQuerySet:
    """Of these hospitals: with a promise that is in force, or an order that the bank approved, however it ended."""
    return _units(hospital_ids, _ACTIVE, _APPROVED)


def once_known_to(hospital_ids: Collection[UUID]) -> CordBloodUnitQuerySet:
    """And those that were promised to them before: their numbers are no news. What became of them since may be."""
    return _units(hospital_ids, Q(confirmed_at__isnull=False), _APPROVED)


def at_stake_of(hospital_ids: Collection[UUID]) -> CordBloodUnitQuerySet:
    """Those whose state is theirs to know now: promised, on order, infused, or not sent back."""
    return _units(hospital_ids, _ACTIVE, _APPROVED & still_concerned())


def _units(hospital_ids: Collection[UUID], kept: Q, sent: Q) -> CordBloodUnitQuerySet:
    reservations = Reservation.objects.filter(kept, hospital__in=hospital_ids)
    orders = Order.objects.filter(sent, hospital__in=hospital_ids)
    return CordBloodUnit.objects.filter(
        Q(pk__in=reservations.order_by().values("unit")) | Q(pk__in=orders.order_by().values("unit"))
    )
