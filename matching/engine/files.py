"""A snapshot as one file that all worker processes of a host map into memory (column_file).

A file that is damaged, of another layout or of another nomenclature is refused with a reason: the caller builds a
new one.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching.engine import column_file
from matching.engine.column_file import FileUnusable as SnapshotUnusable
from matching.engine.columns import CATEGORIES, NUMBERS, Columns
from matching.engine.snapshot import Origin, Snapshot, arrays

__all__ = ["SnapshotUnusable", "load", "save"]

MAGIC = b"QIDAISN1"


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the file and put it in place in one step: a reader sees the old one or the new one, never a half."""
    header = {
        "origin": asdict(snapshot.origin),
        "units": len(snapshot),
        "pairs": snapshot.columns.pairs,
        "vocabulary": snapshot.columns.vocabulary,
    }
    column_file.write(path, MAGIC, header, arrays(snapshot.columns))


def load(path: Path, *, resolver: Resolver) -> Snapshot:
    """Map a file written by `save`; columns stay on disk until touched and are read-only.

    Raises SnapshotUnusable if there is no such file, if it is damaged, or if its typings were resolved by
    another nomenclature or MAC table than `resolver` has.
    """
    header, found = column_file.read(path, MAGIC)
    origin = Origin(**header["origin"])
    if not origin.same_reference(Origin.of(resolver, ledger_number=0)):
        raise SnapshotUnusable(f"made for nomenclature {origin.release} and MAC table {origin.mac!r}")
    return Snapshot(_columns(found, header), origin, resolver)


def _columns(found: dict[str, NDArray[Any]], header: dict[str, Any]) -> Columns:
    return Columns(
        unit_ids=found["unit_ids"],
        codes={locus: found[f"codes.{locus}"] for locus in SEARCH_LOCI},
        pairs={
            locus: tuple((first, second) for first, second in header["pairs"][locus]) for locus in SEARCH_LOCI
        },
        categories={name: found[f"categories.{name}"] for name in CATEGORIES},
        vocabulary={name: tuple(header["vocabulary"][name]) for name in CATEGORIES},
        numbers={name: found[f"numbers.{name}"] for name in NUMBERS},
    )
