"""Pages of double units: the best pairs of a list, one pair with its reasons, CSV."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

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
from matching.chosen import LEAST, MOST
from matching.models import Evaluation, SearchRun
from matching.presenters import crumbs, findings, pair_comparison, pair_words, pairs, people, policies
from matching.reports.bounds import USUAL_PAIRS
from matching.selection.pairs import RunPairs, one_pair, places_of, run_pairs
from matching.selection.policies import shown_name
from matching.views_compare import ONLY_DIFFERENCES, switch
from matching.views_runs import evaluation_for, visible_run

PER_PAGE = 50
PAIR = "pair"


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
        "kept_policy": request.GET.get("policy", ""),
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
def pair_compare(request: HttpRequest, pk: Any) -> HttpResponse:
    """Two to four pairs side by side: `?pair=<unit>_<unit>&pair=…`; 404 for one that is not of this list."""
    run = visible_run(request, pk)
    if not run.is_finished:
        raise Http404
    evaluation, person = evaluation_for(request, run), person_of(request)
    asked = list(dict.fromkeys(request.GET.getlist(PAIR)))
    compared = [_compared(run, evaluation, text) for text in asked[: MOST + 1]]
    context = {
        **people.run_head(run, evaluation.weight_kg),
        "list_url": _list_url(request, run),
        "crumbs": crumbs.of_run(
            run,
            (reverse("matching:pair-list", args=[run.pk]), _("Double units")),
            crumbs.here(_("Compare")),
        ),
    }
    if not LEAST <= len(compared) <= MOST:
        context["problem"] = _("Tick two to four pairs in the list, then compare them.")
        return render(request, "matching/pair_compare.html", context, status=400)
    differing = ONLY_DIFFERENCES in request.GET
    context |= {
        "policy": shown_name(evaluation.policy),
        "table": pair_comparison.table(run, compared, person, only_differences=differing),
        "switch": switch(request, differing),
        "only_differences": differing,
    }
    return render(request, "matching/pair_compare.html", context)


def _compared(run: SearchRun, evaluation: Evaluation, text: str) -> pair_comparison.ComparedPair:
    try:
        units = [UUID(part) for part in text.split("_")]
    except ValueError as error:
        raise Http404 from error
    found = one_pair(run, evaluation, units) if len(set(units)) == len(units) == 2 else None
    if found is None:
        raise Http404
    listed = pairs.listed_results(run, found, [0])
    return pair_comparison.ComparedPair(found, pairs.sides(found, 0, listed))


def _list_url(request: HttpRequest, run: SearchRun) -> str:
    """The pairs as the reader left them, by the same policy."""
    policy = {"policy": request.GET["policy"]} if request.GET.get("policy") else {}
    return f"{reverse('matching:pair-list', args=[run.pk])}?{urlencode(policy)}"


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
