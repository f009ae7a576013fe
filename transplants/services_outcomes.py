"""What a transplant came to is written anew, in the transaction of whatever changed it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from hospitals.choices import InactiveReason
from transplants.choices_outcomes import FormState
from transplants.models import BloodCount, FollowUp, Outcome, OutcomeRules, OutcomeVersion, Transplant
from transplants.outcomes.derive import Course, derived
from transplants.outcomes.engraftment import Count

AT_ONCE = 2_000  # transplants whose forms are held in memory together


@transaction.atomic
def outcomes_refresh(*, transplant_ids: Iterable[UUID]) -> int:
    """Derives the outcome of each anew; figures computed before are out of date with it. Returns how many.

    The caller holds the rows of the transplants, or made them just now.
    """
    keys = list(dict.fromkeys(transplant_ids))
    for start in range(0, len(keys), AT_ONCE):
        _refresh(keys[start : start + AT_ONCE])
    if keys:
        version_bump()
    return len(keys)


def version_bump() -> None:
    """What was computed of outcomes until now is out of date: a form, a transplant or a rule has changed."""
    now = timezone.now()
    changed = OutcomeVersion.objects.filter(pk=1).update(version=F("version") + 1, changed_at=now)
    if not changed:
        OutcomeVersion.objects.create(version=2, changed_at=now)


def current_version() -> int:
    found: int | None = OutcomeVersion.objects.filter(pk=1).values_list("version", flat=True).first()
    return found or 1


def _refresh(keys: Sequence[UUID]) -> None:
    rows = list(Transplant.objects.filter(pk__in=keys).select_related("patient"))
    forms: dict[UUID, list[FollowUp]] = defaultdict(list)
    for form in FollowUp.objects.filter(transplant__in=keys, state=FormState.FINAL):
        forms[form.transplant_id].append(form)
    counts: dict[UUID, list[Count]] = defaultdict(list)
    for row in BloodCount.objects.filter(transplant__in=keys):
        counts[row.transplant_id].append(
            Count(row.counted_on, row.anc_e9_per_l, row.platelets_e9_per_l, row.transfused)
        )
    failure_day = OutcomeRules.objects.values_list("graft_failure_day", flat=True).first() or 42
    following = _following(rows)
    now = timezone.now()
    made = [
        Outcome(
            transplant=row,
            derived_at=now,
            **derived(
                Course(
                    day_0=row.infused_on,
                    forms=forms[row.pk],
                    counts=counts[row.pk],
                    months_followed=None if row.months_followed is None else float(row.months_followed),
                    day_of_next=following.get(row.pk),
                    died_on=_died(row),
                    failure_day=failure_day,
                )
            ),
        )
        for row in rows
    ]
    names = [field.name for field in Outcome._meta.concrete_fields if not field.primary_key]
    Outcome.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["transplant"], update_fields=names, batch_size=500
    )


def _died(row: Transplant) -> dt.date | None:
    """The hospital may have closed the patient's record before it handed in a form."""
    patient = row.patient
    if patient is None or patient.inactive_reason != InactiveReason.DIED or patient.ended_on is None:
        return None
    day: dt.date = patient.ended_on
    return day if day >= row.infused_on else None


def _following(rows: Sequence[Transplant]) -> dict[UUID, dt.date]:
    """Day 0 of the next transplant of the same patient, where there is one."""
    own = _by_person({"patient__in": [row.patient_id for row in rows if row.patient_id]})
    listed = _by_person(
        {
            "registry_code__in": [row.registry_code for row in rows if row.registry_code],
            "hospital__in": {row.hospital_id for row in rows},
        }
    )
    found: dict[UUID, dt.date] = {}
    for row in rows:
        days = own.get(row.patient_id) if row.patient_id else listed.get((row.hospital_id, row.registry_code))
        later = [day for day in days or [] if day > row.infused_on]
        if later:
            found[row.pk] = min(later)
    return found


def _by_person(where: dict[str, Any]) -> dict[Any, list[dt.date]]:
    days: dict[Any, list[dt.date]] = defaultdict(list)
    for row in Transplant.objects.filter(**where).values(
        "patient_id", "hospital_id", "registry_code", "infused_on"
    ):
        key = row["patient_id"] or (row["hospital_id"], row["registry_code"])
        days[key].append(row["infused_on"])
    return days
