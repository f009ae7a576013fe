"""A snapshot as one file that all worker processes of a host map into memory.

Layout, little-endian: magic (8 bytes), length of the header (uint64), header (JSON), then the columns, each at
a multiple of 64 bytes, and BLAKE2b-128 of all that as the last 16 bytes. A file that is cut short, altered, of
another layout or of another nomenclature is refused with a reason: the caller builds a new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching.engine.columns import CATEGORIES, NUMBERS, Columns
from matching.engine.snapshot import Origin, Snapshot, arrays

MAGIC = b"QIDAISN1"
DIGEST_BYTES = 16
ALIGNMENT = 64


class SnapshotUnusable(Exception):
    """A snapshot file that must not be used; the text says why."""


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the file and put it in place in one step: a reader sees the old one or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            _write(handle, snapshot)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _write(handle: Any, snapshot: Snapshot) -> None:
    columns = arrays(snapshot.columns)
    header = json.dumps(
        {
            "origin": asdict(snapshot.origin),
            "units": len(snapshot),
            "columns": [[name, values.dtype.str, list(values.shape)] for name, values in columns],
            "pairs": snapshot.columns.pairs,
            "vocabulary": snapshot.columns.vocabulary,
        },
        ensure_ascii=False,
    ).encode()
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    written = 0
    for block in (MAGIC, len(header).to_bytes(8, "little"), header, *(values for _, values in columns)):
        data = bytes(block) if isinstance(block, bytes) else np.ascontiguousarray(block).tobytes()
        if not isinstance(block, bytes):
            data = bytes(-written % ALIGNMENT) + data
        handle.write(data)
        digest.update(data)
        written += len(data)
    handle.write(digest.digest())


def load(path: Path, *, resolver: Resolver) -> Snapshot:
    """Map a file written by `save`; columns stay on disk until touched and are read-only.

    Raises SnapshotUnusable if there is no such file, if it is damaged, or if its typings were resolved by
    another nomenclature or MAC table than `resolver` has.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise SnapshotUnusable(f"no readable snapshot file: {error}") from error
    _check(content)
    size = int.from_bytes(content[8:16].tobytes(), "little")
    header = json.loads(content[16 : 16 + size].tobytes())
    origin = Origin(**header["origin"])
    if not origin.same_reference(Origin.of(resolver, ledger_number=0)):
        raise SnapshotUnusable(f"made for nomenclature {origin.release} and MAC table {origin.mac!r}")
    return Snapshot(_columns(content, 16 + size, header), origin, resolver)


def _check(content: NDArray[np.uint8]) -> None:
    if content[:8].tobytes() != MAGIC:
        raise SnapshotUnusable("not a snapshot of this version")
    digest = hashlib.blake2b(content[:-DIGEST_BYTES].data, digest_size=DIGEST_BYTES)
    if digest.digest() != content[-DIGEST_BYTES:].tobytes():
        raise SnapshotUnusable("damaged: the digest does not fit the content")


def _columns(content: NDArray[np.uint8], start: int, header: dict[str, Any]) -> Columns:
    found: dict[str, NDArray[Any]] = {}
    for name, kind, shape in header["columns"]:
        start += -start % ALIGNMENT
        end = start + np.dtype(kind).itemsize * int(np.prod(shape))
        found[name] = content[start:end].view(kind).reshape(shape)
        start = end
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
