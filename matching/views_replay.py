"""Pages of recomputed searches: start one, watch it, read its outcome."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.roles import Permission
from matching import services
from matching.models import SearchReplay, SearchRun
from matching.presenters import crumbs, people, replays
from matching.presenters.progress import waits_long
from matching.views_runs import HtmxRequest


@require_POST
@permission_required(Permission.REQUEST_VIEW)
def run_replay(request: HtmxRequest, pk: Any) -> HttpResponse:
    """Recompute a search; whoever may read it may ask for its proof, which changes nothing."""
    run = get_visible_or_404(SearchRun, person_of(request), pk=pk)
    try:
        replay = services.replay_start(run_id=run.pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("matching:run-detail", pk=run.pk)
    return redirect("matching:replay-detail", pk=replay.pk)


@never_cache
@require_GET
@permission_required(Permission.REQUEST_VIEW)
def replay_detail(request: HtmxRequest, pk: Any) -> HttpResponse:
    """How it stands, for htmx every second only that; once it is done, the outcome."""
    user = person_of(request)
    replay: SearchReplay = get_visible_or_404(SearchReplay.objects.with_run(), user, pk=pk)
    context: dict[str, Any] = {"replay": replay, "shown": replays.progress(replay.job)}
    if request.htmx:
        if not replay.job.is_open:
            return HttpResponseClientRefresh()
        return render(request, "matching/_replay_progress.html", context)
    run = replay.run
    context |= {
        **people.run_head(run, run.patient_weight_kg),
        "facts": replays.facts(run),
        "waits_long": waits_long(replay.job),
        "may_cancel": replay.job.is_open and replay.job.may_be_cancelled_by(user),
        "crumbs": crumbs.of_run(run, crumbs.here(_("Recomputed"))),
    }
    if replay.is_finished:
        context |= _outcome(replay, request)
    return render(request, "matching/replay_detail.html", context)


def _outcome(replay: SearchReplay, request: HtmxRequest) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "verdict": replays.verdict(replay),
        "remarks": replays.remarks(replay),
        "differences": replays.differences(replay),
    }
    if "reason" not in replay.today:
        shown |= {
            "today_figures": replays.today_figures(replay),
            "today_basis": replays.today_basis(replay),
            "today_rows": replays.today_rows(replay, person_of(request)),
        }
    return shown
