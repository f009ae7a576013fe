"""Keys for a million rows and more."""

from __future__ import annotations

import secrets
import time


class Keys:
    """Keys of one load: version 7 UUIDs that grow with the number that they are of.

    With random ones each row would go to another page of each index, which costs minutes for a million units.
    """

    def __init__(self) -> None:
        moment, chance = time.time_ns() // 1_000_000, secrets.randbits(26)
        variant = 0x8000 | (chance & 0x3FFF)
        self._start = f"{moment >> 16:08x}-{moment & 0xFFFF:04x}-7{chance >> 14:03x}-{variant:04x}-"

    def __call__(self, number: int) -> str:
        return f"{self._start}{number:012x}"
