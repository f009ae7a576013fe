"""Measures in points, colours and signs of printed matter; the origin is the top left corner of an A4 page."""

from __future__ import annotations

from typing import Final

from core.pdf.document import Tone

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 42.0, WIDTH - 42.0
TOP, BOTTOM = 78.0, HEIGHT - 58.0  # of what is said; head and foot stand outside
INNER = RIGHT - LEFT

BODY, SMALL, TINY = 9.0, 7.6, 7.0
TABLE = SMALL + 0.4
SIZES: Final = {0: 19.0, 1: 13.0, 2: 10.4}  # of a heading by its level
LEADING = 1.42
BASE = 1.06  # from the top of a line to its base line, of the size
MARK = 8.2  # side of a mark
PAD = 3.2  # inside a cell

Colour = tuple[int, int, int]
INK, INK_2, LINE, SUNK, BRAND = (21, 35, 43), (67, 82, 92), (207, 204, 193), (241, 239, 233), (11, 107, 102)
# Text and tint, as on the pages (static/css).
TONES: Final[dict[str, tuple[Colour, Colour]]] = {
    "": (INK, SUNK),
    "muted": (INK_2, SUNK),
    "good": ((11, 107, 102), (217, 238, 234)),
    "maybe": ((77, 111, 32), (236, 243, 221)),
    "warn": ((131, 82, 0), (251, 236, 203)),
    "bad": ((163, 42, 58), (249, 223, 225)),
    "info": ((40, 92, 156), (226, 236, 248)),
}
# A mark is a sign in a box: by shape alone, on a black and white copy too.
MARKS: Final[dict[str, tuple[str, Tone]]] = {
    "allele": ("✓", "good"),
    "potential": ("?", "maybe"),
    "antigen": ("▲", "warn"),
    "antigen-possible": ("△", "warn"),
    "mismatch": ("×", "bad"),
    "ok": ("✓", "good"),
    "no": ("×", "bad"),
    "na": ("?", "maybe"),
}
