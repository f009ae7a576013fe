"""Slow, readable twin of the search: one loop over units, plain Python, straight from matching.md 2.3.

Counts of a locus come from the twin of the kernel (tests/hla/reference.py); nothing of matching.engine is used
but the shape of a unit's row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from matching.engine.columns import Pair, UnitRow
from tests.hla.reference import Counts, compare_texts

UNKNOWN = -1


def row_of(unit: Any) -> UnitRow:
    """A unit of the table with what a search looks at, read without the snapshot's own reading."""
    pairs = {locus: (first, second) for locus, first, second in unit.typing_pairs}
    is_cord = unit.donor_type == "cord"
    return UnitRow(
        unit_id=unit.pk.bytes,
        typing=tuple(pairs[locus] for locus in SEARCH_LOCI),
        tnc_e4=UNKNOWN if unit.tnc_e7 is None or not is_cord else round(unit.tnc_e7 * 1000),
        cd34_e3=UNKNOWN if unit.cd34_e6 is None or not is_cord else round(unit.cd34_e6 * 1000),
        year=UNKNOWN,
        status=unit.status,
        abo="",
        rh="",
        donor_type=unit.donor_type,
    )


LEVELS = {
    "antigen6": {"A": "antigen", "B": "antigen", "DRB1": "match"},
    "allele6": {"A": "match", "B": "match", "DRB1": "match"},
    "allele8": {"A": "match", "B": "match", "C": "match", "DRB1": "match"},
    "allele10": {"A": "match", "B": "match", "C": "match", "DRB1": "match", "DQB1": "match"},
}


@dataclass
class Found:
    """One candidate."""

    row: UnitRow
    loci: dict[str, Counts]
    classes: dict[str, tuple[int, int]]  # (min, max)

    @property
    def direction(self) -> str:
        signs = [(sign(c.gvh_min, c.gvh_max), sign(c.hvg_min, c.hvg_max)) for c in self.loci.values()]
        if any(gvh == "yes" for gvh, _ in signs) and any(hvg == "yes" for _, hvg in signs):
            sure = [pair for pair in signs if "open" not in pair]
            if any(gvh == "yes" for gvh, _ in sure) and any(hvg == "yes" for _, hvg in sure):
                return "bidirectional"
        if any("open" in pair for pair in signs):
            return "unknown"
        mismatched = [pair for pair in signs if pair != ("no", "no")]
        if not mismatched:
            return "matched"
        if all(pair == ("yes", "no") for pair in mismatched):
            return "gvh-only"
        return "hvg-only" if all(pair == ("no", "yes") for pair in mismatched) else "bidirectional"


def sign(low: int, high: int) -> str:
    return "yes" if low > 0 else "no" if high == 0 else "open"


@dataclass
class Twin:
    """Result of the twin: the full order, nothing cut."""

    order: list[Found] = field(default_factory=list)
    other_status: int = 0
    not_searchable: int = 0
    below_dose: int = 0
    below_floor: int = 0

    def counts(self, name: str) -> list[tuple[int, int, int]]:
        """(value, possible, certain) from best to worst."""
        possible = Counter(found.classes[name][1] for found in self.order)
        certain = Counter(high for low, high in (found.classes[name] for found in self.order) if low == high)
        return [(value, possible[value], certain[value]) for value in sorted(possible, reverse=True)]

    def banded(self, kept: int, probabilities: Mapping[bytes, float | None]) -> list[Found]:
        """The kept candidates once their probabilities of 6/6 are known: within a class ten per cent at a time."""

        def key(found: Found) -> tuple[int, int, int, int]:
            low, high = found.classes["antigen6"]
            share = probabilities[found.row.unit_id]
            band = -1 if share is None else min(int(share * 10 + 1e-9), 9)
            return -high, -band, -low, -found.row.tnc_e4

        return sorted(self.order[:kept], key=key)


def twin_search(
    patient: Mapping[str, Pair],
    rows: Iterable[UnitRow],
    resolver: Resolver,
    *,
    loci: tuple[str, ...] = SEARCH_LOCI,
    floors: Mapping[str, int] | None = None,
    weight_kg: Decimal | None = None,
    min_tnc_e7_per_kg: Decimal | None = None,
    statuses: Iterable[str] | None = None,
    donor_types: Iterable[str] = ("cord",),
    known: dict[tuple[str, Pair, Pair], Counts] | None = None,
) -> Twin:
    """All candidates in the order of 2.3. `known` remembers comparisons of equal texts between calls."""
    known = {} if known is None else known
    result = Twin()
    for row in rows:
        if row.donor_type not in donor_types:
            continue
        typing = dict(zip(SEARCH_LOCI, row.typing, strict=True))
        if statuses is not None and row.status not in statuses:
            result.other_status += 1
        elif any(typing[locus] == ("", "") for locus in ("A", "B", "DRB1")):
            result.not_searchable += 1
        elif too_small(row, weight_kg, min_tnc_e7_per_kg):
            result.below_dose += 1
        else:
            counts = {
                locus: counted(locus, patient.get(locus, ("", "")), typing[locus], resolver, known)
                for locus in loci
            }
            found = Found(row, counts, classes_of(counts))
            floors = floors or {}
            if any(found.classes[name][1] < floor for name, floor in floors.items()):
                result.below_floor += 1
            else:
                result.order.append(found)
    result.order.sort(key=place)
    return result


def too_small(row: UnitRow, weight_kg: Decimal | None, least: Decimal | None) -> bool:
    if least is None or weight_kg is None or row.tnc_e4 < 0:
        return False
    return Decimal(row.tnc_e4) / 1000 < least * weight_kg


def counted(
    locus: str, mine: Pair, theirs: Pair, resolver: Resolver, known: dict[tuple[str, Pair, Pair], Counts]
) -> Counts:
    key = (locus, mine, theirs)
    if key not in known:
        known[key] = compare_texts(locus, mine, theirs, resolver)
    return known[key]


def classes_of(counts: Mapping[str, Counts]) -> dict[str, tuple[int, int]]:
    return {
        name: (
            sum(getattr(counts[locus], f"{level}_min") for locus, level in levels.items()),
            sum(getattr(counts[locus], f"{level}_max") for locus, level in levels.items()),
        )
        for name, levels in LEVELS.items()
        if set(levels) <= set(counts)
    }


def place(found: Found) -> tuple[int, int, int, bytes]:
    """Class, then certain matches, then dose (unknown last), then the unit's id."""
    low, high = found.classes["antigen6"]
    return -high, -low, -found.row.tnc_e4, found.row.unit_id
