"""Orders that end without anybody deciding on them: with the promise of their unit. Not services of their own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.audit import Actor
from core.notifications import Notice
from transplants import notices_orders as notices
from transplants.choices_orders import OrderState
from transplants.models import Order
from transplants.moving import LockedOrder, step
from transplants.writing import Locked


def withdraw_with_promise(held: Locked, *, actor: Actor) -> list[Notice]:
    """The order that was asked for by a reservation that ends now; what people are to be told of it."""
    rows = Order.objects.select_related("hospital", "asked_by").filter(
        reservation=held.row.pk, state=OrderState.ASKED
    )
    row: Order | None = rows.select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        return []
    row.patient, row.unit, row.reservation = held.patient, held.unit, held.row
    locked = LockedOrder(row, held.patient, held.unit, held.row)
    reason = _("%(number)s has ended") % {"number": held.row.number}
    step(locked, OrderState.WITHDRAWN, actor=actor, action="order.withdraw", reason=reason)
    return notices.withdrawn(row)
