"""Patient and units of a list as the rules ask for them, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils import timezone

from bank.choices import DonorType
from bank.graft_facts import GraftFacts, graft_facts
from bank.models import HLA_COLUMNS, LISTED_LOCI, CordBloodUnit
from hla.evidence import explain_locus
from hla.matching import unit_direction
from hla.resolve import Resolver
from hospitals.antibodies import PatientAntibodies, antibodies_of
from hospitals.choices import Sex
from hospitals.models import Patient
from matching import reference
from matching.choices import CLASS_SIZE
from matching.engine.selection.blood_groups import abo_relation
from matching.engine.selection.facts import Measured, PatientFacts, UnitFacts
from matching.kept import kept_for
from matching.models import NewUnitFinding, SearchResult, SearchRun
from matching.selection.hla_facts import HlaFacts, Pairs
from matching.unit_rows import thousandths

_CLASS_COLUMNS = tuple(f"{name}_{end}" for name in CLASS_SIZE for end in ("min", "max"))
_COLUMNS = (
    "pk",
    "unit_id",
    "direction",
    "tnc_e7",
    "cd34_e6",
    "matches_c",
    *_CLASS_COLUMNS,
    *(f"unit__{name}" for name in HLA_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A row of the list and what is known of its unit."""

    result_id: int
    facts: UnitFacts


@dataclass(frozen=True)
class Known:
    """The patient as he is now: what the rules ask, and his antibodies."""

    facts: PatientFacts
    antibodies: PatientAntibodies


def known_of(patient: Patient) -> Known:
    antibodies = antibodies_of(patient)
    facts = PatientFacts(
        today=timezone.localdate(),
        weight_kg=patient.weight_kg,
        abo=patient.abo,
        sex="" if patient.sex == Sex.UNKNOWN else patient.sex,
        antibodies_tested=antibodies.tested,
        antibody_tests=antibodies.tests,
        serum_days=antibodies.class_days,
    )
    return Known(facts, antibodies)


def hla_of(run: SearchRun, known: Known, resolver: Resolver | None = None) -> HlaFacts:
    """The patient beside units, as this search read him. resolver: that of the reference data in use by default."""
    used = resolver or reference.resolver()
    return HlaFacts(run.patient_typing, used, known.antibodies.beads, run.policy.antigen_rule)


def listed_units(
    run: SearchRun,
    known: Known,
    hla: HlaFacts | None = None,
    results: QuerySet[SearchResult] | None = None,
) -> Iterator[ListedUnit]:
    """All listed units of a finished search in the order of its ranks; classes as stored, all else as it is now.

    Of a unit that is not on offer only what the search stored: a hospital's old list must not tell what the bank found
    of it since. hla: `hla_of` this search, for who asks for several parts of it. results: only these of the list.
    """
    hla = hla or hla_of(run, known)
    rows = list(
        (run.results.all() if results is None else results)
        .order_by("rank")
        .annotate(matches_c=KeyTransform("match", KeyTransform("C", "evidence")))
        .values_list(*_COLUMNS)
    )
    grafts = graft_facts([row[1] for row in rows])
    wanted, own = frozenset(run.criteria["statuses"]), kept_for(run.request.patient_id)
    for row in rows:
        result_id, unit_id, direction, tnc_e7, cd34_e6, matches_c, *rest = row
        graft = grafts[unit_id]
        classes = _classes(rest[: len(_CLASS_COLUMNS)])
        pairs = _pairs(rest[len(_CLASS_COLUMNS) :], graft)
        if graft.blocks or (graft.status not in wanted and unit_id not in own):
            facts = UnitFacts(
                offered=False,
                is_adult=_is_adult(graft),
                status=graft.status,
                blocks=graft.blocks,
                tnc_e4=_cells(tnc_e7),
                cd34_e3=_cells(cd34_e6),
                classes=classes,
                matches=_matches(matches_c),
                direction=direction,
            )
        else:
            facts = _unit_facts(known.facts, hla, graft, classes, matches_c, direction, pairs)
        yield ListedUnit(result_id, facts)


def _matches(matches_c: list[int] | None) -> dict[str, tuple[int, int]]:
    return {"C": (matches_c[0], matches_c[1])} if matches_c else {}


def found_units(
    last: SearchRun, known: Known, found: Sequence[NewUnitFinding]
) -> Iterator[tuple[NewUnitFinding, UnitFacts]]:
    """New units in no list yet, on offer still, beside the patient of the newest list."""
    hla = hla_of(last, known)
    ids = [row.unit_id for row in found]
    texts = {
        pk: rest for pk, *rest in CordBloodUnit.objects.filter(pk__in=ids).values_list("pk", *HLA_COLUMNS)
    }
    grafts = graft_facts(ids)
    wanted = frozenset(last.criteria["statuses"])
    for row in found:
        graft = grafts[row.unit_id]
        if graft.blocks or graft.status not in wanted:
            continue  # gone since it was found
        pairs = _pairs(texts[row.unit_id], graft)
        beside = {
            locus: explain_locus(
                hla.typing(locus, hla.patient.get(locus, ("", ""))),
                hla.typing(locus, pairs[locus]),
                hla.resolver,
            )
            for locus in last.criteria["loci"]
        }
        classes = {name: (low, high) for name, (low, high) in row.classes.items()}
        in_c = [beside["C"].match_min, beside["C"].match_max] if "C" in beside else None
        direction = unit_direction(one.direction for one in beside.values())
        yield row, _unit_facts(known.facts, hla, graft, classes, in_c, direction, pairs)


def as_judged_by(antigen_rule: str, run: SearchRun, units: Iterable[ListedUnit]) -> Iterator[ListedUnit]:
    """Units as a policy with this antigen rule may judge them: classes by antigen hold by the search's rule only."""
    other = antigen_rule != run.policy.antigen_rule
    for unit in units:
        yield replace(unit, facts=replace(unit.facts, other_antigen_rule=True)) if other else unit


def _classes(values: list[int | None]) -> dict[str, tuple[int, int]]:
    spans = zip(CLASS_SIZE, values[::2], values[1::2], strict=True)
    return {name: (low, high) for name, low, high in spans if low is not None and high is not None}


def _pairs(values: list[str], graft: GraftFacts) -> dict[str, tuple[str, str]]:
    """The unit's loci: those of the list as a search reads them, the others as its typing in force has them."""
    listed = zip(LISTED_LOCI, values[::2], values[1::2], strict=True)
    return {**graft.typing, **{locus: (first, second) for locus, first, second in listed}}


def _unit_facts(
    patient: PatientFacts,
    hla: HlaFacts,
    graft: GraftFacts,
    classes: dict[str, tuple[int, int]],
    matches_c: list[int] | None,
    direction: str,
    pairs: Pairs,
) -> UnitFacts:
    has_cells = not _is_adult(graft)
    nima, nima_why = hla.nima_matches(pairs, graft.mother_typing, graft.mother_differs)
    return UnitFacts(
        offered=True,
        is_adult=_is_adult(graft),
        status=graft.status,
        blocks=graft.blocks,
        segments=graft.segments,
        tnc_e4=_cells(graft.tnc_e7) if has_cells else None,
        cd34_e3=_cells(graft.cd34_e6) if has_cells else None,
        cfu_e5=_measured(graft.cfu_e5, graft.cfu_time_point, graft.cfu_standing),
        counts_invented=graft.counts_invented,
        classes=classes,
        matches=_matches(matches_c),
        direction=direction,
        nima=nima,
        nima_why=nima_why,
        dpb1=hla.dpb1(pairs["DPB1"]),
        leader_patient=hla.leader,
        leader_unit=hla.leader_of(pairs["B"]),
        beads=hla.beads(pairs),
        accreditations=graft.accreditations,
        accreditations_ended=graft.accreditations_ended,
        red_cells=graft.red_cells,
        volume_ml=graft.volume_ml,
        viability_percent=_measured(
            graft.viability_percent, graft.viability_time_point, graft.viability_standing
        ),
        cd34_viability_percent=_measured(
            graft.cd34_viability_percent, graft.cd34_viability_time_point, graft.cd34_viability_standing
        ),
        haemoglobinopathy=graft.haemoglobinopathy,
        haemoglobinopathy_verified=graft.haemoglobinopathy_verified,
        markers=graft.markers,
        collected_on=graft.collected_on,
        abo_relation=abo_relation(patient.abo, graft.abo),
        sex=graft.sex,
    )


def _is_adult(graft: GraftFacts) -> bool:
    return graft.donor_type == DonorType.ADULT


def _measured(value: float | None, time_point: str, standing: Any) -> Measured | None:
    return None if value is None else Measured(value, time_point, standing)


def _cells(value: float | None) -> int | None:
    return None if value is None else thousandths(value)
