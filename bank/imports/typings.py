"""Typing cells to checked typings, each distinct text read once per file, and the tags of the list's filter."""

from __future__ import annotations

from dataclasses import dataclass, field

from hla.typing import LocusTyping, parse_pair

from hla.errors import TypingError
from hla.mac import MacTable
from hla.nomenclature import Nomenclature

MAX_TAGS_PER_TEXT = 60


@dataclass(frozen=True)
class BadPair:
    """Errors of one locus: (position 1 or 2, error)."""

    errors: tuple[tuple[int, TypingError], ...]


@dataclass
class TypingReader:
    """Reads pairs against one release and MAC table; remembers what it has read."""

    nomenclature: Nomenclature
    mac: MacTable
    _pairs: dict[tuple[str, str, str], LocusTyping | BadPair] = field(default_factory=dict)
    _tags: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def pair(self, locus: str, first: str, second: str) -> LocusTyping | BadPair:
        key = (locus, first, second)
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = self._read(locus, first, second)
        return found

    def _read(self, locus: str, first: str, second: str) -> LocusTyping | BadPair:
        try:
            return self._parse(locus, first, second)
        except TypingError as error:
            alone = [(1, self._error_of(locus, first)), (2, self._error_of(locus, second))]
            errors = tuple((position, problem) for position, problem in alone if problem is not None)
            return BadPair(errors or ((1, error),))

    def _error_of(self, locus: str, text: str) -> TypingError | None:
        """The error of one value alone, so that both values of a pair are reported at once."""
        try:
            self._parse(locus, text, "")
        except TypingError as error:
            return error
        return None

    def _parse(self, locus: str, first: str, second: str) -> LocusTyping:
        return parse_pair(locus, first, second, nomenclature=self.nomenclature, mac=self.mac)

    def tags(self, locus: str, text: str) -> tuple[str, ...]:
        """What the text names: its first field (`A*24`, and as `A24`) and its two-field alleles."""
        key = (locus, text)
        found = self._tags.get(key)
        if found is None:
            found = self._tags[key] = tuple(sorted(self._named(locus, text)))
        return found

    def _named(self, locus: str, text: str) -> set[str]:
        names: set[str] = set()
        for part in text.split("/")[:MAX_TAGS_PER_TEXT]:
            fields = part.rpartition("*")[2].split(":")
            if not fields[0].isdigit():
                continue
            names |= {f"{locus}*{fields[0]}", f"{_antigen_letter(locus)}{int(fields[0])}"}
            second = fields[1] if len(fields) > 1 else ""
            if second.isalpha() and second != "XX":
                names |= {_two_fields(name) for name in self._expanded(locus, fields[0], second)}
            elif second and second != "XX":
                names.add(f"{locus}*{fields[0]}:{second.rstrip('GP')}")
        return names

    def _expanded(self, locus: str, family: str, code: str) -> list[str]:
        try:
            return self.mac.expand(locus, family, code)[:MAX_TAGS_PER_TEXT]
        except TypingError:
            return []


def _antigen_letter(locus: str) -> str:
    """How the serology of a locus is written: A24, B62, Cw7, DR15, DQ6, DP4."""
    return {"A": "A", "B": "B", "C": "Cw", "DRB1": "DR", "DQB1": "DQ", "DPB1": "DP"}.get(locus, locus)


def _two_fields(name: str) -> str:
    locus, star, rest = name.partition("*")
    return f"{locus}{star}{':'.join(rest.split(':')[:2])}"
