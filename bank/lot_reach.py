"""Who is told, in the same transaction, that a lot touches further units: apps that recalled the lot.

A use that is noted late, or a lot that turns out to be another one's second name, brings units that nobody looked at
when the lot was recalled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bank.models import CordBloodUnit, Lot
from core.audit import Actor

Hearer = Callable[[Lot, Sequence[CordBloodUnit], Actor], None]
_hearers: list[Hearer] = []


def register(hearer: Hearer) -> None:
    if hearer not in _hearers:
        _hearers.append(hearer)


def tell(lots: Iterable[Lot], units: Sequence[CordBloodUnit], actor: Actor) -> None:
    """units: on which these lots were used; they and the lots are locked. Call it once a step is made: what is recalled
    makes none any more. People may be told, so their rows come last of all."""
    for lot in {lot.pk: lot for lot in lots}.values():
        for hearer in _hearers:
            hearer(lot, units, actor)
