"""Pages of searches: progress, match list, why, CSV, search again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from bank.choices_genetic import GeneticKind
from core import jobs
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response, xlsx_response
from core.pages import paginate
from core.panels import Place, panels
from core.roles import Permission
from hospitals.querysets import open_in
from matching import exports, services
from matching.choices import SEARCHABLE
from matching.list_files import list_refused
from matching.match_list import ALL, MatchList
from matching.models import Evaluation, MatchRequest, SearchResult, SearchRun
from matching.pair_details import pair_details
from matching.presenters import (
    crumbs,
    doses_needed,
    findings,
    people,
    policies,
    prediction_summary,
    probabilities,
    replays,
    requests,
    results,
    summary,
    thaw,
    why,
)
from matching.presenters.choosing import compare_bar
from matching.presenters.empty_lists import empty_state
from matching.presenters.progress import progress, waits_long
from matching.presenters.rule_words import SHORT
from matching.selection.policies import judging_policy, rules_of


class HtmxRequest(HttpRequest):
    """What django_htmx's middleware adds to a request."""

    htmx: HtmxDetails


def visible_run(request: HttpRequest, pk: Any, *acting: Permission) -> SearchRun:
    """A visible search whose hospital `acting` reaches too."""
    rows = SearchRun.objects.with_request().open_for(person_of(request), *acting)
    run: SearchRun = get_visible_or_404(rows, person_of(request), pk=pk)
    return run


@never_cache
@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_progress(request: HtmxRequest, pk: Any) -> HttpResponse:
    """The page, and for htmx every second its moving part; leads to the list as soon as there is one."""
    run = visible_run(request, pk)
    if run.is_finished:
        url = reverse("matching:run-detail", args=[run.pk])
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
    if request.htmx and not run.job.is_open:
        return HttpResponseClientRefresh()  # failed or cancelled: the whole page says what to do
    context = {"run": run, "shown": progress(run), "waits_long": waits_long(run.job)}
    if request.htmx:
        return render(request, "matching/_run_progress.html", context)
    context |= people.run_head(run, run.patient_weight_kg)
    context |= {
        "criteria": requests.criteria_facts(run.request),
        "may_submit": _may_submit(request, run),
        "may_repeat": run.request.state in SEARCHABLE,
        "crumbs": crumbs.of_run(run),
    }
    return render(request, "matching/run_progress.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """The match list."""
    run = visible_run(request, pk)
    if not run.is_finished:
        return redirect("matching:run-progress", pk=run.pk)
    evaluation = evaluation_for(request, run)
    shown = MatchList(request.GET, run, evaluation)
    page = paginate(request, shown.rows())
    table = results.table(run, list(page), person_of(request), evaluation)
    context = {
        **people.run_head(run, evaluation.weight_kg),
        "basis": summary.basis(run),
        "criteria": [*summary.criteria_line(run), *prediction_summary.header(run, shown.most_lost)],
        "figures": summary.figures(run, shown),
        "notices": summary.notices(run, evaluation),
        "doses": doses_needed.by_policy(evaluation.policy, evaluation.weight_kg),
        "next_typings": prediction_summary.next_typings(run),
        "page": page,
        "table": table,
        "chosen": compare_bar(shown, table["rows"]),
        "chips": shown.chips(),
        "tabs": shown.tabs(),
        "excluding": [{**one, "label": SHORT[one["code"]]} for one in shown.excluding()],
        "order": shown.order,
        "order_note": shown.order_note(),
        "policies": policies.choices(run, evaluation, request.GET, person_of(request)),
        "filter_form": shown.form,
        "kept_query": [(name, value) for name in request.GET for value in request.GET.getlist(name)],
        "filtered": bool(shown.active),
        "empty": empty_state(shown),
        "clear_url": shown.without_filters(),
        "export_url": f"{reverse('matching:run-export', args=[run.pk])}?{request.GET.urlencode()}",
        "export_xlsx_url": f"{reverse('matching:run-export-xlsx', args=[run.pk])}?{request.GET.urlencode()}",
        "report_url": f"{reverse('matching:run-report', args=[run.pk])}?{_without_page(request)}",
        "may_repeat": _may_repeat(request, run),
        "replay": replays.latest(run),
        "crumbs": crumbs.of_run(run),
    }
    response = render(request, "matching/run_detail.html", context)
    services.run_see(run=run, user=person_of(request))
    return response


def evaluation_for(request: HttpRequest, run: SearchRun) -> Evaluation:
    """The list judged by the policy that the address names."""
    return services.evaluation_of(run=run, policy=judging_policy(request.GET, run, person_of(request)))


def _without_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in ("page", "per_page"):
        query.pop(name, None)
    return query.urlencode()


def _may_repeat(request: HttpRequest, run: SearchRun) -> bool:
    return _may_submit(request, run) and run.request.state in SEARCHABLE


def _may_submit(request: HttpRequest, run: SearchRun) -> bool:
    return open_in(person_of(request), Permission.REQUEST_SUBMIT, run.request.hospital_id)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_unit(request: HtmxRequest, pk: Any, unit_pk: Any) -> HttpResponse:
    """Why a unit stands where it stands; for htmx only the part that opens under its row."""
    run = visible_run(request, pk)
    rows = SearchResult.objects.with_unit().filter(run=run)
    result = get_visible_or_404(rows, person_of(request), unit_id=unit_pk)
    evaluation = evaluation_for(request, run)
    judged, rules = findings.of_page(evaluation, [result])[result.pk], rules_of(evaluation.policy)
    groups = findings.table(rules, judged, person_of(request), thaw.expected(judged, result.unit))
    context = {
        "run": run,
        "found": run.request,
        "why": why.why(run, result),
        "row": results.row(run, result, person_of(request), rules, judged),
        "judged": {
            "by": policies.shown_name(evaluation.policy),
            "sentence": findings.sentence(rules, judged),
            "excluded": judged.is_excluded,
            "groups": groups,
            "to_look_at": findings.to_look_at(groups),
        },
        "list_url": reverse("matching:run-detail", args=[run.pk]),
    }
    if request.htmx:
        return render(request, "matching/_unit_row.html", context)
    context |= {
        "panels": panels(Place.LISTED, person_of(request), result),
        "genotypes": probabilities.patient_genotypes(run),
        "details_url": reverse("matching:run-pair", args=[run.pk, unit_pk]) if result.prediction else "",
        "crumbs": crumbs.of_run(run, crumbs.here(result.unit.public_no)),
    }
    return render(request, "matching/run_unit.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_pair(request: HtmxRequest, pk: Any, unit_pk: Any) -> HttpResponse:
    """All mismatch counts and the unit's genotypes, computed now; for htmx only the part that opens on the page."""
    run = visible_run(request, pk)
    result = get_visible_or_404(
        SearchResult.objects.with_unit().filter(run=run), person_of(request), unit_id=unit_pk
    )
    context: dict[str, Any] = {"run": run, "found": run.request, "unit": result.unit.public_no}
    try:
        context["details"] = probabilities.details(run, pair_details(run, result.unit_id), result)
    except DomainError as error:
        context["error"] = error.message
    if request.htmx:
        return render(request, "matching/_pair_details.html", context)
    unit_url = reverse("matching:run-unit", args=[run.pk, unit_pk])
    context |= {
        "unit_url": unit_url,
        "crumbs": crumbs.of_run(run, (unit_url, result.unit.public_no), crumbs.here(_("Whole distribution"))),
    }
    return render(request, "matching/run_pair.html", context)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All stored results that pass the filters of the address, in its order."""
    run = visible_run(request, pk)
    evaluation = evaluation_for(request, run)
    rows = MatchList(request.GET, run, evaluation, usual=ALL).rows()
    if (elsewhere := list_refused(request, run, GeneticKind.MATCH_CSV, rows)) is not None:
        return elsewhere
    name = f"{run.file_stem}.csv"
    lines = exports.result_rows(run, rows, evaluation, person_of(request))
    return csv_response(name, exports.result_header(run), lines)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_export_xlsx(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The same rows and columns as a spreadsheet."""
    run = visible_run(request, pk)
    evaluation = evaluation_for(request, run)
    found = MatchList(request.GET, run, evaluation, usual=ALL).rows()
    if (elsewhere := list_refused(request, run, GeneticKind.MATCH_XLSX, found)) is not None:
        return elsewhere
    rows = exports.result_rows(run, found, evaluation, person_of(request))
    name = f"{run.file_stem}.xlsx"
    return xlsx_response(name, exports.result_header(run), rows, sheet=_("Match list"))


@require_POST
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def run_repeat(request: HttpRequest, pk: Any) -> HttpResponse:
    """Search again for a request, with the patient and the inventory as they are now."""
    rows = MatchRequest.objects.open_for(person_of(request), Permission.REQUEST_SUBMIT)
    found = get_visible_or_404(rows, person_of(request), pk=pk)
    try:
        run = services.run_repeat(request_id=found.pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("matching:request-detail", pk=found.pk)
    return redirect("matching:run-progress", pk=run.pk)


@require_POST
@permission_required(Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
def run_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    """Stop a search that waits or works; the request stays open."""
    run = visible_run(request, pk, Permission.REQUEST_SUBMIT)
    try:
        jobs.job_cancel(job=run.job, actor=actor_of(request))
    except DomainError as error:  # it ended this moment
        messages.info(request, error.message)
    return redirect("matching:run-progress", pk=run.pk)
