"""The row of a transplant: a new one, or the one that an infusion belongs to. Not services of their own.

The caller holds the patient's row: two infusions of one patient at the same moment come one after the other.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from hospitals.plausibility import age_years
from transplants.choices_orders import GraftType
from transplants.graft_reports import Report
from transplants.models import Infusion, Order, Transplant, TransplantUnit
from transplants.moving import LockedOrder
from transplants.numbers import TRANSPLANT, next_number

# Units that are given so many days apart, or fewer, may be one transplant. Unconfirmed; a person says that it is so.
MOST_DAYS_APART = 7


def near(order: Order) -> list[Transplant]:
    """Transplants of the patient that were begun in these days: a unit delivered now may belong to one."""
    since = timezone.localdate() - dt.timedelta(days=4 * MOST_DAYS_APART)
    rows = Transplant.objects.filter(patient=order.patient_id, hospital=order.hospital_id)
    return list(rows.filter(infused_on__gte=since))


def of_infusion(held: LockedOrder, report: Report, day: dt.date, user: User, actor: Actor) -> Transplant:
    """The transplant of that day, else the named one, else a new one. Raises InvalidInput, Conflict."""
    rows = Transplant.objects.select_for_update(no_key=True).filter(patient=held.patient)
    found: Transplant | None = rows.filter(infused_on=day).first()
    if found is None and report.join is not None:
        found = _named(rows, report.join, day)
    if found is None:
        return _new(held, report, day, user, actor)
    if report.graft_type == GraftType.SINGLE:
        raise InvalidInput(
            "graft_not_single",
            _("Another unit was given in %(number)s: this is no graft of one unit."),
            field="graft_type",
            params={"number": found.number},
        )
    return _joined(found, report, day, actor)


def _named(rows: Any, key: UUID, day: dt.date) -> Transplant:
    found: Transplant | None = rows.filter(pk=key).first()
    if found is None:
        raise InvalidInput(
            "transplant_unknown", _("There is no such transplant of this patient."), field="join"
        )
    first, last = sorted((found.infused_on, day))
    between = rows.filter(infused_on__range=(first, last)).exclude(pk=found.pk)
    if (last - first).days > MOST_DAYS_APART or between.exists():
        raise Conflict(
            "transplant_far",
            _("%(number)s began on %(day)s, more than %(days)s days away: this is a transplant of its own."),
            field="join",
            params={"number": found.number, "day": f"{found.infused_on}", "days": MOST_DAYS_APART},
        )
    return found


def _joined(row: Transplant, report: Report, day: dt.date, actor: Actor) -> Transplant:
    """Day 0 is that of the first infusion, even where it is reported second."""
    new = {"graft_type": report.graft_type, "infused_on": min(row.infused_on, day)}
    before, after = audit.changes({name: getattr(row, name) for name in new}, new)
    for name, value in {**new, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*new, "updated_at"])
    _record(row, "transplant.join", actor, before=before, after=after)
    return row


def _new(held: LockedOrder, report: Report, day: dt.date, user: User, actor: Actor) -> Transplant:
    order, patient = held.row, held.patient
    row: Transplant = Transplant.objects.create(
        number=next_number(TRANSPLANT, timezone.localdate().year),
        patient=patient,
        hospital=order.hospital,
        infused_on=day,
        sequence=_place(held, day, actor),
        graft_type=report.graft_type,
        diagnosis=patient.diagnosis,
        diagnosis_text=patient.diagnosis_text,
        stage=patient.stage,
        sex=patient.sex,
        age_years=max(0, round(age_years(patient.birth_date, day), 2)),
        cmv=patient.cmv,
        weight_kg=report.weight_kg,
        conditioning=order.conditioning,
        conditioning_on=order.conditioning_on,
        created_by=user,
    )
    after = {"infused_on": day, "sequence": row.sequence, "graft_type": row.graft_type}
    _record(row, "transplant.create", actor, after=after)
    return row


def unit_given(row: Infusion) -> TransplantUnit:
    """The unit stands among those of its transplant, with what was known of it on the day."""
    classes = row.match.get("classes") or {}
    given: TransplantUnit = TransplantUnit.objects.create(
        transplant=row.transplant,
        position=row.transplant.units.count() + 1,
        unit=row.unit,
        infusion=row,
        unit_no=row.unit.unit_no,
        tnc_e7_per_kg=row.tnc_e7_per_kg,
        cd34_e5_per_kg=row.cd34_e5_per_kg,
        antigen6=_certain(classes, "antigen6"),
        allele8=_certain(classes, "allele8"),
    )
    return given


def _certain(classes: dict[str, Any], name: str) -> int | None:
    """How many agree, where the typings left nothing open."""
    span = classes.get(name)
    return span[0] if span and span[0] == span[-1] else None


def _place(held: LockedOrder, day: dt.date, actor: Actor) -> int:
    """Which transplant of the patient it is; later ones, reported before it, move up by one."""
    rows = Transplant.objects.filter(patient=held.patient)
    for later in rows.filter(infused_on__gt=day).order_by("-sequence"):
        before = later.sequence
        later.sequence, later.updated_at = before + 1, timezone.now()
        later.save(update_fields=["sequence", "updated_at"])
        _record(
            later, "transplant.sequence", actor, before={"sequence": before}, after={"sequence": before + 1}
        )
    return int(rows.filter(infused_on__lt=day).count()) + 1


def _record(row: Transplant, action: str, actor: Actor, **values: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), row.number),
        hospital_id=row.hospital_id,
        **values,
    )
