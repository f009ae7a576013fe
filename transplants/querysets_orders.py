"""Every filtered read of orders, typings, shipments, infusions. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import Self
from uuid import UUID

from django.db.models import F, Q

from core.roles import Permission
from hospitals.querysets import OfHospital
from transplants.choices_orders import OPEN_ORDERS, OPEN_TYPINGS, OrderState


class OrderQuerySet(OfHospital):
    """Members see what their hospitals ordered; bank staff who may see orders all of them."""

    _view = Permission.ORDER_VIEW

    def open(self) -> Self:
        return self.filter(state__in=OPEN_ORDERS)

    def with_names(self) -> Self:
        """For lists: unit, patient and hospital without a query per row."""
        return self.select_related("unit__bank", "patient", "hospital", "reservation", "asked_by")

    def to_pack(self) -> Self:
        """Released, and not packed since."""
        packed = Q(shipment__isnull=False, shipment__packed_at__gte=F("released_at"))
        return self.filter(state=OrderState.RELEASED).exclude(packed)


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


class ShipmentQuerySet(OfHospital):
    _view = Permission.SHIPMENT_VIEW

    def with_names(self) -> Self:
        return self.select_related(
            "order__unit__bank", "order__patient", "hospital", "shipper", "packed_by", "checked_by"
        )

    def packed(self) -> Self:
        """In the house, and packed since the unit was released: a release that was revoked voids the packing."""
        return self.filter(
            order__state=OrderState.RELEASED,
            dispatched_at__isnull=True,
            packed_at__gte=F("order__released_at"),
        )

    def under_way(self) -> Self:
        return self.filter(dispatched_at__isnull=False, delivered_at__isnull=True, failed_at__isnull=True)

    def overdue(self, now: dt.datetime) -> Self:
        """Under way, and not there when they should be."""
        return self.under_way().filter(expected_at__lt=now)

    def open(self) -> Self:
        """Not at an end: in the house with an order that goes on, or away."""
        at_home = Q(dispatched_at__isnull=True, order__state__in=[OrderState.APPROVED, OrderState.RELEASED])
        return self.filter(at_home | Q(pk__in=self.under_way().order_by().values("pk")))

    def matching(self, text: str) -> Self:
        """By number, waybill, unit or patient, or a part of it."""
        unit = Q(order__unit__unit_no__icontains=text) | Q(order__unit__din__icontains=text.replace(" ", ""))
        own = Q(number__icontains=text) | Q(waybill__icontains=text)
        return self.filter(own | unit | Q(order__patient__code__icontains=text))

    def in_state(self, state: str, now: dt.datetime) -> Self:
        """By a word of the list's filter; "" is what is open."""
        match state:
            case "packed":
                return self.packed()
            case "under_way":
                return self.under_way()
            case "overdue":
                return self.overdue(now)
            case "delivered":
                return self.filter(delivered_at__isnull=False)
            case "failed":
                return self.filter(failed_at__isnull=False)
            case "all":
                return self
            case _:
                return self.open()

    def holding(self, shipper_id: UUID) -> Self:
        """Those that have this shipper now: packed or away."""
        packed, away = (rows.order_by().values("pk") for rows in (self.packed(), self.under_way()))
        return self.filter(Q(pk__in=packed) | Q(pk__in=away), shipper=shipper_id)


class OfShipment(OfHospital):
    """Rows of a shipment: what happened on the way, its temperatures, its receipt."""

    _hospital = "shipment__hospital"
    _view = Permission.SHIPMENT_VIEW


class LoggerFileQuerySet(OfShipment):
    def light(self) -> Self:
        """Without the file itself and its readings, which may be hundreds of thousands."""
        return self.defer("content", "readings")


class TransplantQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW

    def with_names(self) -> Self:
        return self.select_related("patient", "hospital")


class InfusionQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW


class OfInfusion(OfHospital):
    _hospital = "infusion__hospital"
    _view = Permission.TRANSPLANT_VIEW
