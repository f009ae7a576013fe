"""What a transplant came to is written anew, in the transaction of whatever changed it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from hospitals.choices import InactiveReason
from hospitals.models import Patient
from transplants.choices_outcomes import Contact, FormState
from transplants.models import BloodCount, FollowUp, Outcome, OutcomeRules, OutcomeVersion, Transplant
from transplants.outcomes.derive import IMPORTED_VISIT, Course, derived
from transplants.outcomes.engraftment import Count
from transplants.outcomes.schedule import Followed, first_missing

# What a refresh leaves alone: when people were reminded.
KEPT = ("reminded_for", "reminded_on", "bank_told_for")
AT_ONCE = 2_000  # transplants whose forms are held in memory together


@transaction.atomic
def outcomes_refresh(*, transplant_ids: Iterable[UUID]) -> int:
    """Derives the outcome of each anew; figures computed before are out of date with it. Returns how many.

    Earlier transplants of the same persons are derived with them: what is learnt of a later one tells how long the
    patient lived. The caller holds the rows of the transplants, or made them just now.
    """
    keys = list(dict.fromkeys(transplant_ids))
    for start in range(0, len(keys), AT_ONCE):
        _refresh(keys[start : start + AT_ONCE])
    if keys:
        version_bump()
    return len(keys)


def patient_changed(patient: Patient) -> None:
    """Whether and when the patient died may have changed (hook of hospitals.ends)."""
    outcomes_refresh(transplant_ids=Transplant.objects.filter(patient=patient).values_list("pk", flat=True))


def version_bump() -> None:
    """What was computed of outcomes until now is out of date: a form, a transplant or a rule has changed."""
    now = timezone.now()
    changed = OutcomeVersion.objects.filter(pk=1).update(version=F("version") + 1, changed_at=now)
    if not changed:
        OutcomeVersion.objects.create(version=2, changed_at=now)


def current_version() -> int:
    found: int | None = OutcomeVersion.objects.filter(pk=1).values_list("version", flat=True).first()
    return found or 1


@dataclass(frozen=True)
class _Known:
    """What is read of some transplants at once. forms: of theirs and of later ones of the same persons."""

    rows: Sequence[Transplant]
    forms: Mapping[UUID, list[FollowUp]]
    counts: Mapping[UUID, list[Count]]
    later: Mapping[UUID, list[_Sibling]]
    failure_day: int


@dataclass(frozen=True)
class _Sibling:
    key: UUID
    infused_on: dt.date


def _refresh(keys: Sequence[UUID]) -> None:
    known = _read(keys)
    now = timezone.now()
    made = [Outcome(transplant=row, derived_at=now, **_values(row, known)) for row in known.rows]
    names = [
        field.name
        for field in Outcome._meta.concrete_fields
        if not field.primary_key and field.name not in KEPT
    ]
    Outcome.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["transplant"], update_fields=names, batch_size=500
    )


def _values(row: Transplant, known: _Known) -> dict[str, Any]:
    forms, later = known.forms[row.pk], known.later.get(row.pk, [])
    course = Course(
        day_0=row.infused_on,
        forms=forms,
        counts=known.counts[row.pk],
        months_followed=None if row.months_followed is None else float(row.months_followed),
        day_of_next=min((one.infused_on for one in later), default=None),
        died_on=_died(row),
        failure_day=known.failure_day,
        later_forms=[form for one in later for form in known.forms[one.key]],
    )
    values = derived(course)
    missing = first_missing(followed_of(row, forms, values, course.day_of_next))
    if missing is not None:
        values |= {
            "due_visit": missing.visit,
            "due_from": missing.opens_on,
            "due_until": missing.closes_on,
        }
    return values


def followed_of(
    row: Transplant, forms: Iterable[FollowUp], values: Mapping[str, Any], day_of_next: dt.date | None
) -> Followed:
    """What the schedule asks of a transplant. forms: those handed in; values: of its outcome."""
    handed_in = list(forms)
    listed = any(form.visit == IMPORTED_VISIT for form in handed_in)
    told = any(form.contact == Contact.DEAD for form in handed_in)
    return Followed(
        day_0=row.infused_on,
        done=frozenset(form.visit for form in handed_in),
        reached=values["days_followed"] if listed and len(handed_in) == 1 else None,
        died=values["days_followed"] if values["is_dead"] else None,
        told_dead=told or (values["is_dead"] and day_of_next is not None),
        is_lost=values["is_lost"],
        next_day_0=day_of_next,
    )


def _read(keys: Sequence[UUID]) -> _Known:
    rows, later = _with_siblings(keys)
    ids = [row.pk for row in rows]
    forms: dict[UUID, list[FollowUp]] = defaultdict(list)
    wanted = {*ids, *(one.key for found in later.values() for one in found)}
    for form in FollowUp.objects.filter(transplant__in=wanted, state=FormState.FINAL):
        forms[form.transplant_id].append(form)
    counts: dict[UUID, list[Count]] = defaultdict(list)
    for row in BloodCount.objects.filter(transplant__in=ids):
        counts[row.transplant_id].append(
            Count(row.counted_on, row.anc_e9_per_l, row.platelets_e9_per_l, row.transfused)
        )
    failure_day = OutcomeRules.objects.values_list("graft_failure_day", flat=True).first() or 42
    return _Known(rows, forms, counts, later, failure_day)


def _died(row: Transplant) -> dt.date | None:
    """The hospital may have closed the patient's record before it handed in a form."""
    patient = row.patient
    if patient is None or patient.inactive_reason != InactiveReason.DIED or patient.ended_on is None:
        return None
    day: dt.date = patient.ended_on
    return day if day >= row.infused_on else None


def _with_siblings(keys: Sequence[UUID]) -> tuple[list[Transplant], dict[UUID, list[_Sibling]]]:
    """These transplants with the earlier ones of the same persons, and of each the later ones."""
    rows = {row.pk: row for row in Transplant.objects.filter(pk__in=keys).select_related("patient")}
    patients = {row.patient_id for row in rows.values() if row.patient_id}
    codes = {row.registry_code for row in rows.values() if row.registry_code}
    hospitals = {row.hospital_id for row in rows.values() if row.registry_code}
    of_them = Q(patient__in=patients) | Q(registry_code__in=codes, hospital__in=hospitals)
    persons: dict[Any, list[Transplant]] = defaultdict(list)
    for row in Transplant.objects.filter(of_them).select_related("patient"):
        persons[row.patient_id or (row.hospital_id, row.registry_code)].append(row)
    later: dict[UUID, list[_Sibling]] = {}
    for found in persons.values():
        ordered = sorted(found, key=lambda row: row.infused_on)
        newest = max((row.infused_on for row in ordered if row.pk in rows), default=None)
        for row in ordered:
            if newest is not None and row.infused_on < newest:
                rows.setdefault(row.pk, row)
            after = [one for one in ordered if one.infused_on > row.infused_on]
            if after:
                later[row.pk] = [_Sibling(one.pk, one.infused_on) for one in after]
    return list(rows.values()), later
