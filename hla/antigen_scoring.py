"""One patient against all distinct antigen pairs of a locus: positions that match at antigen level.

Definitions: domain notes 2.3. A choice of the patient and one of the unit match by a pattern: which of the patient's
two positions each of the unit's matches. There are four for a position, so that what it may do is a mask of four
bits, and a table answers for two masks.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from hla.antigens import AntigenRule, AntigenSet
from hla.genotypes import Genotypes, Shape
from hla.nomenclature import ANY_GROUP, AntigenOption, AntigenOptions
from hla.table import AntigenPairs, Ints, Options, Scorable, TypingArrays

Counts = npt.NDArray[np.int8]

AVOIDABLE_FROM: Final = 3


def pattern_tables() -> tuple[npt.NDArray[np.int8], ...]:
    """Largest and smallest count for two sets of patterns, for a pair and for one type twice.

    A pattern says which of a and b an antigen of the unit matches (bit 0: a, bit 1: b). A set of patterns is
    a mask of four bits. Shapes: (16, 16), (16, 16), (16,), (16,).
    """
    best, worst = np.zeros((16, 16), np.int8), np.zeros((16, 16), np.int8)
    best_twice, worst_twice = np.zeros(16, np.int8), np.zeros(16, np.int8)
    for one, other in product(range(1, 16), repeat=2):
        values = [pattern_value(x, y) for x in patterns(one) for y in patterns(other)]
        best[one, other], worst[one, other] = max(values), min(values)
    for mask in range(1, 16):
        values = [pattern_value(x, x) for x in patterns(mask)]
        best_twice[mask], worst_twice[mask] = max(values), min(values)
    return best, worst, best_twice, worst_twice


def patterns(mask: int) -> list[int]:
    return [pattern for pattern in range(4) if mask >> pattern & 1]


def pattern_value(c: int, d: int) -> int:
    """The better of direct (a-c, b-d) and cross (b-c, a-d)."""
    return max((c & 1) + (d >> 1), (c >> 1) + (d & 1))


BEST, WORST, BEST_TWICE, WORST_TWICE = pattern_tables()


def antigen_counts(
    mine: Genotypes, table: Scorable, arrays: TypingArrays, rule: AntigenRule
) -> tuple[Counts, Counts]:
    """Smallest and largest number of positions matched at antigen level: int8 (n,) each.

    Two positions match at antigen level if they share a P group or their antigens are related (2.3).
    """
    low, high = pair_counts(mine, table, arrays, rule)
    return low[arrays.antigen_pairs], high[arrays.antigen_pairs]


def pair_counts(
    mine: Genotypes, table: Options, arrays: AntigenPairs, rule: AntigenRule
) -> tuple[Counts, Counts]:
    """As antigen_counts, of the distinct antigen pairs: int8 (g,) each."""
    shapes = arrays.pair_shapes
    low = np.full(len(shapes), 2, dtype=np.int8)
    high = np.zeros(len(shapes), dtype=np.int8)
    if mine.shape in (Shape.PAIR, Shape.HOMOZYGOUS) and len(arrays.class_starts):  # none: nobody is typed
        twice = shapes == Shape.HOMOZYGOUS
        for a, b in worst_choices(mine, table, rule):
            one, other = pair_masks(arrays, a, b)
            low = np.minimum(low, np.where(twice, WORST_TWICE[one], WORST[one, other]))
        for a, b in best_choices(mine, table, rule):
            one, other = pair_masks(arrays, a, b)
            high = np.maximum(high, np.where(twice, BEST_TWICE[one], BEST[one, other]))
    unknown = shapes == Shape.UNTYPED
    if mine.shape is Shape.UNTYPED:
        unknown = np.ones_like(unknown)
    nothing = np.full_like(unknown, mine.shape is Shape.NONE) | (shapes == Shape.NONE)
    low[nothing | unknown] = 0
    high[nothing] = 0
    high[unknown] = 2
    return low, high


def pair_masks(arrays: AntigenPairs, a: Ints, b: Ints) -> Ints:
    """Sets of patterns at both positions of each antigen pair, for a choice of the patient: int64 (2, g)."""
    masks = np.bitwise_or.reduceat((1 << (a + 2 * b))[arrays.class_options], arrays.class_starts)
    found: Ints = masks[arrays.pair_classes]
    return found


def worst_choices(mine: Genotypes, table: Options, rule: AntigenRule) -> list[tuple[Ints, Ints]]:
    """The patient's possible pairs of antigens, as what they match in the table, for the smallest count."""
    first = least(related_rows(avoiding(all_of(mine.first_antigens, table)), table, rule))
    if mine.shape is Shape.HOMOZYGOUS:
        return [(row, row) for row in first]
    second = least(related_rows(avoiding(all_of(mine.second_antigens, table)), table, rule))
    return list(product(first, second))


def least(rows: list[Ints]) -> list[Ints]:
    """The rows that do not match whatever another row matches: more matches never make a count smaller."""
    kept: list[Ints] = []
    for row in sorted(rows, key=np.sum):
        if not any(np.all(other <= row) for other in kept):
            kept.append(row)
    return kept


def best_choices(mine: Genotypes, table: Options, rule: AntigenRule) -> list[tuple[Ints, Ints]]:
    """As worst_choices, for the largest count: two positions are chosen freely, each for its own partner."""
    first = related_rows(all_of(mine.first_antigens, table), table, rule)
    if mine.shape is Shape.HOMOZYGOUS:
        return [(row, row) for row in first]
    second = related_rows(all_of(mine.second_antigens, table), table, rule)
    return [(np.bitwise_or.reduce(first), np.bitwise_or.reduce(second))]


def all_of(options: AntigenOptions | None, table: Options) -> AntigenOptions:
    """The antigen options of a position, None standing for everything."""
    return table.resolver.nomenclature.all_options(table.locus) if options is None else options


def avoiding(options: AntigenOptions) -> Iterator[AntigenOption]:
    """The options that matter for the smallest count.

    With as many P groups for the same antigens as AVOIDABLE_FROM one of them is always neither of the unit's
    two, and sharing a P group only adds matches.
    """
    groups: dict[AntigenSet, set[int]] = {}
    for group, antigens in options:
        groups.setdefault(antigens, set()).add(group)
    for antigens, found in groups.items():
        free = ANY_GROUP in found or len(found) >= AVOIDABLE_FROM
        yield from ((group, antigens) for group in ({ANY_GROUP} if free else found))


def related_rows(options: Iterable[AntigenOption], table: Options, rule: AntigenRule) -> list[Ints]:
    """One row per way in which an option of this position can match: int64 (o,), 0 or 1."""
    rows = {row.tobytes(): row for row in (table.related(option, rule) for option in options)}
    return [row.astype(np.int64) for row in rows.values()]
