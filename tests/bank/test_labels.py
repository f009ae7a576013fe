"""Labels as they come out of a printer: read back by a decoder, and by a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from bank.codes import scan
from bank.labels import barcodes, printing
from bank.labels.formats import MM, PAPERS, PAPERS_OF, PAPERS_OF_PLACES, LabelKind, PaperKind
from bank.models import CordBloodUnit, ProductCode, Slot, StorageNode
from tests.factories.bank import BankFactory, UnitFactory

pytestmark = pytest.mark.django_db
DIN = "G123498654321"
PRINTER_DPI = 203  # the coarsest that is usual
READER_DPI = 406


def unit_with(**values: Any) -> CordBloodUnit:
    values = {"din": DIN, "unit_no": "QD-2020-0000001", "product_code": "S9999000", **values}
    bank = BankFactory(code="TB", name="苏州脐带血库 Test Bank", emdis_hub="CN")
    return UnitFactory(bank=bank, **values)


def images(pdf: bytes, dpi: int = READER_DPI) -> list[Any]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.render(scale=dpi / 72, grayscale=True).to_numpy().squeeze() for page in found]


def texts(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.get_textpage().get_text_range() for page in found]


def read(pdf: bytes, dpi: int = READER_DPI) -> list[list[tuple[str, str]]]:
    """(symbology, text) of each page."""
    return [
        [(code.format.name, code.text) for code in zxingcpp.read_barcodes(image)]
        for image in images(pdf, dpi)
    ]


def made(
    units: Sequence[CordBloodUnit], kind: LabelKind, paper: PaperKind, count: int = 1, language: str = "en"
) -> bytes:
    return printing.unit_labels(units, kind, paper, count, language)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("kind", "paper"), [(kind, paper) for kind, papers in PAPERS_OF.items() for paper in papers]
)
def test_each_label_is_read_back(kind: LabelKind, paper: PaperKind, language: str) -> None:
    ProductCode.objects.create(code="S9999", description="Made-up product for tests", version="1")

    (found,) = read(made([unit_with()], kind, paper, language=language))

    matrix = "=+02000=G12349865432100=<S9999000" if kind == LabelKind.UNIT else "=G12349865432100"
    assert sorted(found) == [("Code128", "=G12349865432100"), ("DataMatrix", matrix)]
    assert {scan.read(text).donation for _symbology, text in found} == {DIN}


@pytest.mark.parametrize("paper", [PaperKind.ROLL, PaperKind.SMALL, PaperKind.SHEET])
def test_a_coarse_printer_prints_it_readable(paper: PaperKind) -> None:
    kind = LabelKind.SEGMENT if paper == PaperKind.SMALL else LabelKind.UNIT

    (found,) = read(made([unit_with()], kind, paper), PRINTER_DPI)

    assert {scan.read(text).donation for _symbology, text in found} == {DIN}


def test_a_unit_without_din_bears_its_own_number() -> None:
    unit = unit_with(din="", product_code="", unit_no="QD-2020-000000123")

    for kind, paper in ((LabelKind.UNIT, PaperKind.ROLL), (LabelKind.SEGMENT, PaperKind.SMALL)):
        (found,) = read(made([unit], kind, paper))
        assert {text for _symbology, text in found} == {"QD-2020-000000123"}
        assert "QD-2020-000000123" in texts(made([unit], kind, paper))[0]


def test_what_a_person_reads_on_a_unit_label() -> None:
    ProductCode.objects.create(code="S9999", description="Made-up product for tests", version="1")
    unit = unit_with(abo="AB", rh="-", volume_ml=24.5, collected_on=dt.date(2020, 5, 17))

    for paper in PAPERS_OF[LabelKind.UNIT]:
        (text,) = texts(made([unit], LabelKind.UNIT, paper))
        for said in (
            "G1234 98 654321", "H", "AB", "Rh negative", "S9999000 Made-up product for tests", "24.5 mL",
            "2020-05-17", "Store at ≤ −150 °C", "QD-2020-0000001", "CNQD-2020-0000001", "苏州脐带血库",
        ):  # fmt: skip
            assert said in text, (paper, said)


def test_a_chinese_label_brings_its_face() -> None:
    pdf = made([unit_with(rh="+")], LabelKind.UNIT, PaperKind.ROLL, language="zh-hans")

    (text,) = texts(pdf)
    assert "Rh 阳性" in text
    assert "保存" in text
    assert b"/FontFile" in pdf


def test_segments_are_counted_and_each_has_its_label() -> None:
    pdf = made([unit_with(), unit_with(din="", unit_no="U2")], LabelKind.SEGMENT, PaperKind.SMALL, 3)

    found = texts(pdf)
    assert len(found) == 6
    assert ["Segment 1 of 3" in found[0], "Segment 3 of 3" in found[2], "U2" in found[3]] == [True] * 3


def test_a_sheet_holds_24_and_the_25th_begins_another() -> None:
    units = [unit_with(din="", unit_no=f"U{number:03d}") for number in range(25)]

    found = read(made(units, LabelKind.UNIT, PaperKind.SHEET))

    assert [len({text for _symbology, text in page}) for page in found] == [24, 1]


@pytest.mark.parametrize("paper", list(PaperKind))
def test_the_page_is_as_large_as_the_paper(paper: PaperKind) -> None:
    kind = LabelKind.UNIT if paper == PaperKind.ROLL else LabelKind.SEGMENT
    with pypdfium2.PdfDocument(made([unit_with()], kind, paper)) as found:
        width, height = found[0].get_size()

    size = PAPERS[paper]
    assert (width / MM, height / MM) == pytest.approx((size.page_width, size.page_height), abs=0.1)


@pytest.mark.parametrize("paper", PAPERS_OF_PLACES)
def test_labels_of_a_canister_and_its_slots(paper: PaperKind) -> None:
    canister, slots = canister_with(2)

    pages = read(printing.place_labels([canister, *slots], paper, "en"))

    assert {text for page in pages for _symbology, text in page} == {"T1-R3-C2", "T1-R3-C2-01", "T1-R3-C2-02"}


def canister_with(slots: int) -> tuple[StorageNode, list[Slot]]:
    bank, node = BankFactory(code="TB"), None
    for kind, code in (("site", "S1"), ("tank", "T1"), ("rack", "R3"), ("canister", "C2")):
        node = StorageNode.objects.create(bank=bank, kind=kind, parent=node, code=code)
    assert node
    return node, [Slot.objects.create(canister=node, position=n + 1) for n in range(slots)]


@pytest.mark.parametrize("text", ["A" * 17, "U1", "=G12349865432100", "T1-R3-C2-07"])
def test_modules_are_those_of_the_symbology(text: str) -> None:
    row, square = barcodes.code128(text), barcodes.data_matrix(text)

    assert row[0]
    assert row[-1]
    assert (len(row) - 13) % 11 == 0
    assert len(square) == len(square[0])
    assert all(square[-1])  # the solid borders of the finder, left and below
    assert all(line[0] for line in square)
    dark = sum(width * height for _x, _y, width, height in barcodes.rectangles(square, 1, 1))
    assert dark == sum(map(sum, square))


def test_a_long_description_is_cut_and_a_long_place_keeps_its_matrix() -> None:
    ProductCode.objects.create(code="S9999", description="made-up words " * 30, version="1")
    (text,) = texts(made([unit_with(abo="", rh="")], LabelKind.UNIT, PaperKind.SHEET))
    assert "…" in text

    bank, node = BankFactory(code="TB"), None
    codes = (("site", "S1"), ("tank", "TANKNUMBER1234567890"), ("rack", "RACKNUMBER1234567890"))
    for kind, code in codes:
        node = StorageNode.objects.create(bank=bank, kind=kind, parent=node, code=code)
    (found,) = read(printing.place_labels([node], PaperKind.SMALL, "en"))
    assert found == [("DataMatrix", "TANKNUMBER1234567890-RACKNUMBER1234567890")]


@pytest.mark.parametrize("code", ["", "-", "T1-R3-C2-07", "T1-R3-²", "X1-R3-C2", "R3"])
def test_what_is_no_number_of_a_place_of_labels(code: str) -> None:
    canister_with(7)

    assert StorageNode.objects.numbered(code) is None
    assert [str(StorageNode.objects.numbered(text)) for text in ("t1", "T1-R3", "t1-r3-c2")] == [
        "Tank T1",
        "Rack R3",
        "Canister C2",
    ]
