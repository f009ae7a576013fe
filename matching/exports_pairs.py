"""Double units as CSV: one line per pair, the unit of the better rank first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.models import User
from matching.engine import abo
from matching.engine.pairs import CANNOT_TELL, VERDICTS
from matching.exports import status_now
from matching.models import SearchRun
from matching.presenters.pairs import Side, codes_with, listed_results, sides
from matching.selection.pairs import RunPairs

_OF_UNIT = (
    "rank", "unit", "din", "status_now", "antigen6_min", "antigen6_max", "allele8_min", "allele8_max",
    "tnc_e7_per_kg", "cd34_e5_per_kg", "abo", "abo_to_patient", "segments",
)  # fmt: skip
HEADER = [
    "place", "verdict", "cannot_tell", "tnc_e7_per_kg_both", "cd34_e5_per_kg_both",
    "unit_unit_antigen6_min", "unit_unit_antigen6_max", "unit_unit_allele8_min", "unit_unit_allele8_max", "abo_between",
    *(f"{name}_{place}" for place in (1, 2) for name in _OF_UNIT),
    "request", "search", "patient", "weight_kg", "policy",
]  # fmt: skip


def rows(run: SearchRun, found: RunPairs, places: Sequence[int], user: User) -> Iterator[list[Any]]:
    listed = listed_results(run, found, places)
    evaluation = found.evaluation
    tail = [
        run.request.number,
        run.run_no,
        run.request.patient.code,
        evaluation.weight_kg,
        evaluation.policy_label,
    ]
    for at in places:
        units = [value for side in sides(found, at, listed) for value in _unit_values(side, user)]
        yield [*_pair_values(found, at), *units, *tail]


def _pair_values(found: RunPairs, at: int) -> list[Any]:
    pairs = found.found
    return [
        at + 1,
        VERDICTS[pairs.verdicts[at]],
        " ".join(codes_with(found, at, CANNOT_TELL)),
        number(pairs.tnc_e7_per_kg[at]),
        number(pairs.cd34_e5_per_kg[at]),
        *pairs.unit_unit["antigen6"][at].tolist(),
        *pairs.unit_unit["allele8"][at].tolist(),
        abo.BETWEEN[pairs.abo[at]],
    ]


def number(value: float) -> float | None:
    """As files and programs have doses: six digits, nothing for an unknown one."""
    return None if np.isnan(value) else round(float(value), 6)


def dose(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _unit_values(side: Side, user: User) -> list[Any]:
    result, unit = side.result, side.result.unit
    return [
        result.rank,
        unit.unit_no,
        unit.din,
        status_now(result, user),
        *(result.class_range("antigen6") or ("", "")),
        *(result.class_range("allele8") or ("", "")),
        dose(side.tnc_e7_per_kg),
        dose(side.cd34_e5_per_kg),
        unit.abo,
        side.abo_to_patient,
        unit.segments,
    ]
