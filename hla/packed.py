"""The stored form of reference data: what it is, a checksum, the content compressed."""

import hashlib
import zlib

DIGEST_BYTES = 32


def packed(magic: bytes, payload: bytes) -> bytes:
    """The same bytes for the same content."""
    return magic + hashlib.sha256(payload).digest() + zlib.compress(payload, 6)


def unpacked(magic: bytes, data: bytes) -> bytes | None:
    """What `packed` was given; None if `data` is something else or damaged."""
    start = len(magic) + DIGEST_BYTES
    if not data.startswith(magic):
        return None
    try:
        payload = zlib.decompress(data[start:])
    except zlib.error:
        return None
    return payload if hashlib.sha256(payload).digest() == data[len(magic) : start] else None
