"""Synthetic incidents of the demonstration: a deviation that is closed, an open event, a lot that is recalled."""

from __future__ import annotations

import datetime as dt
import random
from typing import Final

from django.db import transaction
from django.utils import timezone

from bank import recalls
from bank.choices import DonorType, Source, UnitStatus
from bank.choices_lots import LotKind, LotStep
from bank.models import CordBloodUnit, Lot
from bank.services_lots import lot_register, lot_use_record
from core.audit import Actor
from core.models import User
from core.roles import Role
from transplants import services_incidents as services
from transplants.choices_incidents import IncidentKind, IncidentState
from transplants.choices_orders import OrderState
from transplants.demo_people import person
from transplants.models import Incident, Order, Reservation
from transplants.services_incidents import Report
from transplants.services_recall import Wanted, begun, would_recall
from transplants.writing_incidents import record, save

LOT: Final = "BAG-RECALL"
UNITS: Final = 6  # of the recalled lot that are on offer, beside one that is promised


@transaction.atomic
def load(*, seed: int) -> int:
    """How many incidents there are then. After everything that moves units: what is recalled moves no further."""
    rng = random.Random(seed)
    qa, lab = person(Role.QA), person(Role.LAB)
    director = person(Role.MEDICAL_DIRECTOR)
    _closed_deviation(lab, qa)
    _open_event(qa)
    _recalled_lot(rng, director)
    return Incident.objects.count()


def _closed_deviation(lab: User, qa: User) -> None:
    report = Report(
        kind=IncidentKind.DEVIATION,
        title="A tank was read an hour late",
        what="The level of tank T2 was read at 9:05 instead of 8:00. It was within its limits before and after.",
        happened_on=timezone.localdate() - dt.timedelta(days=20),
    )
    row = services.incident_report(report=report, user=lab)
    words = {
        "cause": "The person of the morning shift was ill, and nobody stood in.",
        "measures": "The roster names a second person for each reading.",
    }
    ended = {"state": IncidentState.CLOSED, "closed_by": qa, "closed_at": timezone.now()}
    save(row, {**words, **ended})  # closing asks for a password, which a demonstration does not know
    record(row, "incident.close", Actor.user(qa), after={"state": row.state, **words})


def _open_event(qa: User) -> None:
    """Of the hospital whose people sign in, where it has a unit."""
    own = person(Role.HOSPITAL_COORDINATOR)
    rows = Reservation.objects.active().filter(hospital__in=own.hospital_ids, orders=None)
    kept = rows.order_by("number").first()
    report = Report(
        kind=IncidentKind.EVENT,
        title="A label that cannot be read",
        what="The label of a segment came off in the nitrogen; its number was read from the bag beside it.",
        happened_on=timezone.localdate() - dt.timedelta(days=2),
        hospital_id=next(iter(own.hospital_ids), None),
        unit_ids=[kept.unit_id] if kept else [],
    )
    row = services.incident_report(report=report, user=qa)
    services.incident_note(
        incident_id=row.pk, text="The other segments of this unit were looked at: all are readable.", user=qa
    )


def _recalled_lot(rng: random.Random, director: User) -> None:
    """Bags of a lot leak: units on offer, and one that is promised to a patient of the hospital that signs in."""
    actor = Actor.user(director)
    lot_register(kind=LotKind.BAG, manufacturer="Demo Plastics", number=LOT, actor=actor)
    for unit in [*_on_offer(rng), *_promised()]:
        lot_use_record(
            unit_id=unit.pk,
            kind=LotKind.BAG,
            number=f"Demo Plastics {LOT}",
            step=LotStep.FREEZING,
            used_on=unit.collected_on,
            actor=actor,
        )
    lot = Lot.objects.get(number=LOT)
    wanted = Wanted(lot_id=lot.pk)
    units = recalls.locked_units(wanted.keys())
    if units:
        begun(
            would_recall(wanted),
            units,
            recalls.locked_lot(lot.pk),
            "A seam of these bags may open when they are thawed.",
            director,
            title="Bags whose seam may open",
        )


def _on_offer(rng: random.Random) -> list[CordBloodUnit]:
    rows = CordBloodUnit.objects.listed().filter(source=Source.OWN, donor_type=DonorType.CORD)
    keys = list(rows.order_by("unit_no").values_list("pk", flat=True)[: 20 * UNITS])
    chosen = rng.sample(keys, min(UNITS, len(keys)))
    return list(CordBloodUnit.objects.filter(pk__in=chosen).order_by("unit_no"))


def _promised() -> list[CordBloodUnit]:
    """Of the hospital whose people sign in the last one that is only reserved; of another one that is ordered.

    None of those where there is but one, which others want to go on with.
    """
    own = person(Role.HOSPITAL_COORDINATOR).hospital_ids
    rows = Reservation.objects.active().select_related("unit").order_by("number")
    reserved = rows.filter(hospital__in=own, unit__status=UnitStatus.RESERVED).exclude(
        orders__in=Order.objects.open()
    )
    ordered = rows.exclude(hospital__in=own).filter(
        unit__status=UnitStatus.ORDERED, orders__state=OrderState.APPROVED
    )
    return [found[-1].unit for found in map(list, (reserved, ordered)) if len(found) > 1]
