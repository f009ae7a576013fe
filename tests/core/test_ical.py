"""iCalendar as RFC 5545 asks for it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ical import Entry, escaped, folded, written

AT = dt.datetime(2026, 3, 4, 13, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def unfolded(data: bytes) -> list[str]:
    """As a reader does it (RFC 5545, 3.1)."""
    return data.decode().replace("\r\n ", "").split("\r\n")


def unescaped(text: str) -> str:
    found, signs = "", iter(text)
    for sign in signs:
        found += {"n": "\n"}.get(one := next(signs), one) if sign == "\\" else sign
    return found


def test_a_calendar_of_one_day_word_for_word() -> None:
    entry = Entry(
        "a@qidai", dt.date(2026, 12, 31), "U1 for P1, last day", "Line 1\nLine 2", "https://q/1", AT
    )

    assert written([entry], name="Qidai").decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Qidai//Qidai//EN",
        "CALSCALE:GREGORIAN",
        "NAME:Qidai",
        "X-WR-CALNAME:Qidai",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        "UID:a@qidai",
        "DTSTAMP:20260304T050506Z",
        "DTSTART;VALUE=DATE:20261231",
        "DTEND;VALUE=DATE:20270101",
        "SUMMARY:U1 for P1\\, last day",
        "DESCRIPTION:Line 1\\nLine 2",
        "URL:https://q/1",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a;b,c\\d", "a\\;b\\,c\\\\d"),
        ("a\r\nb\rc\nd", "a\\nb\\nc\\nd"),
        ("bell\x07 null\x00 tab\t", "bell null tab\t"),
        ("BEGIN:VEVENT\r\nX:1", "BEGIN:VEVENT\\nX:1"),
    ],
)
def test_what_is_escaped(text: str, wanted: str) -> None:
    assert escaped(text) == wanted


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_a_reader_gets_back_what_was_written(text: str) -> None:
    data = written([Entry("a", dt.date(2026, 1, 1), text)], name="n")

    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    for line in data.split(b"\r\n"):
        line.decode()  # no character is cut
    (summary,) = [line for line in unfolded(data) if line.startswith("SUMMARY:")]
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(sign for sign in plain if sign in "\t\n" or not (sign < " " or sign == "\x7f"))
    assert unescaped(summary.removeprefix("SUMMARY:")) == kept


def test_a_line_of_75_octets_is_not_folded_and_one_of_76_is() -> None:
    assert list(folded("x" * 75)) == [b"x" * 75]
    assert list(folded("x" * 76)) == [b"x" * 75, b" x"]
    assert [len(piece) for piece in folded("脐" * 50)] == [75, 73, 4]
