"""Units against each other: the matches of every two, each two distinct typings compared once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.antigens import AntigenRule
from hla.frozen_table import FrozenTable
from hla.matching import CLASSES, Level
from hla.resolve import Resolver
from hla.table import LocusTable
from matching.engine.book import place_of
from matching.engine.columns import Pair
from matching.engine.evidence import unit_typing

Array = NDArray[Any]

BY_ANTIGEN: Final = frozenset(
    locus for parts in CLASSES.values() for locus, level in parts if level == "antigen"
)


@dataclass(frozen=True)
class UnitMatches:
    """n units. codes: locus -> int32 (n,), number of the unit's typing among the t distinct ones of the locus.
    scores: locus -> uint8 (t, t), packed as hla.fast_scoring says; symmetric."""

    codes: Mapping[str, NDArray[np.int32]]
    scores: Mapping[str, NDArray[np.uint8]]

    def between(self, names: Sequence[str], first: Array, second: Array) -> dict[str, NDArray[np.int8]]:
        """Matches of each two units (p,) and (p,) by class of hla.matching.CLASSES: int8 (p, 2), min and max."""
        from hla.fast_scoring import ANTIGEN_MAX, ANTIGEN_MIN, MATCH_MAX, MATCH_MIN

        found = {name: np.zeros((len(first), 2), dtype=np.int8) for name in names}
        for locus in dict.fromkeys(locus for name in names for locus, _ in CLASSES[name]):
            codes = self.codes[locus]
            packed = self.scores[locus][codes[first], codes[second]]
            for name in names:
                for _, level in (part for part in CLASSES[name] if part[0] == locus):
                    places = (ANTIGEN_MIN, ANTIGEN_MAX) if level == "antigen" else (MATCH_MIN, MATCH_MAX)
                    for end, place in enumerate(places):
                        found[name][:, end] += (packed >> np.uint8(place) & np.uint8(3)).astype(np.int8)
        return found

    def at(self, locus: str, level: Level, first: int, second: int) -> tuple[int, int]:
        """Matches of two units at one locus: min and max."""
        from hla.fast_scoring import ANTIGEN_MAX, ANTIGEN_MIN, MATCH_MAX, MATCH_MIN

        codes = self.codes[locus]
        packed = int(self.scores[locus][codes[first], codes[second]])
        low, high = (ANTIGEN_MIN, ANTIGEN_MAX) if level == "antigen" else (MATCH_MIN, MATCH_MAX)
        return packed >> low & 3, packed >> high & 3


def unit_matches(
    typings: Mapping[str, Sequence[Pair]], resolver: Resolver, antigen_rule: AntigenRule
) -> UnitMatches:
    """typings: locus -> the two texts of each unit (n,); what the resolver cannot read counts as untyped.

    O(t²) per locus; two units are then a look-up.
    """
    codes, scores = {}, {}
    for locus, pairs in typings.items():
        table = LocusTable(locus, resolver)
        codes[locus] = np.array([place_of(table, pair) or 0 for pair in pairs], dtype=np.int32)
        scores[locus] = _scores(table, antigen_rule)
    return UnitMatches(codes, scores)


def _scores(table: LocusTable, antigen_rule: AntigenRule) -> NDArray[np.uint8]:
    """One typing after the other is taken as the patient."""
    from hla.fast_scoring import packed_scores  # compiled loops: loaded only where something is compared

    frozen, antigens = FrozenTable.of(table), table.locus in BY_ANTIGEN
    patients = (unit_typing(table.locus, pair) for pair in table.pairs)
    return np.stack(
        [packed_scores(one, frozen, antigen_rule=antigen_rule, antigens=antigens) for one in patients]
    )
