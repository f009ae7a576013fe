"""How likely a person drawn from a frequency set has a class with a patient: exact, from haplotypes, without drawing.

For one patient each haplotype is one of 4 kinds at a locus: its allele matches none, the first, the second or both of
his. Haplotypes of equal kinds at all loci of a class are alike to him, so that few kinds stand for all haplotypes. At
single alleles the matches of a locus are the better of direct and cross, which is how a pair of kinds is counted here;
whether two alleles match is asked of the kernel. A null allele matches nothing here (with its partner it would count as
the partner twice): units with one come out too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hla.matching import CLASSES, score_locus
from hla.resolve import Resolver
from hla.table import LocusTable
from hla.typing import parse_pair
from matching.engine.columns import Pair
from matching.engine.planning_people import Population
from matching.engine.policy import Policy

Array = NDArray[Any]


@cache
def matches_of_kinds(loci: int) -> NDArray[np.int8]:
    """Matches of a unit with haplotypes of two kinds: int8 (4^loci, 4^loci). Two bits a locus, the first lowest."""
    kinds = np.arange(4**loci)
    found = np.zeros((len(kinds), len(kinds)), dtype=np.int8)
    for place in range(loci):
        first, second = kinds >> 2 * place & 1, kinds >> 2 * place + 1 & 1
        found += np.maximum(first[:, None] + second, second[:, None] + first).astype(np.int8)
    return found


def _summed(places: Array, weights: Array, size: int = 0) -> NDArray[np.float64]:
    return np.bincount(places.reshape(-1), weights=weights.reshape(-1), minlength=size).astype(np.float64)


class Expected:
    """One class, seen from patients of any type. O(alleles) for each new allele of a patient, then O(haplotypes).

    Haplotypes are those of the population at the loci of the class: codes uint16 (h, loci of the class), frequencies
    float64 (h,).
    """

    def __init__(self, population: Population, resolver: Resolver, policy: Policy, class_name: str) -> None:
        self.population, self.resolver, self.policy = population, resolver, policy
        self.parts = CLASSES[class_name]
        columns = [population.loci.index(locus) for locus, _level in self.parts]
        self.codes, places = np.unique(population.codes[:, columns], axis=0, return_inverse=True)
        self.frequencies = _summed(places, np.diff(population.upto, prepend=0.0))
        self._tables: dict[str, LocusTable] = {}
        self._rows: dict[str, NDArray[np.int64]] = {}
        for locus, _level in self.parts:
            names = [name for name in population.names[locus] if name not in population.unread]
            table = self._tables[locus] = LocusTable(locus, resolver)
            rows = dict(zip(names, table.extend((name, name) for name in names).tolist(), strict=True))
            self._rows[locus] = np.array([rows.get(name, 0) for name in population.names[locus]])
        self._known: dict[tuple[str, str], NDArray[np.int64]] = {}

    def name(self, place: int) -> str:
        names = zip(self.parts, self.codes[place], strict=True)
        return "~".join([self.population.names[locus][code] for (locus, _level), code in names])

    def kinds(self, patient: Mapping[str, Pair]) -> NDArray[np.int64]:
        """The kind of each haplotype, int64 (h,). patient: the names of his two alleles (or P groups) by locus."""
        found = np.zeros(len(self.codes), dtype=np.int64)
        for place, (locus, level) in enumerate(self.parts):
            first, second = patient[locus]
            bits = self._matched(locus, level, first) | self._matched(locus, level, second) << 1
            found |= bits[self.codes[:, place]] << 2 * place
        return found

    def _matched(self, locus: str, level: str, name: str) -> NDArray[np.int64]:
        """Which alleles of the set match one of a patient: 0 or 1, int64 (alleles,)."""
        known = self._known.get((locus, name))
        if known is None:
            mine = parse_pair(locus, name, name, self.resolver)
            scores = score_locus(mine, self._tables[locus], antigen_rule=self.policy.antigen_rule)
            most = scores.antigen_max if level == "antigen" else scores.match_max
            matched = (most == 2) & (np.arange(len(most)) > 0)  # the first row of a table is "untyped"
            known = self._known[locus, name] = matched[self._rows[locus]].astype(np.int64)
        return known

    def shares(self, kinds: Array, floor: int) -> NDArray[np.float64]:
        """For each haplotype the share of units that have it and at least `floor` matches: float64 (h,)."""
        size = 4 ** len(self.parts)
        of_kind = _summed(kinds, self.frequencies, size)
        reached = matches_of_kinds(len(self.parts)) >= floor
        found: NDArray[np.float64] = (reached @ of_kind)[kinds]
        return found

    def distribution(self, patient: Mapping[str, Pair]) -> NDArray[np.float64]:
        """Of persons drawn from the set the share with 0, 1, … matches: float64 (2 · loci + 1,)."""
        of_kind = _summed(self.kinds(patient), self.frequencies)
        there = np.flatnonzero(of_kind)
        matches = matches_of_kinds(len(self.parts))[np.ix_(there, there)]
        return _summed(matches, np.outer(of_kind[there], of_kind[there]), 2 * len(self.parts) + 1)
