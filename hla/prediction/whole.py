"""One person or one pair looked at closely: likeliest genotypes, and the whole distribution of mismatches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.prediction import combine_kernels
from hla.prediction.combine import CLASS_LOCI, Patient
from hla.prediction.imputed import Imputed, states_of
from hla.prediction.relax import likeliest
from hla.prediction.states import state_name
from hla.resolve import Resolver

Array = NDArray[Any]

PAIRS_AT_MOST: Final = 60_000_000  # pairs of genotypes that are compared while somebody waits
EQUAL_DIGITS: Final = 12  # of shares that are put in order
STEPS: Final = (0.0, 1e-5, 1e-4, 2.5e-4, 5e-4)  # shares left out of each side, tried in turn


@dataclass(frozen=True)
class Genotype:
    """One genotype: locus -> the two P groups (or alleles) by name, "" for nothing expressed."""

    alleles: Mapping[str, tuple[str, str]]
    share: float


def likely_genotypes(imputed: Imputed, person: int, count: int = 10) -> list[Genotype]:
    """The likeliest genotypes of a person, best first; ties by their names.

    Numbers of states, and with them the order of rows, differ between processes, as do the last digits of shares that
    are equal on paper: neither may decide.
    """
    rows, shares = imputed.of(person)
    states = states_of(rows)
    resolver = imputed.table.resolver
    return [
        Genotype(
            {
                locus: named_pair(resolver, locus, states[at, slot])
                for locus, slot in zip(imputed.loci, imputed.table.slots, strict=True)
            },
            float(shares[at]),
        )
        for at in _best(imputed, states, shares, count)
    ]


def _best(imputed: Imputed, states: Array, shares: Array, count: int) -> Array:
    """Places of the likeliest genotypes, ties by the names of their alleles: int64 (count,)."""
    rounded = shares.round(EQUAL_DIGITS)
    least = np.sort(rounded)[-count:].min(initial=np.inf)
    places = np.flatnonzero(rounded >= least)
    keys = [-rounded[places]]
    for locus, slot in zip(imputed.loci, imputed.table.slots, strict=True):
        own, numbers = np.unique(states[places, slot], return_inverse=True)
        names = [state_name(imputed.table.resolver, locus, int(state)) for state in own]
        ranks = np.argsort(np.argsort(names))[numbers.reshape(len(places), 2)]
        keys += [ranks.min(axis=1), ranks.max(axis=1)]
    found: Array = places[np.lexsort(keys[::-1])][:count]
    return found


def named_pair(resolver: Resolver, locus: str, states: Array) -> tuple[str, str]:
    """Names of two states in alphabetical order, which no numbering disturbs."""
    first, second = sorted(state_name(resolver, locus, int(state)) for state in states)
    return first, second


class TooOpen(Exception):
    """More pairs of genotypes than anybody waits for."""


@dataclass(frozen=True)
class Distribution:
    """classes: 6, 8, 10 -> float64 (size + 1,), P(0), P(1), … mismatches; their sum is 1 less at most `lost`."""

    classes: Mapping[int, Array]
    lost: float


def whole_distribution(patient: Patient, units: Imputed, unit: int = 0) -> Distribution | None:
    """All of P(0), P(1), … of one pair, by comparing every genotype with every other; None without an estimate.

    Where these are very many the least likely are left out, at most 5e-4 of each side; `lost` says how much. Raises
    TooOpen where that does not help.
    """
    rows, shares = units.of(unit)
    own, own_shares = patient.rows, patient.shares
    patient.seen(units)  # the same numbers on both sides
    if not len(rows) or not len(own):
        return None
    for step in STEPS:
        own, own_shares = likeliest(patient.rows, patient.shares, step) if step else (own, own_shares)
        others, other_shares = likeliest(rows, shares, step) if step else (rows, shares)
        if len(own) * len(others) <= PAIRS_AT_MOST:
            break
    else:
        raise TooOpen
    shared = [locus for locus in SEARCH_LOCI if locus in patient.loci and locus in units.loci]
    classes = {size: loci for size, loci in CLASS_LOCI.items() if set(loci) <= set(shared)}
    slots = np.zeros((len(classes), len(SEARCH_LOCI)), dtype=np.int64)
    for at, loci in enumerate(classes.values()):
        slots[at, : len(loci)] = [SEARCH_LOCI.index(locus) for locus in loci]
    sizes = np.array([len(loci) for loci in classes.values()], dtype=np.int64)
    found = combine_kernels.joint_counts(own, own_shares, others, other_shares, slots, sizes)
    lost = max(0.0, 1.0 - float(own_shares.sum()) * float(other_shares.sum()))
    return Distribution(
        {size: found[at, : size + 1] for at, size in enumerate(classes)}, lost if lost > 1e-9 else 0.0
    )
