"""The value of the next typing: which locus of which unit, typed now, would help most to find a unit that fits."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.prediction.combine import CLASS_LOCI, UPTO, Patient, class_probabilities
from hla.prediction.imputed import Imputed, pairs_in

Array = NDArray[Any]

SORTED_UP_TO = 4_096  # genotypes; sorting more takes longer than numbering their states


@dataclass(frozen=True)
class TypingValue:
    """What typing each unit at each locus is worth.

    best: the largest probability of any unit to have at most the allowed mismatches, as things are known now. reached:
    float64 (n,), that probability of each unit. gains: float64 (n, loci), by how much `best` is expected to grow when
    the unit is typed at that locus without ambiguity, and the best unit is then chosen anew. Never negative.
    """

    loci: tuple[str, ...]
    best: float
    reached: Array
    gains: Array


def typing_values(
    patient: Patient, units: Imputed, *, size: int = 8, allowed: int = 1, elsewhere: float = 0.0
) -> TypingValue:
    """Value of typing each of n units at each locus of a class (6, 8 or 10) for a patient.

    A typing is a question with the unit's genotypes at that locus as answers, each with its probability. After an
    answer the unit has another probability to fit, and one chooses it or the best of the others: the gain is the mean
    of what one then has, less what one has now (expected value of sample information, Raiffa and Schlaifer 1961).
    elsewhere: the largest probability of a unit that is not among these. Units of which nothing is known cannot be
    judged and count as 0.
    """
    loci = CLASS_LOCI[size]
    fits = fitting_shares(patient, units, size, allowed)
    person = np.repeat(np.arange(len(units)), np.diff(units.starts))
    reached = np.bincount(person, weights=units.shares * fits, minlength=len(units))
    order = np.sort(np.append(reached, [elsewhere, 0.0]))
    best, second = float(order[-1]), float(order[-2])
    others = np.where(reached >= best, second, best)  # the best of the other units
    gains = np.zeros((len(units), len(loci)))
    weights = units.shares * fits
    for at, locus in enumerate(loci):
        answers, count = numbered_answers(pairs_in(units.rows)[:, SEARCH_LOCI.index(locus)], person)
        fitting = np.bincount(answers, weights=weights, minlength=count * len(units))
        chance = np.bincount(answers, weights=units.shares, minlength=count * len(units))
        fitting, chance = fitting.reshape(len(units), count), chance.reshape(len(units), count)
        after = np.maximum(fitting, chance * others[:, None]).sum(axis=1)
        known = chance.sum(axis=1)
        gains[:, at] = np.maximum(after + (1.0 - known) * others - np.maximum(reached, others), 0.0)
    gains[np.diff(units.starts) == 0] = 0.0
    gains[gains < 1e-12] = 0.0
    return TypingValue(loci, best, reached, gains)


def most_gained(reached: float, elsewhere: float) -> float:
    """No typing of a unit that fits with probability `reached` can gain more, whatever its genotypes.

    The best answer is one that leaves no doubt, and the mean over the answers stays `reached`.
    """
    return min(reached, elsewhere) * (1.0 - max(reached, elsewhere))


def numbered_answers(pairs: Array, person: Array) -> tuple[Array, int]:
    """The number of each genotype's answer at a locus, person by person, and how many numbers a person has.

    pairs: uint32 (g,), two states of 16 bits. Of many genotypes the states that occur are numbered, and pairs of them:
    some are never asked for, but nothing is sorted, which would take most of the time of a patient with open typings.
    The arrays that are counted with these numbers have the square of the states for each person: few at a time.
    """
    if len(pairs) <= SORTED_UP_TO:
        found, places = np.unique(pairs, return_inverse=True)
        return person * len(found) + places, len(found)
    low, high = pairs & np.uint32(0xFFFF), pairs >> np.uint32(16)
    there = np.zeros(1 << 16, dtype=np.bool_)
    there[low] = there[high] = True
    count = int(there.sum())
    number = np.cumsum(there) - 1
    return (person * count + number[high]) * count + number[low], count * count


def fitting_shares(patient: Patient, units: Imputed, size: int, allowed: int) -> Array:
    """For each genotype of the units the probability of at most `allowed` mismatches: float64 (g,)."""
    each = replace(
        units, shares=np.ones(len(units.rows)), starts=np.arange(len(units.rows) + 1, dtype=np.int64)
    )
    found = class_probabilities(patient, each, size, max(allowed, UPTO))
    total: Array = found[:, : allowed + 1].sum(axis=1)
    return total
