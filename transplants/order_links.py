"""From a reservation to its order: the one there is, or the page on which it is asked for."""

from __future__ import annotations

from typing import TypedDict

from django.urls import reverse

from core.errors import DomainError
from core.models import User
from core.roles import Permission
from transplants import orders_guards as guards
from transplants.models import Order, Reservation


class OrderLink(TypedDict):
    """url, number: of the order under way; create_url: where it may be ordered; each "" where there is none."""

    url: str
    number: str
    create_url: str


def of_reservation(row: Reservation, user: User) -> OrderLink:
    found = OrderLink(url="", number="", create_url="")
    if not user.has_permission(Permission.ORDER_VIEW):
        return found
    order: Order | None = Order.objects.visible_to(user).open().filter(reservation=row).first()
    if order is not None:
        found["url"] = reverse("transplants:order-detail", args=[order.pk])
        found["number"] = order.number
    elif guards.may_ask(user, row.hospital_id) and may_be_ordered(row):
        found["create_url"] = reverse("transplants:order-create", args=[row.pk])
    return found


def may_be_ordered(row: Reservation) -> bool:
    try:
        guards.guard_patient(row.patient)
        guards.guard_promise(row)
    except DomainError:
        return False
    return True
