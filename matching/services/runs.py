"""Searches: started with a job, executed once by whichever worker claims it, repeated on demand."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.jobs import Claim, JobLost
from hla.resolve import Resolver
from hla.typing import Typing
from hospitals.models import Patient
from matching import inventory, predictions, reference, results
from matching.choices import CLASS_SIZE, SEARCHABLE, RequestState, Stage
from matching.engine import ranking
from matching.engine.policy import Policy
from matching.engine.search import CannotSearch, Criteria, SearchOutcome, search
from matching.engine.search import check as check_search
from matching.engine.snapshot import Snapshot
from matching.models import MatchRequest, SearchRun, SelectionPolicy
from matching.patient_typings import Typed, parsed, readable
from matching.predictions import RunPrediction

log = logging.getLogger("qidai.search")

KIND = "search"
TELL_EVERY_SECONDS = 0.25  # a progress row costs a commit; people do not read faster

_CANNOT_SEARCH = {
    "patient_untyped": _("The patient has no typing at %(loci)s; without it no unit can be searched."),
    "primary_class_not_asked": _("The policy orders by the class %(name)s, which needs a locus not chosen."),
    "floor_of_class_not_asked": _("The class %(name)s needs a locus that was not chosen."),
    "dose_without_weight": _("A smallest dose per kilogram needs the patient's weight. Enter it first."),
}


@transaction.atomic
def run_start(*, request: MatchRequest, actor: Actor) -> SearchRun:
    """A new search of a submitted request, with the patient as he is now; a worker is rung after commit.

    The caller holds the request's row. Raises Conflict if the request or patient is over or a search still
    runs, InvalidInput if the patient's typing or weight does not allow this search.
    """
    _check_startable(request)
    typed = _patient_typing(request.patient)
    criteria = criteria_of(request)
    resolver = reference.resolver()
    _checked(typed, criteria_from(criteria, request.patient.weight_kg), policy_of(request.policy), resolver)
    number = 1 + (request.runs.order_by("-run_no").values_list("run_no", flat=True).first() or 0)
    job = jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{request.pk}:{number}",
        title=f"{request.number} · {request.patient.code}",
        actor=actor,
        hospital_id=request.hospital_id,
    )
    run = SearchRun.objects.create(
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
        target=("matching.SearchRun", str(run.pk), f"{request.number} / {run.run_no}"),
        after={"request": request.number, "run_no": number, "criteria": criteria, "policy": run.policy_label},
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
            _CANNOT_SEARCH["patient_untyped"],
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
    }


def criteria_from(stored: Mapping[str, Any], weight_kg: Decimal | None) -> Criteria:
    """The engine's criteria from stored ones."""
    dose = stored["min_tnc_e7_per_kg"]
    return Criteria(
        loci=tuple(stored["loci"]),
        floors=dict(stored["floors"]),
        weight_kg=weight_kg,
        min_tnc_e7_per_kg=None if dose is None else Decimal(dose),
        statuses=frozenset(stored["statuses"]),
    )


def policy_of(row: SelectionPolicy) -> Policy:
    return Policy.from_data(id=str(row.pk), name=row.name, version=row.version, rules=row.rules)


def _checked(typed: Typed, criteria: Criteria, policy: Policy, resolver: Resolver) -> Typing:
    """The patient's typing if this search can be made. Raises InvalidInput in words for people."""
    patient = readable(typed, resolver)
    try:
        check_search(patient, criteria, policy)
    except CannotSearch as error:
        raise InvalidInput(error.code, _CANNOT_SEARCH[error.code], params=error.params) from error
    return patient


def run_execute(*, job_id: UUID) -> SearchRun | None:
    """Do the search of a job, exactly once whoever calls how often. None: not ours, lost, or failed.

    Results, figures, the request's state, the audit entry and the end of the job are one transaction under the
    claim: a worker that dies before leaves nothing, one that lost its claim stores nothing.
    """
    claim = jobs.job_claim(job_id)
    if claim is None:
        return None
    with jobs.actors_language(job_id):
        return _executed(claim)


def _executed(claim: Claim) -> SearchRun | None:
    try:
        return _search_and_store(claim)
    except JobLost:
        log.info("search %s was cancelled or taken over", claim.job_id)
    except DomainError as error:
        _fail(claim, error)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the job stays claimed and the sweep hands it on
    except Exception:
        log.exception("search %s failed", claim.job_id)
        _fail(claim, str(_("The search failed for a reason inside the program. Tell the administrator.")))
    return None


def _fail(claim: Claim, error: DomainError | str) -> None:
    try:
        claim.fail(error)
    except JobLost:
        log.info("search %s ended elsewhere", claim.job_id)


def _search_and_store(claim: Claim) -> SearchRun:
    started = time.perf_counter()
    run: SearchRun = SearchRun.objects.select_related("request", "policy").get(job_id=claim.job_id)
    teller = _Teller(claim)
    resolver = reference.resolver(look=True)
    criteria = criteria_from(run.criteria, run.patient_weight_kg)
    policy = policy_of(run.policy)
    patient = _checked(run.patient_typing, criteria, policy, resolver)
    teller.stage(Stage.SNAPSHOT, 0.02)
    snapshot = inventory.current(resolver, tell=teller.rows)
    seconds = {"snapshot": round(time.perf_counter() - started, 6)}
    outcome = search(patient, criteria, snapshot, policy=policy, progress=teller.stage)
    seconds |= outcome.seconds
    teller.stage(Stage.PREDICT, 0.75, outcome.funnel.candidates)
    mark = time.perf_counter()
    outcome, prediction = _predicted(run, patient, outcome, snapshot, teller)
    seconds["predict"] = round(time.perf_counter() - mark, 6)
    teller.stage(Stage.EXPLAIN, 0.8, outcome.funnel.candidates)
    mark = time.perf_counter()
    rows = results.rows(run, outcome, snapshot, patient, prediction)
    seconds["explain"] = round(time.perf_counter() - mark, 6)
    teller.stage(Stage.STORE, 0.9, outcome.funnel.candidates)
    return _store(claim, run, outcome, snapshot, rows, seconds)


def _predicted(
    run: SearchRun, patient: Typing, outcome: SearchOutcome, snapshot: Snapshot, teller: _Teller
) -> tuple[SearchOutcome, RunPrediction | None]:
    """The list in the order of its probabilities, with them. A search does not fail because they do."""
    ranked, primary = outcome.ranked, outcome.policy.primary

    def tell(share: float) -> None:
        teller.stage(Stage.PREDICT, 0.75 + 0.05 * share, outcome.funnel.candidates)

    try:
        found = predictions.predict_run(patient, run.patient_populations, snapshot, ranked, tell)
    except DomainError as error:
        log.warning("search %s has no probabilities: %s", run.pk, error)
        run.prediction = {"error": str(error)}
        return outcome, None
    except (JobLost, OperationalError, InterfaceError):
        raise
    except Exception:  # the list is right without them
        log.exception("search %s has no probabilities", run.pk)
        run.prediction = {
            "error": str(_("They failed for a reason inside the program. Tell the administrator."))
        }
        return outcome, None
    classes = ranked.classes[primary]
    tnc = snapshot.columns.numbers["tnc_e4"][ranked.rows]
    bands = found.rows.bands(CLASS_SIZE[primary])
    order = ranking.banded(classes[:, 1], classes[:, 0], bands, tnc)
    run.prediction = found.summary
    return replace(outcome, ranked=ranked.taken(order)), found.taken(order)


class _Teller:
    """Progress of one search: heartbeat and cancelling, but no more often than people can read."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._told = time.monotonic()

    def stage(self, stage: str, share: float, found: int = 0) -> None:
        if time.monotonic() - self._told >= TELL_EVERY_SECONDS:
            self._claim.progress(stage, share, candidates=found)
            self._told = time.monotonic()

    def rows(self, count: int) -> None:
        """While the inventory is read in full; its size is not known beforehand."""
        self._claim.progress(Stage.SNAPSHOT, 0.02, units=count)
        self._told = time.monotonic()


def _store(
    claim: Claim,
    run: SearchRun,
    outcome: SearchOutcome,
    snapshot: Snapshot,
    rows: results.Rows,
    seconds: dict[str, float],
) -> SearchRun:
    mark = time.perf_counter()
    with _request_locked(run), claim.guard():
        results.write(rows)
        _fill(run, outcome, snapshot)
        run.timings = {**seconds, "store": round(time.perf_counter() - mark, 6)}
        run.save()
        MatchRequest.objects.filter(pk=run.request_id, state=RequestState.SUBMITTED).update(
            state=RequestState.SEARCHED, updated_at=run.completed_at
        )
        claim.succeed({"run": str(run.pk), "candidates": run.candidates, "kept": run.kept})
        audit.record(
            actor=Actor.system("search"),
            action="search.complete",
            target=("matching.SearchRun", str(run.pk), f"{run.request.number} / {run.run_no}"),
            after={
                "request": run.request.number,
                "release": run.release,
                "ledger_number": run.ledger_number,
                "snapshot_checksum": run.snapshot_checksum,
                **run.funnel,
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


def _fill(run: SearchRun, outcome: SearchOutcome, snapshot: Snapshot) -> None:
    """What came out, and by what it was made."""
    origin, funnel = snapshot.origin, outcome.funnel
    run.release = origin.release
    run.nomenclature_checksum = origin.nomenclature
    run.mac_version, run.mac_checksum = origin.mac, origin.mac_checksum
    run.ledger_number = origin.ledger_number
    run.snapshot_checksum = snapshot.checksum
    run.engine_version = outcome.engine
    run.counts = {
        name: [[count.value, count.possible, count.certain] for count in counts]
        for name, counts in outcome.counts.items()
    }
    run.funnel = asdict(funnel)
    run.units_considered = funnel.units - funnel.other_status - funnel.not_searchable
    run.units_unsearchable = funnel.not_searchable
    run.candidates, run.kept, run.cut = funnel.candidates, funnel.kept, funnel.cut
    run.completed_at = timezone.now()
