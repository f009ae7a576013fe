"""What this app tells core: its places in the navigation, what waits for people, which requests are found."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bank.dossier.registry import leave_out
from core import find, kinds, nav, work
from core.find import Hit
from core.models import Job, User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem
from hospitals import activity, merging
from hospitals.activity import Figure
from hospitals.models import Patient
from matching.choices import OPEN, RequestState, RunOrigin
from matching.models import (
    GraftNote,
    MatchRequest,
    NewUnitFinding,
    SearchResult,
    SearchRun,
    ShortlistEntry,
)
from matching.presenters import watches
from matching.presenters.changes import changes_text, since_text
from matching.presenters.requests import class_summary
from matching.querysets import SearchRunQuerySet

RECENT = timedelta(days=7)
_MAX = 10
_ACTING = (Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)


OF_PATIENTS = "of a patient's search or choice, not a record of the unit; it stands with the request"


def register() -> None:
    for model in (NewUnitFinding, ShortlistEntry, GraftNote, SearchResult):
        leave_out(model._meta.label, OF_PATIENTS)
    activity.register(
        Figure(
            key="requests",
            label=gettext_lazy("Open requests"),
            by_year=gettext_lazy("Requests"),
            order=10,
            rows=MatchRequest.objects.all,
            counted=lambda rows: rows.filter(state__in=OPEN - {RequestState.DRAFT}),
            at="submitted_at",
        )
    )
    find.register(find_requests)
    merging.register(open_requests)
    work.register(work_items)
    kinds.register(watches.BETTER)
    nav.register(
        NavItem(30, gettext_lazy("Requests"), "matching:request-list", Permission.REQUEST_VIEW, "/requests/")
    )
    nav.register(
        NavItem(
            70,
            gettext_lazy("Match success"),
            "matching:success",
            Permission.SUCCESS_VIEW,
            "/success/",
            unless=Permission.REQUEST_VIEW,  # on the list of requests
        )
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


def open_requests(patient: Patient) -> list[str]:
    """Numbers of what a patient's record cannot be merged away from."""
    return list(MatchRequest.objects.filter(patient=patient).open().values_list("number", flat=True))


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
    """For those who submit requests: failed searches, drafts, what waits for a search, new lists, new units."""
    if not user.has_permission(Permission.REQUEST_SUBMIT):
        return []
    return [
        *_failed(user), *_waiting(user), *_drafts(user), *_finished(user), *_lists_of_the_night(user),
        *_new_units(user),
    ]  # fmt: skip


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
    rows = SearchRun.objects.open_for(user, *_ACTING).unfinished().exclude(origin=RunOrigin.NIGHT)
    rows = rows.select_related("request__patient", "job")
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
    """Of each request that a person searched in the last days the newest match list.

    Those with news for the reader stand apart. The other lists of the night, which may be one of every request each
    night, are nothing to look at and would push out what people have asked for; what is new in them is told to the
    hospital, not to the bank.
    """
    runs = SearchRun.objects.open_for(user, *_ACTING)
    asked = runs.filter(origin=RunOrigin.PERSON, completed_at__gte=timezone.now() - RECENT)
    rows = runs.newest().filter(request__in=asked.values("request"))
    apart = _with_news(user).order_by("-completed_at")[:_MAX]  # those that _lists_of_the_night has room for
    shown = rows.exclude(pk__in=apart.values("pk")).select_related("request__patient")
    return [
        WorkItem(
            title=_("Match list of %(number)s, patient %(code)s")
            % {"number": run.request.number, "code": run.request.patient.code},
            url=reverse("matching:run-detail", args=[run.pk]),
            detail=class_summary(run, "antigen6") or _("no unit reaches the floor"),
            since=run.completed_at,
            kind="list",
        )
        for run in shown.order_by("-completed_at")[:_MAX]
    ]


def _with_news(user: User) -> SearchRunQuerySet:
    """For the hospital: lists of the night with new or better units, until somebody of it has opened them."""
    rows = SearchRun.objects.open_for(user, *_ACTING).filter(request__hospital__in=user.hospital_ids)
    found: SearchRunQuerySet = rows.filter(request__in=MatchRequest.objects.waiting()).unseen_news()
    return found


def _lists_of_the_night(user: User) -> list[WorkItem]:
    return [
        WorkItem(
            title=_news_title(run.changes["news"])
            % {"n": run.changes["news"], "number": run.request.number, "date": since_text(run)},
            url=reverse("matching:run-detail", args=[run.pk]),
            detail=_("Patient %(code)s: %(changes)s")
            % {"code": run.request.patient.code, "changes": changes_text(run)},
            since=run.completed_at,
            kind="list",
            more_url=reverse("matching:run-changes", args=[run.pk]),
            more=_("What changed"),
        )
        for run in _with_news(user).select_related("request__patient").order_by("-completed_at")[:_MAX]
    ]


def _news_title(count: int) -> str:
    return ngettext(
        "%(n)d new or better unit for %(number)s since %(date)s",
        "%(n)d new or better units for %(number)s since %(date)s",
        count,
    )


def _new_units(user: User) -> list[WorkItem]:
    """For the hospital: units that came on offer since the last search, until somebody of it opens the request."""
    rows = NewUnitFinding.objects.open_for(user, *_ACTING).filter(request__hospital__in=user.hospital_ids)
    counted = (
        rows.since_search()
        .filter(seen_at__isnull=True)
        .order_by()
        .values("request", "request__number", "request__patient__code")
        .annotate(count=Count("pk"), first=Min("found_at"))
        .order_by("-first")
    )
    return [
        WorkItem(
            title=ngettext(
                "%(n)d new unit for %(number)s since its last search",
                "%(n)d new units for %(number)s since its last search",
                row["count"],
            )
            % {"n": row["count"], "number": row["request__number"]},
            url=reverse("matching:request-detail", args=[row["request"]]),
            detail=_("Patient %(code)s") % {"code": row["request__patient__code"]},
            since=row["first"],
            kind="unit",
        )
        for row in counted[:_MAX]
    ]
