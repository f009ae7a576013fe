"""Incidents: reported, noted, assessed, reported outside, closed with the password, taken up again.

The row of the incident is locked by whoever writes into it. Each step carries the stamp of what the person was shown:
who decides on a stale page is refused, and told where it stands. An open incident keeps its units in the house:
whatever opens one, or names a unit in it, locks the units first, by key, as does whoever sends one away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit, Lot
from bank.stopping import start_again
from core import audit, notifications
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.signing import guard_signature
from hospitals.models import Hospital, Patient
from hospitals.querysets import hospitals_open_to, open_in
from transplants import notices_incidents as notices
from transplants.choices_incidents import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_DAYS,
    OF_HOSPITALS,
    Imputability,
    IncidentKind,
    IncidentState,
    Seriousness,
)
from transplants.incidents import Found, due_day, opened
from transplants.models import Incident, IncidentNote, IncidentUnit, Order
from transplants.received import known_to
from transplants.writing import given_reason
from transplants.writing_incidents import (
    choice_of,
    guard_open,
    guard_seen,
    locked_incident,
    past_day,
    record,
    save,
    text_of,
)

SYSTEM = Actor.system("incidents")


def is_of_bank(user: User) -> bool:
    """Whether a person speaks for the bank here."""
    return hospitals_open_to(user, Permission.INCIDENT_REPORT) is None


# --- reported -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Report:
    """What somebody reports, of whom and of what. incident_id: of the form, so that a double click opens one."""

    kind: str
    title: str
    what: str
    happened_on: dt.date
    seriousness: str = Seriousness.NOT_SERIOUS
    hospital_id: UUID | None = None
    patient_id: UUID | None = None
    order_id: UUID | None = None
    lot_id: UUID | None = None
    unit_ids: Sequence[UUID] = ()
    incident_id: UUID | None = None


@transaction.atomic
def incident_report(*, report: Report, user: User) -> Incident:
    """Something went wrong, or may have. A hospital reports of its own patients, orders, units; the bank of anything.

    Raises NotAllowed for whom or what is not the person's; InvalidInput for what is missing, or does not fit together.
    """
    if not user.has_permission(Permission.INCIDENT_REPORT):
        raise NotAllowed("not_yours", _("You may not report incidents."))
    found = _found(report, user)
    try:
        with (
            transaction.atomic()
        ):  # a second click waits for the number, fails at the key, and gives the number back
            return opened(found, actor=Actor.user(user))
    except IntegrityError:
        known: Incident | None = Incident.objects.filter(opened_by_user=user).by_key(report.incident_id)
        if known is None:
            raise
        return known


def _found(report: Report, user: User) -> Found:
    order: Order | None = None
    if report.order_id is not None:
        order = Order.objects.select_related("patient", "hospital", "unit").get(pk=report.order_id)
    patient = order.patient if order else None
    if patient is None and report.patient_id is not None:
        patient = Patient.objects.get(pk=report.patient_id)
    hospital = _hospital(report, order, patient)
    units = _units(report.unit_ids, order)
    lot = Lot.objects.filter(pk=report.lot_id).first() if report.lot_id else None
    of = hospital if is_of_bank(user) else _of_member(user, report, hospital, units, lot)
    return Found(
        kind=choice_of(report.kind, IncidentKind, "kind"),
        title=text_of(report.title, LONGEST_TITLE, "title", _("Say in a few words what it is about.")),
        what=text_of(report.what, LONGEST_TEXT, "what", _("Write what happened.")),
        units=units,
        hospital=of,
        patient=patient,
        order=order,
        lot=lot,
        seriousness=choice_of(report.seriousness, Seriousness, "seriousness"),
        happened_on=past_day(report.happened_on, "happened_on"),
        incident_id=report.incident_id,
    )


def _hospital(report: Report, order: Order | None, patient: Patient | None) -> Hospital | None:
    if order is not None and report.patient_id not in (None, order.patient_id):
        raise InvalidInput("patient_of_order", _("This order is of another patient."), field="patient")
    of = order.hospital_id if order else patient.hospital_id if patient else report.hospital_id
    if report.hospital_id not in (None, of):
        text = _("The patient is of another hospital: leave the hospital empty, or choose that one.")
        raise InvalidInput("hospital_of_patient", text, field="hospital")
    return Hospital.objects.filter(pk=of).first() if of else None


def _units(unit_ids: Sequence[UUID], order: Order | None) -> list[CordBloodUnit]:
    wanted = set(unit_ids) | ({order.unit_id} if order else set())
    found = _locked_units(wanted)
    if len(found) < len(wanted):
        raise InvalidInput("unit_unknown", _("There is no such unit."), field="units")
    return sorted(found, key=lambda unit: (unit.unit_no, unit.pk))


def _locked_units(unit_ids: Collection[UUID]) -> list[CordBloodUnit]:
    rows = CordBloodUnit.objects.select_for_update(no_key=True).filter(pk__in=list(unit_ids))
    return list(rows.order_by("pk"))


def _of_member(
    user: User, report: Report, hospital: Hospital | None, units: Sequence[CordBloodUnit], lot: Lot | None
) -> Hospital:
    """The hospital for which a member reports: that of the patient, else the one that has the units."""
    if lot is not None or report.kind not in OF_HOSPITALS:
        raise NotAllowed("of_the_bank", _("Only the bank reports this."), field="kind")
    if hospital is None:
        hospital = _has_units(user, units)
    if not open_in(user, Permission.INCIDENT_REPORT, hospital.pk):
        raise NotAllowed("not_yours", _("You may report of your own patients and units only."))
    known = set(
        known_to({hospital.pk}).filter(pk__in=[unit.pk for unit in units]).values_list("pk", flat=True)
    )
    if strange := [unit.public_no for unit in units if unit.pk not in known]:
        text = _("%(units)s was neither kept for nor sent to this hospital. Check the number.")
        raise InvalidInput("unit_not_yours", text, field="units", params={"units": ", ".join(strange)})
    return hospital


def _has_units(user: User, units: Sequence[CordBloodUnit]) -> Hospital:
    own: list[Hospital] = list(Hospital.objects.filter(pk__in=user.hospital_ids).order_by("code"))
    for hospital in own if units else ():
        if all(known_to({hospital.pk}).filter(pk=unit.pk).exists() for unit in units):
            return hospital
    text = _(
        "Say what it is about: one of your patients, an order, or a unit that was kept for or sent to you."
    )
    raise InvalidInput("subject_needed", text, field="units")


# --- written of -----------------------------------------------------------------------------------


@transaction.atomic
def incident_note(
    *, incident_id: UUID, text: str, user: User, inner: bool = False, note_id: UUID | None = None
) -> Incident:
    """Write a note. A shared one is read by hospital and bank, and the other side is told; an inner one by the bank
    only. note_id: of the form, so that a double click writes one."""
    row = locked_incident(incident_id, user, Permission.INCIDENT_REPORT)
    if note_id and row.notes.filter(pk=note_id, written_by=user).exists():
        return row
    guard_open(row)
    if inner and not is_of_bank(user):
        raise NotAllowed("inner", _("Inner notes are the bank's."), field="inner")
    plain = text_of(text, LONGEST_TEXT, "text", _("Write something first."))
    taken = note_id is not None and IncidentNote.objects.filter(pk=note_id).exists()
    key = uuid4() if note_id is None or taken else note_id
    note = IncidentNote.objects.create(id=key, incident=row, text=plain, inner=inner, written_by=user)
    save(row, {})
    record(row, "incident.note", Actor.user(user), after={"note": str(note.pk), "inner": inner})
    if not inner:
        notifications.notifications_create(notices=notices.noted(row, by=user))
    return row


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What the bank makes of an incident. due_on None: by the rules, where it is serious or a rapid alert."""

    kind: str
    seriousness: str
    imputability: str
    rapid_alert: bool = False
    due_on: dt.date | None = None
    owner_id: UUID | None = None
    add_unit_ids: Sequence[UUID] = ()


@transaction.atomic
def incident_assess(*, incident_id: UUID, assessment: Assessment, seen: str, user: User) -> Incident:
    """How serious, how far the unit is the cause, until when others have to know, who looks after it, which units."""
    _locked_units(assessment.add_unit_ids)
    row = locked_incident(incident_id, user, Permission.INCIDENT_WORK)
    guard_open(row)
    guard_seen(row, seen)
    owner = _owner(assessment.owner_id)
    new = {
        "kind": choice_of(assessment.kind, IncidentKind, "kind"),
        "seriousness": choice_of(assessment.seriousness, Seriousness, "seriousness"),
        "imputability": choice_of(assessment.imputability, Imputability, "imputability"),
        "rapid_alert": assessment.rapid_alert,
        "due_on": _due(row, assessment),
        "owner_id": owner.pk if owner else None,
        "state": IncidentState.INVESTIGATED,
    }
    added = _add_units(row, assessment.add_unit_ids)
    before, after = audit.changes({name: getattr(row, name) for name in new}, new)
    save(row, new)
    if before or added:
        told = {**after, "units_added": added} if added else after
        record(row, "incident.assess", Actor.user(user), before=before, after=told)
    if owner and "owner_id" in after:
        notifications.notifications_create(notices=notices.assigned(row, owner, but=user))
    return row


def _due(row: Incident, given: Assessment) -> dt.date | None:
    if given.due_on is None:
        return due_day(given.seriousness, given.rapid_alert, timezone.localdate(row.opened_at))
    if not row.happened_on <= given.due_on <= timezone.localdate() + dt.timedelta(days=MOST_DAYS):
        text = _("Choose a day between the incident and %(days)d days from now.")
        raise InvalidInput("due_out_of_range", text, field="due_on", params={"days": MOST_DAYS})
    return given.due_on


def _owner(owner_id: UUID | None) -> User | None:
    if owner_id is None:
        return None
    found = User.objects.in_roles(notices.INVESTIGATORS).filter(pk=owner_id, is_active=True).first()
    if found is None:
        raise InvalidInput("owner_unknown", _("Choose somebody who investigates incidents."), field="owner")
    return found


def _add_units(row: Incident, unit_ids: Sequence[UUID]) -> list[str]:
    units = CordBloodUnit.objects.filter(pk__in=unit_ids).exclude(incidents__incident=row).order_by("unit_no")
    rows = [IncidentUnit(incident=row, unit=unit) for unit in units]
    IncidentUnit.objects.bulk_create(rows, ignore_conflicts=True)
    return [one.unit.public_no for one in rows]


@transaction.atomic
def incident_reported_out(
    *, incident_id: UUID, reported_to: str, at: dt.datetime, seen: str, user: User
) -> Incident:
    """It was reported outside: to whom, when, under which number. Written again, it is corrected."""
    row = locked_incident(incident_id, user, Permission.INCIDENT_WORK)
    guard_open(row)
    guard_seen(row, seen)
    if at > timezone.now() or timezone.localdate(at) < row.happened_on:
        text = _("Choose a moment between the incident and now.")
        raise InvalidInput("reported_out_of_range", text, field="at")
    to = text_of(reported_to, 200, "reported_to", _("Say to whom, and under which number."))
    new = {"reported_out_at": at, "reported_to": to}
    before, after = audit.changes({name: getattr(row, name) for name in new}, new)
    save(row, new)
    record(row, "incident.report_out", Actor.user(user), before=before, after=after)
    return row


# --- closed ---------------------------------------------------------------------------------------


@transaction.atomic
def incident_close(
    *, incident_id: UUID, cause: str, measures: str, seen: str, user: User, password: str
) -> Incident:
    """Why it happened and what was done about it, signed. Of a serious one not by the person who reported it.

    With the last open incident of a unit that was stopped (bank.stopping) it is free to move again, as far as its
    results allow. Conflict `not_assessed`, `not_reported`, `recall_on` where something has to be done first.
    """
    stopped = IncidentUnit.objects.filter(incident=incident_id, unit__stopped=True)
    units = _locked_units(set(stopped.values_list("unit", flat=True)))
    row = locked_incident(incident_id, user, Permission.INCIDENT_WORK)
    guard_open(row)
    guard_seen(row, seen)
    new = {
        "cause": text_of(cause, LONGEST_TEXT, "cause", _("Write why it happened.")),
        "measures": text_of(
            measures, LONGEST_TEXT, "measures", _("Write what is done so that it does not happen again.")
        ),
    }
    if refusal := closing_refusal(row, user):
        raise refusal
    guard_signature(user, password)
    before = {"state": row.state}
    save(row, {**new, "state": IncidentState.CLOSED, "closed_by": user, "closed_at": timezone.now()})
    record(row, "incident.close", Actor.user(user), before=before, after={"state": row.state, **new})
    others = set(Incident.objects.open().filter(units__unit__in=units).values_list("units__unit", flat=True))
    free = [unit for unit in units if unit.pk not in others]
    start_again(free, actor=Actor.user(user), reason=row.number)
    notifications.notifications_create(notices=notices.closed(row, but=user))
    return row


def closing_refusal(row: Incident, user: User) -> DomainError | None:
    """Why this person cannot close it as it stands; None where nothing keeps it open. The page says the same before."""
    if row.recalls.on().exists():
        return Conflict("recall_on", _("A recall of it is on. Lift it first, or leave the incident open."))
    of_person = row.kind == IncidentKind.REACTION or row.is_serious
    if of_person and row.imputability == Imputability.NOT_ASSESSED:
        return Conflict("not_assessed", _("Say first how far the unit is the cause: assess it."))
    if row.due_on and not row.reported_out_at and row.imputability != Imputability.EXCLUDED:
        text = _("Note first to whom it was reported outside, or assess that the unit is not the cause.")
        return Conflict("not_reported", text)
    if row.is_serious and row.opened_by_user_id == user.pk:
        return NotAllowed("own_work", _("You reported this serious incident. Somebody else must close it."))
    return None


@transaction.atomic
def incident_reopen(*, incident_id: UUID, reason: str, user: User) -> Incident:
    """Something came to light: it is investigated again. Cause and measures stay to be corrected."""
    named = IncidentUnit.objects.filter(incident=incident_id).values_list("unit", flat=True)
    _locked_units(set(named))  # while it is closed nobody adds one
    row = locked_incident(incident_id, user, Permission.INCIDENT_WORK)
    reason = given_reason(reason)
    if row.is_open:
        raise Conflict("incident_open", _("%(number)s is open already."), params={"number": row.number})
    before = {"state": row.state, "closed_by": str(row.closed_by_id), "closed_at": row.closed_at}
    save(row, {"state": IncidentState.INVESTIGATED, "closed_by": None, "closed_at": None})
    after = {"state": row.state}
    record(row, "incident.reopen", Actor.user(user), before=before, after=after, reason=reason)
    notifications.notifications_create(notices=notices.reopened(row, but=user))
    return row


@transaction.atomic
def incident_remind(*, reminded: UUID) -> bool:
    """One whose day to report outside has passed: its owner first, from the second day on everybody who could act."""
    row = Incident.objects.select_for_update(no_key=True, of=("self",)).with_names().get(pk=reminded)
    today = timezone.localdate()
    if not Incident.objects.to_remind(today).filter(pk=row.pk).exists():
        return False
    row.reminded_on, row.reminders = today, row.reminders + 1
    row.save(update_fields=["reminded_on", "reminders"])
    record(row, "incident.remind", SYSTEM, after={"reminders": row.reminders})
    notifications.notifications_create(notices=notices.overdue(row))
    return True
