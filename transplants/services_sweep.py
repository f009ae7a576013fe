"""What time and others do to reservations: they expire, warn, end with their patient, pass to the next in line.

Rung each minute and after each end. Every reservation is a transaction of its own: one that fails stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import jobs, notifications
from core.audit import Actor
from core.errors import Conflict
from matching.services.promises import request_follow
from transplants import moving, notices, notices_orders
from transplants.choices import EndCause, ReservationState
from transplants.choices_orders import IN_HOUSE
from transplants.models import Enquiry, Incident, Order, Reservation, ReservationRules
from transplants.querysets import ReservationQuerySet
from transplants.services import default_end
from transplants.services_enquiries import enquiry_drop, enquiry_remind
from transplants.services_incidents import incident_remind
from transplants.writing import Locked, activate, end, locked, record, save

log = logging.getLogger("qidai.reservations")

SYSTEM = Actor.system("reservations")


def reservations_sweep() -> dict[str, int]:
    """How many of each were done. Each condition names only rows on which something can be done now."""
    today, rules = timezone.localdate(), ReservationRules.load()
    rows = Reservation.objects
    return {
        "expired": _each(rows.over(today), reservation_expire),
        "without_need": _each(rows.without_need(timezone.now()), reservation_drop),
        "without_unit": _each(rows.without_unit(), reservation_drop),
        "warned": _each(rows.ending(today, rules.warn_days), reservation_warn),
        "held": _each(rows.held(), reservation_tell_held),
        "unheld": _each(rows.unheld(), reservation_tell_unheld),
        "moved_up": _each(rows.to_move_up(today), line_advance),
        "told_free": _each(rows.to_tell_free(), line_tell_free),
        "followed": _each(rows.unfollowed(), request_catch_up),
    }


def enquiries_sweep() -> dict[str, int]:
    """Of what is overdue one side is reminded, once a day; what nobody needs any more ends."""
    rows = Enquiry.objects
    gone = rows.without_need(timezone.now()).order_by("due_on", "pk")
    late = rows.to_remind(timezone.localdate()).order_by("due_on", "pk")
    return {
        "without_need": _apart(gone, lambda key: enquiry_drop(dropped=key)),
        "reminded": _apart(late, lambda key: enquiry_remind(reminded=key)),
    }


def orders_sweep() -> dict[str, int]:
    """Both sides hear once that an order cannot go on, and once that it can again."""
    rows = Order.objects
    return {
        "held": _apart(rows.to_tell_held().order_by("asked_at", "pk"), lambda key: order_tell_held(told=key)),
        "unheld": _apart(
            rows.to_tell_unheld().order_by("asked_at", "pk"), lambda key: order_tell_unheld(told=key)
        ),
    }


def incidents_sweep() -> dict[str, int]:
    """Of each whose day to be reported outside has passed, people are reminded once a day."""
    late = Incident.objects.to_remind(timezone.localdate()).order_by("due_on", "pk")
    return {"reminded": _apart(late, lambda key: incident_remind(reminded=key))}


def _each(rows: ReservationQuerySet, work: Callable[..., bool]) -> int:
    return _apart(rows.order_by("asked_at", "pk"), lambda key: work(reservation_id=key))


def _apart(rows: QuerySet[Any], work: Callable[[UUID], bool]) -> int:
    """Each in a transaction of its own; one that fails stops no other."""
    done = 0
    for key in list(rows.values_list("pk", flat=True)):
        try:
            done += work(key)
        except Conflict:  # somebody was quicker: the next round looks again
            continue
        except Exception as error:
            if jobs.ends_the_work(error):
                raise
            log.exception("sweep of %s %s", rows.model._meta.label, key)
    return done


def _still(rows: ReservationQuerySet, held: Locked) -> bool:
    """Whether it is so under the locks, too."""
    return bool(rows.filter(pk=held.row.pk).exists())


@transaction.atomic
def reservation_expire(*, reservation_id: UUID) -> bool:
    """Its last day has passed: the unit is free, both sides are told. Looked at again under the lock."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.over(timezone.localdate()), held):
        return False  # extended or ordered in time
    told = end(
        held,
        state=ReservationState.EXPIRED,
        cause=EndCause.EXPIRED,
        reason="",
        actor=SYSTEM,
        action="reservation.expire",
    )
    notifications.notifications_create(notices=[*told, *notices.expired(held.row)])
    return True


@transaction.atomic
def reservation_drop(*, reservation_id: UUID) -> bool:
    """Nobody needs it any more, or the unit is gone."""
    held = locked(reservation_id)
    cause = _cause(held)
    if cause is None:
        return False
    told = end(
        held,
        state=ReservationState.ENDED,
        cause=cause,
        reason="",
        actor=SYSTEM,
        action="reservation.drop",
    )
    notifications.notifications_create(notices=[*told, *notices.dropped(held.row)])
    return True


def _cause(held: Locked) -> EndCause | None:
    rows = Reservation.objects
    if _still(rows.without_unit(), held):
        return EndCause.UNIT
    if not _still(rows.without_need(timezone.now()), held):
        return None
    return EndCause.BANK if held.patient.is_active else EndCause.PATIENT


@transaction.atomic
def reservation_warn(*, reservation_id: UUID) -> bool:
    """The hospital hears in time that the promise ends; once for each last day."""
    held = locked(reservation_id)
    row = held.row
    if not _still(Reservation.objects.ending(timezone.localdate(), ReservationRules.load().warn_days), held):
        return False
    save(row, {"warned_for": row.until})
    record(row, "reservation.warn", SYSTEM, after={"until": row.until})
    notifications.notifications_create(notices=notices.ending(row))
    return True


@transaction.atomic
def reservation_tell_held(*, reservation_id: UUID) -> bool:
    """The unit was put on hold or blocked: whoever counts on it must know."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.held(), held):
        return False
    save(held.row, {"held_told_at": timezone.now()})
    record(held.row, "reservation.tell_held", SYSTEM)
    notifications.notifications_create(notices=notices.held(held.row))
    return True


@transaction.atomic
def reservation_tell_unheld(*, reservation_id: UUID) -> bool:
    """It can be counted on again."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.unheld(), held):
        return False
    save(held.row, {"held_told_at": None})
    record(held.row, "reservation.tell_unheld", SYSTEM)
    notifications.notifications_create(notices=notices.unheld(held.row))
    return True


@transaction.atomic
def order_tell_held(*, told: UUID) -> bool:
    """The unit of an order was blocked, or its patient waits no more: before anybody conditions him."""
    held = moving.locked_order(told)
    if not Order.objects.to_tell_held().filter(pk=told).exists():
        return False
    moving.save(held.row, {"held_told_at": timezone.now()})
    moving.record(held.row, "order.tell_held", SYSTEM)
    notifications.notifications_create(notices=notices_orders.held(held.row))
    return True


@transaction.atomic
def order_tell_unheld(*, told: UUID) -> bool:
    """It can go on again; of one that has ended, or has left, nobody is told any more."""
    held = moving.locked_order(told)
    if not Order.objects.to_tell_unheld().filter(pk=told).exists():
        return False
    moving.save(held.row, {"held_told_at": None})
    if held.row.state in IN_HOUSE:
        moving.record(held.row, "order.tell_unheld", SYSTEM)
        notifications.notifications_create(notices=notices_orders.unheld(held.row))
    return True


@transaction.atomic
def line_advance(*, reservation_id: UUID) -> bool:
    """The first in line for a free unit gets it, where its hospital reserves itself; else a coordinator decides."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.to_move_up(timezone.localdate()), held) or not held.patient.is_active:
        return False
    activate(held, until=default_end(), actor=SYSTEM, action="reservation.move_up")
    notifications.notifications_create(notices=notices.moved_up(held.row))
    return True


@transaction.atomic
def line_tell_free(*, reservation_id: UUID) -> bool:
    """The unit became free, and the first in line needs a coordinator: both sides hear of it once."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.to_tell_free(), held):
        return False
    save(held.row, {"free_told_at": timezone.now()})
    record(held.row, "reservation.tell_free", SYSTEM)
    notifications.notifications_create(notices=notices.became_free(held.row))
    return True


@transaction.atomic
def request_catch_up(*, reservation_id: UUID) -> bool:
    """The match request says that a unit is reserved, once its search is over."""
    held = locked(reservation_id)
    if not _still(Reservation.objects.unfollowed(), held):
        return False
    request_follow(request_id=held.row.request_id, promised=True, actor=SYSTEM)
    moving.follow(held.row.request_id, SYSTEM)
    return True
