"""From the text of one value to what it denotes: P groups, antigens, nulls."""

import os.path
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from hla.antigens import AntigenSet
from hla.ciwd import CiwdTable
from hla.errors import Note, TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.mac import MacTable
from hla.nomenclature import (
    SUFFIXES,
    AntigenOption,
    AntigenOptions,
    Members,
    Nomenclature,
    PGroups,
    field_key,
    joined,
)
from hla.oldnames import spellings
from hla.text import ALLELE, Item, Kind, read_value

MAX_KEPT = 1_000_000  # answers kept; no inventory has so many distinct values
NAMES_SHOWN = 6  # names that a note spells out
NOT_RARE = frozenset({"C", "I", "WD"})

# What Nomenclature.alleles calls the kinds that it looks up.
SORTS = {
    Kind.ALLELE: "name",
    Kind.XX: "family",
    Kind.G_GROUP: "g_group",
    Kind.P_GROUP: "p_group",
    Kind.SEROLOGY: "serology",
}


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


class Details(NamedTuple):
    """What grades ask of a value beside its meaning. single: one complete allele; g_groups: names, as g_name."""

    single: bool
    g_groups: frozenset[str]


class Resolver:
    """Resolves values with one nomenclature and one code table; answers are kept by text.

    ciwd: table of common and well-documented alleles, for warnings about rare ones; it changes no meaning.
    Safe to share between threads: an answer may at worst be computed twice.
    """

    def __init__(self, nomenclature: Nomenclature, mac: MacTable, ciwd: CiwdTable | None = None) -> None:
        self.nomenclature = nomenclature
        self.mac = mac
        self.ciwd = ciwd
        self._positions: dict[tuple[str, str], Resolved] = {}
        self._codes: dict[tuple[str, str, str], tuple[Members, tuple[str, ...], int]] = {}
        self._sets: dict[PGroups, PGroups] = {}
        self._details: dict[tuple[str, str], Details] = {}

    def position(self, locus: str, text: str) -> Resolved:
        """What `text` denotes at `locus`. Raises TypingError."""
        key = (locus, text)
        found = self._positions.get(key)
        if found is None:
            if "|" in text:
                found = self.keep(key, united(locus, [self.position(locus, one) for one in text.split("|")]))
            else:
                found = self.resolve_read(locus, text, read_value(locus, text))
        return found

    def keep(self, key: tuple[str, str], found: Resolved) -> Resolved:
        """Remember an answer; begin anew when there are too many."""
        if len(self._positions) >= MAX_KEPT:
            self._positions.clear()
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
        if "|" in text:
            found = {name for one in text.split("|") for name in self.alleles(locus, one)}
        else:
            found = {name for item in read_value(locus, text) for name in self.item_alleles(item)}
        expressed = {name for name in found if not name.endswith("N")}
        return tuple(sorted(expressed or found, key=lambda name: (field_key(name), name)))

    def details(self, locus: str, text: str) -> Details:
        """Details of a value; kept."""
        key = (locus, text)
        found = self._details.get(key)
        if found is None:
            if len(self._details) >= MAX_KEPT:
                self._details.clear()
            names = self.alleles(locus, text)
            groups = frozenset([self.nomenclature.g_name(locus, name) for name in names])
            found = self._details[key] = Details(len(names) == 1, groups)
        return found

    def item_alleles(self, item: Item) -> tuple[str, ...]:
        """Complete names of one member of a value."""
        if item.kind in (Kind.UNKNOWN, Kind.ABSENT):
            return ()
        _, item = self.resolve_item(item, [])
        if item.kind is not Kind.MAC:
            return self.nomenclature.alleles(item.locus, SORTS[item.kind], item.fields, item.tail)
        return tuple(
            complete
            for name in self.mac.expand(item.locus, item.fields, item.tail)
            for found, fields, tail, _ in [self.traced(item.locus, *split_suffix(name))]
            if found is not None
            for complete in self.nomenclature.alleles(item.locus, "name", fields, tail)
        )

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
        """Say that an allele is neither common, intermediate nor well-documented."""
        if self.ciwd is not None and self.ciwd.category(locus, name.split("*")[1]) not in NOT_RARE:
            notes.append(Note("rare_allele", text=name, version=self.ciwd.version))

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
            case Kind.SEROLOGY:
                return self.antigen(item, notes), item
            case Kind.OLD_NAME:
                return self.old_name(item, notes)
            case Kind.SMALL_G:
                return self.small_g(item)
            case _:
                return self.allele(item, notes)

    def antigen(self, item: Item, notes: list[Note]) -> Members:
        """The alleles of an antigen; a first field that laboratories use as one is read with a note."""
        found = self.nomenclature.serology(item.locus, item.fields)
        names = self.nomenclature.serology_names(item.locus)
        if found is None:
            near = min(names, key=lambda name: (-alike(name, item.fields), int(name)), default=item.fields)
            fields = item.fields
            allele = f"{fields[:-2]:0>2}:{fields[-2:]}" if len(fields) > 2 else f"{fields:0>2}:XX"
            raise TypingError(
                "unknown_antigen",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                release=self.nomenclature.release,
                nearest=SEROLOGY_PREFIX[item.locus] + near,
                example=f"{item.locus}*{allele}",
            )
        if self.nomenclature.size and item.fields not in names:
            notes.append(Note("first_field_antigen", text=item.text))
        return found

    def old_name(self, item: Item, notes: list[Note]) -> tuple[Members, Item]:
        """A name without colons: as it was withdrawn, else the one way of dividing it that names an allele."""
        known = []
        for group in spellings(self.nomenclature, item.locus, item.fields, item.tail):
            known = [name for name in group if self.traced(item.locus, *split_suffix(name))[0] is not None]
            if known:
                break
        if len(known) != 1:
            names = ", ".join(f"{item.locus}*{name}" for name in known)
            raise TypingError(
                "old_name_open" if known else "old_name",
                locus=item.locus,
                text=f"{item.locus}*{item.fields}{item.tail}",
                position=item.offset,
                release=self.nomenclature.release,
                names=names,
                example=f"{item.locus}*{item.fields[:2]}:{item.fields[2:]}{item.tail}",
            )
        fields, tail = split_suffix(known[0])
        renamed: list[Note] = []
        found, named = self.allele(Item(Kind.ALLELE, item.locus, fields, tail, item.offset), renamed)
        notes.append(Note("old_name", text=f"{item.locus}*{item.fields}{item.tail}", name=named.text))
        return found, named

    def small_g(self, item: Item) -> tuple[Members, Item]:
        """`02:01g`: all alleles with the protein of 02:01 where peptides bind, which is its P group."""
        found, named = self.allele(Item(Kind.ALLELE, item.locus, item.fields, "", item.offset), [])
        name = self.nomenclature.p_name(item.locus, min(found.p_groups)).split("*")[1]
        if not name.endswith("P"):
            return found, named
        group = Item(Kind.P_GROUP, item.locus, name.removesuffix("P"), "", item.offset)
        return self.group(group, "p"), group

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
            members, *_ = self.traced(locus, *split_suffix(name))
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


def united(locus: str, values: list[Resolved]) -> Resolved:
    """What one place of several alternatives may be, taken by itself."""
    if any(value.unknown for value in values):
        return Resolved(locus, "", Kind.UNKNOWN)
    expressed = [value for value in values if not value.null]
    nulls = [value.text for value in values if value.null]
    kinds = {value.kind for value in values}
    notes = dict.fromkeys(note for value in values for note in value.notes)
    return Resolved(
        locus,
        "|".join(value.text for value in values),
        kinds.pop() if len(kinds) == 1 else Kind.LIST,
        frozenset[int]().union(*(value.p_groups for value in expressed)),
        frozenset[AntigenOption]().union(*(value.options for value in expressed)),
        null=not expressed,
        null_possible=tuple(
            dict.fromkeys([*(nulls if expressed else []), *(n for v in expressed for n in v.null_possible)])
        ),
        questionable=tuple(dict.fromkeys(name for value in values for name in value.questionable)),
        notes=tuple(notes),
    )


def split_suffix(name: str) -> tuple[str, str]:
    """Fields and suffix of a name."""
    fields = name.rstrip(SUFFIXES)
    return fields, name[len(fields) :]


def alike(one: str, other: str) -> int:
    """Length of the beginning that two texts share."""
    return len(os.path.commonprefix([one, other]))


def rewritten(text: str, items: tuple[Item, ...]) -> bool:
    """Whether reading changed more than the order or the usual short forms of a list."""
    plain = {item.text for item in items} | {item.text.rpartition("*")[2] for item in items}
    first, *others = text.split("/")
    return first not in plain or any(part not in plain and not part.isdecimal() for part in others)


def shown(names: Iterable[str]) -> str:
    """The first few names, and how many more there are; without words, for every language."""
    listed = list(names)
    more = len(listed) - NAMES_SHOWN
    return ", ".join(listed[:NAMES_SHOWN]) + (f", … (+{more})" if more > 0 else "")


@lru_cache(maxsize=8)
def resolver_for(nomenclature: Nomenclature, mac: MacTable, ciwd: CiwdTable | None = None) -> Resolver:
    """The shared resolver of a nomenclature, a code table and a table of rare alleles (by identity)."""
    return Resolver(nomenclature, mac, ciwd)
