"""The inventory as a snapshot that follows the ledger: one file a host, one object a process.

A process keeps its snapshot and applies what the ledger added since. A new process maps the host's file and
does the same. Only where there is no usable file (first start, damaged, other nomenclature, other database)
is the inventory read in full while somebody waits, by one process at a time. When many changes have gathered, a task of
the host builds a new file in the background (`compact`); processes map it at their next look.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import connection

from bank.choices import BLOCKS, SEARCHABLE
from bank.models import CordBloodUnit
from bank.querysets import ALL_DONORS, OFFERED_BY
from core import audit
from core.models import Ledger
from hla.resolve import Resolver
from matching import reference
from matching.engine import files, snapshot
from matching.engine.columns import UnitRow
from matching.engine.snapshot import Origin, Snapshot
from matching.unit_rows import COLUMNS, unit_rows

log = logging.getLogger("qidai.inventory")

UNIT, BATCH = CordBloodUnit._meta.label, "bank.ImportBatch"
CHANGES = (UNIT, BATCH)  # what entries of the ledger that change the inventory are about
LEDGER_PAGE = 10_000
CROWDED_ABOVE = 2_000  # changes, or the share below of the inventory: then a new file is worth its while
CROWDED_SHARE = 0.01
REBUILD_ABOVE = 100_000  # one pass over the table is cheaper than looking up so many units by key
TELL_EVERY = 20_000
LOOK_EVERY_SECONDS = 0.2  # whether the other builder is done
# Which units a file holds: another version of the program may offer others, and changes no unit for it.
RULES = hashlib.blake2b(
    " ".join([*SEARCHABLE, *sorted(BLOCKS), *OFFERED_BY, *ALL_DONORS, *COLUMNS]).encode(), digest_size=8
).hexdigest()

Tell = Callable[[int], None]
Stamp = tuple[int, int, int, int]  # device, inode, bytes, nanoseconds of the last change


@dataclass
class _Held:
    """What this process has of a database. stamp: the file when it was last looked at."""

    snapshot: Snapshot
    stamp: Stamp | None
    file_unusable: bool = False


_held: dict[str, _Held] = {}
_one_at_a_time = (
    threading.RLock()
)  # a worker process makes itself ready in a thread while its first search begins


def current(resolver: Resolver, *, tell: Tell | None = None) -> Snapshot:
    """The inventory as the ledger has it now, read with `resolver`. `tell` hears the number of rows read."""
    while not _one_at_a_time.acquire(timeout=LOOK_EVERY_SECONDS):
        if tell:
            tell(0)
    try:
        return _current(resolver, tell)
    finally:
        _one_at_a_time.release()


def _current(resolver: Resolver, tell: Tell | None) -> Snapshot:
    name = str(connection.settings_dict["NAME"])
    held = _held.get(name)
    if held is not None and _fits(held.snapshot.origin, resolver) and not _was_altered(held.stamp):
        _look_at_file(held, resolver)
    else:
        held = _Held(*_from_file_or_built(resolver, tell))
    held.snapshot = follow(held.snapshot, tell=tell)
    _held[name] = held
    return held.snapshot


def at_hand(resolver: Resolver) -> Snapshot | None:
    """The inventory where nobody has to wait for it: this process holds it, or can map the host's file.

    None where it would have to be built; a search builds it.
    """
    held = _held.get(str(connection.settings_dict["NAME"]))
    ready = held is not None and _fits(held.snapshot.origin, resolver)
    return current(resolver) if ready or _mapped(resolver)[0] is not None else None


def _was_altered(known: Stamp | None) -> bool:
    """Whether the very file that this process maps is another now: nobody of us writes into a file, but what was cut
    off reads as zeros, silently. A file put in its place by renaming leaves the mapped one as it is."""
    stamp = _stamp()
    altered = known is not None and stamp is not None and stamp[:2] == known[:2] and stamp != known
    if altered:
        log.error("the file of the inventory was altered in its place; it is made anew")
    return altered


def _look_at_file(held: _Held, resolver: Resolver) -> None:
    """Map the host's file if it is newer than what this process has: fewer changes of its own."""
    stamp = _stamp()
    if stamp == held.stamp:
        return
    held.stamp = stamp
    found, reason = _mapped(resolver)
    held.file_unusable = found is None
    if found is None:
        log.warning("the file of the inventory is not used: %s", reason)
    else:
        held.snapshot = found


def _stamp() -> Stamp | None:
    """What tells one file from the next; None where there is none."""
    try:
        found = file_path().stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def is_crowded() -> bool:
    """Whether this process has gathered so many changes that a new file is worth its while, or the file is no good."""
    held = _held.get(str(connection.settings_dict["NAME"]))
    if held is None:
        return False
    known = held.snapshot
    many = known.changes > max(CROWDED_ABOVE, CROWDED_SHARE * len(known))
    return many or held.file_unusable or _stamp() is None


def compact(resolver: Resolver) -> bool:
    """Build a new file in the background where many changes have gathered; whether it was done.

    Searches go on with what they have. Of several processes of a host one builds.
    """
    current(resolver)
    if not is_crowded():
        return False
    with _builders_lock() as lock:
        if not _locked(lock):
            return False
        _remove_halves()
        files.save(build(resolver), file_path(), rules=RULES)
    current(resolver)
    return True


def warm() -> Snapshot:
    """What a first search would otherwise wait for: reference data and inventory."""
    return current(reference.resolver(look=True))


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
    while entries := audit.ledger_since(known.origin.ledger_number, target_types=CHANGES, limit=LEDGER_PAGE):
        changed = _units_of(entries)
        if known.changes + len(changed) > REBUILD_ABOVE:
            known = _built_once(known, tell)
        else:
            known = _applied(known, changed, entries[-1].number)
    return known


def _applied(known: Snapshot, changed: set[UUID], number: int) -> Snapshot:
    rows = {
        row.unit_id: row
        for row in unit_rows(CordBloodUnit.objects.offered(ALL_DONORS).filter(pk__in=changed))
    }
    return known.apply(
        changed=rows.values(),
        withdrawn=(unit.bytes for unit in changed if unit.bytes not in rows),
        ledger_number=number,
        ledger_mark=mark(number),
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
    return origin.same_reference(Origin.of(resolver, ledger_number=0)) and origin.ledger_mark == mark(
        origin.ledger_number
    )


def mark(number: int) -> str:
    """Hash of a ledger entry (hexadecimal); "" for the empty ledger, "?" for an entry that is not there."""
    if number == 0:
        return ""
    found = Ledger.objects.filter(number=number).values_list("hash", flat=True).first()
    return bytes(found).hex() if found is not None else "?"


def _from_file_or_built(resolver: Resolver, tell: Tell | None) -> tuple[Snapshot, Stamp | None]:
    """A usable file is mapped at once, also while another process makes a newer one."""
    stamp = _stamp()
    found, _ = _mapped(resolver)
    if found is not None:
        return found, stamp
    with _one_builder(tell):
        found, reason = _mapped(resolver)
        if found is None:
            log.info("building the inventory snapshot: %s", reason)
            found = _built_and_mapped(resolver, tell)
        return found, _stamp()


def _mapped(resolver: Resolver) -> tuple[Snapshot | None, str]:
    """The host's file, or None and why it must not be used."""
    try:
        found = files.load(file_path(), resolver=resolver, rules=RULES)
    except files.SnapshotUnusable as unusable:
        return None, str(unusable)
    if _fits(found.origin, resolver):
        return found, ""
    return None, "belongs to another database or to a time that was rolled back"


def _built_once(known: Snapshot, tell: Tell | None) -> Snapshot:
    """A new file instead of very many changes, made by one process of the host; the others wait and map it."""
    with _one_builder(tell):
        found, _ = _mapped(known.resolver)
        if found is not None and found.origin.ledger_number > known.origin.ledger_number:
            return found
        return _built_and_mapped(known.resolver, tell)


def _remove_halves() -> None:
    """What writers that were killed left behind; the lock says that none is at work."""
    for path in file_path().parent.glob(f".{file_path().name}.*"):
        path.unlink(missing_ok=True)


def _built_and_mapped(resolver: Resolver, tell: Tell | None) -> Snapshot:
    """Built, saved, and mapped from the file: what was needed to build it is let go. The caller has the lock."""
    _remove_halves()
    built = build(resolver, tell=tell)
    files.save(built, file_path(), rules=RULES)
    del built
    return files.load(file_path(), resolver=resolver, rules=RULES)


@contextmanager
def _one_builder(tell: Tell | None) -> Iterator[None]:
    """Two processes of a host do not build at once: the second waits, telling so, and then finds the file."""
    with _builders_lock() as handle:
        while not _locked(handle):
            if tell:
                tell(0)
            time.sleep(LOOK_EVERY_SECONDS)
        yield


@contextmanager
def _builders_lock() -> Iterator[IO[str]]:
    path = file_path().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        yield handle


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
    teller = _Teller(tell or (lambda count: None))
    with _few_collections():
        return snapshot.build(
            teller.told(unit_rows(CordBloodUnit.objects.offered(ALL_DONORS), chunk=5_000)),
            resolver=resolver,
            ledger_number=number,
            ledger_mark=mark(number),
            heard=teller.again,
        )


class _Teller:
    """Says how many units have been read, also while their typings are resolved."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._count = 0

    def told(self, rows: Iterator[UnitRow]) -> Iterator[UnitRow]:
        for row in rows:
            self._count += 1
            if self._count % TELL_EVERY == 0:
                self._tell(self._count)
            yield row

    def again(self) -> None:
        self._tell(self._count)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Millions of objects that all stay: looking for garbage among them again and again would take most of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
