"""From the text of one value to what it denotes: P groups, antigens, nulls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from hla.antigens import AntigenSet
from hla.errors import Note, TypingError
from hla.mac import MacTable
from hla.nomenclature import SUFFIXES, AntigenOptions, Members, Nomenclature, PGroups, joined
from hla.text import ALLELE, Item, Kind, read_value

MAX_KEPT = 1_000_000  # answers kept; no inventory has so many distinct values
NAMES_SHOWN = 6  # names that a note spells out


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one value denotes.

    text: its canonical form ("" if unknown), which resolves to the same. p_groups: ids of the P groups it may
    be (empty if null or unknown). options: as in Members. antigens: the antigen sets of the options. null:
    certainly not expressed. unknown: may be any allele. null_possible: null alleles set aside while an expressed one
    remains. questionable: members of questionable expression.
    """

    locus: str
    text: str
    kind: Kind
    p_groups: PGroups = frozenset()
    options: AntigenOptions = frozenset()
    null: bool = False
    null_possible: tuple[str, ...] = ()
    questionable: tuple[str, ...] = ()
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def unknown(self) -> bool:
        return self.kind is Kind.UNKNOWN

    @property
    def antigens(self) -> frozenset[AntigenSet]:
        return frozenset(antigens for _, antigens in self.options)

    @property
    def ambiguous(self) -> bool:
        """Whether it may be more than one protein."""
        return self.unknown or len(self.p_groups) > 1


class Resolver:
    """Resolves values with one nomenclature and one code table; answers are kept by text.

    Safe to share between threads: an answer may at worst be computed twice.
    """

    def __init__(self, nomenclature: Nomenclature, mac: MacTable) -> None:
        self.nomenclature = nomenclature
        self.mac = mac
        self._positions: dict[tuple[str, str], Resolved] = {}
        self._codes: dict[tuple[str, str, str], tuple[Members, tuple[str, ...], int]] = {}
        self._sets: dict[PGroups, PGroups] = {}

    def position(self, locus: str, text: str) -> Resolved:
        """What `text` denotes at `locus`. Raises TypingError."""
        key = (locus, text)
        found = self._positions.get(key)
        if found is None:
            found = self.resolve_read(locus, text, read_value(locus, text))
        return found

    def resolve_read(self, locus: str, text: str, items: tuple[Item, ...]) -> Resolved:
        """As `position`, for a text whose members have been read already."""
        key = (locus, text)
        found = self._positions.get(key)
        if found is None:
            if len(self._positions) >= MAX_KEPT:
                self._positions.clear()
            found = self._positions[key] = self.resolve_items(locus, text, items)
        return found

    def resolve_items(self, locus: str, text: str, items: tuple[Item, ...]) -> Resolved:
        """Resolve the members of a value, not looking at what is kept."""
        if not items:
            return Resolved(locus, "", Kind.UNKNOWN)
        if items[0].kind in (Kind.UNKNOWN, Kind.ABSENT):
            return marked(items[0])
        notes: list[Note] = []
        found = [self.resolve_item(item, notes) for item in items]
        members = joined([part for part, _ in found]) if len(found) > 1 else found[0][0]
        named = {item.text: item for _, item in found}
        texts = sorted(named, key=lambda name: named[name].sort_key) if len(named) > 1 else list(named)
        canonical = "/".join(texts)
        if text != canonical and rewritten(text, items):
            notes.insert(0, Note("normalised", text=text.strip(), name=canonical))
        kind = Kind.LIST if len(texts) > 1 else named[texts[0]].kind
        return self.finished(locus, canonical, kind, members, notes)

    def finished(self, locus: str, name: str, kind: Kind, members: Members, notes: list[Note]) -> Resolved:
        """Apply the rules for null alleles to the members of a value."""
        expressed = bool(members.p_groups)
        if expressed and members.nulls:
            notes.append(Note("null_possible", text=name, names=shown(members.nulls)))
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

    def resolve_item(self, item: Item, notes: list[Note]) -> tuple[Members, Item]:
        """Members of one item, and the item as it is called in this release."""
        match item.kind:
            case Kind.XX:
                return self.family(item), item
            case Kind.MAC:
                return self.coded(item, notes), item
            case Kind.G_GROUP:
                return self.group(item, "g"), item
            case Kind.P_GROUP:
                return self.group(item, "p"), item
            case _:
                return self.allele(item, notes)

    def family(self, item: Item) -> Members:
        found = self.nomenclature.family(item.locus, item.fields)
        if found is None:
            raise self.unknown(item, "unknown_family")
        return found

    def group(self, item: Item, sort: str) -> Members:
        lookup = self.nomenclature.g_group if sort == "g" else self.nomenclature.p_group
        found = lookup(item.locus, item.fields)
        if found is None:
            raise self.unknown(item, f"unknown_{sort}_group")
        return found

    def allele(self, item: Item, notes: list[Note]) -> tuple[Members, Item]:
        """An allele name, also one that has been withdrawn or that lost its suffix on the way."""
        found, fields, tail, reason = self.traced(item.locus, item.fields, item.tail)
        if found is None and reason is None:
            raise self.unknown(item, "unknown_allele")
        if found is None:
            raise TypingError(
                "deleted", locus=item.locus, text=item.text, position=item.offset, reason=reason or ""
            )
        tail = tail or found.suffix
        if tail == "N" != item.tail:
            raise TypingError(
                "null_without_n",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                name=Item(item.kind, item.locus, fields, tail, item.offset).text,
            )
        if (fields, tail) == (item.fields, item.tail):
            return found, item
        named = Item(item.kind, item.locus, fields, tail, item.offset)
        code = "suffix_added" if fields == item.fields else "renamed"
        notes.append(Note(code, text=item.text, name=named.text))
        return found, named

    def traced(self, locus: str, fields: str, tail: str) -> tuple[Members | None, str, str, str | None]:
        """Members of a name under its present fields and suffix; else None, and why it was withdrawn."""
        names = self.nomenclature
        while (found := names.name(locus, fields, tail)) is None:
            new = names.replacement(locus, fields + tail)
            if new is None:
                return None, fields, tail, None
            read = ALLELE.fullmatch(new.fields)
            if read is None:
                return None, fields, tail, new.reason
            fields, tail = read[1], read[2]
        return found, fields, tail, None

    def coded(self, item: Item, notes: list[Note]) -> Members:
        """A multiple allele code; members that do not exist are left out with a note."""
        key = (item.locus, item.fields, item.tail)
        if key not in self._codes:
            names = self.mac.expand(*key)
            if not names:
                raise TypingError(
                    "unknown_mac",
                    locus=item.locus,
                    text=item.text,
                    position=item.offset,
                    mac=item.tail,
                    version=self.mac.version,
                )
            self.check_family(item, names)
            self._codes[key] = self.expanded(item.locus, names)
        members, dropped, total = self._codes[key]
        if len(dropped) == total:
            raise self.unknown(item, "mac_empty")
        if 2 * len(dropped) > total and self.mac.is_specific(item.tail):
            raise TypingError(
                "mac_other_locus",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                count=len(dropped),
                total=total,
                release=self.nomenclature.release,
            )
        if dropped:
            notes.append(
                Note(
                    "members_dropped",
                    text=item.text,
                    count=len(dropped),
                    release=self.nomenclature.release,
                    names=shown(dropped),
                )
            )
        return members

    def check_family(self, item: Item, names: list[str]) -> None:
        """An allele-specific code must hold an allele of the family that is written before it."""
        families = {int(name.split(":", 1)[0]) for name in names}
        if int(item.fields) not in families:
            raise TypingError(
                "mac_other_family",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                mac=item.tail,
                families=shown(f"{item.locus}*{family:02d}" for family in sorted(families)),
            )

    def expanded(self, locus: str, names: list[str]) -> tuple[Members, tuple[str, ...], int]:
        """Members of the names that exist, the names that do not, and how many names there were."""
        found, dropped = [], []
        for name in names:
            fields = name.rstrip(SUFFIXES)
            members, *_ = self.traced(locus, fields, name[len(fields) :])
            if members is None:
                dropped.append(f"{locus}*{name}")
            else:
                found.append(members)
        return joined(found), tuple(dropped), len(names)

    def unknown(self, item: Item, code: str) -> TypingError:
        """An error that names the nearest known name."""
        return TypingError(
            code,
            locus=item.locus,
            text=item.text,
            position=item.offset,
            release=self.nomenclature.release,
            nearest=self.nomenclature.nearest(item.locus, item.fields),
        )


def marked(item: Item) -> Resolved:
    """UUUU, XXXX and NEW may be anything; NNNN is a missing gene, which expresses nothing."""
    if item.kind is Kind.ABSENT:
        return Resolved(
            item.locus, item.text, item.kind, null=True, notes=(Note("absent_gene", text=item.text),)
        )
    code = "new_allele" if item.tail.endswith("NEW") else "unknown_value"
    return Resolved(item.locus, "", item.kind, notes=(Note(code, text=item.text),))


def rewritten(text: str, items: tuple[Item, ...]) -> bool:
    """Whether reading changed more than the order or the usual short forms of a list."""
    plain = {item.text for item in items} | {item.text.split("*", 1)[1] for item in items}
    first, *others = text.split("/")
    return first not in plain or any(part not in plain and not part.isdecimal() for part in others)


def shown(names: Iterable[str]) -> str:
    """The first few names, and how many more there are; without words, for every language."""
    listed = list(names)
    more = len(listed) - NAMES_SHOWN
    return ", ".join(listed[:NAMES_SHOWN]) + (f", … (+{more})" if more > 0 else "")


@lru_cache(maxsize=8)
def resolver_for(nomenclature: Nomenclature, mac: MacTable) -> Resolver:
    """The shared resolver of a nomenclature and a code table (by identity)."""
    return Resolver(nomenclature, mac)
