"""Every message of the HLA kernel can be shown in the reader's language."""

from __future__ import annotations

import pytest
from django.utils import translation

from core import hla_messages
from hla.errors import CODES, HINTS, NOTES, Note, TypingError


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (hla_messages.ERRORS, CODES),
        (hla_messages.HINTS, HINTS),
        (hla_messages.NOTES, NOTES),
    ],
    ids=["errors", "hints", "notes"],
)
def test_tables_are_those_of_the_kernel(here: dict[str, str], there: dict[str, str]) -> None:
    with translation.override("en"):
        assert {code: str(text) for code, text in here.items()} == dict(there)


def test_error_says_what_is_wrong_and_what_to_do() -> None:
    error = TypingError("malformed", locus="A", text="A*2:xx1", example="A*02:01")

    text = hla_messages.typing_error_text(error)

    assert text == str(error)
    assert "A*2:xx1" in text
    assert "A*02:01" in text


def test_braces_in_the_offending_text_are_only_text() -> None:
    error = TypingError("malformed", locus="A", text="{locus.__class__}", example="A*02:01")

    assert "{locus.__class__}" in hla_messages.typing_error_text(error)


def test_note_is_shown_from_its_code() -> None:
    note = Note("renamed", text="A*01:01", name="A*01:01:01")

    assert hla_messages.note_text(note) == str(note)
    assert hla_messages.stored_note_text(note.code, note.params) == str(note)


def test_plain_and_unknown_notes_are_shown_as_they_are() -> None:
    assert hla_messages.note_text("something else") == "something else"
    assert hla_messages.stored_note_text("of_a_later_release", {}) == "of_a_later_release"
