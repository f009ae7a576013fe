"""ABO groups of many units as numbers: each to the patient, and every two to each other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.engine.selection.blood_groups import abo_relation

O, A, B, AB, UNKNOWN = range(5)  # noqa: E741 - the names of the groups
_CODES: Final = {"O": O, "A": A, "B": B, "AB": AB}

# Of a graft to its recipient, as abo_relation has them.
TO_RECIPIENT: Final = ("identical", "minor", "major", "both", "unknown")
# Of two grafts to each other, where neither is the first.
BETWEEN: Final = ("identical", "one_way", "both_ways", "unknown")
BETWEEN_UNKNOWN: Final = BETWEEN.index("unknown")
_BETWEEN_OF: Final = np.array([0, 1, 1, 2, BETWEEN_UNKNOWN], dtype=np.uint8)  # by index into TO_RECIPIENT


def code(text: str) -> int:
    """A, B, AB or O as a code; UNKNOWN for anything else."""
    return _CODES.get(text, UNKNOWN)


def _table() -> NDArray[np.uint8]:
    """Index into TO_RECIPIENT by [recipient, graft]."""
    found = np.full((5, 5), TO_RECIPIENT.index("unknown"), dtype=np.uint8)
    for patient, recipient in _CODES.items():
        for unit, graft in _CODES.items():
            found[recipient, graft] = TO_RECIPIENT.index(abo_relation(patient, unit))
    return found


_RELATIONS: Final = _table()


def to_recipient(recipient: int, grafts: NDArray[Any]) -> NDArray[np.uint8]:
    """Index into TO_RECIPIENT of each graft (n,)."""
    found: NDArray[np.uint8] = _RELATIONS[recipient, grafts]
    return found


def between(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.uint8]:
    """Index into BETWEEN of each two grafts, (n,) and (n,); which of them comes first changes nothing."""
    found: NDArray[np.uint8] = _BETWEEN_OF[_RELATIONS[first, second]]
    return found
