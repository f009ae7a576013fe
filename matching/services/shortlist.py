"""Shortlists and notes: units picked for a patient, ranked, removed; notes written and struck."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hospitals.models import Patient
from matching.choices import LONGEST_NOTE, MOST_SHORTLISTED, EntryState
from matching.models import GraftNote, SearchResult, SearchRun, ShortlistEntry

_REASON_LENGTH = 400


@transaction.atomic
def shortlist_add(*, run: SearchRun, unit_id: UUID, actor: Actor) -> ShortlistEntry:
    """Pick a unit of a match list for its patient. A unit that is picked already stays as it is.

    Raises InvalidInput for a unit that is not in the list, Conflict for an inactive patient or a full shortlist.
    """
    patient = _locked(run.request.patient_id)
    active = ShortlistEntry.objects.filter(patient=patient).active()
    known: ShortlistEntry | None = active.filter(unit=unit_id).first()
    if known is not None:
        return known
    if not SearchResult.objects.filter(run=run, unit=unit_id).exists():
        raise InvalidInput("unit_not_listed", _("This unit is not in that match list."), field="unit")
    if active.count() >= MOST_SHORTLISTED:
        raise Conflict(
            "shortlist_full",
            _("The shortlist holds %(n)d units, as many as it can. Remove one first."),
            params={"n": MOST_SHORTLISTED},
        )
    unit = CordBloodUnit.objects.get(pk=unit_id)
    entry = ShortlistEntry.objects.create(
        patient=patient, unit=unit, run=run, added_by=actor.label[:200], added_at=timezone.now()
    )
    after = {"unit": unit.unit_no, "request": run.request.number, "run_no": run.run_no}
    _record(entry, patient, unit, actor, "shortlist.add", after=after)
    return entry


@transaction.atomic
def shortlist_remove(*, entry_id: UUID, reason: str, actor: Actor) -> ShortlistEntry:
    """Take a unit off the shortlist. The row stays, with who, when and why; its place becomes free."""
    entry, patient = _entry(entry_id)
    reason = _reason(reason)
    before = {"state": entry.state, "place": entry.place}
    entry.state, entry.place = EntryState.REMOVED, None
    entry.removed_by, entry.removed_at, entry.remove_reason = actor.label[:200], timezone.now(), reason
    entry.save()
    after = {"state": entry.state, "place": None}
    _record(entry, patient, entry.unit, actor, "shortlist.remove", before=before, after=after, reason=reason)
    return entry


@transaction.atomic
def shortlist_place(*, entry_id: UUID, place: int | None, actor: Actor) -> ShortlistEntry:
    """Say which choice a unit is; None is undecided. Who has this place already changes places with it."""
    entry, patient = _entry(entry_id)
    if place is not None and not 1 <= place <= MOST_SHORTLISTED:
        raise InvalidInput(
            "place_out_of_range",
            _("A choice is a number from 1 to %(n)d."),
            params={"n": MOST_SHORTLISTED},
            field="place",
        )
    before = entry.place
    if place == before:
        return entry
    active = ShortlistEntry.objects.filter(patient=patient).active()
    other = active.filter(place=place).first() if place is not None else None
    if other is not None:
        active.filter(pk=other.pk).update(place=None)  # a place is nobody's while it changes hands
    entry.place = place
    entry.save(update_fields=["place"])
    if other is not None:
        active.filter(pk=other.pk).update(place=before)
    after: dict[str, Any] = {"place": place}
    if other is not None:
        after["changed_with"] = other.unit.unit_no
    _record(entry, patient, entry.unit, actor, "shortlist.place", before={"place": before}, after=after)
    return entry


@transaction.atomic
def note_add(
    *, patient: Patient, text: str, actor: Actor, unit_id: UUID | None = None, note_id: UUID | None = None
) -> GraftNote:
    """Write a note about a patient's grafts, or about one unit that stands or stood on the shortlist.

    note_id: of the form, so that a double click writes one. Raises InvalidInput for a text that is empty or too long or
    a unit that was never shortlisted, Conflict for an inactive patient or an id that another note has.
    """
    patient = _locked(patient.pk)
    if note_id is not None and (known := _written(note_id, patient, text, unit_id, actor)):
        return known
    text = _plain(text)
    if not text:
        raise InvalidInput("note_empty", _("Write something first."), field="text")
    if len(text) > LONGEST_NOTE:
        raise InvalidInput(
            "note_too_long",
            _("A note may have %(n)d characters; this one has %(given)d."),
            params={"n": LONGEST_NOTE, "given": len(text)},
            field="text",
        )
    entries = ShortlistEntry.objects.filter(patient=patient, unit=unit_id).select_related("unit")
    entry = entries.first() if unit_id else None
    if unit_id and entry is None:
        raise InvalidInput("unit_not_shortlisted", _("This unit is not on the shortlist."), field="unit")
    unit = entry.unit if entry else None
    note = GraftNote.objects.create(
        pk=note_id or uuid4(), patient=patient, unit=unit, text=text, written_by=actor.label[:200]
    )
    # the text itself stands in the row, which is never changed; its digest proves that
    after = {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    _record(note, patient, unit, actor, "graft_note.add", after=after)
    return note


def _written(
    note_id: UUID, patient: Patient, text: str, unit_id: UUID | None, actor: Actor
) -> GraftNote | None:
    """The note that a form wrote already; the caller holds the patient."""
    known: GraftNote | None = GraftNote.objects.filter(pk=note_id).first()
    if known is None:
        return None
    said = (known.patient_id, known.unit_id, known.text, known.written_by)
    if said != (patient.pk, unit_id, _plain(text), actor.label[:200]):
        raise Conflict(
            "note_exists",
            _("This form has written another note already. Save again to write this one as well."),
        )
    return known


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


@transaction.atomic
def note_strike(*, note_id: UUID, reason: str, actor: Actor) -> GraftNote:
    """Strike a note out: it stays readable, with who, when and why."""
    _locked(GraftNote.objects.values_list("patient", flat=True).get(pk=note_id))
    rows = GraftNote.objects.select_for_update(no_key=True, of=("self",))
    note: GraftNote = rows.select_related("patient", "unit").get(pk=note_id)
    reason = _reason(reason)
    if note.is_struck:
        raise Conflict("note_struck", _("This note has been struck out already."))
    note.struck_by, note.struck_at, note.strike_reason = actor.label[:200], timezone.now(), reason
    note.save(update_fields=["struck_by", "struck_at", "strike_reason"])
    _record(note, note.patient, note.unit, actor, "graft_note.strike", reason=reason)
    return note


def _locked(patient_id: UUID) -> Patient:
    """Whoever changes a shortlist holds its patient: places and their number are counted by one at a time.

    Raises Conflict for an inactive patient: his shortlist and notes stay as they were.
    """
    found: Patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    if not found.is_active:
        raise Conflict("patient_inactive", _("%(code)s is not active."), params={"code": found.code})
    return found


def _entry(entry_id: UUID) -> tuple[ShortlistEntry, Patient]:
    patient = _locked(ShortlistEntry.objects.values_list("patient", flat=True).get(pk=entry_id))
    entry = ShortlistEntry.objects.select_related("unit").get(pk=entry_id)
    if entry.state != EntryState.SHORTLISTED:
        raise Conflict("entry_removed", _("This unit has been removed from the shortlist already."))
    return entry, patient


def _reason(reason: str) -> str:
    reason = _plain(reason)
    if not reason:
        raise InvalidInput("reason_missing", _("Give the reason."), field="reason")
    return reason[:_REASON_LENGTH]


def _record(
    row: ShortlistEntry | GraftNote,
    patient: Patient,
    unit: CordBloodUnit | None,
    actor: Actor,
    action: str,
    **values: Any,
) -> None:
    label = f"{patient.code} · {unit.unit_no}" if unit else patient.code
    audit.record(
        actor=actor,
        action=action,
        target=(row._meta.label, str(row.pk), label),
        hospital_id=patient.hospital_id,
        **values,
    )
