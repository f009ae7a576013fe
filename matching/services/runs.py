"""Searches: started with a job, executed once by whichever worker claims it, repeated on demand."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.jobs import Claim
from hospitals.models import Patient
from matching import computing, digests, inventory, predictions, reach, reference, results, waiting
from matching.choices import SEARCHABLE, RequestState, RunOrigin, Stage
from matching.computing import CANNOT_SEARCH, Asked, Computed, checked, criteria_from, policy_of
from matching.models import MatchRequest, SearchRun
from matching.patient_typings import parsed
from matching.predictions import Json, RunPrediction
from matching.services import confirming, watches

log = logging.getLogger("qidai.search")

# The kind of a job chooses its queue (matching.apps): a person's search is never behind those of the night.
KINDS = {RunOrigin.PERSON: "search", RunOrigin.NIGHT: "research"}

_FAILED = _("The search failed for a reason inside the program. Tell the administrator.")


@transaction.atomic
def run_start(*, request: MatchRequest, actor: Actor, origin: RunOrigin = RunOrigin.PERSON) -> SearchRun:
    """A new search of a submitted request, with the patient as he is now; a worker is rung after commit.

    The caller holds the request's row. A person's search takes the place of one of the night that is not done.
    Raises Conflict if the request or patient is over or a search still
    runs, InvalidInput if the patient's typing or weight does not allow this search.
    """
    if origin == RunOrigin.PERSON:
        _stop_nights(request, actor)
    _check_startable(request)
    typed = _patient_typing(request.patient)
    criteria = criteria_of(request)
    resolver = reference.resolver()
    checked(typed, criteria_from(criteria, request.patient.weight_kg), policy_of(request.policy), resolver)
    number = 1 + (request.runs.order_by("-run_no").values_list("run_no", flat=True).first() or 0)
    which = number if origin == RunOrigin.PERSON else uuid4()  # a confirmed search gives its number back
    job = jobs.job_create(
        kind=KINDS[origin],
        key=f"{KINDS[origin]}:{request.pk}:{which}",
        title=f"{request.number} · {request.patient.code}",
        actor=actor,
        hospital_id=request.hospital_id,
    )
    run = SearchRun.objects.create(
        origin=origin,
        basis=waiting.basis(request, typed, criteria, waiting.in_force()),
        request=request,
        run_no=number,
        job=job,
        patient_typing={locus: list(pair) for locus, pair in typed.items()},
        patient_gl=parsed(typed, resolver).gl(),
        patient_weight_kg=request.patient.weight_kg,
        patient_populations=request.patient.populations,
        criteria=criteria,
        policy=request.policy,
        policy_label=str(request.policy),
        created_by=actor.label[:200],
    )
    audit.record(
        actor=actor,
        action="search.start",
        target=("matching.SearchRun", str(run.pk), run.label),
        after={
            "request": request.number,
            "run_no": number,
            "criteria": criteria,
            "policy": run.policy_label,
            "inputs_sha256": digests.of_inputs(run),
        },
        hospital_id=request.hospital_id,
    )
    return run


@transaction.atomic
def run_repeat(*, request_id: UUID, actor: Actor) -> SearchRun:
    """Search again, with the patient and the inventory as they are now. Earlier results stay as they are."""
    request = (
        MatchRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "policy")
        .get(pk=request_id)
    )
    return run_start(request=request, actor=actor)


def _stop_nights(request: MatchRequest, actor: Actor) -> None:
    """Give up searches of the night that nobody would wait for once a person asks."""
    for run in SearchRun.objects.filter(request=request, origin=RunOrigin.NIGHT).unfinished():
        with suppress(Conflict):  # it ended this moment
            jobs.job_cancel(job=run.job, actor=actor)


def _check_startable(request: MatchRequest) -> None:
    params = {
        "number": request.number,
        "state": request.get_state_display(),
        "patient": request.patient.code,
    }
    if request.state not in SEARCHABLE:
        raise Conflict(
            "request_not_searchable", _("%(number)s cannot be searched: %(state)s."), params=params
        )
    if not request.patient.is_active:
        raise Conflict("patient_inactive", _("%(patient)s is not active."), params=params)
    if SearchRun.objects.filter(request=request).unfinished().exists():
        raise Conflict("search_running", _("A search for %(number)s is still running."), params=params)


def _patient_typing(patient: Patient) -> dict[str, tuple[str, str]]:
    """Canonical texts of the typing in force, per locus."""
    current = patient.current_typing
    if current is None:
        raise InvalidInput(
            "patient_untyped",
            CANNOT_SEARCH["patient_untyped"],
            field="patient",
            params={"loci": "A, B, DRB1"},
        )
    return {locus: (first, second) for locus, (first, second) in current.canonical.items()}


def criteria_of(request: MatchRequest) -> dict[str, Any]:
    """Criteria as stored with a run: plain JSON."""
    dose = request.min_tnc_e7_per_kg
    return {
        "loci": list(request.locus_list),
        "floors": request.floors,
        "min_tnc_e7_per_kg": None if dose is None else str(dose),
        "statuses": list(request.statuses),
        "kept_at_most": request.kept_at_most,
        **request.donors_named,
    }


def run_execute(*, job_id: UUID) -> SearchRun | None:
    """Do the search of a job, exactly once whoever calls how often. None: not ours, lost, or failed.

    Results, figures, the request's state, the audit entry and the end of the job are one transaction under the
    claim: a worker that dies before leaves nothing, one that lost its claim stores nothing.
    """
    return jobs.carry_out(job_id, _search_and_store, failed=_FAILED)


def _search_and_store(claim: Claim) -> SearchRun:
    started = time.perf_counter()
    run: SearchRun = SearchRun.objects.select_related("request", "policy").get(job_id=claim.job_id)
    teller = jobs.Teller(claim)

    def tell(stage: str, share: float, candidates: int = 0) -> None:
        teller(stage, share, candidates=candidates)

    resolver = reference.resolver(look=True)
    asked = computing.asked(run, resolver)
    tell(Stage.SNAPSHOT, 0.02)
    # read in full; its size is not known beforehand
    snapshot = inventory.current(resolver, tell=lambda count: teller.now(Stage.BUILD, 0.02, units=count))
    seconds = {"snapshot": round(time.perf_counter() - started, 6)}
    found = computing.computed(asked, snapshot, tell, predict=_tried)
    tell(Stage.STORE, 0.9, found.outcome.funnel.candidates)
    return _store(claim, run, found, {**seconds, **found.seconds})


def _tried(asked: Asked, *rest: Any) -> RunPrediction | Json:
    """The probabilities of a list, or why there are none: a search does not fail because they do."""
    try:
        return predictions.predict_run(asked.patient, asked.run.patient_populations, *rest)
    except DomainError as error:
        log.warning("search %s has no probabilities: %s", asked.run.pk, error)
        return {"error": str(error)}
    except Exception as error:  # the list is right without them
        if jobs.ends_the_work(error):
            raise
        log.exception("search %s has no probabilities", asked.run.pk)
        return {"error": str(_("They failed for a reason inside the program. Tell the administrator."))}


def _store(
    claim: Claim,
    run: SearchRun,
    found: Computed,
    seconds: dict[str, float],
) -> SearchRun:
    mark = time.perf_counter()
    with _request_locked(run), claim.guard():
        if last := confirming.confirms(run, found):
            number = found.figures["ledger_number"]
            return confirming.run_confirm(claim=claim, run=run, last=last, number=number)
        confirming.note_changes(run, found.rows)
        results.write(found.rows)
        for name, value in found.figures.items():
            setattr(run, name, value)
        run.patient_gl = found.patient.gl()  # by the nomenclature that the search was made with
        run.completed_at = timezone.now()
        run.reach = reach.reach_of([run.pk])[run.pk]
        run.timings = {**seconds, "store": round(time.perf_counter() - mark, 6)}
        run.save()
        MatchRequest.objects.filter(pk=run.request_id, state=RequestState.SUBMITTED).update(
            state=RequestState.SEARCHED, updated_at=run.completed_at
        )
        if run.of_the_night:
            watches.tell(lambda: watches.tell_of_list(run, confirming.latest_list(run)))
        claim.succeed({"run": str(run.pk), "candidates": run.candidates, "kept": run.kept})
        audit.record(
            actor=Actor.system("search"),
            action="search.complete",
            target=("matching.SearchRun", str(run.pk), run.label),
            after={
                "request": run.request.number,
                "release": run.release,
                "ledger_number": run.ledger_number,
                "snapshot_checksum": run.snapshot_checksum,
                **run.funnel,
                "rows_sha256": digests.of_rows(found.rows),
                "prediction_sha256": digests.of_prediction(run.prediction),
            },
            hospital_id=run.request.hospital_id,
        )
    return run


@contextmanager
def _request_locked(run: SearchRun) -> Iterator[None]:
    """A transaction that holds the request's row: the request first, then the job, as whoever cancels does."""
    with transaction.atomic():
        MatchRequest.objects.select_for_update(no_key=True).get(pk=run.request_id)
        yield
