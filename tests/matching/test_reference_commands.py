"""Reference data and searches from the shell, and by programs without a database."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from hla import cache
from hla.nomenclature import Nomenclature
from matching import reference, services
from matching.models import MatchRequest
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient

pytestmark = pytest.mark.django_db


def test_commands_load_and_say_what(
    mac_file: Path, ciwd_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = Nomenclature.builtin()
    monkeypatch.setattr("matching.services.reference.compile_release", lambda path: compiled)
    out = StringIO()

    call_command("load_mac", str(mac_file), stdout=out)
    call_command("load_hla_release", str(tmp_path), "--keep-inactive", stdout=out)
    call_command("load_ciwd", str(ciwd_file), stdout=out)

    assert "CIWD 3.0.0: 2 names, in use." in out.getvalue()
    assert "Multiple allele codes 11/20/26: 2 codes, in use." in out.getvalue()
    assert "loaded, not in use" in out.getvalue()


@pytest.mark.parametrize(
    ("command", "path", "words"),
    [
        ("load_mac", "ftp://example.org/numer.v3.txt", "only http, https and file"),
        ("load_mac", "/nowhere", "does not exist"),
        ("load_mac", "file:///nowhere", "No such file"),
        ("load_hla_release", "file:///nowhere/imgt/", "no folder and no readable zip"),
        ("load_hla_release", "file://elsewhere/imgt/", "names no other computer"),
        ("load_hla_release", "/nowhere", "does not exist"),
        ("load_hla_release", "http://[", "http://… cannot be fetched: Invalid IPv6 URL"),
        ("load_hla_release", "https://me:secret@[::1/imgt.zip", "https://… cannot be fetched: Invalid"),
        ("load_mac", "http://[", "http://… cannot be fetched: Invalid IPv6 URL"),
        ("load_ciwd", "file://[", "file://… cannot be fetched: Invalid IPv6 URL"),
        ("load_ciwd", "/nowhere", "does not exist"),
    ],
)
def test_commands_refuse_in_words(command: str, path: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command(command, path)


def test_search_from_the_shell_without_waiting() -> None:
    out = StringIO()

    call_command("search_request", typed_patient().code, "--wait", "0", stdout=out)

    assert "submitted." in out.getvalue()
    assert MatchRequest.objects.get().donor_types == ["cord"]


def test_search_from_the_shell_asks_for_donors_too() -> None:
    call_command(
        "search_request", typed_patient().code, "--donors", "adult,cord", "--wait", "0", stdout=StringIO()
    )

    assert MatchRequest.objects.get().donor_types == ["cord", "adult"]


def test_search_from_the_shell_says_why_it_cannot() -> None:
    patient = typed_patient(weight_kg=None)

    with pytest.raises(CommandError, match="There is no patient nobody"):
        call_command("search_request", "nobody")
    with pytest.raises(CommandError, match="weight"):
        call_command("search_request", str(patient.pk), "--min-tnc", "2.5")
    with pytest.raises(CommandError, match="adult donors"):
        call_command("search_request", patient.code, "--donors", "cats")
    with pytest.raises(CommandError, match="Is a worker running"):
        call_command("search_request", patient.code, "--wait", "0.1", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_search_from_the_shell_prints_the_counts(celery_worker: None) -> None:
    with transaction.atomic():
        ListedUnitFactory()
    out = StringIO()

    call_command("search_request", typed_patient().code, "--wait", "20", stdout=out)

    assert "antigen6: 6: 1 (1 certain)" in out.getvalue()
    assert "1 candidates, 1 kept." in out.getvalue()


def test_search_from_the_shell_tells_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models import Job
    from matching.management.commands import search_request

    class Failed:
        objects = Job.objects
        State = Job.State

    monkeypatch.setattr(search_request, "Job", Failed)
    monkeypatch.setattr(Job, "is_open", False)
    with pytest.raises(CommandError, match="The search was queued"):
        call_command("search_request", typed_patient().code, stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_programs_without_a_database_see_what_is_in_use(mac_file: Path, at_once: None) -> None:
    """hla_explain and its like read var/hla/active.json and the file that it names."""
    active = reference.folder() / cache.ACTIVE
    services.mac_load(path=mac_file, actor=ACTOR)
    noted = cache.read_notes(active)

    assert noted["nomenclature"] is None
    assert len(cache.Cache(reference.folder(), pytest.fail).mac(None)) == 2

    active.unlink()
    reference.forget()
    assert reference.active_mac() is not None
    assert cache.read_notes(active)["mac"] == noted["mac"]


def test_a_folder_that_cannot_be_written_keeps_nobody_from_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache, "write_file", refuse)
    cache_file = reference.folder() / cache.ACTIVE
    cache_file.unlink(missing_ok=True)

    reference.changed()
    assert not cache_file.exists()
