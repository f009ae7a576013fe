"""Searches recomputed as a job, the outcome stored for people to open."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict
from core.jobs import Claim
from core.models import Job, User
from hospitals.models import Hospital
from matching.models import SearchReplay, SearchRun
from matching.predictions import Json
from matching.replays import Outcome, Tell, recomputed
from matching.replays_today import with_todays_data

log = logging.getLogger("qidai.replays")

KIND = "replay"
MOST_OPEN = 2
_FAILED = gettext_lazy(
    "Recomputing failed for a reason inside the program, which proves nothing. Tell the administrator."
)


@transaction.atomic
def replay_start(*, run_id: UUID, actor: Actor) -> SearchReplay:
    """Queue the recomputation of a finished search; the one that is under way, if there is one.

    Raises Conflict for a search that has not finished, and where MOST_OPEN are under way already.
    """
    run = (
        SearchRun.objects.select_for_update(no_key=True, of=("self",))
        .select_related("request")
        .get(pk=run_id)
    )
    if not run.is_finished:
        raise Conflict(
            "search_not_finished", _("This search has not finished; there is nothing to recompute.")
        )
    under_way: SearchReplay | None = run.replays.unfinished().select_related("job").first()
    if under_way is not None:
        return under_way
    _check_not_too_many(run, actor)
    number = 1 + run.replays.count()
    job = jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{run.pk}:{number}",
        title=_("%(search)s recomputed") % {"search": run.label},
        actor=actor,
        hospital_id=run.request.hospital_id,
    )
    replay = SearchReplay.objects.create(run=run, job=job, created_by=actor.label[:200])
    audit.record(
        actor=actor,
        action="search.replay_start",
        target=("matching.SearchReplay", str(replay.pk), run.label),
        after={"run": str(run.pk)},
        hospital_id=run.request.hospital_id,
    )
    return replay


def _check_not_too_many(run: SearchRun, actor: Actor) -> None:
    """Each reads the whole inventory: of a hospital, and of a person of the bank, so many wait or work at a time."""
    under_way = Job.objects.filter(kind=KIND).open()
    person = User.objects.filter(pk=actor.person_id).first() if actor.person_id else None
    if person is not None and run.request.hospital_id in person.hospital_ids:
        Hospital.objects.select_for_update(no_key=True).get(pk=run.request.hospital_id)
        mine = under_way.filter(hospital_id=run.request.hospital_id)
    else:
        if person is not None:
            User.objects.select_for_update(no_key=True).get(pk=person.pk)
        mine = under_way.filter(actor_id=actor.id)
    if mine.count() >= MOST_OPEN:
        raise Conflict(
            "replays_under_way",
            _(
                "%(count)s searches are being recomputed already. Wait until one of them is done, or stop one."
            ),
            params={"count": MOST_OPEN},
        )


def replay_execute(*, job_id: UUID) -> SearchReplay | None:
    """Do the work of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    return jobs.carry_out(job_id, _recompute_and_store, failed=_FAILED)


def _recompute_and_store(claim: Claim) -> SearchReplay:
    replay: SearchReplay = SearchReplay.objects.select_related("run__request", "run__policy").get(
        job_id=claim.job_id
    )
    tell = jobs.Teller(claim)
    outcome = recomputed(replay.run, tell)
    today = _today(replay.run, tell)
    return _store(claim, replay, outcome, today)


def _today(run: SearchRun, tell: Tell) -> Json:
    """What was proved stays proved, whatever befalls the look at today."""
    try:
        return with_todays_data(run, tell)
    except Exception as error:
        if jobs.ends_the_work(error):
            raise
        log.exception("search %s cannot be made with today's data", run.pk)
        text = _("It failed for a reason inside the program. Tell the administrator.")
        return {"reason": {"code": "failed", "params": {}, "text": str(text)}}


def _store(claim: Claim, replay: SearchReplay, outcome: Outcome, today: Json) -> SearchReplay:
    """The outcome, the audit entry and the end of the job are one transaction under the claim."""
    if outcome.verdict is None:
        raise ValueError("A replay ends with a verdict.")
    with claim.guard():
        replay.verdict, replay.reason = outcome.verdict, outcome.reason
        replay.compared, replay.remarks = outcome.compared, outcome.remarks
        replay.difference_count, replay.differences = outcome.difference_count, outcome.differences
        replay.engine_version = outcome.engine
        replay.today, replay.ledger_number = today, today.get("ledger_number")
        replay.completed_at = timezone.now()
        replay.save()
        claim.succeed({"replay": str(replay.pk), "verdict": outcome.verdict.value})
        audit.record(
            actor=Actor.system("replay"),
            action="search.replay",
            target=(
                "matching.SearchReplay",
                str(replay.pk),
                replay.run.label,
            ),
            after={
                "run": str(replay.run_id),
                "verdict": outcome.verdict.value,
                "differences": outcome.difference_count,
                "compared": outcome.compared,
                "reason": outcome.reason.get("code", ""),
                **{name: today[name] for name in ("new", "gone", "changed") if name in today},
            },
            hospital_id=replay.run.request.hospital_id,
        )
    return replay
