"""Reference data found by path, version or what the installation uses, and kept as files."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from hla import cache, release
from hla.cache import ACTIVE, Cache, note_active, read_notes, source_key, write_file
from hla.nomenclature import NomenclatureError
from tests.hla import toy_release

CODES = "LAST UPDATED: 11/20/26\nCODE\tSUBTYPE\n\nAB\t01/02\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "hla"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return toy_release.write(tmp_path / "release")


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    path = tmp_path / "numer.txt"
    path.write_text(CODES)
    return path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were compiled."""
    paths: list[Path] = []
    original = release.compile_release

    def noting(path: Path) -> object:
        paths.append(path)
        return original(path)

    monkeypatch.setattr(release, "compile_release", noting)
    return paths


def strict(folder: Path) -> Cache:
    """A cache that may warn of nothing."""
    return Cache(folder, pytest.fail)


def test_a_release_is_compiled_once(folder: Path, source: Path, compiled: list[Path]) -> None:
    first = strict(folder).nomenclature(str(source))
    second = strict(folder).nomenclature(str(source))

    assert compiled == [source]
    assert first.checksum == second.checksum
    assert second.name("A", "02:01")


def test_a_zip_is_compiled_once(folder: Path, tmp_path: Path, compiled: list[Path]) -> None:
    path = toy_release.write_zip(tmp_path / "release.zip")

    assert strict(folder).nomenclature(str(path)).release == "9.99.0"
    assert strict(folder).nomenclature(str(path)).release == "9.99.0"
    assert compiled == [path]


def test_a_changed_source_is_noticed(folder: Path, source: Path, compiled: list[Path]) -> None:
    strict(folder).nomenclature(str(source))
    names = source / "wmda" / "hla_nom.txt"
    os.utime(names, ns=(1, 1))
    strict(folder).nomenclature(str(source))
    (source / "wmda" / "more.txt").write_text("")
    strict(folder).nomenclature(str(source))

    assert len(compiled) == 3


@pytest.mark.parametrize("damage", [None, b"", b"garbage"])
def test_a_damaged_file_is_made_anew(
    folder: Path, source: Path, compiled: list[Path], damage: bytes | None
) -> None:
    strict(folder).nomenclature(str(source))
    (kept,) = folder.glob("nomenclaturerelease-9.99.0-*")
    content = kept.read_bytes()
    if damage is None:
        kept.unlink()
    else:
        kept.write_bytes(damage)

    strict(folder).nomenclature(str(source))

    assert len(compiled) == 2
    assert kept.read_bytes() == content


@pytest.mark.parametrize("damage", ["", "[]", '{"key": 3}', "{"])
def test_damaged_notes_count_as_none(folder: Path, source: Path, compiled: list[Path], damage: str) -> None:
    strict(folder).nomenclature(str(source))
    (notes,) = folder.glob("from-*.json")
    notes.write_text(damage)

    strict(folder).nomenclature(str(source))

    assert len(compiled) == 2


def test_a_version_is_found_after_its_path_was_used(
    folder: Path, source: Path, tmp_path: Path, compiled: list[Path]
) -> None:
    with pytest.raises(NomenclatureError, match=r"9\.99\.0 has not been compiled here \(there are: none\)"):
        strict(folder).nomenclature("9.99.0")

    made = strict(folder).nomenclature(str(source))
    found = strict(folder).nomenclature("9.99.0")

    assert found.checksum == made.checksum
    assert len(compiled) == 1
    with pytest.raises(NomenclatureError, match=r"there are: 9\.99\.0\).*--release PATH"):
        strict(folder).nomenclature("9.98.0")


def test_of_two_files_of_a_version_the_newest_good_one_counts(folder: Path, source: Path) -> None:
    made = strict(folder).nomenclature(str(source))
    bad = folder / "nomenclaturerelease-9.99.0-0123456789abcdef"
    bad.write_bytes(b"of an older form")
    os.utime(bad, (time.time() + 60, time.time() + 60))

    assert strict(folder).nomenclature("9.99.0").checksum == made.checksum


def test_versions_are_listed_by_number(folder: Path) -> None:
    for version in ("3.58.0", "3.9.0", "3.58.0"):
        write_file(
            folder / f"nomenclaturerelease-{version}-{len(os.listdir(folder)) if folder.is_dir() else 0}", b""
        )

    assert strict(folder).versions() == ["3.9.0", "3.58.0"]


def test_codes_are_compiled_once(folder: Path, codes: Path) -> None:
    assert strict(folder).mac(str(codes)).expand("A", "02", "AB") == ["02:01", "02:02"]
    kept = next(folder.glob("mactableversion-*"))
    changed = kept.stat().st_mtime_ns

    assert len(strict(folder).mac(str(codes))) == 1
    assert kept.stat().st_mtime_ns == changed
    assert "11_20_26" in kept.name


def test_nothing_named_is_the_built_in_nomenclature(folder: Path) -> None:
    nothing = strict(folder)

    assert nothing.nomenclature(None).release == "built-in"
    assert (len(nothing.mac(None)), nothing.ciwd()) == (0, None)


def test_nothing_named_is_what_the_installation_uses(
    folder: Path, source: Path, codes: Path, tmp_path: Path
) -> None:
    common = tmp_path / "ciwd.3.0.0.csv"
    common.write_text("ALLELE,TOTAL\nA*02:01,C\n")
    strict(folder).nomenclature(str(source))
    strict(folder).mac(str(codes))
    table = cache.CIWD.compile(common)
    write_file(folder / "ciwdtableversion-x", table.to_bytes())
    for prefix, entry in (("nomenclaturerelease", "nomenclature"), ("mactableversion", "mac")):
        note_active(folder, entry, next(folder.glob(f"{prefix}-*")).name)
    note_active(folder, "ciwd", "ciwdtableversion-x")

    used = strict(folder)

    assert used.nomenclature(None).release == "9.99.0"
    assert len(used.mac(None)) == 1
    found = used.ciwd()
    assert found is not None
    assert found.version == table.version
    assert cache.CIWD.version(found) == table.version


def test_a_note_of_a_file_that_is_gone_is_told(folder: Path) -> None:
    note_active(folder, "nomenclature", "nomenclaturerelease-3.58.0-0000000000000000")
    warnings: list[str] = []

    assert Cache(folder, warnings.append).nomenclature(None).release == "built-in"
    assert "nomenclaturerelease-3.58.0" in warnings[0]


def test_notes_change_one_entry_and_only_if_it_differs(folder: Path) -> None:
    note_active(folder, "mac", "one")
    note_active(folder, "nomenclature", None)
    before = (folder / ACTIVE).stat().st_ino
    note_active(folder, "mac", "one")

    assert read_notes(folder / ACTIVE) == {"mac": "one", "nomenclature": None}
    assert (folder / ACTIVE).stat().st_ino == before


def test_a_folder_that_cannot_be_written_is_no_hindrance(
    tmp_path: Path, source: Path, compiled: list[Path]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    warnings: list[str] = []

    for _ in range(2):
        assert Cache(file / "hla", warnings.append).nomenclature(str(source)).release == "9.99.0"
    assert len(compiled) == 2
    assert "compiled anew each time" in warnings[0]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_file(folder / "file", b"content")
    assert list(folder.iterdir()) == []


def test_a_path_that_is_not_there_is_an_error_with_its_cure(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        NomenclatureError, match=r"nowhere cannot be read \(No such file or directory\)\. Give"
    ):
        strict(folder).nomenclature(str(tmp_path / "nowhere"))
    with pytest.raises(NomenclatureError, match="cannot be read: Is a directory"):
        strict(folder).mac(str(tmp_path))


def test_what_is_no_release_is_an_error(folder: Path, codes: Path) -> None:
    with pytest.raises(NomenclatureError):
        strict(folder).nomenclature(str(codes))


def test_the_key_knows_the_code_that_compiles(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = source_key(source)
    monkeypatch.setattr(cache, "__file__", str(source / "cache.py"))

    assert source_key(source) != before


def test_many_at_once(folder: Path, source: Path) -> None:
    found: list[str] = []

    def use() -> None:
        found.append(strict(folder).nomenclature(str(source)).checksum)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(list(folder.iterdir())) == 2
    assert json.loads(next(folder.glob("from-*")).read_text()).keys() == {"key", "file"}
    assert stat.S_ISREG(next(folder.glob("nomen*")).stat().st_mode)
