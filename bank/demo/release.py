"""What is recorded of the synthetic units that wait in quarantine, so that some can be released. Pure.

Everything that the proposed release specification asks for is there for most of them; of the rest one thing is missing
or bad, as at a real desk. Shares are ASSUMED.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bank.choices import CultureKind, CultureValue, Eligibility, MarkerTest, Subject, TimePoint, UnitStatus
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow

Key = Callable[[int], str]
Verified = tuple[Any, Any]

CULTURE_COLUMNS = (
    "id", "unit_id", "kind", "result", "organism", "method", "laboratory", "read_on", "verified_by_id", "verified_at",
)  # fmt: skip
GROUP_COLUMNS = ("id", "unit_id", "abo", "rh", "method", "tested_on", "verified_by_id", "verified_at")
ELIGIBILITY_COLUMNS = (
    "id", "donation_id", "decision", "questionnaire", "interviewed_on", "reason", "verified_by_id", "verified_at",
)  # fmt: skip
# Beside those that every unit has (bank.demo.lines.TESTS).
MORE_TESTS = (MarkerTest.HIV_1_NAT, MarkerTest.HCV_NAT, MarkerTest.ANTI_HTLV, MarkerTest.ANTI_HBC)
CULTURE_READ, CONTAMINATED, INTERVIEWED = 0.85, 0.03, 0.9
VIABLE_SHARE = (0.86, 0.97)  # of CD34+ cells after processing


def waiting(rows: Iterable[UnitRow]) -> Iterator[UnitRow]:
    return (row for row in rows if row.status == UnitStatus.QUARANTINE)


def culture_lines(row: UnitRow, key: Key, person: Verified, rng: random.Random) -> Iterator[list[Any]]:
    """The values of CULTURE_COLUMNS; one that is still incubated has no line."""
    for count, kind in enumerate(CultureKind):
        if rng.random() >= CULTURE_READ:
            continue
        grown = rng.random() < CONTAMINATED
        result = CultureValue.GROWTH if grown else CultureValue.NO_GROWTH
        organism = "Staphylococcus epidermidis" if grown and kind == CultureKind.BACTERIAL else ""
        read = row.values["collected_on"] + dt.timedelta(days=14)
        yield [
            key(row.line * 2 + count), key(row.line), kind.value, result.value, organism, "BacT/ALERT", "", read,
            *person,
        ]  # fmt: skip


def group_line(row: UnitRow, key: Key, person: Verified) -> list[Any]:
    """The values of GROUP_COLUMNS: what stands on the unit, determined."""
    day = row.values["collected_on"] + dt.timedelta(days=2)
    return [key(row.line), key(row.line), row.values["abo"], row.values["rh"], "gel card", day, *person]


def eligibility_line(row: UnitRow, key: Key, person: Verified, rng: random.Random) -> list[Any] | None:
    """The values of ELIGIBILITY_COLUMNS; None where the mother's history is not complete yet."""
    if rng.random() >= INTERVIEWED:
        return None
    day = row.values["collected_on"]
    return [
        key(row.line),
        row.values["donation_id"],
        Eligibility.ELIGIBLE.value,
        "Q-DEMO-3",
        day,
        "",
        *person,
    ]


def viable_line(row: UnitRow, unit_id: str, origin: Origin, rng: random.Random) -> list[Any]:
    """As bank.imports.write.measurement_lines: viable CD34+ cells after processing."""
    value = round(row.values["cd34_e6"] * rng.uniform(*VIABLE_SHARE), 2)
    return [unit_id, TimePoint.PROCESSING.value, "cd34_viable", value, "e6", "", False, origin.user_id]


def more_markers(row: UnitRow) -> Iterator[tuple[int, str, str]]:
    """Number within the unit, subject and test: what the mothers of waiting units were tested for beside."""
    for count, test in enumerate(MORE_TESTS):
        yield count, Subject.MOTHER.value, test.value
