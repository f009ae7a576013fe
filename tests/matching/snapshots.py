"""Units that come and change as if committed, and the snapshot that follows them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from bank.models import CordBloodUnit
from hla.resolve import Resolver
from matching import inventory
from matching.engine.snapshot import Snapshot
from tests.factories.matching import ListedUnitFactory, noted


@transaction.atomic
def listed(count: int = 1, **values: Any) -> list[CordBloodUnit]:
    return [ListedUnitFactory(**values) for _ in range(count)]


@transaction.atomic
def changed(unit: CordBloodUnit, **values: Any) -> None:
    CordBloodUnit.objects.filter(pk=unit.pk).update(**values)
    noted(unit)


def held(resolver: Resolver, count: int) -> Snapshot:
    """So many new units, and the snapshot that this process holds from now on."""
    listed(count)
    return inventory.current(resolver)


def afresh(resolver: Resolver) -> Snapshot:
    """What a full reading gives now."""
    return inventory.build(resolver)
