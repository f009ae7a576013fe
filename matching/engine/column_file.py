"""Columns of numbers in one file that all processes of a host map into memory.

Layout, little-endian: magic (8 bytes), length of the header (uint64), header (JSON), then the columns, each at
a multiple of 64 bytes, and BLAKE2b-128 of all that as the last 16 bytes. A file that is cut short, altered or of
another layout is refused with a reason.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
ALIGNMENT = 64

Named = Sequence[tuple[str, NDArray[Any]]]


class FileUnusable(Exception):
    """A file that must not be used; the text says why."""


class FileUnreadable(FileUnusable):
    """A file that is not there, or cannot be read now; nothing is known of its content."""


def write(path: Path, magic: bytes, header: dict[str, Any], columns: Named) -> None:
    """Write the file and put it in place in one step: a reader sees the old one or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            _write(handle, magic, header, columns)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _write(handle: Any, magic: bytes, header: dict[str, Any], columns: Named) -> None:
    layout = [[name, values.dtype.str, list(values.shape)] for name, values in columns]
    text = json.dumps({**header, "columns": layout}, ensure_ascii=False).encode()
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    written = 0
    for block in (magic, len(text).to_bytes(8, "little"), text, *(values for _, values in columns)):
        data = bytes(block) if isinstance(block, bytes) else np.ascontiguousarray(block).tobytes()
        if not isinstance(block, bytes):
            data = bytes(-written % ALIGNMENT) + data
        handle.write(data)
        digest.update(data)
        written += len(data)
    handle.write(digest.digest())


def read(path: Path, magic: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and columns of a file written by `write`; columns stay on disk until touched and are read-only.

    Raises FileUnusable if there is no such file, if it is damaged or of another kind.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except OSError as error:
        raise FileUnreadable(f"no readable file: {error}") from error
    except ValueError as error:  # an empty file
        raise FileUnusable(f"no readable file: {error}") from error
    if content[:8].tobytes() != magic:
        raise FileUnusable("not a file of this version")
    digest = hashlib.blake2b(content[:-DIGEST_BYTES].data, digest_size=DIGEST_BYTES)
    if digest.digest() != content[-DIGEST_BYTES:].tobytes():
        raise FileUnusable("damaged: the digest does not fit the content")
    size = int.from_bytes(content[8:16].tobytes(), "little")
    header = json.loads(content[16 : 16 + size].tobytes())
    found: dict[str, NDArray[Any]] = {}
    start = 16 + size
    for name, kind, shape in header.pop("columns"):
        start += -start % ALIGNMENT
        end = start + np.dtype(kind).itemsize * int(np.prod(shape))
        found[name] = content[start:end].view(kind).reshape(shape)
        start = end
    return header, found
