"""Transplants with their course, for tests of follow-up. They go through the services where a rule is at work."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.grafts import TransplantFactory
from tests.factories.hospitals import member_of
from transplants.models import FollowUp, Outcome, Transplant
from transplants.outcomes.schedule import VISIT
from transplants.services_follow_up import follow_up_hand_in
from transplants.services_outcomes import outcomes_refresh


def days_ago(days: int) -> dt.date:
    return timezone.localdate() - dt.timedelta(days=days)


def transplanted(days: int = 500, **given: Any) -> Transplant:
    """Day 0 was so many days ago; its outcome is derived."""
    row: Transplant = TransplantFactory(infused_on=days_ago(days), **given)
    born = {"birth_date": row.infused_on - dt.timedelta(days=1200)}
    Patient.objects.filter(pk=row.patient_id, birth_date__gt=row.infused_on).update(**born)
    if row.patient is not None:
        row.patient.refresh_from_db()
    outcomes_refresh(transplant_ids=[row.pk])
    return row


def registered(days: int = 500, **given: Any) -> Transplant:
    """One that was taken over from a list: no patient here."""
    hospital = given.pop("hospital")
    row: Transplant = TransplantFactory(
        infused_on=days_ago(days),
        patient=None,
        hospital=hospital,
        source="import",
        registry_code=given.pop("registry_code", f"R-{Transplant.objects.count()}"),
        created_by=None,
        **given,
    )
    outcomes_refresh(transplant_ids=[row.pk])
    return row


def editor_of(row: Transplant, role: Role = Role.HOSPITAL_COORDINATOR, **given: Any) -> User:
    found: User = member_of(row.hospital, role, **given)
    return found


def day(row: Transplant, days: int) -> dt.date:
    return row.infused_on + dt.timedelta(days=days)


def alive(row: Transplant, visit: str, days: int | None = None, **given: Any) -> dict[str, Any]:
    """Answers of a contact with a living patient, on the first day of the form's window unless one is named."""
    return {
        "contact": "alive",
        "contact_on": day(row, VISIT[visit].opens if days is None else days),
        **given,
    }


def dead(row: Transplant, days: int, **given: Any) -> dict[str, Any]:
    return {
        "contact": "dead",
        "contact_on": day(row, days),
        "primary_cause": "viral",
        "autopsy": "no",
        **given,
    }


def handed_in(row: Transplant, visit: str, user: User | None = None, **answers: Any) -> FollowUp:
    return follow_up_hand_in(
        transplant_id=row.pk,
        visit=visit,
        answers=answers or alive(row, visit),
        seen="",
        user=user or editor_of(row),
    )


def outcome_of(row: Transplant) -> Outcome:
    found: Outcome = Outcome.objects.get(pk=row.pk)
    return found
