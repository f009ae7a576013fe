"""Reminders of forms that are overdue: the hospital every so many days, the bank once a form. One notice a hospital.

Rung by the beat. Each hospital is a transaction of its own; what is marked was told, so that two sweeps tell once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import audit, jobs, notifications
from core.audit import Actor
from core.notifications import Notice
from hospitals.models import Hospital
from transplants import notices_follow_up
from transplants.models import Outcome, OutcomeRules
from transplants.querysets_outcomes import OutcomeQuerySet

log = logging.getLogger("qidai.follow_up")

SYSTEM = Actor.system("follow_up")


def follow_up_sweep() -> dict[str, int]:
    """How many hospitals were reminded, and of how many the bank was told."""
    today, rules = timezone.localdate(), OutcomeRules.objects.first() or OutcomeRules()
    late = Outcome.objects.to_remind(today, rules.remind_every_days)
    long_late = Outcome.objects.to_tell_bank(today, rules.tell_bank_after_days)
    return {
        "reminded": _each(late, hospital_remind),
        "bank_told": _each(long_late, bank_tell),
    }


def _each(rows: OutcomeQuerySet, work: Callable[..., int]) -> int:
    done = 0
    hospitals = rows.order_by().values_list("transplant__hospital", flat=True).distinct()
    for key in sorted(hospitals):
        try:
            done += bool(work(hospital_id=key))
        except Exception as error:
            if jobs.ends_the_work(error):
                raise
            log.exception("reminding %s", key)
    return done


@transaction.atomic
def hospital_remind(*, hospital_id: UUID) -> int:
    """The people of the hospital hear how many forms are overdue. Returns of how many they were reminded now."""
    today, rules = timezone.localdate(), OutcomeRules.objects.first() or OutcomeRules()
    rows = Outcome.objects.filter(transplant__hospital=hospital_id)
    keys = _locked(rows.to_remind(today, rules.remind_every_days))
    if not keys:
        return 0
    Outcome.objects.filter(pk__in=keys).update(reminded_for=F("due_visit"), reminded_on=today)
    overdue = rows.of_people().overdue(today).order_by("due_until")
    hospital = Hospital.objects.get(pk=hospital_id)
    first = overdue.values_list("due_until", flat=True).first() or today
    told = notices_follow_up.overdue(hospital, overdue.count(), first)
    _tell(hospital, "follow_up.remind", len(keys), told)
    return len(keys)


@transaction.atomic
def bank_tell(*, hospital_id: UUID) -> int:
    """The bank hears of forms that a hospital has owed for long; of each once."""
    today, rules = timezone.localdate(), OutcomeRules.objects.first() or OutcomeRules()
    rows = Outcome.objects.filter(transplant__hospital=hospital_id)
    late = rows.to_tell_bank(today, rules.tell_bank_after_days)
    keys = _locked(late)
    if not keys:
        return 0
    first = late.order_by("due_until").values_list("due_until", flat=True).first() or today
    hospital = Hospital.objects.get(pk=hospital_id)
    told = notices_follow_up.long_overdue(hospital, len(keys), first)
    Outcome.objects.filter(pk__in=keys).update(bank_told_for=F("due_visit"))
    _tell(hospital, "follow_up.tell_bank", len(keys), told)
    return len(keys)


def _locked(rows: OutcomeQuerySet) -> list[UUID]:
    """Looked at again under the lock: another sweep may have told meanwhile."""
    found = rows.order_by("pk").select_for_update(no_key=True, of=("self",))
    return list(found.values_list("pk", flat=True))


def _tell(hospital: Hospital, action: str, count: int, told: list[Notice]) -> None:
    audit.record(
        actor=SYSTEM,
        action=action,
        target=hospital,
        after={"forms": count, "people": len(told)},
        hospital_id=hospital.pk,
    )
    notifications.notifications_create(notices=told)
