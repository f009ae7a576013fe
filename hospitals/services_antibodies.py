"""Writes of a patient's sera: recorded whole, never changed, withdrawn with a reason."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import reference
from core.audit import Actor, Batch
from core.errors import Conflict, InvalidInput
from core.hla_messages import typing_error_text
from hla.antibodies import Specificity, parse_specificity
from hla.errors import TypingError
from hospitals import choices
from hospitals.antibodies import CLASSES, called, classes_of, highest
from hospitals.data import BeadData, SerumData
from hospitals.models import AntibodyBead, AntibodySerum
from hospitals.writing import locked_active, record, touch


@transaction.atomic
def serum_record(
    *,
    patient_id: UUID,
    serum: SerumData,
    by: Actor,
    serum_id: UUID | None = None,
    entered_at: datetime.datetime | None = None,
) -> AntibodySerum:
    """A tested serum with all that was found in it. Of a specificity named twice the highest MFI is kept.

    `serum_id` comes from the form or the caller, so that what is sent twice meets `serum_exists` instead of making
    two, and `serum_differs` if it is not the same. `entered_at` is for the demonstration, which began some days ago.
    Raises InvalidInput, `details` naming every bead that cannot be taken by its place; Conflict if the patient is
    inactive.
    """
    patient = locked_active(patient_id)
    guard_serum(serum)
    beads = read_beads(serum.beads)
    classes = tested_classes(serum, beads)
    row = AntibodySerum.objects.create(
        id=_new_id(serum_id, patient.pk, _content(serum, classes, beads)),
        patient=patient,
        sampled_on=serum.sampled_on,
        tested_on=serum.tested_on,
        method=serum.method,
        classes=classes,
        laboratory=serum.laboratory,
        note=serum.note,
        nomenclature=reference.nomenclature().release,
        entered_by_id=by.person_id,
        created_at=entered_at or timezone.now(),
    )
    AntibodyBead.objects.bulk_create(
        AntibodyBead(
            serum=row,
            written=bead.written,
            text=specificity.text,
            loci=list(specificity.loci),
            level=specificity.level,
            mfi=bead.mfi,
            called=bead.called,
        )
        for specificity, bead in beads.items()
    )
    touch(patient)
    after = {"serum": row.pk, "sampled_on": row.sampled_on, "method": row.method, "classes": row.classes}
    after["beads"] = len(beads)
    record(patient, "patient.serum_recorded", by, after=after, batch=_batch(beads))
    return row


@transaction.atomic
def serum_withdraw(*, serum_id: UUID, reason: str, by: Actor) -> AntibodySerum:
    """The serum no longer counts; it stays to be seen, with the reason."""
    patient_id = AntibodySerum.objects.values_list("patient_id", flat=True).get(pk=serum_id)
    patient = locked_active(patient_id)
    serum: AntibodySerum = AntibodySerum.objects.select_for_update(no_key=True).get(pk=serum_id)
    if not reason.strip():
        raise InvalidInput("reason_missing", _("Say why the serum is withdrawn."), field="reason")
    if serum.is_withdrawn:
        raise Conflict("serum_withdrawn", _("This serum was withdrawn already."))
    serum.withdrawn_at = timezone.now()
    serum.withdrawn_by_id = by.person_id
    serum.withdrawn_reason = reason.strip()
    serum.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    touch(patient)
    after = {"serum": serum.pk, "sampled_on": serum.sampled_on}
    record(patient, "patient.serum_withdrawn", by, after=after, reason=serum.withdrawn_reason)
    return serum


def guard_serum(serum: SerumData) -> None:
    """Raises InvalidInput for days that cannot be, an unknown method, or findings that contradict themselves."""
    guard_serum_days(serum)
    if serum.method not in choices.AntibodyMethod.values:
        raise InvalidInput("not_in_list", _("Choose a value of the list."), field="method")
    if serum.classes not in ("", *choices.SerumClasses.values):
        raise InvalidInput("not_in_list", _("Choose a value of the list."), field="classes")
    if serum.none_found and not serum.classes:
        message = _("Say which HLA classes were tested: where none were found, nothing else tells.")
        raise InvalidInput("classes_missing", message, field="classes")
    if serum.none_found and serum.beads:
        message = _("Antibodies are listed: take away the mark that none were found, or the list.")
        raise InvalidInput("serum_contradicts_itself", message, field="none_found")
    if not serum.none_found and not serum.beads:
        message = _("Enter what was found, or mark that no antibodies were found.")
        raise InvalidInput("serum_empty", message, field="none_found")
    if len(serum.beads) > choices.MAX_BEADS:
        message = _("A serum may have at most %(limit)s specificities.")
        raise InvalidInput("too_many_beads", message, field="beads", params={"limit": choices.MAX_BEADS})


def guard_serum_days(serum: SerumData) -> None:
    today = timezone.localdate()
    if serum.sampled_on > today:
        raise InvalidInput("sampled_in_future", _("The day of sampling lies ahead."), field="sampled_on")
    if serum.sampled_on.year < choices.FIRST_SERUM_YEAR:
        message = _("The day of sampling lies before %(year)s: check the year.")
        params = {"year": choices.FIRST_SERUM_YEAR}
        raise InvalidInput("sampled_too_early", message, field="sampled_on", params=params)
    if serum.tested_on is not None and not serum.sampled_on <= serum.tested_on <= today:
        message = _("The day of the test must lie between the day of sampling and today.")
        raise InvalidInput("tested_on_impossible", message, field="tested_on")


def tested_classes(serum: SerumData, specificities: Iterable[Specificity]) -> str:
    """Those that are named, else those of the beads. Raises InvalidInput if a bead is of another class."""
    of_beads = classes_of(specificities)
    if serum.classes and of_beads and not set(CLASSES[of_beads]) <= set(CLASSES[serum.classes]):
        message = _(
            "Among the specificities are some of another HLA class than was tested: choose both classes."
        )
        raise InvalidInput("classes_contradict", message, field="classes")
    return serum.classes or of_beads


def read_beads(beads: tuple[BeadData, ...]) -> dict[Specificity, BeadData]:
    """Each specificity once, with its highest MFI. Raises InvalidInput that lists all beads that cannot be read."""
    found: dict[Specificity, BeadData] = {}
    details, resolver = [], reference.resolver()
    for number, bead in enumerate(beads, start=1):
        try:
            specificity = parse_specificity(bead.written, resolver)
        except TypingError as error:
            text = typing_error_text(error)
            details.append({"field": f"beads.{number}.specificity", "code": error.code, "text": text})
            continue
        if bead.mfi is not None and not 0 <= bead.mfi <= choices.MAX_MFI:
            text = mfi_range_text(bead.mfi)
            details.append({"field": f"beads.{number}.mfi", "code": "mfi_out_of_range", "text": text})
            continue
        if bead.mfi is None and not bead.called:
            bead = replace(bead, called=choices.BeadCall.POSITIVE.value)
        elif bead.called not in choices.BeadCall.values or (
            bead.mfi is not None and bead.called == "negative"
        ):
            text = str(_("A specificity has an MFI, or is called positive or negative without one."))
            details.append({"field": f"beads.{number}.called", "code": "call_unknown", "text": text})
            continue
        found[specificity] = higher(found.get(specificity), bead)
    if details:
        raise InvalidInput("beads_invalid", _("Some beads cannot be read."), field="beads", details=details)
    return found


def higher(one: BeadData | None, other: BeadData) -> BeadData:
    """The bead with the higher MFI, the first one if they are equal; it stays positive if one of them is called so."""
    if one is None:
        return other
    best = one if highest((one.mfi, other.mfi)) == one.mfi else other
    return replace(best, called=called([(one.mfi, one.called), (other.mfi, other.called)]))


def mfi_range_text(mfi: int) -> str:
    text = _("%(mfi)s is no MFI: it must lie between 0 and %(high)s.")
    return str(text) % {"mfi": mfi, "high": choices.MAX_MFI}


def _new_id(wanted: UUID | None, patient_id: UUID, content: Content) -> UUID:
    """The id that is proposed, if it is free; the id of another patient's serum tells nothing and is not used."""
    taken = AntibodySerum.objects.filter(pk=wanted).first() if wanted else None
    if taken is None:
        return wanted or uuid4()
    if taken.patient_id != patient_id:
        return uuid4()
    if _stored_content(taken) == content:
        raise Conflict("serum_exists", _("This serum was saved already."))
    raise Conflict("serum_differs", _("Another serum was saved with this form: open a new one."))


Content = tuple[tuple[object, ...], frozenset[tuple[str, int | None, str]]]
_CONTENT = ("sampled_on", "tested_on", "method", "laboratory", "note")


def _content(serum: SerumData, classes: str, beads: dict[Specificity, BeadData]) -> Content:
    found = frozenset((one.text, bead.mfi, bead.called) for one, bead in beads.items())
    return (*(getattr(serum, name) for name in _CONTENT), classes), found


def _stored_content(serum: AntibodySerum) -> Content:
    found = frozenset(serum.beads.values_list("text", "mfi", "called"))
    return (*(getattr(serum, name) for name in _CONTENT), serum.classes), found


def _batch(beads: dict[Specificity, BeadData]) -> Batch:
    lines = [f"{specificity.text} {bead.mfi} {bead.called}".rstrip() for specificity, bead in beads.items()]
    return Batch(len(lines), hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest())
