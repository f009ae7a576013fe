"""Look-back forward: whom units concern. Which hospital has what at stake in each, and where the unit is now."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from core.models import User
from core.roles import Permission
from hospitals.models import Hospital, Patient
from hospitals.querysets import hospitals_open_to
from transplants.choices_orders import OPEN_ORDERS, OrderState
from transplants.models import Order, Reservation

_S = UnitStatus
# These are in nobody's freezer of the bank: what is done about them is done by telephone.
OUTSIDE: Final = (_S.INFUSED, _S.DELIVERED, _S.SHIPPED, _S.NOT_USED, _S.SHIPMENT_FAILED)
# Ended orders whose unit the bank does not have back.
_AWAY: Final = {OrderState.NOT_USED: _S.NOT_USED, OrderState.FAILED: _S.SHIPMENT_FAILED}


@dataclass(frozen=True)
class Stake:
    """What one patient of a hospital has to do with a unit: an order, else a reservation."""

    unit: CordBloodUnit
    hospital: Hospital
    patient: Patient
    order: Order | None = None
    reservation: Reservation | None = None

    @property
    def number(self) -> str:
        row = self.order or self.reservation
        return row.number if row else ""

    @property
    def state(self) -> str:
        row = self.order or self.reservation
        return str(row.get_state_display()) if row else ""

    @property
    def contact(self) -> str:
        """Whom to call there: who was named with the order, else whom the hospital names for its shipments."""
        return (self.order.contact if self.order else "") or str(self.hospital.shipping_contact)

    @property
    def phone(self) -> str:
        return (self.order.contact_phone if self.order else "") or str(self.hospital.shipping_phone)

    @property
    def is_outside(self) -> bool:
        return self.order is not None and self.unit.status in OUTSIDE

    @property
    def shipment(self) -> Any:
        return getattr(self.order, "shipment", None)

    @property
    def infusion(self) -> Any:
        return getattr(self.order, "infusion", None)


def stakes_of(unit_ids: Collection[UUID]) -> list[Stake]:
    """Of whoever may still be given the units, or was: what is outside the bank first, infused before all."""
    if not unit_ids:
        return []
    found = [_of_order(row) for row in _orders(unit_ids)]
    ordered = {(stake.unit.pk, stake.patient.pk) for stake in found}
    found += [
        Stake(row.unit, row.hospital, row.patient, reservation=row)
        for row in _reservations(unit_ids)
        if (row.unit_id, row.patient_id) not in ordered
    ]
    return sorted(found, key=_urgency)


def still_concerned() -> Q:
    """Orders that are open, were infused, or whose unit has not come back."""
    away = Q()
    for state, status in _AWAY.items():
        away |= Q(state=state, unit__status=status)
    return Q(state__in=[*OPEN_ORDERS, OrderState.INFUSED]) | away


def _orders(unit_ids: Collection[UUID]) -> Sequence[Order]:
    rows = Order.objects.filter(still_concerned(), unit__in=list(unit_ids))
    names = ("unit__bank", "hospital", "patient", "shipment", "infusion__transplant")
    return list(rows.select_related(*names).order_by("number"))


def _reservations(unit_ids: Collection[UUID]) -> Sequence[Reservation]:
    rows = Reservation.objects.open().filter(unit__in=list(unit_ids))
    return list(rows.select_related("unit__bank", "hospital", "patient").order_by("number"))


def _of_order(row: Order) -> Stake:
    return Stake(row.unit, row.hospital, row.patient, order=row)


def _urgency(stake: Stake) -> tuple[int, str, str]:
    place = OUTSIDE.index(_S(stake.unit.status)) if stake.is_outside else len(OUTSIDE)
    return place + (stake.order is None), stake.hospital.code, stake.number


@dataclass(frozen=True)
class Affected:
    """Units, and whom they concern: what a recall would do, or does."""

    units: list[CordBloodUnit]
    stakes: list[Stake]

    @property
    def outside(self) -> list[CordBloodUnit]:
        """Units that have left, or whose leaving nobody here knows of: a unit may have gone before this system."""
        away = [unit for unit in self.units if unit.status in OUTSIDE]
        return sorted(away, key=lambda unit: (OUTSIDE.index(_S(unit.status)), unit.unit_no))

    @property
    def by_status(self) -> list[tuple[UnitStatus, int]]:
        counted = Counter(unit.status for unit in self.units)
        return [(status, counted[status]) for status in UnitStatus if status in counted]

    @property
    def hospitals(self) -> list[Hospital]:
        by_key = {stake.hospital.pk: stake.hospital for stake in self.stakes}
        return sorted(by_key.values(), key=lambda hospital: str(hospital.code))

    @property
    def digest(self) -> str:
        """Of the units with their states, and of what hospitals have at stake: what a person is shown and signs."""
        whole = hashlib.sha256()
        for unit in sorted(self.units, key=lambda one: one.pk):
            whole.update(f"{unit.pk}:{unit.status}\n".encode())
        for line in sorted(f"{one.unit.pk}:{one.patient.pk}:{one.number}" for one in self.stakes):
            whole.update(f"{line}\n".encode())
        return whole.hexdigest()


def affected_by(unit_ids: Collection[UUID]) -> Affected:
    """A fixed number of queries, however many units."""
    units = CordBloodUnit.objects.filter(pk__in=list(unit_ids)).select_related("bank")
    return Affected(list(units.order_by("unit_no", "pk")), stakes_of(unit_ids))


def shown_to(user: User, stakes: Sequence[Stake]) -> list[Stake]:
    """Those of the hospitals whose patients the person may see."""
    opened = hospitals_open_to(user, Permission.ORDER_VIEW)
    return [one for one in stakes if opened is None or one.hospital.pk in opened]


CSV_HEADER = (
    "unit", "unit_no", "status", "recalled", "hospital", "patient", "reservation", "order", "order_state", "shipment",
    "transplant", "infused_on", "contact", "contact_phone",
)  # fmt: skip


def csv_rows(affected: Affected) -> Iterator[Sequence[Any]]:
    """A row for each unit and whom it concerns; a unit that concerns nobody has one row."""
    by_unit: dict[UUID, list[Stake]] = {}
    for stake in affected.stakes:
        by_unit.setdefault(stake.unit.pk, []).append(stake)
    for unit in affected.units:
        head = [unit.public_no, unit.unit_no, unit.status, unit.recalled]
        for stake in by_unit.get(unit.pk, ()):
            yield [*head, *_told(stake)]
        if unit.pk not in by_unit:
            yield [*head, *[""] * (len(CSV_HEADER) - len(head))]


def _told(stake: Stake) -> Sequence[Any]:
    order, infusion = stake.order, stake.infusion
    return [
        stake.hospital.code,
        stake.patient.code,
        stake.reservation.number if stake.reservation else "",
        order.number if order else "",
        order.state if order else "",
        stake.shipment.number if stake.shipment else "",
        infusion.transplant.number if infusion else "",
        infusion.transplant.infused_on if infusion else "",
        stake.contact,
        stake.phone,
    ]
