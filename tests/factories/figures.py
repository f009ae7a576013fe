"""Transplants with their outcomes, for tests of figures. Straight into the tables, then the version goes up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hospitals.models import Hospital
from transplants.models import Outcome, Transplant, TransplantUnit
from transplants.services_outcomes import version_bump

DAY_0 = dt.date(2010, 1, 1)


@dataclass
class Given:
    """One transplant of a test: what differs from a dull one."""

    hospital: Hospital
    followed: float = 3000.0
    dead: bool = False
    own: bool = True
    units: int = 1
    row: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] | None = field(default_factory=dict)
    unit: dict[str, Any] = field(default_factory=dict)


_count = 0


def _transplant(given: Given) -> Transplant:
    global _count
    _count += 1
    values: dict[str, Any] = {
        "number": f"TX-T-{_count:06d}",
        "source": "import",
        "registry_code": f"T{_count:06d}",
        "hospital": given.hospital,
        "infused_on": DAY_0,
        "sequence": 1,
        "graft_type": "single",
        "diagnosis": "aml",
        "stage": "cr1",
        "sex": "F",
        "age_years": 30,
        "intensity": "mac",
    }
    return Transplant(**{**values, **given.row})


def outcomes(given: Iterable[Given]) -> list[Transplant]:
    """The rows as the derivation leaves them: no answer but life and death unless it is given."""
    asked = list(given)
    rows = Transplant.objects.bulk_create([_transplant(one) for one in asked], batch_size=1000)
    pairs = list(zip(asked, rows, strict=True))
    TransplantUnit.objects.bulk_create(
        [
            TransplantUnit(
                transplant=row,
                position=place + 1,
                is_own=one.own,
                **{"tnc_e7_per_kg": 3.0, "antigen6": 5, "allele8": 6, **one.unit},
            )
            for one, row in pairs
            for place in range(one.units)
        ],
        batch_size=1000,
    )
    Outcome.objects.bulk_create(
        [
            Outcome(transplant=row, days_followed=one.followed, is_dead=one.dead, **one.outcome)
            for one, row in pairs
            if one.outcome is not None
        ],
        batch_size=1000,
    )
    version_bump()
    return rows
