"""Whether a patient lives has changed: apps further left say what follows from it, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable

from hospitals.models import Patient

Hook = Callable[[Patient], None]
_hooks: list[Hook] = []


def register(hook: Hook) -> None:
    """hook: called under the lock of the patient's row, after its state or the day of its end has changed."""
    if hook not in _hooks:
        _hooks.append(hook)


def changed(patient: Patient) -> None:
    for hook in _hooks:
        hook(patient)
