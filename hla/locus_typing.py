"""The typing of one locus: its two values, their alternatives, antigens reported beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hla.conflicts import excludes
from hla.errors import Note
from hla.resolve import Resolved, Resolver
from hla.text import Kind, read_value

Blank = Literal["unknown", "homozygous"]
TypingKind = Literal["untyped", "single", "pair"]


@dataclass(frozen=True, slots=True)
class LocusTyping:
    """The typing of one locus.

    first, second: canonical texts of the two values, "" = unknown; a known value stands first. Where a report
    leaves open which of several genotypes a person has, both hold the alternatives in the same order:
    "A*02:01|A*02:05" and "A*24:02|A*24:03" are 02:01 with 24:02 or 02:05 with 24:03. kind: none, one or both
    values known. notes: what the reading changed or assumed (each knows its code). serology: antigens that were
    reported beside a DNA typing; the DNA typing decides.
    """

    locus: str
    first: str
    second: str
    kind: TypingKind
    notes: tuple[Note, ...] = field(default=(), compare=False)
    serology: tuple[str, str] = ("", "")

    @property
    def untyped(self) -> bool:
        return self.kind == "untyped"

    @property
    def conflict(self) -> Note | None:
        """The remark that the antigens reported contradict the DNA typing, None if they do not."""
        return next((note for note in self.notes if note.code == "typing_conflict"), None)

    @property
    def alternatives(self) -> list[tuple[str, str]]:
        """The pairs of values that the person may have, most often one."""
        return list(zip(self.first.split("|"), self.second.split("|"), strict=True))

    def gl(self) -> str:
        """Canonical GL text: "A*02:01+A*24:02", one value alone if the second is unknown, "" if untyped."""
        return gl_of(self.first, self.second)


def gl_of(first: str, second: str) -> str:
    """Two values, each with its alternatives, as GL text."""
    if "|" not in first and "|" not in second:
        return f"{first}+{second}" if first and second else first or second
    pairs = zip(first.split("|"), second.split("|"), strict=True)
    return "|".join("+".join(value for value in pair if value) for pair in pairs)


def untyped(locus: str) -> LocusTyping:
    """The typing of a locus of which nothing is known."""
    return LocusTyping(locus, "", "", "untyped")


@dataclass(frozen=True, slots=True)
class Alternative:
    """One pair of values that a person may have. doubled: the second is blank and means the first once more."""

    values: tuple[Resolved, Resolved]
    doubled: bool = False


def unknown_pair(locus: str) -> Alternative:
    """Nothing is known."""
    blank = Resolved(locus, "", Kind.UNKNOWN)
    return Alternative((blank, blank))


def typing_of(locus: str, alternatives: Sequence[Alternative]) -> LocusTyping:
    """The typing of a person who has one of these pairs of values; equal ones are put together.

    If one of them is not typed at all, nothing is known.
    """
    found = [paired(locus, [*one.values], doubled=one.doubled) for one in alternatives]
    if len(found) == 1:
        return found[0]
    notes = tuple(dict.fromkeys(note for typing in found for note in typing.notes))
    if any(typing.untyped for typing in found):
        return LocusTyping(locus, "", "", "untyped", notes)
    nulls = {value.text for one in alternatives for value in one.values if value.null}
    texts = distinct(locus, [(one.first, one.second) for one in found], nulls)
    kind: TypingKind = "pair" if all(second for _, second in texts) else "single"
    firsts, seconds = ("|".join(values) for values in zip(*texts, strict=True))
    return LocusTyping(locus, firsts, seconds, kind, notes)


def distinct(locus: str, pairs: list[tuple[str, str]], nulls: set[str]) -> list[tuple[str, str]]:
    """Alternatives without doubles; those that share a value become one with a list for the other.

    Null alleles stay by themselves: in a list they would be set aside. The values of a pair have no order. Done until
    nothing changes, so that the result is read as itself.
    """
    found = put_together(locus, pairs, nulls)
    while found != pairs:
        pairs, found = found, put_together(locus, found, nulls)
    return found


def put_together(locus: str, pairs: list[tuple[str, str]], nulls: set[str]) -> list[tuple[str, str]]:
    """One round of `distinct`."""
    known: dict[frozenset[str], tuple[str, str]] = {}
    for pair in pairs:
        known.setdefault(frozenset(pair), pair)
    partners: dict[str, list[str]] = {}  # second value -> first values beside it
    for first, second in known.values():
        if second not in partners and first in partners and second:
            first, second = second, first
        partners.setdefault(second, []).append(first)
    found = []
    for second, firsts in partners.items():
        together = [first for first in firsts if first not in nulls]
        found += [(first, second) for first in firsts if first in nulls]
        found += [(listed(locus, together), second)] if together else []
    return [(first, second) if first else (second, first) for first, second in found]


def listed(locus: str, values: list[str]) -> str:
    """One list of several canonical values."""
    if len(values) == 1:
        return values[0]
    items = {item.sort_key for value in values for item in read_value(locus, value)}
    return "/".join(text for _, text in sorted(items))


def paired(locus: str, values: list[Resolved], *, doubled: bool) -> LocusTyping:
    """The typing that two resolved values make."""
    values.sort(key=lambda value: value.unknown)
    first, second = values
    notes = [*first.notes, *(note for note in second.notes if note not in first.notes)]
    if doubled and not first.unknown:
        second = first
        notes.append(Note("homozygous"))
    if first.null and second.null:
        notes.append(Note("null_only"))
    elif first.null or second.null:
        notes.append(Note("null_unknown" if second.unknown else "null_beside"))
    kind: TypingKind = "untyped" if first.unknown else "single" if second.unknown else "pair"
    return LocusTyping(locus, first.text, second.text, kind, tuple(notes))


def pairs_of(typing: LocusTyping, resolver: Resolver) -> list[tuple[Resolved, Resolved]]:
    """The alternatives of a typing, resolved."""
    return resolver.pairs(typing.locus, typing.first, typing.second)


def is_serological(typing: LocusTyping, resolver: Resolver) -> bool:
    """Whether all that is known of a locus are antigens."""
    return all(
        value.kind is Kind.SEROLOGY
        for pair in pairs_of(typing, resolver)
        for value in pair
        if not value.unknown
    )


def with_serology(typing: LocusTyping, serology: LocusTyping, resolver: Resolver) -> LocusTyping:
    """A DNA typing with the antigens that were reported beside it: noted, compared, but not counted.

    Where one of the two is untyped, the other. Antigens that the DNA typing excludes are a typing conflict (domain
    notes 2.3), kept as a note.
    """
    if typing.untyped or serology.untyped:
        return typing if serology.untyped else serology
    text = serology.gl()
    notes = [*typing.notes, Note("serology_beside", text=text)]
    dna, tree = pairs_of(typing, resolver), resolver.nomenclature.trees[typing.locus]
    if all(excludes(dna, pair, tree) for pair in pairs_of(serology, resolver)):
        notes.append(Note("typing_conflict", text=text, dna=typing.gl()))
    return replace(typing, notes=tuple(notes), serology=(serology.first, serology.second))
