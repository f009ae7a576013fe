"""The storage for tests: a site, tanks with racks, canisters and slots."""

from __future__ import annotations

from bank.models import Bank, Slot, StorageNode
from bank.services_storage import Shape, nodes_create
from core.audit import Actor
from tests.factories.bank import BankFactory

SYSTEM = Actor.system("test")


def tank(
    code: str = "T1",
    *,
    bank: Bank | None = None,
    racks: int = 1,
    canisters: int = 1,
    slots: int = 5,
    quarantine: bool = False,
    for_samples: bool = False,
) -> StorageNode:
    """A tank of the shape, in site S1 of the test bank."""
    bank = bank or BankFactory()
    site = StorageNode.objects.filter(bank=bank, kind="site").first() or nodes_create(
        bank_id=bank.pk, kind="site", code="S1", actor=SYSTEM
    )
    return nodes_create(
        bank_id=bank.pk,
        parent_id=site.pk,
        kind="tank",
        code=code,
        quarantine=quarantine,
        for_samples=for_samples,
        shape=Shape(racks, canisters, slots),
        actor=SYSTEM,
    )


def slot(position: int = 1, tank_code: str = "T1") -> Slot:
    """A slot of the first canister of a tank."""
    return Slot.objects.with_place().get(
        canister__parent__parent__code=tank_code,
        canister__parent__code="R1",
        canister__code="C1",
        position=position,
    )
