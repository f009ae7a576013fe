"""Reference data: loaded once, one in use, the file of the host only a copy of the row."""

from __future__ import annotations

import hashlib
import shutil
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core import audit
from core import reference as core_reference
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry
from core.roles import Role
from hla.compiled import MAGIC
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from matching import reference, services
from matching.models import CiwdTableVersion, MacTableVersion, NomenclatureRelease, Rereading
from matching.services import reference as reference_service
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import ACTOR
from tests.matching.conftest import MAC

pytestmark = pytest.mark.django_db


def test_a_search_looks_at_once_which_release_is_in_use(db: None) -> None:
    """Another process put it to use a moment ago; pages may lag some seconds, a search must not."""
    assert reference.resolver().nomenclature.release == "built-in"
    content = Nomenclature.builtin().to_bytes()
    builtin_row(
        "3.99.0", compiled=content, compiled_sha256=hashlib.sha256(content).hexdigest(), is_active=True
    )
    looked: list[str] = []
    reference._nomenclature.decode = lambda data: looked.append("decoded") or Nomenclature.from_bytes(data)

    try:
        reference.resolver()
        assert looked == []
        reference.resolver(look=True)
        assert looked == ["decoded"]
    finally:
        reference._nomenclature.decode = Nomenclature.from_bytes


def builtin_row(version: str, **values: Any) -> NomenclatureRelease:
    return NomenclatureRelease.objects.create(
        **{
            "version": version,
            "checksum": version,
            "compiled": b"",
            "compiled_sha256": "0" * 64,
            "compiled_bytes": 0,
            "origin": "test",
            "entries": 0,
            "loaded_by": "test",
            **values,
        }
    )


def test_without_anything_loaded_the_builtin_nomenclature_holds(at_once: None) -> None:
    assert reference.active_nomenclature() is None
    assert reference.active_mac() is None
    assert core_reference.nomenclature().release == "built-in"
    assert core_reference.mac_table() is EMPTY_MAC


def test_a_mac_table_is_loaded_and_used(at_once: None, mac_file: Path) -> None:
    row = services.mac_load(path=mac_file, actor=ACTOR)

    table = core_reference.mac_table()
    assert (row.version, row.entries, row.is_active, row.loaded_by) == ("11/20/26", 2, True, ACTOR.label)
    assert table.expand("A", "02", "AB") == ["02:01", "02:02"]
    assert reference.resolver().mac is table
    assert AuditEntry.objects.get(action="reference.load").after["is_active"] is True


def test_the_same_content_is_one_row(mac_file: Path) -> None:
    first = services.mac_load(path=mac_file, actor=ACTOR, activate=False)
    again = services.mac_load(path=mac_file, actor=ACTOR, activate=False)

    assert first == again
    assert not first.is_active
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("damaged", [b"", b"QHLA-mac-0", b"cut short"])
@pytest.mark.parametrize("activate", [True, False])
def test_loading_again_cures_bytes_that_cannot_be_read(
    at_once: None,
    mac_file: Path,
    damaged: bytes,
    activate: bool,
    django_capture_on_commit_callbacks: Any,
) -> None:
    row = services.mac_load(path=mac_file, actor=ACTOR)
    sound, sha256 = bytes(row.compiled), row.compiled_sha256
    shutil.rmtree(reference.folder(), ignore_errors=True)
    broken = hashlib.sha256(damaged).hexdigest()
    MacTableVersion.objects.update(compiled=damaged, compiled_sha256=broken, compiled_bytes=len(damaged))
    reference.forget()
    with pytest.raises(Conflict, match="Load them again"):
        core_reference.mac_table()

    with django_capture_on_commit_callbacks(execute=True):
        again = services.mac_load(path=mac_file, actor=ACTOR, activate=activate)

    assert again == row
    stored = MacTableVersion.objects.get()
    assert (bytes(stored.compiled), stored.compiled_sha256) == (sound, sha256)
    assert (stored.compiled_bytes, stored.is_active) == (len(sound), True)
    entry = AuditEntry.objects.get(action="reference.renew")
    assert entry.before == {"compiled_sha256": broken, "compiled_bytes": len(damaged)}
    assert entry.after["compiled_sha256"] == sha256
    assert core_reference.mac_table().expand("A", "02", "AB") == ["02:01", "02:02"]


def test_loading_again_may_put_it_to_use(mac_file: Path) -> None:
    services.mac_load(path=mac_file, actor=ACTOR, activate=False)

    row = services.mac_load(path=mac_file, actor=ACTOR)

    assert MacTableVersion.objects.active().get() == row
    assert list(AuditEntry.objects.order_by("at").values_list("action", flat=True)) == [
        "reference.load",
        "reference.activate",
    ]


def test_one_is_in_use_at_a_time(at_once: None, mac_file: Path) -> None:
    first = services.mac_load(path=mac_file, actor=ACTOR)
    mac_file.write_text(MAC.replace("AB\t01/02", "AB\t05/06"))
    second = services.mac_load(path=mac_file, actor=ACTOR)
    assert core_reference.mac_table().expand("A", "02", "AB") == ["02:05", "02:06"]

    services.mac_activate(table=first, actor=ACTOR)

    assert core_reference.mac_table().expand("A", "02", "AB") == ["02:01", "02:02"]
    assert list(MacTableVersion.objects.active()) == [first]
    second.refresh_from_db()
    assert not second.is_active
    with pytest.raises(Conflict, match="11/20/26"):
        services.mac_activate(table=first, actor=ACTOR)


def test_releases_are_put_to_use_likewise() -> None:
    old, new = builtin_row("1.0.0", is_active=True), builtin_row("2.0.0")

    services.release_activate(release=new, actor=ACTOR)

    assert list(NomenclatureRelease.objects.active()) == [new]
    assert str(old) == "1.0.0"


def test_the_database_allows_one_in_use() -> None:
    builtin_row("1.0.0", is_active=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        builtin_row("2.0.0", is_active=True)


def test_the_one_that_lost_a_race_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another process had put a third release to use between the two updates."""
    row = builtin_row("1.0.0")
    builtin_row("2.0.0", is_active=True)
    honest = type(NomenclatureRelease.objects.all()).update

    def update(self: Any, **values: Any) -> int:
        return 0 if values == {"is_active": False} else honest(self, **values)

    monkeypatch.setattr(type(NomenclatureRelease.objects.all()), "update", update)
    with pytest.raises(Conflict) as caught:
        services.release_activate(release=row, actor=ACTOR)

    assert caught.value.code == "activated_meanwhile"


def test_nothing_is_kept_when_the_audit_entry_fails(mac_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        services.mac_load(path=mac_file, actor=ACTOR)

    assert not MacTableVersion.objects.exists()


@pytest.mark.parametrize("damage", [None, b"", b"garbage"])
def test_the_file_of_the_host_is_made_anew_from_the_row(
    at_once: None, mac_file: Path, damage: bytes | None
) -> None:
    services.mac_load(path=mac_file, actor=ACTOR)
    core_reference.mac_table()
    (path,) = reference.folder().glob("mactableversion-*")
    content = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    reference.forget()

    assert core_reference.mac_table().expand("A", "02", "AB") == ["02:01", "02:02"]
    assert path.read_bytes() == content


def test_another_process_reads_the_file_and_not_the_row(
    at_once: None, mac_file: Path, django_assert_num_queries: Any
) -> None:
    services.mac_load(path=mac_file, actor=ACTOR)
    core_reference.mac_table()
    reference.forget()

    with django_assert_num_queries(1):
        core_reference.mac_table()


OTHER_MAKE = b'{"release": "3.40.0", "loci": {"A": {"names": []}}}'


@pytest.mark.parametrize(
    "content",
    [b"QHLA-release-0", MAGIC + hashlib.sha256(OTHER_MAKE).digest() + zlib.compress(OTHER_MAKE)],
    ids=["format", "make"],
)
def test_data_compiled_by_another_version_are_not_replaced_silently(
    at_once: None, mac_file: Path, content: bytes
) -> None:
    builtin_row(
        "3.40.0", compiled=content, compiled_sha256=hashlib.sha256(content).hexdigest(), is_active=True
    )

    with pytest.raises(Conflict, match=r"3\.40\.0 were compiled by another version") as caught:
        core_reference.nomenclature()

    assert caught.value.code == "reference_outdated"
    services.mac_load(path=mac_file, actor=ACTOR)  # loading must go on working


def test_the_database_is_asked_at_most_every_few_seconds(
    mac_file: Path, django_assert_num_queries: Any
) -> None:
    core_reference.mac_table()
    core_reference.nomenclature()

    with django_assert_num_queries(0):
        for _ in range(50):
            core_reference.mac_table()
            core_reference.nomenclature()


def test_what_is_no_reference_data_is_refused_in_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "bad.txt").write_text("this is no table")

    for load, path, code in (
        (services.release_load, tmp_path / "missing", "release_folder_missing"),
        (services.release_load, empty, "release_unreadable"),
        (services.mac_load, tmp_path / "missing", "mac_file_missing"),
        (services.mac_load, tmp_path / "bad.txt", "mac_unreadable"),
    ):
        with pytest.raises(InvalidInput) as caught:
            load(path=path, actor=ACTOR)
        assert caught.value.code == code
        assert caught.value.field == "path"
        assert "%(" not in caught.value.message


def test_a_compiled_release_is_loaded_and_used(
    at_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in one stands in for a compiled release: what a folder compiles to is the kernel's test."""
    compiled = Nomenclature.builtin()
    monkeypatch.setattr("matching.services.reference.compile_release", lambda path: compiled)

    row = services.release_load(path=tmp_path, actor=ACTOR)

    assert (row.version, row.checksum, row.entries) == (compiled.release, compiled.checksum, compiled.size)
    active = reference.active_nomenclature()
    assert active is not None
    assert active.checksum == compiled.checksum
    assert reference.resolver().nomenclature is active


def test_common_alleles_are_loaded_and_warn(at_once: None, ciwd_file: Path, tmp_path: Path) -> None:
    assert core_reference.ciwd_table() is None
    row = services.ciwd_load(path=ciwd_file, actor=ACTOR)

    table = core_reference.ciwd_table()
    assert (row.version, row.entries, row.is_active) == ("3.0.0", 2, True)
    assert table is not None
    assert table.category("A", "24:09N") == "WD"
    assert reference.resolver(look=True).ciwd is table
    other = tmp_path / "ciwd.4.0.0.csv"
    other.write_text("ALLELE,TOTAL\nA*02:01,I\n")
    services.ciwd_load(path=other, actor=ACTOR)
    services.ciwd_activate(table=row, actor=ACTOR)
    assert list(CiwdTableVersion.objects.active()) == [row]


def test_common_alleles_change_no_results(ciwd_file: Path) -> None:
    """Origin and snapshot name what decides a result; a table that only warns is not among it."""
    before = reference.in_use()

    services.ciwd_load(path=ciwd_file, actor=ACTOR)

    assert reference.in_use() == before
    assert not Rereading.objects.exists()


@pytest.mark.parametrize("step", ["_activate", "audit"])
def test_what_fails_in_the_middle_leaves_the_one_in_use(
    at_once: None, mac_file: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = services.mac_load(path=mac_file, actor=ACTOR)
    mac_file.write_text(MAC.replace("AB\t01/02", "AB\t05/06"))

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no more disk")

    target = (audit, "record") if step == "audit" else (reference_service, "rereading_start")
    monkeypatch.setattr(*target, broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        services.mac_load(path=mac_file, actor=ACTOR)

    assert list(MacTableVersion.objects.all()) == [first]
    assert list(MacTableVersion.objects.active()) == [first]
    assert core_reference.mac_table().expand("A", "02", "AB") == ["02:01", "02:02"]


def test_lists_leave_the_bytes_out_and_are_for_those_who_may_see_them(mac_file: Path) -> None:
    services.mac_load(path=mac_file, actor=ACTOR)
    person = member_of(HospitalFactory())

    (row,) = MacTableVersion.objects.visible_to(person)

    assert row.get_deferred_fields() == {"compiled"}
    assert not MacTableVersion.objects.visible_to(UserFactory(roles=[Role.SHIPPING])).exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_putting_two_releases_to_use_at_once_leave_one_in_use() -> None:
    rows = [builtin_row("1.0.0"), builtin_row("2.0.0")]
    builtin_row("0.9.0", is_active=True)
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def activate(row: NomenclatureRelease) -> None:
        try:
            barrier.wait(10)
            services.release_activate(release=row, actor=ACTOR)
            outcomes.append("done")
        except Conflict as conflict:
            outcomes.append(conflict.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=activate, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert NomenclatureRelease.objects.active().count() == 1
    assert "done" in outcomes
    assert set(outcomes) <= {"done", "activated_meanwhile"}
