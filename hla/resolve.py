"""From the text of one value to what it denotes; answers are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from hla.ciwd import CiwdTable
from hla.errors import Note, TypingError
from hla.loci import LOCI
from hla.mac import MacTable
from hla.members import MemberReader, split_suffix
from hla.nomenclature import Members, Nomenclature, PGroups, field_key, joined, two_fields
from hla.resolved import Details, Resolved, marked, rewritten, shown, united
from hla.text import Item, Kind, read_value

__all__ = ["Details", "Resolved", "Resolver", "resolver_for", "shown"]

MAX_KEPT = 1_000_000  # answers kept; no inventory has so many distinct values
MAX_CHARACTERS: Final = 200_000_000  # of the texts whose answers are kept
NOT_RARE: Final = frozenset({"C", "I", "WD"})
KNOWN_LOCI: Final = frozenset(LOCI)
UNASKED: Final[Any] = object()

Answer = TypeVar("Answer")


class Known(NamedTuple):
    """A member of a list that has been read before, by its canonical text."""

    members: Members
    item: Item
    sort_key: tuple[tuple[int, ...], str]
    notes: tuple[Note, ...]


class Resolver:
    """Resolves values with one nomenclature and one code table; answers are kept by text.

    ciwd: table of common and well-documented alleles, for warnings about rare ones; it changes no meaning.
    Safe to share between threads: an answer may at worst be computed twice.
    """

    def __init__(self, nomenclature: Nomenclature, mac: MacTable, ciwd: CiwdTable | None = None) -> None:
        self.nomenclature = nomenclature
        self.mac = mac
        self.ciwd = ciwd
        self.reader = MemberReader(nomenclature, mac)
        self._positions: dict[tuple[str, str], Resolved] = {}
        self._characters = 0
        self._known: dict[str, Known] = {}
        self._sets: dict[PGroups, PGroups] = {}
        self._details: dict[tuple[str, str], Details] = {}
        self._answers: dict[tuple[Callable[[Resolver, str], Any], str], Any] = {}

    def position(self, locus: str, text: str) -> Resolved:
        """What `text` denotes at `locus`. Raises TypingError."""
        key = (locus, text)
        found = self._positions.get(key)
        if found is None:
            if "|" in text:
                found = self.keep(key, united(locus, [self.position(locus, one) for one in text.split("|")]))
            else:
                found = self.listed(locus, text) or self.resolve_read(locus, text, read_value(locus, text))
        return found

    def plain(self, text: str) -> Resolved | None:
        """What a text denotes that needs no reading: its answer is kept, or those of all its members."""
        locus = text.partition("*")[0]
        if locus not in KNOWN_LOCI:
            return None
        return self._positions.get((locus, text)) or self.listed(locus, text)

    def listed(self, locus: str, text: str) -> Resolved | None:
        """A list all of whose members have been read before: inventories repeat members far more than lists."""
        if "/" not in text:
            return None
        found = []
        for part in text.split("/"):
            known = self._known.get(part)
            if known is None or known.item.locus != locus:
                return None
            found.append(known)
        return self.keep((locus, text), self.together(locus, text, found))

    def keep(self, key: tuple[str, str], found: Resolved) -> Resolved:
        """Remember an answer; begin anew when there are too many."""
        self._characters += len(key[1])
        if len(self._positions) >= MAX_KEPT or self._characters > MAX_CHARACTERS:
            self._positions.clear()
            self._sets.clear()
            self._characters = len(key[1])
        self._positions[key] = found
        return found

    def pairs(self, locus: str, first: str, second: str) -> list[tuple[Resolved, Resolved]]:
        """The alternatives of a typing, one pair of values each. Raises TypingError.

        "A*02:01|A*02:05" beside "A*24:02|A*24:03" are two alternatives: 02:01 with 24:02, 02:05 with 24:03.
        """
        if "|" not in first and "|" not in second:
            return [(self.position(locus, first), self.position(locus, second))]
        ones, others = first.split("|"), second.split("|")
        if len(ones) != len(others):
            raise TypingError(
                "alternatives_differ", locus=locus, text=first, first=len(ones), second=len(others)
            )
        texts = zip(ones, others, strict=True)
        return [(self.position(locus, one), self.position(locus, other)) for one, other in texts]

    def alleles(self, locus: str, text: str) -> tuple[str, ...]:
        """Complete names (fields and suffix, no locus) that a value may be, in the order of the nomenclature.

        Null alleles only where nothing else remains; () for an unknown value, a missing gene, and where the
        nomenclature lists no alleles. Raises TypingError.
        """
        return tuple(sorted(self.possible(locus, text), key=lambda name: (field_key(name), name)))

    def possible(self, locus: str, text: str) -> set[str]:
        """The same in no order: putting hundreds of names in order takes most of the time of a family."""
        if "|" in text:
            found = {name for one in text.split("|") for name in self.possible(locus, one)}
        else:
            found = {name for item in read_value(locus, text) for name in self.reader.alleles(item)}
        return {name for name in found if not name.endswith("N")} or found

    def kept(self, question: Callable[[Resolver, str], Answer], text: str) -> Answer:
        """The answer of a function of this resolver and a text; it lives as long as the resolver."""
        key = (question, text)
        found: Answer = self._answers.get(key, UNASKED)
        if found is UNASKED:
            if len(self._answers) >= MAX_KEPT:
                self._answers.clear()
            found = self._answers[key] = question(self, text)
        return found

    def details(self, locus: str, text: str) -> Details:
        """Details of a value; kept."""
        key = (locus, text)
        found = self._details.get(key)
        if found is None:
            if len(self._details) >= MAX_KEPT:
                self._details.clear()
            names = self.possible(locus, text)
            groups = self.nomenclature.g_names(locus, names)
            found = self._details[key] = Details(len(names) == 1, groups)
        return found

    def resolve_read(self, locus: str, text: str, items: tuple[Item, ...]) -> Resolved:
        """As `position`, for a text whose members have been read already."""
        key = (locus, text)
        found = self._positions.get(key)
        return self.keep(key, self.resolve_items(locus, text, items)) if found is None else found

    def resolve_items(self, locus: str, text: str, items: tuple[Item, ...]) -> Resolved:
        """Resolve the members of a value, not looking at what is kept."""
        if not items:
            return Resolved(locus, "", Kind.UNKNOWN)
        if items[0].kind in (Kind.UNKNOWN, Kind.ABSENT):
            return marked(items[0])
        return self.together(locus, text, [self.known(item) for item in items], items)

    def known(self, item: Item) -> Known:
        """A member of a value. Raises TypingError."""
        text = item.text
        found = self._known.get(text)
        if found is None or found.item.locus != item.locus:
            notes: list[Note] = []
            members, named = self.reader.members(item, notes)
            found = Known(members, named, named.sort_key, tuple(notes))
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            self._known[text] = found
        return found

    def together(
        self, locus: str, text: str, found: list[Known], items: tuple[Item, ...] | None = None
    ) -> Resolved:
        """The value of its members. items: the members as they were read, None if they are canonical texts."""
        notes = [note for one in found for note in one.notes]
        if len(found) == 1:
            members, canonical, kind = found[0].members, found[0].sort_key[1], found[0].item.kind
        else:
            members = joined([one.members for one in found])
            texts = [name for _, name in sorted({one.sort_key for one in found})]
            canonical = "/".join(texts)
            kinds = {one.item.kind for one in found}
            alike = len(texts) == 1 or kinds == {Kind.SEROLOGY}  # a list of antigens is serology still
            kind = found[0].item.kind if alike else Kind.LIST
        if items and text.strip() != canonical and rewritten(text, items):
            notes.insert(0, Note("normalised", text=text.strip(), name=canonical))
        return self.finished(locus, canonical, kind, members, notes)

    def finished(self, locus: str, name: str, kind: Kind, members: Members, notes: list[Note]) -> Resolved:
        """Apply the rules for null alleles to the members of a value."""
        expressed = bool(members.p_groups)
        if expressed and members.nulls:
            notes.append(Note("null_possible", text=name, names=shown(members.nulls)))
            self.warn_common(name, members.nulls, notes)
        if kind is Kind.ALLELE:
            self.warn_rare(locus, name, notes)
        if members.questionable:
            notes.append(Note("questionable", text=shown(members.questionable)))
        return Resolved(
            locus,
            name,
            kind,
            self._sets.setdefault(members.p_groups, members.p_groups),
            members.options,
            null=not expressed,
            null_possible=members.nulls if expressed else (),
            questionable=members.questionable,
            notes=tuple(notes),
        )

    def warn_common(self, name: str, nulls: tuple[str, ...], notes: list[Note]) -> None:
        """Say which of the null alleles that are set aside are not rare."""
        if self.ciwd is None:
            return
        common = [null for null in nulls if self.ciwd.category(*null.split("*")) in NOT_RARE]
        if common:
            notes.append(Note("null_common", text=name, names=shown(common), version=self.ciwd.version))

    def warn_rare(self, locus: str, name: str, notes: list[Note]) -> None:
        """Say that an allele is neither common, intermediate nor well-documented, as named or by its protein."""
        if self.ciwd is None:
            return
        fields, suffix = split_suffix(name.split("*")[1])
        names = {fields + suffix, two_fields(fields) + suffix}
        if not any(self.ciwd.category(locus, one) in NOT_RARE for one in names):
            notes.append(Note("rare_allele", text=name, version=self.ciwd.version))


@lru_cache(maxsize=8)
def resolver_for(nomenclature: Nomenclature, mac: MacTable, ciwd: CiwdTable | None = None) -> Resolver:
    """The shared resolver of a nomenclature, a code table and a table of rare alleles (by identity)."""
    return Resolver(nomenclature, mac, ciwd)
