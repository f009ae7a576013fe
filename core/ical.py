"""A calendar as iCalendar text (RFC 5545). Knows no Django: entries in, bytes out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

PRODUCT: Final = "-//Qidai//Qidai//EN"
_LINE_OCTETS: Final = 75  # without the line break (RFC 5545, 3.1)
_CONTROLS: Final = {code: None for code in [*range(0x20), 0x7F] if chr(code) not in "\t\n"}


@dataclass(frozen=True)
class Entry:
    """A whole day. uid: the same for ever; changed_at: when what it says last changed, aware."""

    uid: str
    day: dt.date
    summary: str
    description: str = ""
    url: str = ""
    changed_at: dt.datetime = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def escaped(text: str) -> str:
    r"""A value of type TEXT: backslash, semicolon, comma and line break are escaped, other controls left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(sign, written)
    return text


def folded(line: str) -> Iterator[bytes]:
    """One content line in pieces of at most 75 octets, none of which cuts a character; each later one begins with a
    space, which counts."""
    piece, room = b"", _LINE_OCTETS
    for sign in line:
        octets = sign.encode()
        if len(piece) + len(octets) > room:
            yield piece
            piece = b" "
        piece += octets
    yield piece


def written(entries: Iterable[Entry], *, name: str) -> bytes:
    """The calendar of these entries; `name` is what calendar programs show."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        f"NAME:{escaped(name)}",  # RFC 7986
        f"X-WR-CALNAME:{escaped(name)}",  # what older programs read
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for entry in entries:
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return b"".join(piece + b"\r\n" for line in lines for piece in folded(line))


def _event(entry: Entry) -> list[str]:
    """DTEND is the first day after it (RFC 5545, 3.6.1)."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escaped(entry.uid)}",
        f"DTSTAMP:{entry.changed_at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{entry.day + dt.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escaped(entry.summary)}",
    ]
    if entry.description:
        lines.append(f"DESCRIPTION:{escaped(entry.description)}")
    if entry.url:
        lines.append(f"URL:{entry.url}")
    return [*lines, "CLASS:PRIVATE", "TRANSP:TRANSPARENT", "END:VEVENT"]
