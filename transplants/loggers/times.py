"""Moments as loggers write them. Whether 03/04 is a day in March or in April, one cell cannot say: all cells do."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

FIRST_YEAR, LAST_YEAR = 2000, 2099


class DayOrder(StrEnum):
    """Of dates written in numbers with the year last."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True)
class Moment:
    """A moment as it was written. pair: two numbers of which one is the day, while it is not known which.

    offset: from UTC, where the cell itself says it.
    """

    year: int
    month: int
    day: int
    clock: dt.time
    offset: dt.timedelta | None = None
    pair: tuple[int, int] | None = None

    def naive(self, order: DayOrder | None) -> dt.datetime | None:
        """By the order of the file; None where there is no such day."""
        month, day = self.month, self.day
        if self.pair is not None:
            day, month = self.pair if order != DayOrder.MONTH_FIRST else self.pair[::-1]
        try:
            return dt.datetime.combine(dt.date(self.year, month, day), self.clock)
        except ValueError:
            return None


_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_YEAR_FIRST = r"(?P<y>\d{4})\s?[-/.年]\s?(?P<m>\d{1,2})\s?[-/.月]\s?(?P<d>\d{1,2})日?"
_YEAR_LAST = r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})"
_DAY_NAMED = r"(?P<d>\d{1,2})[-/. ](?P<n>[a-z]{3,9})\.?[-/. ,]{1,2}(?P<y>\d{4}|\d{2})"
_MONTH_NAMED = r"(?P<n>[a-z]{3,9})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})"
_DATES = tuple(re.compile(form) for form in (_YEAR_FIRST, _YEAR_LAST, _DAY_NAMED, _MONTH_NAMED))
_CLOCK = re.compile(
    r"(?P<before>[ap]m|上午|下午)?\s?(?P<h>\d{1,2})[:时](?P<min>\d{2})(?:[:分](?P<s>\d{2})秒?(?:[.,]\d{1,9})?)?分?"
    r"\s?(?P<after>[ap]\.?m\.?)?"
)
_OFFSET = re.compile(r"(?:(?P<z>z|utc|gmt))?\s?(?:(?P<sign>[+-])(?P<oh>\d{1,2})(?::?(?P<om>\d{2}))?)?")
_LATE = ("pm", "下午")


def folded(text: str) -> str:
    """One form of characters that look alike: ℃ is °C, a full-width colon is a colon; small letters, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u2212", "-").lower().split())


def parsed(text: str) -> Moment | None:
    """Date and time of day, in either order; None for anything else."""
    if quick := _iso(text):
        return quick
    plain = folded(text)
    if len(plain) > 60:
        return None
    for form in _DATES:
        if found := form.match(plain):
            rest = plain[found.end() :].lstrip(" t,")
            clock = _CLOCK.match(rest)
            return _moment(found, clock, rest[clock.end() :].strip()) if clock else None
    if clock := _CLOCK.match(plain):
        rest = plain[clock.end() :].strip(" ,")
        for form in _DATES:
            if found := form.fullmatch(rest):
                return _moment(found, clock, "")
    return None


def _iso(text: str) -> Moment | None:
    """The commonest form by the fast way: a file may have a hundred thousand lines."""
    if not 16 <= len(text) <= 32 or text[4] != "-" or text[10] not in " T" or text[13] != ":":
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    return Moment(at.year, at.month, at.day, at.time().replace(microsecond=0), at.utcoffset())


def _moment(date: re.Match[str], clock: re.Match[str], rest: str) -> Moment | None:
    at, offset = _time_of(clock), offset_of(rest) if rest else None
    if at is None or (rest and offset is None):
        return None
    parts = date.groupdict()
    year = int(parts["y"])
    year += 2000 if len(parts["y"]) == 2 else 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if "a" in parts:
        return Moment(year, 0, 0, at, offset, (int(parts["a"]), int(parts["b"])))
    month = _MONTHS.get(parts["n"][:3], 0) if "n" in parts else int(parts["m"])
    return Moment(year, month, int(parts["d"]), at, offset)


def _time_of(clock: re.Match[str]) -> dt.time | None:
    hour, minute, second = int(clock["h"]), int(clock["min"]), int(clock["s"] or 0)
    half = (clock["before"] or clock["after"] or "").replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in _LATE else 0)
    try:
        return dt.time(hour, minute, second)
    except ValueError:
        return None


def offset_of(text: str) -> dt.timedelta | None:
    """From UTC: `Z`, `+08:00`, `GMT+8`; None for anything else."""
    found = _OFFSET.fullmatch(text.strip())
    if not found or not (found["z"] or found["sign"]):
        return None
    hours, minutes = int(found["oh"] or 0), int(found["om"] or 0)
    if hours > 14 or minutes > 59:
        return None
    away = dt.timedelta(hours=hours, minutes=minutes)
    return -away if found["sign"] == "-" else away


def order_told(moments: Iterable[Moment]) -> tuple[set[DayOrder], bool]:
    """The orders that some date proves, and whether it matters at all: 05/05 is the same day in both."""
    proven: set[DayOrder] = set()
    matters = False
    for moment in moments:
        if moment.pair is None:
            continue
        first, second = moment.pair
        matters = matters or first != second
        if first > 12:
            proven.add(DayOrder.DAY_FIRST)
        if second > 12:
            proven.add(DayOrder.MONTH_FIRST)
    return proven, matters
