"""One row against the documented columns: all of its findings at once, each beside its column."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank.imports import files, invent
from bank.imports.errors import FileError
from bank.imports.rows import Checked, RowChecker
from bank.imports.typings import TypingReader
from bank.limits import Limits, cd34_percent, held_reasons
from core.reference import builtin_nomenclature
from hla.mac import EMPTY_MAC
from hla.resolve import resolver_for
from hla.typing import Typing, read_gl

BUILTIN = resolver_for(builtin_nomenclature(), EMPTY_MAC)
TODAY = dt.date(2026, 3, 1)
GOOD = {
    "unit_no": "U-1",
    "din": "G1234 98 654321 H",
    "collected_on": "2020-05-17",
    "sex": "F",
    "abo": "AB",
    "rh": "neg",
    "population": "uig:1 + han:3",
    "volume_ml": "24.5",
    "tnc_e7": "130",
    "cd34_e6": "3.9",
    "segments": "3",
    "status": "QUARANTINE",
    "A_1": "A*11:01",
    "A_2": "A*24:02",
    "B_1": "B*40:01",
    "B_2": "B*46:XX",
    "DRB1_1": "DRB1*09:01",
    "DRB1_2": "",
}


def check(*rows: dict[str, str], bank: str = "TB", seed: int | None = None) -> Checked:
    header = list(rows[0])
    lines = [",".join(header), *(",".join(row[name] for name in header) for row in rows)]
    return checked("\n".join(lines), bank=bank, seed=seed)


def checked(text: str, *, bank: str = "TB", seed: int | None = None, limits: Limits | None = None) -> Checked:
    reader = TypingReader(BUILTIN)
    return RowChecker(reader, limits or Limits(), TODAY, bank, seed).check(files.read(text.encode()))


def found(result: Checked) -> list[tuple[str, str]]:
    return [(finding.column, finding.code) for finding in result.findings]


def test_a_good_row() -> None:
    result = check(GOOD)

    row = result.rows[0]
    assert (result.total, result.findings) == (1, [])
    assert (row.unit_no, row.status, row.held) == ("U-1", "QUARANTINE", [])
    assert row.values["din"] == "G123498654321"
    assert row.values["collected_on"] == dt.date(2020, 5, 17)
    assert (row.values["sex"], row.values["abo"], row.values["rh"]) == ("F", "AB", "-")
    assert row.values["population"] == "HAN:0.75+UIG:0.25"
    assert (row.values["volume_ml"], row.values["tnc_e7"], row.values["cd34_e6"]) == (24.5, 130.0, 3.9)
    assert (row.typing["B"].first, row.typing["B"].second) == ("B*40:01", "B*46:XX")
    assert (row.typing["DRB1"].first, row.typing["DRB1"].second) == ("DRB1*09:01", "")


def test_status_is_listed_where_the_file_does_not_say() -> None:
    assert check(GOOD | {"status": ""}).rows[0].status == "LISTED"


@pytest.mark.parametrize(
    ("column", "text", "code", "words"),
    [
        ("unit_no", "", "required", "needed"),
        ("unit_no", "X" * 18, "unit_no_form", "17"),
        ("unit_no", "=1+1", "unit_no_form", "=1+1"),
        ("unit_no", "-U1", "unit_no_form", "-U1"),
        ("din", "G123498654321J", "din_check_wrong", "is H, not J"),
        ("din", "G123498654321", "din_check_missing", "it is H"),
        ("din", "@SUM(A1)", "din_form", "G1234 98 654321 H"),
        ("collected_on", "17.05.2020", "date_form", "YYYY-MM-DD"),
        ("collected_on", "2020-13-01", "date_form", "YYYY-MM-DD"),
        ("collected_on", "20200517", "date_form", "YYYY-MM-DD"),
        ("collected_on", "2026-03-02", "date_future", "future"),
        ("collected_on", "1979-12-31", "date_too_old", "1980"),
        ("sex", "x", "choice_unknown", "F, M"),
        ("abo", "C", "choice_unknown", "A, B, AB, O"),
        ("rh", "=+", "choice_unknown", "pos, neg"),
        ("population", "HAN+UIG", "population_weight_missing", "HAN:0.5+UIG:0.5"),
        ("population", "汉族", "population_code", "frequency sets"),
        ("volume_ml", "0", "number_range", "mL"),
        ("volume_ml", "-3", "number_range", "impossible"),
        ("volume_ml", "2000", "number_range", "1000"),
        ("tnc_e7", "1200000000", "number_range", "×10⁷"),
        ("tnc_e7", "1e999", "number_range", "impossible"),
        ("tnc_e7", "12;5", "number_form", "decimal point"),
        ("tnc_e7", "nan", "number_form", "number"),
        ("tnc_e7", "inf", "number_form", "number"),
        ("tnc_e7", "١٢", "number_form", "number"),
        ("tnc_e7", "1" * 400, "number_form", "number"),
        ("cd34_e6", "1301", "cd34_above_tnc", "Check the units"),
        ("segments", "2.5", "whole_number_form", "whole"),
        ("segments", "100", "whole_number_range", "99"),
        ("segments", "-1", "whole_number_range", "0"),
        ("status", "RESERVED", "choice_unknown", "LISTED, QUARANTINE"),
        ("A_1", "A*24000", "old_name", "A*24:00:0"),
        ("A_2", "B*07:02", "wrong_locus", "HLA-B"),
        ("B_1", "B*40:AB", "unknown_mac", "AB"),
        ("DRB1_2", "garbage", "missing_locus", ""),
    ],
)
def test_each_bad_cell_is_named(column: str, text: str, code: str, words: str) -> None:
    result = check(GOOD | {column: text})

    assert result.rows == []
    assert column in {place for place, _code in found(result)}
    if code != "missing_locus":  # the parser's own words for rubbish may differ
        assert (column, code) in found(result)
    assert words in result.findings[0].text
    assert result.findings[0].line == 2


def test_all_findings_of_a_row_come_at_once() -> None:
    bad = {"din": "nonsense", "sex": "?", "tnc_e7": "-1", "A_1": "A*02:1x", "A_2": "A*", "B_1": "C*01:02"}

    assert {column for column, _code in found(check(GOOD | bad))} == {
        "din", "sex", "tnc_e7", "A_1", "A_2", "B_1",
    }  # fmt: skip


def test_header_in_any_case_and_order() -> None:
    result = checked("ABO,Unit_No,drb1_1\nA,u7,DRB1*09:01\n")

    assert result.rows[0].unit_no == "U7"
    assert set(result.rows[0].typing) == {"DRB1"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("unit_no,colour", "column_unknown"),
        ("unit_no,abo,ABO", "column_twice"),
        ("unit_no,", "column_unknown"),
    ],
)
def test_a_wrong_header_is_refused(header: str, code: str) -> None:
    with pytest.raises(FileError) as caught:
        checked(f"{header}\nU1,A,A\n")

    assert caught.value.finding.code == code
    assert caught.value.finding.line == 1
    assert caught.value.finding.text


def test_a_row_with_other_cells_than_the_header() -> None:
    assert found(checked("unit_no,abo\nU1,A,B\nU2\nU3,A\n")) == [("", "cells_count"), ("", "cells_count")]


def test_one_file_one_bank() -> None:
    result = check({"unit_no": "U1", "bank": "TB"}, {"unit_no": "U2", "bank": "XX"})

    assert found(result) == [("bank", "bank_differs")]


def test_gl_row() -> None:
    result = checked("D1%A*02:XX+A*11:01^C*UUUU+C*UUUU^B*13:02+B*44:02/B*44:03^HLA-DRB1*07:01\n", seed=1)

    row = result.rows[0]
    assert set(row.typing) == {"A", "B", "DRB1"}
    assert row.typing["B"].second == "B*44:02/B*44:03"
    assert row.invented
    assert 60 <= row.values["tnc_e7"] <= 400


@pytest.mark.parametrize(
    ("gl", "column", "code"),
    [
        ("A*02:01+B*07:02", "A", "wrong_locus"),
        ("Q*02:01", "gl", "unknown_locus"),
        ("A*02:01^A*03:01", "A", "duplicate_locus"),
        ("A*02:01+A*03:01+A*11:01", "A", "too_many_values"),
        ("A*02:01|A*02:ZZZZ", "A", "unknown_mac"),
        ("kir#1.0#A*02:01", "gl", "gl_code"),
        ("A*02:ZZZZ", "A", "unknown_mac"),
    ],
)
def test_gl_errors_name_the_locus(gl: str, column: str, code: str) -> None:
    result = checked(f"D1%{gl}\n")

    assert result.rows == []
    place, got = found(result)[0]
    assert place == column
    assert got == code


@pytest.mark.parametrize(
    ("gl", "first", "second", "reported"),
    [
        ("A*02:01+A*24:02", "A*02:01", "A*24:02", {"A": ("A*02:01", "A*24:02")}),
        ("A2+A24", "A2", "A24", {"gl": ("A2+A24", "")}),
        (
            "A*02:01+A*24:02|A*02:05+A*24:03",
            "A*02:01|A*02:05",
            "A*24:02|A*24:03",
            {"gl": ("A*02:01+A*24:02|A*02:05+A*24:03", "")},
        ),
        ("hla#3.58.0#A*0201", "A*02:01", "", {"gl": ("hla#3.58.0#A*0201", "")}),
    ],
)
def test_every_form_of_a_gl_line(
    gl: str, first: str, second: str, reported: dict[str, tuple[str, str]]
) -> None:
    (row,) = checked(f"D1%{gl}\n").rows

    assert (row.typing["A"].first, row.typing["A"].second) == (first, second)
    assert row.as_typed == reported
    assert "A2" in row.tags


def test_antigens_beside_dna_in_a_file() -> None:
    text = (
        "unit_no,A_1,A_2,A_ser_1,A_ser_2,B_ser_1\nU1,A*02:01,A*24:02,A2,A24,B60\nU2,A*02:01,A*24:02,A2,A3,\n"
    )

    good, bad = checked(text).rows

    assert good.typing["A"].serology == ("A2", "A24")
    assert good.typing["B"].first == "B60"
    assert good.conflicts == ()
    assert [note.code for note in bad.conflicts] == ["typing_conflict"]
    assert bad.as_typed["A_ser"] == ("A2", "A3")
    assert found(checked("unit_no,A_ser_1\nU1,A4711\n"))[0] == ("A_ser_1", "unknown_antigen")


@pytest.mark.parametrize("text", ["unit_no,A_1,A_2\nU1,A*02:01,-\n", "D1%A*02:01\n"])
def test_a_blank_beside_one_value_means_what_the_file_says(text: str) -> None:
    for blank, second, noted in (("unknown", "", []), ("homozygous", "A*02:01", ["homozygous"])):
        reader = TypingReader(BUILTIN, blank=blank)
        (row,) = RowChecker(reader, Limits(), TODAY, "TB", None).check(files.read(text.encode())).rows
        assert row.typing["A"].second == second
        assert [note.code for note in row.typing["A"].notes] == noted


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("A*02:01,A*24:02,A*02:05,A24", [("A_ser_1", "serology_needed")]),
        ("A1,A24,A2,A24", [("A_ser_1", "serology_twice")]),
        ("A2,A24,A24,A2", []),
        (",,A2,A24", []),
        ("UUUU,UUUU,A2,A24", []),
        ("A*02:01,A*24:02,UUUU,", []),
    ],
)
def test_serology_columns_hold_antigens_once(cells: str, expected: list[tuple[str, str]]) -> None:
    result = checked(f"unit_no,A_1,A_2,A_ser_1,A_ser_2\nU1,{cells}\n")

    assert found(result) == expected
    for row in result.rows:
        gl = Typing.of(row.typing.values()).gl()
        read = read_gl(gl, BUILTIN)
        assert (read.typing.gl(), read.errors) == (gl, ())


def test_another_meaning_of_a_blank_is_another_row() -> None:
    text = "unit_no,A_1,A_2\nU1,A*02:01,\nU2,A*02:01,A*24:02\n"
    rows = {}
    for blank in ("unknown", "homozygous"):
        reader = TypingReader(BUILTIN, blank=blank)
        rows[blank] = RowChecker(reader, Limits(), TODAY, "TB", None).check(files.read(text.encode())).rows

    assert rows["unknown"][0].digest != rows["homozygous"][0].digest
    assert rows["unknown"][1].digest == rows["homozygous"][1].digest


def test_antigens_beside_dna_in_a_gl_line() -> None:
    (row,) = checked("D1%A*02:01+A*24:02^A2+A3\n").rows

    assert [note.params["text"] for note in row.conflicts] == ["A2+A3"]


def test_counts_are_invented_for_gl_files_only() -> None:
    with pytest.raises(FileError) as caught:
        check(GOOD, seed=1)

    assert caught.value.finding.code == "counts_only_for_gl"


def test_invented_counts_depend_on_seed_and_number_alone() -> None:
    assert invent.counts(1, "D1") == invent.counts(1, "D1")
    assert invent.counts(1, "D1") != invent.counts(2, "D1")
    assert invent.counts(1, "D1") != invent.counts(1, "D2")


def test_digest_does_not_see_spaces_order_or_status() -> None:
    one = check(GOOD).rows[0]
    other = check({name: f" {text} " for name, text in reversed(GOOD.items())} | {"status": "LISTED"}).rows[0]

    assert one.digest == other.digest
    assert one.digest != check(GOOD | {"segments": "2"}).rows[0].digest
    assert one.digest != check(GOOD | {"A_1": "A*11:02"}).rows[0].digest


def test_the_digest_sees_a_population_and_knows_rows_from_before_there_was_one() -> None:
    """The hash of a row without the column is the one under which earlier files were imported."""
    without = {name: text for name, text in GOOD.items() if name != "population"}
    digests = [check(row).rows[0].digest for row in (GOOD, GOOD | {"population": "HAN"}, without)]

    assert len(set(digests)) == 3
    assert digests[2] == check(GOOD | {"population": ""}).rows[0].digest
    assert digests[2] == "b85fdf739a81b57ff5ca2849b163ffdb"


@pytest.mark.parametrize(
    ("tnc", "cd34", "codes"),
    [
        ("130", "3.9", []),
        ("20", "0.5", []),
        ("19.9", "0.5", ["tnc_implausible"]),
        ("500", "5", []),
        ("500.1", "5", ["tnc_implausible"]),
        ("100", "0.19", ["cd34_ratio_implausible"]),
        ("100", "0.2", []),
        ("100", "30", []),
        ("100", "30.1", ["cd34_ratio_implausible"]),
        ("100", "", []),
        ("", "3", ["tnc_missing"]),
        ("12", "5", ["tnc_implausible", "cd34_ratio_implausible"]),
    ],
)
def test_implausible_counts_are_held_not_refused(tnc: str, cd34: str, codes: list[str]) -> None:
    row = check(GOOD | {"tnc_e7": tnc, "cd34_e6": cd34, "status": "LISTED"}).rows[0]

    assert [reason["code"] for reason in row.held] == codes
    assert row.status == ("QUARANTINE" if codes else "LISTED")


def test_a_unit_without_a_required_locus_comes_in_as_it_is() -> None:
    row = check(GOOD | {"B_1": "", "B_2": "", "DRB1_1": "", "status": ""}).rows[0]

    assert (row.status, row.held, set(row.typing)) == ("LISTED", [], {"A"})


def test_limits_are_settings_not_constants() -> None:
    assert held_reasons(12, None, Limits(tnc_e7_min=10)) == []


def test_cd34_share() -> None:
    assert cd34_percent(130, 3.9) == pytest.approx(0.3)


@settings(deadline=None)  # a machine under load is no finding
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=5))
def test_no_cell_text_breaks_the_checker(cells: list[tuple[str, str]]) -> None:
    lines = ["unit_no,A_1"] + [f'"{a}","{b}"'.replace("\0", "") for a, b in cells]
    try:
        result = checked("\n".join(lines).encode("utf-8", "replace").decode())
        findings = result.findings
    except FileError as error:
        findings = [error.finding]

    assert all(finding.text for finding in findings)
