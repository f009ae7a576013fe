"""The file of differences to py-ard, and what its rules mean.

tests/hla/cases/pyard_differences.csv: what, input, ours, py_ard, reason, count. A line names one input, or a
rule of this module ("rule:name") with the number of inputs that it covers in the complete comparison.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.hla.oracle.serology import Serology

FILE = Path(__file__).parents[1] / "cases" / "pyard_differences.csv"
SHOWN = 8


@dataclass(frozen=True)
class Expansion:
    """What a value stands for. alleles: complete names; p_groups: of the expressed ones; refused: why nothing."""

    alleles: frozenset[str] = frozenset()
    p_groups: frozenset[str] = frozenset()
    refused: str = ""


@dataclass(frozen=True)
class Compared:
    """One input. Both refused counts as equal, whatever the words."""

    what: str
    locus: str
    text: str
    ours: Expansion
    theirs: Expansion

    @property
    def equal(self) -> bool:
        if self.ours.refused or self.theirs.refused:
            return bool(self.ours.refused) == bool(self.theirs.refused)
        return self.ours == self.theirs

    @property
    def shown(self) -> tuple[str, str]:
        """What either side has alone, as the file writes it."""
        return only(self.ours, self.theirs), only(self.theirs, self.ours)


def only(one: Expansion, other: Expansion) -> str:
    """What `one` has and `other` has not."""
    if one.refused:
        return f"refused: {one.refused}"
    names = sorted(one.alleles - other.alleles) or sorted(one.p_groups - other.p_groups)
    more = f"/… (+{len(names) - SHOWN})" if len(names) > SHOWN else ""
    return "/".join(names[:SHOWN]) + more


@dataclass(frozen=True)
class Facts:
    """What the rules look up, none of it from hla/.

    codes: multiple allele code -> its subtypes as written. successors: locus and withdrawn name -> the name that
    took its place (hla_nom.txt).
    """

    serology: Serology
    codes: dict[str, list[str]]
    successors: dict[tuple[str, str], str]


Rule = Callable[[Compared, Facts], bool]


def suffix_left_off(found: Compared, _: Facts) -> bool:
    """A name whose alleles all bear one suffix other than N, written without it: py-ard knows only the whole name."""
    mine = found.ours.alleles
    return (
        found.theirs.refused in ("InvalidAlleleError", "not expanded")
        and bool(mine)
        and len({name[-1] for name in mine}) == 1
        and next(iter(mine))[-1] in "LSCAQ"
    )


def null_needs_its_n(found: Compared, _: Facts) -> bool:
    """A name, group, family or all members of a code, whose alleles are all null: we ask for the N, py-ard
    takes some of these names as they are.
    """
    theirs = found.theirs.alleles
    return found.ours.refused in ("null_without_n", "mac_empty") and all(
        name.endswith("N") for name in theirs
    )


def antigen_also_upwards(found: Compared, facts: Facts) -> bool:
    """An antigen that we also expand to alleles known only by its broad, or by the antigen it is associated with,
    and downwards through associated antigens; py-ard expands a broad to its splits only. An allele of which no
    serology is known has its first field as antigen with us ("0" of B*44:02:01:02S), none with py-ard.

    Each allele that only we have must be assigned an antigen strictly above the one written, or below it only
    by an associated step, or have no antigen in the file; py-ard must have nothing that we have not.
    """
    if found.theirs.refused or found.ours.refused or found.theirs.alleles - found.ours.alleles:
        return False
    antigen = found.text.lstrip("ABCDPQRw")
    relations = facts.serology.of_locus(found.locus)
    reached = relations.related(antigen) - {antigen} - relations.splits.get(antigen, set())
    extra = found.ours.alleles - found.theirs.alleles
    return bool(extra) and all(
        facts.serology.assigned[found.locus][name] & reached or facts.serology.unnamed(found.locus, name)
        for name in extra
    )


def code_leaves_suffix_off(found: Compared, facts: Facts) -> bool:
    """A code with a member whose only alleles bear a suffix that the code leaves off ("01:159" for 01:159Q).

    We read the member as everywhere else; py-ard drops it. Nothing else may differ.
    """
    return dropped_members(found, facts) == {"suffix"}


def code_has_renamed_member(found: Compared, facts: Facts) -> bool:
    """A code with a member that was renamed since: we follow the name, py-ard drops it. Nothing else may differ."""
    return dropped_members(found, facts) == {"renamed"}


def code_has_both(found: Compared, facts: Facts) -> bool:
    """A code with a member that lacks its suffix and one that was renamed."""
    return dropped_members(found, facts) == {"renamed", "suffix"}


def dropped_members(found: Compared, facts: Facts) -> set[str]:
    """Why py-ard lacks the alleles that only we have; "" among them if that is not known."""
    if found.ours.refused or found.theirs.alleles - found.ours.alleles:
        return {""}
    members = written(found, facts)
    return {dropped(name, found.locus, members, facts) for name in found.ours.alleles - found.theirs.alleles}


def dropped(name: str, locus: str, members: list[str], facts: Facts) -> str:
    if name[-1] in "LSCAQ" and any(is_of(name, member) for member in members if member[-1].isdigit()):
        return "suffix"
    new = {facts.successors.get((locus, member), "") for member in members}
    return "renamed" if any(member and is_of(name, member) for member in new) else ""


def is_of(name: str, member: str) -> bool:
    """Whether a complete name begins with the fields of a member, suffixes aside."""
    return f"{name.rstrip('NLSCAQ')}:".startswith(f"{member.rstrip('NLSCAQ')}:")


def stands_for(member: str, known: dict[str, set[str]]) -> bool:
    """Whether a member of a code, with its suffix if it has one, is a name of the release."""
    if member[-1].isdigit():
        return member in known
    return member[-1] in known.get(member[:-1], set())


def code_of_another_locus(found: Compared, facts: Facts) -> bool:
    """An allele-specific code most of whose names do not exist at the locus: we refuse it, py-ard drops them."""
    known = facts.serology.suffixes[found.locus]
    members = written(found, facts)
    missing = [member for member in members if not stands_for(member, known)]
    return found.ours.refused == "mac_other_locus" and 2 * len(missing) > len(members)


def code_with_its_other_family(found: Compared, facts: Facts) -> bool:
    """An allele-specific code behind a first field that only a minority of its alleles has.

    We accept each first field that occurs in the code; py-ard only the most frequent one (at a tie the first).
    """
    families = Counter(member.split(":")[0] for member in written(found, facts))
    family = found.text.split("*")[1].split(":")[0]
    return (
        found.theirs.refused == "InvalidAlleleError"
        and not found.ours.refused
        and len(families) > 1
        and family in families
        and family != families.most_common(1)[0][0]
    )


def new_is_a_mark(found: Compared, _: Facts) -> bool:
    """NEW after a first field: a new allele, as registries write it, to us; a code of the table to py-ard."""
    return found.text.endswith(":NEW") and not found.ours.refused and not found.ours.alleles


def written(found: Compared, facts: Facts) -> list[str]:
    """The members of a code, with first field and without locus."""
    family, code = found.text.split("*")[1].split(":")
    return [part if ":" in part else f"{family}:{part}" for part in facts.codes[code]]


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        suffix_left_off,
        null_needs_its_n,
        antigen_also_upwards,
        code_leaves_suffix_off,
        code_has_renamed_member,
        code_has_both,
        code_of_another_locus,
        code_with_its_other_family,
        new_is_a_mark,
    )
}


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    what: str
    input: str
    ours: str
    py_ard: str
    reason: str
    count: int


def lines(path: Path = FILE) -> list[Line]:
    with path.open(encoding="utf-8", newline="") as text:
        return [Line(**{**row, "count": int(row["count"])}) for row in csv.DictReader(text)]


class Ledger:
    """Sets what was found against the file."""

    def __init__(self, facts: Facts, known: Iterable[Line] | None = None) -> None:
        self.facts = facts
        known = lines() if known is None else known
        self.single = {(line.what, line.input): line for line in known if not line.input.startswith("rule:")}
        self.rules = {(line.what, line.input[5:]): line for line in known if line.input.startswith("rule:")}
        self.counted: Counter[str] = Counter()
        self.covered: Counter[tuple[str, str]] = Counter()
        self.met: set[tuple[str, str]] = set()
        self.unexplained: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def take(self, found: Compared) -> None:
        """Count one comparison; a difference that the file does not explain is kept."""
        key = (found.what, found.text)
        if key in self.seen:
            return
        self.seen.add(key)
        self.counted[found.what] += 1
        if found.equal:
            return
        line = self.single.get(key)
        if line is not None and (line.ours, line.py_ard) == found.shown:
            self.met.add(key)
            return
        for what, name in self.rules:
            if what == found.what and RULES[name](found, self.facts):
                self.covered[what, name] += 1
                return
        self.unexplained.append(f"{found.what} {found.text}: ours {found.shown[0]}; py-ard {found.shown[1]}")

    def stale(self, *, complete: bool) -> list[str]:
        """Lines that no longer differ: every single one that was compared, rules only where all was compared."""
        found = [
            f"{what} {text}"
            for what, text in self.single
            if (what, text) not in self.met and ((what, text) in self.seen or complete)
        ]
        if complete:
            found += [
                f"{what} rule:{name}: {self.covered[what, name]} inputs, the file says {line.count}"
                for (what, name), line in self.rules.items()
                if self.covered[what, name] != line.count
            ]
        return found
