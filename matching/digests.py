"""What the ledger keeps of a search as digests (SHA-256, hex): what it was asked for, and the list that came out.

The rows of a search can be written by whoever owns the database, and consistently; the ledger tells what they were.
Changing what a digest is made of makes it another name in the ledger: those of earlier searches stay as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from matching.engine.numbers import plain_number

if TYPE_CHECKING:
    from matching.models import SearchRun
    from matching.results import Rows


def of_inputs(run: SearchRun) -> str:
    """Patient, criteria and policy of a search."""
    typed, weight_kg = run.patient_typing, run.patient_weight_kg
    return of_json(inputs(typed, weight_kg, run.patient_populations, run.criteria, run.policy_id))


def inputs(
    typed: Mapping[str, Sequence[str]],
    weight_kg: Decimal | None,
    populations: str,
    criteria: Mapping[str, Any],
    policy: UUID,
) -> dict[str, Any]:
    """All that somebody asks for with a search, as plain JSON."""
    return {
        "typing": {locus: list(pair) for locus, pair in typed.items()},
        "weight_kg": None if weight_kg is None else plain_number(weight_kg),
        "populations": populations,
        "criteria": dict(criteria),
        "policy": str(policy),
    }


def of_rows(prepared: Rows) -> str:
    """All results as they are copied into the table, without the number of the run before the first tab."""
    digest = hashlib.sha256()
    prepared.seek(0)
    for line in prepared:
        digest.update(line.partition("\t")[2].encode())
    return digest.hexdigest()


def of_prediction(prediction: dict[str, Any]) -> str:
    """The summary of the probabilities, or what was stored in its place."""
    return of_json(prediction)


def of_json(value: Any) -> str:
    """Whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
