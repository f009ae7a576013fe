"""What a row of a match list says about the shortlist: a button, or that the unit is on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import reverse

from core.models import User
from core.roles import Permission
from hospitals.models import Patient
from hospitals.querysets import open_in
from matching.choices import choice_text
from matching.models import SearchResult, SearchRun, ShortlistEntry


def marks(run: SearchRun, page: Iterable[SearchResult], user: User) -> dict[UUID, dict[str, Any]]:
    """By unit what a row of a match list says about the shortlist: {on, text, url, list_url, may}."""
    entries = ShortlistEntry.objects.filter(patient=run.request.patient_id).active()
    picked = {entry.unit_id: entry for entry in entries}
    may = may_choose(run.request.patient, user)
    return {result.unit_id: mark(run, result.unit_id, picked.get(result.unit_id), may) for result in page}


def mark(run: SearchRun, unit_id: UUID, entry: ShortlistEntry | None, may: bool) -> dict[str, Any]:
    """Context of matching/_shortlist_mark.html."""
    return {
        "on": entry is not None,
        "text": "" if entry is None or entry.place is None else choice_text(entry.place),
        "url": reverse("matching:shortlist-add", args=[run.pk, unit_id]),
        "list_url": reverse("matching:shortlist", args=[run.request.patient_id]),
        "may": may,
    }


def may_choose(patient: Patient, user: User) -> bool:
    return patient.is_active and open_in(user, Permission.GRAFT_CHOOSE, patient.hospital_id)
