"""Compiling a release folder: what it must hold, and what is refused."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from hla.antigens import Relation
from hla.compiled import ReleaseNomenclature
from hla.nomenclature import ANY_GROUP, Nomenclature, NomenclatureError
from hla.release import assigned, compile_release
from hla.release_source import gather
from tests.hla import toy_release


def group_names(nomenclature: Nomenclature, locus: str, fields: str, suffix: str = "") -> set[str]:
    members = nomenclature.name(locus, fields, suffix)
    assert members is not None
    return {nomenclature.p_name(locus, group) for group in members.p_groups}


def test_release_says_its_version_and_size(toy: Nomenclature) -> None:
    assert toy.release == "9.99.0"
    assert toy.size == len(toy_release.ALLELES)


def test_names_have_p_groups_or_a_class_of_their_own(toy: Nomenclature) -> None:
    assert group_names(toy, "A", "02:01") == {"A*02:01P"}
    assert group_names(toy, "A", "02:09") == {"A*02:01P"}
    assert group_names(toy, "A", "02:03") == {"A*02:03"}
    assert group_names(toy, "A", "02:18", "Q") == {"A*02:18"}


def test_a_name_without_suffix_stands_for_its_expressed_alleles(toy: Nomenclature) -> None:
    found = toy.name("A", "02:01")

    assert found is not None
    assert found.nulls == ()


def test_a_name_with_suffix_stands_for_its_alleles_with_that_suffix(toy: Nomenclature) -> None:
    null = toy.name("A", "02:01", "N")
    low = toy.name("A", "02:01", "L")

    assert null is not None
    assert null.nulls == ("A*02:01:01:03N",)
    assert not null.p_groups
    assert low is not None
    assert low.p_groups
    assert toy.name("A", "02:01", "Q") is None


def test_families_and_g_groups_keep_their_nulls_aside(toy: Nomenclature) -> None:
    family, group = toy.family("A", "24"), toy.g_group("A", "24:02:01")

    assert family is not None
    assert family.nulls == ("A*24:09N",)
    assert len(family.p_groups) == 2
    assert group is not None
    assert group.nulls == ("A*24:09N",)
    assert toy.family("A", "99") is None
    assert toy.g_group("A", "24:03:01") is None


def test_p_groups(toy: Nomenclature) -> None:
    found = toy.p_group("DPB1", "04:01")

    assert found is not None
    assert {toy.p_name("DPB1", group) for group in found.p_groups} == {"DPB1*04:01P"}
    (group,) = found.p_groups
    assert found.options == {(group, frozenset({"4"})), (group, frozenset({"350"}))}
    assert toy.p_group("A", "02:03") is None


@pytest.mark.parametrize(
    ("allele", "columns", "expected"),
    [
        ("02:01", ["2", "", "", ""], "2"),
        ("02:01", ["", "0/2", "", ""], "2"),
        ("02:01", ["", "", "2/19", "3"], "2/19"),
        ("66:01", ["66", "", "", "26/34"], "66"),
        ("15:99", ["", "", "0/15/70", ""], "15/70"),
        ("44:02", ["0", "", "", "44"], "44"),
        ("12:02", ["?", "", "", "7"], "12"),
        ("17:01", ["", "", "0/?", "7"], "17"),
        ("03:05", ["", "", "", "9"], "9"),
        ("83:01", ["", "", "", ""], "83"),
    ],
)
def test_antigens_are_those_of_the_first_column_filled(
    allele: str, columns: list[str], expected: str
) -> None:
    assert assigned(allele, columns) == expected


def test_relations_of_antigens(toy: Nomenclature) -> None:
    b, a = toy.trees["B"], toy.trees["A"]

    assert b.relation("38", "38") is Relation.EQUAL
    assert b.relation("16", "3901") is Relation.BROAD
    assert b.relation("38", "16") is Relation.SPLIT
    assert b.relation("38", "39") is Relation.SAME_BROAD
    assert b.relation("62", "72") is Relation.DIFFERENT
    assert b.relation("39", "3902") is Relation.ASSOCIATED
    assert b.relation("3901", "39") is Relation.ASSOCIATED
    assert b.relation("3901", "3902") is Relation.SIBLINGS
    assert a.relation("203", "210") is Relation.SIBLINGS
    assert a.relation("2403", "23") is Relation.SAME_BROAD
    assert b.relation("3901", "38") is Relation.SAME_BROAD
    assert toy.trees["DRB3"].parents == {}


def test_withdrawn_names_know_their_successor(toy: Nomenclature) -> None:
    renamed, gone = toy.replacement("A", "02:02"), toy.replacement("A", "02:05")

    assert renamed is not None
    assert (renamed.fields, renamed.reason) == ("02:03", "Sequence identical")
    assert gone is not None
    assert (gone.fields, gone.reason) == ("", "Name never assigned, it seems")
    assert toy.replacement("A", "02:03") is None


@pytest.mark.parametrize(
    ("fields", "nearest"),
    [("02:01:01:99", "A*02:01:01"), ("02:77", "A*02:XX"), ("77:01", "A*24:XX"), ("01:01", "A*02:XX")],
)
def test_nearest_known_name(toy: Nomenclature, fields: str, nearest: str) -> None:
    assert toy.nearest("A", fields) == nearest


def test_names_that_are_unknown_are_not_kept(toy: Nomenclature) -> None:
    """What outsiders may write has no end."""
    assert toy.name("A", "02:01") is toy.name("A", "02:01")
    assert toy.serology("A", "2") is toy.serology("A", "2")
    assert isinstance(toy, ReleaseNomenclature)
    kept = toy._at("A")
    before = len(kept._names), len(kept._serology)

    for number in range(100, 200):
        assert toy.name("A", f"02:{number}:77") is None
        assert toy.serology("A", f"4{number}") is None

    assert (len(kept._names), len(kept._serology)) == before


def test_all_options_of_a_locus(toy: Nomenclature) -> None:
    assert (ANY_GROUP, frozenset({"15", "70"})) in toy.all_options("B")
    assert toy.all_options("DRB1") == {(ANY_GROUP, frozenset({"4"}))}
    assert toy.all_options("B") is toy.all_options("B")


def test_p_group_is_named_where_its_antigens_differ(toy: Nomenclature) -> None:
    one, other = toy.name("B", "51:42"), toy.name("B", "53:62")

    assert one is not None
    assert other is not None
    assert one.p_groups == other.p_groups
    (group,) = one.p_groups
    assert one.options == {(group, frozenset({"51"}))}
    assert other.options == {(group, frozenset({"44"}))}


def test_bytes_and_back(toy: Nomenclature) -> None:
    again = Nomenclature.from_bytes(toy.to_bytes())

    assert isinstance(again, ReleaseNomenclature)
    assert (again.release, again.checksum) == (toy.release, toy.checksum)
    assert again.to_bytes() == toy.to_bytes()
    assert again.name("A", "02:01") == toy.name("A", "02:01")


def test_equal_content_has_equal_checksum(toy: Nomenclature, tmp_path: Path) -> None:
    assert compile_release(toy_release.write(tmp_path)).checksum == toy.checksum


@pytest.mark.parametrize("damage", [b"", b"QHLA-release-1\n", b"x" * 200])
def test_other_bytes_are_refused(damage: bytes) -> None:
    with pytest.raises(NomenclatureError, match="damaged"):
        Nomenclature.from_bytes(damage)


def test_damaged_bytes_are_refused(toy: Nomenclature) -> None:
    data = bytearray(toy.to_bytes())
    data[-10] ^= 1

    with pytest.raises(NomenclatureError, match="damaged"):
        Nomenclature.from_bytes(bytes(data))


def test_a_folder_without_checksums_is_read(tmp_path: Path) -> None:
    assert compile_release(toy_release.write(tmp_path, sums=False)).size


def refusal(folder: Path) -> str:
    with pytest.raises(NomenclatureError) as caught:
        compile_release(folder)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = toy_release.write(tmp_path, hla_nom_p=None)

    assert "no readable file wmda/hla_nom_p.txt" in refusal(folder)


def test_serological_antigens_are_those_named_and_not_withdrawn(toy: Nomenclature) -> None:
    assert toy.serology_names("A") == ("2", "3", "9", "23", "24", "28", "68", "69", "203", "210", "2403")
    assert toy.serology_names("C") == ("3", "7", "9", "10")
    assert toy.serology_names("DRB1") == ("4",)
    assert [toy.serology_names(f"DRB{number}") for number in (3, 4, 5)] == [("52",), ("53",), ("51",)]
    assert toy.serology_names("DPB1") == ("4", "5")
    assert toy.serology_names("DQA1") == ()
    assert "6" not in toy.serology_names("B")  # Bw6 is public


def test_tce_groups_are_kept_as_written(toy: Nomenclature) -> None:
    assert toy.tce("06:01") == ("3", "2a")
    assert toy.tce("350:01") == ("", "3$")
    assert toy.tce("99:99") is None


@pytest.mark.parametrize("below", ["", "9990/", "IMGTHLA-9990/", "a/b/c/"])
def test_a_zip_gives_what_its_folder_gives(toy: Nomenclature, tmp_path: Path, below: str) -> None:
    path = toy_release.write_zip(tmp_path / "release.zip", below=below)

    assert compile_release(path).checksum == toy.checksum


def test_a_zip_is_checked_against_its_checksums(tmp_path: Path) -> None:
    path = toy_release.write_zip(tmp_path / "release.zip", below="9990/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("9990/wmda/md5checksum.txt", f"MD5 (hla_nom.txt) = {'0' * 32}\n")

    assert "wmda/hla_nom.txt is altered" in refusal(path)


@pytest.mark.parametrize("name", ["Allelelist.txt", "Allelelist.9990.txt", "allelelist/Allelelist.9990.txt"])
def test_the_list_of_alleles_may_carry_the_number_of_the_release(
    toy: Nomenclature, tmp_path: Path, name: str
) -> None:
    folder = toy_release.write(tmp_path, sums=False)
    (folder / "allelelist").mkdir()
    (folder / "Allelelist.txt").rename(folder / name)

    assert compile_release(folder).checksum == toy.checksum


def test_without_any_list_of_alleles_the_plain_name_is_asked_for(tmp_path: Path) -> None:
    assert "no readable file Allelelist.txt" in refusal(toy_release.write(tmp_path, Allelelist=None))
    assert "no readable file Allelelist.txt" in refusal(
        toy_release.write(tmp_path, Allelelist=None, hla_nom="A*;02:01;20000101;;;\n")
    )


def test_deleted_alleles_are_optional(toy: Nomenclature, tmp_path: Path) -> None:
    found = compile_release(toy_release.write(tmp_path, Deleted_alleles=None)).replacement("A", "02:05")

    assert found is not None
    assert found.reason == "Never assigned"


def test_a_zip_without_release_or_with_several_is_refused(tmp_path: Path) -> None:
    path = toy_release.write_zip(tmp_path / "empty.zip", hla_nom=None)
    assert "empty.zip holds no wmda/hla_nom.txt" in refusal(path)
    assert "Give the complete folder or zip" in refusal(path)

    for below in ("3570/", "3580/"):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{below}wmda/hla_nom.txt", "")
    assert "several releases (3570/, 3580/)" in refusal(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 and then nothing", b"no zip at all" * 100])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "release.zip"
    path.write_bytes(data)

    assert "release.zip is no folder and no readable zip" in refusal(path)
    assert "fetch it again" in refusal(path)


def test_a_path_that_is_nothing_is_refused(tmp_path: Path) -> None:
    assert "missing.zip is no folder and no readable zip" in refusal(tmp_path / "missing.zip")


def test_a_zip_cut_short_or_damaged_names_the_member(tmp_path: Path) -> None:
    path = toy_release.write_zip(tmp_path / "release.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"wmda/rel_dna_ser.txt") + 60
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)

    assert "wmda/rel_dna_ser.txt in release.zip is damaged or locked" in refusal(path)
    path.write_bytes(data[: len(data) // 2])
    assert "no readable zip" in refusal(path)


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    path = toy_release.write_zip(tmp_path / "release.zip")
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:  # the flag "encrypted" in every entry of the directory
        flags = struct.unpack_from("<H", data, at + 8)[0]
        struct.pack_into("<H", data, at + 8, flags | 1)
        at += 4
    path.write_bytes(data)

    assert "is damaged or locked" in refusal(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.release_source.MAX_BYTES", 1 << 20)
    path = toy_release.write_zip(tmp_path / "bomb.zip", rel_dna_ser="#" * (2 << 20))

    assert "wmda/rel_dna_ser.txt in bomb.zip is larger than 1 MB" in refusal(path)


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.release_source.MAX_BYTES", 1 << 20)

    assert "hla_nom.txt is larger than 1 MB" in refusal(toy_release.write(tmp_path, hla_nom="#" * (2 << 20)))


def test_any_reader_serves_as_source() -> None:
    texts = {name: text.encode() for name, text in toy_release.files().items()}

    assert gather(texts.get).allele_list == "Allelelist.txt"


@pytest.mark.parametrize(
    "line",
    ["DPB1*01:01,DPB1*01:01,4,3,", "DPA1*01:03,DPA1*01:03,3,3,", "DPB1*01:01,3", "DPB1*01:01,x,3,2b,"],
)
def test_a_tce_line_that_says_something_else_is_refused(tmp_path: Path, line: str) -> None:
    text = toy_release.files()["tce/dpb_tce.csv"] + line + "\n"

    assert "of tce/dpb_tce.csv is not an allele" in refusal(toy_release.write(tmp_path, dpb_tce=text))


def test_the_tce_table_must_have_the_alleles_of_the_release(tmp_path: Path) -> None:
    text = toy_release.files()["tce/dpb_tce.csv"]
    more, less = text + "DPB1*999:01,DPB1*999:01,3,3,\n", text.replace("DPB1*05:01,", "# ")

    assert "hla_nom.txt lacks DPB1*999:01" in refusal(toy_release.write(tmp_path / "a", dpb_tce=more))
    assert "dpb_tce.csv lacks DPB1*05:01" in refusal(toy_release.write(tmp_path / "b", dpb_tce=less))


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    folder = toy_release.write(tmp_path)
    with (folder / "wmda" / "hla_nom.txt").open("a") as file:
        file.write("A*;02:99;20000101;;;\n")

    assert "wmda/hla_nom.txt is altered" in refusal(folder)


def test_files_of_two_versions_are_refused(tmp_path: Path) -> None:
    text = toy_release.files()["Allelelist.txt"].replace("9.99.0", "9.98.0")

    assert "different versions" in refusal(toy_release.write(tmp_path, Allelelist=text))


def test_a_file_without_version_is_refused(tmp_path: Path) -> None:
    assert "does not name its version" in refusal(toy_release.write(tmp_path, Allelelist="AlleleID\n"))


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    folder = toy_release.write(tmp_path, sums=False)
    (folder / "Allelelist.txt").write_bytes(b"\xff\xfe\x00")

    assert "Allelelist.txt is not a text file" in refusal(folder)


def test_a_line_with_too_few_columns_is_named(tmp_path: Path) -> None:
    text = toy_release.files()["wmda/hla_nom.txt"] + "A*;02:99\n"

    assert "columns, not 6" in refusal(toy_release.write(tmp_path, hla_nom=text))


@pytest.mark.parametrize(
    ("name", "key", "line", "message"),
    [
        ("Allelelist.txt", "Allelelist", "HLA77777,A*02:99", "hla_nom.txt lacks A*02:99"),
        ("wmda/hla_nom.txt", "hla_nom", "A*;02:99;20000101;;;", "Allelelist.txt lacks A*02:99"),
    ],
)
def test_files_must_speak_of_the_same_alleles(
    tmp_path: Path, name: str, key: str, line: str, message: str
) -> None:
    text = toy_release.files()[name] + line + "\n"

    assert message in refusal(toy_release.write(tmp_path, **{key: text}))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("wmda/hla_nom_g.txt", "hla_nom_g"),
        ("wmda/hla_nom_p.txt", "hla_nom_p"),
        ("wmda/rel_dna_ser.txt", "rel_dna_ser"),
    ],
)
def test_every_allele_has_groups_and_serology(tmp_path: Path, name: str, key: str) -> None:
    text = "".join(
        line for line in toy_release.files()[name].splitlines(keepends=True) if "DQB1*;03:02" not in line
    )

    assert f"{name} lacks DQB1*03:02" in refusal(toy_release.write(tmp_path, **{key: text}))


def test_a_locus_without_alleles_is_refused(tmp_path: Path) -> None:
    text = "".join(
        line
        for line in toy_release.files()["wmda/hla_nom.txt"].splitlines(keepends=True)
        if "DRB5" not in line
    )

    assert "no allele of HLA-DRB5" in refusal(toy_release.write(tmp_path, hla_nom=text))


def test_malformed_names_are_refused(tmp_path: Path) -> None:
    texts = {
        name.rsplit("/", 1)[-1].removesuffix(".txt"): text.replace("83:01", "8301")
        for name, text in toy_release.files().items()
    }

    assert "malformed name B*8301" in refusal(toy_release.write(tmp_path, **texts))
