"""All waiting patients searched again, as a job: at night by the beat, or by hand."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit, jobs
from core.audit import Actor
from core.errors import DomainError
from core.jobs import Claim
from core.models import Job
from hospitals.models import Patient
from matching import frequency_sets, waiting
from matching.choices import RunOrigin
from matching.models import MatchRequest, NewUnitFinding, SearchRun
from matching.services.runs import KINDS, criteria_of, run_start

log = logging.getLogger("qidai.nights")

KIND = "night"
KEPT_DAYS = 90  # findings and jobs that no list needs; what a list says stays for ever
_FAILED = gettext_lazy("The nightly search failed for a reason inside the program. Tell the administrator.")


@dataclass
class Night:
    """What became of the waiting requests. `refused`: code of the refusal -> requests (no typing, unreadable, …)."""

    waiting: int = 0
    fresh: int = 0  # nothing changed since the last search
    searching: int = 0  # a search is under way
    failed: int = 0  # for a reason inside the program, which the log has
    started: list[str] = field(default_factory=list)  # numbers of the requests
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def figures(self) -> dict[str, int]:
        counted = {"waiting": self.waiting, "fresh": self.fresh, "searching": self.searching}
        ended = {"started": len(self.started), "refused": self.refused.total(), "failed": self.failed}
        return {**counted, **ended}


def night_start(*, actor: Actor, key: str = "") -> Job:
    """Queue the search of all waiting patients. key: what it is for, once; without one each is a new job."""
    return jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{key or uuid4()}",
        title=_("All waiting patients searched again"),
        actor=actor,
    )


def tonight() -> str:
    """The key of the beat's job, by the time zone of the bank: a beat that rings twice makes one."""
    return f"{timezone.localdate():%Y-%m-%d}"


def night_execute(*, job_id: UUID) -> Night | None:
    """Do the work of a job, exactly once whoever calls how often. None: not ours, lost, or failed.

    A worker that dies in the midst loses nothing: whoever goes on finds what was started under way or done.
    """
    return jobs.carry_out(job_id, _search_all, failed=_FAILED)


def night_preview() -> Night:
    """Which would be searched now. Changes nothing."""
    night = Night()
    for request in _out_of_date(night):
        night.started.append(request.number)
    return night


def _search_all(claim: Claim) -> Night:
    """A search for each waiting request whose list is older than inventory, reference data or patient.

    One transaction a request: what cannot be searched is counted and keeps no other back. The searches run in the
    queue of batches; those that find the same list store nothing (matching.services.confirming).
    """
    job = Job.objects.get(pk=claim.job_id)
    actor, night, tell = Actor.job(job), Night(), jobs.Teller(claim)
    total = MatchRequest.objects.waiting().count()
    for request in _out_of_date(night):
        _start(request.pk, request.number, actor, night)
        tell(_("Starting searches"), night.waiting / max(total, 1), requests=night.waiting)
    _end(claim, night, actor)
    return night


def _out_of_date(night: Night) -> Iterator[MatchRequest]:
    """Waiting requests whose list may be out of date; the others are counted."""
    frequency_sets.active_sets(look=True)
    inventory, in_force = waiting.inventory_number(), waiting.in_force()
    unfinished = SearchRun.objects.unfinished().filter(request__in=MatchRequest.objects.waiting())
    searching = set(unfinished.values_list("request_id", flat=True))
    for request in _waiting():
        night.waiting += 1
        try:
            fresh = _fresh(request, inventory, in_force)
        except Exception as error:
            _note_failure(request.number, error, night)
            continue
        if request.pk in searching:
            night.searching += 1
        elif fresh:
            night.fresh += 1
        else:
            yield request


def _waiting() -> Iterator[MatchRequest]:
    """Those that wait the longest first."""
    patients = Patient.objects.with_current_typing()
    rows = (
        MatchRequest.objects.waiting()
        .select_related("policy")
        .prefetch_related(Prefetch("patient", queryset=patients))
        .with_newest_list()
        .order_by("submitted_at", "pk")
    )
    yield from rows.iterator(chunk_size=500)


def _fresh(request: MatchRequest, inventory: int, in_force: waiting.InForce) -> bool:
    """The last list holds for the inventory as it is, and was made by all that would decide it now."""
    last = request.newest_list
    if last is None or last.covered_number < inventory:
        return False
    typing = request.patient.current_typing
    now = waiting.basis(request, typing.canonical if typing else {}, criteria_of(request), in_force)
    return bool(last.basis == now)


@transaction.atomic
def _started(request_id: UUID, actor: Actor) -> None:
    request = (
        MatchRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "policy")
        .get(pk=request_id)
    )
    run_start(request=request, actor=actor, origin=RunOrigin.NIGHT)


def _start(request_id: UUID, number: str, actor: Actor, night: Night) -> None:
    try:
        _started(request_id, actor)
    except DomainError as error:
        log.info("%s is not searched again: %s", number, error)
        night.refused[error.code] += 1
    except Exception as error:
        _note_failure(number, error, night)
    else:
        night.started.append(number)


def _note_failure(number: str, error: Exception, night: Night) -> None:
    """One request keeps no other back, unless all of the work is over."""
    if jobs.ends_the_work(error):
        raise error
    log.error("%s is not searched again", number, exc_info=error)
    night.failed += 1


def _end(claim: Claim, night: Night, actor: Actor) -> None:
    """Drop what grew old, write down the night and end the job, in one transaction under the claim."""
    old = timezone.now() - timedelta(days=KEPT_DAYS)
    with claim.guard():
        NewUnitFinding.objects.filter(found_at__lt=old).delete()
        NewUnitFinding.objects.exclude(request__in=MatchRequest.objects.waiting()).delete()
        confirmed = Job.objects.filter(kind=KINDS[RunOrigin.NIGHT], search_run=None, state=Job.State.DONE)
        confirmed.filter(ended_at__lt=old).delete()
        Job.objects.filter(kind=KIND, state=Job.State.DONE, ended_at__lt=old).delete()
        claim.succeed({**night.figures, "refused_because": dict(night.refused)})
        audit.record(
            actor=actor,
            action="search.night",
            target=("matching.MatchRequest", "", "waiting requests"),
            after={**night.figures, "refused_because": dict(night.refused)},
        )
