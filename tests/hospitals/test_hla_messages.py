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


def test_every_severity_is_of_a_note_of_the_kernel() -> None:
    assert set(hla_messages.SEVERITY) <= set(NOTES)
    assert hla_messages.severity_of("of_a_later_release") == "note"


def test_the_gravest_remark_comes_first_and_each_once() -> None:
    plain = Note("homozygous")
    warning = Note("old_name", text="A*0201", name="A*02:01")
    conflict = Note("typing_conflict", text="A1", dna="A*02:01")

    found = hla_messages.remarks([plain, warning, plain, conflict, "said otherwise"])

    assert [remark.severity for remark in found] == ["conflict", "warning", "note", "note"]
    assert found[-1].text == "said otherwise"


def test_stored_remarks_name_their_locus() -> None:
    stored = [["", "phase", {}], ["A", "old_name", {"text": "A*0201", "name": "A*02:01"}]]

    found = hla_messages.stored_remarks(stored)

    assert [remark.is_warning for remark in found] == [True, False]
    assert found[0].text == "HLA-A: A*0201 is a name of before 2010, now A*02:01."
    assert not found[1].text.startswith("HLA")
