"""Units of a recall are kept back: what its start and its growth share. Inside the transaction of whoever calls."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bank import recalls
from bank.models import CordBloodUnit
from core.audit import Actor, Batch
from transplants.models import IncidentUnit, Recall, RecallUnit


def hold_back(row: Recall, units: Sequence[CordBloodUnit], actor: Actor) -> None:
    """The locked units are of the recall, named in its incident, and flagged. Those that it has already are not given
    again."""
    RecallUnit.objects.bulk_create(
        (RecallUnit(recall=row, unit=unit, status_then=unit.status) for unit in units), batch_size=1_000
    )
    IncidentUnit.objects.bulk_create(
        (IncidentUnit(incident_id=row.incident_id, unit=unit) for unit in units),
        batch_size=1_000,
        ignore_conflicts=True,
    )
    recalls.flag_all(units, actor=actor, reason=why(row))


def why(row: Recall) -> str:
    """What stands with a unit and a lot that it keeps back."""
    return f"{row.number}: {row.reason}"


def batch_of(units: Sequence[CordBloodUnit]) -> Batch:
    keys = "\n".join(sorted(str(unit.pk) for unit in units))
    return Batch(rows=len(units), sha256=hashlib.sha256(keys.encode()).hexdigest())
