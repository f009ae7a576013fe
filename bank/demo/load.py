"""The synthetic inventory into the tables: units, donations, counts, markers, and a tank farm to lie in."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from bank.choices import FileKind, Scheme
from bank.demo import consent, lots, processes, samples, storage, tanks, way
from bank.demo.keys import Keys
from bank.demo.lines import TABLES, Chunk
from bank.demo.units import Plan
from bank.imports.origin import Origin
from bank.imports.write import forget_plans
from bank.models import Bank, ImportBatch, Slot, StorageNode
from bank.release.defaults import PROPOSAL
from bank.services_import import rows_digest
from bank.services_specification import specification_draft
from core import audit, reference
from core.audit import Actor, Batch
from core.copying import copy_csv, copy_rows
from hla.resolve import Resolver

BANK = {
    "code": "QD",
    "name": "Qidai Demonstration Bank",
    "country": "CN",
    "emdis_hub": "QD",
}  # a hub that is none


@transaction.atomic
def load(
    *,
    count: int,
    seed: int,
    actor: Actor,
    verified_by_id: UUID | None = None,
    approved_by_id: UUID | None = None,
    today: dt.date | None = None,
    workers: int | None = None,
    tell: Callable[[int], None] = lambda written: None,
) -> ImportBatch:
    """Write `count` synthetic units, marked as such, as one batch with one audit entry. Raises TooManyUnits.

    The same seed and count give the same units, whatever the number of `workers` (processes that make rows; None: as
    many as are sensible here). verified_by_id: who vouched for the results of most units; approved_by_id: who put the
    proposed release specification in force. tell: is told how many units are written.
    """
    day = today or timezone.localdate()
    plan = Plan.of(count, seed, day)
    resolver, keys = reference.resolver(), Keys()
    bank, _created = Bank.objects.get_or_create(code=BANK["code"], defaults=BANK)
    _accredit(bank, day)
    _specify(bank, day, actor, approved_by_id)
    batch = _batch(bank, plan, resolver, actor)
    batch.save(force_insert=True)
    lots.write(day, keys)
    copy_rows(StorageNode, storage.NODE_COLUMNS, storage.node_lines(count, bank.pk, keys))
    origin = replace(Origin.of(batch, synthetic=True), verified_by_id=verified_by_id)
    order = processes.Order.of(plan, keys, origin, resolver)
    with closing(processes.chunks(order, workers or processes.sensible())) as chunks:
        _write(batch, chunks, tell)
    left = range(count, storage.slots_of(count))
    copy_rows(Slot, storage.SLOT_COLUMNS, (storage.slot_line(place, keys, None) for place in left))
    samples.propose(bank, first_id=verified_by_id, second_id=approved_by_id)
    tanks.quarantine_tank(bank)
    tanks.log(bank, _morning_of(day), seed, verified_by_id)
    consent.fill(bank, day, actor, approved_by_id)
    way.tell(bank, count, seed, day, verified_by_id)
    digest = Batch(rows=count, sha256=batch.rows_sha256)
    after = {"synthetic": True, "imported": count, "seed": seed}
    audit.record(actor=actor, action="units.import", target=batch, after=after, batch=digest)
    return batch


def _morning_of(day: dt.date) -> dt.datetime:
    """Seven o'clock, or now where that is still to come."""
    return min(timezone.make_aware(dt.datetime.combine(day, dt.time(7))), timezone.now())


def _accredit(bank: Bank, today: dt.date) -> None:
    """Two that are valid, and one that has ended."""
    year = today.year
    for scheme, number, first, last in (
        (Scheme.NETCORD_FACT, "DEMO-F-0001", dt.date(year - 2, 1, 1), dt.date(year + 1, 12, 31)),
        (Scheme.AABB, "DEMO-A-0001", dt.date(year - 6, 1, 1), dt.date(year - 1, 6, 30)),
        (Scheme.LICENCE, "DEMO-L-0001", dt.date(2008, 1, 1), None),
    ):
        bank.accreditations.get_or_create(
            scheme=scheme, number=number, defaults={"valid_from": first, "valid_until": last}
        )


def _specify(bank: Bank, today: dt.date, actor: Actor, approved_by_id: UUID | None) -> None:
    """The proposal as the bank's release specification: approved if somebody may, else a draft."""
    row = specification_draft(
        bank_id=bank.pk,
        title="Listing of cord blood units",
        effective_from=dt.date(today.year - 1, 1, 1),
        criteria=PROPOSAL,
        actor=actor,
    )
    if approved_by_id is not None:
        row.approved_by_id, row.approved_at = approved_by_id, timezone.now()
        row.save(update_fields=["approved_by", "approved_at"])


def _batch(bank: Bank, plan: Plan, resolver: Resolver, actor: Actor) -> ImportBatch:
    """As far as it is known before the units are made."""
    return ImportBatch(
        bank=bank,
        kind=FileKind.DEMO,
        file_name=f"demo_data --units {plan.count} --seed {plan.seed}",
        file_bytes=0,
        file_sha256="",
        rows=plan.count,
        imported=plan.count,
        unchanged=0,
        failed=0,
        held=0,
        nomenclature=resolver.nomenclature.release,
        mac_version=resolver.mac.version,
        declaration="Synthetic units of a demonstration.",
        actor=actor.label,
    )


def _write(batch: ImportBatch, chunks: Iterable[Chunk], tell: Callable[[int], None]) -> None:
    """All chunks; then the batch learns their digest and how many units are held."""
    foreign_keys = _foreign_keys()
    digests: list[str] = []
    for chunk in chunks:
        for (model, columns), text in zip(TABLES, chunk.texts, strict=True):
            copy_csv(model, columns, io.BytesIO(text))
        if not digests:
            forget_plans()
        _check(foreign_keys)
        digests += chunk.digests
        batch.held += chunk.held
        tell(len(digests))
    batch.rows_sha256 = rows_digest(digests)
    batch.save(update_fields=["held", "rows_sha256"])


def _foreign_keys() -> str:
    """The foreign keys of the tables that are filled, as SET CONSTRAINTS takes them."""
    tables = [model._meta.db_table for model, _columns in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(conname), ', ') FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])",
            [tables],
        )
        (names,) = cursor.fetchone()
    return str(names)


def _check(foreign_keys: str) -> None:
    """Check the keys of a chunk now: what waits for the end of the transaction waits in the server's memory.

    Not of all tables: the ledger's number is given at the end and no sooner (ADR 4).
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {foreign_keys} IMMEDIATE")
        cursor.execute(f"SET CONSTRAINTS {foreign_keys} DEFERRED")
