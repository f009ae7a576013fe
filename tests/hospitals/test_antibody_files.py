"""Exports of single-antigen tests as programs and people write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hospitals import antibody_files
from hospitals.antibody_files import BeadReading, read_bead_rows, read_bead_text
from hospitals.antibody_remarks import Remark
from hospitals.antibody_tables import Row

pytestmark = pytest.mark.django_db

FUSION = """Session ID,20261101-1
Sample ID,17
Catalog ID,LS1A04

Bead,Allele Specificity,Serologic,Raw,Normal,Rxn
1,"-,-,-",-,35,0,1
2,"-,-,-",-,15200,15165,8
3,"A*24:02,-,-",A24,12100.5,12065.5,8
4,"DQA1*05:01,DQB1*02:01",DQ2,5321,5286.4,8
5,,B60,20,-15,1
"""
LIFECODES = "Probe\tAntigen\tRaw MFI\tBCM\n10\tA24\t12100\t12000\n11\tCw10\t90\t-12,4\n"


def found(reading: BeadReading) -> dict[str, int | None]:
    return {bead.specificity.text: bead.mfi for bead in reading.beads}


def codes(remarks: tuple[Remark, ...]) -> list[tuple[int, str]]:
    return [(remark.line, remark.code) for remark in remarks]


def test_a_fusion_like_export() -> None:
    reading = read_bead_text(FUSION)

    assert found(reading) == {"A*24:02": 12066, "B60": 0, "DQA1*05:01~DQB1*02:01": 5286}
    assert reading.errors == ()
    assert codes(reading.remarks) == [(0, "column_used_of"), (0, "controls"), (0, "below_zero")]
    assert [remark.params.get("lines") for remark in reading.remarks] == [None, "6, 7", "10"]
    assert (reading.beads[0].lines, reading.beads[0].written) == ((8,), "A*24:02,-,-")
    assert "Normal" in reading.remarks[0].text
    assert "Raw" in reading.remarks[0].text


def test_a_lifecodes_like_export() -> None:
    assert found(read_bead_text(LIFECODES)) == {"A24": 12000, "Cw10": 0}
    assert found(read_bead_text(LIFECODES, mfi_column="raw mfi")) == {"A24": 12100, "Cw10": 90}


def test_a_column_that_is_not_there_is_told_those_that_are() -> None:
    reading = read_bead_text(LIFECODES, mfi_column="Mean")

    assert codes(reading.errors) == [(1, "mfi_column_unknown")]
    assert "Probe, Antigen, Raw MFI, BCM" in reading.errors[0].text


@pytest.mark.parametrize(
    "header", ["Antigen", "Specificity", "Allele Specificity", "SEROLOGIC", "特异性", "HLA"]
)
@pytest.mark.parametrize("value", ["MFI", "Normal", "Baseline", "Raw MFI", "Trimmed Mean", "BCM", "荧光强度"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_headers_and_delimiters(header: str, value: str, delimiter: str) -> None:
    text = (
        delimiter.join(["Bead", f'"{header}"', value]) + "\r\n" + delimiter.join(["1", "A24", "512"]) + "\r\n"
    )

    assert found(read_bead_text("\ufeff" + text)) == {"A24": 512}


@pytest.mark.parametrize(
    ("line", "text", "mfi"),
    [
        ("A24 12000", "A24", 12000),
        ("A24\t12000", "A24", 12000),
        ("A24;12000;", "A24", 12000),
        ("HLA-A*24:02 = 77", "A*24:02", 77),
        ("DQA1*05:01, DQB1*02:01; 8000", "DQA1*05:01~DQB1*02:01", 8000),
        ("DR 4 900", "DR4", 900),
        ("DR53 positive", "DR53", None),
        ("DR53 +", "DR53", None),
        ("DR53 阳性", "DR53", None),
        ("A24；500", "A24", 500),
        ("A24 0", "A24", 0),
        ("A24 100000", "A24", 100_000),
        ("A24 99999,5", "A24", 100_000),
        ("A24 0.49", "A24", 0),
        ("A24 0.5", "A24", 1),
        ("A24;12.345,6", "A24", 12346),
        ("A24;1,012,345", None, None),
        ("A24;12,345.6", "A24", 12346),
    ],
)
def test_lines_without_a_header(line: str, text: str | None, mfi: int | None) -> None:
    reading = read_bead_text(line)

    assert found(reading) == ({text: mfi} if text else {})
    assert bool(reading.errors) is (text is None)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("A24", "mfi_missing"),
        ("B 7", "mfi_missing"),
        ("A24;-1", "mfi_negative"),
        ("A24;100000.5", "mfi_too_high"),
        ("A24;many", "missing_locus"),
        ("A24;12,345", "mfi_ambiguous"),
        ("A24;12.345", "mfi_ambiguous"),
        ("A*24:9 5", "malformed"),
        ("Bw4 5000", "public_specificity"),
        ("x" * 500, "too_long"),
        ("", "empty"),
        (";", "empty"),
        ("Antigen;MFI", "empty"),
    ],
)
def test_what_cannot_be_read_is_named(line: str, code: str) -> None:
    reading = read_bead_text(line)

    assert code in [error.code for error in reading.errors]
    assert all(error.text for error in reading.errors)
    assert reading.beads == ()


def test_all_errors_are_told_at_once_with_their_lines() -> None:
    reading = read_bead_text("Antigen;MFI\nA24;5\nA*24:9;x\nB7;\nB8;-3\n;\nB13;1;surplus\n")

    assert codes(reading.errors) == [
        (3, "malformed"),
        (3, "mfi_form"),
        (4, "mfi_missing"),
        (5, "mfi_negative"),
        (7, "cells_count"),
    ]


def test_a_table_with_a_header_that_nobody_knows_is_told_what_is_looked_for() -> None:
    reading = read_bead_text("Perle,Merkmal,Wert\n1,A24,5x\n2,A2,6x\n3,B7,7x\n")

    assert codes(reading.errors)[0] == (0, "header_unknown")
    assert "Allele Specificity" in reading.errors[0].text
    assert {error.line for error in reading.errors} == {0, 1, 2, 3, 4}
    assert codes(read_bead_text("A24 5", mfi_column="Raw").errors) == [(0, "header_unknown")]
    assert "header_unknown" not in [error.code for error in read_bead_text("A24 x\nA2 5\nB7 6").errors]


def test_a_separator_of_thousands_is_told_from_a_decimal_sign_by_the_other_lines() -> None:
    assert found(read_bead_text("A24;12.345\nA2;1234.5")) == {"A24": 12, "A2": 1235}
    assert [error.code for error in read_bead_text("A24;12.345\nA2;999").errors] == ["mfi_ambiguous"]


def test_a_specificity_named_twice_keeps_its_highest_and_says_so() -> None:
    reading = read_bead_text("A24 5\nB7 1\nHLA-A24 9\nA24 positive")

    assert found(reading) == {"A24": 9, "B7": 1}
    assert [(bead.lines, bead.written, bead.called) for bead in reading.beads] == [
        ((1, 3, 4), "HLA-A24", "positive"),  # no number takes that back
        ((2,), "B7", ""),
    ]
    assert codes(reading.remarks) == [(0, "twice")]
    assert "A24" in reading.remarks[0].text
    assert "1, 3, 4" in reading.remarks[0].text


def test_several_on_one_bead_each_get_its_mfi() -> None:
    reading = read_bead_text("Antigen\tMFI\nA1, A2, B7\t700\n")

    assert found(reading) == {"A1": 700, "A2": 700, "B7": 700}
    assert codes(reading.remarks) == [(0, "column_used"), (2, "several")]
    assert {bead.written for bead in reading.beads} == {"A1", "A2", "B7"}


def test_controls_are_left_out_negatives_are_kept_and_both_are_named() -> None:
    reading = read_bead_text("Antigen;MFI\nNC;30\nPos Control;15000\n-;7\nA24;neg\nA2;阴性\nB7;8\n")

    assert found(reading) == {"A2": None, "A24": None, "B7": 8}
    assert {bead.specificity.text: bead.called for bead in reading.beads} == {
        "A2": "negative",
        "A24": "negative",
        "B7": "",
    }
    assert [remark.params.get("lines") for remark in reading.remarks[1:]] == ["2, 3, 4", "5, 6"]


def test_many_lines_are_not_all_listed() -> None:
    reading = read_bead_text("\n".join(f"A{number} neg" for number in (1, 2, 3, 11, 23, 24, 25, 26, 29, 30)))

    assert reading.remarks[0].params["lines"] == "1, 2, 3, 4, 5, 6, 7, 8, … (+2)"


def test_rows_of_several_samples_are_refused() -> None:
    reading = read_bead_text("Sample ID,Antigen,MFI\nx,A24,5\nx,A2,5\ny,A24,6\n")

    assert codes(reading.errors) == [(0, "several_samples")]
    assert read_bead_text("Sample ID,Antigen,MFI\nx,A24,5\nx,A2,5\n").errors == ()


def test_quotation_marks_that_do_not_match_end_the_reading() -> None:
    reading = read_bead_text('Antigen;MFI\nA24;5\n"A2;6\nB7;7\n')

    assert found(reading) == {"A24": 5}
    assert [error.code for error in reading.errors] == ["csv_broken"]


def test_a_list_in_one_line_is_told_how_many_columns_it_has_and_what_to_do() -> None:
    reading = read_bead_text(",".join(["A24", "12000"] * 150))

    (error,) = reading.errors
    assert (error.line, error.code) == (1, "too_many_columns")
    assert "300 columns" in error.text
    assert "a line of its own" in error.text


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(antibody_files, "MAX_LINES", 2)
    assert codes(read_bead_text("A1 5\nA2 5\nA3 5").errors) == [(0, "too_many_lines")]
    monkeypatch.setattr(antibody_files, "MAX_CHARACTERS", 5)
    assert codes(read_bead_text("A1 500").errors) == [(0, "too_long")]
    monkeypatch.setattr("hospitals.choices.MAX_BEADS", 1)
    assert codes(read_bead_rows([Row(1, "A1", "5"), Row(2, "A2", "5")]).errors) == [(0, "too_many_beads")]


@given(
    text=st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(["Antigen", "MFI", ";", ",", "\t", "\n", '"', "A24", "5", "-1", " "])).map(
            "".join
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = read_bead_text(text)

    assert all(remark.text for remark in (*reading.errors, *reading.remarks))
    assert reading.beads or reading.errors or reading.remarks


@pytest.mark.parametrize(
    "line", ["1" * 150 + "," * 89 + "x", "1," * 119, " 1" * 119 + "x", "A24" + ";" * 230, "=" * 239]
)
def test_a_hostile_line_takes_no_time(line: str) -> None:
    began = time.process_time()
    read_bead_text("\n".join([line] * 2_000))

    assert time.process_time() - began < 5
