"""What a person vouches for who confirms the values of an imported unit: what was shown, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from bank.choices import Analyte, TimePoint, UnitStatus
from bank.models import CordBloodUnit, Measurement

# The values on which a unit is held, and the volume that stands beside them.
LISTED = (Analyte.VOLUME, Analyte.TNC, Analyte.CD34)


@dataclass(frozen=True)
class Shown:
    """Why the unit waits, as sentences, and the values of its file. digest: changes with any of them."""

    reasons: list[str]
    measurements: list[Measurement]
    digest: str


def shown(unit: CordBloodUnit) -> Shown:
    rows = _of_the_import(unit)
    content = [
        unit.held_reasons,
        [[name, getattr(unit, name)] for name in ("volume_ml", "tnc_e7", "cd34_e6")],
        sorted([str(row.pk), row.value] for row in rows),
        goes_to(unit).value,
    ]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Shown(unit.reasons_to_confirm, rows, digest)


def goes_to(unit: CordBloodUnit) -> UnitStatus:
    """On offer only if somebody declared for its file that its units were released; else the release desk decides.

    Nobody declared that of a value entered after the import: then it decides too.
    """
    batch = unit.import_batch
    declared = batch is not None and bool(batch.declaration)
    wanted = unit.status_when_confirmed == UnitStatus.LISTED
    if not (declared and wanted) or not all(_is_brought(unit, row) for row in listed_values(unit)):
        return UnitStatus.QUARANTINE
    return UnitStatus.LISTED


def listed_values(unit: CordBloodUnit) -> list[Measurement]:
    """Those in force, whoever entered them, in the order of LISTED."""
    rows = unit.measurements.in_force().filter(time_point=TimePoint.PROCESSING, analyte__in=LISTED)
    order = list(LISTED)
    return sorted(rows.select_related("entered_by"), key=lambda row: order.index(Analyte(row.analyte)))


def _of_the_import(unit: CordBloodUnit) -> list[Measurement]:
    """Listed values that its file brought and nobody has vouched for; not what somebody entered after that."""
    return [row for row in listed_values(unit) if row.verified_by_id is None and _is_brought(unit, row)]


def _is_brought(unit: CordBloodUnit, row: Measurement) -> bool:
    """By the file of the unit; of a unit without one nobody can tell."""
    batch = unit.import_batch
    if batch is None:
        return True
    return row.entered_by_id == batch.user_id and (
        batch.written_at is None or row.entered_at <= batch.written_at
    )
