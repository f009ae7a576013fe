"""Pages of double units: the best pairs of a list, one pair with its reasons, CSV."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.exports import csv_response
from core.pages import paginate
from core.roles import Permission
from matching import exports_pairs
from matching.models import SearchRun
from matching.presenters import crumbs, findings, pair_words, pairs, people, policies
from matching.reports.bounds import USUAL_PAIRS
from matching.selection.pairs import RunPairs, one_pair, places_of, run_pairs
from matching.selection.policies import shown_name
from matching.views_runs import evaluation_for, visible_run

PER_PAGE = 50


def _only_passed(request: HttpRequest) -> bool:
    return request.GET.get("passed") == "1"


def _report_query(policy_query: str) -> str:
    """A report that holds pairs too, by the policy of the page."""
    return "&".join(filter(None, (policy_query, f"pairs={USUAL_PAIRS}")))


def _head(run: SearchRun, found: RunPairs) -> dict[str, Any]:
    """What both pages say of the patient and the rules."""
    return {
        **people.run_head(run, found.evaluation.weight_kg),
        "asked": list(pair_words.asked(found.rules)),
        "policy": shown_name(found.evaluation.policy),
        "policy_query": pairs.policy_query(run, found),
        "weight_known": found.evaluation.weight_kg is not None,
    }


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def pair_list(request: HttpRequest, pk: Any) -> HttpResponse:
    """The best pairs of a list, by the policy of its search and the patient's weight of today."""
    run = visible_run(request, pk)
    if not run.is_finished:
        return redirect("matching:run-progress", pk=run.pk)
    found = run_pairs(run, evaluation_for(request, run))
    counts, passed = found.found.counts, _only_passed(request)
    page = paginate(request, places_of(found, only_passed=passed), per_page=PER_PAGE)
    head = _head(run, found)
    context = {
        **head,
        "page": page,
        "rows": pairs.rows(run, found, list(page), person_of(request)),
        "counts": counts,
        "figures": pairs.figures(counts),
        "by_rule": pairs.by_rule(counts),
        "notices": pairs.notices(run, found),
        "nothing": pairs.nothing(counts),
        "passed": passed,
        "policies": policies.choices(run, found.evaluation, request.GET, person_of(request)),
        "all_url": f"?{head['policy_query']}",
        "report_url": f"{reverse('matching:run-report', args=[run.pk])}?{_report_query(head['policy_query'])}",
        "export_url": f"{reverse('matching:pair-export', args=[run.pk])}?{request.GET.urlencode()}",
        "crumbs": crumbs.of_run(run, crumbs.here(_("Double units"))),
    }
    return render(request, "matching/pair_list.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def pair_detail(request: HttpRequest, pk: Any, unit_pk: Any, other_pk: Any) -> HttpResponse:
    """Two units of the list side by side, in whichever order they are named."""
    run = visible_run(request, pk)
    person = person_of(request)
    if not run.is_finished:
        raise Http404
    found = one_pair(run, evaluation_for(request, run), [unit_pk, other_pk])
    if found is None:
        raise Http404
    rows = run.results.visible_to(person).with_unit().filter(pk__in=found.found.units[0].tolist())
    both = pairs.sides(found, 0, {result.pk: result for result in rows})
    judged = findings.of_page(found.evaluation, list(rows))
    shown = pairs.detail(run, found, both, judged, person)
    head = _head(run, found)
    list_url = f"{reverse('matching:pair-list', args=[run.pk])}?{head['policy_query']}"
    names = " + ".join(unit["unit"] for unit in shown["units"])
    context = {
        **head,
        "pair": shown,
        "names": names,
        "list_url": list_url,
        "crumbs": crumbs.of_run(run, (list_url, _("Double units")), crumbs.here(names)),
    }
    return render(request, "matching/pair_detail.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def pair_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The listed pairs as CSV, in their order."""
    run = visible_run(request, pk)
    if not run.is_finished:
        return redirect("matching:run-progress", pk=run.pk)
    found = run_pairs(run, evaluation_for(request, run))
    places = places_of(found, only_passed=_only_passed(request))
    name = f"{run.file_stem}-pairs.csv"
    return csv_response(
        name, exports_pairs.HEADER, exports_pairs.rows(run, found, places, person_of(request))
    )
