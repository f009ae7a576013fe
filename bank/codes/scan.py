"""What a scanned or typed text is: the one place that the search box, scan fields and imports ask.

A scanner may put the symbology before what it read (`]C0`, `]d1`) and control characters around it; both are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bank.codes import din, grid, product, sec, structures
from bank.codes.errors import CodeError


class Kind(StrEnum):
    """NUMBER: none of the others; a unit number, a CBU id, or a part of one."""

    DIN = "din"
    PRODUCT = "product"
    GRID = "grid"
    SEC = "sec"
    PLACE = "place"
    NUMBER = "number"


@dataclass(frozen=True)
class Scan:
    """text: without what the scanner put around it. Of a message of several structures all that are known are filled;
    `kind` is then the first of DIN, SEC, GRID and product that it holds."""

    kind: Kind
    text: str
    din: din.Din | None = None
    product: product.Product | None = None
    grid: grid.Grid | None = None
    sec: sec.Sec | None = None

    @property
    def donation(self) -> str:
        """The 13 characters of the DIN that it names, also within a Single European Code of ISBT 128; "" if none."""
        if self.din:
            return self.din.code
        if self.sec and self.sec.system == sec.CodingSystem.ISBT_128:
            return self.sec.donation
        return ""


_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TYPED_DIN = re.compile(f"{din.PATTERN}[0-9A-Z*]?")
# T1-R3-C2-07: tank, rack, canister, slot; the last is a number.
_PLACE = re.compile(r"[A-Z][A-Z0-9]{0,7}(?:-[A-Z0-9]{1,8}){2,4}-[0-9]{1,3}")
# A printed code, in one part or two; 40 characters alone are taken for one only if they can be nothing else.
_PRINTED_SEC = re.compile(r"SEC:?\s*[A-Z]{2}[A-Z0-9]{6}.*", re.IGNORECASE | re.DOTALL)


def plain(text: str) -> str:
    """Without the scanner's own signs."""
    return _CONTROL.sub("", _SYMBOLOGY.sub("", text.strip())).strip()


def read(text: str) -> Scan:
    """What the text is.

    Raises CodeError where it is meant as a code and is wrong: by its check character, its flag, its form.
    """
    wanted = plain(text)
    if wanted[:1] in ("=", "&"):
        return _structured("".join(wanted.split()))
    looks = _PRINTED_SEC.fullmatch(wanted) or len("".join(wanted.split())) == 40
    if looks and (found := _sec(wanted)):
        return found
    tight = re.sub(r"[\s\-]", "", wanted).upper()
    if _TYPED_DIN.fullmatch(tight):
        return Scan(Kind.DIN, wanted, din=din.parse(tight))
    if re.fullmatch(grid.PATTERN, tight):
        return Scan(Kind.GRID, wanted, grid=grid.parse(tight))
    if _PLACE.fullmatch(wanted.upper()):
        return Scan(Kind.PLACE, wanted.upper())
    return Scan(Kind.NUMBER, wanted)


def _sec(wanted: str) -> Scan | None:
    """None for a text that only looks like a code: nobody typed SEC before it."""
    try:
        return Scan(Kind.SEC, wanted, sec=sec.parse(wanted))
    except CodeError:
        if wanted[:3].upper() == "SEC":
            raise
        return None


def _structured(wanted: str) -> Scan:
    found: dict[str, str] = {}
    for structure in structures.split(_capitals(wanted)):
        found.setdefault(structure.number, structure.text)
    scan = Scan(
        Kind.NUMBER,
        wanted,
        din=din.parse(found[structures.DIN]) if structures.DIN in found else None,
        product=product.parse(found[structures.PRODUCT]) if structures.PRODUCT in found else None,
        grid=grid.parse(found[structures.GRID]) if structures.GRID in found else None,
        sec=sec.parse(found[structures.SEC]) if structures.SEC in found else None,
    )
    for kind in (Kind.DIN, Kind.SEC, Kind.GRID, Kind.PRODUCT):
        if getattr(scan, kind.value):
            return Scan(kind, wanted, scan.din, scan.product, scan.grid, scan.sec)
    raise CodeError("scan_unused", text=wanted[:40])


def _capitals(wanted: str) -> str:
    """A DIN typed by hand as it would be scanned may be in small letters; in other structures they mean something."""
    return wanted.upper() if re.match("=[a-np-z1-9]", wanted) and "<" not in wanted else wanted
