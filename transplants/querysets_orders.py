"""Every filtered read of orders, typings, shipments, infusions. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from bank.choices import UnitStatus
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
        return self.select_related(
            "unit__bank", "patient", "hospital", "department", "reservation", "asked_by"
        )

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

    def to_pack(self) -> Self:
        """Released, and not packed since."""
        packed = Q(shipment__isnull=False, shipment__packed_at__gte=F("released_at"))
        return self.filter(state=OrderState.RELEASED).exclude(packed)


class OfOrder(OfHospital):
    """Rows of an order: its signatures, its permit, its return."""

    _hospital = "order__hospital"
    _view = Permission.ORDER_VIEW


class PermitFileQuerySet(OfOrder):
    def light(self) -> Self:
        """Without the content, which only who fetches the file needs."""
        return self.defer("content")

    def newest_of(self, order_id: UUID, permit_no: str) -> Self:
        return self.light().filter(order=order_id, permit_no=permit_no).order_by("-added_at", "pk")[:1]


class MatchAcknowledgementQuerySet(OfHospital):
    """Whoever may see the reservation: it names loci of the patient."""

    _hospital = "reservation__hospital"
    _view = Permission.RESERVATION_VIEW


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
            "order__unit__bank",
            "order__patient",
            "order__department",
            "hospital",
            "shipper",
            "packed_by",
            "checked_by",
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

    def unrecorded(self) -> Self:
        """Delivered, and no temperature record of the way is in force."""
        files = apps.get_model("transplants", "LoggerFile").objects
        known = files.filter(shipment=OuterRef("pk"), voided_at__isnull=True)
        return self.filter(~Exists(known), delivered_at__isnull=False)

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
    def in_force(self) -> Self:
        """Without those that were read wrongly and then read anew."""
        return self.filter(voided_at__isnull=True)

    def light(self) -> Self:
        """Without the file itself and its readings, which may be hundreds of thousands."""
        return self.defer("content", "readings")


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
        return self.select_related("patient", "hospital").annotate(
            known_as=Coalesce("patient__code", "registry_code")
        )

    def with_units(self) -> Self:
        """For lists: what was infused, in two queries for all rows."""
        return self.with_names().prefetch_related("infusions", "units__unit")


class InfusionQuerySet(OfHospital):
    _view = Permission.TRANSPLANT_VIEW

    def with_names(self) -> Self:
        return self.select_related("transplant__patient", "unit", "order", "hospital", "reported_by")


class OfInfusion(OfHospital):
    _hospital = "infusion__hospital"
    _view = Permission.TRANSPLANT_VIEW
