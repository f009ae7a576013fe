"""Who is told, in the same transaction, that a conflict of typings was settled: apps that rely on a unit."""

from __future__ import annotations

from collections.abc import Callable

from bank.models import CordBloodUnit
from core.audit import Actor

Hearer = Callable[[CordBloodUnit, Actor], None]
_hearers: list[Hearer] = []


def register(hearer: Hearer) -> None:
    if hearer not in _hearers:
        _hearers.append(hearer)


def tell(unit: CordBloodUnit, actor: Actor) -> None:
    """unit: locked, its typing in force and the conflict settled."""
    for hearer in _hearers:
        hearer(unit, actor)
