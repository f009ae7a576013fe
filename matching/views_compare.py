"""Two to four units of a match list side by side."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.roles import Permission
from matching.chosen import LEAST, MOST, asked, chosen, with_units
from matching.match_list import ALL, MatchList
from matching.models import SearchRun
from matching.presenters import comparison, crumbs, people, policies
from matching.views_runs import evaluation_for, visible_run

ONLY_DIFFERENCES = "differences"


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_compare(request: HttpRequest, pk: Any) -> HttpResponse:
    """Columns in the order of the list that the address describes; 404 for a unit that is not in it."""
    run = visible_run(request, pk)
    if not run.is_finished:
        raise Http404
    evaluation = evaluation_for(request, run)
    shown = MatchList(request.GET, run, evaluation, usual=ALL)
    wanted, found = asked(request.GET), chosen(shown)
    if len(found) != len(wanted):
        raise Http404
    context = {
        **people.run_head(run, evaluation.weight_kg),
        "list_url": list_url(request, run),
        "crumbs": crumbs.of_run(run, crumbs.here(_("Compare"))),
    }
    if not LEAST <= len(found) <= MOST:
        context["problem"] = number_text(len(found))
        return render(request, "matching/run_compare.html", context, status=400)
    differing = ONLY_DIFFERENCES in request.GET
    table = comparison.table(run, found, person_of(request), evaluation, only_differences=differing)
    removable(request, table["columns"])
    context |= {
        "policy": policies.shown_name(evaluation.policy),
        "table": table,
        "switch": switch(request, differing),
        "only_differences": differing,
    }
    return render(request, "matching/run_compare.html", context)


def number_text(count: int) -> str:
    """Why nothing is compared, and the cure."""
    if count < LEAST:
        text = ngettext("%(n)d unit is chosen.", "%(n)d units are chosen.", count) % {"n": count}
        return f"{text} {_('Tick two to four units in the list, then compare them.')}"
    text = _("%(n)d units are chosen, and four have room beside each other.") % {"n": count}
    return f"{text} {_('Take some away in the list.')}"


def list_url(request: HttpRequest, run: SearchRun) -> str:
    """The list as the reader left it, the units still ticked."""
    query = request.GET.copy()
    query.pop(ONLY_DIFFERENCES, None)
    return f"{reverse('matching:run-detail', args=[run.pk])}?{query.urlencode(safe=',')}"


def removable(request: HttpRequest, columns: list[dict[str, Any]]) -> None:
    """Gives each column the address without it; "" where too few would be left."""
    units = [column["key"] for column in columns]
    for column in columns:
        others = [unit for unit in units if unit != column["key"]]
        column["remove_url"] = with_units(request.GET, others) if len(others) >= LEAST else ""


def switch(request: HttpRequest, differing: bool) -> dict[str, str]:
    """Addresses of all rows and of only those that differ."""
    everything = request.GET.copy()
    everything.pop(ONLY_DIFFERENCES, None)
    differences = everything.copy()
    differences[ONLY_DIFFERENCES] = "1"
    return {"all": f"?{everything.urlencode(safe=',')}", "differences": f"?{differences.urlencode(safe=',')}"}
