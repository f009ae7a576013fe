"""The number of a place: `T1-R3-C2-07`, tank, rack, canister, slot; and back from what was typed or scanned.

Codes of tanks are unique in the house, so a number without its site names one slot. Knows no table: what it reads are
rows handed in, with their parents.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

CODE_PATTERN = "[A-Z0-9]{1,20}"
MAX_POSITION = 999
_SEPARATOR = re.compile(r"[\s\-‐-―−_/.]+")  # hyphens of every kind: an input method may write its own
_CODE = re.compile(CODE_PATTERN, re.ASCII)


@dataclass(frozen=True)
class PlaceText:
    """A place as it was written; `position` is None where only the canister was."""

    tank: str
    rack: str
    canister: str
    position: int | None = None

    def __str__(self) -> str:
        parts = [self.tank, self.rack, self.canister]
        return "-".join(parts if self.position is None else [*parts, f"{self.position:02d}"])


def parse(text: str) -> PlaceText | None:
    """Read `T1-R3-C2-07` or `t1 r3 c2`, in any case, width and with any hyphens; None for what is no such number."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    parts = _SEPARATOR.split(plain)
    if not 3 <= len(parts) <= 4 or not all(map(_CODE.fullmatch, parts)):
        return None
    tank, rack, canister = parts[:3]
    if len(parts) == 3:
        return PlaceText(tank, rack, canister)
    last = parts[3]
    if not last.isdecimal() or not 1 <= int(last) <= MAX_POSITION:
        return None
    return PlaceText(tank, rack, canister, int(last))


def code_of(text: str) -> str:
    """A node's code as it is kept: capital letters and digits; "" for anything else."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    return plain if _CODE.fullmatch(plain) else ""


def chain(node: Any) -> list[Any]:
    """The node and all above it, the site first."""
    above = []
    while node is not None:
        above.append(node)
        node = node.parent
    return above[::-1]


def canister_code(node: Any) -> str:
    """`T1-R3-C2` of a canister, `T1-R3` of a rack, `T1` of a tank; of a site its own code."""
    codes = [one.code for one in chain(node)]
    return "-".join(codes[1:] or codes)


def place_code(slot: Any) -> str:
    """`T1-R3-C2-07`."""
    return f"{canister_code(slot.canister)}-{slot.position:02d}"


def in_quarantine(node: Any) -> bool:
    """Whether the node or anything above it is a quarantine area."""
    return any(one.quarantine for one in chain(node))
