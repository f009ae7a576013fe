"""Addresses of the storage: all of the bank's staff look, three roles move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bank.services_storage import unit_place
from bank.services_tanks import reading_record, tank_limits_set
from core.roles import Role
from tests.access.matrix import HOSPITAL, Row, World
from tests.factories.bank import UnitFactory
from tests.factories.storage import SYSTEM, slot, tank

STAFF = frozenset(Role) - HOSPITAL
MOVERS = frozenset({Role.LAB, Role.QA, Role.SHIPPING})
REASON = {"reason": "because of a test"}
AT = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)


def build(world: World) -> None:
    world.tank = tank("TX")
    world.canister = slot(1, "TX").canister
    world.free = [slot(position, "TX").pk for position in (2, 3)]
    world.stored = UnitFactory(status="RELEASED")
    unit_place(unit_id=world.stored.pk, slot_id=slot(1, "TX").pk, actor=SYSTEM)
    tank_limits_set(
        tank_id=world.tank.pk, warm_above_c=-150, level_below_percent=None, actor=SYSTEM, reason="r"
    )
    reading_record(tank_id=world.tank.pk, read_at=AT, temperature_c=-100, actor=SYSTEM)
    world.alarm = world.tank.alarms.get()


def act(name: str, data: Callable[[World], dict[str, Any]]) -> Row:
    return Row(
        "bank:storage-act", MOVERS, lambda w: {"pk": w.canister.pk, "act": name}, method="post", data=data
    )


ROWS = [
    Row("bank:storage", STAFF),
    Row("bank:storage-export", STAFF),
    Row("bank:storage-misplaced", STAFF),
    Row("bank:storage-picking", STAFF),
    Row(
        "bank:storage-picking-print",
        MOVERS,
        method="post",
        data=lambda w: {"units": str(w.stored.pk)},
    ),
    Row("bank:storage-tank", STAFF, lambda w: {"pk": w.tank.pk}),
    Row("bank:storage-canister", STAFF, lambda w: {"pk": w.canister.pk}),
    Row("bank:storage-scan", MOVERS),
    Row(
        "bank:storage-scan",
        MOVERS,
        method="post",
        data=lambda w: {"unit": str(w.stored.pk), "scan": "TX-R1-C1-02"},
    ),
    act("move", lambda w: {"unit": str(w.stored.pk), "slot": str(w.free[0])}),
    act("put", lambda w: {"number": w.stored.unit_no, "slot": str(w.free[0])}),
    act("take-out", lambda w: {"unit": str(w.stored.pk), **REASON}),
    act("block", lambda w: {"slot": str(w.free[1]), **REASON}),
    Row(
        "bank:storage-act",
        MOVERS,
        lambda w: {"pk": w.canister.pk, "act": "unblock"},
        method="post",
        data=lambda w: {"slot": str(w.free[1]), **REASON},
        ok=(400,),  # let in, and told that this place is not blocked
    ),
    Row("bank:storage-node", MOVERS),
    Row(
        "bank:storage-node",
        MOVERS,
        method="post",
        data=lambda w: {
            "kind": "rack",
            "parent": str(w.tank.pk),
            "code": "R2",
            "canisters": "1",
            "slots": "1",
        },
    ),
    Row("bank:storage-placing-file", MOVERS),
    Row("bank:storage-placing-file", MOVERS, method="post", ok=(400,)),
    Row(
        "bank:storage-placing-confirm",
        MOVERS,
        method="post",
        data=lambda w: {"token": str(uuid4())},
        ok=(400,),
    ),
    Row("bank:storage-readings-file", MOVERS),
    Row("bank:storage-readings-file", MOVERS, method="post", ok=(400,)),
    Row(
        "bank:storage-readings-confirm",
        MOVERS,
        method="post",
        data=lambda w: {"token": str(uuid4())},
        ok=(400,),
    ),
    Row(
        "bank:storage-reading",
        MOVERS,
        lambda w: {"pk": w.tank.pk},
        method="post",
        data=lambda w: {"read_at": "2026-03-02T09:00", "temperature_c": "-180"},
    ),
    Row(
        "bank:storage-limits",
        MOVERS,
        lambda w: {"pk": w.tank.pk},
        method="post",
        data=lambda w: {"warm_above_c": "-160", **REASON},
    ),
    Row(
        "bank:storage-quarantine",
        MOVERS,
        lambda w: {"pk": w.tank.pk},
        method="post",
        data=lambda w: {"quarantine": "on", **REASON},
    ),
    Row(
        "bank:storage-alarm",
        MOVERS,
        lambda w: {"pk": w.alarm.pk},
        method="post",
        data=lambda w: {"remark": "seen"},
    ),
]
