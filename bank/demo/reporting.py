"""How a laboratory reports a genotype: two fields, lists or codes, antigens or families only, loci left out.

The mix is that of real registries (shared data notes): 40 % two fields at five loci, 20 % allele lists or
multiple allele codes, 25 % only A, B, DRB1 (most of it XX or serology), 10 % without DQB1, 5 % XX throughout.
Lists and codes are as varied as those of many laboratories with many kits and years: hardly two units have the
same. What is reported always holds the allele that the person has.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bank.demo import population
from bank.demo.population import Draw
from hla.loci import SEROLOGY_PREFIX
from hla.nomenclature import SUFFIXES, two_fields
from hla.resolve import Resolver

Pairs = dict[str, tuple[str, str]]
Pair = tuple[str, str]
FIVE = ("A", "B", "C", "DRB1", "DQB1")
STYLES = Draw({"two_fields": 40, "ambiguous": 20, "three_loci": 25, "without_dqb1": 10, "families": 5})
# P groups are called by their first member.
P_LEADERS = {"DQB1*02:02": "DQB1*02:01", "DRB1*14:54": "DRB1*14:01"}
# A full table has a million codes; so many of them, spread over the table, are read, and so many kept for each field.
CODES_READ, CODES_KEPT = 20_000, 64
CODE_MEMBERS = (2, 10)
# How many others stand beside the allele in a list: few most often.
OTHERS = (1, 1, 2, 2, 3, 3, 4, 5, 7)
# Lists are of the first names of a family: rare alleles, which were found late, are seldom reported.
RELATIVES = 24


@dataclass
class Reporter:
    """Turns genotypes into reports by the reference data of a resolver.

    With a table of codes half of the ambiguous values become codes; the members of lists are those of the
    loaded release, or of our own tables where there is none.
    """

    resolver: Resolver
    _codes: dict[str, list[str]] = field(default_factory=dict)
    _families: dict[str, list[str]] = field(default_factory=dict)
    _antigens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Generic codes by the second fields that they hold: `01` → [AB, AC, …]."""
        mac = self.resolver.mac
        for code in _spread(list(mac), CODES_READ):
            parts = (mac.subtypes(code) or "").split("/")
            if CODE_MEMBERS[0] <= len(parts) <= CODE_MEMBERS[1] and ":" not in parts[0]:
                for part in parts:
                    self._codes.setdefault(part, []).append(code)
        self._codes = {part: _spread(found, CODES_KEPT) for part, found in self._codes.items()}

    def report(self, genotype: Mapping[str, Pair], rng: random.Random) -> Pairs:
        style = STYLES.one(rng)
        if style == "two_fields":
            loci = (*FIVE, "DPB1") if rng.random() < 0.4 else FIVE
            return {locus: genotype[locus] for locus in loci}
        if style == "ambiguous":
            return {locus: _each(self._ambiguous, genotype[locus], rng) for locus in FIVE}
        if style == "three_loci":
            return {locus: self._low(genotype[locus], rng) for locus in ("A", "B", "DRB1")}
        if style == "without_dqb1":
            return {locus: genotype[locus] for locus in ("A", "B", "C", "DRB1")}
        return {locus: _families_only(genotype[locus]) for locus in FIVE}

    def _ambiguous(self, name: str, rng: random.Random) -> str:
        chance = rng.random()
        codes = self._codes.get(name.rpartition(":")[2])
        if codes and chance < 0.5:
            return f"{name.partition(':')[0]}:{rng.choice(codes)}"
        if chance < 0.85:
            return self._listed(name, rng)
        return self._p_group(name) if chance < 0.92 else name

    def _p_group(self, name: str) -> str:
        """The P group of an allele; without a release no group has another member than its leader."""
        leader = P_LEADERS.get(name, name) if self.resolver.nomenclature.size else name
        return f"{leader}P"

    def _listed(self, name: str, rng: random.Random) -> str:
        """The allele among some of its relatives; alone where it has none."""
        family = self._family(name)
        others = min(rng.choice(OTHERS), len(family))
        places = {family.index(name), *rng.sample(range(len(family)), others)}
        return "/".join([family[place] for place in sorted(places)])

    def _family(self, name: str) -> list[str]:
        """The relatives of an allele that lists are made of, itself among them."""
        found = self._families.get(name)
        if found is None:
            locus, _, fields = name.partition("*")
            first = fields.partition(":")[0]
            known = self.resolver.nomenclature.alleles(locus, "family", first)
            # Without a suffix, a name is one of an expressed allele.
            names = dict.fromkeys(two_fields(one) for one in known if one[-1] not in SUFFIXES)
            own = [f"{locus}*{one}" for one in names][:RELATIVES] or population.family(locus, first)
            found = self._families[name] = own if name in own else [*own, name]
        return found

    def _low(self, pair: Pair, rng: random.Random) -> Pair:
        """What an old record says of a locus: families, antigens, now and then alleles."""
        chance = rng.random()
        if chance < 0.2:
            return pair
        antigens = self._antigen(pair[0]), self._antigen(pair[1])
        return antigens if chance < 0.5 and all(antigens) else _families_only(pair)

    def _antigen(self, name: str) -> str:
        """The antigen of an allele: `B46`; "" where it is not known, or not which of several."""
        found = self._antigens.get(name)
        if found is None:
            locus = name.partition("*")[0]
            sets = self.resolver.position(locus, name).antigens
            names = [antigen for antigens in sets for antigen in antigens]
            found = self._antigens[name] = f"{SEROLOGY_PREFIX[locus]}{names[0]}" if len(names) == 1 else ""
        return found


def _each(how: Callable[[str, random.Random], str], pair: Pair, rng: random.Random) -> Pair:
    return how(pair[0], rng), how(pair[1], rng)


def _families_only(pair: Pair) -> Pair:
    return f"{pair[0].partition(':')[0]}:XX", f"{pair[1].partition(':')[0]}:XX"


def _spread(items: list[str], most: int) -> list[str]:
    """At most so many of them, at equal distances."""
    return items[:: max(1, -(-len(items) // most))]
