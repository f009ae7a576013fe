"""From what a person typed to a checked typing: of a patient, and of the mother of a unit.

Files are read in bulk by bank.imports.typings; a single typing, by a form or by the API, only here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from core import reference
from core.errors import InvalidInput
from core.hla_messages import typing_error_text
from hla.errors import Note, TypingError
from hla.loci import LOCI
from hla.typing import (
    WIDE_BAR,
    Blank,
    LocusTyping,
    Typing,
    gl_of,
    is_serological,
    parse_pair,
    read_gl,
    serology_of,
    with_serology,
)

Pair = tuple[str, str]
# Longer than any real report; forms and API refuse more before anything is parsed.
MAX_VALUE_LENGTH = 2_000
MAX_GL_LENGTH = 20_000


@dataclass(frozen=True)
class TypingInput:
    """What a form or the API gives: values per locus as typed, a GL string, or loci of both kinds.

    source: where it comes from, in the choices of the app that keeps it; "" for its usual one. sample, sampled_on: the
    label of the sample that was typed and the day it was drawn, where an app asks for them.
    """

    values: Mapping[str, Pair] = field(default_factory=dict)
    gl: str = ""
    blank: Blank = "unknown"
    source: str = ""
    laboratory: str = ""
    typed_on: date | None = None
    sampled_on: date | None = None
    sample: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.gl.strip() and not any(a.strip() or b.strip() for a, b in self.values.values())


@dataclass(frozen=True)
class Problem:
    """One thing that cannot be read. `position` is 1 or 2 of the locus, 0 where neither alone is to blame."""

    locus: str | None
    position: int
    error: TypingError

    @property
    def field(self) -> str:
        """The field of a form that it belongs to."""
        return f"hla_{self.locus}_{self.position or 1}" if self.locus else "gl"


@dataclass(frozen=True)
class Interpretation:
    """What the parser made of an input: loci in the order of LOCI, problems, the release it was read by."""

    typed: Mapping[str, Pair]
    loci: Mapping[str, LocusTyping]
    problems: tuple[Problem, ...]
    twice: tuple[str, ...]
    release: str
    mac_version: str
    general: tuple[Note, ...] = ()  # remarks on the GL string as a whole

    def typing(self) -> Typing:
        return Typing.of(self.loci.values())

    def notes(self) -> list[list[Any]]:
        """The parser's remarks as [locus, code, parameters], so that each reader gets his language later. The
        locus is "" for remarks on the text as a whole."""
        of_loci = [(name, note) for name, locus in self.loci.items() for note in locus.notes]
        found = [*(("", note) for note in self.general), *of_loci]
        return [[name, note.code, dict(note.params)] for name, note in found]

    def conflicts(self) -> list[tuple[str, Note]]:
        """Loci whose serology the DNA typing excludes."""
        return [(name, note) for name, locus in self.loci.items() if (note := locus.conflict) is not None]


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
    twice, general = _add_gl(given, loci, typed, problems)
    ordered = {locus: loci[locus] for locus in LOCI if locus in loci}
    return Interpretation(
        typed,
        ordered,
        tuple(problems),
        twice,
        reference.nomenclature().release,
        reference.mac_table().version,
        general,
    )


def read_pair(locus: str, first: str, second: str, blank: Blank) -> LocusTyping | tuple[Problem, ...]:
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
        # alternatives have their partners in the other value
        for one in value.replace(WIDE_BAR, "|").split("|"):
            _parse(locus, one, "", "unknown")
    except TypingError as error:
        return Problem(locus, position, error)
    return None


def _parse(locus: str, first: str, second: str, blank: Blank) -> LocusTyping:
    return parse_pair(locus, first, second, reference.resolver(), blank=blank)


def _add_gl(
    given: TypingInput, loci: dict[str, LocusTyping], typed: dict[str, Pair], problems: list[Problem]
) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Adds what the GL string says; gives the loci of which it says something else, and its general remarks.

    A locus may be given by DNA on one side and by antigens on the other: then they stand beside one another.
    """
    text = given.gl.strip()
    if not text:
        return (), ()
    reading = read_gl(text, reference.resolver(), blank=given.blank)
    problems.extend(Problem(None, 0, error) for error in reading.errors)
    twice = []
    for name, locus in reading.typing.loci.items():
        if name not in typed:
            loci[name] = locus
            typed[name] = (locus.first, locus.second)
        elif name in loci and (both := _beside(loci[name], locus)):
            loci[name] = both
        elif name in loci and loci[name].gl() != locus.gl():
            twice.append(name)
    return tuple(twice), reading.notes


def _beside(one: LocusTyping, other: LocusTyping) -> LocusTyping | None:
    """A DNA typing with the antigens of the other one; None if they are not one of each kind."""
    resolver = reference.resolver()
    serological = is_serological(one, resolver)
    if serological == is_serological(other, resolver):
        return None
    dna, serology = (other, one) if serological else (one, other)
    return with_serology(dna, serology, resolver)


TWICE = _("The GL string says something else about HLA-%(locus)s: keep one of the two.")
EMPTY = _("The typing is empty: type at least one locus.")


def guard_typing(read: Interpretation) -> None:
    """Raises InvalidInput for a typing with errors, all of them in `details`, and for one that says nothing."""
    details = [
        {"field": one.field, "code": one.error.code, "text": typing_error_text(one.error)}
        for one in read.problems
    ]
    details += [
        {"field": f"hla_{locus}_1", "code": "locus_twice", "text": str(TWICE) % {"locus": locus}}
        for locus in read.twice
    ]
    if details:
        raise InvalidInput("typing_invalid", _("The HLA typing has errors."), field="typing", details=details)
    if not read.loci:
        raise InvalidInput("typing_empty", EMPTY, field="typing")


def told_code(name: str, locus: str, *texts: object) -> str:
    """`<name>_<locus>_<10 hex digits of locus and texts>`: what a person who confirms a contradiction was shown.

    In any language the same; who confirmed A1 against A*02:01 confirmed nothing about A3 against A*11:01.
    """
    told = "\n".join((locus, *map(str, texts)))
    return f"{name}_{locus}_{hashlib.sha256(told.encode()).hexdigest()[:10]}"


def conflict_code(locus: str, values: Mapping[str, object]) -> str:
    """Of antigens that the DNA typing excludes. values: `text` (antigens) and `dna` of the note."""
    return told_code("typing_conflict", locus, values["text"], values["dna"])


def serology_beside(gl: str) -> str:
    """The antigens that a stored canonical GL text reports beside DNA, as GL text."""
    return "^".join(gl_of(*pair) for pair in serology_of(gl).values())


def typing_digest(gl: str) -> str:
    """SHA-256 (hex) of the canonical GL string: equal typings are found by an index."""
    return hashlib.sha256(gl.encode()).hexdigest()
