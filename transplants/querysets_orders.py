"""Every filtered read of orders, typings, shipments, infusions. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.apps import apps
from django.db.models import Exists, OuterRef, Q

from bank.querysets import not_blocked
from core.roles import Permission
from hospitals.choices import PatientState
from hospitals.querysets import OfHospital
from transplants.choices_orders import OPEN_ORDERS, OPEN_TYPINGS, UNIT_IN, Meaning, OrderState, TypingState

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

    def with_all(self) -> Self:
        """For the page of one: its permit and its signatures too."""
        return self.with_names().select_related("permit__recorded_by").prefetch_related("signatures")

    def with_signed(self) -> Self:
        """Adds is_signed: the prescription is; an amendment makes its signature void, so one that holds is of now."""
        return self.annotate(is_signed=Exists(self._signatures([Meaning.PRESCRIPTION])))

    def unsigned(self) -> Self:
        """A physician has to sign before they can go on; of approved ones anew."""
        return self.with_signed().filter(state__in=[OrderState.ASKED, OrderState.APPROVED], is_signed=False)

    def to_approve(self) -> Self:
        return self.with_signed().filter(state=OrderState.ASKED, is_signed=True)

    def to_release(self) -> Self:
        return self.with_signed().filter(state=OrderState.APPROVED, is_signed=True)

    @staticmethod
    def _signatures(meanings: list[Meaning]) -> Any:
        rows = apps.get_model("transplants", "OrderSignature").objects
        return rows.filter(order=OuterRef("pk"), void_at=None, meaning__in=meanings)

    def stuck(self) -> Self:
        """In the bank's hands, and cannot go on: a flag on the unit, or the patient waits no more.

        What is asked for only is told of by its reservation.
        """
        fits = Q(pk__in=[])
        for state in (OrderState.APPROVED, OrderState.RELEASED):
            fits |= Q(state=state, unit__status=UNIT_IN[state])
        well = fits & not_blocked("unit__") & Q(patient__state=PatientState.ACTIVE)
        return self.filter(state__in=[OrderState.APPROVED, OrderState.RELEASED]).exclude(well)

    def to_tell_held(self) -> Self:
        return self.stuck().filter(held_told_at__isnull=True)

    def to_tell_unheld(self) -> Self:
        """They go on again, or have gone on."""
        return self.filter(held_told_at__isnull=False).exclude(pk__in=self.stuck().values("pk"))


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
