"""What stands beside the tank farm of the demonstration: a quarantine tank, and the log of the first tanks."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from bank.choices import NodeKind, ReadingSource, TankQuantity, UnitStatus
from bank.demo.storage import CANISTERS_PER_RACK, SLOTS_PER_CANISTER
from bank.models import Bank, Slot, StorageNode, TankAlarm, TankLimits, TankReading

CODE = "Q1"
LOGGED = 12  # tanks with a log: more are not looked at
DAYS, A_DAY = 30, 4
WARM_ABOVE_C, LEVEL_BELOW_PERCENT = -150.0, 40.0
LID_OPEN = range(3 * A_DAY, 3 * A_DAY + 2)  # readings counted back from the last one, of the first tank


def quarantine_tank(bank: Bank) -> None:
    """Units that wait for their release move from the farm into a tank of their own, one quarantine area."""
    site = StorageNode.objects.get(bank=bank, kind=NodeKind.SITE)
    lying = Slot.objects.filter(unit__bank=bank, unit__status=UnitStatus.QUARANTINE)
    waiting = list(lying.order_by("unit__unit_no").values_list("unit_id", flat=True))
    lying.update(unit=None)
    farm = StorageNode.objects.filter(bank=bank, kind=NodeKind.TANK).count()
    tank = StorageNode.objects.create(
        bank=bank, kind=NodeKind.TANK, parent=site, code=CODE, quarantine=True, position=farm + 1
    )
    canisters = len(waiting) // SLOTS_PER_CANISTER + 1  # one slot at least is free
    racks = [
        StorageNode(bank=bank, kind=NodeKind.RACK, parent=tank, code=f"R{number}", position=number)
        for number in range(1, -(-canisters // CANISTERS_PER_RACK) + 1)
    ]
    StorageNode.objects.bulk_create(racks, batch_size=1_000)
    nodes = [
        StorageNode(bank=bank, kind=NodeKind.CANISTER, parent=rack, code=f"C{number}", position=number)
        for rack in racks
        for number in range(1, CANISTERS_PER_RACK + 1)
    ]
    StorageNode.objects.bulk_create(nodes, batch_size=1_000)
    places = ((node, position) for node in nodes for position in range(1, SLOTS_PER_CANISTER + 1))
    Slot.objects.bulk_create(
        [
            Slot(canister=node, position=position, unit_id=waiting[number] if number < len(waiting) else None)
            for number, (node, position) in enumerate(places)
        ],
        batch_size=5_000,
    )


def log(bank: Bank, last_at: dt.datetime, seed: int, person_id: UUID | None = None) -> None:
    """Limits and a month of readings for the first tanks; the lid of the first one was open for a while."""
    tanks = StorageNode.objects.filter(bank=bank, kind=NodeKind.TANK).order_by("position")[:LOGGED]
    for number, tank in enumerate(tanks):
        TankLimits.objects.create(
            tank=tank, warm_above_c=WARM_ABOVE_C, level_below_percent=LEVEL_BELOW_PERCENT
        )
        read = list(_readings(random.Random(f"qidai-tank-{seed}-{number}"), last_at, lid_open=number == 0))
        TankReading.objects.bulk_create(
            TankReading(
                tank=tank,
                read_at=one.at,
                temperature_c=one.temperature_c,
                level_percent=one.level_percent,
                source=ReadingSource.FILE,
                entered_by_id=person_id,
            )
            for one in read
        )
        warm = [one for one in read if one.temperature_c > WARM_ABOVE_C]
        if warm:
            TankAlarm.objects.create(
                tank=tank,
                what=TankQuantity.TEMPERATURE,
                first_at=min(one.at for one in warm),
                last_at=max(one.at for one in warm),
                value=max(one.temperature_c for one in warm),
                limit=WARM_ABOVE_C,
                readings=len(warm),
            )


@dataclass(frozen=True)
class _Read:
    at: dt.datetime
    temperature_c: float
    level_percent: float


def _readings(rng: random.Random, last_at: dt.datetime, *, lid_open: bool) -> Iterator[_Read]:
    """Vapour at about −185 °C; the level falls by one per cent a day and is filled up each week."""
    for back in range(DAYS * A_DAY):
        warm = rng.uniform(42, 60) if lid_open and back in LID_OPEN else 0
        level = 74 - (DAYS * A_DAY - back) / A_DAY % 7 * 1.6 + rng.uniform(-0.4, 0.4)
        at = last_at - dt.timedelta(hours=back * 24 / A_DAY)
        yield _Read(at, round(-185 + rng.uniform(-1.5, 1.5) + warm, 1), round(level, 1))
