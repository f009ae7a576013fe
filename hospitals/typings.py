"""From what a person typed to a checked typing: the one place where this app calls the HLA parser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core import reference
from hla.errors import Note, TypingError
from hla.loci import LOCI
from hla.typing import LocusTyping, Typing, parse_pair, read_gl
from hospitals.choices import BlankRule, TypingSource

Pair = tuple[str, str]
# Longer than any real report; forms and API refuse more before anything is parsed.
MAX_VALUE_LENGTH = 2_000
MAX_GL_LENGTH = 20_000


@dataclass(frozen=True)
class TypingInput:
    """What a form or the API gives: values per locus as typed, a GL string, or loci of both kinds."""

    values: Mapping[str, Pair] = field(default_factory=dict)
    gl: str = ""
    blank: str = BlankRule.UNKNOWN.value
    source: str = TypingSource.REPORT.value
    laboratory: str = ""
    typed_on: date | None = None

    @property
    def is_empty(self) -> bool:
        return not self.gl.strip() and not any(a.strip() or b.strip() for a, b in self.values.values())


@dataclass(frozen=True)
class Problem:
    """One thing that cannot be read. `position` is 1 or 2 of the locus, 0 where neither alone is to blame."""

    locus: str | None
    position: int
    error: TypingError


@dataclass(frozen=True)
class Interpretation:
    """What the parser made of an input: loci in the order of LOCI, problems, the release it was read by."""

    typed: Mapping[str, Pair]
    loci: Mapping[str, LocusTyping]
    problems: tuple[Problem, ...]
    twice: tuple[str, ...]
    release: str
    mac_version: str

    @property
    def is_clean(self) -> bool:
        return not self.problems and not self.twice

    def typing(self) -> Typing:
        return Typing.of(self.loci.values())

    def notes(self) -> list[list[Any]]:
        """The parser's remarks as [locus, code, parameters], so that each reader gets his language later."""
        return [
            [name, note.code, dict(note.params)]
            for name, locus in self.loci.items()
            for note in locus.notes
            if isinstance(note, Note)
        ]


def interpret(given: TypingInput) -> Interpretation:
    """Reads grid and GL string together. Never raises for bad input: every problem is listed at once.

    A locus that stands in both must mean the same in both, else it is named in `twice`.
    """
    loci: dict[str, LocusTyping] = {}
    typed: dict[str, Pair] = {}
    problems: list[Problem] = []
    for locus in LOCI:
        first, second = (value.strip() for value in given.values.get(locus, ("", "")))
        if not first and not second:
            continue
        typed[locus] = (first, second)
        read = read_pair(locus, first, second, given.blank)
        if isinstance(read, tuple):
            problems.extend(read)
        elif not read.untyped:
            loci[locus] = read
    twice = _add_gl(given, loci, typed, problems)
    ordered = {locus: loci[locus] for locus in LOCI if locus in loci}
    return Interpretation(
        typed,
        ordered,
        tuple(problems),
        twice,
        reference.nomenclature().release,
        reference.mac_table().version,
    )


def read_pair(locus: str, first: str, second: str, blank: str) -> LocusTyping | tuple[Problem, ...]:
    """One locus by itself. Both values are tried alone first, so that each error finds its input."""
    first, second = first.strip(), second.strip()
    values = ((1, first), (2, second))
    alone = [_problem_of_one(locus, value, position) for position, value in values if value]
    problems = tuple(problem for problem in alone if problem)
    if problems:
        return problems
    try:
        return _parse(locus, first, second, blank)
    except TypingError as error:
        return (Problem(locus, 0, error),)


def _problem_of_one(locus: str, value: str, position: int) -> Problem | None:
    try:
        _parse(locus, value, "", BlankRule.UNKNOWN.value)
    except TypingError as error:
        return Problem(locus, position, error)
    return None


def _parse(locus: str, first: str, second: str, blank: str) -> LocusTyping:
    return parse_pair(
        locus,
        first,
        second,
        nomenclature=reference.nomenclature(),
        mac=reference.mac_table(),
        blank=blank,  # type: ignore[arg-type]
    )


def _add_gl(
    given: TypingInput, loci: dict[str, LocusTyping], typed: dict[str, Pair], problems: list[Problem]
) -> tuple[str, ...]:
    text = given.gl.strip()
    if not text:
        return ()
    reading = read_gl(
        text,
        nomenclature=reference.nomenclature(),
        mac=reference.mac_table(),
        blank=given.blank,  # type: ignore[arg-type]
    )
    problems.extend(Problem(None, 0, error) for error in reading.errors)
    read = reading.typing
    twice = [name for name, locus in read.loci.items() if name in loci and loci[name].gl() != locus.gl()]
    for name, locus in read.loci.items():
        if not locus.untyped and name not in typed:
            loci[name] = locus
            typed[name] = (locus.first, locus.second)
    return tuple(twice)


def typing_digest(gl: str) -> str:
    """SHA-256 (hex) of the canonical GL string: equal typings are found by an index."""
    return hashlib.sha256(gl.encode()).hexdigest()
