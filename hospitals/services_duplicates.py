"""What is done about records that may be of one person: confirmed as two when entered, found, denied with a reason."""

from __future__ import annotations

import logging
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit, jobs, notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hospitals import notices
from hospitals.duplicates import alike_in_hospital, guard_duplicates, pair_of, pairs_alike
from hospitals.models import Patient, PossibleDuplicate
from hospitals.models_duplicates import AT_ENTRY

log = logging.getLogger("qidai.duplicates")

SYSTEM = Actor.system("duplicates")
MAX_REASON_LENGTH = 400


def confirm_other_person(
    patient: Patient, digest: str, confirmed: Collection[str], by: Actor
) -> list[Patient]:
    """Within the transaction that writes a typing: whoever else of the hospital has it was confirmed as another person.

    Raises Conflict `possible_duplicate_unconfirmed` otherwise. What is confirmed is not asked again.
    """
    alike = alike_in_hospital(
        hospital_id=patient.hospital_id,
        sex=patient.sex,
        birth_date=patient.birth_date,
        digest=digest,
        but=patient.pk,
    )
    guard_duplicates(alike, confirmed)
    for other in alike:
        _deny(
            pair_of(patient.pk, other.pk),
            AT_ENTRY,
            by,
        )
    return alike


@transaction.atomic
def duplicate_dismiss(*, first_id: UUID, second_id: UUID, reason: str, by: Actor) -> PossibleDuplicate:
    """Two records are of two persons. Raises InvalidInput without a reason, Conflict if it was said before."""
    reason = reason.strip()[:MAX_REASON_LENGTH]
    if not reason:
        raise InvalidInput("reason_missing", _("Give a reason."), field="reason")
    return _deny(pair_of(first_id, second_id), reason, by)


def _deny(pair: tuple[UUID, UUID], reason: str, by: Actor) -> PossibleDuplicate:
    known, _made = PossibleDuplicate.objects.get_or_create(first_id=pair[0], second_id=pair[1])
    row: PossibleDuplicate = PossibleDuplicate.objects.select_for_update(no_key=True).get(pk=known.pk)
    if row.dismissed_at is not None:
        raise Conflict("duplicate_dismissed", _("These two were declared to be two persons already."))
    row.dismissed_at, row.dismissed_by_id, row.dismiss_reason = timezone.now(), by.person_id, reason
    row.save(update_fields=["dismissed_at", "dismissed_by", "dismiss_reason"])
    _record(row, "duplicate.dismissed", by, reason)
    return row


def _record(row: PossibleDuplicate, action: str, by: Actor, reason: str = "") -> None:
    """About the pair and neither patient: a hospital's page of the one says nothing of the other."""
    target = ("hospitals.PossibleDuplicate", str(row.pk), f"{row.first.code} / {row.second.code}")
    audit.record(actor=by, action=action, target=target, reason=reason)


def duplicates_sweep() -> int:
    """New pairs, each told of once to the search coordinators of the bank. How many were found."""
    known = set(PossibleDuplicate.objects.values_list("first_id", "second_id"))
    found = 0
    for pair in {pair_of(*pair) for pair in pairs_alike()} - known:
        try:
            found += duplicate_found(pair[0], pair[1])
        except Exception as error:
            if jobs.ends_the_work(error):
                raise
            log.exception("a possible duplicate could not be told of")
    return found


@transaction.atomic
def duplicate_found(first_id: UUID, second_id: UUID) -> bool:
    """False if another round was quicker."""
    row, made = PossibleDuplicate.objects.get_or_create(first_id=first_id, second_id=second_id)
    if made:
        row = PossibleDuplicate.objects.with_names().get(pk=row.pk)
        _record(row, "duplicate.found", SYSTEM)
        notifications.notifications_create(notices=notices.possible_duplicate(row))
    return made
