"""HFX, JSON sets, folders and zips."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hla.frequencies import sources
from tests.hla.frequencies.test_tables import SEVERAL, TOY, TWO, content_of, read, refused

TABLE = "Haplo,Count,Freq\n" + TWO
RESOLUTIONS = [{"locus": "A", "resolution": "g"}, {"locus": "B", "resolution": "g"}]


def metadata(**values: Any) -> dict[str, Any]:
    return {
        "outputResolution": RESOLUTIONS,
        "cohortDescription": {"population": [{"name": "TOY"}]},
        "nomenclatureUsed": {"database": "IPD-IMGT/HLA", "version": "2.16.0"},
        "frequencyLocation": "file://toy.csv",
        "frequencyFileHeader": {"haplotype": "Haplo", "frequency": "Freq", "count": "Count"},
        "checkSum": hashlib.md5(TABLE.encode()).hexdigest().upper(),
        **values,
    }


@pytest.fixture
def hfx(tmp_path: Path) -> Any:
    def write(content: str = TABLE, table: str = "toy.csv", **values: Any) -> Path:
        (tmp_path / table).write_text(content)
        path = tmp_path / "toy.hfx-metadata.json"
        path.write_text(json.dumps({"metadata": metadata(**values)}))
        return path

    return write


def test_hfx_is_read_with_what_its_metadata_say(hfx: Any, tmp_path: Path) -> None:
    found, notes = read(hfx())

    assert content_of(found) == TOY
    assert (found.resolution, found.release, notes) == ("g", "2.16.0", ["release"])
    assert read(tmp_path)[0].checksum == found.checksum
    packed = tmp_path / "toy.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.mkdir("toy")
        for name in ("toy.csv", "toy.hfx-metadata.json"):
            archive.write(tmp_path / name, f"toy/{name}")
    assert read(packed)[0].checksum == found.checksum


def test_what_is_given_stands_above_what_the_file_says(hfx: Any) -> None:
    found, notes = read(hfx(), release="3.58.0", resolution="allele", population="EUR")

    assert (found.release, found.resolution) == ("3.58.0", "allele")
    assert notes == ["population", "release_differs"]
    assert read(hfx(), release="2.16.0")[1] == []


def test_names_with_marks_stand_above_the_metadata(hfx: Any) -> None:
    content = TABLE.replace("01:01~", "01:01P~")
    found, notes = read(hfx(content, checkSum=""))

    assert (found.resolution, notes) == ("P", ["checksum_unchecked", "release", "resolution_differs"])


def test_a_file_that_is_not_the_one_described(hfx: Any) -> None:
    path = hfx(checkSum="0" * 32)
    error = refused(path)

    assert (error.code, error.params["expected"]) == ("checksum", "0" * 32)
    assert "--ignore-checksum" in str(error)
    assert read(path, ignore_checksum=True)[1] == ["checksum_ignored", "release"]


def test_metadata_with_little_in_them(hfx: Any) -> None:
    nothing = {
        "outputResolution": "?",
        "cohortDescription": {"population": "?"},
        "nomenclatureUsed": "?",
        "frequencyFileHeader": "?",
    }
    found, notes = read(hfx(**nothing))
    mixed = [*RESOLUTIONS, {"locus": "C", "resolution": "P"}, {"locus": "KIR", "resolution": "G"}, "?"]

    assert (found.resolution, found.release, notes) == ("allele", "", [])
    assert read(hfx(cohortDescription="?", outputResolution=mixed))[0].resolution == "mixed"
    assert read(hfx(cohortDescription={"population": ["?", {}]}))[1] == ["release"]


@pytest.mark.parametrize(
    "location",
    [
        "file://other.csv",
        "file:///",
        "https://example.org/other.csv",
        "../toy.csv/..",
        "file://..%2Fnone.csv",
    ],
)
def test_the_table_must_stand_beside_the_metadata(hfx: Any, location: str) -> None:
    assert refused(hfx(frequencyLocation=location)).code == "location"


@pytest.mark.parametrize(
    "location", ["toy.csv", "https://example.org/sets/toy.csv", "file:///etc/../toy.csv", "..\\toy.csv"]
)
def test_only_the_last_name_of_its_location_counts(hfx: Any, location: str) -> None:
    assert content_of(read(hfx(frequencyLocation=location))[0]) == TOY


def test_the_columns_are_those_that_the_metadata_promise(hfx: Any) -> None:
    other = {"haplotype": "H", "frequency": "F"}
    content = "H,F\nA*01:01,1\n"

    assert len(read(hfx(content, frequencyFileHeader=other, checkSum=None))[0]) == 1
    assert refused(hfx(frequencyFileHeader=other)).code == "header"
    assert refused(hfx(TWO, checkSum=None)).code == "header"


def test_the_table_of_hfx_may_be_a_spreadsheet(hfx: Any, tmp_path: Path) -> None:
    from tests.hla.frequencies.sheets import rows_xml, write_xlsx

    path = hfx(frequencyLocation="file://t.xlsx", checkSum=None)
    write_xlsx(tmp_path / "t.xlsx", rows_xml([["Haplo", "Freq"], ["A*01:01~B*08:01", 1]]))

    assert len(read(path)[0]) == 1


def test_hfx_may_hold_its_frequencies(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    data = [{"haplotype": name, "frequency": frequency} for name, frequency in TOY]
    path.write_text(json.dumps({"metadata": metadata(frequencyLocation="inline"), "frequencyData": data}))

    assert content_of(read(path)[0]) == TOY
    path.write_text(json.dumps({"metadata": metadata(frequencyLocation="inline")}))
    assert refused(path).params["missing"] == "frequencyLocation"


def json_set(**values: Any) -> str:
    records = [
        {"a": "01:01", "b": "B*08:01", "frequency": 0.6},
        {"A": "*02:01", "B": "07:02", "Frequency": "0.4", "count": 4},
    ]
    return json.dumps({"nomenclatureVersion": "3580", "frequencies": records, **values})


def test_a_json_set_is_read(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    path.write_text(
        json_set(donPool=["CN1"], ethn=["HAN"], populationId=7, typingCategory="Large_G", other=None)
    )
    found, notes = read_both(path)

    assert content_of(found) == TOY
    assert (found.release, found.resolution) == ("3.58.0", "G")
    assert notes["population"] == {"found": "CN1 HAN 7"}
    path.write_text(json_set(nomenclatureVersion="3.58", donPool=None))
    found, notes = read_both(path)
    assert (found.release, found.resolution, list(notes)) == ("3.58", "allele", ["release"])
    path.write_text(json_set(nomenclatureVersion=None))
    assert read_both(path)[0].release == ""


def read_both(path: Path) -> tuple[Any, dict[str, Any]]:
    from hla.frequencies.files import read_set

    found, notes = read_set(path, name="toy", population="TOY")
    return found, {note.code: note.params for note in notes}


@pytest.mark.parametrize(
    ("records", "code", "params"),
    [
        ([], "empty", {}),
        (["A*01:01"], "haplotype", {"line": 1, "place": "Entry"}),
        ([{"a": "01:01"}], "frequency_blank", {"line": 1}),
        ([{"a": "01:01", "frequency": float("nan")}], "frequency_infinite", {"line": 1}),
        ([{"a": "01:01", "frequency": float("-inf")}], "frequency_infinite", {}),
        ([{"a": "01:01", "frequency": True}], "frequency", {}),
        ([{"a": "01:01", "frequency": [1]}], "frequency", {}),
        ([{"a": "01:01", "frequency": "1"}, {"a": 101, "frequency": 1}], "name_number", {"line": 2}),
        ([{"a": None, "frequency": 1}], "name", {"line": 1}),
        ([{"a": "B*08:01", "frequency": 1}], "name_other_locus", {"text": "B*08:01"}),
        ([{"mica": "002", "frequency": 1}], "unknown_locus", {"text": "mica"}),
        ([{"frequency": 1}], "haplotype", {}),
        ([{"haplotype": 3, "frequency": 1}], "haplotype", {}),
    ],
)
def test_records_that_are_refused(
    tmp_path: Path, records: list[Any], code: str, params: dict[str, Any]
) -> None:
    path = tmp_path / "toy.json"
    path.write_text(json_set(frequencies=records))
    error = refused(path)

    assert error.code == code
    assert {name: error.params[name] for name in params} == params


@pytest.mark.parametrize(
    ("content", "code", "missing"),
    [
        ('{"frequencies": []', "json", None),
        ('{"frequencies": [], "frequencies": []}', "json", None),
        ('{"frequencies": [{"a": "01:01", "A": "02:01", "frequency": 1}]}', "json", None),
        ('{"a":' * 100_000, "json", None),
        ("{}", "json_form", "nomenclatureVersion, frequencies"),
        ('{"nomenclatureVersion": "3580", "frequencies": {}}', "json_form", "a list of frequencies"),
        ('{"frequencies": "\0"}', "nul", None),
        ('{"metadata": {}}', "json_form", "frequencyLocation"),
    ],
)
def test_json_that_is_no_set(tmp_path: Path, content: str, code: str, missing: str | None) -> None:
    path = tmp_path / "toy.json"
    path.write_text(content)
    error = refused(path)

    assert (error.code, error.params.get("missing")) == (code, missing)


def test_a_folder_or_zip_with_one_table(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "zip_empty"
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "toy.csv").write_text(TWO)
    assert content_of(read(tmp_path)[0]) == TOY
    (tmp_path / "two.csv").write_text(SEVERAL)
    assert refused(tmp_path).params["found"] == "toy.csv, two.csv"


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def test_zips_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    inner = zipped(path, toy_csv=TWO.encode()).read_bytes()

    assert refused(zipped(path, toy_csv=inner)).code in ("nul", "encoding")  # a zip in a zip is not opened
    broken = bytearray(inner)
    broken[50] ^= 255
    path.write_bytes(broken)
    assert refused(path).code == "zip"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    assert refused(path).code == "zip"
    location = {"metadata": metadata(frequencyLocation="file://none.csv")}
    assert refused(zipped(path, a_json=json.dumps(location).encode())).code == "location"
    monkeypatch.setattr(sources, "MAX_BYTES", 1 << 20)
    assert refused(zipped(path, toy_csv=bytes(2 << 20))).code == "too_large"
    monkeypatch.setattr(sources, "MAX_MEMBERS", 1)
    assert refused(zipped(path, a_csv=b"", b_csv=b"")).code == "too_many"


def test_a_place_is_asked_only_for_what_it_has(tmp_path: Path) -> None:
    from hla.frequencies.errors import FrequencyError

    place = sources.Zip(zipped(tmp_path / "a.zip", toy_csv=b"").read_bytes(), "a.zip")

    with pytest.raises(FrequencyError, match="not in a"):
        place.read("other.csv")
