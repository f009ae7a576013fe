"""A toy nomenclature in which a value is written out as its P groups: "1,3" or "?", so that all can be tried."""

from __future__ import annotations

import random
from itertools import combinations, combinations_with_replacement

from hla.antigens import antigen_tree
from hla.builtin import BuiltinNomenclature
from hla.mac import EMPTY_MAC
from hla.nomenclature import ANY_GROUP, AntigenOptions
from hla.resolve import Resolved, Resolver
from hla.text import Kind

GROUPS = (1, 2, 3, 4, 5)
UNKNOWN, NULL = "", "N"
SEROLOGY = {
    "s15": {1, 2, 3, 4},
    "s62": {1, 2, 4},
    "s8": {3, 4, 5},
}  # antigen -> groups of alleles that may have it

# P group -> antigens assigned to its members: a broad (1) with two splits, one with two assignments, and three
# groups (3, 4, 5) whose members differ, one of them in the same antigen (8).
ANTIGENS = {
    1: [frozenset({"15"})],
    2: [frozenset({"62"})],
    3: [frozenset({"75"}), frozenset({"8"})],
    4: [frozenset({"15", "70"}), frozenset({"8"})],
    5: [frozenset({"8"}), frozenset({"7"})],
}
OPTIONS = frozenset((group, antigens) for group, options in ANTIGENS.items() for antigens in options)
OTHER_OPTIONS = ((ANY_GROUP, frozenset({"71"})), (6, frozenset({"7"})), (6, frozenset({"62"})))


class SmallWorld(BuiltinNomenclature):
    def __init__(self) -> None:
        super().__init__()
        self.trees = {"B": antigen_tree({"15": ("62", "75"), "70": ("71",)}, {})}

    def p_name(self, locus: str, p_id: int) -> str:
        return f"{locus}*{p_id:02d}:01P"

    def all_options(self, locus: str) -> AntigenOptions:
        return OPTIONS | {*OTHER_OPTIONS}


class SmallResolver(Resolver):
    """Reads "1,3" as the P groups 1 and 3, "" as unknown, "N" as a null allele, "s15" as the antigen 15."""

    def __init__(self) -> None:
        super().__init__(SmallWorld(), EMPTY_MAC)

    def possible(self, locus: str, text: str) -> set[str]:
        return set()

    def position(self, locus: str, text: str) -> Resolved:
        if text == UNKNOWN:
            return Resolved(locus, text, Kind.UNKNOWN)
        if text == NULL:
            return Resolved(locus, text, Kind.ALLELE, null=True)
        if text in SEROLOGY:
            found = frozenset({(ANY_GROUP, frozenset({text[1:]}))})
            return Resolved(locus, text, Kind.SEROLOGY, frozenset(SEROLOGY[text]), found)
        if "|" in text:
            return super().position(locus, text)
        groups = [int(part) for part in text.split(",")]
        options = frozenset(option for option in OPTIONS if option[0] in groups)
        return Resolved(locus, text, Kind.LIST, frozenset(groups), options)


def all_typings(groups: tuple[int, ...] = GROUPS) -> list[tuple[str, str]]:
    """Every typing of this world: pairs of non-empty sets, unknown values and null alleles."""
    sets = [
        ",".join(map(str, chosen))
        for size in range(1, len(groups) + 1)
        for chosen in combinations(groups, size)
    ]
    return list(combinations_with_replacement([*sets, UNKNOWN, NULL, *SEROLOGY], 2))


def genotype_lists(count: int, seed: int) -> list[tuple[str, str]]:
    """Typings that leave open which of two or three pairs of values a person has."""
    random_of = random.Random(seed)
    known = [pair for pair in all_typings() if pair != (UNKNOWN, UNKNOWN)]
    found = []
    for _ in range(count):
        chosen = random_of.sample(known, random_of.choice((2, 3)))
        found.append(("|".join(one for one, _ in chosen), "|".join(other for _, other in chosen)))
    return found
