"""What this app tells core: its places in the navigation, what waits for people, which requests are found."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from core import find, nav, work
from core.find import Hit
from core.models import Job, User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem
from matching.choices import RequestState
from matching.models import MatchRequest, SearchRun
from matching.presenters.requests import class_summary

RECENT = timedelta(days=7)
_MAX = 10
_ACTING = (Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)


def register() -> None:
    find.register(find_requests)
    work.register(work_items)
    nav.register(
        NavItem(30, gettext_lazy("Requests"), "matching:request-list", Permission.REQUEST_VIEW, "/requests/")
    )
    # for everybody: every role may look at the inventory
    nav.register(
        NavItem(
            75,
            pgettext_lazy("navigation", "Workbench"),
            "matching:workbench",
            Permission.INVENTORY_VIEW,
            "/workbench/",
        )
    )
    nav.register(
        NavItem(
            80,
            gettext_lazy("Reference data"),
            "matching:release-list",
            Permission.REFERENCE_VIEW,
            "/reference/",
        )
    )


def find_requests(user: User, text: str) -> list[Hit]:
    """Requests by number or a part of it (at least its running number)."""
    rows = (
        MatchRequest.objects.visible_to(user)
        .filter(number__icontains=text)
        .select_related("patient", "hospital")
    )
    return [
        Hit(
            kind=_("Request"),
            label=row.number,
            url=reverse("matching:request-detail", args=[row.pk]),
            detail=f"{row.patient.code} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """For those who submit requests: failed searches, drafts, what waits for a search, new lists."""
    if not user.has_permission(Permission.REQUEST_SUBMIT):
        return []
    return [*_failed(user), *_waiting(user), *_drafts(user), *_finished(user)]


def _failed(user: User) -> list[WorkItem]:
    """Requests whose latest search failed; one that was repeated with success is no longer work."""
    rows = (
        MatchRequest.objects.open_for(user, *_ACTING)
        .open()
        .with_latest_job()
        .filter(latest_job_state=Job.State.FAILED)
    )
    return [
        WorkItem(
            title=_("The search for %(number)s failed") % {"number": row.number},
            url=reverse("matching:request-detail", args=[row.pk]),
            detail=_("Patient %(code)s. Open it to see why and search again.") % {"code": row.patient.code},
            since=row.updated_at,
            kind="search",
        )
        for row in rows.select_related("patient")[:_MAX]
    ]


def _waiting(user: User) -> list[WorkItem]:
    rows = SearchRun.objects.open_for(user, *_ACTING).unfinished().select_related("request__patient", "job")
    return [
        WorkItem(
            title=_("A search for %(number)s is under way") % {"number": run.request.number},
            url=reverse("matching:run-progress", args=[run.pk]),
            detail=_("Patient %(code)s") % {"code": run.request.patient.code},
            since=run.created_at,
            kind="search",
        )
        for run in rows[:_MAX]
    ]


def _drafts(user: User) -> list[WorkItem]:
    rows = MatchRequest.objects.open_for(user, *_ACTING).filter(state=RequestState.DRAFT)
    count = rows.count()
    if not count:
        return []
    title = ngettext("%(n)d request is not submitted", "%(n)d requests are not submitted", count)
    return [
        WorkItem(
            title=title % {"n": count},
            url=f"{reverse('matching:request-list')}?state={RequestState.DRAFT}",
            detail=_("A draft is not searched until it is submitted."),
            since=rows.order_by("created_at").values_list("created_at", flat=True).first(),
            kind="request",
            count=count,
        )
    ]


def _finished(user: User) -> list[WorkItem]:
    """The newest match list of each request, of the last days."""
    since = timezone.now() - RECENT
    rows = (
        SearchRun.objects.open_for(user, *_ACTING)
        .filter(completed_at__gte=since)
        .select_related("request__patient")
    )
    newest = rows.order_by("request_id", "-run_no").distinct("request_id")
    return [
        WorkItem(
            title=_("Match list of %(number)s, patient %(code)s")
            % {"number": run.request.number, "code": run.request.patient.code},
            url=reverse("matching:run-detail", args=[run.pk]),
            detail=class_summary(run, "antigen6") or _("no unit reaches the floor"),
            since=run.completed_at,
            kind="list",
        )
        for run in sorted(newest, key=lambda run: run.completed_at, reverse=True)[:_MAX]
    ]
