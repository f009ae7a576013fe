"""What a list tells otherwise than an earlier one of the same request."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.access import get_visible_or_404, permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.roles import Permission
from matching import changes, services
from matching.changes import Differences, Kind
from matching.models import Evaluation, SearchRun
from matching.presenters import crumbs, people, run_changes

SHOWN = ("new", "gone", "changed")


def _pair(request: HttpRequest, pk: Any) -> tuple[SearchRun, SearchRun | None, list[SearchRun]]:
    """The search, the one that it is told against (None: there is no other list), and all that it could be."""
    run = get_visible_or_404(SearchRun.objects.with_request(), person_of(request), pk=pk)
    others = list(
        SearchRun.objects.filter(request=run.request_id).finished().exclude(pk=run.pk).order_by("-run_no")
    )
    wanted = request.GET.get("against", "")
    if wanted:
        chosen = next((one for one in others if str(one.run_no) == wanted), None)
        if chosen is None:
            raise Http404
        return run, chosen, others
    usual = run.changes.get("against")
    earlier = [one for one in others if one.run_no < run.run_no]
    chosen = next((one for one in earlier if one.run_no == usual), earlier[0] if earlier else None)
    return run, chosen, others


def _judged(run: SearchRun, against: SearchRun) -> tuple[Evaluation | None, Evaluation]:
    """By the request's policy: the other list as it was last judged (None: nobody looked at it), this one as of now."""
    now = services.evaluation_of(run=run, policy=run.policy)
    return Evaluation.objects.in_force(against, run.policy), now


def _differences(run: SearchRun, against: SearchRun, then: Evaluation | None, now: Evaluation) -> Differences:
    judged = ({} if then is None else changes.excluded_by(then), changes.excluded_by(now))
    return changes.differences(changes.rows_of(against), changes.rows_of(run), judged)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_changes_page(request: HttpRequest, pk: Any) -> HttpResponse:
    """`?against=` the number of another search of the request; `?show=` new, gone or changed; `?kind=` in what."""
    run, against, others = _pair(request, pk)
    if not run.is_finished:
        return redirect("matching:run-progress", pk=run.pk)
    context: dict[str, Any] = {
        **people.run_head(run, run.patient_weight_kg),
        "against": against,
        "others": others,
        "crumbs": crumbs.of_run(run, crumbs.here(_("What changed"))),
    }
    if against is not None:
        then, now = _judged(run, against)
        context |= _compared(request, run, against, _differences(run, against, then, now))
        context |= {"judged_then": then, "judged_now": now}
    return render(request, "matching/run_changes.html", context)


def _compared(request: HttpRequest, run: SearchRun, against: SearchRun, found: Differences) -> dict[str, Any]:
    shown = request.GET.get("show", "")
    if shown not in SHOWN:
        shown = next((name for name in SHOWN if getattr(found, name)), "new")
    kind = request.GET.get("kind", "")
    rows = getattr(found, shown)
    if shown == "changed" and kind in set(Kind):
        rows = [row for row in rows if kind in row.kinds]
    page = paginate(request, rows)
    address = f"?against={against.run_no}&show="
    export = reverse("matching:run-changes-export", args=[run.pk])
    return {
        "figures": run_changes.figures(found, {name: f"{address}{name}" for name in SHOWN}),
        "otherwise": run_changes.made_otherwise(against, run),
        "shown": shown,
        "kind": kind,
        "kinds": [
            {
                "url": f"{address}changed" + ("" if one == kind else f"&kind={one.value}"),
                "label": run_changes.kind_label(one),
                "count": count,
                "on": one == kind,
            }
            for one, count in found.counts().items()
            if count
        ],
        "page": page,
        "rows": run_changes.page_rows(run, list(page), shown, person_of(request)),
        "export_url": f"{export}?against={against.run_no}",
    }


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_changes_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All differences as CSV: before and after of every figure."""
    run, against, _others = _pair(request, pk)
    if against is None or not run.is_finished:
        raise Http404
    found = _differences(run, against, *_judged(run, against))
    name = f"{run.file_stem}-against-{against.run_no}.csv"
    return csv_response(name, run_changes.CSV_HEAD, run_changes.csv_rows(run, found, person_of(request)))
