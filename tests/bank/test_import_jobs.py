"""A file goes by job: checked, confirmed, written once, whatever dies on the way and whatever stands in it."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank import confirming, file_readers, services, services_files, services_import, uploads
from bank.choices_files import FilePurpose, FileTask
from bank.models import Bank, CordBloodUnit, ImportBatch, ImportFile
from bank.services_files import file_confirm, file_execute, file_start
from bank.services_quality import measurement_record
from core import jobs
from core.audit import Actor
from core.errors import Conflict, NotAllowed
from core.models import AuditEntry, Job, User
from core.roles import Role
from tests.bank import exchange_files
from tests.bank.test_import_fuzz import GOOD, spoil, spoilt
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db

ADDRESS = "/units/import/"
HTMX = {"HTTP_HX_REQUEST": "true"}
HEADER = "unit_no,abo,tnc_e7,cd34_e6,A_1,B_1,DRB1_1\n"
ROWS = "".join(f"U{number},A,130,4,A*11:01,B*40:01,DRB1*09:01\n" for number in range(40))
FILE = (HEADER + ROWS).encode()


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "imports"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is so small that anybody waits for it."""
    monkeypatch.setattr(services_files, "SMALL_BYTES", -1)
    monkeypatch.setattr(services_files, "SMALL_PACKED_BYTES", -1)


def start(user: User, data: bytes = FILE, name: str = "units.csv", **choices: Any) -> ImportFile:
    return file_start(
        file=SimpleUploadedFile(name, data),
        purpose=FilePurpose.UNITS,
        choices=uploads.Choices(**choices),
        user=user,
    )


def checked(user: User, data: bytes = FILE, **more: Any) -> ImportFile:
    file = start(user, data, **more)
    file_execute(job_id=file.job_id)
    return ImportFile.objects.get(pk=file.pk)


def confirmed(file: ImportFile, user: User, **more: Any) -> ImportFile:
    return file_confirm(file_id=file.pk, actor=Actor.user(user), **more)


# --- by job ---------------------------------------------------------------------------------------


def test_a_large_file_is_watched_confirmed_and_watched_again(
    signed_in: Any, lab: User, large: None, kept_files: Path
) -> None:
    client = signed_in(lab)
    response = client.post(ADDRESS, {"file": SimpleUploadedFile("units.csv", FILE)})
    file = ImportFile.objects.get()
    assert response.url == f"{ADDRESS}{file.pk}/"
    assert "Waiting for a free worker" in client.get(response.url).content.decode()
    assert "hx-get" in client.get(response.url, **HTMX).content.decode()

    file_execute(job_id=file.job_id)
    assert client.get(response.url, **HTMX)["HX-Refresh"] == "true"
    assert "Import 40 units" in client.get(response.url).content.decode()
    assert not CordBloodUnit.objects.exists()
    client.post(f"{response.url}confirm/")
    file.refresh_from_db()
    assert (file.task, file.job.state) == (FileTask.WRITE, "queued")
    assert "being written" in client.get(ADDRESS).content.decode()
    assert not CordBloodUnit.objects.exists()
    file_execute(job_id=file.job_id)

    assert CordBloodUnit.objects.count() == 40
    page = client.get(response.url).content.decode()
    assert f"/units/imports/{ImportBatch.objects.get().pk}/" in page
    assert list(kept_files.glob("*.upload")) == []


def test_progress_is_told_while_rows_are_checked(lab: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY_SECONDS", 0)
    monkeypatch.setattr("bank.imports.rows.TELL_EVERY", 10)
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(
        jobs.Claim, "progress", lambda self, stage, share, **counts: told.append((stage, share))
    )

    checked(lab)

    shares = [share for _stage, share in told]
    assert shares == sorted(shares)
    assert len({stage for stage, _share in told}) == 3
    assert sum(stage == "Checking the rows" for stage, _share in told) == 4


def test_a_job_that_is_done_is_not_done_again(lab: User) -> None:
    file = confirmed(checked(lab), lab)
    file_execute(job_id=file.job_id)

    assert file_execute(job_id=file.job_id) is None
    assert confirmed(file, lab).job_id == file.job_id
    assert ImportBatch.objects.count() == 1


def test_the_very_same_file_again_is_told_by_its_checksum(lab: User) -> None:
    file = confirmed(checked(lab), lab)
    file_execute(job_id=file.job_id)

    again = checked(lab)

    assert again.report["known"] == str(ImportBatch.objects.get().pk)
    assert (again.report["changes"], again.report["unchanged"]) == (0, 40)
    with pytest.raises(Conflict) as caught:
        confirmed(again, lab)
    assert caught.value.code == "nothing_new"


@pytest.mark.parametrize("task", ["check", "write"])
def test_a_worker_that_dies_leaves_nothing_and_the_next_one_finishes(
    lab: User, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = start(lab) if task == "check" else confirmed(checked(lab), lab)

    def die(*_: Any, **__: Any) -> None:
        raise OperationalError("the connection is gone")

    with monkeypatch.context() as dying:
        dying.setattr(services_import if task == "write" else file_readers, _step(task), die)
        with pytest.raises(OperationalError):
            file_execute(job_id=file.job_id)
    assert not CordBloodUnit.objects.exists()
    Job.objects.filter(pk=file.job_id).update(heartbeat_at=timezone.now() - dt.timedelta(hours=1))
    monkeypatch.setitem(jobs._rings, services_files.KIND, lambda job_id: None)
    assert jobs.sweep()["taken_back"] == 1
    file_execute(job_id=file.job_id)

    file = ImportFile.objects.get(pk=file.pk)
    assert (file.is_checked, file.is_written) == (task == "check", task == "write")
    assert CordBloodUnit.objects.count() == (40 if task == "write" else 0)
    assert AuditEntry.objects.filter(action="units.import").count() == (1 if task == "write" else 0)


def _step(task: str) -> str:
    """After everything is written, before it is committed; or in the midst of the check."""
    return "_record_batch" if task == "write" else "units_read"


def test_a_worker_that_was_given_up_stores_nothing(lab: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file = confirmed(checked(lab), lab)
    read = services_import.units_read

    def slow(**given: Any) -> Any:
        found = read(**given)
        Job.objects.filter(pk=file.job_id).update(claim_token=UUID(int=7))  # another worker has it now
        return found

    monkeypatch.setattr(file_readers, "units_read", slow)
    assert file_execute(job_id=file.job_id) is None

    assert not CordBloodUnit.objects.exists()
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize("task", ["check", "write"])
def test_stopped_before_it_is_written_nothing_is(signed_in: Any, lab: User, large: None, task: str) -> None:
    client = signed_in(lab)
    file = start(lab) if task == "check" else confirmed(checked(lab), lab)

    page = client.post(f"{ADDRESS}{file.pk}/cancel/", follow=True).content.decode()
    assert "Nothing of it is written" in page
    assert file_execute(job_id=file.job_id) is None
    assert not CordBloodUnit.objects.exists()
    client.post(f"{ADDRESS}{file.pk}/columns/")  # check again
    file.refresh_from_db()
    file_execute(job_id=file.job_id)
    file.refresh_from_db()
    assert file.is_checked


def test_what_is_written_cannot_be_stopped(signed_in: Any, lab: User) -> None:
    file = confirmed(checked(lab), lab)
    file_execute(job_id=file.job_id)

    response = signed_in(lab).post(f"{ADDRESS}{file.pk}/cancel/")

    assert response.status_code == 409
    assert CordBloodUnit.objects.count() == 40


def test_a_failure_inside_the_program_is_a_sentence(
    signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("never foreseen")

    monkeypatch.setattr(file_readers, "units_read", fail)
    response = signed_in(lab).post(ADDRESS, {"file": SimpleUploadedFile("units.csv", FILE)}, follow=True)

    assert response.status_code == 200
    assert "reason inside the program" in response.content.decode()


def test_what_came_in_since_the_check_is_found_when_it_is_written(signed_in: Any, lab: User) -> None:
    file = checked(lab)
    UnitFactory(bank=Bank.objects.first() or BankFactory(code="OWN"), unit_no="U7", import_digest="x" * 32)

    file = confirmed(file, lab)
    file_execute(job_id=file.job_id)

    file = ImportFile.objects.get(pk=file.pk)
    assert (file.is_written, file.is_checked, file.report["errors"]) == (False, True, 1)
    assert "exists already with other content" in signed_in(lab).get(f"{ADDRESS}{file.pk}/").content.decode()
    assert CordBloodUnit.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_confirmed_eight_times_and_done_by_eight_workers_it_is_written_once(lab: User) -> None:
    BankFactory(code="OWN")
    file = checked(lab)

    rows = at_once(lambda: confirmed(file, lab), 8)
    assert len({row.job_id for row in rows}) == 1
    done = at_once(lambda: file_execute(job_id=rows[0].job_id), 8)

    assert sum(one is not None for one in done) == 1
    assert CordBloodUnit.objects.count() == 40
    assert ImportBatch.objects.count() == AuditEntry.objects.filter(action="units.import").count() == 1


# --- exactly what is wrong ------------------------------------------------------------------------

SLIPS = (("abo", "Q"), ("tnc_e7", "-1"), ("A_1", "A*XY"), ("unit_no", "=1+1"), ("cd34_e6", "many"))


def three_thousand() -> tuple[bytes, set[tuple[int, str]]]:
    """One row of a hundred is wrong; line and column of each."""
    text, wrong = io.StringIO(), set()
    names = HEADER.strip().split(",")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for number in range(1, 3_001):
        row = dict(zip(names, f"B{number},O,130,4,A*11:01,B*40:01,DRB1*09:01".split(","), strict=True))
        if number % 100 == 0:
            column, slip = SLIPS[number // 100 % len(SLIPS)]
            row[column] = slip
            wrong.add((number + 1, column))
        writer.writerow(row)
    return text.getvalue().encode(), wrong


def test_of_three_thousand_rows_exactly_the_bad_ones_are_named(signed_in: Any, lab: User) -> None:
    data, wrong = three_thousand()
    client = signed_in(lab)
    page = client.post(ADDRESS, {"file": SimpleUploadedFile("units.csv", data)}, follow=True)
    file = page.context["file"]

    answer = client.get(f"{ADDRESS}{file.pk}/findings.csv")
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert {(int(line[0]), line[1]) for line in lines[1:]} == wrong
    assert len(lines) == 31
    assert (file.report["failed"], file.report["imported"], file.report["errors"]) == (30, 2_970, 30)

    client.post(f"{ADDRESS}{file.pk}/confirm/", {"skip_bad": "on"})
    numbers = set(CordBloodUnit.objects.values_list("unit_no", flat=True))
    assert numbers == {f"B{number}" for number in range(1, 3_001) if number % 100}
    assert ImportBatch.objects.get().failed == 30


def test_a_file_in_which_all_is_wrong_names_the_first_and_says_that_there_are_more(
    lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank.imports.rows.MOST_FINDINGS", 20)

    file = checked(lab, FILE.replace(b",A,130,", b",Z,-1,"))

    assert file.report["errors"] == 21
    assert file.findings[-1]["code"] == "too_many_findings"
    assert file.report["failed"] == 40


# --- hostile files --------------------------------------------------------------------------------


def _bomb() -> bytes:
    parts = exchange_files.parts_of(exchange_files.xlsx(["unit_no"], ["U1"]))
    sheet = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    padding = b"<worksheet>" + b" " * 20_000_000 + b"</worksheet>"
    return exchange_files.zipped(parts | {sheet: padding})


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (_bomb(), "units.xlsx", "Unpacked, the file is larger"),
        (
            gzip.compress(b"unit_no\n" + b"U1\n" * 80_000_000, 1),
            "units.csv.gz",
            "Unpacked, the file is larger",
        ),
        (b"unit_no,processing_method\nU1,=cmd|' /C calc'!A0\n", "units.csv", "holds a formula"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><INVENTORY/>", "units.xml", "declares a document type"),
        (b"\xff" * 5_000, "units.csv", "neither UTF-8 nor GB18030"),
        (b"unit_no,abo\n" + b"\xe8\x84\x90\xe5,A\n" * 4, "units.csv", ""),
        (b"[" * 100_000, "units.json", "nested too deep"),
        (b"", "", "The file is empty"),
    ],
    ids=["zip bomb", "gzip bomb", "formula", "entities", "binary", "half characters", "nested", "empty"],
)
def test_hostile_files_get_a_sentence_in_the_browser(
    signed_in: Any, lab: User, large: None, data: bytes, name: str, words: str
) -> None:
    client = signed_in(lab)
    page = client.post(ADDRESS, {"file": SimpleUploadedFile(name or "x", data)}, follow=True)
    file = ImportFile.objects.get()

    file_execute(job_id=file.job_id)
    page = client.get(f"{ADDRESS}{file.pk}/")

    assert page.status_code == 200
    assert words in page.content.decode()
    assert client.post(f"{ADDRESS}{file.pk}/confirm/").status_code == 409
    assert not CordBloodUnit.objects.exists()
    assert not Bank.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_chinese_files_come_in_by_job(lab: User, encoding: str) -> None:
    data = "unit_no,sex,rh,tnc_e7,processing_method\nU1,女,阳性,130,羟乙基淀粉沉降\n".encode(encoding)

    file = confirmed(checked(lab, data), lab)
    file_execute(job_id=file.job_id)

    unit = CordBloodUnit.objects.get()
    assert (unit.sex, unit.rh, unit.processing_method) == ("F", "+", "羟乙基淀粉沉降")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.one_of(st.binary(max_size=200).map(lambda data: (data, [])), st.tuples(st.sampled_from(GOOD), spoilt))
)
def test_whatever_bytes_come_the_job_ends_and_writes_all_or_nothing(
    lab: User, given_bytes: tuple[bytes, list[tuple[float, int, bytes]]]
) -> None:
    data = spoil(*given_bytes)
    before = CordBloodUnit.objects.count(), ImportBatch.objects.count()

    file = checked(lab, data, counts="e8")
    assert file.job.state == "done"
    assert (CordBloodUnit.objects.count(), ImportBatch.objects.count()) == before
    if file.report["errors"] or not file.report["changes"]:
        with pytest.raises(Conflict):
            confirmed(file, lab)
    else:
        file_execute(job_id=confirmed(file, lab).job_id)
        assert CordBloodUnit.objects.count() == before[0] + file.report["imported"]
    uploads.discard(file.pk)


# --- listed on a declaration only -----------------------------------------------------------------

GROUND = "Released in the former system until 2025."


def test_without_a_declaration_listed_units_enter_the_quarantine(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    page = client.post(ADDRESS, {"file": SimpleUploadedFile("units.csv", FILE)}, follow=True)
    file = page.context["file"]

    assert "only quality assurance may declare" in page.content.decode()
    assert "declaration" not in page.context["confirm"].fields
    given_anyway = {"declared": "on", "declaration": GROUND}  # whoever may not is not asked
    done = client.post(f"{ADDRESS}{file.pk}/confirm/", given_anyway, follow=True)

    assert set(CordBloodUnit.objects.values_list("status", flat=True)) == {"QUARANTINE"}
    batch = ImportBatch.objects.get()
    assert (batch.declaration, batch.undeclared) == ("", 40)
    assert "entered the quarantine" in done.content.decode()


def test_quality_assurance_declares_with_a_ground_that_is_kept(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)
    data = FILE.replace(b"U3,A,130,4", b"U3,A,12,4")
    page = client.post(ADDRESS, {"file": SimpleUploadedFile("units.csv", data)}, follow=True)
    url = f"{ADDRESS}{page.context['file'].pk}/confirm/"

    assert "Without your declaration they enter the quarantine" in page.content.decode()
    assert "Say on what ground." in client.post(url, {"declared": "on"}).content.decode()
    assert "Tick it, or leave the ground empty." in client.post(url, {"declaration": GROUND}).content.decode()
    done = client.post(url, {"declared": "on", "declaration": GROUND}, follow=True)

    assert GROUND in done.content.decode()
    assert CordBloodUnit.objects.filter(status="LISTED").count() == 39
    assert ImportBatch.objects.get().declaration == GROUND
    entry = AuditEntry.objects.get(action="units.import")
    assert (entry.reason, entry.after["declared_released"]) == (GROUND, True)
    held = CordBloodUnit.objects.get(unit_no="U3")
    assert (held.status, held.status_when_confirmed) == ("QUARANTINE", "LISTED")


@pytest.mark.parametrize("role", [Role.LAB, Role.SEARCH_COORDINATOR, Role.MEDICAL_DIRECTOR])
def test_by_no_route_may_another_declare(role: Role) -> None:
    actor = Actor.user(UserFactory(roles=[role]))

    with pytest.raises(NotAllowed) as caught:
        services_import.units_import(data=FILE, file_name="a.csv", actor=actor, declaration=GROUND)
    assert caught.value.code == "declaration_refused"
    assert not CordBloodUnit.objects.exists()


# --- confirmed is what was shown ------------------------------------------------------------------


@pytest.fixture
def waiting(lab: User) -> CordBloodUnit:
    """Imported by the laboratory with an implausible count, and not declared."""
    data = (
        HEADER.replace("\n", ",viability_percent\n") + "W1,A,12,4,A*11:01,B*40:01,DRB1*09:01,95\n"
    ).encode()
    services_import.units_import(data=data, file_name="a.csv", actor=Actor.user(lab))
    return CordBloodUnit.objects.select_related("import_batch").get()


def test_only_the_values_that_were_shown_are_vouched_for(waiting: CordBloodUnit, lab: User, qa: User) -> None:
    measurement_record(
        unit_id=waiting.pk, time_point="processing", analyte="volume", value=25, actor=Actor.user(lab)
    )
    waiting.refresh_from_db()
    seen = confirming.shown(waiting)
    assert [str(row.analyte) for row in seen.measurements] == ["tnc", "cd34"]

    services.unit_confirm_values(
        unit_id=waiting.pk, shown=seen.digest, actor=Actor.user(qa), reason="seen the report"
    )

    verified = waiting.measurements.filter(verified_by=qa).values_list("analyte", flat=True)
    assert set(verified) == {"tnc", "cd34"}
    open_still = waiting.measurements.in_force().filter(verified_by=None).values_list("analyte", flat=True)
    assert set(open_still) == {"volume", "viability"}


def test_what_changed_since_it_was_shown_is_not_confirmed(
    signed_in: Any, waiting: CordBloodUnit, lab: User, qa: User
) -> None:
    client = signed_in(qa)
    page = client.get(f"/units/{waiting.pk}/")
    [action] = [one for one in page.context["actions"] if one["name"] == "confirm"]
    assert "lies outside" in page.content.decode()
    digest = action["shown"].digest
    measurement_record(
        unit_id=waiting.pk, time_point="processing", analyte="tnc", value=13, actor=Actor.user(lab)
    )

    answer = client.post(f"/units/{waiting.pk}/confirm/", {"shown": digest, "reason": "seen"})

    assert answer.status_code == 409
    assert "have changed since you read them" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.held_for_confirmation
    assert not waiting.measurements.exclude(verified_by=None).exists()


def test_an_undeclared_unit_goes_to_the_release_desk_not_on_offer(
    signed_in: Any, waiting: CordBloodUnit, qa: User
) -> None:
    client = signed_in(qa)
    digest = confirming.shown(waiting).digest
    assert "the release desk decides on it" in client.get(f"/units/{waiting.pk}/").content.decode()

    done = client.post(f"/units/{waiting.pk}/confirm/", {"shown": digest, "reason": "seen"}, follow=True)

    assert "waits in quarantine for its release" in done.content.decode()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.held_for_confirmation) == ("QUARANTINE", False)


def test_a_confirmation_without_what_was_shown_is_no_confirmation(
    signed_in: Any, waiting: CordBloodUnit, qa: User
) -> None:
    assert signed_in(qa).post(f"/units/{waiting.pk}/confirm/", {"reason": "seen"}).status_code == 400
    waiting.refresh_from_db()
    assert waiting.held_for_confirmation


def test_a_check_that_was_given_up_leaves_the_findings_of_the_newer(lab: User, kept_files: Path) -> None:
    file = checked(lab, FILE + b"U99,X,130,4,A*11:01,B*40:01,DRB1*09:01\n")
    place = uploads.findings_path(file.pk)
    before = place.read_bytes()
    lost = jobs.Claim(file.job_id, uuid4(), 1)

    with pytest.raises(jobs.JobLost):
        services_files._keep(lost, file, services_files.Outcome({}, []))

    assert place.read_bytes() == before
    assert list(kept_files.glob("*.part")) == []
