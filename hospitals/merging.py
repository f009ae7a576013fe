"""What still goes on for a patient: apps further left say it, so that a record is not merged away under their work."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hospitals.models import Patient

Provider = Callable[[Patient], Iterable[str]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """provider: numbers of what is open for a patient, as people know them; under the lock of the patient's row."""
    if provider not in _providers:
        _providers.append(provider)


def open_work(patient: Patient) -> list[str]:
    return [number for provider in _providers for number in provider(patient)]
