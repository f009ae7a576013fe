"""What other reference data make of the stored typings: each distinct value read by the old and by the new ones.

P groups are compared by name, since their numbers mean nothing between two releases; the P at the end of a name
is left aside, because an allele that gains a group of its own name means what it meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hla import leader, tce
from hla.errors import TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.resolve import Resolver
from matching.choices import ChangeKind

NO_GROUP = "–"  # no T-cell-epitope group is assigned
NAMES_KEPT = 12  # names of groups or antigens that a change spells out; it counts the rest

Details = dict[str, Any]


@dataclass(frozen=True)
class Meaning:
    """What a stored value means by one set of reference data; `error` where it cannot be read.

    tce: of DPB1, P group (without the P) and T-cell-epitope group of each protein. leader: of B, "M", "T", "M/T",
    "–" where nothing is expressed, "?" if it cannot be told. nulls: null alleles set aside beside expressed ones.
    """

    text: str = ""
    groups: frozenset[str] = frozenset()
    antigens: frozenset[frozenset[str]] = frozenset()
    tce: frozenset[tuple[str, str]] = frozenset()
    leader: str = ""
    nulls: frozenset[str] = frozenset()
    error: Details | None = None


@dataclass(frozen=True)
class Change:
    """What differs: kinds in the order of ChangeKind, details as TypingChange keeps them."""

    kinds: tuple[str, ...]
    details: Details


@dataclass
class Comparison:
    """Two sets of reference data; answers are kept by value."""

    old: Resolver
    new: Resolver
    _kept: dict[tuple[str, str], Change | None] = field(default_factory=dict)

    def typing(self, locus: str, first: str, second: str) -> Change | None:
        """What changed of a typing; None if nothing did."""
        values = dict.fromkeys(value for value in (first, second) if value)
        changes = [change for value in values if (change := self.value(locus, value))]
        if not changes:
            return None
        kinds = {kind for change in changes for kind in change.kinds}
        return Change(
            tuple(kind for kind in ChangeKind.values if kind in kinds),
            {"values": [change.details for change in changes]},
        )

    def value(self, locus: str, text: str) -> Change | None:
        """What changed of one value."""
        key = (locus, text)
        if key not in self._kept:
            self._kept[key] = changed(locus, text, meaning(self.old, *key), meaning(self.new, *key))
        return self._kept[key]


def meaning(resolver: Resolver, locus: str, text: str) -> Meaning:
    try:
        value = resolver.position(locus, text)
    except TypingError as error:
        params = {name: value for name, value in error.params.items() if name not in ("locus", "text")}
        return Meaning(error={"code": error.code, "locus": error.locus, "text": error.text, "params": params})
    names = resolver.nomenclature
    return Meaning(
        value.text,
        frozenset(names.p_name(locus, group) for group in value.p_groups),
        value.antigens,
        epitope_groups(resolver, text) if locus == tce.LOCUS else frozenset(),
        leader_text(resolver, text) if locus == leader.LOCUS else "",
        frozenset(value.null_possible),
    )


def epitope_groups(resolver: Resolver, text: str) -> frozenset[tuple[str, str]]:
    """P group and T-cell-epitope group of each protein that a DPB1 value may be."""
    names = resolver.nomenclature
    found = tce.options(resolver, text) or ()
    return frozenset(
        (names.p_name(tce.LOCUS, one.p_group).removesuffix("P"), str(one.group or NO_GROUP)) for one in found
    )


def leader_text(resolver: Resolver, text: str) -> str:
    """The leaders that a B value may have."""
    found: set[str] = set()
    for one in text.split("|"):
        leaders = leader.leaders(resolver, one)
        if leaders is None:
            return "?"
        found |= leaders
    return "/".join(sorted(found)) or "–"


def changed(locus: str, text: str, old: Meaning, new: Meaning) -> Change | None:
    """How the new meaning of a value differs from the old one."""
    details: Details = {"text": text}
    if old.error or new.error:
        if old.error and new.error:
            return None
        details["error"] = old.error or new.error
        return Change((ChangeKind.READABLE if old.error else ChangeKind.UNREADABLE,), details)
    kinds = []
    if old.text != new.text:
        kinds.append(ChangeKind.RENAMED)
        details["names"] = [old.text, new.text]
    if plain(old.groups) != plain(new.groups):
        kinds.append(ChangeKind.P_GROUPS)
        details["p_groups"] = [few(without(old.groups, new.groups)), few(without(new.groups, old.groups))]
    if old.antigens != new.antigens:
        kinds.append(ChangeKind.ANTIGENS)
        details["antigens"] = [few(antigen_names(locus, one.antigens)) for one in (old, new)]
    kinds += immunology(old, new, details)
    return Change(tuple(kinds), details) if kinds else None


def immunology(old: Meaning, new: Meaning, details: Details) -> list[ChangeKind]:
    """What differs beside names, proteins and antigens; told in `details`."""
    kinds = []
    if found := other_epitopes(old.tce, new.tce):
        kinds.append(ChangeKind.TCE)
        details["tce"] = found
    if old.leader != new.leader:
        kinds.append(ChangeKind.LEADER)
        details["leader"] = [old.leader, new.leader]
    if old.nulls != new.nulls and old.groups and new.groups:  # else the loss of all P groups says it
        kinds.append(ChangeKind.NULLS)
        details["nulls"] = [few(sorted(old.nulls - new.nulls)), few(sorted(new.nulls - old.nulls))]
    return kinds


def other_epitopes(old: frozenset[tuple[str, str]], new: frozenset[tuple[str, str]]) -> list[Any]:
    """The T-cell-epitope groups before and now; protein by protein where only these tell; [] if nothing differs.

    A protein that joins or leaves a value with a group that others of it have is a change of P groups alone.
    """
    groups, others = ({group for _, group in side} for side in (old, new))
    if groups != others:
        return [few(sorted(side)) for side in (groups, others)]
    shared = {name for name, _ in old} & {name for name, _ in new}
    lost, gained = ({one for one in side if one[0] in shared} for side in (old - new, new - old))
    if not lost and not gained:
        return []
    return [few([f"{name} ({group})" for name, group in sorted(side)]) for side in (lost, gained)]


def plain(groups: Iterable[str]) -> frozenset[str]:
    return frozenset(name.removesuffix("P") for name in groups)


def without(groups: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names of `groups` that `others` does not hold."""
    known = plain(others)
    return sorted(name for name in groups if name.removesuffix("P") not in known)


def antigen_names(locus: str, antigens: Iterable[frozenset[str]]) -> list[str]:
    """Each assignment in the order of its numbers: "B62", "B15/70"."""
    found = sorted(sorted(map(int, one)) for one in antigens)
    return [SEROLOGY_PREFIX[locus] + "/".join(map(str, one)) for one in found]


def few(names: list[str]) -> list[Any]:
    """The first names, and how many more there are."""
    return [names[:NAMES_KEPT], max(len(names) - NAMES_KEPT, 0)]
