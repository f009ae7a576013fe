"""From a text to lines of glyphs: which face has a character, where a line may break, English and Chinese alike.

A character that no face has is shown by its code, [U+20BB7]: a blank would be read as nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.pdf.faces import MAIN, faces

# The face has no raised or lowered figures beside ¹²³: the plain one is drawn smaller, and copied as what it is.
_RAISED = dict(zip("⁰⁴⁵⁶⁷⁸⁹⁺⁻", "0456789+-", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_LIKE = {"✕": "×", "✗": "×", "\u2011": "-", "\u00a0": " ", "\t": " "}  # other signs for the same thing
SMALL = 0.62
RISE, FALL = 0.36, -0.14  # of the size

_NOT_FIRST = frozenset("，。、；：？！）》」』】〕〉”’%‰℃,.;:?!)]}…·~")
_NOT_LAST = frozenset("（《「『【〔〈“‘([{")
_BREAK_AFTER = frozenset(" /·+^|,-–—")  # lists of alleles and GL Strings have no spaces
_WIDE = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character as it is drawn. width: in em of the text's size; copied: what copying gives, "" for `shown`."""

    shown: str
    face: str
    width: float
    scale: float = 1.0
    rise: float = 0.0
    copied: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs of one line that are drawn alike."""

    text: str
    face: str
    width: float
    scale: float
    rise: float
    copied: str


@lru_cache(maxsize=20_000)
def glyph(character: str) -> Glyph:
    """How a character is drawn: by the first face that has it, made of another, or by its code."""
    if character in _LIKE:
        return glyph(_LIKE[character])
    for others, rise in ((_RAISED, RISE), (_LOWERED, FALL)):
        if character in others:
            plain = glyph(others[character])
            return Glyph(plain.shown, plain.face, plain.width * SMALL, SMALL, rise, character)
    for face in faces():
        if character in face.widths:
            return Glyph(character, face.name, face.widths[character])
    code = f"[U+{ord(character):04X}]"
    return Glyph(code, MAIN, sum(glyph(one).width for one in code))


def normalised(text: str) -> str:
    """Letters and their marks as one character where there is one; line ends as \\n."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")


def width_em(text: str) -> float:
    """Width on one line."""
    return sum(glyph(character).width for character in normalised(text))


def wrapped(text: str, most_em: float) -> list[list[Glyph]]:
    """The lines of a text, none wider than most_em (but for a single glyph that is); at least one line."""
    return [line for part in normalised(text).split("\n") for line in _wrapped(part, most_em)]


def _wrapped(text: str, most_em: float) -> Iterator[list[Glyph]]:
    """Greedy: as much as fits, back to the last place where one may break, else where it is full."""
    glyphs = [glyph(character) for character in text]
    start = 0
    while True:
        end = _fitting(glyphs, start, most_em)
        if end == len(glyphs):
            yield _trimmed(glyphs[start:end])
            return
        cut = next((at for at in range(end, start, -1) if _may_break(text, at)), end)
        yield _trimmed(glyphs[start:cut])
        start = cut
        while start < len(glyphs) and text[start] == " ":
            start += 1


def _fitting(glyphs: Sequence[Glyph], start: int, most_em: float) -> int:
    """The end of what fits, one glyph at least. A space at the end of a line needs no room."""
    used = 0.0
    for at in range(start, len(glyphs)):
        used += glyphs[at].width
        if used > most_em + 1e-6 and at > start and glyphs[at].shown != " ":
            return at
    return len(glyphs)


def _may_break(text: str, at: int) -> bool:
    """Whether a line may end before text[at]."""
    before, after = text[at - 1], text[at]
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    if after == " ":
        return True
    if (before == "-" and after.isdigit()) or (before == "/" and after.islower()):  # a date, /kg
        return False
    return before in _BREAK_AFTER or _is_wide(before) or _is_wide(after)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in _WIDE


def _trimmed(line: list[Glyph]) -> list[Glyph]:
    end = len(line)
    while end and line[end - 1].shown == " ":
        end -= 1
    return line[:end]


def runs(line: Iterable[Glyph]) -> list[Run]:
    """Neighbours that are drawn alike put together."""
    found: list[Run] = []
    for one in line:
        copied = one.copied or one.shown
        last = found[-1] if found else None
        if last and (last.face, last.scale, last.rise) == (one.face, one.scale, one.rise):
            found[-1] = Run(
                last.text + one.shown,
                last.face,
                last.width + one.width,
                last.scale,
                last.rise,
                last.copied + copied,
            )
        else:
            found.append(Run(one.shown, one.face, one.width, one.scale, one.rise, copied))
    return found
