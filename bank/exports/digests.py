"""What was written of each unit, kept compactly: 24 bytes a unit, so that a million are 24 MB, not as many rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from uuid import UUID

_ID, _DIGEST = 16, 8
_LINE = _ID + _DIGEST


def digest_of(element: str) -> bytes:
    """Of the element as written; two that differ have the same once in 2⁶⁴."""
    return hashlib.sha256(element.encode()).digest()[:_DIGEST]


def packed(digests: Mapping[UUID, bytes]) -> bytes:
    """In the order of the ids, so that the same inventory is the same bytes."""
    return b"".join(key.bytes + digests[key] for key in sorted(digests))


def unpacked(data: bytes) -> dict[UUID, bytes]:
    """Unit -> digest."""
    plain = bytes(data)
    return {UUID(bytes=plain[at : at + _ID]): plain[at + _ID : at + _LINE] for at in _starts(plain)}


def _starts(data: bytes) -> Iterable[int]:
    return range(0, len(data) - _LINE + 1, _LINE)
