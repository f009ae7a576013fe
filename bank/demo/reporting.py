"""How a laboratory reports a genotype: two fields, lists or codes, families only, loci left out.

The mix is that of real registries (shared data notes): 40 % two fields at five loci, 20 % allele lists or
multiple allele codes, 25 % only A, B, DRB1 (most of it XX), 10 % without DQB1, 5 % XX throughout.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from bank.demo import population
from hla.mac import MacTable

Pairs = dict[str, tuple[str, str]]
Value = Callable[[str, str, random.Random], str]
FIVE = ("A", "B", "C", "DRB1", "DQB1")
STYLES = ("two_fields", "ambiguous", "three_loci", "without_dqb1", "families")
_CUMULATIVE = list(accumulate((40, 20, 25, 10, 5)))
CODES_KEPT = 8
# P groups are called by their first member.
P_LEADERS = {"DQB1*02:02": "DQB1*02:01", "DRB1*14:54": "DRB1*14:01"}
CODE_MEMBERS = (2, 6)


@dataclass
class Reporter:
    """Turns genotypes into reports; with a MAC table half of the ambiguous values become codes."""

    mac: MacTable
    _codes: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Generic codes by the second field that they hold: `01` → [AB, AC, …], the first few of each."""
        for code in self.mac:
            parts = (self.mac.subtypes(code) or "").split("/")
            if CODE_MEMBERS[0] <= len(parts) <= CODE_MEMBERS[1] and ":" not in parts[0]:
                for part in parts:
                    kept = self._codes.setdefault(part, [])
                    if len(kept) < CODES_KEPT:
                        kept.append(code)

    def report(self, genotype: Mapping[str, tuple[str, str]], rng: random.Random) -> Pairs:
        style = rng.choices(STYLES, cum_weights=_CUMULATIVE)[0]
        if style == "two_fields":
            loci = (*FIVE, "DPB1") if rng.random() < 0.4 else FIVE
            return {locus: genotype[locus] for locus in loci}
        if style == "ambiguous":
            return {locus: self._each(self._ambiguous, locus, genotype[locus], rng) for locus in FIVE}
        if style == "three_loci":
            return {locus: self._each(self._low, locus, genotype[locus], rng) for locus in ("A", "B", "DRB1")}
        if style == "without_dqb1":
            return {locus: genotype[locus] for locus in ("A", "B", "C", "DRB1")}
        return {locus: self._each(_family_only, locus, genotype[locus], rng) for locus in FIVE}

    @staticmethod
    def _each(how: Value, locus: str, pair: tuple[str, str], rng: random.Random) -> tuple[str, str]:
        return how(locus, pair[0], rng), how(locus, pair[1], rng)

    def _ambiguous(self, locus: str, name: str, rng: random.Random) -> str:
        chance = rng.random()
        codes = self._codes.get(name.rpartition(":")[2], [])
        if codes and chance < 0.5:
            return f"{name.split(':')[0]}:{rng.choice(codes)}"
        if chance < 0.7:
            return _listed(locus, name)
        return f"{P_LEADERS.get(name, name)}P" if chance < 0.8 else name

    def _low(self, locus: str, name: str, rng: random.Random) -> str:
        return _family_only(locus, name, rng) if rng.random() < 0.75 else name


def _family_only(locus: str, name: str, rng: random.Random) -> str:
    return f"{name.split(':')[0]}:XX"


def _listed(locus: str, name: str) -> str:
    """The allele among its relatives in our table; alone where it has none."""
    return "/".join(population.family(locus, name))
