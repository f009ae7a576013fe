"""Compiled loops over the units of an inventory: filter, class, count, and find the best. What they mean: scan.py.

A typing is a byte: WORD bits, the row of the locus' table of words, and its marks (book). A word has eight bits a
class: matches at most below, at least above; five words add up to the classes of a unit, since no sum exceeds ten.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled

Array = NDArray[Any]

WORD = np.uint8(63)
NOT_TYPED = np.uint8(64)
UNREADABLE = np.uint8(128)
UNMARKED = np.uint8(0)
HALF = np.uint32(15)
CLASSES = 4
GONE = 255
FIRST_LOCI = 3  # A, B, DRB1: looked up of every unit; C and DQB1 only where the classes of these leave hope

# places of the counters
OTHER_STATUS, NOT_SEARCHABLE, UNREADABLE_UNITS, BELOW_DOSE, BELOW_FLOOR, DOSE_UNKNOWN, FOUND = range(7)
COUNTERS = 7
# what a donor type is to a search: not asked for, units of counted cells, donors who have none to count
NOT_ASKED, COUNTED, UNCOUNTED = np.uint8(0), np.uint8(1), np.uint8(2)
BINS = 4096


@compiled
def hopeful(word: Any, floors: Array, slack: Array) -> bool:
    """Whether each class may still reach its floor with the loci that have not been looked up (slack)."""
    for place in range(CLASSES):
        if np.int64(word >> np.uint32(8 * place) & HALF) + slack[place] < floors[place]:
            return False
    return True


@compiled
def scan(
    begin: int,
    end: int,
    codes: tuple[Array, Array, Array, Array, Array],
    typings: tuple[Array, Array, Array, Array, Array],
    words: Array,
    status: Array,
    wanted: Array,
    donors: Array,
    kinds: Array,
    tnc: Array,
    least_tnc: int,
    required: Array,
    watched: Array,
    floors: Array,
    slack: Array,
    counters: Array,
    lacking: Array,
    unread: Array,
    spread: Array,
    found: Array,
    packed: Array,
) -> None:
    """Rows begin … end - 1. The five loci are A, B, DRB1, C, DQB1.

    codes, typings, words: per locus the units' codes, the byte of each code, uint32 (5, 64) the words. wanted: bool
    (256,), by status. donors: their donor types, empty where all have the first; kinds: uint8 (256,), what each is.
    required, watched: bool (5,), loci at which a unit must be typed, at which unreadable typings are counted.
    Counted are counters, and per locus lacking and unread, int64 (5,); spread: int64 (4, 256), candidates by class
    and half words. found, packed: int32 and uint32, the candidates' rows and words, counters[FOUND] of them.
    """
    late = required[3] or required[4] or watched[3] or watched[4]
    kind, mixed = kinds[0], len(donors) > 0
    if not mixed and kind == NOT_ASKED:
        return
    for row in range(begin, end):
        if mixed:
            kind = kinds[donors[row]]
            if kind == NOT_ASKED:
                continue
        state = status[row]
        if not wanted[state]:
            if state != GONE:
                counters[OTHER_STATUS] += 1
            continue
        one, two, three = typings[0][codes[0][row]], typings[1][codes[1][row]], typings[2][codes[2][row]]
        four, five = UNMARKED, UNMARKED
        if late:
            four, five = typings[3][codes[3][row]], typings[4][codes[4][row]]
        if (one | two | three | four | five) & NOT_TYPED != UNMARKED:
            if marked(one, two, three, four, five, watched, UNREADABLE, unread):
                counters[UNREADABLE_UNITS] += 1
            if marked(one, two, three, four, five, required, NOT_TYPED, lacking):
                counters[NOT_SEARCHABLE] += 1
                continue
        cells = tnc[row]
        if cells >= 0 and cells < least_tnc:
            counters[BELOW_DOSE] += 1
            continue
        word = words[0, one & WORD] + words[1, two & WORD] + words[2, three & WORD]
        if not hopeful(word, floors, slack):
            counters[BELOW_FLOOR] += 1
            continue
        if not late:
            four, five = typings[3][codes[3][row]], typings[4][codes[4][row]]
        word += words[3, four & WORD] + words[4, five & WORD]
        if not hopeful(word, floors, NO_SLACK):
            counters[BELOW_FLOOR] += 1
            continue
        if cells < 0 and kind == COUNTED:
            counters[DOSE_UNKNOWN] += 1
        for place in range(CLASSES):
            spread[place, word >> np.uint32(8 * place) & np.uint32(255)] += 1
        at = counters[FOUND]
        found[at], packed[at] = row, word
        counters[FOUND] = at + 1


NO_SLACK = np.zeros(CLASSES, dtype=np.int64)


@compiled
def marked(
    one: Any, two: Any, three: Any, four: Any, five: Any, loci: Array, mark: Any, counted: Array
) -> bool:
    """Whether a unit has a mark at one of the loci; counts it at each."""
    found = False
    values = (one, two, three, four, five)
    for place in range(5):
        if loci[place] and values[place] & mark != UNMARKED:
            counted[place] += 1
            found = True
    return found


@compiled
def doses(found: Array, packed: Array, tnc: Array, place: int, ranks: Array, rank: int, bins: Array) -> None:
    """Candidates of one rank by their cells in 1.28 · 10⁶, unknown first: int64 (BINS,)."""
    for at in range(len(found)):
        if ranks[packed[at] >> np.uint32(8 * place) & np.uint32(255)] == rank:
            bins[dose_bin(tnc[found[at]])] += 1


@compiled
def dose_bin(cells: Any) -> Any:
    return min((np.int64(cells) + 1) >> 7, BINS - 1)


@compiled
def best(
    found: Array, packed: Array, tnc: Array, place: int, ranks: Array, rank: int, least: int, kept: Array
) -> int:
    """Places of candidates above a rank, and of those of this rank with a dose in bin `least` or above; how many."""
    count = 0
    for at in range(len(found)):
        own = ranks[packed[at] >> np.uint32(8 * place) & np.uint32(255)]
        if own > rank or (own == rank and dose_bin(tnc[found[at]]) >= least):
            kept[count] = at
            count += 1
    return count
