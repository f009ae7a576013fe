"""What other reference data make of the stored typings: each distinct value read by the old and by the new ones.

P groups are compared by name, since their numbers mean nothing between two releases; the P at the end of a name
is left aside, because an allele that gains a group of its own name means what it meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hla.errors import TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.resolve import Resolver
from matching.choices import ChangeKind

NAMES_KEPT = 12  # names of groups or antigens that a change spells out; it counts the rest

Details = dict[str, Any]


@dataclass(frozen=True)
class Meaning:
    """What a stored value means by one set of reference data; `error` where it cannot be read."""

    text: str = ""
    groups: frozenset[str] = frozenset()
    antigens: frozenset[frozenset[str]] = frozenset()
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
        value.text, frozenset(names.p_name(locus, group) for group in value.p_groups), value.antigens
    )


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
    return Change(tuple(kinds), details) if kinds else None


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
