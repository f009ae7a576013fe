"""Match probabilities of the units of a list: imputed, or taken from the store, each distinct typing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.prediction.combine import CLASS_LOCI, UPTO, Patient, predict
from hla.prediction.fits import Pair
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed, Part, joined
from matching.engine.imputed_store import ImputedStore, typing_digest
from matching.engine.search import Ranked

Array = NDArray[Any]

AT_ONCE = 64  # distinct typings imputed and compared together: bounds the memory of very open ones
# Of those imputed before; each has at most MAX_GENOTYPES: some 100 MB if all are as open.
ASKED_AT_ONCE = 8 * AT_ONCE
ENGINE_VERSION = "1"
BAND = 0.1  # probabilities this close are ordered by what follows them (matching.md 2.3)
NO_BAND = -1
CLASS_SIZES = {"allele6": 6, "allele8": 8, "allele10": 10}


@dataclass(frozen=True)
class Group:
    """Units that are imputed with one table. typings: per unit its two texts at each locus of SEARCH_LOCI."""

    imputer: Imputer
    store: ImputedStore | None
    places: Sequence[int]
    typings: Sequence[tuple[Pair, ...]]


@dataclass(frozen=True)
class ListPredictions:
    """Match probabilities of the n units of a list; NaN where nothing is known.

    classes: 6, 8, 10 -> float64 (n, 3), P(0), P(1), P(2) mismatches. loci: locus -> float64 (n, 3), likewise at it.
    lost: float64 (n,), the most by which one of them may be too low. basis: uint8 (n,), Basis of the unit's genotypes.
    relaxed: per unit, loci that its set explains only by themselves or not at all.
    """

    classes: Mapping[int, Array]
    loci: Mapping[str, Array]
    lost: Array
    basis: Array
    relaxed: tuple[tuple[str, ...], ...]

    def taken(self, order: Array) -> ListPredictions:
        """The same units in another order."""
        return ListPredictions(
            {size: values[order] for size, values in self.classes.items()},
            {locus: values[order] for locus, values in self.loci.items()},
            self.lost[order],
            self.basis[order],
            tuple(self.relaxed[at] for at in order),
        )

    def counts(self) -> dict[str, int]:
        """How many units rest on what."""
        return {basis.name.lower(): int((self.basis == basis).sum()) for basis in Basis}

    def bands(self, size: int) -> Array:
        """P(0 mismatches) in steps of ten per cent, NO_BAND where it is not known: int64 (n,)."""
        found = self.classes[size][:, 0]
        known = ~np.isnan(found)
        steps = np.minimum(np.floor(found / BAND + 1e-9), 1 / BAND - 1)
        return np.where(known, np.nan_to_num(steps), NO_BAND).astype(np.int64)


def with_certain(found: ListPredictions, ranked: Ranked) -> ListPredictions:
    """What needs no frequencies: units without a prediction whose class or locus is certain by the typings alone.

    Source: matching.md 6.5, one genotype needs no set. A unit certain in all its allele classes rests on the typings.
    """
    sizes = {CLASS_SIZES[name]: values for name, values in ranked.classes.items() if name in CLASS_SIZES}
    whole = found.basis == Basis.NONE
    for size, counts in sizes.items():
        whole &= _fill(found.classes[size], size, counts)
    for locus, counts in ranked.locus.items():
        _fill(found.loci[locus], 2, counts)
    basis, lost = found.basis.copy(), found.lost.copy()
    basis[whole] = Basis.TYPING
    lost[whole] = 0.0
    return replace(found, basis=basis, lost=lost)


def _fill(shares: Array, positions: int, counts: Array) -> Array:
    """Put 1 at the mismatches of rows that have none yet, where least and most matches agree; which rows agree."""
    sure: Array = counts[:, 0] == counts[:, 1]
    rows = np.flatnonzero(sure & np.isnan(shares[:, 0]))
    mismatches = positions - counts[rows, 0].astype(np.int64)
    shares[rows] = 0.0
    told = mismatches < shares.shape[1]
    shares[rows[told], mismatches[told]] = 1.0
    return sure


def imputed(imputer: Imputer, store: ImputedStore | None, typings: Sequence[tuple[Pair, ...]]) -> Imputed:
    """Genotypes of typings over SEARCH_LOCI, from the store where it has them."""
    return _together(imputer, *_looked_up(imputer, store, typings))


def _together(imputer: Imputer, own: Sequence[tuple[Pair, ...]], looked_up: Sequence[Part | None]) -> Imputed:
    """What the store had, the rest imputed, as one."""
    parts = list(looked_up)
    missing = [at for at, part in enumerate(parts) if part is None]
    if len(missing) == len(own):
        return imputer.impute_pairs(own)  # as one piece already
    if missing:
        fresh = imputer.impute_pairs([own[at] for at in missing])
        for place, at in enumerate(missing):
            parts[at] = fresh.part(place)
    return joined(imputer.table, [part for part in parts if part is not None])


def each_imputed(
    imputer: Imputer, store: ImputedStore | None, typings: Sequence[tuple[Pair, ...]]
) -> Iterator[Imputed]:
    """The same of one person after another: what the store does not have is imputed when its turn comes."""
    for pairs, part in zip(*_looked_up(imputer, store, typings), strict=True):
        yield imputer.impute_pairs([pairs]) if part is None else joined(imputer.table, [part])


def _looked_up(
    imputer: Imputer, store: ImputedStore | None, typings: Sequence[tuple[Pair, ...]]
) -> tuple[list[tuple[Pair, ...]], list[Part | None]]:
    """The typings over the loci of the table, and what the store has of them."""
    slots = imputer.table.slots.tolist()
    own = [tuple(pairs[slot] for slot in slots) for pairs in typings]
    nothing: list[Part | None] = [None] * len(own)
    return own, nothing if store is None else store.find([typing_digest(pairs) for pairs in own])


def nothing_known(n: int) -> ListPredictions:
    """A list of n units without any prediction."""
    return ListPredictions(
        {size: np.full((n, UPTO + 1), np.nan) for size in CLASS_LOCI},
        {locus: np.full((n, 3), np.nan) for locus in SEARCH_LOCI},
        np.full(n, np.nan),
        np.full(n, Basis.NONE, dtype=np.uint8),
        ((),) * n,
    )


def predict_list(
    patient: Patient, groups: Sequence[Group], n: int, tell: Callable[[float], None] = lambda share: None
) -> ListPredictions:
    """Predictions of a list of n units; those in no group have none. tell: the share done; may raise to stop."""
    result = nothing_known(n)
    relaxed = list(result.relaxed)
    done = 0
    for units, places in _portions(groups):
        found = predict(patient, units)
        rows = [row for of_one in places for row in of_one]
        own = np.repeat(np.arange(len(places)), [len(of_one) for of_one in places])
        for size, values in found.classes.items():
            result.classes[size][rows] = values[own]
        for locus, values in found.loci.items():
            result.loci[locus][rows] = values[own]
        result.lost[rows], result.basis[rows] = found.lost[own], units.basis[own]
        for row, at in zip(rows, own.tolist(), strict=True):
            relaxed[row] = units.relaxed[at]
        done += len(rows)
        tell(done / n)
    return replace(result, relaxed=tuple(relaxed))


def _portions(groups: Sequence[Group]) -> Iterator[tuple[Imputed, list[list[int]]]]:
    """Distinct typings of each group, some at a time, with the places of the units that have them.

    The store is asked for more at once than are combined at once, since asking has its price. How many are combined
    must not depend on what the store has: sums would be added up in another order than when a search is recomputed.
    """
    for group in groups:
        places: dict[tuple[Pair, ...], list[int]] = {}
        for place, typing in zip(group.places, group.typings, strict=True):
            places.setdefault(typing, []).append(place)
        typings = list(places)
        for start in range(0, len(typings), ASKED_AT_ONCE):
            asked = typings[start : start + ASKED_AT_ONCE]
            own, parts = _looked_up(group.imputer, group.store, asked)
            for begin in range(0, len(asked), AT_ONCE):
                here = slice(begin, begin + AT_ONCE)
                units = _together(group.imputer, own[here], parts[here])
                yield units, [places[typing] for typing in asked[here]]
