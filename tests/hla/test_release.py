"""Compiling a release folder: what it must hold, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hla.antigens import Relation
from hla.compiled import ReleaseNomenclature
from hla.nomenclature import ANY_GROUP, Nomenclature, NomenclatureError
from hla.release import assigned, compile_release
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
