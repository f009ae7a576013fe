"""Whether a stored list still says what a search would find now, and what a new list changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import audit
from matching import digests, frequency_sets, inventory, reference
from matching.engine.search import ENGINE_VERSION
from matching.models import MatchRequest, SearchRun
from matching.results import LISTED, Listed

UNITS_NAMED = 20


InForce = list[Any]


def in_force() -> InForce:
    """What of the reference data in use decides a list, as plain JSON."""
    now = reference.in_use()
    return [
        [now.nomenclature, now.mac_checksum, ENGINE_VERSION],
        *(
            [one.checksum, one.population, one.is_default, one.is_global]
            for one in frequency_sets.active_sets()
        ),
    ]


def basis(
    request: MatchRequest, typed: Mapping[str, Sequence[str]], criteria: Mapping[str, Any], in_force: InForce
) -> str:
    """Digest (SHA-256) of all that decides a list beside the inventory, reference data in use included.

    Taken when a search is asked for: where reference data change before it is done, the digest is of the older
    ones, and the next night searches once more. Nothing is missed.
    """
    patient = request.patient
    asked = digests.inputs(typed, patient.weight_kg, patient.populations, criteria, request.policy_id)
    return digests.of_json({**asked, "in_force": in_force})


def inventory_number() -> int:
    """The newest change of the inventory."""
    return audit.ledger_last(inventory.CHANGES)


def changes(
    known: SearchRun, before: Sequence[Listed], after: Sequence[Listed], primary: str
) -> dict[str, Any]:
    """What a list has that the list of `known` has not, as stored with the run (`SearchRun.changes`).

    new, gone: units; better, worse: units whose class that orders the list rose or fell, certain matches counting
    after possible ones. news: new and better ones, what a hospital should look at.
    """
    old = {row[0]: _match(row, primary) for row in before}
    new = {row[0]: _match(row, primary) for row in after}
    added = [unit for unit in new if unit not in old]
    better = [unit for unit in new if unit in old and new[unit] > old[unit]]
    return {
        "against": known.run_no,
        "since": known.completed_at.isoformat() if known.completed_at else "",
        "new": len(added),
        "gone": sum(unit not in new for unit in old),
        "better": len(better),
        "worse": sum(unit in old and new[unit] < old[unit] for unit in new),
        "news": len(added) + len(better),
        "units": [str(unit) for unit in (*added, *better)][:UNITS_NAMED],
    }


def _match(row: Listed, primary: str) -> tuple[int, int]:
    """Possible and certain matches."""
    most, least = (row[LISTED.index(f"{primary}_{end}")] or 0 for end in ("max", "min"))
    return most, least
