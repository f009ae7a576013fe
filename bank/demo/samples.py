"""Samples of the synthetic units, what was taken of some, and a few units that shall leave. Shares are ASSUMED."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

from bank.choices import DiscardReason, Source, Subject, UnitStatus
from bank.choices_stocks import SampleKind, SamplePurpose
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow
from bank.imports.write import SAMPLE_COLUMNS, segments_line
from bank.models import Bank, CordBloodUnit, DiscardProposal

Key = Callable[[int], str]

COLUMNS = (*SAMPLE_COLUMNS, "place")
USE_COLUMNS = (
    "id",
    "sample_id",
    "count",
    "purpose",
    "for_what",
    "reason",
    "used_on",
    "used_by_id",
    "signed_by",
)
TAKEN_OF = 25  # of one unit of so many a segment was used
# What is kept of units that wait, beside the segments.
KEPT = (
    (Subject.MOTHER, SampleKind.SERUM, 3),
    (Subject.MOTHER, SampleKind.DNA, 1),
    (Subject.UNIT, SampleKind.DNA, 2),
)


def _is_taken(row: UnitRow) -> bool:
    return row.line % TAKEN_OF == 0


def sample_lines(rows: Iterable[UnitRow], key: Key, origin: Origin) -> Iterator[list[Any]]:
    """The values of COLUMNS: the segments of each unit, and more of those that wait in quarantine."""
    for row in rows:
        unit_id = key(row.line)
        segments = segments_line(row, unit_id, origin, used=int(_is_taken(row)))
        yield [key(row.line * 4), *segments, ""]
        if row.status != UnitStatus.QUARANTINE:
            continue
        place = f"F1 box {row.line // 40 + 1} row {row.line % 40 + 1}"
        for number, (subject, kind, count) in enumerate(KEPT, 1):
            known = [unit_id, subject.value, kind.value, count, count, origin.user_id, place]
            yield [key(row.line * 4 + number), *known]


def use_lines(rows: Iterable[UnitRow], key: Key, person_id: UUID | None) -> Iterator[list[Any]]:
    """The values of USE_COLUMNS."""
    for row in rows:
        if _is_taken(row):
            purpose, for_what = (
                (SamplePurpose.CONFIRMATORY, "HLA laboratory")
                if row.line % 2
                else (SamplePurpose.POTENCY, "CFU assay")
            )
            day = row.values["collected_on"] + dt.timedelta(days=60)
            yield [key(row.line), key(row.line * 4), 1, purpose.value, for_what, "", day, person_id, ""]


def propose(bank: Bank, *, first_id: UUID | None, second_id: UUID | None) -> None:
    """Three units of the quarantine that shall leave, proposed by two people, so that each has something to decide."""
    units = CordBloodUnit.objects.filter(
        bank=bank, source=Source.OWN, status=UnitStatus.QUARANTINE, held_for_confirmation=False
    )
    given = (
        (second_id, UnitStatus.DISCARDED, DiscardReason.CLOTS, "A clot fills a third of the bag."),
        (second_id, UnitStatus.RESEARCH, DiscardReason.LOW_DOSE, "Too few cells to be chosen; wanted by a study."),
        (first_id, UnitStatus.DISCARDED, DiscardReason.DAMAGED, "The port leaks after the test thaw of a segment."),
    )  # fmt: skip
    for unit, (person_id, to, code, reason) in zip(
        units.order_by("-unit_no")[: len(given)], given, strict=False
    ):
        if person_id is not None:
            DiscardProposal.objects.create(
                unit=unit, to=to, code=code, reason=reason, status_then=unit.status, proposed_by_id=person_id
            )
