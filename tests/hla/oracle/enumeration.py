"""Third matcher, for short typings: every allele of every value written out, nothing taken from hla/ but the names.

P groups are read from hla_nom_p.txt and antigens from the serology files by the oracles' own readers; the counts
follow domain notes 2.3 by plain enumeration.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from tests.hla.oracle.serology import Serology

Option = tuple[str, frozenset[str]]  # P group, antigens
Genotype = tuple[Option, Option] | tuple[()]
LONGEST = 6  # options of a value; longer ones are left to the twin


class Enumeration:
    """Counts of pairs of typings, as in tests.hla.reference.Counts."""

    def __init__(self, folder: Path, serology: Serology) -> None:
        self.serology = serology
        self.p_groups: dict[tuple[str, str], str] = {}
        text = (folder / "wmda" / "hla_nom_p.txt").read_text(encoding="utf-8")
        for locus, names, group, *_ in (line.split(";") for line in text.splitlines() if line[0] != "#"):
            for name in names.split("/"):
                own = ":".join(name.rstrip("LSCAQ").split(":")[:2])
                self.p_groups[locus[:-1], name] = group or own

    def options(self, locus: str, names: tuple[str, ...]) -> set[Option]:
        """Distinct P groups and antigens of the expressed alleles among `names`."""
        return {
            (self.p_groups[locus, name], self.serology.assigned[locus][name])
            for name in names
            if not name.endswith("N")
        }

    def counts(
        self, locus: str, patient: list[tuple[str, ...]], unit: list[tuple[str, ...]], rule: str
    ) -> dict[str, int] | None:
        """All counts of two pairs of values, each given by its complete names; None if they are too long."""
        values = [self.options(locus, names) for names in (*patient, *unit)]
        if any(len(value) > LONGEST for value in values):
            return None
        mine, theirs = genotypes(*values[:2]), genotypes(*values[2:])
        relations = self.serology.of_locus(locus)
        known: dict[tuple[frozenset[str], frozenset[str]], bool] = {}

        def related(one: Option, other: Option) -> bool:
            if one[0] == other[0] or locus == "DPB1":
                return one[0] == other[0]
            key = (one[1], other[1])
            if key not in known:
                pairs = product(*key)
                known[key] = any(relations.match(a, b, broad=rule == "broad") for a, b in pairs)
            return known[key]

        found: dict[str, list[int]] = {"match": [], "antigen": [], "gvh": [], "hvg": []}
        for a, b in product(mine, theirs):
            types, others = {group for group, _ in a}, {group for group, _ in b}
            found["match"].append(best(a, b, lambda one, other: one[0] == other[0]))
            found["antigen"].append(best(a, b, related))
            found["gvh"].append(len(types - others))
            found["hvg"].append(len(others - types))
        return {
            f"{name}_{end}": choose(counts)
            for name, counts in found.items()
            for end, choose in (("min", min), ("max", max))
        }


def genotypes(first: set[Option], second: set[Option]) -> list[Genotype]:
    """No option: a null allele, which counts as the value beside it."""
    if not first and not second:
        return [()]
    if not first or not second:
        return [(option, option) for option in first or second]
    return list(product(first, second))


def best(a: Genotype, b: Genotype, matches) -> int:  # type: ignore[no-untyped-def]
    """The better of direct and cross."""
    if not a or not b:
        return 0
    direct = matches(a[0], b[0]) + matches(a[1], b[1])
    cross = matches(a[0], b[1]) + matches(a[1], b[0])
    return max(direct, cross)
