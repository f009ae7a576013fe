"""What every step of an order shares: the locks in one order, the step of order and unit together, the audit entry.

Order of locks: patient, unit, reservation, order, then what hangs on it; people who are told are locked last. Not
services of their own: they change locked rows inside the transaction of the service that makes the step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import services as bank_services
from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from bank.writing import locked_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict
from hospitals.models import Patient
from matching.choices import RequestState
from matching.services.promises import request_advance
from transplants import writing
from transplants.choices import EndCause, ReservationState
from transplants.choices_orders import OPEN_ORDERS, ORDER_TRANSITIONS, UNIT_IN, OrderState
from transplants.models import Order, Reservation

# How the unit's own trail calls the step; a hospital's name or patient does not stand there.
UNIT_ACTION: Final[dict[OrderState, str]] = {
    OrderState.APPROVED: "unit.order",
    OrderState.RELEASED: "unit.release_to_ship",
    OrderState.SHIPPED: "unit.ship",
    OrderState.DELIVERED: "unit.deliver",
    OrderState.INFUSED: "unit.infuse",
    OrderState.NOT_USED: "unit.not_used",
    OrderState.FAILED: "unit.shipment_failed",
}
UNIT_BACK: Final = "unit.order_back"  # the release is revoked, the order withdrawn


@dataclass(frozen=True)
class LockedOrder:
    """An order with what it is about, all four rows locked."""

    row: Order
    patient: Patient
    unit: CordBloodUnit
    reservation: Reservation


def locked_order(order_id: UUID) -> LockedOrder:
    """Also of an order that has ended: what follows an order guards its state itself."""
    where = Order.objects.filter(pk=order_id).values_list("patient", "unit", "reservation").get()
    patient, unit = writing.locked_patient(where[0]), locked_unit(where[1])
    reservations = Reservation.objects.select_related("hospital", "request")
    reservation: Reservation = reservations.select_for_update(no_key=True, of=("self",)).get(pk=where[2])
    orders = Order.objects.select_related("hospital", "asked_by")
    row: Order = orders.select_for_update(no_key=True, of=("self",)).get(pk=order_id)
    row.patient, row.unit, row.reservation = patient, unit, reservation
    reservation.patient, reservation.unit = patient, unit
    return LockedOrder(row, patient, unit, reservation)


def guard_state(row: Order, *states: OrderState) -> None:
    """Raises Conflict that says where the order stands instead: a page was stale, or somebody was quicker."""
    if row.state not in states:
        raise Conflict(
            "order_state",
            _("%(number)s is “%(state)s” now; this step is not open. Look at the page again."),
            params={"number": row.number, "state": OrderState(row.state).label},
        )


def record(row: Order, action: str, actor: Actor, **values: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), f"{row.number} · {row.unit.public_no} · {row.patient.code}"),
        hospital_id=row.hospital_id,
        **values,
    )


def save(row: Order, values: Mapping[str, Any]) -> None:
    for name, value in {**values, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])


def step(
    held: LockedOrder,
    to: OrderState,
    *,
    actor: Actor,
    action: str,
    reason: str = "",
    fields: Mapping[str, Any] | None = None,
) -> Order:
    """The order and its unit go to a state together. Raises Conflict where order or unit may not.

    An end frees, keeps or ends the promise: withdrawn and declined leave the reservation as it was; infused, not used
    and failed end it, and the unit is nobody's any more.
    """
    row = held.row
    here = OrderState(row.state)
    if to not in ORDER_TRANSITIONS[here]:
        guard_state(row, *(state for state, ways in ORDER_TRANSITIONS.items() if to in ways))
    _move_unit(held, here, to, actor)
    new: dict[str, Any] = {**(fields or {}), "state": to}
    if to not in OPEN_ORDERS:
        new |= {"ended_at": timezone.now(), "ended_by": actor.label[:200], "end_reason": reason[:400]}
    save(row, new)
    if to in _ENDS:
        _end_promise(held, _ENDS[to], actor)
    follow(held.reservation.request_id, actor)
    record(row, action, actor, before={"state": here}, after={"state": to}, reason=reason)
    return row


_ENDS: Final[dict[OrderState, EndCause]] = {
    OrderState.INFUSED: EndCause.INFUSED,
    OrderState.NOT_USED: EndCause.RETURNED,
    OrderState.FAILED: EndCause.RETURNED,
}


def follow(request_id: UUID | None, actor: Actor) -> None:
    """The match request says how far the orders of its units have come. The caller holds the patient."""
    if request_id is None:
        return
    orders = Order.objects.filter(reservation__request=request_id)
    states = frozenset(OrderState(state) for state in orders.order_by().values_list("state", flat=True))
    kept = Reservation.objects.active().filter(request=request_id).exists()
    request_advance(request_id=request_id, to=request_state(states, kept=kept), actor=actor)


def request_state(states: Collection[OrderState], *, kept: bool) -> RequestState:
    """Where a request stands, by the states of all orders of its units; kept: another unit is reserved by it.

    What is furthest on its way counts; an infusion closes the request once nothing else is ordered by it.
    """
    if {OrderState.SHIPPED, OrderState.DELIVERED} & set(states):
        return RequestState.SHIPPED
    if {OrderState.APPROVED, OrderState.RELEASED} & set(states):
        return RequestState.ORDERED
    if OrderState.INFUSED in states:
        return RequestState.CLOSED
    return RequestState.RESERVED if kept else RequestState.SEARCHED


def _move_unit(held: LockedOrder, here: OrderState, to: OrderState, actor: Actor) -> None:
    back = {OrderState.WITHDRAWN: UnitStatus.RESERVED, OrderState.APPROVED: UnitStatus.ORDERED}
    if to == OrderState.DECLINED or (here == OrderState.ASKED and to == OrderState.WITHDRAWN):
        return  # the unit was not touched yet
    is_back = to == OrderState.WITHDRAWN or (here == OrderState.RELEASED and to == OrderState.APPROVED)
    target = back[to] if is_back else UNIT_IN[to]
    bank_services.move(
        held.unit,
        target,
        actor=actor,
        action=UNIT_BACK if is_back else UNIT_ACTION[to],
        reason=held.row.number,
        fields={},
    )


def _end_promise(held: LockedOrder, cause: EndCause, actor: Actor) -> None:
    """The promise was kept, or cannot be: it ends with the order, and frees nothing."""
    promise = held.reservation
    if not promise.is_open:
        return
    new = {
        "state": ReservationState.ENDED,
        "end_cause": cause,
        "ended_by": actor.label[:200],
        "ended_at": timezone.now(),
    }
    writing.save(promise, new)
    writing.record(
        promise,
        "reservation.drop",
        actor,
        before={"state": ReservationState.ACTIVE},
        after={"state": promise.state, "cause": cause},
    )
