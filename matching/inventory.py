"""The inventory as a snapshot that follows the ledger: one file a host, one object a process.

A process keeps its snapshot and applies what the ledger added since. A new process maps the host's file and
does the same. Only where there is no usable file (first start, damaged, other nomenclature, other database)
is the inventory read in full, by one process at a time.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from bank.models import CordBloodUnit
from core import audit
from core.models import Ledger
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching import reference
from matching.engine import files, snapshot
from matching.engine.columns import UNKNOWN, UnitRow
from matching.engine.snapshot import Origin, Snapshot

log = logging.getLogger("qidai.inventory")

UNIT, BATCH = CordBloodUnit._meta.label, "bank.ImportBatch"
LEDGER_PAGE = 10_000
SAVE_ABOVE = (
    2_000  # after so many changed units the file is written anew, so that new processes start quickly
)
REBUILD_ABOVE = 100_000  # one pass over the table is cheaper than looking up so many units by key
TELL_EVERY = 20_000
LOOK_EVERY_SECONDS = 0.2  # whether the other builder is done
_FIELDS = (
    "pk", "tnc_e7", "cd34_e6", "collected_on", "status", "abo", "rh",
    *(f"hla_{locus.lower()}_{position}" for locus in SEARCH_LOCI for position in (1, 2)),
)  # fmt: skip

Tell = Callable[[int], None]
_held: dict[str, Snapshot] = {}  # database -> snapshot of this process


def current(resolver: Resolver, *, tell: Tell | None = None) -> Snapshot:
    """The inventory as the ledger has it now, read with `resolver`. `tell` hears the number of rows read."""
    name = str(connection.settings_dict["NAME"])
    found = _held.get(name)
    if found is None or not _fits(found.origin, resolver):
        found = _from_file_or_built(resolver, tell)
    found = follow(found, tell=tell)
    _held[name] = found
    return found


def warm() -> Snapshot:
    """Everything that a first search would otherwise wait for: reference data, inventory, distinct typings."""
    found = current(reference.resolver(look=True))
    _ = found.dictionaries, found.checksum
    return found


def forget() -> None:
    """Drop what this process holds (tests, and after a restored database)."""
    _held.clear()


def file_path() -> Path:
    """This host's file for the database in use."""
    name = "".join(letter if letter.isalnum() else "_" for letter in str(connection.settings_dict["NAME"]))
    return Path(settings.VAR_DIR) / "snapshots" / f"{name}.inventory"


def follow(known: Snapshot, *, tell: Tell | None = None) -> Snapshot:
    """The snapshot with all changes that the ledger added since.

    It ends when the ledger has nothing further: at that moment no unit had changed after the number reached,
    so that the rows read before are exactly the inventory at that number, whatever committed in between.
    """
    applied = 0
    while entries := audit.ledger_since(
        known.origin.ledger_number, target_types=(UNIT, BATCH), limit=LEDGER_PAGE
    ):
        changed = _units_of(entries)
        if len(changed) > REBUILD_ABOVE:
            known = build(known.resolver, tell=tell)
        else:
            known = _applied(known, changed, entries[-1].number)
        applied += len(changed)
    if applied > SAVE_ABOVE:
        files.save(known, file_path())
    return known


def _applied(known: Snapshot, changed: set[UUID], number: int) -> Snapshot:
    rows = {row.unit_id: row for row in _rows(_offered().filter(pk__in=changed))}
    return known.apply(
        changed=rows.values(),
        withdrawn=(unit.bytes for unit in changed if unit.bytes not in rows),
        ledger_number=number,
        ledger_mark=_mark(number),
    )


def _units_of(entries: Iterable[audit.LedgerRow]) -> set[UUID]:
    """Units that these entries touched; a batch stands for all its rows."""
    entries = list(entries)
    units = {UUID(entry.target_key) for entry in entries if entry.target_type == UNIT}
    batches = [entry.target_key for entry in entries if entry.target_type == BATCH]
    if batches:
        units.update(CordBloodUnit.objects.filter(import_batch__in=batches).values_list("pk", flat=True))
    return units


def _fits(origin: Origin, resolver: Resolver) -> bool:
    """The snapshot was read by this nomenclature, and belongs to this database's history."""
    return origin.same_reference(Origin.of(resolver, ledger_number=0)) and origin.ledger_mark == _mark(
        origin.ledger_number
    )


def _mark(number: int) -> str:
    """Hash of a ledger entry (hexadecimal); "" for the empty ledger, "?" for an entry that is not there."""
    if number == 0:
        return ""
    found = Ledger.objects.filter(number=number).values_list("hash", flat=True).first()
    return bytes(found).hex() if found is not None else "?"


def _from_file_or_built(resolver: Resolver, tell: Tell | None) -> Snapshot:
    with _one_builder(tell):
        try:
            found = files.load(file_path(), resolver=resolver)
            if _fits(found.origin, resolver):
                return found
            reason = "belongs to another database or to a time that was rolled back"
        except files.SnapshotUnusable as unusable:
            reason = str(unusable)
        log.info("building the inventory snapshot: %s", reason)
        built = build(resolver, tell=tell)
        files.save(built, file_path())
        return built


@contextmanager
def _one_builder(tell: Tell | None) -> Iterator[None]:
    """Two processes of a host do not build at once: the second waits, telling so, and then finds the file."""
    path = file_path().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        while not _locked(handle):
            if tell:
                tell(0)
            time.sleep(LOOK_EVERY_SECONDS)
        yield


def _locked(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def build(resolver: Resolver, *, tell: Tell | None = None) -> Snapshot:
    """Read the whole inventory by a server-side cursor.

    The ledger number is read first: what commits meanwhile has a greater number and is applied afterwards
    (again, perhaps: applying a unit's present state twice changes nothing). There is no transaction around
    the reading, so that Django declares the cursor WITH HOLD: what `tell` writes (a search's sign of life)
    is committed at once, seen by others, and locks nothing.
    """
    number = audit.ledger_head()
    return snapshot.build(
        _told(_rows(_offered(), chunk=5_000), tell),
        resolver=resolver,
        ledger_number=number,
        ledger_mark=_mark(number),
    )


def _told(rows: Iterator[UnitRow], tell: Tell | None) -> Iterator[UnitRow]:
    for count, row in enumerate(rows, start=1):
        if tell and count % TELL_EVERY == 0:
            tell(count)
        yield row


def _offered() -> QuerySet[CordBloodUnit]:
    return CordBloodUnit.objects.offered()


def _rows(units: QuerySet[CordBloodUnit], chunk: int = 2_000) -> Iterator[UnitRow]:
    for values in units.values_list(*_FIELDS).iterator(chunk_size=chunk):
        yield _row(*values)


def _row(
    pk: UUID, tnc_e7: Any, cd34_e6: Any, collected_on: Any, status: str, abo: str, rh: str, *hla: str
) -> UnitRow:
    return UnitRow(
        unit_id=pk.bytes,
        typing=tuple(zip(hla[::2], hla[1::2], strict=True)),
        tnc_e4=thousandths(tnc_e7),
        cd34_e3=thousandths(cd34_e6),
        year=UNKNOWN if collected_on is None else collected_on.year,
        status=status,
        abo=abo,
        rh=rh,
    )


def thousandths(value: float | None) -> int:
    """A count as a whole number of thousandths, so that comparisons are exact; -1 unknown."""
    return UNKNOWN if value is None else round(value * 1000)
