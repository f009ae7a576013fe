"""Compiled loops of scoring: one patient against all distinct typings of a locus. What they mean: hla.scoring.

Each is the loop form of what hla.scoring does with whole arrays; tests hold one against the other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled

Array = NDArray[Any]

IN_FIRST, IN_SECOND, IN_BOTH = np.uint16(1), np.uint16(2), np.uint16(4)
IN_EITHER, IN_ANY = np.uint16(3), np.uint16(7)
NO_BITS = np.uint16(0)
OPTIONS = np.uint16(8)  # of flags: from here on a bit for each P group that is tried by itself
ALONE, FREE = np.uint16(8), np.uint16(16)  # of words: a set of one member; from FREE on a bit for each choice
HOMOZYGOUS, NONE, UNTYPED = 1, 2, 3  # hla.genotypes.Shape


FAR = 65_535  # a step this long that reaches no set: the next one goes on from there


@compiled
def add_flags(flags: Array, groups: Array, bits: Array, starts: Array, gaps: Array) -> None:
    """To each set that has a P group its bits. groups: numbers of the table; starts, gaps: as `gaps` gives them."""
    for at in range(len(groups)):
        group = groups[at]
        one = np.int64(0)
        for place in range(starts[group], starts[group + 1]):
            one += np.int64(gaps[place])
            if gaps[place] != FAR:
                flags[one] |= bits[at]


@compiled
def gaps(starts: Array, sets: Array) -> tuple[Array, Array]:
    """Postings as steps from one set to the next, which fit into 16 bits: starts, int32, and steps, uint16."""
    count = 0
    for group in range(len(starts) - 1):
        before = 0
        for place in range(starts[group], starts[group + 1]):
            count += 1 + (sets[place] - before) // FAR
            before = sets[place]
    steps = np.empty(count, dtype=np.uint16)
    begins = np.zeros(len(starts), dtype=np.int32)
    count = 0
    for group in range(len(starts) - 1):
        before = 0
        for place in range(starts[group], starts[group + 1]):
            step = sets[place] - before
            before = sets[place]
            while step >= FAR:
                steps[count] = FAR
                count += 1
                step -= FAR
            steps[count] = step
            count += 1
        begins[group + 1] = count
    return begins, steps


@compiled
def postings(members: Array, begins: Array, count: int) -> tuple[Array, Array]:
    """The sets of each P group. members: of sets 2.. one after another; begins: where each begins, and the end.

    Returns starts, int32 (count + 1,), and sets, int32 (members,).
    """
    starts = np.zeros(count + 1, dtype=np.int32)
    for member in members:
        starts[member + 1] += 1
    for group in range(count):
        starts[group + 1] += starts[group]
    place = starts.copy()
    sets = np.empty(len(members), dtype=np.int32)
    for one in range(len(begins) - 1):
        for at in range(begins[one], begins[one + 1]):
            group = members[at]
            sets[place[group]] = one + 2
            place[group] += 1
    return starts, sets


@compiled
def describe_sets(flags: Array, sizes: Array, choices: Array, words: Array) -> None:
    """Of each set all that the counts ask: uint16, flags IN_FIRST, IN_SECOND, IN_BOTH, ALONE, and from FREE on a bit
    for each choice of the patient that leaves a member. One word, since typings reach into a long array for it."""
    every = np.uint16(0)
    for at in range(len(choices)):
        every |= FREE << np.uint16(at)
    for one in range(len(flags)):
        flag, size = flags[one], sizes[one]
        word = flag & IN_ANY
        if size == 1:
            word |= ALONE
        if flag < OPTIONS:
            if size > 0:
                word |= every
        else:
            for at in range(len(choices)):
                left = size
                for side in range(2):
                    if (flag & choices[at, side]) != NO_BITS:
                        left -= 1
                if left > 0:
                    word |= FREE << np.uint16(at)
        words[one] = word


@compiled
def match_range(
    shape: int, first: Any, second: Any, shared: Any, homozygous: bool, resolved: bool
) -> tuple[int, int]:
    """Smallest and largest number of matches of one alternative, both typed (hla.scoring.AlleleScorer).

    first, second, shared: words of its sets.
    """
    if homozygous:  # a = b = c = d needs a type that both positions of the unit may be
        two = (shared & IN_FIRST) != NO_BITS
    elif shape == HOMOZYGOUS:
        two = (first & IN_BOTH) != NO_BITS
    else:
        direct = (first & IN_FIRST) != NO_BITS and (second & IN_SECOND) != NO_BITS
        cross = (first & IN_SECOND) != NO_BITS and (second & IN_FIRST) != NO_BITS
        two = direct or cross
    most = 2 if two else (1 if ((first | second) & IN_EITHER) != NO_BITS else 0)
    together = first & second
    if together >= FREE:
        return 0, most
    return (2 if resolved and two and (together & ALONE) != NO_BITS else 1), most


@compiled
def score_typings(
    starts: Array,
    shapes: Array,
    first: Array,
    second: Array,
    shared: Array,
    words: Array,
    mine: int,
    resolved: bool,
    antigen_pairs: Array,
    antigen_low: Array,
    antigen_high: Array,
    antigens: bool,
    fresh: bool,
    found: Array,
) -> None:
    """Counts of each typing: uint8 (t,), two bits each for match_min, match_max, antigen_min, antigen_max.

    starts: (t + 1,), where the alternatives of each begin. words: of each set. mine: shape of the patient's. antigens:
    whether they count. fresh: `found` has nothing yet; else it holds the patient's other alternatives, and ranges are
    widened.
    """
    for typing in range(len(starts) - 1):
        low, high, antigen_least, antigen_most = np.int64(2), np.int64(0), np.int64(2), np.int64(0)
        if not fresh:
            known = np.int64(found[typing])
            low, high, antigen_least, antigen_most = known & 3, known >> 2 & 3, known >> 4 & 3, known >> 6
        for at in range(starts[typing], starts[typing + 1]):
            shape = shapes[at]
            if mine == UNTYPED or shape == UNTYPED:
                least, most = 0, 2
            elif mine == NONE or shape == NONE:
                least, most = 0, 0
            else:
                both = words[shared[at]] if mine == HOMOZYGOUS else NO_BITS
                least, most = match_range(
                    shape, words[first[at]], words[second[at]], both, mine == HOMOZYGOUS, resolved
                )
            low, high = min(low, np.int64(least)), max(high, np.int64(most))
            if antigens:
                pair = antigen_pairs[at]
                antigen_least = min(antigen_least, np.int64(antigen_low[pair]))
                antigen_most = max(antigen_most, np.int64(antigen_high[pair]))
        if not antigens:
            antigen_least = np.int64(0)
        found[typing] = low | high << 2 | antigen_least << 4 | antigen_most << 6
