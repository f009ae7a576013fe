"""What is asked of Qidai and of py-ard, and what each of them answers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cached_property

from hla.errors import TypingError
from hla.typing import read_gl
from scripts.validate_hla import RealData
from tests.hla.oracle.differences import Compared, Expansion, Facts
from tests.hla.oracle.pyard_build import codes
from tests.hla.oracle.pyard_oracle import LOCI, SUFFIXES, PyArd, Refused, bare
from tests.hla.oracle.serology import CALLED, WHO_ONLY, Serology

SEROLOGY_LOCI = (*LOCI, "DRB3", "DRB4", "DRB5")
FAMILIES_A_CODE = 3  # of one locus that a generic code is tried with


class Expansions:
    """Both programs over the release in `data`."""

    def __init__(self, data: RealData, seed: int = 3) -> None:
        self.data = data
        self.pyard = PyArd(data.folder)
        self.serology = Serology(data.folder / "imgt" / "3580")
        listed = {code: subtypes.split("/") for code, subtypes in codes(data.folder)}
        self.facts = Facts(self.serology, listed, self.serology.successors)
        self.seed = seed

    # Ours

    def ours(self, locus: str, text: str, *, nulls: bool = False) -> Expansion:
        """nulls: with the null alleles that are set aside while an expressed one remains."""
        resolver = self.data.resolver
        try:
            found = resolver.position(locus, text)
            alleles = set(resolver.alleles(locus, text))
        except TypingError as error:
            return Expansion(refused=error.code)
        if nulls:
            alleles |= set(map(bare, found.null_possible))
        return Expansion(frozenset(alleles), self.p_names(locus, found.p_groups))

    def p_names(self, locus: str, groups: frozenset[int]) -> frozenset[str]:
        return frozenset(self.data.nomenclature.p_name(locus, group) for group in groups)

    # py-ard's

    def theirs(self, locus: str, text: str) -> Expansion:
        """Complete names by its expansion to WHO names, nulls aside as ours, and the P groups of those."""
        try:
            found = self.pyard.alleles(text)
        except Refused as refused:
            return Expansion(refused=str(refused))
        if not found <= self.complete[locus]:
            return Expansion(refused="not expanded")
        return self.expressed(locus, found)

    @cached_property
    def complete(self) -> dict[str, frozenset[str]]:
        """Per locus the complete names of the release."""
        return {locus: frozenset(names) for locus, names in self.pyard.names.items()}

    def expressed(self, locus: str, alleles: frozenset[str]) -> Expansion:
        kept = frozenset(name for name in alleles if not name.endswith("N"))
        groups = {self.p_of[locus, name] for name in kept}
        return Expansion(kept or alleles, frozenset(groups))

    @cached_property
    def p_of(self) -> dict[tuple[str, str], str]:
        """P group of each complete expressed name, as py-ard reduces it."""
        return {
            (locus, name): group
            for locus, names in self.pyard.names.items()
            if locus in SEROLOGY_LOCI
            for name in names
            if not name.endswith("N")
            for group in self.pyard.p_groups(f"{locus}*{name}")
        }

    # Inputs

    def asked(self, what: str, locus: str, text: str) -> Compared:
        return Compared(what, locus, text, self.ours(locus, text), self.theirs(locus, text))

    def again(self, what: str, text: str) -> Compared:
        """One input of the file of differences."""
        if what.endswith("group"):
            return next(found for found in self.groups(text.split("*")[0]) if found.text == text)
        locus = text.split("*")[0] if "*" in text else self.gene(text)
        return self.asked(what, locus, text)

    def gene(self, antigen: str) -> str:
        """The locus of a serological name."""
        return next(
            locus
            for locus in SEROLOGY_LOCI
            if antigen in {self.called(locus) + number for number in self.serology.antigens(locus)}
        )

    @staticmethod
    def called(locus: str) -> str:
        return CALLED[locus] if locus in CALLED else WHO_ONLY[locus][0]

    def names(self, *loci: str) -> Iterator[Compared]:
        """Every complete name, and every name of two or three fields that complete names begin with."""
        for locus in loci or LOCI:
            for name in (*self.pyard.names[locus], *self.truncated(locus)):
                yield self.asked(self.sort_of(locus, name), locus, f"{locus}*{name}")

    def sort_of(self, locus: str, name: str) -> str:
        """ "complete", "2-field" or "3-field"."""
        return "complete" if name in self.complete[locus] else f"{name.count(':') + 1}-field"

    def truncated(self, locus: str) -> list[str]:
        """Beginnings of complete names, which are no complete names themselves."""
        complete = set(self.pyard.names[locus])
        fields = [name.rstrip(SUFFIXES).split(":") for name in complete]
        beginnings = {":".join(parts[:depth]) for parts in fields for depth in (2, 3) if depth <= len(parts)}
        return sorted(beginnings - complete)

    def groups(self, *loci: str) -> Iterator[Compared]:
        """Every G and P group that either side knows, null alleles included."""
        for locus in loci or LOCI:
            for sort, what in (("G", "g-group"), ("P", "p-group")):
                theirs = self.pyard.members(locus, sort)
                for name in sorted(self.own_groups(locus, sort) | set(theirs)):
                    found = frozenset(theirs[name]) if name in theirs else frozenset()
                    answer = Expansion(found, self.expressed(locus, found).p_groups)
                    yield Compared(
                        what,
                        locus,
                        name,
                        self.ours(locus, name, nulls=True),
                        answer if found else Expansion(refused="no such group"),
                    )

    def own_groups(self, locus: str, sort: str) -> set[str]:
        """Groups as the files name them: the column of names, read here."""
        path = self.data.folder / "imgt" / "3580" / "wmda" / f"hla_nom_{sort.lower()}.txt"
        rows = (line.split(";") for line in path.read_text(encoding="utf-8").splitlines())
        return {f"{locus}*{row[2]}" for row in rows if row[0] == f"{locus}*" and row[2]}

    def families(self) -> Iterator[Compared]:
        """Every first field, and those that py-ard adds."""
        added = {key.split("*")[0]: set() for key in self.pyard.ard.code_mappings.xx_codes}
        for key in self.pyard.ard.code_mappings.xx_codes:
            added[key.split("*")[0]].add(bare(key))
        for locus in LOCI:
            known = {name.split(":")[0] for name in self.pyard.names[locus]}
            for family in sorted(known | added[locus]):
                yield self.asked("xx", locus, f"{locus}*{family}:XX")

    def antigens(self) -> Iterator[Compared]:
        """Every antigen of the WHO's list."""
        for locus in SEROLOGY_LOCI:
            for antigen in self.serology.antigens(locus):
                yield self.asked("serology", locus, self.called(locus) + antigen)

    def codes(self, listed: Iterable[str]) -> Iterator[Compared]:
        """Codes: specific ones at each locus that knows some of their names, generic ones with some families each."""
        for code in listed:
            chance = random.Random(f"{self.seed} {code}")
            parts = self.facts.codes[code]
            for locus in LOCI:
                for family in self.fitting(locus, parts, chance):
                    yield self.asked("mac", locus, f"{locus}*{family}:{code}")

    def fitting(self, locus: str, parts: list[str], chance: random.Random) -> list[str]:
        """Families that a code may plausibly stand behind at a locus.

        Of a generic code some that have all of its members, and one that has only a part of them.
        """
        known = self.beginnings[locus]
        if ":" in parts[0]:
            return sorted({part.split(":")[0] for part in parts} if not known.isdisjoint(parts) else set())
        families = sorted({name.split(":")[0] for name in known})
        members = {name: {f"{name}:{part}" for part in parts} for name in families}
        whole = [name for name in families if known >= members[name]]
        part = [name for name in families if not known.isdisjoint(members[name]) and name not in whole]
        chosen = chance.sample(whole, min(len(whole), FAMILIES_A_CODE)) + chance.sample(
            part, min(len(part), 1)
        )
        return sorted(chosen)

    @cached_property
    def beginnings(self) -> dict[str, set[str]]:
        """Per locus all names of two or more fields, with and without suffix."""
        return {locus: {*self.truncated(locus), *self.pyard.names[locus]} for locus in LOCI}

    def member(self, locus: str, chance: random.Random) -> str:
        """Some name of some resolution that both sides read."""
        while True:
            name = chance.choice(self.pyard.names[locus])
            depth = chance.choice((1, *(2, 3, 4) * 5, *(2,) * 5))
            parts = name.rstrip(SUFFIXES).split(":")
            if depth == 1 and parts[0] in self.expressed_families[locus]:
                return f"{locus}*{parts[0]}:XX"
            if depth == 1:
                continue
            short = ":".join(parts[:depth]) if depth < len(parts) else name
            if short[-1] in SUFFIXES or not self.sole_suffix(locus, short):
                return f"{locus}*{short}"

    @cached_property
    def expressed_families(self) -> dict[str, set[str]]:
        """Per locus the first fields that have an allele that is not null; the others are compared one by one."""
        return {
            locus: {name.split(":")[0] for name in self.pyard.names[locus] if not name.endswith("N")}
            for locus in LOCI
        }

    def sole_suffix(self, locus: str, name: str) -> bool:
        """Whether a name leaves off the one suffix of its alleles; those names are compared one by one."""
        suffixes = self.serology.suffixes[locus].get(name, set())
        return len(suffixes) == 1 and suffixes != {""}

    def lists(self, number: int, part: int = 0) -> Iterator[Compared]:
        """Random lists of two to six members of mixed resolution; another `part` gives other ones."""
        chance = random.Random(f"{self.seed} {part}")
        for _ in range(number):
            locus = chance.choice(LOCI)
            members = [self.member(locus, chance) for _ in range(chance.randint(2, 6))]
            yield self.asked("list", locus, "/".join(members))

    def genotypes(self, number: int, part: int = 0) -> Iterator[Compared]:
        """Random GL texts of several loci, values joined by + and genotypes by |; P groups per value.

        py-ard sorts what it reduces, so that values are compared as sets of (locus, genotype, value) contents.
        """
        chance = random.Random(f"{self.seed} {part}")
        for _ in range(number):
            loci = sorted(chance.sample(LOCI, chance.randint(1, 4)), key=LOCI.index)
            text = "^".join(self.locus_text(locus, chance) for locus in loci)
            yield Compared("gl", loci[0], text, self.our_gl(text), self.their_gl(text))

    def locus_text(self, locus: str, chance: random.Random) -> str:
        """One to three genotypes; none of their values comes twice, since such genotypes may be written shorter."""
        values: list[str] = []
        wanted = 2 * chance.choice((1, 1, 1, 2, 3))
        while len(values) < wanted:
            value = "/".join(self.member(locus, chance) for _ in range(chance.choice((1, 1, 2, 3))))
            if value not in values:
                values.append(value)
        return "|".join(f"{first}+{second}" for first, second in zip(values[::2], values[1::2], strict=True))

    def our_gl(self, text: str) -> Expansion:
        reading = read_gl(text, self.data.resolver)
        if reading.errors:
            return Expansion(refused=reading.errors[0].code)
        found = set()
        for locus, typing in reading.typing.loci.items():
            pairs = zip(typing.first.split("|"), typing.second.split("|"), strict=True)
            found |= {spelled(locus, [self.ours(locus, value) for value in pair]) for pair in pairs}
        return Expansion(p_groups=frozenset(found))

    def their_gl(self, text: str) -> Expansion:
        """Expanded to complete names by py-ard in one piece, then each value as everywhere."""
        try:
            loci = self.pyard.gl(text)
        except Refused as refused:
            return Expansion(refused=str(refused))
        found = set()
        for pairs in loci:
            for pair in pairs:
                locus = next(iter(pair[0])).split("*")[0]
                values = [self.expressed(locus, frozenset(map(bare, value))) for value in pair]
                found.add(spelled(locus, values))
        return Expansion(p_groups=frozenset(found))


def spelled(locus: str, values: list[Expansion]) -> str:
    """A genotype as text: its values in order of their P groups, or "null"."""
    listed = sorted("/".join(sorted(value.p_groups)) or f"{locus} null" for value in values)
    return "+".join(listed)
