"""What the pages of hospitals count of this app: reservations, orders, transplants."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hospitals import activity
from hospitals.activity import Figure
from transplants.models import Order, Reservation, Transplant


def register() -> None:
    activity.register(
        Figure(
            key="reservations",
            label=_("Open reservations"),
            by_year=_("Reservations"),
            order=20,
            rows=Reservation.objects.all,
            counted=lambda rows: rows.open(),
            at="asked_at",
        )
    )
    activity.register(
        Figure(
            key="orders",
            label=_("Orders this year"),
            by_year=_("Orders"),
            order=30,
            rows=Order.objects.all,
            counted=lambda rows: rows.filter(asked_at__year=timezone.localdate().year),
            at="asked_at",
        )
    )
    activity.register(
        Figure(
            key="transplants",
            label=_("Transplants"),
            by_year=_("Transplants"),
            order=40,
            rows=Transplant.objects.all,
            counted=lambda rows: rows,
            at="infused_on",
        )
    )
