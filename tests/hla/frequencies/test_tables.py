"""Tables of haplotypes: what is read, what is refused and where."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from hla.frequencies import names, sources
from hla.frequencies.errors import FrequencyError
from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from tests.hla.frequencies.sheets import rows_xml, write_xlsx

HEADER = "Haplo,Count,Freq\n"
TWO = "A*01:01~B*08:01,6,0.6\nA*02:01~B*07:02,4,0.4\n"


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def write(content: str | bytes, name: str = "set.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path: Path, **values: Any) -> tuple[HaplotypeSet, list[str]]:
    found, notes = read_set(path, **{"name": "toy", "population": "TOY", **values})
    return found, [note.code for note in notes]


def refused(path: Path, **values: Any) -> FrequencyError:
    with pytest.raises(FrequencyError) as caught:
        read(path, **values)
    return caught.value


def content_of(found: HaplotypeSet) -> list[tuple[str, float]]:
    return [
        ("~".join(found.names(place)), round(float(found.frequencies[place]), 9))
        for place in range(len(found))
    ]


TOY = [("A*01:01~B*08:01", 0.6), ("A*02:01~B*07:02", 0.4)]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + TWO,
        TWO,
        "A*01:01~B*08:01,0.6\nA*02:01~B*07:02,0.4",
        "\ufeff" + HEADER + TWO,
        HEADER + TWO.replace("\n", "\r\n"),
        "\n,,\n" + HEADER + "\n" + TWO + " , ,\n",
        "haplotype;frequency\nB*08:01^HLA-A*01:01;0.6\nHLA-B*07:02-HLA-A*02:01;4e-1\n",
        "Freq\tHaplo\n0.6\tA*0101~B*0801\n0.4\tA*0201~B*0702\n",
        "HLA-A,B,Freq\n01:01,08:01,0.6\nA*02:01,HLA-B*07:02,0.4\n",
        '"Haplo","Count","Freq"\n"A*01:01~B*08:01","6","0.6"\n"A*02:01~B*07:02","4","0.4"\n',
        HEADER + TWO.replace("~", " ~ "),
    ],
)
def test_the_same_set_in_several_forms(put: Any, content: str) -> None:
    found, _ = read(put(content))

    assert content_of(found) == TOY
    assert (found.resolution, found.release, found.coverage) == ("allele", "", 1.0)
    assert content_of(read(put(gzip.compress(content.encode()), "set.csv.gz"))[0]) == TOY


@pytest.mark.parametrize(
    ("haplotypes", "resolution", "kept"),
    [
        (("A*01:01g~B*08:01", "A*0201g~B*07:02g"), "g", "A*01:01g~B*08:01"),
        (("A*01:01:01G~B*08:01:01G", "A*01:16N~B*08:01:01G"), "G", "A*01:01:01G~B*08:01:01G"),
        (("A*01:01P~B*08:01P", "A*02:01P~B*08:01P"), "P", "A*01:01P~B*08:01P"),
        (("A*01:01P~B*08:01g", "A*02:01P~B*08:01g"), "mixed", "A*01:01P~B*08:01g"),
        (("A*01:01:01:01~B*08:01", "A*24:02:01:02L~B*08:01"), "allele", "A*01:01:01:01~B*08:01"),
        (("A*01010101~Cw*070201", "A*02:01~Cw*03:03"), "allele", "A*01:01:01:01~C*07:02:01"),
    ],
)
def test_names_of_each_resolution(put: Any, haplotypes: tuple[str, str], resolution: str, kept: str) -> None:
    found, _ = read(put(f"{haplotypes[0]},0.7\n{haplotypes[1]},0.3\n"))

    assert found.resolution == resolution
    assert "~".join(found.names(0)) == kept
    assert read(put("A*01:01,1"), resolution="g")[0].resolution == "g"


def test_names_without_colons_are_noted_once(put: Any) -> None:
    _, notes = read_set(put("A*0116N,0.5\nA*0201g,0.5\n"), name="toy", population="TOY")

    assert [(note.code, note.params) for note in notes] == [
        ("colons", {"text": "A*0116N", "name": "A*01:16N"})
    ]


def test_other_loci_are_added_up(put: Any) -> None:
    content = (
        "A*01:01~DRB1*03:01~DRB3*01:01~DPB1*04:01,0.3\n"
        "A*01:01~DRB1*03:01~DRBX*NNNN~DPB1*04:01,0.2\n"
        "A*01:01~DRB1*03:01~DRBX,0.1\n"
        "A*02:01~DRB1*04:01~DRB4*01:03~DPB1*02:01,0.4\n"
    )
    found, notes = read(put(content))

    assert content_of(found) == [("A*01:01~DRB1*03:01", 0.6), ("A*02:01~DRB1*04:01", 0.4)]
    assert notes == ["marginalised"]


def test_a_repeated_haplotype_is_added_up_and_noted(put: Any) -> None:
    found, notes = read(put(TWO.replace("0.4", "0.3") + "B*08:01~A*01:01,1,0.1\n"))

    assert content_of(found) == [("A*01:01~B*08:01", 0.7), ("A*02:01~B*07:02", 0.3)]
    assert notes == ["duplicates"]


def test_frequencies_of_zero_are_left_out(put: Any) -> None:
    found, notes = read(put(TWO + "A*03:01~B*07:02,0,0\nA*03:01~B*08:01,0,NA\n"))

    assert len(found) == 2
    assert notes == ["zero"]


@pytest.mark.parametrize("total", [0.98, 0.99669, 1.00394, 1.02])
def test_a_sum_near_one_is_said_and_divided_out(put: Any, total: float) -> None:
    found, notes = read(put(f"A*01:01,{total - 0.5}\nA*02:01,0.5\n"))

    assert notes == ["normalised"]
    assert found.total == pytest.approx(total)
    assert float(found.frequencies.sum()) == pytest.approx(1, abs=1e-12)
    assert found.coverage == 1.0


def test_a_lower_sum_is_a_truncated_set_if_asked_for(put: Any) -> None:
    path = put("A*01:01,0.4\nA*02:01,0.3\n")
    error = refused(path)
    found, notes = read(path, truncated=True)

    assert (error.code, error.params["total"]) == ("sum_low", "0.7")
    assert "--truncated" in str(error)
    assert (found.coverage, found.total) == (pytest.approx(0.7), pytest.approx(0.7))
    assert notes == ["truncated"]
    assert read(put("A*01:01,1.01"), truncated=True)[0].coverage == 1.0
    assert refused(put("A*01:01,1.03"), truncated=True).code == "sum_high"
    assert refused(put("A*01:01,97.5")).code == "sum_high"


@pytest.mark.parametrize(
    ("content", "code", "params"),
    [
        ("", "empty", {}),
        (HEADER, "empty", {}),
        ("A*01:01,0\n", "empty", {}),
        (HEADER + "A*01:01,1,-0.5\n", "frequency_negative", {"line": 2, "text": "-0.5"}),
        ("A*01:01,0.5\nA*02:01,inf\n", "frequency_infinite", {"line": 2, "text": "inf"}),
        ("A*01:01,nan\n", "frequency_infinite", {"line": 1}),
        ("A*01:01,many\n", "frequency", {"line": 1, "text": "many"}),
        ("A*01:01,1_0\n", "frequency", {"line": 1, "text": "1_0"}),
        ("A*01:01,1\n", "frequency", {"line": 1}),
        ('A*01:01,"0,5"\n', "frequency", {"line": 1}),
        ("A*01:01, \n", "frequency_blank", {"line": 1}),
        (HEADER + "A*01:01\n", "frequency_blank", {"line": 2}),
        ("A*01:01~MICA*002,1\n", "unknown_locus", {"line": 1, "text": "MICA"}),
        ("A*01:01~B,1\n", "name", {"line": 1, "locus": "B", "text": "-"}),
        ("A*01:01~,1\n", "haplotype", {"line": 1}),
        ("A*01:01~*02:01,1\n", "haplotype", {"line": 1}),
        ("DPB1*04:01,1\n", "haplotype", {"line": 1}),
        ("A*01:01,0.5\nA*02:01~B*08:01,0.5\n", "loci_differ", {"line": 2, "found": "A, B", "expected": "A"}),
        ("A*01:01~B*08:01,0.5\nA*02:01,0.5\n", "loci_differ", {"line": 2, "expected": "A, B"}),
        ("A*01:01~A*01:01,1\n", "locus_twice", {"line": 1, "locus": "A"}),
        ("A*01,1\n", "name", {"line": 1, "locus": "A", "text": "01"}),
        ("A*01:XX,1\n", "name", {"line": 1}),
        ("A*01:01G,1\n", "name", {"line": 1}),
        ("A*01:01:01P,1\n", "name", {"line": 1}),
        ("A*01:01/02,1\n", "name", {"line": 1}),
        ("A*01011,1\n", "name", {"line": 1}),
        ("Haplo,Count\nA*01:01,1\n", "header", {"missing": "the frequency"}),
        ("Count,Freq\nA*01:01,1\n", "header", {"missing": "the haplotype"}),
        ("Who,What\n", "header", {"missing": "the haplotype, the frequency"}),
        ("A*01:01~B*08:01,1,1,1\n", "header", {}),
        ("A*01:01~B*08:01\n", "header", {}),
        ("Haplo,Freq,freq\nA*01:01,1,1\n", "header_repeated", {"column": "freq"}),
        ("Haplo,Freq,Frequency\nA*01:01,1,0\n", "header_repeated", {"column": "the frequency"}),
        ("Haplo,Haplotype,Freq\nA*01:01,A*02:01,1\n", "header_repeated", {"column": "the haplotype"}),
        ("Haplo,A,Freq\nA*01:01,02:01,1\n", "header_repeated", {"column": "the haplotype"}),
        ("A,HLA-A,Freq\n01:01,02:01,1\n", "header_repeated", {"column": "HLA-A"}),
        ("A,A_freq,Freq\nB*01:01,1,1\n", "name_other_locus", {"line": 2, "locus": "A"}),
        ("A*01:01,1\0\n", "nul", {"text": "set.csv"}),
        (HEADER.encode("utf-16"), "encoding", {"text": "set.csv"}),
        (b"A*01:01\xff,1\n", "encoding", {}),
        ("A*01:01," + "1" * 200_000, "line", {"line": 1}),
        (gzip.compress(b"A*01:01,1\n", mtime=0)[:-6], "missing", {"text": "set.csv"}),
    ],
)
def test_what_is_refused_and_where(put: Any, content: str | bytes, code: str, params: dict[str, Any]) -> None:
    if content == "A*01:01,1\n":
        content = "A*01:01,１\n"
    error = refused(put(content))

    assert error.code == code
    assert {name: error.params[name] for name in params} == params


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv").code == "missing"
    assert refused(tmp_path / ("x" * 5000)).code == "missing"


def test_columns_that_are_not_used_are_noted(put: Any) -> None:
    assert read(put("Haplo,Freq,Rank,Source\nA*01:01,1,1,here\n"))[1] == ["columns"]


SEVERAL = "A,EUR_freq,EUR_rank,API_freq,API_rank\n01:01,0.6,1,0,NA\n02:01,0.4,2,1,1\n"


def test_one_of_several_populations_is_chosen(put: Any) -> None:
    path = put(SEVERAL)

    assert content_of(read(path, population="eur")[0]) == [("A*01:01", 0.6), ("A*02:01", 0.4)]
    assert content_of(read(path, population="CHN", column="API")[0]) == [("A*02:01", 1.0)]
    assert content_of(read(path, population="CHN", column="api_freq")[0]) == [("A*02:01", 1.0)]
    assert read(path, population="CHN", column="API")[1] == ["population", "zero"]
    error = refused(path)
    assert (error.code, error.params["found"]) == ("population", "EUR, API")
    assert refused(put("A,EUR_freq\n01:01,1\n"), column="API").code == "population"
    assert read(put("A,EUR_freq\n01:01,1\n"))[1] == ["population"]


def test_no_more_haplotypes_than_any_set_has(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MAX_HAPLOTYPES", 1)

    assert refused(put(TWO)).code == "too_many"


def test_no_more_bytes_than_any_set_has(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(2 << 20))

    assert len(bomb) < 10_000
    assert refused(put(bomb)).code == "too_large"
    assert refused(put(bytes(2 << 20))).code == "too_large"


ROWS: list[list[object]] = [
    ["A", "B", "DRB3", "EUR_freq", "EUR_rank", "AFA_freq", "AFA_rank"],
    ["0101g", "0801", "", 0.6, 1, 0, "NA"],
    ["0201g", "0702", "", 0.4, 2, 1, 1],
]


def test_a_spreadsheet_is_read(tmp_path: Path) -> None:
    found, notes = read(write_xlsx(tmp_path / "a.xlsx", rows_xml(ROWS), ""), population="EUR")

    assert content_of(found) == [("A*01:01g~B*08:01", 0.6), ("A*02:01g~B*07:02", 0.4)]
    assert (found.resolution, notes) == ("g", ["colons", "marginalised"])


@pytest.mark.parametrize(
    ("row", "code", "params"),
    [
        ([101, "0801", "", 0.1, 1, 0, 1], "name_number", {"line": 4, "locus": "A", "text": "101.0"}),
        (["0101", "", "", 0.1, 1, 0, 1], "name", {"line": 4, "locus": "B"}),
        (["0101", "0801", "", None, 1, 0, 1], "frequency_blank", {"line": 4}),
        (["0101", "0801", "", "x", 1, 0, 1], "frequency", {"line": 4, "text": "x"}),
        (["0101", "0801", "", -0.1, 1, 0, 1], "frequency_negative", {"line": 4}),
    ],
)
def test_cells_that_are_refused(tmp_path: Path, row: list[object], code: str, params: dict[str, Any]) -> None:
    error = refused(write_xlsx(tmp_path / "a.xlsx", rows_xml([*ROWS, row])), population="EUR")

    assert error.code == code
    assert {name: error.params[name] for name in params} == params


def test_true_is_no_frequency(tmp_path: Path) -> None:
    cells = '<c r="A2" t="inlineStr"><is><t>0101</t></is></c><c r="B2" t="b"><v>1</v></c>'
    sheet = rows_xml([["A", "Freq"]]) + f'<row r="2">{cells}</row>'

    assert refused(write_xlsx(tmp_path / "a.xlsx", sheet)).code == "frequency"


def test_spreadsheets_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    far = rows_xml(ROWS) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    assert refused(write_xlsx(path, far)).params["why"] == "1048576 × 16384 cells"
    assert refused(write_xlsx(path, rows_xml(ROWS), rows_xml(ROWS))).params["found"] == "S1, S2"
    assert refused(write_xlsx(path, rows_xml(ROWS), extra={"xl/workbook.bin": ""})).code == "sheet"
    assert refused(write_xlsx(path, "<broken")).code == "sheet"
    assert refused(write_xlsx(path, "")).code == "empty"
    path.write_bytes(sources.XLS + b"no more")
    assert refused(path).code == "sheet"
    monkeypatch.setattr(sources, "MAX_BYTES", 20_000)
    assert refused(write_xlsx(path, rows_xml(ROWS), extra={"xl/media": "0" * 30_000})).code == "too_large"
    assert (
        refused(write_xlsx(path, rows_xml(ROWS), extra={"xl/1": "0" * 15_000, "xl/2": "0" * 15_000})).code
        == "too_large"
    )
