"""Every filtered read of orders, typings, shipments, infusions. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self
from uuid import UUID

from core.roles import Permission
from hospitals.querysets import OfHospital
from transplants.choices_orders import OPEN_ORDERS, OPEN_TYPINGS, TypingState

if TYPE_CHECKING:
    from bank.models import CordBloodUnit, HlaTyping
    from transplants.models_orders import ConfirmatoryTyping


class OrderQuerySet(OfHospital):
    """Members see what their hospitals ordered; bank staff who may see orders all of them."""

    _view = Permission.ORDER_VIEW

    def open(self) -> Self:
        return self.filter(state__in=OPEN_ORDERS)

    def with_names(self) -> Self:
        """For lists: unit, patient and hospital without a query per row."""
        return self.select_related("unit__bank", "patient", "hospital", "reservation", "asked_by")


class OfOrder(OfHospital):
    """Rows of an order: its signatures, its permit, its return."""

    _hospital = "order__hospital"
    _view = Permission.ORDER_VIEW


class ConfirmatoryTypingQuerySet(OfHospital):
    _view = Permission.TYPING_VIEW

    def open(self) -> Self:
        return self.filter(state__in=OPEN_TYPINGS)

    def with_names(self) -> Self:
        return self.select_related("unit__bank", "patient", "hospital", "reservation", "asked_by", "result")

    def overdue(self, today: dt.date, days: int) -> Self:
        """Open ones that were asked for more than so many days ago."""
        return self.open().filter(asked_at__date__lt=today - dt.timedelta(days=days))

    def to_verify(self, user_id: UUID) -> Self:
        """Results that somebody else has entered."""
        return self.filter(state=TypingState.REPORTED).exclude(reported_by=user_id)

    def vouching(self, unit: CordBloodUnit, listed: HlaTyping) -> ConfirmatoryTyping | None:
        """The one that confirms the typing in force of a unit: this very typing, and nothing was disputed since."""
        rows = self.filter(unit=unit, state=TypingState.CONFIRMED, settled_at__isnull=True)
        found: ConfirmatoryTyping | None = rows.filter(compared_with=listed).order_by("-ended_at").first()
        return found


class ShipmentQuerySet(OfHospital):
    _view = Permission.SHIPMENT_VIEW

    def with_names(self) -> Self:
        return self.select_related(
            "order__unit__bank", "order__patient", "hospital", "shipper", "packed_by", "checked_by"
        )


class OfShipment(OfHospital):
    """Rows of a shipment: what happened on the way, its temperatures, its receipt."""

    _hospital = "shipment__hospital"
    _view = Permission.SHIPMENT_VIEW


class TransplantQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW

    def with_names(self) -> Self:
        return self.select_related("patient", "hospital")


class InfusionQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW


class OfInfusion(OfHospital):
    _hospital = "infusion__hospital"
    _view = Permission.TRANSPLANT_VIEW
