"""A haplotype set as the kernel wants it: alleles read by a nomenclature, haplotypes by falling frequency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hla.errors import TypingError
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.prediction.states import NOTHING, StateKey, StateSpace, space_of
from hla.resolve import Resolver

Nulls = Literal["absent", "as-named"]
Array = NDArray[Any]
BLOCKS: Final = (("A", "B", "C"), ("DRB1", "DQB1"))  # what is inherited together even where the whole is rare


@dataclass(frozen=True)
class Allele:
    """One allele of a set. p_group: None for a null or unread one. nulls: complete names of a null, without locus."""

    name: str
    p_group: int | None
    nulls: frozenset[str] = frozenset()
    readable: bool = True

    @property
    def key(self) -> StateKey:
        """Alleles of equal keys are one allele to match prediction."""
        return self.name if self.p_group is None else self.p_group


@dataclass(frozen=True)
class HaplotypeTable:
    """n haplotypes over some loci, in order of falling frequency.

    alleles: per locus the distinct ones. codes: uint16 (n, loci), index in alleles. frequencies: float64 (n,),
    their sum is 1. states: uint16 (loci, most alleles), what each allele expresses (StateSpace). unread: names
    that the nomenclature does not know, or that are more than one P group; they fit only where nothing is typed.
    unread_share: frequency of the haplotypes with such a name.
    """

    loci: tuple[str, ...]
    alleles: Mapping[str, tuple[Allele, ...]]
    codes: Array
    frequencies: Array
    nulls: Nulls
    resolver: Resolver
    unread: tuple[str, ...] = ()
    unread_share: float = 0.0
    _parts: dict[tuple[str, ...], "HaplotypeTable"] = field(default_factory=dict, compare=False, repr=False)
    value_fits: dict[tuple[str, str], tuple[Array, int | None]] = field(
        default_factory=dict, compare=False, repr=False
    )  # kept by fits.py

    def __len__(self) -> int:
        return len(self.frequencies)

    @classmethod
    def of(cls, found: HaplotypeSet, resolver: Resolver, *, nulls: Nulls = "absent") -> "HaplotypeTable":
        """A set as `resolver` reads it; haplotypes that become one are put together."""
        return cls.mixture([(1.0, found)], resolver, nulls=nulls)

    @classmethod
    def mixture(
        cls, parts: Sequence[tuple[float, HaplotypeSet]], resolver: Resolver, *, nulls: Nulls = "absent"
    ) -> "HaplotypeTable":
        """Several sets, each with a weight: every haplotype of a person comes from one of them.

        Loci: those that all sets have, in the order of SEARCH_LOCI. Weights need not sum to 1. Raises
        ValueError where no locus is left.
        """
        loci = tuple(locus for locus in SEARCH_LOCI if all(locus in found.loci for _, found in parts))
        if not loci:
            raise ValueError("These haplotype sets have no locus in common.")
        columns: list[Array] = []
        alleles: dict[str, tuple[Allele, ...]] = {}
        unread: dict[str, None] = {}
        for locus in loci:
            column, alleles[locus], bad = _read_locus(locus, [found for _, found in parts], resolver)
            columns.append(column)
            unread |= {allele.name: None for allele in bad}
        weight = sum(weight for weight, _ in parts)
        shares = np.concatenate([found.frequencies * (part / weight) for part, found in parts])
        codes = np.stack(columns, axis=1)
        lacking = np.zeros(len(codes), dtype=np.bool_)
        for place, locus in enumerate(loci):
            lacking |= np.array([not one.readable for one in alleles[locus]])[codes[:, place]]
        merged, frequencies = _merged(codes, shares)
        return cls(
            loci, alleles, merged, frequencies, nulls, resolver, tuple(unread), float(shares[lacking].sum())
        )

    def only(self, loci: Iterable[str]) -> "HaplotypeTable":
        """The same over fewer loci: frequencies of haplotypes alike on them are summed. Kept."""
        asked = tuple(locus for locus in self.loci if locus in set(loci))
        if asked == self.loci:
            return self
        if asked not in self._parts:
            places = [self.loci.index(locus) for locus in asked]
            codes, frequencies = _merged(self.codes[:, places], self.frequencies)
            self._parts[asked] = HaplotypeTable(
                asked,
                {locus: self.alleles[locus] for locus in asked},
                codes,
                frequencies,
                self.nulls,
                self.resolver,
            )
        return self._parts[asked]

    @cached_property
    def slots(self) -> Array:
        """Place of each locus in SEARCH_LOCI, which is its slot in the row of a genotype: int64 (loci,)."""
        return np.array([SEARCH_LOCI.index(locus) for locus in self.loci], dtype=np.int64)

    @property
    def space(self) -> StateSpace:
        return space_of(self.resolver)

    @cached_property
    def sizes(self) -> Array:
        """Alleles at each locus: int64 (loci,)."""
        return np.array([len(self.alleles[locus]) for locus in self.loci], dtype=np.int64)

    @cached_property
    def states(self) -> Array:
        found = np.zeros((len(self.loci), int(self.sizes.max())), dtype=np.uint16)
        for place, locus in enumerate(self.loci):
            for code, allele in enumerate(self.alleles[locus]):
                found[place, code] = self.state(locus, allele)
        return found

    def state(self, locus: str, allele: Allele) -> int:
        """What an allele expresses. With nulls "absent" a null allele expresses nothing."""
        absent = self.nulls == "absent" and bool(allele.nulls)
        return NOTHING if absent else self.space.code(locus, allele.key)

    @cached_property
    def group_places(self) -> Mapping[str, Mapping[int, int]]:
        """By locus, place of the allele of each P group."""
        return {
            locus: {one.p_group: place for place, one in enumerate(alleles) if one.p_group is not None}
            for locus, alleles in self.alleles.items()
        }

    @cached_property
    def null_places(self) -> Mapping[str, tuple[int, ...]]:
        """By locus, places of the null alleles."""
        return {
            locus: tuple(place for place, one in enumerate(alleles) if one.nulls)
            for locus, alleles in self.alleles.items()
        }

    @cached_property
    def postings(self) -> tuple[Array, Array]:
        """Haplotypes by allele: starts int64 (loci, most alleles + 1), haplotypes int64 (loci, n)."""
        starts = np.zeros((len(self.loci), int(self.sizes.max()) + 1), dtype=np.int64)
        found = np.empty((len(self.loci), len(self)), dtype=np.int64)
        for place in range(len(self.loci)):
            column = self.codes[:, place]
            found[place] = np.argsort(column, kind="stable")
            counts = np.bincount(column, minlength=starts.shape[1] - 1)
            starts[place, 1:] = np.cumsum(counts)
        return starts, found


def _read_locus(
    locus: str, sets: Sequence[HaplotypeSet], resolver: Resolver
) -> tuple[Array, tuple[Allele, ...], list[Allele]]:
    """Column of codes over the alleles of all sets, the alleles, and those that could not be read."""
    known: dict[StateKey, int] = {}
    alleles: list[Allele] = []
    columns = []
    for found in sets:
        places = np.empty(len(found.alleles[locus]), dtype=np.uint16)
        for at, name in enumerate(found.alleles[locus]):
            allele = read_allele(locus, name, resolver)
            if allele.key not in known:
                known[allele.key] = len(alleles)
                alleles.append(allele)
            places[at] = known[allele.key]
        columns.append(places[found.codes[:, found.loci.index(locus)]])
    return np.concatenate(columns), tuple(alleles), [one for one in alleles if not one.readable]


def read_allele(locus: str, name: str, resolver: Resolver) -> Allele:
    """An allele of a set by its name. A small g ("A*01:01g") is the name without it."""
    try:
        value = resolver.position(locus, name.removesuffix("g"))
    except TypingError:
        return Allele(name, None, readable=False)
    if value.null:
        names = resolver.alleles(locus, value.text) or (value.text.partition("*")[2],)
        return Allele(value.text, None, frozenset(names))
    if len(value.p_groups) != 1:
        return Allele(name, None, readable=False)
    return Allele(value.text, next(iter(value.p_groups)))


def _merged(codes: Array, frequencies: Array) -> tuple[Array, Array]:
    """Distinct rows by falling frequency (ties by codes) and the sum of their frequencies, which sums to 1."""
    distinct, places = np.unique(codes, axis=0, return_inverse=True)
    sums = np.bincount(places.ravel(), weights=frequencies, minlength=len(distinct))
    order = np.lexsort([*distinct.T[::-1], -sums])
    total = sums.sum()
    return np.ascontiguousarray(distinct[order]), np.ascontiguousarray(sums[order] / total)
