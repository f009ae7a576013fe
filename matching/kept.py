"""Which units are kept for a patient: told by `transplants`, which keeps the promises.

A unit that is reserved is gone for everybody, and not for the patient whom it is reserved for.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

Provider = Callable[[UUID], frozenset[UUID]]
_provider: list[Provider] = []


def register(provider: Provider) -> None:
    _provider[:] = [provider]


def kept_for(patient_id: UUID) -> frozenset[UUID]:
    """Keys of the units that are promised to this patient and lie ready for him."""
    return _provider[0](patient_id) if _provider else frozenset()
