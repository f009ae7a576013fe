"""The synthetic inventory into the tables: units, donations, markers, and a drawn tank farm to lie in."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from bank.choices import FileKind, MarkerTest, NodeKind, Subject
from bank.demo.units import units
from bank.imports.rows import UnitRow
from bank.imports.typings import TypingReader
from bank.imports.write import copy_rows, write_units
from bank.models import Bank, Donation, ImportBatch, MarkerResult, Slot, StorageNode
from bank.services import rows_digest
from core import audit, reference
from core.audit import Actor, Batch

BANK = {"code": "QD", "name": "Qidai Demonstration Bank", "country": "CN"}
TESTS = (MarkerTest.ANTI_HIV_12, MarkerTest.HBS_AG, MarkerTest.ANTI_HCV, MarkerTest.SYPHILIS, MarkerTest.CMV)
SLOTS_PER_CANISTER, CANISTERS_PER_RACK, RACKS_PER_TANK = 20, 10, 12


@transaction.atomic
def load(*, count: int, seed: int, actor: Actor, today: dt.date | None = None) -> ImportBatch:
    """Write `count` synthetic units, marked as such, as one batch with one audit entry."""
    reader = TypingReader(reference.resolver())
    rows = list(units(count, seed, reader, today or timezone.localdate()))
    bank, _created = Bank.objects.get_or_create(code=BANK["code"], defaults=BANK)
    batch = _batch(bank, rows, seed, reader, actor)
    batch.save(force_insert=True)
    rng = random.Random(f"qidai-records-{seed}")
    _donations(rows, bank, rng)
    ids = write_units(rows, batch, synthetic=True)
    _markers(rows, ids, rng)
    _storage(rows, ids, bank)
    digest = Batch(rows=len(rows), sha256=batch.rows_sha256)
    after = {"synthetic": True, "imported": len(rows), "seed": seed}
    audit.record(actor=actor, action="units.import", target=batch, after=after, batch=digest)
    return batch


def _batch(bank: Bank, rows: Sequence[UnitRow], seed: int, reader: TypingReader, actor: Actor) -> ImportBatch:
    return ImportBatch(
        bank=bank,
        kind=FileKind.DEMO,
        file_name=f"demo_data --units {len(rows)} --seed {seed}",
        file_bytes=0,
        file_sha256="",
        rows=len(rows),
        imported=len(rows),
        unchanged=0,
        failed=0,
        held=sum(1 for row in rows if row.held),
        rows_sha256=rows_digest(rows),
        nomenclature=reader.resolver.nomenclature.release,
        mac_version=reader.resolver.mac.version,
        actor=actor.label,
    )


def _donations(rows: Sequence[UnitRow], bank: Bank, rng: random.Random) -> None:
    """One collection for each unit; the unit's row learns its key."""
    columns = (
        "id", "bank_id", "mother_code", "infant_no", "infant_sex", "bag_id", "anticoagulant", "collection_site",
        "consented_on", "gestation_weeks",
    )  # fmt: skip
    for row in rows:
        row.values["donation_id"] = uuid4()
    copy_rows(Donation, columns, (_donation(row, bank, rng) for row in rows))


def _donation(row: UnitRow, bank: Bank, rng: random.Random) -> list[Any]:
    number = row.unit_no[2:]
    consented = row.values["collected_on"] - dt.timedelta(days=rng.randint(0, 40))
    weeks = rng.choice((38, 39, 39, 40, 40, 41))
    site = f"Maternity {rng.randint(1, 24):02d}"
    return [
        row.values["donation_id"], bank.pk, f"M-{number}", 1, row.values["sex"], f"BAG{number}", "CPD", site,
        consented, weeks,
    ]  # fmt: skip


def _markers(rows: Sequence[UnitRow], ids: Mapping[str, UUID], rng: random.Random) -> None:
    columns = (
        "id",
        "unit_id",
        "subject",
        "test",
        "result",
        "method",
        "specimen",
        "kit_lot",
        "laboratory",
        "tested_on",
    )
    copy_rows(MarkerResult, columns, _marker_rows(rows, ids, rng))


def _marker_rows(rows: Sequence[UnitRow], ids: Mapping[str, UUID], rng: random.Random) -> Iterator[list[Any]]:
    for row in rows:
        tested = row.values["collected_on"] + dt.timedelta(days=rng.randint(1, 5))
        for test in TESTS:
            # Most adults in China carry CMV antibodies; the other tests would stop the unit.
            result = "positive" if test == MarkerTest.CMV and rng.random() < 0.93 else "negative"
            lot = f"L{tested:%y%m}"
            yield [
                uuid4(), ids[row.unit_no], Subject.MOTHER.value, test.value, result, "", "serum", lot, "", tested,
            ]  # fmt: skip


def _storage(rows: Sequence[UnitRow], ids: Mapping[str, UUID], bank: Bank) -> None:
    """Fill canister after canister; discarded units leave their slot empty."""
    canisters = -(-len(rows) // SLOTS_PER_CANISTER)
    nodes, leaves = _tree(canisters, bank)
    columns = ("id", "bank_id", "kind", "parent_id", "code", "position", "quarantine")
    copy_rows(StorageNode, columns, nodes)
    slots = []
    for place in range(canisters * SLOTS_PER_CANISTER):
        row = rows[place] if place < len(rows) else None
        stored = row is not None and row.status != "DISCARDED"
        unit = ids[row.unit_no] if row is not None and stored else None
        canister, position = divmod(place, SLOTS_PER_CANISTER)
        slots.append([uuid4(), leaves[canister], position + 1, unit, False])
    copy_rows(Slot, ("id", "canister_id", "position", "unit_id", "blocked"), slots)


def _tree(canisters: int, bank: Bank) -> tuple[list[list[Any]], list[UUID]]:
    """Rows of one site with as many tanks, racks and canisters as are needed, parents first."""
    site = uuid4()
    nodes: list[list[Any]] = [[site, bank.pk, NodeKind.SITE.value, None, "S1", 1, False]]
    leaves: list[UUID] = []
    tank = rack = site
    for number in range(canisters):
        rack_number, in_rack = divmod(number, CANISTERS_PER_RACK)
        tank_number, in_tank = divmod(rack_number, RACKS_PER_TANK)
        if in_rack == 0 and in_tank == 0:
            tank = _node(nodes, bank, NodeKind.TANK, site, f"T{tank_number + 1}", tank_number + 1)
        if in_rack == 0:
            rack = _node(nodes, bank, NodeKind.RACK, tank, f"R{in_tank + 1}", in_tank + 1)
        leaves.append(_node(nodes, bank, NodeKind.CANISTER, rack, f"C{in_rack + 1}", in_rack + 1))
    return nodes, leaves


def _node(nodes: list[list[Any]], bank: Bank, kind: NodeKind, parent: UUID, code: str, position: int) -> UUID:
    key = uuid4()
    nodes.append([key, bank.pk, kind.value, parent, code, position, False])
    return key
