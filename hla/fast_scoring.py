"""One patient against all distinct typings of an inventory at one locus, by compiled loops.

Same counts as hla.scoring, which says what they mean; without directions, which a search needs only of what it keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.antigen_scoring import pair_counts
from hla.antigens import AntigenRule
from hla.frozen_table import FrozenTable
from hla.genotypes import Genotypes, Shape, genotypes_of
from hla.jit import read_only
from hla.scoring import (
    ALLELE_IS_ANTIGEN,
    FIRST_OPTION_BIT,
    FREE,
    IN_BOTH,
    IN_FIRST,
    IN_SECOND,
    is_single,
    options,
)
from hla.scoring_kernels import add_flags, describe_sets, score_typings
from hla.table import ANYTHING, NOTHING, intersection
from hla.typing import LocusTyping

Array = NDArray[Any]

LOOPED = ("starts", "shapes", "first", "second", "shared", "antigen_pairs")
# A count packed into a byte: two bits each for match_min, match_max, antigen_min, antigen_max.
MATCH_MIN, MATCH_MAX, ANTIGEN_MIN, ANTIGEN_MAX = 0, 2, 4, 6


def packed_scores(
    patient: LocusTyping, table: FrozenTable, *, antigen_rule: AntigenRule = "split", antigens: bool = True
) -> NDArray[np.uint8]:
    """Matches of a patient with each typing of `table`: uint8 (t,), packed as above. antigens: whether they count.

    Raises TypingError if the patient's texts cannot be read, ValueError if the loci differ or antigens are not counted
    so here. O(sets that have one of the patient's P groups + typings).
    """
    if patient.locus != table.locus:
        raise ValueError(f"A typing of {patient.locus} cannot be scored against a table of {table.locus}.")
    if antigens and table.locus in ALLELE_IS_ANTIGEN:
        raise ValueError(f"At {table.locus} every allele is an antigen of its own: hla.scoring counts them.")
    found = np.zeros(len(table), dtype=np.uint8)
    pairs = table.resolver.pairs(table.locus, patient.first, patient.second)
    for place, (first, second) in enumerate(pairs):
        _score(genotypes_of(first, second), table, antigen_rule, antigens, place == 0, found)
    return found


def _score(
    mine: Genotypes, table: FrozenTable, rule: AntigenRule, antigens: bool, fresh: bool, found: Array
) -> None:
    """One alternative of the patient."""
    columns = {name: read_only(table.columns[name]) for name in LOOPED}
    nothing = np.zeros(1, dtype=np.int8)
    low, high = pair_counts(mine, table, table.pairs, rule) if antigens else (nothing, nothing)
    bits = _option_bits(mine)
    words = np.empty(len(table.sizes), dtype=np.uint16)
    describe_sets(_flags(mine, table, bits), read_only(table.sizes), _choices(mine, bits), words)
    score_typings(
        *(columns[name] for name in ("starts", "shapes", "first", "second", "shared")),
        words,
        int(mine.shape),
        is_single(mine.first) and is_single(mine.second),
        columns["antigen_pairs"],
        low,
        high,
        antigens,
        fresh,
        found,
    )


def _option_bits(mine: Genotypes) -> dict[int, int]:
    """A bit for each P group that is tried one by one (hla.scoring.options)."""
    listed = sorted({*options(mine.first), *options(mine.second)} - {FREE})
    return {group: FIRST_OPTION_BIT << place for place, group in enumerate(listed)}


def _choices(mine: Genotypes, bits: dict[int, int]) -> NDArray[np.uint16]:
    """The pairs of P groups that the patient may have, as bits; 0 for one that is never in the way."""
    if mine.shape is Shape.HOMOZYGOUS:
        pairs = [(bits.get(option, 0), 0) for option in options(mine.first)]
    else:
        pairs = [
            (bits.get(one, 0), 0 if one == other else bits.get(other, 0))
            for one in options(mine.first)
            for other in options(mine.second)
        ]
    return np.array(pairs, dtype=np.uint16)


def _flags(mine: Genotypes, table: FrozenTable, bits: dict[int, int]) -> NDArray[np.uint16]:
    """What each set of the table has in common with the patient's (hla.scoring.AlleleScorer)."""
    parts = (
        (mine.first, IN_FIRST),
        (mine.second, IN_SECOND),
        (intersection(mine.first, mine.second), IN_BOTH),
    )
    asked = dict(bits)
    for groups, bit in parts:
        for group in groups or ():
            asked[group] = asked.get(group, 0) | bit
    everywhere = sum(bit for groups, bit in parts if groups is None)
    everything = everywhere | sum(bits.values()) | IN_FIRST | IN_SECOND
    if parts[2][0] != frozenset():
        everything |= IN_BOTH
    flags = np.full(len(table.sizes), everywhere, dtype=np.uint16)
    there = [(table.numbers[group], bit) for group, bit in asked.items() if group in table.numbers]
    numbers = np.array([number for number, _ in there], dtype=np.int64)
    marks = np.array([bit for _, bit in there], dtype=np.uint16)
    add_flags(
        flags,
        numbers,
        marks,
        read_only(table.columns["in_starts"]),
        read_only(table.columns["in_gaps"]),
    )
    flags[ANYTHING], flags[NOTHING] = everything, 0
    return flags
