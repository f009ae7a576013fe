"""From one member of a value to its alleles: names, groups, families, codes, antigens."""

import os.path
import re
from typing import Final

from hla.errors import Note, TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.mac import MacTable
from hla.nomenclature import SUFFIXES, Members, Nomenclature, joined
from hla.oldnames import spellings
from hla.resolved import shown
from hla.text import ALLELE, Item, Kind

MAX_CODES: Final = 200_000  # expanded codes that are kept

# What Nomenclature.alleles calls the kinds that it looks up.
SORTS: Final = {
    Kind.ALLELE: "name",
    Kind.XX: "family",
    Kind.G_GROUP: "g_group",
    Kind.P_GROUP: "p_group",
    Kind.SEROLOGY: "serology",
}


class MemberReader:
    """Looks up members with one nomenclature and one code table; expanded codes are kept."""

    def __init__(self, nomenclature: Nomenclature, mac: MacTable) -> None:
        self.nomenclature = nomenclature
        self.mac = mac
        self._codes: dict[tuple[str, str, str], tuple[Members, tuple[str, ...], int]] = {}

    def members(self, item: Item, notes: list[Note]) -> tuple[Members, Item]:
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
                return self.small_g(item, notes)
            case _:
                return self.allele(item, notes)

    def alleles(self, item: Item) -> tuple[str, ...]:
        """Complete names of one member of a value."""
        if item.kind in (Kind.UNKNOWN, Kind.ABSENT):
            return ()
        _, item = self.members(item, [])
        if item.kind is not Kind.MAC:
            return self.nomenclature.alleles(item.locus, SORTS[item.kind], item.fields, item.tail)
        return tuple(
            complete
            for name in self.mac.expand(item.locus, item.fields, item.tail)
            for found, fields, tail, _ in [self.traced(item.locus, *split_suffix(name))]
            if found is not None
            for complete in self.nomenclature.alleles(item.locus, "name", fields, tail)
        )

    def antigen(self, item: Item, notes: list[Note]) -> Members:
        """The alleles of an antigen; a first field that laboratories use as one is read with a note."""
        found = self.nomenclature.serology(item.locus, item.fields)
        names = self.nomenclature.serology_names(item.locus)
        if found is None:
            near = min(names, key=lambda name: (-alike(name, item.fields), int(name)), default=item.fields)
            fields = item.fields
            allele = f"{item.locus}*{fields[:-2]:0>2}:{fields[-2:]}"
            if len(fields) < 3:
                allele = self.nomenclature.nearest(item.locus, f"{fields:0>2}")
            raise TypingError(
                "unknown_antigen",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                release=self.nomenclature.release,
                nearest=SEROLOGY_PREFIX[item.locus] + near,
                example=allele,
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
        if known and self.is_family(item):
            known.append(f"{item.fields}:XX")
        if len(known) != 1:
            names = ", ".join(f"{item.locus}*{name}" for name in known)
            raise TypingError(
                "old_name_open" if known else "old_name",
                locus=item.locus,
                text=f"{item.locus}*{item.fields}{item.tail}",
                position=item.offset,
                release=self.nomenclature.release,
                names=names,
                example=f"{item.locus}*{':'.join(re.findall('..?', item.fields))}{item.tail}",
            )
        fields, tail = split_suffix(known[0])
        renamed: list[Note] = []
        found, named = self.allele(Item(Kind.ALLELE, item.locus, fields, tail, item.offset), renamed)
        notes.append(Note("old_name", text=f"{item.locus}*{item.fields}{item.tail}", name=named.text))
        return found, named

    def is_family(self, item: Item) -> bool:
        """Whether the digits of an old name are a first field too: at DPB1 that may have four."""
        names = self.nomenclature
        return item.locus == "DPB1" and names.size > 0 and names.family("DPB1", item.fields) is not None

    def small_g(self, item: Item, notes: list[Note]) -> tuple[Members, Item]:
        """`02:01g`: all alleles with the protein of 02:01 where peptides bind, which is its P group."""
        found, named = self.allele(Item(Kind.ALLELE, item.locus, item.fields, "", item.offset), [])
        name = self.nomenclature.p_name(item.locus, min(found.p_groups)).split("*")[1]
        if name.endswith("P"):
            named = Item(Kind.P_GROUP, item.locus, name.removesuffix("P"), "", item.offset)
            found = self.group(named, "p")
        notes.append(Note("normalised", text=item.text, name=named.text))
        return found, named

    def family(self, item: Item) -> Members:
        found = self.nomenclature.family(item.locus, item.fields)
        if found is None:
            raise self.unknown(item, "unknown_family")
        return self.expressed(item, found)

    def group(self, item: Item, sort: str) -> Members:
        lookup = self.nomenclature.g_group if sort == "g" else self.nomenclature.p_group
        found = lookup(item.locus, item.fields)
        if found is None:
            raise self.unknown(item, f"unknown_{sort}_group")
        return self.expressed(item, found)

    def expressed(self, item: Item, found: Members) -> Members:
        """The members of a family or group, refused where all are null alleles: those count only as written."""
        if found.p_groups:
            return found
        raise TypingError(
            "null_without_n", locus=item.locus, text=item.text, position=item.offset, name=found.nulls[0]
        )

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
            if len(self._codes) >= MAX_CODES:
                self._codes.clear()
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
        if not any(name.startswith(f"{item.fields}:") for name in names):
            families = {int(name.split(":", 1)[0]) for name in names}
            raise TypingError(
                "mac_other_family",
                locus=item.locus,
                text=item.text,
                position=item.offset,
                mac=item.tail,
                families=shown(f"{item.locus}*{family:02d}" for family in sorted(families)),
            )

    def expanded(self, locus: str, names: list[str]) -> tuple[Members, tuple[str, ...], int]:
        """Members of the names that exist, the names that do not, and how many names there were.

        A name of which only null alleles exist is set aside as one that the person could have; but where no name
        is expressed, a null allele is honoured only if it is written with its N: all names are none then.
        """
        found, dropped, null_written = [], [], False
        for name in names:
            members, *_ = self.traced(locus, *split_suffix(name))
            if members is None:
                dropped.append(f"{locus}*{name}")
            else:
                found.append(members)
                null_written |= name.endswith("N")
        members = joined(found)
        if not members.p_groups and not null_written:
            return members, tuple(f"{locus}*{name}" for name in names), len(names)
        return members, tuple(dropped), len(names)

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


def split_suffix(name: str) -> tuple[str, str]:
    """Fields and suffix of a name."""
    fields = name.rstrip(SUFFIXES)
    return fields, name[len(fields) :]


def alike(one: str, other: str) -> int:
    """Length of the beginning that two texts share."""
    return len(os.path.commonprefix([one, other]))
