"""Something bad came to light of a unit that a hospital has ordered, has, or gave: an incident, and whom it concerns.

Not a service of its own: bank.stopping calls it inside the transaction of what found it, the unit locked.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from bank.models import CordBloodUnit
from core import notifications
from core.audit import Actor
from transplants import notices_incidents as notices
from transplants.affected import OUTSIDE
from transplants.choices_incidents import IncidentKind
from transplants.choices_orders import OPEN_ORDERS, OrderState
from transplants.incidents import Found, opened
from transplants.models import Order


def unit_stopped(unit: CordBloodUnit, actor: Actor) -> None:
    """Open the incident; quality assurance, shipping, search coordinators and the hospital of the order are told.

    What was found stands in the unit's own trail, for the bank: it may be a result of the mother.
    """
    order = _order_of(unit)
    with notifications.kept_back() as told:  # people are locked once, all of them
        row = opened(_found(unit, order), actor=actor)
    mine = notices.stopped(row, unit, order, but=actor.person_id)
    known = {notice.user_id for notice in mine}
    rest = [notice for notice in told if notice.user_id not in known]
    notifications.notifications_create(notices=[*mine, *rest])


def _order_of(unit: CordBloodUnit) -> Order | None:
    """For whom it is, or was. Nothing moves it on while the unit is locked."""
    approved = Q(state__in=OPEN_ORDERS - {OrderState.ASKED}) | Q(state=OrderState.INFUSED)
    rows = Order.objects.filter(approved, unit=unit).select_related("hospital", "patient")
    found: Order | None = rows.order_by("-asked_at").first()
    return found


def _found(unit: CordBloodUnit, order: Order | None) -> Found:
    title = _("Something bad came to light of %(unit)s after it was ordered")
    what = _(
        "A result or a decision that came after %(unit)s was ordered speaks against its use; the bank reads it on the"
        " page of the unit. Do not send it and do not infuse it before this incident is closed. If it was infused,"
        " call the bank now."
    )
    return Found(
        kind=IncidentKind.EVENT,
        title=title % {"unit": unit.public_no},
        what=what % {"unit": unit.public_no},
        units=[unit],
        hospital=order.hospital if order else None,
        patient=order.patient if order else None,
        order=order,
        rapid_alert=unit.status in OUTSIDE,
    )
