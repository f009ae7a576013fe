"""A toy nomenclature in which a value is written out as its P groups: "1,3" or "?", so that all can be tried."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement

from hla.antigens import antigen_tree
from hla.builtin import BuiltinNomenclature
from hla.resolve import Resolved, Resolver
from hla.text import Kind

GROUPS = (1, 2, 3, 4, 5)
UNKNOWN, NULL = "", "N"

# P group -> antigens assigned to it: a broad (1) with two splits, one with two assignments, a stranger.
ANTIGENS = {
    1: frozenset({"15"}),
    2: frozenset({"62"}),
    3: frozenset({"75"}),
    4: frozenset({"15", "70"}),
    5: frozenset({"8"}),
}
OTHER_ANTIGENS = (frozenset({"71"}), frozenset({"7"}))


class SmallWorld(BuiltinNomenclature):
    def __init__(self) -> None:
        super().__init__()
        self.trees = {"B": antigen_tree({"15": ("62", "75"), "70": ("71",)}, {})}

    def p_name(self, locus: str, p_id: int) -> str:
        return f"{locus}*{p_id:02d}:01P"

    def all_antigens(self, locus: str) -> frozenset[frozenset[str]]:
        return frozenset({*ANTIGENS.values(), *OTHER_ANTIGENS})


class SmallResolver(Resolver):
    """Reads "1,3" as the P groups 1 and 3, "" as unknown, "N" as a null allele."""

    def __init__(self) -> None:
        self.nomenclature = SmallWorld()

    def position(self, locus: str, text: str) -> Resolved:
        if text == UNKNOWN:
            return Resolved(locus, text, Kind.UNKNOWN)
        if text == NULL:
            return Resolved(locus, text, Kind.ALLELE, null=True)
        groups = [int(part) for part in text.split(",")]
        antigens = frozenset(ANTIGENS[group] for group in groups)
        return Resolved(locus, text, Kind.LIST, frozenset(groups), antigens)


def all_typings(groups: tuple[int, ...] = GROUPS) -> list[tuple[str, str]]:
    """Every typing of this world: pairs of non-empty sets, unknown values and null alleles."""
    sets = [
        ",".join(map(str, chosen))
        for size in range(1, len(groups) + 1)
        for chosen in combinations(groups, size)
    ]
    return list(combinations_with_replacement([*sets, UNKNOWN, NULL], 2))
