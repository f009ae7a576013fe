"""What follow-up tells core, bank and hospitals: navigation, my work, calendar, notices, the dossier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import kinds, nav, work
from core.ical import Entry
from core.models import User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem
from hospitals import ends
from transplants import calendars, dossier_outcomes, notices_follow_up
from transplants.models import FollowUp, Outcome
from transplants.outcomes.schedule import VISIT
from transplants.presenters import end_of
from transplants.services_outcomes import patient_changed
from transplants.visit_words import visit_title

# Of what comes later a calendar knows nothing yet.
DAYS_AHEAD = 400


def register() -> None:
    for kind in notices_follow_up.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(
            39,
            gettext_lazy("Follow-up"),
            "transplants:follow-up-list",
            Permission.TRANSPLANT_VIEW,
            "/follow-up/",
        )
    )
    work.register(work_items)
    calendars.register(due_days)
    ends.register(patient_changed)
    dossier_outcomes.register()


def _own(user: User) -> Any:
    """Of the hospitals for which this person fills in forms."""
    return Outcome.objects.visible_to(user).filter(transplant__hospital__in=user.hospital_ids)


def work_items(user: User) -> list[WorkItem]:
    """The hospital's: what is overdue, what is due, what waits for an autopsy."""
    if not user.has_permission(Permission.FOLLOW_UP_EDIT):
        return []
    today = timezone.localdate()
    late, due = _own(user).overdue(today), _own(user).due(today)
    return [
        *_item(
            late,
            "overdue",
            lambda n: ngettext(
                "%(n)d form of follow-up is overdue", "%(n)d forms of follow-up are overdue", n
            ),
        ),
        *_item(
            due,
            "due",
            lambda n: ngettext("%(n)d form of follow-up is due", "%(n)d forms of follow-up are due", n),
        ),
        *_to_complete(user),
    ]


def _item(rows: Any, state: str, words: Any) -> list[WorkItem]:
    count = rows.count()
    if not count:
        return []
    until = rows.order_by("due_until").values_list("due_until", flat=True)[0]
    return [
        WorkItem(
            title=words(count) % {"n": count},
            url=f"{reverse('transplants:follow-up-list')}?state={state}",
            due_at=end_of(until),
            kind="follow_up",
            count=count,
        )
    ]


def _to_complete(user: User) -> list[WorkItem]:
    rows = FollowUp.objects.visible_to(user).to_complete().with_names()
    title = _("%(patient)s: complete the cause of death once the autopsy is known")
    return [
        WorkItem(
            title=title % {"patient": row.transplant.who},
            url=reverse("transplants:follow-up-detail", args=[row.pk]),
            detail=visit_title(row.visit),
            since=row.handed_in_at,
            kind="follow_up",
        )
        for row in rows.filter(transplant__hospital__in=user.hospital_ids).order_by("handed_in_at")[:10]
    ]


def due_days(user: User) -> Iterable[Entry]:
    """The day of each form that is due or to come, for those who fill it in."""
    if not user.has_permission(Permission.FOLLOW_UP_EDIT):
        return []
    today = timezone.localdate()
    until = today + dt.timedelta(days=DAYS_AHEAD)
    rows = _own(user).filter(due_until__gte=today, due_from__lte=until).with_names()
    return [_entry(row) for row in rows.order_by("due_from", "pk")[: calendars.MOST]]


def _entry(row: Outcome) -> Entry:
    """Transplant, patient and hospital by their codes, and nothing else of them."""
    given = row.transplant
    assert row.due_from is not None  # outcome_due_has_its_days
    day = given.infused_on + dt.timedelta(days=VISIT[row.due_visit].due)
    said = {
        "patient": given.who,
        "form": visit_title(row.due_visit),
        "number": given.number,
        "hospital": given.hospital.code,
        "until": row.due_until,
    }
    path = reverse("transplants:transplant-detail", args=[given.pk])
    return Entry(
        uid=f"follow-up-{given.pk}-{row.due_visit}@qidai",
        day=row.due_from if row.is_dead else day,
        summary=_("%(patient)s: form of follow-up, %(form)s") % said,
        description=_("Transplant %(number)s of hospital %(hospital)s. The window closes on %(until)s.")
        % said,
        url=f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else "",
        changed_at=row.derived_at,
    )
