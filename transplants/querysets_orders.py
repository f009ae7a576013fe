"""Every filtered read of orders, typings, shipments, infusions. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import Self

from django.db.models import Q

from bank.choices import UnitStatus
from core.roles import Permission
from hospitals.querysets import OfHospital
from transplants.choices_orders import OPEN_ORDERS, OPEN_TYPINGS


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


# A unit that came back is in one of these until something is decided.
OUT_OR_BACK = (UnitStatus.SHIPMENT_FAILED, UnitStatus.NOT_USED, UnitStatus.RETURNED_QA)


class UnitReturnQuerySet(OfOrder):
    """A unit that is listed again and goes out again has another row: a decision in force ends each."""

    def with_names(self) -> Self:
        return self.select_related(
            "order__patient",
            "unit__bank",
            "hospital",
            "reported_by",
            "returned_by",
            "decided_by",
            "seconded_by",
        )

    def open(self) -> Self:
        """Nothing is in force yet, neither here nor by a discard that the bank signed."""
        return self.filter(seconded_at__isnull=True, unit__status__in=OUT_OR_BACK)

    def away(self) -> Self:
        return self.open().filter(returned_at__isnull=True)

    def to_decide(self) -> Self:
        return self.open().filter(returned_at__isnull=False, decision="")

    def to_second(self) -> Self:
        return self.open().exclude(decision="")

    def settled(self) -> Self:
        return self.exclude(Q(seconded_at__isnull=True, unit__status__in=OUT_OR_BACK))


class TransplantQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW

    def with_names(self) -> Self:
        return self.select_related("patient", "hospital")

    def with_units(self) -> Self:
        """For lists: what was infused, in two queries for all rows."""
        return self.with_names().prefetch_related("infusions__unit")


class InfusionQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW

    def with_names(self) -> Self:
        return self.select_related("transplant__patient", "unit", "order", "hospital", "reported_by")


class OfInfusion(OfHospital):
    _hospital = "infusion__hospital"
    _view = Permission.TRANSPLANT_VIEW
