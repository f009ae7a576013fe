"""The faces of printed matter, from a wheel: which characters each has, and how wide they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAIN, OTHER = "sans", "serif"


@dataclass(frozen=True, eq=False)
class Face:
    """One face. widths: of each character that it has, in em."""

    name: str
    path: Path
    widths: Mapping[str, float]


def faces() -> Iterator[Face]:
    """The face of the text, then the one that is asked where it lacks a character."""
    yield face(MAIN)
    yield face(OTHER)


@lru_cache(maxsize=2)
def face(name: str) -> Face:
    """Read once a process, and only where it is needed: some 0.1 s."""
    import pylopdf_fonts_zh_cn as wheel
    from fontTools.ttLib import TTFont

    path = wheel.sans_path() if name == MAIN else wheel.serif_path()
    with TTFont(path, lazy=True) as font:
        em, metrics = font["head"].unitsPerEm, font["hmtx"].metrics
        widths = {chr(code): metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}
    return Face(name, path, widths)
