"""Pages of inventory planning: start a simulation, watch it, read its figures, and the worth of each unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from bank.models import CordBloodUnit
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.pages import paginate
from core.posting import show_error
from core.roles import Permission
from matching import exports_planning, planning, services
from matching.forms_planning import PlanningForm, planning_initial
from matching.models import PlanningRun
from matching.presenters import crumbs, planning_chart
from matching.presenters import planning as words
from matching.presenters.progress import waits_long
from matching.views_runs import HtmxRequest

_VIEW = (Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)
_LISTED = 20


@require_http_methods(["GET", "POST"])
@permission_required(*_VIEW)
def planning_page(request: HttpRequest) -> HttpResponse:
    """The simulations made so far, and the form of a new one for those who may start it."""
    person = person_of(request)
    may_plan = person.has_permission(Permission.INVENTORY_PLAN)
    if request.method == "POST":
        return _started(request, may_plan)
    return _page(request, PlanningForm(initial=planning_initial()) if may_plan else None)


def _started(request: HttpRequest, may_plan: bool) -> HttpResponse:
    if not may_plan:
        raise PermissionDenied
    form = PlanningForm(request.POST)
    if form.is_valid():
        try:
            run = services.planning_start(data=form.data_for_service(), actor=actor_of(request))
        except DomainError as error:
            show_error(form, error)
        else:
            if run.is_finished:
                messages.info(
                    request,
                    _(
                        "Nothing that these figures depend on has changed since they were made: they are shown."
                    ),
                )
            return redirect("matching:planning-detail", pk=run.pk)
    return _page(request, form)


def _page(request: HttpRequest, form: PlanningForm | None) -> HttpResponse:
    runs = PlanningRun.objects.visible_to(person_of(request)).select_related("job")[:_LISTED]
    context = {"form": form, "rows": [words.row(run) for run in runs], "crumbs": crumbs.planning()}
    return render(request, "matching/planning.html", context)


@never_cache
@require_GET
@permission_required(*_VIEW)
def planning_detail(request: HtmxRequest, pk: Any) -> HttpResponse:
    """How it stands, for htmx every second only that; once it is done, the figures."""
    run = _run(request, pk)
    context: dict[str, Any] = {"run": run, "shown": words.progress(run.job)}
    if request.htmx:
        if not run.job.is_open:
            return HttpResponseClientRefresh()
        return render(request, "matching/_planning_progress.html", context)
    context |= {"crumbs": crumbs.of_planning(run, _title(run)), "waits_long": waits_long(run.job)}
    if run.is_finished:
        context |= _figures(run)
    return render(request, "matching/planning_detail.html", context)


def _figures(run: PlanningRun) -> dict[str, Any]:
    return {
        "sentence": words.sentence(run),
        "second": words.second_sentence(run),
        "kpis": words.kpis(run),
        "rates": words.rates(run),
        "weights": words.weights(run),
        "target": words.target_text(run),
        "curve": planning_chart.curve(run),
        "published": words.published(run),
        "gains": words.gains(run),
        "worth": words.worth(run),
        "basis": words.basis(run),
    }


def _run(request: HttpRequest, pk: Any, *, finished: bool = False) -> PlanningRun:
    rows = PlanningRun.objects.select_related("job")
    run: PlanningRun = get_visible_or_404(rows.finished() if finished else rows, person_of(request), pk=pk)
    return run


@require_GET
@permission_required(*_VIEW)
def planning_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    run = _run(request, pk, finished=True)
    return csv_response("qidai-planning.csv", exports_planning.RATE_HEAD, exports_planning.rate_rows(run))


@require_GET
@permission_required(*_VIEW)
def planning_units(request: HttpRequest, pk: Any) -> HttpResponse:
    """Every unit with its worth, the least first or, with `?sort=-worth`, the most; `?q=` finds one."""
    run = _run(request, pk, finished=True)
    worth = planning.worths_of(run)
    least_first = request.GET.get("sort") != "-worth"
    text = request.GET.get("q", "").replace("\0", "").strip()[:40]
    order = planning.order_of(worth, least_first=least_first)
    if text:
        found = (
            CordBloodUnit.objects.visible_to(person_of(request)).numbered(text).values_list("pk", flat=True)
        )
        order = planning.places_of(worth, found[: planning.MOST_FOUND])
    page = paginate(request, order)
    rows = list(_rows(planning.units_at(worth, list(page))))
    context = {
        "run": run,
        "page": page,
        "rows": rows,
        "text": text,
        "least_first": least_first,
        "worth": words.worth(run),
        "crumbs": crumbs.of_planning(run, _title(run), crumbs.here(_("Units"))),
    }
    return render(request, "matching/planning_units.html", context)


def _rows(found: list[planning.UnitWorth]) -> Iterator[dict[str, Any]]:
    """Units with their number and today's state; one that is no longer there has only its figures."""
    known = CordBloodUnit.objects.in_bulk([one.unit_id for one in found])
    for one in found:
        yield {"unit": known.get(one.unit_id), **words.unit(one)}


@require_GET
@permission_required(*_VIEW)
def planning_units_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    run = _run(request, pk, finished=True)
    return csv_response(
        "qidai-planning-units.csv", exports_planning.UNIT_HEAD, exports_planning.unit_rows(run)
    )


def _title(run: PlanningRun) -> str:
    return f"{run.population} {timezone.localtime(run.created_at):%Y-%m-%d}"
