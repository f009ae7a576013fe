"""The state of a unit as EMDIS and WMDA call it (data dictionary field 416)."""

from __future__ import annotations

from bank.choices import EMDIS, UnitStatus
from bank.models import CordBloodUnit

NO_SAMPLE = "NS"


def status_of(unit: CordBloodUnit) -> tuple[str, str]:
    """Status and reason; on offer without a segment for the confirmatory typing the reason is NS: no sample left."""
    status, reason = EMDIS[UnitStatus(unit.status)]
    if status and not reason and unit.segments == 0:
        reason = NO_SAMPLE
    return status, reason
