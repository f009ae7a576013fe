"""Compiled loops of match_matrix with probabilities. What the arrays mean is said in matrix.py."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.jit import compiled
from hla.prediction.combine_kernels import local_pairs, mismatch_shares
from hla.prediction.kernels import EMPTY, Word, mixed, table_size

Array = NDArray[Any]

TOLD_APART = 1  # mismatches: P(all matched) and P(all but one)
_SEMICOLON, _NEWLINE, _ZERO = 59, 10, 48


@compiled
def distinct_rows(rows: Array) -> tuple[Array, Array]:
    """Number of each genotype among the distinct ones, int64 (n,), and where each distinct one stands first."""
    table = np.full(table_size(rows.shape[0]), EMPTY, dtype=np.int64)
    mask = np.uint64(table.shape[0] - 1)
    numbers = np.empty(rows.shape[0], dtype=np.int64)
    firsts = np.empty(rows.shape[0], dtype=np.int64)
    found = 0
    for row in range(rows.shape[0]):
        slot = mixed(rows[row, 0], rows[row, 1], rows[row, 2]) & mask
        while True:
            at = table[slot]
            if at == EMPTY:
                table[slot] = found
                firsts[found] = row
                numbers[row] = found
                found += 1
                break
            first = firsts[at]
            if (
                rows[first, 0] == rows[row, 0]
                and rows[first, 1] == rows[row, 1]
                and rows[first, 2] == rows[row, 2]
            ):
                numbers[row] = at
                break
            slot = (slot + np.uint64(1)) & mask
    return numbers, firsts[:found].copy()


@compiled
def whole_shares(
    genotypes: Array,
    pair_ids: Array,
    absent_starts: Array,
    absent: Array,
    holders: Array,
    holder_shares: Array,
    holder_starts: Array,
    slots: Array,
    local: Array,
    radices: Array,
    counts: Array,
    keys: Array,
    values: Array,
    binomials: Array,
    result: Array,
) -> None:
    """P(0) and P(1) mismatches over all loci for each unit, added to result float64 (units, 2).

    A genotype is looked at once, whoever holds it; `absent` rejects nearly all of them by small look-ups.
    """
    pairs = np.zeros((5, 2), dtype=np.int64)
    partials = np.zeros((64, 2), dtype=np.int64)
    drops = np.zeros(64, dtype=np.int64)
    found = np.zeros(TOLD_APART + 1, dtype=np.float64)
    for row in range(genotypes.shape[0]):
        least = 0
        for at in range(slots.shape[0]):
            least += absent[absent_starts[at] + pair_ids[row, at]]
            if least > TOLD_APART:
                break
        if least > TOLD_APART:
            continue
        local_pairs(genotypes[row], slots, local, pairs)
        mismatch_shares(
            pairs, slots, radices, counts, TOLD_APART, keys, values, binomials, partials, drops, found
        )
        if found[0] == 0.0 and found[1] == 0.0:
            continue
        for place in range(holder_starts[row], holder_starts[row + 1]):
            result[holders[place], 0] += holder_shares[place] * found[0]
            result[holders[place], 1] += holder_shares[place] * found[1]


@compiled
def locus_matched(starts: Array, pair_ids: Array, shares: Array, patient: Array, result: Array) -> None:
    """P(both matched) at one locus for each unit. patient: his share of each pair of the units."""
    for unit in range(starts.shape[0] - 1):
        found = 0.0
        for place in range(starts[unit], starts[unit + 1]):
            found += shares[place] * patient[pair_ids[place]]
        result[unit] = found


@compiled
def put_number(out: Array, at: Word, value: float) -> Word:
    """Write a share as whole per cent, rounded half up; returns the next place."""
    number = int(np.floor(value * 100.0 + 0.5 + 1e-9))
    number = min(max(number, 0), 100)
    if number >= 100:
        out[at], out[at + 1], out[at + 2] = _ZERO + 1, _ZERO, _ZERO
        return at + 3
    if number >= 10:
        out[at] = _ZERO + number // 10
        at += 1
    out[at] = _ZERO + number % 10
    return at + 1


@compiled
def put_bytes(out: Array, at: Word, text: Array) -> Word:
    """Write some bytes; returns the next place."""
    for place in range(text.shape[0]):
        out[at + place] = text[place]
    return at + text.shape[0]


@compiled
def written(
    patient: Array,
    names: Array,
    name_starts: Array,
    grades: Array,
    matched: Array,
    whole: Array,
    unknown: Array,
    out: Array,
) -> int:
    """All rows of one patient into out (uint8); returns how many bytes. Where nothing is known: ? and no number."""
    at = 0
    for unit in range(whole.shape[0]):
        at = put_bytes(out, at, patient)
        out[at] = _SEMICOLON
        at = put_bytes(out, at + 1, names[name_starts[unit] : name_starts[unit + 1]])
        for locus in range(matched.shape[0]):
            out[at] = _SEMICOLON
            out[at + 1] = grades[locus, unit]
            out[at + 2] = _SEMICOLON
            at += 3
            if not unknown[unit]:
                at = put_number(out, at, matched[locus, unit])
        for column in range(2):
            out[at] = _SEMICOLON
            at += 1
            if not unknown[unit]:
                at = put_number(out, at, whole[unit, 1 - column])
        out[at] = _NEWLINE
        at += 1
    return at
