"""Finished searches for pages: really searched, or, where only a row is needed, written down by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from bank.models import CordBloodUnit
from core.typings import TypingInput, interpret
from hla.evidence import explain_locus
from hla.matching import CLASSES, unit_direction
from hospitals.models import Patient
from matching import reference, services
from matching.engine import evidence
from matching.models import SearchReplay, SearchResult, SearchRun
from matching.services import RequestData
from tests.factories.hospitals import GL
from tests.factories.matching import ACTOR, JobFactory, SearchRunFactory, typed_patient


def queued_run(patient: Patient | None = None, **data: Any) -> SearchRun:
    """Submitted by the services; nobody has searched."""
    request = services.request_create(
        patient=patient or typed_patient(), data=RequestData(**data), actor=ACTOR
    )
    return services.request_submit(request_id=request.pk, actor=ACTOR)


def searched_run(patient: Patient | None = None, **data: Any) -> SearchRun:
    """Searched by the real engine over the units of the test."""
    run = queued_run(patient, **data)
    services.run_execute(job_id=run.job_id)
    return SearchRun.objects.with_request().get(pk=run.pk)


def stored_run(units: Sequence[CordBloodUnit] = (), **kwargs: Any) -> SearchRun:
    """A finished search with `units` (all typed as GL, as is the patient) as its results, in their order."""
    run: SearchRun = SearchRunFactory(
        job__state="done",
        job__ended_at=timezone.now(),
        job__share=1,
        **kwargs,
        release="built-in",
        nomenclature_checksum=reference.in_use().nomenclature,
        mac_version="none",
        mac_checksum=reference.in_use().mac_checksum,
        ledger_number=1,
        snapshot_checksum="x",
        engine_version="1",
        counts={"antigen6": [[6, len(units), len(units)]]},
        funnel={"units": len(units), "below_floor": 0, "below_dose": 0, "not_searchable": 0},
        timings={"rank": 0.01},
        units_considered=len(units),
        units_unsearchable=0,
        candidates=len(units),
        kept=len(units),
        cut=0,
        completed_at=timezone.now(),
    )
    run.request.state = "SEARCHED"
    run.request.save()
    SearchResult.objects.bulk_create(
        stored_result(run, unit, rank) for rank, unit in enumerate(units, start=1)
    )
    return run


def finished_replay(verdict: str = "identical", **kwargs: Any) -> SearchReplay:
    """Written down by hand: what recomputing a search without results proved."""
    run = stored_run(**kwargs)
    job = JobFactory(kind="replay", state="done", ended_at=timezone.now(), share=1)
    counted = {"identical": 0, "different": 1}.get(verdict)
    replay: SearchReplay = SearchReplay.objects.create(
        run=run,
        job=job,
        created_by="system: test",
        verdict=verdict,
        reason={} if counted is not None else {"code": "x", "params": {}, "text": "Something is missing."},
        compared={} if counted is None else {"figures": 15, "rows": 0, "columns": 21},
        difference_count=counted,
        today={"reason": {"code": "y", "params": {}, "text": "Something else is missing."}},
        engine_version="1",
        completed_at=timezone.now(),
    )
    return replay


def stored_result(run: SearchRun, unit: CordBloodUnit, rank: int, gl: str = GL) -> SearchResult:
    """The result of a unit whose typing is `gl`, with the kernel's evidence."""
    patient, other = (
        interpret(TypingInput(gl=run.patient_gl)).typing(),
        interpret(TypingInput(gl=gl)).typing(),
    )
    found = {
        locus: explain_locus(patient.locus(locus), other.locus(locus), reference.resolver())
        for locus in run.criteria["loci"]
    }
    classes = {
        f"{name}_{end}": sum(getattr(found[locus], f"{level_name(level)}_{end}") for locus, level in parts)
        for name, parts in CLASSES.items()
        if all(locus in found for locus, _level in parts)
        for end in ("min", "max")
    }
    weight = float(run.patient_weight_kg or 0)
    return SearchResult(
        run=run,
        unit=unit,
        rank=rank,
        direction=unit_direction(item.direction for item in found.values()),
        tnc_e7=unit.tnc_e7,
        cd34_e6=unit.cd34_e6,
        tnc_e7_per_kg=unit.tnc_e7 / weight if weight else None,
        cd34_e5_per_kg=unit.cd34_e6 * 10 / weight if weight and unit.cd34_e6 is not None else None,
        status=unit.status,
        evidence={locus: evidence.plain(item) for locus, item in found.items()},
        **classes,
    )


def level_name(level: str) -> str:
    return "antigen" if level == "antigen" else "match"
