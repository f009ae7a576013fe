"""What two lists of one request tell differently: units that came, went, or changed, and in what.

Both lists are read in two queries as plain tuples: 5,000 rows each are compared in a fraction of a page's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from matching.choices import CLASS_SIZE, SIZES
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.standing import band_of

PLACES: Final = 10  # so many ranks up or down are worth telling
_DOSE_DIGITS: Final = 2


class Kind(StrEnum):
    """In what a unit differs between two lists."""

    VERDICT = "verdict"
    CLASS = "class"
    CERTAIN = "certain"
    PROBABILITY = "probability"
    DOSE = "dose"
    STATUS = "status"
    RANK = "rank"


class Row(NamedTuple):
    """What a list says of one unit. Columns of SearchResult, in the order in which they are read."""

    unit_id: UUID
    rank: int
    antigen6_min: int | None
    antigen6_max: int | None
    allele6_min: int | None
    allele6_max: int | None
    allele8_min: int | None
    allele8_max: int | None
    allele10_min: int | None
    allele10_max: int | None
    p0_of6: float | None
    p0_of8: float | None
    p0_of10: float | None
    tnc_e7: float | None
    cd34_e6: float | None
    tnc_e7_per_kg: float | None
    cd34_e5_per_kg: float | None
    status: str

    def span(self, name: str) -> tuple[int, int] | None:
        """Certain and possible matches of a class; None where it was not asked."""
        at = 2 + 2 * _CLASSES.index(name)
        low, high = self[at], self[at + 1]
        return None if high is None else (low, high)  # type: ignore[return-value]

    def share(self, size: int) -> float | None:
        """Probability of no mismatch among so many positions."""
        return self[10 + SIZES.index(size)]  # type: ignore[return-value]


_CLASSES: Final = tuple(CLASS_SIZE)


Rules = tuple[str, ...]  # that exclude a unit, in the order of the catalogue; none: it is eligible


class Changed(NamedTuple):
    """excluded_by: before and after, None where one of both was not judged."""

    before: Row
    after: Row
    kinds: frozenset[Kind]
    excluded_by: tuple[Rules, Rules] | None = None


@dataclass(frozen=True)
class Differences:
    """New and changed units by their rank in the newer list, gone ones by that in the older; so many stayed alike."""

    new: list[Row]
    gone: list[Row]
    changed: list[Changed]
    alike: int

    def counts(self) -> dict[Kind, int]:
        """Of the changed units how many differ in what."""
        return {kind: sum(kind in one.kinds for one in self.changed) for kind in Kind}


def rows_of(run: SearchRun) -> dict[UUID, Row]:
    """The list of a finished search, best first."""
    rows = SearchResult.objects.filter(run=run).order_by("rank").values_list(*Row._fields)
    return {row[0]: Row._make(row) for row in rows.iterator(chunk_size=5_000)}


def row_of(result: SearchResult) -> Row:
    """The same of one result that was read as a whole."""
    return Row._make(getattr(result, name) for name in Row._fields)


def excluded_by(evaluation: Evaluation) -> dict[UUID, Rules]:
    """Every judged unit with the rules that exclude it."""
    rows = EvaluatedUnit.objects.filter(evaluation=evaluation).values_list("result__unit_id", "excluded_by")
    return {unit: tuple(codes) for unit, codes in rows.iterator(chunk_size=5_000)}


def differences(
    before: Mapping[UUID, Row],
    after: Mapping[UUID, Row],
    judged: tuple[Mapping[UUID, Rules], Mapping[UUID, Rules]] = ({}, {}),
) -> Differences:
    """O(n) in the length of the two lists, each in the order of its ranks. judged: `excluded_by` of both."""
    changed = []
    for unit, row in after.items():
        old = before.get(unit)
        if old is None:
            continue
        then, now = (side.get(unit) for side in judged)
        verdicts = None if then is None or now is None else (then, now)
        kinds = changed_in(old, row)
        if verdicts is not None and bool(then) != bool(now):
            kinds |= {Kind.VERDICT}
        if kinds:
            changed.append(Changed(old, row, kinds, verdicts))
    new = [row for unit, row in after.items() if unit not in before]
    gone = [row for unit, row in before.items() if unit not in after]
    return Differences(new, gone, changed, len(after) - len(new) - len(changed))


def changed_in(old: Row, new: Row) -> frozenset[Kind]:
    """In what a unit differs; empty where only its rank moved by less than PLACES, or a number below its digits."""
    if old[2:] == new[2:] and abs(old.rank - new.rank) < PLACES:
        return frozenset()
    return frozenset(kind for kind, differs in _DIFFERS.items() if differs(old, new))


def _dose(row: Row) -> list[float | None]:
    """As it is told: per kg in two digits, without a weight the cells of the unit."""
    per_kg = (row.tnc_e7_per_kg, row.cd34_e5_per_kg)
    found = (row.tnc_e7, row.cd34_e6) if per_kg == (None, None) else per_kg
    return [None if value is None else round(value, _DOSE_DIGITS) for value in found]


_DIFFERS: Final[dict[Kind, Callable[[Row, Row], bool]]] = {
    Kind.CLASS: lambda old, new: old[3:10:2] != new[3:10:2],
    Kind.CERTAIN: lambda old, new: old[2:10:2] != new[2:10:2],
    Kind.PROBABILITY: lambda old, new: [*map(band_of, old[10:13])] != [*map(band_of, new[10:13])],
    Kind.DOSE: lambda old, new: _dose(old) != _dose(new),
    Kind.STATUS: lambda old, new: old.status != new.status,
    Kind.RANK: lambda old, new: abs(old.rank - new.rank) >= PLACES,
}
