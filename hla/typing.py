"""Typings: the two values of a locus, and the loci of a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hla.errors import Note, TypingError
from hla.gl import GlReader
from hla.loci import LOCI
from hla.locus_typing import (
    Alternative,
    Blank,
    LocusTyping,
    TypingKind,
    gl_of,
    is_serological,
    paired,
    typing_of,
    untyped,
    with_serology,
)
from hla.resolve import Resolver
from hla.text import BLANKS, fold_text, read_value

__all__ = [
    "Alternative",
    "Blank",
    "LocusTyping",
    "Reading",
    "Typing",
    "TypingKind",
    "canonical_loci",
    "gl_of",
    "is_serological",
    "paired",
    "parse_gl",
    "parse_pair",
    "read_gl",
    "serology_of",
    "typing_of",
    "untyped",
    "with_serology",
]


WIDE_BAR = "\uff5c"  # the | of a Chinese keyboard


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
        """Canonical GL text: "A*02:01+A*24:02^B*…"; antigens reported beside DNA stand at the end."""
        beside = [gl_of(*typing.serology) for typing in self.loci.values()]
        return "^".join([typing.gl() for typing in self.loci.values()] + [text for text in beside if text])


@dataclass(frozen=True)
class Reading:
    """A GL text as far as it could be read.

    errors: one per value that could not; empty if all is well. notes: remarks on the text as a whole, and on loci of
    which it says only that nothing is known: `typing` leaves them out.
    """

    typing: Typing
    errors: tuple[TypingError, ...]
    notes: tuple[Note, ...] = ()

    @property
    def remarks(self) -> list[Note]:
        """All notes: on the text as a whole, then on its loci."""
        return [*self.notes, *(note for typing in self.typing.loci.values() for note in typing.notes)]


def parse_pair(
    locus: str, first: str, second: str, resolver: Resolver, *, blank: Blank = "unknown"
) -> LocusTyping:
    """Read the two values of one locus. Raises TypingError for the first that cannot be read.

    blank: what a blank (or "-") beside a known value means; "homozygous" repeats the known one. Two blanks
    are an untyped locus either way.
    """
    if locus not in LOCI:
        raise TypingError("unknown_locus", locus=None, text=locus, loci=", ".join(LOCI))
    first, second = first.replace(WIDE_BAR, "|"), second.replace(WIDE_BAR, "|")
    pairs = resolver.pairs(locus, first, second)
    texts = zip(first.split("|"), second.split("|"), strict=True)
    return typing_of(
        locus,
        [
            Alternative(
                pair,
                doubled=blank == "homozygous" and sum(fold_text(one).strip() in BLANKS for one in both) == 1,
            )
            for pair, both in zip(pairs, texts, strict=True)
        ],
    )


def canonical_loci(gl: str) -> list[tuple[str, str, str]]:
    """Locus, first and second value of each part of a canonical GL text (Typing.gl), in the order of LOCI.

    Reads no nomenclature. A locus stands there twice if antigens were reported beside DNA.
    """
    found = []
    for part in filter(None, gl.split("^")):
        pairs = [pair.partition("+") for pair in part.split("|")]
        firsts, seconds = "|".join(one for one, _, _ in pairs), "|".join(other for _, _, other in pairs)
        first = pairs[0][0].split("/")[0]
        locus, star, _fields = first.partition("*")
        if not star:  # an antigen, whose name alone says its locus
            (locus,) = {item.locus for item in read_value(None, first)}
        found.append((locus, firsts, seconds))
    return sorted(found, key=lambda row: LOCI.index(row[0]))


def serology_of(gl: str) -> dict[str, tuple[str, str]]:
    """Antigens that a canonical GL text reports beside DNA, by locus: there the locus stands a second time."""
    seen: set[str] = set()
    beside = {}
    for locus, first, second in canonical_loci(gl):
        if locus in seen:
            beside[locus] = (first, second)
        seen.add(locus)
    return beside


def parse_gl(text: str, resolver: Resolver, *, blank: Blank = "unknown") -> Typing:
    """Read a GL String or GL String Code. Raises the first TypingError."""
    reading = read_gl(text, resolver, blank=blank)
    if reading.errors:
        raise reading.errors[0]
    return reading.typing


def read_gl(text: str, resolver: Resolver, *, blank: Blank = "unknown") -> Reading:
    """Read a GL String (all operators, by precedence: / ~ + | ^ ?) or GL String Code ("hla#3.58.0#…").

    Loci in any order, serology among them; a locus may stand there twice, once by DNA and once by serology. An
    error does not end the reading, so that all of them can be shown at once; a locus with one is left out.
    blank: what one value alone, or beside a blank, means. Source: Milius 2013, Tissue Antigens 82:106 (GL Strings);
    Mack 2023, HLA 102:501 (GL String 1.1).
    """
    reader = GlReader(resolver, blank)
    reader.read(text)
    found = reader.found.values()
    untyped_notes = [note for typing in found if typing.untyped for note in typing.notes]
    return Reading(Typing.of(found), tuple(reader.errors), (*reader.notes, *untyped_notes))
