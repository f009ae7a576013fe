"""Small populations and inventories whose figures can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.models import Job
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from matching import frequency_sets, planning, services
from matching.engine.columns import UnitRow
from matching.engine.planning import planned
from matching.engine.planning_plan import Plan
from matching.engine.snapshot import Snapshot, build
from matching.models import PlanningRun
from matching.planning import PlanData
from tests.factories.matching import ACTOR

RESOLVER: Resolver = resolver_for(Nomenclature.builtin(), EMPTY_MAC)
ONE = "01:01 08:01 07:01 03:01 02:01"  # A, B, C, DRB1, DQB1
TWO = "02:01 07:02 07:02 15:01 06:02"


def haplotype(text: str, loci: Sequence[str] = SEARCH_LOCI) -> tuple[str, ...]:
    named = dict(zip(SEARCH_LOCI, text.split(), strict=True))
    return tuple(f"{locus}*{named[locus]}" for locus in loci)


def toy_set(*rows: tuple[str, float], loci: Sequence[str] = SEARCH_LOCI) -> HaplotypeSet:
    found = [(haplotype(text, loci), share) for text, share in rows or ((ONE, 1.0),)]
    return HaplotypeSet.of(found, name="Toy", population="TOY", loci=tuple(loci))


def toy_unit(number: int, first: str, second: str, tnc_e7: float | None, **changed: Any) -> UnitRow:
    """`changed`: typings of single loci instead."""
    pairs = zip(haplotype(first), haplotype(second), strict=True)
    typing = tuple(changed.get(locus, pair) for locus, pair in zip(SEARCH_LOCI, pairs, strict=True))
    cells = -1 if tnc_e7 is None else round(tnc_e7 * 1000)
    return UnitRow(UUID(int=number).bytes, typing, cells, -1, -1, changed.get("status", "LISTED"), "", "")


def toy_snapshot(rows: Sequence[UnitRow]) -> Snapshot:
    return build(rows, resolver=RESOLVER, ledger_number=7)


def toy_plan(**values: Any) -> Plan:
    return Plan(
        **{
            "patients": 40,
            "seed": 1,
            "weights": ((Decimal(20), 1.0),),
            "doses": (Decimal("2.5"), Decimal(5)),
            "target_dose": Decimal("2.5"),
            **values,
        }
    )


def finished_planning(**values: Any) -> PlanningRun:
    """Really simulated over the units of the test, with few patients."""
    run = started_planning(**values)
    services.planning_execute(job_id=run.job_id)
    return PlanningRun.objects.select_related("job").get(pk=run.pk)


def started_planning(**values: Any) -> PlanningRun:
    """Queued; nobody has simulated. The built-in set, unless another checksum is given."""
    return services.planning_start(data=small_plan(**values), actor=ACTOR)


def small_plan(**values: Any) -> PlanData:
    return PlanData(
        **{
            "set_checksum": frequency_sets.built_in().checksum,
            "patients": 200,
            "weights": ((Decimal(20), Decimal(1)), (Decimal(60), Decimal(1))),
            "searches_per_year": 20,
            **values,
        }
    )


def stored_planning() -> PlanningRun:
    """A finished simulation of a toy population and inventory, written down without a worker."""
    run = PlanningRun.objects.get(pk=started_planning().pk)
    found = planned(
        toy_plan(), toy_set(), toy_snapshot([toy_unit(1, ONE, ONE, 100), toy_unit(2, ONE, TWO, 60)])
    )
    Job.objects.filter(pk=run.job_id).update(state="done", ended_at=timezone.now(), share=1)
    run.parameters |= {
        "patients": 40,
        "weights": [["20", "1"]],
        "target": ["antigen6", 5],
        "target_dose": "2.5",
    }
    run.result, run.worths = planning.figures(found), planning.packed_worths(found.worth)
    run.engine_version, run.release, run.ledger_number = found.engine, "built-in", 1
    run.completed_at = timezone.now()
    run.save()
    return PlanningRun.objects.select_related("job").get(pk=run.pk)
