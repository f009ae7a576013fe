"""What a graft must hold for a patient. The rules of choosing are in `matching`, which registers its answer here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.models import User
from hospitals.models import Patient


@dataclass(frozen=True)
class DoseNeeded:
    """One way to transplant: cells that the unit, or both together, must hold before freezing; "" where not asked."""

    label: str
    tnc_e7: str
    cd34_e6: str
    tnc_e7_per_kg: str
    cd34_e5_per_kg: str


@dataclass(frozen=True)
class DosesNeeded:
    """By a policy and a weight; without a weight there are no rows."""

    policy: str
    weight: str
    rows: Sequence[DoseNeeded]


Provider = Callable[[Patient, User], DosesNeeded | None]
_provider: list[Provider] = []


def register(provider: Provider) -> None:
    _provider[:] = [provider]


def doses_needed(patient: Patient, user: User) -> DosesNeeded | None:
    """None where no policy says anything to this person."""
    return _provider[0](patient, user) if _provider else None
