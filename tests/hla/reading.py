"""Readings by the made-up release, for tests."""

from __future__ import annotations

import pytest

from hla.errors import TypingError
from hla.resolve import Resolved, Resolver
from hla.typing import Blank, LocusTyping, Typing, parse_gl, parse_pair, read_gl


class Reader:
    """Reads with one resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    def pair(self, locus: str, first: str, second: str = "", blank: Blank = "unknown") -> LocusTyping:
        return parse_pair(locus, first, second, self.resolver, blank=blank)

    def gl(self, text: str, blank: Blank = "unknown") -> Typing:
        return parse_gl(text, self.resolver, blank=blank)

    def error(self, text: str, locus: str = "A") -> TypingError:
        with pytest.raises(TypingError) as caught:
            self.pair(locus, text)
        return caught.value

    def errors(self, text: str) -> list[tuple[str, int | None]]:
        found = read_gl(text, self.resolver).errors
        return [(error.code, error.position) for error in found]


def codes(typing: LocusTyping) -> list[str]:
    return [note.code for note in typing.notes]


def names(resolver: Resolver, value: Resolved) -> set[str]:
    """The P groups of a value by name."""
    return {resolver.nomenclature.p_name(value.locus, group) for group in value.p_groups}
