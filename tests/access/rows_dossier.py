"""Addresses of lots, look-back and dossiers: the bank's staff look, few change, fewer fetch."""

from __future__ import annotations

from bank.models import Lot
from core.roles import Role
from tests.access.matrix import HOSPITAL, Row, World
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.core import PASSWORD

STAFF = frozenset(Role) - HOSPITAL
IMPORTERS = frozenset({Role.LAB, Role.QA, Role.SEARCH_COORDINATOR})
EDITORS = frozenset({Role.LAB, Role.QA})
BLOCKERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})
READERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR, Role.AUDITOR})


def build(world: World) -> None:
    world.lot = Lot.objects.create(kind="bag", manufacturer="M", number="B-1")
    world.blocked_lot = Lot.objects.create(kind="bag", number="B-2", state="blocked", blocked_reason="leaks")
    world.traced = UnitFactory(donation=DonationFactory())
    world.partners_unit = UnitFactory(source="partner")


ROWS = [
    Row("bank:lot-list", STAFF, query="?q=B&kind=bag&state=blocked&sort=-expires"),
    Row("bank:lot-detail", STAFF, lambda w: {"pk": w.lot.pk}),
    Row("bank:lot-units-export", STAFF, lambda w: {"pk": w.lot.pk}),
    Row("bank:lot-register", EDITORS),
    Row(
        "bank:lot-register",
        EDITORS,
        method="post",
        data=lambda w: {"kind": "reagent", "manufacturer": "M", "number": "R-1"},
    ),
    Row("bank:lot-correct", EDITORS, lambda w: {"pk": w.lot.pk}),
    Row(
        "bank:lot-correct",
        EDITORS,
        lambda w: {"pk": w.lot.pk},
        method="post",
        data=lambda w: {"manufacturer": "N", "reason": "misread"},
    ),
    Row("bank:lot-block", BLOCKERS, lambda w: {"pk": w.lot.pk}),
    Row(
        "bank:lot-block",
        BLOCKERS,
        lambda w: {"pk": w.lot.pk},
        method="post",
        data=lambda w: {"reason": "leaks", "password": PASSWORD, "seen": "another page"},
        ok=(409,),  # let in, and told that this is not what was read
    ),
    Row("bank:lot-merge", BLOCKERS, lambda w: {"pk": w.lot.pk}),
    Row(
        "bank:lot-merge",
        BLOCKERS,
        lambda w: {"pk": w.lot.pk},
        method="post",
        data=lambda w: {"other": "B-2", "reason": "a slip", "password": PASSWORD},
        ok=(409,),  # let in, and told that only one of them is blocked
    ),
    Row("bank:lot-unblock", BLOCKERS, lambda w: {"pk": w.blocked_lot.pk}),
    Row(
        "bank:lot-unblock",
        BLOCKERS,
        lambda w: {"pk": w.blocked_lot.pk},
        method="post",
        data=lambda w: {"reason": "tested", "password": PASSWORD},
    ),
    Row("bank:unit-lot", IMPORTERS, lambda w: {"pk": w.traced.pk}),
    Row(
        "bank:unit-lot",
        IMPORTERS,
        lambda w: {"pk": w.traced.pk},
        method="post",
        data=lambda w: {"kind": "reagent", "number": "R-9", "step": "typing"},
    ),
    Row("bank:unit-lookback", STAFF, lambda w: {"pk": w.traced.pk}),
    Row("bank:unit-lookback", STAFF, lambda w: {"pk": w.partners_unit.pk}, ok=(404,)),
    Row("bank:unit-dossier", READERS, lambda w: {"pk": w.traced.pk}),
    Row("bank:unit-dossier", READERS, lambda w: {"pk": w.partners_unit.pk}, ok=(404,)),
    Row("bank:unit-dossier-file", READERS, lambda w: {"pk": w.traced.pk}, query="?format=json"),
    Row("bank:unit-dossier-file", READERS, lambda w: {"pk": w.partners_unit.pk}, ok=(404,)),
    Row("api:unit-dossier", READERS, lambda w: {"pk": w.traced.pk}, json=True),
    Row("api:unit-dossier", READERS, lambda w: {"pk": w.partners_unit.pk}, json=True, ok=(404,)),
]
