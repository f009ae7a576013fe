"""A snapshot as one file that all worker processes of a host map into memory (column_file).

A file that is damaged, of another layout, of another nomenclature or of another version of the kernel is refused with a
reason: the caller builds a new one.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

import hla
from hla.frozen_table import NotReadable
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching.engine import column_file
from matching.engine.book import Book
from matching.engine.column_file import FileUnusable as SnapshotUnusable
from matching.engine.columns import Block, Tally
from matching.engine.snapshot import Origin, Snapshot

__all__ = ["SnapshotUnusable", "load", "save"]

MAGIC = b"QIDAISN3"


def _kernel() -> str:
    """Digest of the program that gave the typings their meaning and lays out the file."""
    found = hashlib.blake2b(digest_size=16)
    for folder in (Path(str(hla.__file__)).parent, Path(__file__).parent):
        for path in sorted(folder.glob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


KERNEL = _kernel()  # when it is loaded: another version may be laid over a running one


def save(snapshot: Snapshot, path: Path, *, rules: str = "") -> None:
    """Write the base of a snapshot without changes and put it in place in one step: a reader sees the old file or the
    new one, never a half. rules: which units belong to the inventory, in the caller's words; another caller's file is
    refused. Raises ValueError if there are changes: they are not part of a file."""
    if snapshot.changes:
        raise ValueError("A snapshot with changes has to be built afresh.")
    header = {
        "origin": asdict(snapshot.origin),
        "kernel": KERNEL,
        "rules": rules,
        "tallies": {name: [one.units, f"{one.total:x}"] for name, one in snapshot.tallies.items()},
        "vocabulary": snapshot.vocabulary,
        "books": {locus: book.header for locus, book in snapshot.books.items()},
    }
    columns = [*snapshot.base.named(), ("by_id", snapshot.by_id)]
    for book in snapshot.books.values():
        columns += book.named()
    column_file.write(path, MAGIC, header, columns)


def load(path: Path, *, resolver: Resolver, rules: str = "") -> Snapshot:
    """Map a file written by `save`; columns stay on disk until touched and are read-only.

    Raises SnapshotUnusable if there is no such file, if it is damaged, if its typings were resolved by another
    nomenclature, MAC table or kernel than `resolver` has, or its units were chosen by other rules.
    """
    header, found = column_file.read(path, MAGIC)
    if (header.get("kernel"), header.get("rules")) != (KERNEL, rules):
        raise SnapshotUnusable("made by another version of the program")
    origin = Origin(**header["origin"])
    if not origin.same_reference(Origin.of(resolver, ledger_number=0)):
        raise SnapshotUnusable(f"made for nomenclature {origin.release} and MAC table {origin.mac!r}")
    base = Block.of(found)
    try:
        books = {locus: Book.read(locus, resolver, found, header["books"][locus]) for locus in SEARCH_LOCI}
    except NotReadable as error:
        raise SnapshotUnusable(str(error)) from error
    return Snapshot(
        base=base,
        by_id=found["by_id"],
        status=base.categories["status"],
        extra=base.taken(np.zeros(0, dtype=np.int64)),
        books=books,
        vocabulary={name: tuple(texts) for name, texts in header["vocabulary"].items()},
        tallies={name: Tally(units, int(total, 16)) for name, (units, total) in header["tallies"].items()},
        origin=origin,
        resolver=resolver,
    )
