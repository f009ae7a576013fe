"""Typing cells to checked typings, each distinct text read once per file, and the tags of the list's filter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hla.errors import TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.resolve import Resolver
from hla.typing import Blank, LocusTyping, Reading, parse_pair, read_gl

# Of a long list the first names are tagged; a family's XX names no allele anyway.
MAX_NAMES_PER_TEXT = 60
ALTERNATIVES = re.compile(r"[/|]")


@dataclass(frozen=True)
class BadPair:
    """Errors of one locus: (position 1 or 2, error)."""

    errors: tuple[tuple[int, TypingError], ...]


@dataclass
class TypingReader:
    """Reads typings against the reference data of a resolver; remembers what it has read.

    blank: what a blank or "-" beside one value means; "homozygous" is noted on the typing.
    """

    resolver: Resolver
    blank: Blank = "unknown"
    _pairs: dict[tuple[str, str, str], LocusTyping | BadPair] = field(default_factory=dict)
    _tags: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def pair(self, locus: str, first: str, second: str) -> LocusTyping | BadPair:
        """Both values of a locus; the errors of both where they cannot be read."""
        key = (locus, first, second)
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = self._read(locus, first, second)
        return found

    def _read(self, locus: str, first: str, second: str) -> LocusTyping | BadPair:
        try:
            return parse_pair(locus, first, second, self.resolver, blank=self.blank)
        except TypingError as error:
            return BadPair(self._errors(locus, first, second) or ((1, error),))

    def _errors(self, locus: str, first: str, second: str) -> tuple[tuple[int, TypingError], ...]:
        """Of each value that cannot be read by itself; none where only the two together cannot be."""
        errors: list[tuple[int, TypingError]] = []
        for position, text in enumerate((first, second), start=1):
            try:
                self.resolver.position(locus, text)
            except TypingError as error:
                errors.append((position, error))
        return tuple(errors)

    def gl(self, text: str) -> Reading:
        """A GL String or GL String Code."""
        return read_gl(text, self.resolver, blank=self.blank)

    def tags(self, locus: str, text: str) -> tuple[str, ...]:
        """What a canonical text names: first fields (`A*24`), two-field alleles, antigens (`A24`, `B62`, `B15`)."""
        key = (locus, text)
        found = self._tags.get(key)
        if found is None:
            found = self._tags[key] = tuple(sorted(self._names(locus, text) | self._antigens(locus, text)))
        return found

    def _names(self, locus: str, text: str) -> set[str]:
        names: set[str] = set()
        for part in ALTERNATIVES.split(text)[:MAX_NAMES_PER_TEXT]:
            family, colon, rest = part.rpartition("*")[2].partition(":")
            if not family.isdigit():
                continue
            names.add(f"{locus}*{family}")
            second = rest.partition(":")[0]
            if second.isalpha() and second != "XX":
                codes = self.resolver.mac.expand(locus, family, second)[:MAX_NAMES_PER_TEXT]
                names |= {f"{locus}*{':'.join(name.split(':')[:2])}" for name in codes}
            elif colon and second != "XX":
                names.add(f"{locus}*{family}:{second.rstrip('GP')}")
        return names

    def _antigens(self, locus: str, text: str) -> set[str]:
        prefix = SEROLOGY_PREFIX[locus]
        tree = self.resolver.nomenclature.trees.get(locus)
        found = {antigen for group in self.resolver.position(locus, text).antigens for antigen in group}
        lines = (tree.lineage(antigen) if tree else (antigen,) for antigen in found)
        return {f"{prefix}{antigen}" for line in lines for antigen in line}
