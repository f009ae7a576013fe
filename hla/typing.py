"""Typings: the two values of a locus, and the loci of a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hla.errors import Note, TypingError
from hla.loci import LOCI
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolved, Resolver, resolver_for
from hla.text import BLANKS, Kind, check_length, fold_text, read_value, split_at

MAX_ERRORS: Final = 50  # a text with so many is not read on

Blank = Literal["unknown", "homozygous"]
TypingKind = Literal["untyped", "single", "pair"]


@dataclass(frozen=True, slots=True)
class LocusTyping:
    """The typing of one locus.

    first, second: canonical texts of the two values, "" = unknown; a known value stands first. kind: none,
    one or both values known. notes: what the reading changed or assumed (each knows its code).
    """

    locus: str
    first: str
    second: str
    kind: TypingKind
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def untyped(self) -> bool:
        return self.kind == "untyped"

    def gl(self) -> str:
        """Canonical GL text: "A*02:01+A*24:02", one value alone if the second is unknown, "" if untyped."""
        return "+".join(value for value in (self.first, self.second) if value)


@dataclass(frozen=True)
class Typing:
    """The typing of a person. loci: in the order of LOCI, untyped ones left out."""

    loci: Mapping[str, LocusTyping]

    @classmethod
    def of(cls, typings: Iterable[LocusTyping]) -> "Typing":
        """A typing of these loci."""
        found = {typing.locus: typing for typing in typings if not typing.untyped}
        return cls({locus: found[locus] for locus in LOCI if locus in found})

    def locus(self, locus: str) -> LocusTyping:
        """The typing of a locus, untyped if it is not among `loci`."""
        return self.loci.get(locus) or untyped(locus)

    def gl(self) -> str:
        """Canonical GL text: "A*02:01+A*24:02^B*…"."""
        return "^".join(typing.gl() for typing in self.loci.values())


@dataclass(frozen=True)
class Reading:
    """A GL text as far as it could be read. errors: one per value that could not; empty if all is well."""

    typing: Typing
    errors: tuple[TypingError, ...]


def untyped(locus: str) -> LocusTyping:
    """The typing of a locus of which nothing is known."""
    return LocusTyping(locus, "", "", "untyped")


def parse_pair(
    locus: str,
    first: str,
    second: str,
    *,
    nomenclature: Nomenclature,
    mac: MacTable,
    blank: Blank = "unknown",
) -> LocusTyping:
    """Read the two values of one locus. Raises TypingError for the first that cannot be read.

    blank: what a blank (or "-") beside a known value means; "homozygous" repeats the known one. Two blanks
    are an untyped locus either way.
    """
    if locus not in LOCI:
        raise TypingError("unknown_locus", locus=None, text=locus, loci=", ".join(LOCI))
    resolver = resolver_for(nomenclature, mac)
    values = [resolver.position(locus, first), resolver.position(locus, second)]
    blanks = sum(fold_text(text).strip() in BLANKS for text in (first, second))
    return paired(locus, values, doubled=blank == "homozygous" and blanks == 1)


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
        notes.append(Note("null_beside"))
    kind: TypingKind = "untyped" if first.unknown else "single" if second.unknown else "pair"
    return LocusTyping(locus, first.text, second.text, kind, tuple(notes))


def parse_gl(text: str, *, nomenclature: Nomenclature, mac: MacTable, blank: Blank = "unknown") -> Typing:
    """Read a GL text: loci in any order joined by ^, values by +, lists by /. Raises the first TypingError."""
    reading = read_gl(text, nomenclature=nomenclature, mac=mac, blank=blank)
    if reading.errors:
        raise reading.errors[0]
    return reading.typing


def read_gl(text: str, *, nomenclature: Nomenclature, mac: MacTable, blank: Blank = "unknown") -> Reading:
    """As parse_gl, but reads on after an error, so that all of them can be shown at once."""
    try:
        check_length(text, None)
        folded = fold_text(text)
        refuse_operators(folded)
    except TypingError as error:
        return Reading(Typing({}), (error,))
    reader = GlReader(resolver_for(nomenclature, mac), blank)
    for part, offset in split_at(folded, "^"):
        if len(reader.errors) >= MAX_ERRORS:
            break
        reader.read_locus(text[offset : offset + len(part)], part, offset)
    return reader.reading(text)


def refuse_operators(text: str) -> None:
    """Operators of the GL grammar that this program does not read yet."""
    for position, char in enumerate(text):
        if char in "|~?":
            raise TypingError("operator", locus=None, text=char, position=position, operator=char)


class GlReader:
    """Collects the loci and the errors of one GL text."""

    def __init__(self, resolver: Resolver, blank: Blank) -> None:
        self.resolver = resolver
        self.blank = blank
        self.found: dict[str, LocusTyping] = {}
        self.errors: list[TypingError] = []

    def read_locus(self, text: str, folded: str, offset: int) -> None:
        """One part between ^ signs, as written and with look-alike characters replaced."""
        if not folded.strip():
            return
        values: list[Resolved | None] = []  # None: blank
        locus: str | None = None
        parts = split_at(folded, "+")
        for part, place in parts:
            try:
                part = text[place : place + len(part)]
                items = read_value(locus, part)
                locus = items[0].locus if items else locus
                values.append(self.resolver.resolve_read(locus, part, items) if locus and items else None)
            except TypingError as error:
                self.errors.append(error.moved(offset + place))
        if len(values) == len(parts):
            self.add(locus, values, text, offset)

    def add(self, locus: str | None, values: list[Resolved | None], text: str, offset: int) -> None:
        """Keep the values of a locus that was read without error."""
        if locus is None:
            self.refuse("missing_locus", locus, text, offset)
        elif len(values) > 2:
            self.refuse("too_many_values", locus, text, offset, count=len(values))
        elif locus in self.found:
            self.refuse("duplicate_locus", locus, text, offset)
        else:
            known = [value for value in values if value is not None]
            blank = [Resolved(locus, "", Kind.UNKNOWN)] * (2 - len(known))
            doubled = self.blank == "homozygous" and len(known) == 1
            self.found[locus] = paired(locus, known + blank, doubled=doubled)

    def refuse(self, code: str, locus: str | None, text: str, offset: int, **params: int) -> None:
        self.errors.append(TypingError(code, locus=locus, text=text.strip(), position=offset, **params))

    def reading(self, text: str) -> Reading:
        """The result; a text without any typing is an error too."""
        if not self.found and not self.errors:
            self.errors.append(TypingError("empty", locus=None, text=text, position=0))
        return Reading(Typing.of(self.found.values()), tuple(self.errors))
