"""From findings to rows of EvaluatedUnit, written by COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from core.copying import NULL, copy_lines, escaped, lines_text
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, per_kg
from matching.engine.selection.evaluate import Evaluated, evaluate
from matching.engine.selection.facts import PatientFacts
from matching.engine.selection.rules import SelectionRules
from matching.models import EvaluatedUnit
from matching.selection.facts import ListedUnit

COLUMNS = (
    "evaluation_id", "result_id", "is_excluded", "excluded_by", "warnings", "quality_failed", "quality_unknown",
    "abo_order", "direction_order", "nima", "tnc_e7_per_kg", "cd34_e5_per_kg", "findings",
)  # fmt: skip
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Judged:
    """One listed unit with what the rules found."""

    unit: ListedUnit
    evaluated: Evaluated


def judged(rules: SelectionRules, patient: PatientFacts, units: Iterable[ListedUnit]) -> Iterator[Judged]:
    for unit in units:
        yield Judged(unit, evaluate(rules, patient, unit.facts))


def findings(evaluated: Evaluated) -> dict[str, Any]:
    """As stored: rule -> [outcome, value, [what is missing]]."""
    return {
        one.code: [one.found.outcome, one.found.value, list(one.found.missing)] for one in evaluated.findings
    }


def write(evaluation_id: Any, rows: Iterable[Judged], patient: PatientFacts) -> None:
    lines = (_line(str(evaluation_id), row, patient) for row in rows)
    copy_lines(EvaluatedUnit, COLUMNS, lines_text(lines))


def _line(evaluation_id: str, row: Judged, patient: PatientFacts) -> tuple[str, ...]:
    found, facts = row.evaluated, row.unit.facts
    failed, unknown = found.quality
    return (
        evaluation_id,
        str(row.unit.result_id),
        "t" if found.excluded_by else "f",
        _array(found.excluded_by),
        _array(found.warnings),
        str(failed),
        str(unknown),
        str(found.abo_order),
        str(found.direction_order),
        NULL if found.nima is None else str(found.nima),
        _dose(per_kg(facts.tnc_e4, TNC_E4_PER_E7, patient.weight_kg)),
        _dose(per_kg(facts.cd34_e3, CD34_E3_PER_E5, patient.weight_kg)),
        escaped(_ENCODE(findings(found))),
    )


def _array(codes: tuple[str, ...]) -> str:
    return "{" + ",".join(codes) + "}"


def _dose(per_kg: float | None) -> str:
    return NULL if per_kg is None else repr(round(per_kg, 6))
