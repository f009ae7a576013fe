"""Thaw and infusion of a delivered unit, which makes or joins a transplant of the patient.

Each is one transaction: locks (transplants.moving), guards, change, audit entry, then incidents and notices.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import ANALYTE_UNIT
from bank.models import CordBloodUnit
from bank.services import load_limits
from core import audit, notifications
from core.audit import Actor
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.choices import InactiveReason
from hospitals.models import Patient
from hospitals.querysets import open_in
from hospitals.services import patient_deactivate
from matching.models import SearchResult
from transplants import incidents, moving, notices_grafts, transplant_rows
from transplants.bag_code import guard_scanned
from transplants.choices_incidents import IncidentKind, Seriousness
from transplants.choices_orders import GraftType, LoggerVerdict, OrderState, ReactionGrade
from transplants.graft_reports import Known, Report, doubts, guard_report
from transplants.incidents import Found
from transplants.models import GraftMeasurement, Infusion, LoggerFile, Order, Transplant
from transplants.moving import LockedOrder
from transplants.services_outcomes import outcomes_refresh

# From this grade on a reaction is an incident. How serious it was is the hospital's first word; the bank assesses it.
SERIOUSNESS: dict[str, Seriousness] = {
    ReactionGrade.MODERATE: Seriousness.NOT_SERIOUS,
    ReactionGrade.SEVERE: Seriousness.HOSPITAL,
    ReactionGrade.LIFE_THREATENING: Seriousness.LIFE_THREATENING,
}


@transaction.atomic
def infusion_report(*, order_id: UUID, report: Report, user: User) -> Infusion:
    """The hospital reports how it thawed and gave a delivered unit. The unit is used, its promise kept.

    It makes a transplant of the patient, or joins the one of the same day or the one that is named: two units of a
    double graft are one transplant, whoever reports first. A reaction of moderate grade or worse, and a unit that was
    given though it was recalled or blocked, opens an incident in the same transaction.
    Raises NotAllowed, InvalidInput beside the field; Conflict `order_state`, `graft_unconfirmed` (details: what is to
    be confirmed), `unit_blocked` (to be acknowledged), `transplant_far`.
    """
    held = moving.locked_order(order_id)
    guard_hospital(held.row, user)
    if known := _sent_before(report, held.row, user):
        return known
    moving.guard_state(held.row, OrderState.DELIVERED)
    day = _checked(held, report)
    actor = Actor.user(user)
    row = _infusion(held, report, user, transplant_rows.of_infusion(held, report, day, user, actor))
    transplant_rows.unit_given(row)
    outcomes_refresh(transplant_ids=_of_patient(held.patient))
    moving.step(held, OrderState.INFUSED, actor=actor, action="order.infuse")
    audit.record(
        actor=actor,
        action="infusion.report",
        target=(row._meta.label, str(row.pk), f"{row.transplant.number} · {row.unit.public_no}"),
        after={"day": day, "reaction": row.reaction, "confirmed": sorted(report.confirmed)},
        hospital_id=row.hospital_id,
    )
    with notifications.kept_back() as told:  # so that people are locked once, in one order
        _open_incidents(held, row, day, actor)
        notifications.notifications_create(notices=notices_grafts.infused(row, but=user))
    notifications.notifications_create(notices=told)
    return row


@transaction.atomic
def transplant_deactivate(*, transplant_id: UUID, user: User) -> Patient:
    """The next step after the last unit: the patient is transplanted, and what else was kept for him is let go of.

    Other promises end by the sweep, as whenever a patient becomes inactive. Raises NotAllowed, Conflict.
    """
    row: Transplant = Transplant.objects.select_related("patient").get(pk=transplant_id)
    patient = row.patient
    if patient is None or not open_in(user, Permission.PATIENT_EDIT, patient.hospital_id):
        raise _not_allowed()
    return patient_deactivate(
        patient_id=patient.pk,
        reason=InactiveReason.TRANSPLANTED,
        note=row.number,
        on=row.infused_on,
        by=Actor.user(user),
    )


# --- guards ---------------------------------------------------------------------------------------


def guard_hospital(order: Order, user: User) -> None:
    """What happens to a delivered unit is reported by its hospital, and nobody else."""
    if not open_in(user, Permission.SHIPMENT_RECEIVE, order.hospital_id):
        raise _not_allowed()


def _not_allowed() -> NotAllowed:
    return NotAllowed("not_yours", gettext_lazy("You may not do this with this order."))


def _checked(held: LockedOrder, report: Report) -> dt.date:
    """The day of the infusion by the hospital's calendar, once all may be so and what is doubtful is confirmed."""
    unit, row = held.unit, held.row
    guard_scanned(unit, report.scanned)
    known = known_of(row)
    guard_report(report, known, timezone.now())
    day = timezone.localdate(report.began_at, row.hospital.zone)
    open_doubts = [
        one for one in doubts(report, known, load_limits(), day) if one.code not in report.confirmed
    ]
    if open_doubts:
        raise Conflict(
            "graft_unconfirmed",
            gettext_lazy("Something looks unusual. Correct it, or confirm that it is right."),
            field="confirmed",
            details=[{"field": one.field, "code": one.code, "text": str(one.text)} for one in open_doubts],
        )
    if unit.blocks and not report.acknowledged:
        raise Conflict(
            "unit_blocked",
            gettext_lazy(
                "%(unit)s must not be used: %(why)s. If it was given all the same, say so; an incident is opened."
            ),
            field="acknowledged",
            params={"unit": unit.public_no, "why": blocks_text(unit)},
        )
    return day


def blocks_text(unit: CordBloodUnit) -> str:
    return ", ".join(map(str, unit.block_labels))


def known_of(order: Order) -> Known:
    """What the report is held against. order: with its unit."""
    return Known(
        tnc_e7=order.unit.tnc_e7,
        cd34_e6=order.unit.cd34_e6,
        weight_kg=order.weight_kg,
        infusion_on=order.infusion_on,
        arrived_at=arrived_at(order),
        above_c=above_on_way(order),
    )


def above_on_way(order: Order) -> float | None:
    """The warmest, °C, of the way to the hospital, where a record in force lies above the limit."""
    files = LoggerFile.objects.in_force().filter(shipment__order=order, verdict=LoggerVerdict.ABOVE)
    found: float | None = files.aggregate(warmest=Max("max_c"))["warmest"]
    return found


def arrived_at(order: Order) -> dt.datetime | None:
    """By the hospital's receipt, else by the shipment; None where neither says."""
    shipment = getattr(order, "shipment", None)
    receipt = getattr(shipment, "receipt", None)
    return receipt.received_at if receipt else getattr(shipment, "delivered_at", None)


# --- parts ----------------------------------------------------------------------------------------


def _sent_before(report: Report, order: Order, user: User) -> Infusion | None:
    """What this very form reported before."""
    rows = Infusion.objects.with_names().filter(order=order, reported_by=user)
    found: Infusion | None = rows.filter(pk=report.infusion_id).first() if report.infusion_id else None
    return found


def _infusion(held: LockedOrder, report: Report, user: User, transplant: Transplant) -> Infusion:
    wanted = report.infusion_id
    unit, kg = held.unit, float(report.weight_kg if transplant.weight_kg is None else transplant.weight_kg)
    row = Infusion(
        id=uuid4() if wanted is None or Infusion.objects.filter(pk=wanted).exists() else wanted,
        order=held.row,
        transplant=transplant,
        unit=unit,
        hospital=held.row.hospital,
        thaw_method=report.thaw_method,
        thawed_at=report.thawed_at,
        began_at=report.began_at,
        ended_at=report.ended_at,
        volume_ml=report.volume_ml.quantize(Decimal("0.1")),
        all_given=report.all_given,
        reaction=report.reaction,
        reaction_note=_plain(report.reaction_note) if report.reaction != ReactionGrade.NONE else "",
        tnc_e7_per_kg=unit.tnc_e7 / kg if unit.tnc_e7 is not None else None,
        cd34_e5_per_kg=unit.cd34_e6 * 10 / kg if unit.cd34_e6 is not None else None,
        match=match_of(held),
        reported_by=user,
    )
    row.save(force_insert=True)
    GraftMeasurement.objects.bulk_create(
        GraftMeasurement(
            infusion=row,
            point=one.point,
            analyte=one.analyte,
            value=one.value,
            unit=ANALYTE_UNIT[one.analyte],
            method=_plain(one.method)[:80],
        )
        for one in report.counts
    )
    return row


def _of_patient(patient: Patient) -> list[UUID]:
    """All transplants of the patient: a second one ends what the first one is followed for."""
    return list(Transplant.objects.filter(patient=patient).values_list("pk", flat=True))


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()[:400]


def match_of(held: LockedOrder) -> dict[str, Any]:
    """Classes and probabilities of the newest list of the request that holds the unit, as stored; {} without one."""
    if held.reservation.request_id is None:
        return {}
    rows = SearchResult.objects.filter(run__request=held.reservation.request_id, unit=held.unit)
    found = rows.select_related("run").order_by("-run__run_no").first()
    if found is None:
        return {}
    return {
        "run": str(found.run_id),
        "rank": found.rank,
        "release": found.run.release,
        "completed_at": found.run.completed_at.isoformat() if found.run.completed_at else "",
        "direction": found.direction,
        "classes": {name: list(span) for name, span in found.classes.items()},
        "p0_of6": found.p0_of6,
        "p0_of8": found.p0_of8,
        "p0_of10": found.p0_of10,
    }


def _open_incidents(held: LockedOrder, row: Infusion, day: dt.date, actor: Actor) -> None:
    """In the transaction of the report: one that cannot be opened undoes it."""
    order, unit = held.row, held.unit
    shared: dict[str, Any] = {
        "units": (unit,),
        "hospital": order.hospital,
        "patient": held.patient,
        "order": order,
        "happened_on": day,
    }
    if row.reaction in SERIOUSNESS:
        title = _("Reaction at the infusion of %(unit)s: %(grade)s")
        found = Found(
            kind=IncidentKind.REACTION,
            title=title % {"unit": unit.public_no, "grade": row.get_reaction_display()},
            what=row.reaction_note,
            seriousness=SERIOUSNESS[row.reaction],
            **shared,
        )
        incidents.opened(found, actor=actor)
    if unit.blocks:
        title = _("%(unit)s was infused though it must not be used: %(why)s")
        text = title % {"unit": unit.public_no, "why": blocks_text(unit)}
        incidents.opened(Found(kind=IncidentKind.EVENT, title=text, what=text, **shared), actor=actor)


def graft_proposed(order: Order) -> GraftType:
    """What the form begins with: two units where another one of this patient is ordered or was given just now."""
    others = Order.objects.open().filter(patient=order.patient_id).exclude(pk=order.pk)
    return GraftType.DOUBLE if others.exists() or transplant_rows.near(order) else GraftType.SINGLE
