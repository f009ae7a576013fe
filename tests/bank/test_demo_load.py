"""The synthetic inventory in the tables: complete, one batch, one entry, the same for any number of processes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce

from bank.demo import processes
from bank.demo.keys import Keys
from bank.demo.lines import Chunk
from bank.demo.load import load
from bank.demo.processes import Order
from bank.demo.storage import SLOTS_PER_CANISTER
from bank.demo.units import Plan
from bank.imports.origin import Origin
from bank.models import (
    Accreditation,
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    Donation,
    HaemoglobinopathyResult,
    HlaTyping,
    ImportBatch,
    Lot,
    LotUse,
    MarkerResult,
    Measurement,
    ReleaseSpecification,
    SampleUse,
    Slot,
    UnitSample,
)
from core.audit import Actor
from core.models import AuditEntry
from core.reference import builtin_nomenclature
from hla.mac import MacTable
from hla.resolve import resolver_for

BY = Actor.system("demo_data")
TODAY = dt.date(2026, 3, 1)
COUNT = 130


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.demo.units.CHUNK", 20)


def test_every_unit_has_all_its_records(db: None, small_chunks: None) -> None:
    told: list[int] = []

    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1, tell=told.append)

    units = CordBloodUnit.objects.annotate(
        Count("markers", distinct=True), Count("measurements", distinct=True)
    )
    assert {u.markers__count for u in units if u.status != "QUARANTINE"} == {10}
    assert {u.markers__count for u in units if u.status == "QUARANTINE"} <= {14}
    assert min(u.measurements__count for u in units) >= 4  # volume, counts, haematocrit
    assert CordBloodUnit.objects.filter(donation__isnull=False, synthetic=True).count() == COUNT
    assert Donation.objects.count() == COUNT
    assert HlaTyping.objects.filter(is_current=True, subject="unit").count() == COUNT
    waiting = CordBloodUnit.objects.filter(status="QUARANTINE")
    assert MarkerResult.objects.count() == 10 * COUNT + 4 * waiting.count()
    assert BloodGroupResult.objects.count() == waiting.count() > 0
    assert 0 < CultureResult.objects.count() <= 2 * waiting.count()
    assert ReleaseSpecification.objects.get().approved_at is None  # nobody was named who may
    assert Measurement.objects.filter(
        analyte__in=["volume", "tnc", "cd34"], time_point="processing"
    ).count() == (3 * COUNT)
    assert HlaTyping.objects.filter(subject="mother").count() > 0.15 * COUNT
    assert HaemoglobinopathyResult.objects.count() > 0.8 * COUNT
    assert {row.scheme for row in Accreditation.objects.valid_on(TODAY)} == {"netcord_fact", "licence"}
    assert set(CordBloodUnit.objects.values_list("import_line", flat=True)) == set(range(1, COUNT + 1))
    assert told == [20, 40, 60, 80, 100, 120, 130]


def test_units_lie_in_full_canisters(db: None, small_chunks: None) -> None:
    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)

    per_canister = Slot.objects.values_list("canister").annotate(Count("id"))
    assert {count for _canister, count in per_canister} == {SLOTS_PER_CANISTER}
    stored = CordBloodUnit.objects.exclude(status="DISCARDED")
    assert Slot.objects.filter(unit__in=stored).count() == stored.count() < COUNT
    assert not Slot.objects.filter(unit__status="DISCARDED").exists()


def test_one_batch_and_one_entry_with_the_digest_of_its_rows(db: None, small_chunks: None) -> None:
    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)

    batch, entry = ImportBatch.objects.get(), AuditEntry.objects.get(action="units.import")
    rows = sorted(CordBloodUnit.objects.values_list("import_digest", flat=True))
    assert batch.rows_sha256 == entry.batch_sha256 == hashlib.sha256("".join(rows).encode()).hexdigest()
    assert batch.imported == entry.batch_rows == COUNT
    assert batch.held == CordBloodUnit.objects.filter(held_for_confirmation=True).count()
    assert entry.target_key == str(batch.pk)


def test_an_empty_inventory_is_a_batch_too(db: None) -> None:
    batch = load(count=0, seed=1, actor=BY, today=TODAY)

    assert (batch.rows, batch.rows_sha256) == (0, hashlib.sha256().hexdigest())


def test_nothing_is_left_of_a_load_that_failed_half_way(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.demo.units.CHUNK", 20)
    whole = processes.chunks

    def broken(order: Order, workers: int) -> Generator[Chunk, None, None]:
        yield next(whole(order, workers))
        raise RuntimeError("a process died")

    monkeypatch.setattr(processes, "chunks", broken)

    with pytest.raises(RuntimeError, match="died"):
        load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)
    assert not CordBloodUnit.objects.exists()
    assert not ImportBatch.objects.exists()


@pytest.mark.slow
def test_any_number_of_processes_makes_the_same_inventory(small_chunks: None) -> None:
    """Real processes; keys and reference data reach them."""
    resolver = resolver_for(builtin_nomenclature(), MacTable.of("test", {"AB": "01/02", "BD": "02/06"}))
    origin = Origin(uuid4(), uuid4(), resolver.nomenclature.release, resolver.mac.version)
    order = Order.of(Plan.of(COUNT, 1, TODAY), Keys(), origin, resolver)

    alone = list(processes.chunks(order, 1))

    assert list(processes.chunks(order, 2)) == alone
    assert len(alone) == 7
    assert any(b":AB" in chunk.texts[1] for chunk in alone)


def test_keys_are_uuids_of_version_7_in_order(db: None, small_chunks: None) -> None:
    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)

    units: list[Any] = list(CordBloodUnit.objects.order_by("import_line").values_list("pk", flat=True))
    assert units == sorted(units)
    assert {unit.version for unit in units} == {7}


def test_every_unit_used_lots_that_were_there_and_the_kit_that_its_markers_name(db: None) -> None:
    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)

    assert set(CordBloodUnit.objects.annotate(n=Count("lot_uses")).values_list("n", flat=True)) == {5}
    uses = list(LotUse.objects.select_related("lot"))
    assert [use for use in uses if use.lot.received_on > use.used_on] == []
    assert [use for use in uses if use.lot.has_expired(use.used_on)] == []
    written = dict(MarkerResult.objects.values_list("unit_id", "kit_lot"))
    assert {use.unit_id: use.lot.number for use in uses if use.step == "marker"} == written
    assert Lot.objects.blocked().count() == 1


def test_stock_uses_and_the_unit_s_own_number_agree(db: None, small_chunks: None) -> None:
    load(count=COUNT, seed=1, actor=BY, today=TODAY, workers=1)

    stock = UnitSample.objects.filter(kind="segment").annotate(used=Coalesce(Sum("uses__count"), 0))
    assert stock.count() == COUNT
    assert not stock.exclude(remaining=F("opening") - F("used")).exists()
    assert not stock.exclude(remaining=F("unit__segments")).exists()
    assert SampleUse.objects.exists()
