"""The match list as CSV: every stored result that passes the filters, with class, dose, typing and verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bank.choices import SEARCHABLE
from bank.models import CordBloodUnit
from core.models import User
from core.roles import Permission
from matching.choices import SIZES
from matching.engine.selection.catalogue import RULES
from matching.engine.selection.rules import SelectionRules
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.presenters import findings
from matching.presenters.probabilities import set_name
from matching.querysets import SearchResultQuerySet
from matching.selection.policies import rules_of
from matching.shares import class_shares, locus_shares, weaker_basis

_HEAD = (
    "rank", "unit", "din", "status_at_search", "status_now",
    "antigen6_min", "antigen6_max", "allele6_min", "allele6_max",
    "allele8_min", "allele8_max", "allele10_min", "allele10_max",
    "direction", "tnc_e7", "cd34_e6", "tnc_e7_per_kg", "cd34_e5_per_kg",
    "abo", "rh", "collected_on", "volume_ml", "segments",
)  # fmt: skip
_PROBABILITIES = (
    *(f"p{mismatches}_of{size}" for size in SIZES for mismatches in range(3)),
    "p_basis", "p_weaker_basis", "p_relaxed_loci", "p_lost_at_most", "frequency_set",
)  # fmt: skip
_JUDGED = (
    "excluded_by",
    "warnings",
    *(f"rule_{code}" for code in RULES),
    "judged_by",
    "judged_at",
    "weight_kg",
)
_TAIL = (
    "request",
    "search",
    "patient",
    "hla_release",
    "mac_version",
    "policy",
    "donor_type",
    "grid",
    "source",
    "bank",
)


def result_header(run: SearchRun) -> list[str]:
    loci = [
        f"{locus.lower()}_{part}"
        for locus in run.criteria["loci"]
        for part in ("1", "2", "verdict_1", "verdict_2", "p0")
    ]
    return [*_HEAD, *_PROBABILITIES, *loci, *_JUDGED, *_TAIL]


def result_rows(
    run: SearchRun, rows: SearchResultQuerySet, evaluation: Evaluation, user: User
) -> Iterator[list[Any]]:
    tail = [
        run.request.number,
        run.run_no,
        run.request.patient.code,
        run.release,
        run.mac_version,
        run.policy_label,
    ]
    rules = rules_of(evaluation.policy)
    found = {row.result_id: row for row in EvaluatedUnit.objects.filter(evaluation=evaluation)}
    for result in rows.iterator(chunk_size=500):
        judged = found[result.pk]
        yield [
            *_unit_values(result, judged, user),
            *_probabilities(run, result),
            *_locus_values(run, result),
            *_judged(rules, evaluation, judged, user),
            *tail,
            *_origin(result.unit),
        ]


def _judged(rules: SelectionRules, evaluation: Evaluation, judged: EvaluatedUnit, user: User) -> list[Any]:
    return [
        " ".join(judged.excluded_by),
        " ".join(judged.warnings),
        *findings.for_files(rules, findings.open_to(user, judged.findings)),
        evaluation.policy_label,
        evaluation.created_at.isoformat(timespec="seconds"),
        evaluation.weight_kg,
    ]


def _origin(unit: CordBloodUnit) -> list[Any]:
    """At the end, so that whoever reads the file by its columns' places reads on."""
    return [unit.donor_type, unit.grid, unit.source, unit.bank.code]


def _unit_values(result: SearchResult, judged: EvaluatedUnit, user: User) -> list[Any]:
    unit = result.unit
    classes = [
        value
        for name in ("antigen6", "allele6", "allele8", "allele10")
        for value in (result.class_range(name) or ("", ""))
    ]
    return [
        result.rank,
        unit.unit_no,
        unit.din,
        result.status,
        status_now(result, user),
        *classes,
        result.direction,
        result.tnc_e7,
        result.cd34_e6,
        judged.tnc_e7_per_kg,
        judged.cd34_e5_per_kg,
        unit.abo,
        unit.rh,
        unit.collected_on,
        unit.volume_ml,
        unit.segments,
    ]


def status_now(result: SearchResult, user: User) -> str:
    return status_of_unit(result.unit, user)


def status_of_unit(unit: CordBloodUnit, user: User) -> str:
    """Hospitals learn of a unit only what concerns them: on offer, reserved, or neither; staff also a flag."""
    status = str(unit.plain_status)
    if user.has_permission(Permission.INVENTORY_VIEW_ALL) or status in SEARCHABLE:
        return status
    return "NOT_OFFERED"


def _probabilities(run: SearchRun, result: SearchResult) -> list[Any]:
    """P(0), P(1), P(2) mismatches of each class, empty where nothing is known, and what they rest on.

    As in the API: 0 and 1 only where the typings leave nothing else.
    """
    found = result.prediction
    shares = [share for size in SIZES for share in class_shares(run, result, size) or ("", "", "")]
    if not found:
        return [*shares, "", "", "", "", ""]
    weaker = weaker_basis(run, result)
    basis, relaxed, lost = found["basis"], " ".join(found.get("relaxed", ())), found.get("lost", 0)
    return [*shares, basis, weaker, relaxed, lost, set_name(run, found)]


def _locus_values(run: SearchRun, result: SearchResult) -> list[Any]:
    """Per locus the unit's two values in the patient's order, the two verdicts, the probability of no mismatch."""
    found: list[Any] = []
    for locus in run.criteria["loci"]:
        positions = result.evidence[locus]["positions"]
        found += [position["unit"] for position in positions]
        found += [position["verdict"] for position in positions]
        found.append((locus_shares(run, result, locus) or ("",))[0])
    return found
