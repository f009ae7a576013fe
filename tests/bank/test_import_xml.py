"""WMDA-style XML: every element in its column, the unit of the counts asked for, nothing hostile taken."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bank import wmda
from bank.choices import CountUnit
from bank.imports import files, safe_xml
from bank.imports.errors import FileError
from bank.imports.report import ImportReport
from bank.models import CordBloodUnit, HaemoglobinopathyResult, HlaTyping, ImportBatch, Measurement
from bank.services_import import units_import
from core.audit import Actor
from hla.mac import EMPTY_MAC
from tests.bank.exchange_files import HEAD, cbu, inventory, typed

pytestmark = pytest.mark.django_db


def take_in(*units: str, counts: CountUnit | None = CountUnit.E8, **more: Any) -> ImportReport:
    options = {"today": dt.date(2026, 3, 1), "mac": EMPTY_MAC, "actor": Actor.system("test"), **more}
    options = {"declaration": "released before", **options}
    return units_import(data=inventory(*units), file_name="a.xml", counts=counts, **options)


def findings(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.column, finding.code) for finding in report.findings]


def _code(data: bytes, **options: Any) -> str:
    with pytest.raises(FileError) as caught:
        files.read(data, **options)
    assert caught.value.finding.text
    return caught.value.finding.code


def test_every_element_comes_into_its_column() -> None:
    report = take_in(
        cbu(
            SEX="F", ABO="O", RHESUS="N", COLL_DATE="2020-05-17", VOL_FRZN="24", TNC_FRZN="13.05", CD34PC_FRZN="4.2",
            ATT_SEG="2", PROD_MOD="RBR", PROC_METH_TYPE="SPX", HEMO_STATUS="DN", VIABILITY="92",
            BAG_ID="G123498654321H",
        )
    )  # fmt: skip

    assert (findings(report), report.imported, report.held, report.kind) == ([], 1, 0, "xml")
    unit = CordBloodUnit.objects.get()
    assert (unit.unit_no, unit.sex, unit.abo, unit.rh, str(unit.collected_on)) == (
        "U1",
        "F",
        "O",
        "-",
        "2020-05-17",
    )
    assert (unit.volume_ml, unit.tnc_e7, unit.cd34_e6, unit.segments) == (24, 130.5, 4.2, 2)
    assert (unit.red_cells, unit.processing_method, unit.din) == ("depleted", "Sepax", "G123498654321")
    assert (unit.hla_a_1, unit.hla_b_2, unit.status) == ("A*11:01", "B*46:01", "LISTED")
    assert Measurement.objects.get(analyte="viability").value == 92
    screen = HaemoglobinopathyResult.objects.get()
    assert (screen.result, screen.method) == ("not_found", "HEMO_STATUS DN")
    assert ImportBatch.objects.get().kind == "xml"


@pytest.mark.parametrize(
    ("counts", "tnc", "cd34"),
    [(CountUnit.E8, "13.05", "4.2"), (CountUnit.E7, "130.5", "4.2"), (CountUnit.CELLS, "1.305E9", "4200000")],
)
def test_counts_mean_what_the_person_says(counts: CountUnit, tnc: str, cd34: str) -> None:
    take_in(cbu(TNC_FRZN=tnc, CD34PC_FRZN=cd34), counts=counts)

    assert CordBloodUnit.objects.values_list("tnc_e7", "cd34_e6").get() == (130.5, 4.2)


def test_without_a_word_about_counts_nothing_is_read() -> None:
    assert findings(take_in(cbu(TNC_FRZN="13"), counts=None)) == [(0, "", "count_unit_needed")]
    assert take_in(cbu(), counts=None).imported == 1  # no counts, no question


def test_the_wrong_word_is_held_by_the_limits_of_what_is_plausible() -> None:
    report = take_in(cbu(TNC_FRZN="130", CD34PC_FRZN="4"), counts=CountUnit.E8)

    assert (report.imported, report.held) == (1, 1)
    assert CordBloodUnit.objects.get().held_reasons[0]["code"] == "tnc_implausible"


def test_typings_by_dna_and_serology_and_of_the_mother() -> None:
    hla = typed(
        {
            "A": ("01:01/01:02", "UUUU"),
            "B": ("40:XX", ""),
            "DRB1": ("*09:01", "*15:01"),
            "DRB4": ("NNNN", "NNNN"),
        },
        {"A": ("1", ""), "C": ("7", "4"), "DQB1": ("DQ6", "")},
    )

    report = take_in(cbu(hla=hla, MAT=f"<HLA>{typed({'A': ('01:01', '33:03')})}</HLA>"))

    assert findings(report) == []
    unit, mother = HlaTyping.objects.order_by("-subject")
    assert unit.canonical_gl.startswith("A*01:01/A*01:02^B*40:XX^C")
    assert "Cw" in unit.canonical_gl
    assert "DQ6" in unit.canonical_gl
    assert unit.canonical_gl.endswith("^A1")
    assert (mother.subject, mother.canonical_gl) == ("mother", "A*01:01+A*33:03")


@pytest.mark.parametrize(("status", "kept"), [("AV", "LISTED"), ("RS", "QUARANTINE"), ("TU", "QUARANTINE")])
def test_only_what_is_on_offer_there_is_on_offer_here(status: str, kept: str) -> None:
    take_in(cbu(status=status, TNC_FRZN="13"))

    assert CordBloodUnit.objects.get().status == kept


def test_all_findings_at_once_by_unit_and_element() -> None:
    report = take_in(
        cbu("U1", status="DE"),
        cbu("U2", status="??"),
        cbu("U3", status=""),
        "<DONOR><ID>D1</ID></DONOR>",
        cbu("U5", TNC_FRZN="many", SEX="X", RHESUS="?", COLL_DATE="01.02.2020", HEMO_STATUS="ZZ"),
        cbu("U6").replace("</CBU>", "<ID>U7</ID></CBU>"),
        cbu("U8", hla=typed({"A": ("99:9999", "24:02")})),
        cbu("U9", TNC_FRZN="13"),
    )

    assert findings(report) == [
        (1, "STATUS", "unit_deleted"),
        (2, "STATUS", "choice_unknown"),
        (3, "STATUS", "required"),
        (4, "DONOR", "adult_donor"),
        (5, "HEMO_STATUS", "choice_unknown"),
        (5, "COLL_DATE", "date_form"),
        (5, "SEX", "choice_unknown"),
        (5, "RHESUS", "choice_unknown"),
        (5, "TNC_FRZN", "number_form"),
        (6, "ID", "element_twice"),
        (7, "HLA/A/DNA/FIELD1", "unknown_allele"),
    ]
    assert (report.rows, report.imported, report.failed) == (8, 1, 7)
    assert not CordBloodUnit.objects.exists()


def test_what_is_not_read_is_named() -> None:
    report = take_in(cbu(IDM="<CMV>P</CMV>", TNC="20", GRID="x", MAT="<IDM><CMV>P</CMV></IDM>"))

    assert report.ignored == ("GRID", "IDM", "MAT/IDM/CMV", "TNC")
    assert report.as_dict()["ignored"] == list(report.ignored)


def test_the_same_file_again_changes_nothing() -> None:
    first, second = take_in(cbu(TNC_FRZN="13")), take_in(cbu(TNC_FRZN="13.0"))

    assert (first.imported, second.unchanged, second.findings) == (1, 1, [])


def test_namespaces_gb18030_and_a_byte_order_mark() -> None:
    plain = inventory(cbu(), head="").decode()
    spaced = plain.replace("<INVENTORIES ", '<w:INVENTORIES xmlns:w="urn:x" ').replace(
        "</INVENTORIES>", "</w:INVENTORIES>"
    )
    chinese = f'<?xml version="1.0" encoding="GB18030"?><!-- 上海脐带血 -->{plain}'.encode("gb18030")

    for data in (spaced.encode(), chinese, b"\xef\xbb\xbf" + plain.encode(), b"\n\n" + plain.encode()):
        assert files.read(data).rows == files.read(plain.encode()).rows


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (f'{HEAD}<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><INVENTORIES>&l9;</INVENTORIES>', "xml_entities"),
        (f'{HEAD}<!DOCTYPE x SYSTEM "file:///etc/passwd"><INVENTORIES/>', "xml_entities"),
        (
            f'{HEAD}<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><INVENTORIES>&e;</INVENTORIES>',
            "xml_entities",
        ),
        (f"{HEAD}<INVENTORIES>&nbsp;</INVENTORIES>", "xml_broken"),
        (f"{HEAD}<INVENTORIES><INVENTORY>", "xml_broken"),
        ("<", "xml_broken"),
        ("<INVENTORIES>&#0;</INVENTORIES>", "xml_broken"),
        ("<INVENTORIES>&#xD800;</INVENTORIES>", "xml_broken"),
        ("<html><CBU><ID>U1</ID></CBU></html>", "xml_other"),
        (f"{HEAD}<INVENTORIES><INVENTORY/></INVENTORIES>", "xml_no_units"),
        ("<INVENTORIES>" + "<a>" * 50 + "</a>" * 50 + "</INVENTORIES>", "xml_too_deep"),
        (inventory(cbu(ATTR="x" * 200_001)).decode(), "cell_too_long"),
    ],
)
def test_what_is_hostile_or_broken_is_named(data: str, code: str) -> None:
    assert _code(data.encode()) == code


def test_too_many_units_or_elements_are_stopped_early(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _code(inventory(cbu("U1"), cbu("U2")), max_rows=1) == "too_many_rows"
    monkeypatch.setattr(safe_xml, "_LEAST_PARTS", 10)
    monkeypatch.setattr(safe_xml, "PARTS_PER_ROW", 5)
    assert _code(inventory("<a/>" * 100), max_rows=2) == "too_many_rows"


def test_an_encoding_that_nobody_knows_is_said() -> None:
    class Nothing:
        def start(self, tag: str, attrib: dict[str, str]) -> None: ...

        def end(self, tag: str) -> None: ...

        def data(self, text: str) -> None: ...

    with pytest.raises(FileError) as caught:
        safe_xml.push([b'<?xml version="1.0" encoding="gb18030"?><a/>'], Nothing())

    assert caught.value.finding.code in ("xml_encoding", "xml_broken")


@pytest.mark.parametrize(
    ("method", "device", "ours"),
    [
        ("HES", "MAN", "HES"), ("", "SPX", "Sepax"), ("CEN", "AXP", "AXP"), ("", "MAN", "manual"), ("OTH", "", "other"),
        ("", "OTH", "other"), ("DGS", "", "DGS"), ("", "XYZ", "XYZ"), ("", "", ""), ("", "OTP", "Optipress II"),
    ],
)  # fmt: skip
def test_methods_of_processing(method: str, device: str, ours: str) -> None:
    assert wmda.method_of(method, device) == ours


@pytest.mark.parametrize("method", ["AXP", "Sepax", "HES", "manual", "other", "Optipress II", ""])
def test_a_method_comes_back_as_it_was_written(method: str) -> None:
    assert wmda.method_of(*wmda.method_codes(method)) == method
    assert wmda.method_codes("our own machine") == ("OTH", "OTH")


def test_screens_that_were_not_done_are_none_and_the_others_keep_their_code() -> None:
    take_in(*(cbu(code, TNC_FRZN="13", HEMO_STATUS=code) for code in ("NS", "NC", "DU", "CD", "DT", "DD")))

    found = HaemoglobinopathyResult.objects.values_list("unit__unit_no", "result", "method")
    assert set(found) == {
        ("DU", "trait", "HEMO_STATUS DU"), ("CD", "pending", "HEMO_STATUS CD"),
        ("DT", "disease", "HEMO_STATUS DT"), ("DD", "disease", "HEMO_STATUS DD"),
    }  # fmt: skip
