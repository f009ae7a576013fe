"""The list of forms that are due: filters, order and CSV are one selection for page and file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.access import person_of
from core.pages import Sort, sort_from
from transplants.choices_outcomes import FormState
from transplants.forms_follow_up import FollowUpFilterForm
from transplants.models import FollowUp, Outcome
from transplants.outcomes.schedule import VISIT, visit_of
from transplants.querysets_outcomes import OutcomeQuerySet

SORTS = {
    "number": "transplant__number",
    "patient": "known_as",
    "hospital": "transplant__hospital__code",
    "day": "transplant__infused_on",
    "until": "due_until",
}
CSV = [
    "number", "patient", "hospital", "day_0", "form", "missing_since_form", "forms_missing", "opens", "closes",
    "days_overdue",
]  # fmt: skip


def columns(*, with_hospital: bool) -> list[dict[str, Any]]:
    """Heads of the list (context of _components/table_head.html)."""
    found: list[dict[str, Any]] = [
        {"label": _("Transplant"), "key": "number"},
        {"label": _("Patient"), "key": "patient"},
        {"label": _("Hospital"), "key": "hospital"},
        {"label": _("Day 0"), "key": "day"},
        {"label": pgettext_lazy("follow-up", "Form"), "key": ""},
        {"label": pgettext_lazy("follow-up", "Until"), "key": "until"},
        {"label": _("State"), "key": ""},
    ]
    return [column for column in found if with_hospital or column["key"] != "hospital"]


def selection(request: HttpRequest, today: dt.date) -> tuple[OutcomeQuerySet, FollowUpFilterForm, Sort]:
    """The visible forms that the address asks for; without an order what is overdue longest stands first."""
    person = person_of(request)
    form = FollowUpFilterForm(request.GET, user=person)
    sort = sort_from(request, SORTS, "until")
    rows = form.apply(Outcome.objects.visible_to(person), today).with_names()
    drafts = FollowUp.objects.filter(transplant=OuterRef("pk"), state=FormState.DRAFT)
    return rows.annotate(has_draft=Exists(drafts)).order_by(*sort.fields), form, sort


def form_to_fill(row: Outcome, today: dt.date) -> tuple[str, int]:
    """The form that tells most, and how many are missing up to it: a later one tells what earlier ones would have."""
    first = VISIT[row.due_visit]
    if row.is_dead:
        return first.code, 1
    latest = visit_of((today - row.transplant.infused_on).days)
    if latest is None or latest.order <= first.order:
        return first.code, 1
    return latest.code, latest.order - first.order + 1


def csv_rows(rows: OutcomeQuerySet, today: dt.date) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        code, missing = form_to_fill(row, today)
        given = row.transplant
        late = (today - row.due_until).days if row.due_until else 0
        yield [
            given.number, given.who, given.hospital.code, given.infused_on, code, row.due_visit, missing, row.due_from,
            row.due_until, max(0, late),
        ]  # fmt: skip
