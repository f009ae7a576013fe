"""Orders on their way, incidents and recalls for tests. They go round the services on purpose."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import factory
from django.utils import timezone

from bank.choices import UnitStatus
from bank.models import CordBloodUnit, Lot, LotUse
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.reservations import ReservationFactory, in_days
from transplants.choices_orders import OPEN_ORDERS, UNIT_IN, OrderState
from transplants.models import (
    Incident,
    IncidentNote,
    IncidentUnit,
    Infusion,
    Order,
    Recall,
    RecallUnit,
    Shipment,
    Shipper,
    Transplant,
)

_LATER = ("released", "shipped", "delivered", "infused", "not_used", "failed")


def order_in(state: str, **kwargs: Any) -> Order:
    """An order in a state, with its reservation and unit as they then are; a shipment and an infusion where it has
    come so far. patient: whose; unit: which."""
    state = OrderState(state)
    status = UNIT_IN.get(state, UnitStatus.RESERVED)
    unit = kwargs.pop("unit", None) or UnitFactory()
    CordBloodUnit.objects.filter(pk=unit.pk).update(status=status)
    unit.status = status
    is_open = state in OPEN_ORDERS
    reservation = ReservationFactory(
        unit=unit,
        **kwargs,
        **({"active": True} if is_open else {"ended": True}),
    )
    now = timezone.now()
    known = state not in ("asked", "declined")
    row = Order.objects.create(
        number=f"OR-2016-{Order.objects.count() + 1:04d}",
        reservation=reservation,
        unit=unit,
        patient=reservation.patient,
        hospital=reservation.hospital,
        state=state,
        weight_kg=Decimal("12.40"),
        conditioning_on=in_days(10),
        infusion_on=in_days(20),
        deliver_on=in_days(8),
        country="CN",
        ship_to="Ward 1",
        contact="Ward",
        contact_phone="1",
        asked_by=reservation.asked_by,
        approved_by="Shen Jia" if known else "",
        approved_at=now if known else None,
        released_at=now if state in _LATER else None,
        ended_by="" if is_open else "He Lan",
        ended_at=None if is_open else now,
    )
    if state in ("shipped", "delivered", "infused", "not_used", "failed"):
        _shipment(row)
    if state == "infused":
        _infusion(row)
    return row


def _shipment(order: Order) -> Shipment:
    shipper = Shipper.objects.create(
        serial=f"DS-{Shipper.objects.count() + 1}",
        validated_on=in_days(-10),
        valid_until=in_days(100),
        hold_hours=240,
    )
    packer, checker = UserFactory(roles=[Role.SHIPPING]), UserFactory(roles=[Role.SEARCH_COORDINATOR])
    now = timezone.now()
    return Shipment.objects.create(
        number=f"SH-2016-{Shipment.objects.count() + 1:04d}",
        order=order,
        hospital=order.hospital,
        shipper=shipper,
        validated_on=in_days(-10),
        hold_hours=240,
        charge_weight_kg=Decimal("20"),
        logger_serial="L-1",
        seals="1",
        courier="C",
        waybill="W-1",
        packed_by=packer,
        checked_by=checker,
        checked_at=now,
        dispatched_at=now,
        expected_at=now + dt.timedelta(days=1),
    )


def _infusion(order: Order) -> Infusion:
    now = timezone.now()
    transplant = Transplant.objects.create(
        number=f"TX-2016-{Transplant.objects.count() + 1:04d}",
        patient=order.patient,
        hospital=order.hospital,
        infused_on=timezone.localdate(),
        sequence=order.patient.transplants.count() + 1,
        graft_type="single",
        weight_kg=Decimal("12.40"),
        created_by=order.asked_by,
    )
    return Infusion.objects.create(
        order=order,
        transplant=transplant,
        unit=order.unit,
        hospital=order.hospital,
        thaw_method="direct",
        thawed_at=now,
        began_at=now,
        ended_at=now,
        volume_ml=Decimal("25"),
        reaction="none",
        reported_by=order.asked_by,
    )


class IncidentFactory(factory.django.DjangoModelFactory):
    """Open, of the bank; with `patient` of his hospital."""

    class Meta:
        model = Incident
        skip_postgeneration_save = True

    class Params:
        serious = factory.Trait(seriousness="fatal", due_on=factory.LazyFunction(lambda: in_days(7)))
        closed = factory.Trait(
            state="closed",
            cause="a seal was old",
            measures="seals are replaced each year",
            closed_by=factory.SubFactory(UserFactory),
            closed_at=factory.LazyFunction(timezone.now),
        )

    number = factory.Sequence(lambda n: f"IN-2020-{n:04d}")
    kind = "event"
    title = "bag leaks"
    what = "The bag leaked at thaw."
    patient = None
    hospital = factory.LazyAttribute(lambda o: o.patient.hospital if o.patient else None)
    happened_on = factory.LazyFunction(timezone.localdate)
    opened_by = "Wu Qiang"

    @factory.post_generation
    def units(self, create: bool, extracted: list[CordBloodUnit] | None, **kwargs: Any) -> None:
        for unit in extracted or []:
            IncidentUnit.objects.create(incident=self, unit=unit)


class IncidentNoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = IncidentNote

    incident = factory.SubFactory(IncidentFactory)
    text = "looked at the seals"
    inner = True
    written_by = factory.SubFactory(UserFactory)


class RecallFactory(factory.django.DjangoModelFactory):
    """On, over `units`, which are flagged with it."""

    class Meta:
        model = Recall
        skip_postgeneration_save = True

    number = factory.Sequence(lambda n: f"RC-2020-{n:04d}")
    incident = factory.SubFactory(IncidentFactory)
    reason = "bags leak"
    started_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.QA]))

    @factory.post_generation
    def units(self, create: bool, extracted: list[CordBloodUnit] | None, **kwargs: Any) -> None:
        for unit in extracted or []:
            RecallUnit.objects.create(recall=self, unit=unit, status_then=unit.status)
            CordBloodUnit.objects.filter(pk=unit.pk).update(recalled=True)


def lot_of(*units: CordBloodUnit, number: str = "B-77") -> Lot:
    """A lot of bags that was used on these units."""
    lot: Lot = Lot.objects.create(kind="bag", number=number)
    LotUse.objects.bulk_create(LotUse(unit=unit, lot=lot, step="freezing") for unit in units)
    return lot
