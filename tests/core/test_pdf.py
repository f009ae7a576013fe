"""Printed matter: lines in both languages, characters that no face has, pages, and a file that is always the same."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from bank.labels.barcodes import code128
from core.pdf.document import (
    Barcode,
    Block,
    Column,
    Document,
    Fact,
    Facts,
    Heading,
    Line,
    Notice,
    Signatures,
    Table,
    Text,
    Together,
    cell,
)
from core.pdf.layout import pages_of
from core.pdf.pages import Words
from core.pdf.paint import pdf_bytes
from core.pdf.style import BOTTOM, HEIGHT, LEFT, MARKS, RIGHT
from core.pdf.text import glyph, runs, width_em, wrapped

TERMS = "脐带血造血干细胞移植 供者特异性抗体 移植物抗宿主病 有核细胞总数"


def document(*blocks: Block, **changes: Any) -> Document:
    values: dict[str, Any] = {
        "title": "Title 标题",
        "subject": "Subject",
        "author": "Dr. Li",
        "language": "en",
        "running": "Running",
        "banner": "",
        "foot": "Foot",
        "page_text": "Page {page} of {pages}",
        "seal": "Digest {digest}",
        "made_at": datetime.datetime(2026, 11, 28, 4, 30, tzinfo=datetime.UTC),
        "blocks": blocks,
    }
    return Document(**{**values, **changes})


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.get_textpage().get_text_range() for page in found]


def shown(lines: list[list[Any]]) -> list[str]:
    return ["".join(one.shown for one in line) for line in lines]


# --- lines ---------------------------------------------------------------------------------------


def test_english_breaks_at_spaces_and_chinese_anywhere() -> None:
    assert shown(wrapped("one two three", width_em("one two") + 0.01)) == ["one two", "three"]
    assert shown(wrapped("脐带血造血干细胞", 4.01)) == ["脐带血造", "血干细胞"]


def test_a_line_begins_with_no_closing_and_ends_with_no_opening_sign() -> None:
    assert shown(wrapped("移植物抗。宿主", 4.01)) == ["移植物", "抗。宿主"]
    assert shown(wrapped("移植物（抗宿主", 4.01)) == ["移植物", "（抗宿主"]


@pytest.mark.parametrize("text", ["2026-11-28", "×10⁷/kg"])
def test_a_date_and_a_unit_stay_whole(text: str) -> None:
    assert shown(wrapped(f"x {text}", width_em(text) + 0.01))[1:] == shown([wrapped(text, 99)[0]])


def test_lists_of_alleles_break_after_the_slash_and_what_has_no_place_where_it_is_full() -> None:
    assert shown(wrapped("40:01/40:02", width_em("40:01/40"))) == ["40:01/", "40:02"]
    assert [len(line) for line in wrapped("A" * 20, 5)] == [8, 8, 4]


@settings(deadline=None)  # the face is read once
@given(st.text(st.sampled_from("ab 12脐带血，。（）/-⁷\n𠮷"), max_size=60), st.floats(1.5, 20))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, most: float) -> None:
    lines = wrapped(text, most)

    drawn = "".join(shown(lines))
    assert [c for c in drawn if c != " "] == [c for t in text if t not in " \n" for c in glyph(t).shown]
    assert all(sum(one.width for one in line) <= most + 1e-6 or len(line) == 1 for line in lines)


# --- characters ----------------------------------------------------------------------------------


def test_a_letter_and_its_mark_become_one_and_a_strange_character_its_code() -> None:
    assert shown(wrapped("e\u0301", 99)) == ["é"]
    assert shown(wrapped("李\U00020bb7", 99)) == ["李[U+20BB7]"]
    assert shown(wrapped("a\u0007", 99)) == ["a[U+0007]"]


def test_raised_figures_are_copied_as_what_they_are() -> None:
    assert [(run.text, run.copied) for run in runs(wrapped("10⁷/kg", 99)[0])] == [
        ("10", "10"),
        ("7", "⁷"),
        ("/kg", "/kg"),
    ]
    assert "×10⁷/kg" in "".join(pages(pdf_bytes(document(Text("2.5 ×10⁷/kg"))))[0].split())


def test_chinese_and_english_in_one_line_can_be_read_back() -> None:
    assert f"HLA-A*02:01 {TERMS}" in pages(pdf_bytes(document(Text(f"HLA-A*02:01 {TERMS}"))))[0]


# --- pages ---------------------------------------------------------------------------------------


def rows(count: int) -> tuple[Any, ...]:
    return tuple((cell(f"row {number}"), cell("脐带血")) for number in range(count))


TABLE = Table((Column("Head one"), Column("Head two", right=True)), rows(120))


def test_a_table_repeats_its_head_and_loses_no_row() -> None:
    found = pages(pdf_bytes(document(TABLE)))

    assert len(found) > 2
    for number, page in enumerate(found, start=1):
        assert f"Page {number} of {len(found)}" in page
        assert "Running" in page
    with_rows = [page for page in found if "row " in page]
    assert all("Head one" in page for page in with_rows)
    whole = "\n".join(found)
    assert all(f"row {number}\r\n" in whole or f"row {number} " in whole for number in range(120))


def test_a_row_higher_than_a_page_goes_on_the_next() -> None:
    tall = tuple(Line(f"line {number}") for number in range(150))

    found = pages(pdf_bytes(document(Table((Column("A"), Column("B")), ((tall, cell("x")),)))))

    assert len(found) > 1
    assert all(f"line {number}" in " ".join(found) for number in range(150))


def test_a_heading_stays_with_what_follows_and_a_block_together_on_a_page() -> None:
    block = Together((Heading("Kept", 2), Table((Column("A"),), ((cell("x"),),))))
    for filler in range(40, 62):
        laid = pages_of(document(*(Text("f") for _ in range(filler)), Heading("Above"), block))
        where = [
            number
            for number, page in enumerate(laid)
            for op in page
            if isinstance(op, Words) and "".join(g.shown for g in op.glyphs) in ("Above", "Kept", "x")
        ]
        assert len(where) == 3
        assert len(set(where)) == 1


MANY_WORDS = [f"w{number:04}" for number in range(1800)]  # several pages in a column of a third of the width
PARTED = " ".join(MANY_WORDS)


def on_paper(pdf: bytes) -> list[str]:
    """The words that stand between head and foot of each page; what runs off the paper is not there."""
    with pypdfium2.PdfDocument(pdf) as found:
        return [
            page.get_textpage().get_text_bounded(LEFT - 1, HEIGHT - BOTTOM - 4, RIGHT + 1, HEIGHT - 60)
            for page in found
        ]


@pytest.mark.parametrize(
    "block",
    [
        Heading(PARTED, 2, "note"),
        Text(PARTED),
        Notice(PARTED),
        Facts((Fact("Name", PARTED), Fact("Other", "short")), 2),
        Facts((Fact(PARTED, "short"),), 2),
        Table((Column("Label"), Column("Other", 2)), ((cell(PARTED), cell("short")),)),
        Table((Column("Label"),), ((cell("short", PARTED, "last"),),)),
        Table((Column("Label", right=True),), (((Line(PARTED, mark="allele"), Line("last", mark="no")),),)),
        Table((Column(PARTED),), ((cell("row"),),)),
        Together((Heading("Kept", 2), Notice(PARTED))),
    ],
    ids=lambda block: type(block).__name__,
)
@pytest.mark.parametrize("before", [0, 51])
def test_a_paragraph_higher_than_a_page_flows_over_pages(block: Block, before: int) -> None:
    found = on_paper(pdf_bytes(document(*(Text("filler") for _ in range(before)), Heading("Above"), block)))

    read = [word for page in found for word in re.findall(r"\bw\d{4}\b", page)]
    assert read == MANY_WORDS
    assert len(found) >= 2
    with_words = [page for page in found if "w0000" in page or "Above" in page]
    assert len(with_words) == 1  # the heading stands above the beginning
    if "Label" in "".join(found):
        assert all("Label" in page for page in found if "w" in page)  # the head of a table


def test_what_stands_beside_a_parted_paragraph_stands_once_at_its_beginning() -> None:
    row = (cell(PARTED), cell("beside", "it"), (Line("marked", mark="no"),))

    found = on_paper(
        pdf_bytes(document(Table((Column("A"), Column("B"), Column("C")), (row, row[1:] + row[1:2]))))
    )

    assert [sum(word in page.split() for word in ("beside", "marked")) for page in found[:2]] == [2, 0]
    assert "".join(found).count("×") == 2
    assert "Digest" in found[-1]


def test_nothing_is_drawn_outside_the_margins() -> None:
    long = "DRB1*15:01/" * 60
    blocks = (
        Heading("脐" * 80),
        Facts((Fact(long, long),), 3),
        Notice(long),
        Table((Column(long), Column("n", right=True)), ((cell(long), cell("12")),)),
        Signatures(("Prepared by", "Physician"), ("Name", "Date")),
    )
    for page in pages_of(document(*blocks)):
        for op in page:
            width = sum(one.width for one in op.glyphs) * op.size if isinstance(op, Words) else op.width
            assert op.x >= LEFT - 0.01
            assert op.x + width <= RIGHT + 0.01
            assert op.y <= BOTTOM + 4


def test_marks_have_shapes_of_their_own() -> None:
    signs = {name: sign for name, (sign, _tone) in MARKS.items()}

    assert (
        len({signs[name] for name in ("allele", "potential", "antigen", "antigen-possible", "mismatch")}) == 5
    )
    assert len({signs[name] for name in ("ok", "no", "na")}) == 3
    assert all(glyph(sign).shown == sign for sign in signs.values())


# --- the file ------------------------------------------------------------------------------------

WHOLE = (Heading("Head"), Text(TERMS), TABLE, Signatures(("Physician",), ("Name",)))


def test_file_names_its_language_title_and_time_and_embeds_only_what_it_uses() -> None:
    pdf = pdf_bytes(document(*WHOLE, language="zh-Hans"))

    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert reader.root_object["/Lang"] == "zh-Hans"
    assert reader.metadata.title == "Title 标题"
    assert reader.metadata.author == "Dr. Li"
    assert reader.metadata.creation_date == datetime.datetime(2026, 11, 28, 4, 30, tzinfo=datetime.UTC)
    fonts = reader.pages[0]["/Resources"]["/Font"].values()
    for font in fonts:
        inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "+" in inner["/FontName"]  # a subset
        assert "/FontFile3" in inner
    assert len(pdf) < 60_000


def test_same_document_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, '.');"
        "from tests.core.test_pdf import WHOLE, document; from core.pdf.paint import pdf_bytes;"
        "print(hashlib.sha256(pdf_bytes(document(*WHOLE))).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    assert other.stdout.strip() == hashlib.sha256(pdf_bytes(document(*WHOLE))).hexdigest()


def test_digest_changes_with_any_word_and_not_with_the_page() -> None:
    one = document(Text("a"), Together((Text("b"),)))

    assert one.digest == document(Text("a"), Together((Text("b"),))).digest
    others = [
        document(Text("a"), Text("b")),
        document(Text("a"), Together((Text("c"),))),
        replace(one, banner="x"),
        replace(one, made_at=one.made_at + datetime.timedelta(seconds=1)),
        document(Notice("a"), Together((Text("b"),))),
    ]
    assert one.digest not in {other.digest for other in others}
    assert replace(one, page_text="{page}").digest == one.digest
    assert one.digest in "".join(pages(pdf_bytes(one)))


def test_importing_the_printer_loads_neither_face_nor_library() -> None:
    code = (
        "import sys; import core.pdf.paint, core.pdf.layout;"
        "print([n for n in ('fpdf', 'fontTools', 'pylopdf_fonts_zh_cn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_barcode_is_scanned_from_the_page_however_long_it_is() -> None:
    for text in ("SH-2026-0001", "=A999926000123" + "00" * 20):
        pdf = pdf_bytes(document(Heading("Code"), Barcode(code128(text), text), Text("below")))

        assert text in "".join(pages(pdf)[0].split())
        with pypdfium2.PdfDocument(pdf) as found:
            image = found[0].render(scale=4, grayscale=True).to_numpy().squeeze()
        assert [code.text for code in zxingcpp.read_barcodes(image)] == [text]
