"""The serial number of a logger, where the head of its file says it, and whether it is another one than was packed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 60
_MOST_LINE = 1_000  # characters of a line of the head; a longer one names no logger
# Of the sensor, of a certificate, of a user it says nothing.
_WORDS = re.compile(
    r"(?<!sen )(?<!sensor )(?<!probe )(?:\bserial(?: ?(?:number|num\.?|no\.?|nr\.?|#))?|\bs/n|\bsn|\bseriennummer"
    r"|\bserien-?nr\.?|\b(?:logger|device|unit|trip) ?id|序列号|设备编号|仪器编号|记录仪编号|设备id)"
    r"[ :,;=#\t\"']{1,6}(?P<serial>[a-z0-9][a-z0-9._/-]{0,39})(?![a-z0-9])",
    re.IGNORECASE,
)


def serial_in(lines: Iterable[str]) -> str:
    """The first that the lines name, "" where none does. A word without a digit is none."""
    for line in lines:
        plain = unicodedata.normalize("NFKC", line[:_MOST_LINE])
        for match in _WORDS.finditer(plain):
            if re.search(r"\d", match["serial"]):
                return match["serial"].rstrip("._/-")[:LONGEST]
    return ""


def differ(read: str, written: str) -> bool:
    """Whether two serial numbers are of two loggers: signs and capitals do not count, and nothing said is no other."""
    one, other = (re.sub(r"[\W_]", "", text).casefold() for text in (read, written))
    return bool(one and other) and one != other
