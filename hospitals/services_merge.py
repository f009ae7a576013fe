"""Two records of one person: one is kept, the other leads to it. A link and a state, so that all of it can be undone.

Nothing is copied or moved: typings, sera, ended requests and reservations stay with the record they were made for.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hospitals import choices
from hospitals.confirmation import differing_loci, loci_of
from hospitals.merging import open_work
from hospitals.models import Patient, PatientMerge
from hospitals.writing import record, touch

MAX_REASON_LENGTH = 400
_FIELDS = ("state", "inactive_reason", "deactivated_at", "merged_into")


@transaction.atomic
def patient_merge(*, kept_id: UUID, merged_id: UUID, reason: str, by: Actor) -> PatientMerge:
    """Raises InvalidInput for two that cannot be one record, Conflict while something is open for the one that ends."""
    reason = _reason(reason)
    if kept_id == merged_id:
        raise InvalidInput("merge_same", _("Choose two records."), field="merged")
    rows = _locked(kept_id, merged_id)
    kept, merged = rows[kept_id], rows[merged_id]
    _guard(kept, merged)
    row: PatientMerge = PatientMerge.objects.create(
        kept=kept,
        merged=merged,
        reason=reason,
        made_by_id=by.person_id,
        former_state=merged.state,
        former_reason=merged.inactive_reason,
        former_deactivated_at=merged.deactivated_at,
    )
    before = {"state": merged.state, "inactive_reason": merged.inactive_reason}
    merged.state, merged.inactive_reason = choices.PatientState.INACTIVE, choices.MERGED
    merged.deactivated_at, merged.merged_into = timezone.now(), kept
    touch(merged, *_FIELDS)
    touch(kept)
    after = {"state": merged.state, "inactive_reason": merged.inactive_reason, "merged_into": kept.code}
    record(merged, "patient.merged", by, before=before, after=after, reason=reason)
    record(kept, "patient.merge_kept", by, after={"merged": merged.code}, reason=reason)
    return row


@transaction.atomic
def patient_unmerge(*, merge_id: UUID, reason: str, by: Actor) -> PatientMerge:
    """The record is again what it was before. Raises Conflict if that was done already."""
    reason = _reason(reason)
    known = PatientMerge.objects.get(pk=merge_id)
    rows = _locked(known.kept_id, known.merged_id)
    row: PatientMerge = PatientMerge.objects.select_for_update(no_key=True).get(pk=merge_id)
    if row.undone_at is not None:
        raise Conflict("merge_undone", _("This merge was undone already."))
    kept, merged = rows[row.kept_id], rows[row.merged_id]
    row.undone_at, row.undone_by_id, row.undo_reason = timezone.now(), by.person_id, reason
    row.save(update_fields=["undone_at", "undone_by", "undo_reason"])
    merged.state, merged.inactive_reason = row.former_state, row.former_reason
    merged.deactivated_at, merged.merged_into = row.former_deactivated_at, None
    touch(merged, *_FIELDS)
    touch(kept)
    after = {"state": merged.state, "inactive_reason": merged.inactive_reason}
    record(merged, "patient.unmerged", by, before={"merged_into": kept.code}, after=after, reason=reason)
    record(kept, "patient.unmerge_kept", by, before={"merged": merged.code}, reason=reason)
    return row


def _reason(reason: str) -> str:
    plain = reason.replace("\0", "").strip()[:MAX_REASON_LENGTH]
    if not plain:
        raise InvalidInput("reason_missing", _("Give a reason."), field="reason")
    return plain


def _locked(*ids: UUID) -> dict[UUID, Patient]:
    """Both rows, in one order for everybody."""
    rows = Patient.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def _guard(kept: Patient, merged: Patient) -> None:
    if kept.hospital_id != merged.hospital_id:
        message = _(
            "Only records of one hospital are merged: neither hospital may learn of the other's patient."
        )
        raise InvalidInput("merge_across", message, field="merged")
    for row, field in ((kept, "kept"), (merged, "merged")):
        if row.merged_into_id is not None:
            message = _("%(code)s was merged into another record already.")
            raise Conflict("patient_merged", message, field=field, params={"code": row.code})
    if merged.merged_records.exists():
        message = _("Other records were merged into %(code)s: keep it, or undo those first.")
        raise Conflict("merge_kept_others", message, field="merged", params={"code": merged.code})
    if merged.is_active and not kept.is_active:
        message = _("%(code)s is inactive: keep the active record, or reactivate that one first.")
        raise Conflict("merge_kept_inactive", message, field="kept", params={"code": kept.code})
    _guard_typings(kept, merged)
    if numbers := open_work(merged):
        message = _("%(code)s is not at rest: end these first, or keep that record: %(numbers)s.")
        params = {"code": merged.code, "numbers": ", ".join(numbers)}
        raise Conflict("merge_open_work", message, field="merged", params=params)


def _guard_typings(kept: Patient, merged: Patient) -> None:
    """Whose typings contradict one another are two persons, or one of the typings is wrong."""
    rows = [patient.typings.filter(is_current=True).first() for patient in (kept, merged)]
    typed = [loci_of(row) for row in rows if row is not None]
    if len(typed) == 2 and (loci := differing_loci(*typed)):
        message = _(
            "The typings contradict one another at %(loci)s: they are two persons, or a typing is wrong."
        )
        params = {"loci": ", ".join(loci)}
        raise InvalidInput("merge_typings_differ", message, field="merged", params=params)
