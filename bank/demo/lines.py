"""A chunk of the synthetic inventory as the text that COPY reads, with all that a unit has in other tables."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bank.choices import MarkerTest, Subject, UnitStatus
from bank.demo import lots, quality, release, samples
from bank.demo.keys import Keys
from bank.demo.storage import SLOT_COLUMNS, slot_line
from bank.demo.units import Maker
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow
from bank.imports.write import (
    MEASUREMENT_COLUMNS,
    SCREEN_COLUMNS,
    TYPING_COLUMNS,
    UNIT_COLUMNS,
    measurement_lines,
    screen_line,
    typing_lines,
    unit_line,
)
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    Donation,
    EligibilityDecision,
    HaemoglobinopathyResult,
    HlaTyping,
    LotUse,
    MarkerResult,
    Measurement,
    SampleUse,
    Slot,
    UnitSample,
)
from core.copying import NULL, csv_text

TESTS = (MarkerTest.ANTI_HIV_12, MarkerTest.HBS_AG, MarkerTest.ANTI_HCV, MarkerTest.SYPHILIS, MarkerTest.CMV)
VERIFIED_COLUMNS = ("verified_by_id", "verified_at")
UNVERIFIED_OF = 40  # one unit of so many still waits for the second person
DONATION_COLUMNS = (
    "id", "bank_id", "mother_code", "infant_no", "infant_sex", "bag_id", "anticoagulant", "collection_site",
    "consented_on", "gestation_weeks",
)  # fmt: skip
MARKER_COLUMNS = (
    "id", "unit_id", "subject", "test", "result", "method", "specimen", "kit_lot", "laboratory", "tested_on",
    *VERIFIED_COLUMNS,
)  # fmt: skip
# In the order in which foreign keys want them.
TABLES = (
    (Donation, DONATION_COLUMNS),
    (CordBloodUnit, UNIT_COLUMNS),
    (HlaTyping, (*TYPING_COLUMNS, *VERIFIED_COLUMNS)),
    (Measurement, (*MEASUREMENT_COLUMNS, *VERIFIED_COLUMNS)),
    (HaemoglobinopathyResult, (*SCREEN_COLUMNS, *VERIFIED_COLUMNS)),
    (MarkerResult, MARKER_COLUMNS),
    (CultureResult, release.CULTURE_COLUMNS),
    (BloodGroupResult, release.GROUP_COLUMNS),
    (EligibilityDecision, release.ELIGIBILITY_COLUMNS),
    (Slot, SLOT_COLUMNS),
    (UnitSample, samples.COLUMNS),
    (SampleUse, samples.USE_COLUMNS),
    (LotUse, lots.USE_COLUMNS),
)


@dataclass(frozen=True)
class Chunk:
    """The rows of some units: text for each of TABLES, digests of the units, how many of them are held."""

    texts: tuple[bytes, ...]
    digests: list[str]
    held: int


@dataclass(frozen=True)
class Writer:
    """Makes chunks. keys: of the load; origin: its bank and batch."""

    maker: Maker
    keys: Keys
    origin: Origin

    def chunk(self, number: int) -> Chunk:
        rng = random.Random(f"qidai-records-{self.maker.plan.seed}-{number}")
        rows = list(self.maker.chunk(number))
        for row in rows:
            row.values["donation_id"] = self.keys(row.line)
        lines = (
            csv_text(self._donation(row, rng) for row in rows),
            csv_text(unit_line(row, self.keys(row.line), self.origin) for row in rows),
            csv_text(self._typings(rows)),
            csv_text(self._measurements(rows)),
            csv_text(self._screens(rows)),
            "".join(self._markers(rows, rng)),
            csv_text(self._cultures(rows, number)),
            csv_text(
                release.group_line(row, self.keys, self._verified(row)) for row in release.waiting(rows)
            ),
            csv_text(self._decisions(rows, number)),
            csv_text(self._slots(rows)),
            csv_text(samples.sample_lines(rows, self.keys, self.origin)),
            csv_text(samples.use_lines(rows, self.keys, self.origin.verified_by_id)),
            "".join(self._uses(rows)),
        )
        texts = tuple(text.encode() for text in lines)
        return Chunk(texts, [row.digest for row in rows], sum(1 for row in rows if row.held))

    def _donation(self, row: UnitRow, rng: random.Random) -> list[Any]:
        number = row.unit_no[2:]
        consented = row.values["collected_on"] - dt.timedelta(days=rng.randint(0, 40))
        weeks = rng.choice((38, 39, 39, 40, 40, 41))
        site = f"Maternity {rng.randint(1, 24):02d}"
        return [
            row.values["donation_id"], self.origin.bank_id, f"M-{number}", 1, row.values["sex"], f"BAG{number}",
            "CPD", site, consented, weeks,
        ]  # fmt: skip

    def _typings(self, rows: Iterable[UnitRow]) -> Iterator[list[Any]]:
        for row in rows:
            for count, line in enumerate(typing_lines(row, self.keys(row.line), self.origin)):
                yield [self.keys(row.line * 2 + count), *line, *self._verified(row)]

    def _measurements(self, rows: Iterable[UnitRow]) -> Iterator[list[Any]]:
        for row in rows:
            unit_id = self.keys(row.line)
            lines = (
                measurement_lines(row, unit_id, self.origin),
                quality.thawed_lines(row, unit_id, self.origin),
            )
            for count, line in enumerate(chain(*lines)):
                yield [self.keys(row.line * 16 + count), *line, *self._verified(row)]
        for row in release.waiting(rows):
            rng = random.Random(f"qidai-viable-{self.maker.plan.seed}-{row.line}")
            line = release.viable_line(row, self.keys(row.line), self.origin, rng)
            yield [self.keys(row.line * 16 + 15), *line, *self._verified(row)]

    def _cultures(self, rows: Iterable[UnitRow], number: int) -> Iterator[list[Any]]:
        rng = random.Random(f"qidai-cultures-{self.maker.plan.seed}-{number}")
        for row in release.waiting(rows):
            yield from release.culture_lines(row, self.keys, self._verified(row), rng)

    def _decisions(self, rows: Iterable[UnitRow], number: int) -> Iterator[list[Any]]:
        rng = random.Random(f"qidai-decisions-{self.maker.plan.seed}-{number}")
        lines = (
            release.eligibility_line(row, self.keys, self._verified(row), rng)
            for row in release.waiting(rows)
        )
        return (line for line in lines if line is not None)

    def _screens(self, rows: Iterable[UnitRow]) -> Iterator[list[Any]]:
        for row in rows:
            if row.values.get("haemoglobinopathy"):
                key = self.keys(row.line)
                yield [key, *screen_line(row, key, self.origin), *self._verified(row)]

    def _verified(self, row: UnitRow) -> tuple[Any, Any]:
        """Who vouched for the unit's results, and when."""
        person = self.origin.verified_by_id
        if person is None or row.line % UNVERIFIED_OF == 0:
            return None, None
        return person, row.values["collected_on"] + dt.timedelta(days=30)

    def _markers(self, rows: Iterable[UnitRow], rng: random.Random) -> Iterator[str]:
        """Text at once: they are half of all rows, and nothing in them needs quotes."""
        for row in rows:
            unit_id = self.keys(row.line)
            tested = row.values["collected_on"] + dt.timedelta(days=rng.randint(1, 5))
            row.values["tested_on"] = tested
            person, day = self._verified(row)
            end = f"serum,L{tested:%y%m},,{tested},{person or NULL},{day or NULL}\n"
            for count, test in enumerate(_TESTS):
                # Most adults in China carry CMV antibodies; the other tests would stop the unit.
                result = "positive" if test == _CMV and rng.random() < 0.93 else "negative"
                yield f"{self.keys(row.line * 16 + count)},{unit_id},{_MOTHER},{test},{result},,{end}"
                yield f"{self.keys(row.line * 16 + 8 + count)},{unit_id},{_UNIT},{test},negative,,{end}"
            if row.status == UnitStatus.QUARANTINE:
                for count, subject, test in release.more_markers(row):
                    yield f"{self.keys(_MORE + row.line * 4 + count)},{unit_id},{subject},{test},negative,,{end}"

    def _uses(self, rows: Iterable[UnitRow]) -> Iterator[str]:
        """Which lots each unit used; behind its markers, which say when it was tested."""
        for row in rows:
            yield from lots.use_lines(
                row.line, row.values["collected_on"], row.values["tested_on"], self.keys
            )

    def _slots(self, rows: Iterable[UnitRow]) -> Iterator[list[Any]]:
        """Canister after canister; a discarded unit leaves its slot empty."""
        for row in rows:
            stored = row.status != UnitStatus.DISCARDED
            yield slot_line(row.line - 1, self.keys, self.keys(row.line) if stored else None)


_TESTS = tuple(test.value for test in TESTS)
_MORE = 4 << 40  # keys of the further markers begin here: of a table all have to be different
_CMV, _MOTHER, _UNIT = MarkerTest.CMV.value, Subject.MOTHER.value, Subject.UNIT.value
