"""What the types of a unit mean for the patient beside the class: antibodies, NIMA, DPB1, leader.

Answers depend on the texts of one or a few loci, and thousands of units share them: each is asked once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from hla.antigens import AntigenRule
from hla.carriers import carriers_for
from hla.errors import TypingError
from hla.kinship import may_share
from hla.leader import leader_genotype
from hla.resolve import Resolver
from hla.tce import dpb1_match
from hla.typing import LocusTyping, Typing, parse_pair, untyped
from hospitals.antibodies import Bead as Antibody
from matching.engine.selection import nima
from matching.engine.selection.facts import Bead, Strength
from matching.patient_typings import Typed

Pair = tuple[str, str]
Pairs = Mapping[str, Pair]  # locus -> the two texts, "" unknown
BLANK: Pair = ("", "")


class HlaFacts:
    """The patient of one search beside any unit. antigen_rule: that of the search, which says what a mismatch is."""

    def __init__(
        self,
        patient: Typed,
        resolver: Resolver,
        antibodies: Sequence[Antibody] = (),
        antigen_rule: AntigenRule = "split",
    ) -> None:
        self.resolver = resolver
        self.antigen_rule = antigen_rule
        self.antibodies = antibodies
        self._carriers = carriers_for(resolver)
        self._carried: dict[tuple[tuple[str, ...], tuple[Pair, ...]], tuple[Bead, ...]] = {}
        self.patient: Pairs = {locus: (first, second) for locus, (first, second) in patient.items()}
        self._typings: dict[tuple[str, Pair], LocusTyping] = {}
        self._dpb1: dict[Pair, str] = {}
        self._leaders: dict[Pair, str] = {}
        self._excludes: dict[tuple[str, Pair, Pair], bool] = {}
        self._nima: dict[tuple[str, Pair, Pair], nima.Told] = {}
        self._patients: dict[str, nima.NimaAt] = {}

    def typing(self, locus: str, pair: Pair) -> LocusTyping:
        """Untyped where the nomenclature in use cannot read it, as in a search."""
        key = (locus, pair)
        if key not in self._typings:
            try:
                self._typings[key] = parse_pair(locus, *pair, self.resolver)
            except TypingError:
                self._typings[key] = untyped(locus)
        return self._typings[key]

    def beads(self, unit: Pairs) -> tuple[Bead, ...]:
        """The specificities of which it is not certain that the unit has nothing for them."""
        found: list[Bead] = []
        for loci, antibodies in self._by_loci.items():
            pairs = tuple(unit.get(locus, ("", "")) for locus in loci)
            key = (loci, pairs)
            if key not in self._carried:
                typing = Typing.of(self.typing(locus, pair) for locus, pair in zip(loci, pairs, strict=True))
                asked = (self._bead(one, typing) for one in antibodies)
                self._carried[key] = tuple(bead for bead in asked if bead is not None)
            found += self._carried[key]
        return tuple(found)

    @cached_property
    def _by_loci(self) -> dict[tuple[str, ...], list[Antibody]]:
        grouped: dict[tuple[str, ...], list[Antibody]] = {}
        for one in self.antibodies:
            grouped.setdefault(one.specificity.loci, []).append(one)
        return grouped

    @cached_property
    def _tested(self) -> dict[tuple[str, ...], dict[tuple[int, ...], list[Strength]]]:
        """What was measured of beads by alleles, by loci and P groups."""
        found: dict[tuple[str, ...], dict[tuple[int, ...], list[Strength]]] = {}
        for one in self.antibodies:
            groups = self._carriers.tested(one.specificity)
            if groups is not None:
                strength = Strength(one.mfi_peak, one.mfi_newest, _unquantified(one), one.tested)
                found.setdefault(one.specificity.loci, {}).setdefault(groups, []).append(strength)
        return found

    def _bead(self, antibody: Antibody, typing: Typing) -> Bead | None:
        """None for one that the unit certainly has nothing for."""
        found = self._carriers.carries(antibody.specificity, typing)
        if found.answer == "no":
            return None
        loci = antibody.specificity.loci
        own = [self._tested.get(loci, {}).get(groups, []) for groups in sorted(found.others)]
        return Bead(
            antibody.text,
            found.answer,
            found.level if found.answer == "yes" else "",
            found.unit,
            antibody.mfi_peak,
            antibody.mfi_newest,
            loci,
            _unquantified(antibody),
            bool(found.others),
            tuple(one for strengths in own for one in strengths) if all(own) else (),
            antibody.sampled_on,
        )

    @cached_property
    def leader(self) -> str:
        return self._leader(self.patient.get("B", ("", "")))

    def leader_of(self, pair: Pair) -> str:
        if pair not in self._leaders:
            self._leaders[pair] = self._leader(pair)
        return self._leaders[pair]

    def _leader(self, pair: Pair) -> str:
        return leader_genotype(self.typing("B", pair), self.resolver) if any(pair) else "unknown"

    def dpb1(self, pair: Pair) -> str:
        """Verdict by T-cell epitopes; "unknown" where one of the two is not typed."""
        mine = self.patient.get("DPB1", ("", ""))
        if not any(mine) or not any(pair):
            return "unknown"
        if pair not in self._dpb1:
            found = dpb1_match(self.typing("DPB1", mine), self.typing("DPB1", pair), self.resolver)
            self._dpb1[pair] = found.verdict
        return self._dpb1[pair]

    def nima_matches(self, unit: Pairs, mother: Pairs, differing: Sequence[str] = ()) -> nima.Told:
        """As matching.engine.selection.nima. differing: loci at which she was found to share nothing with the unit.

        A mother who cannot be the mother by any locus, searched or not, is none at all.
        """
        if differing or any(self._excluded(locus, pair, unit) for locus, pair in mother.items()):
            return None, "mother_excluded"
        if not any(any(mother.get(locus, BLANK)) for locus in nima.LOCI):
            return None, "mother_untyped"
        return nima.nima_matches(
            self._nima_at(locus, unit.get(locus, BLANK), mother.get(locus, BLANK)) for locus in nima.LOCI
        )

    def _excluded(self, locus: str, mother: Pair, unit: Pairs) -> bool:
        """Whether mother and unit share nothing at a locus, by the nomenclature in use."""
        child = unit.get(locus, BLANK)
        key = (locus, mother, child)
        if key not in self._excludes:
            one, other = self.typing(locus, mother), self.typing(locus, child)
            self._excludes[key] = not may_share(one, other, self.resolver)
        return self._excludes[key]

    def _nima_at(self, locus: str, unit: Pair, mother: Pair) -> nima.Told:
        key = (locus, unit, mother)
        if key not in self._nima:
            try:
                childs, hers = (self.resolver.pairs(locus, *pair) for pair in (unit, mother))
                self._nima[key] = self._patient_at(locus).told(childs, hers)
            except TypingError:
                self._nima[key] = None, "typing"
        return self._nima[key]

    def _patient_at(self, locus: str) -> nima.NimaAt:
        """Raises TypingError for a text of the patient that the nomenclature in use cannot read."""
        if locus not in self._patients:
            mine = self.resolver.pairs(locus, *self.patient.get(locus, BLANK))
            tree = self.resolver.nomenclature.trees[locus]
            self._patients[locus] = nima.NimaAt(locus, mine, tree, self.antigen_rule)
        return self._patients[locus]


def _unquantified(antibody: Antibody) -> tuple[str, ...]:
    """Which of the two strengths stands for a serum that is called positive without a number."""
    flags = {"peak": antibody.unquantified_peak, "newest": antibody.unquantified_newest}
    return tuple(name for name, flag in flags.items() if flag)
