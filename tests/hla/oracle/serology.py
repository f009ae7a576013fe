"""Second reader of rel_dna_ser.txt and rel_ser_ser.txt, for the tests only.

Written from domain notes 2.3 and the heads of the two files; shares no line with hla/. Antigens are numbers as
text, without locus ("2", "3901"); alleles are written without locus too ("02:01:01:01").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# What the serological files call the antigens of a gene.
CALLED = {"A": "A", "B": "B", "C": "Cw", "DRB1": "DR", "DQB1": "DQ"}
# Genes whose antigens have one WHO list but no relations in rel_ser_ser.txt.
WHO_ONLY = {"DRB3": ("DR", {"52"}), "DRB4": ("DR", {"53"}), "DRB5": ("DR", {"51"}), "DPB1": ("DPw", None)}


@dataclass
class Relations:
    """Direct steps between antigens of one locus: downwards to splits and to associated antigens."""

    splits: dict[str, set[str]] = field(default_factory=dict)
    associated: dict[str, set[str]] = field(default_factory=dict)

    def below(self, antigen: str) -> set[str]:
        """All antigens that can be reached downwards."""
        reached: set[str] = set()
        waiting = [antigen]
        while waiting:
            here = waiting.pop()
            for child in self.splits.get(here, set()) | self.associated.get(here, set()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        return reached

    def above(self, antigen: str) -> set[str]:
        """All antigens from which this one can be reached."""
        everything = set(self.splits) | set(self.associated)
        return {other for other in everything if antigen in self.below(other)}

    def related(self, antigen: str) -> set[str]:
        """The antigen itself, all above it and all below it."""
        return {antigen} | self.above(antigen) | self.below(antigen)

    def match(self, one: str, other: str, *, broad: bool = False) -> bool:
        """One above the other; both associated with the same one; under the rule `broad` any antigen above both."""
        if other in self.related(one):
            return True
        if any({one, other} <= children for children in self.associated.values()):
            return True
        return broad and bool(self.above(one) & self.above(other))


class Serology:
    """The two files of a release folder (…/3580), and the WHO's antigens from hla_nom.txt.

    assigned: locus -> allele -> its antigens. columns: locus -> allele -> the four columns as written.
    successors: locus and withdrawn name -> the name in its place. who: prefix of a locus -> its antigens.
    """

    def __init__(self, folder: Path) -> None:
        self.columns: dict[str, dict[str, list[str]]] = {}
        self.assigned: dict[str, dict[str, frozenset[str]]] = {}
        for cells in rows(folder / "wmda" / "rel_dna_ser.txt"):
            locus, allele, columns = cells[0][:-1], cells[1], cells[2:6]
            self.columns.setdefault(locus, {})[allele] = columns
            self.assigned.setdefault(locus, {})[allele] = antigens_of(allele, columns)
        self.relations = {called: Relations() for called in CALLED.values()}
        for called, antigen, splits, *rest in rows(folder / "wmda" / "rel_ser_ser.txt"):
            if called in self.relations:
                add(self.relations[called].splits, antigen, splits)
                add(self.relations[called].associated, antigen, rest[0] if rest else "")
        self.who: dict[str, list[str]] = {}
        self.successors: dict[tuple[str, str], str] = {}
        for called, name, _, withdrawn, successor, *_ in rows(folder / "wmda" / "hla_nom.txt"):
            if called.endswith("*"):
                self.successors |= {(called[:-1], name): successor} if successor else {}
            elif not withdrawn:
                self.who.setdefault(called, []).append(name)

    @cached_property
    def suffixes(self) -> dict[str, dict[str, set[str]]]:
        """Per locus: each beginning of two or more fields -> the suffixes of the alleles that begin so."""
        found: dict[str, dict[str, set[str]]] = {}
        for locus, alleles in self.columns.items():
            table = found[locus] = {}
            for name in alleles:
                suffix = name[-1] if name[-1].isalpha() else ""
                fields = name.removesuffix(suffix).split(":")
                for depth in range(2, len(fields) + 1):
                    table.setdefault(":".join(fields[:depth]), set()).add(suffix)
        return found

    def unnamed(self, locus: str, allele: str) -> bool:
        """Whether no column names an antigen for an allele, so that its first field stands for one."""
        first = next((column for column in self.columns[locus][allele] if column), "0")
        return not set(first.split("/")) - {"0", "?"}

    def of_locus(self, locus: str) -> Relations:
        return self.relations[CALLED[locus]] if locus in CALLED else Relations()

    def antigens(self, locus: str) -> list[str]:
        """WHO antigens of a gene, by their numbers."""
        called, only = WHO_ONLY[locus] if locus in WHO_ONLY else (CALLED.get(locus, ""), None)
        others: set[str] = set().union(*(of or set() for _, of in WHO_ONLY.values()))
        if only is None and called == "DR":
            return [antigen for antigen in self.who[called] if antigen not in others]
        return [antigen for antigen in self.who.get(called, []) if only is None or antigen in only]

    def alleles(self, locus: str, antigen: str) -> set[str]:
        """Expressed alleles that a person with this antigen may have."""
        wanted = self.of_locus(locus).related(antigen)
        return {
            allele
            for allele, found in self.assigned[locus].items()
            if found & wanted and not allele.endswith("N")
        }


def rows(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8")
    return [line.split(";") for line in text.splitlines() if line and not line.startswith("#")]


def add(table: dict[str, set[str]], antigen: str, listed: str) -> None:
    if listed:
        table.setdefault(antigen, set()).update(listed.split("/"))


def antigens_of(allele: str, columns: list[str]) -> frozenset[str]:
    """First column with anything in it, less "0" and "?"; if nothing is left the first field is the antigen."""
    for column in columns:
        if column:
            named = {part for part in re.split("/", column) if part not in {"0", "?"}}
            if named:
                return frozenset(named)
            break
    return frozenset({allele.split(":")[0].lstrip("0")})
