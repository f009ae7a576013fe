"""The job that reads all stored typings anew after a change of reference data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bank.models import CordBloodUnit
from core import jobs
from core.models import AuditEntry, Job
from matching import services
from matching.models import NomenclatureRelease, Rereading, TypingChange
from matching.services import rereading as service
from tests.factories.hospitals import HospitalFactory
from tests.factories.matching import ACTOR, MatchRequestFactory, typed_patient
from tests.hla import toy_release
from tests.matching.test_rereading import older_release, unit

MAC = "LAST UPDATED: 11/20/26\nCODE\tSUBTYPE\n\nAB\t01/03\n"
PLAIN = "A*23:01+A*24:02"


def executed(job: Job) -> Rereading | None:
    return services.rereading_execute(job_id=job.pk)


@pytest.mark.django_db
def test_an_activation_reads_all_typings_anew(old_folder: Path, new_folder: Path) -> None:
    services.release_load(path=old_folder, actor=ACTOR)
    for values in (
        {"a": "A*03:02+A*23:01", "b": "B*15:02+B*15:01"},
        {"a": "A*03:02+A*23:01"},
        {"a": PLAIN, "b": "B*15:01+"},
        {"dpb1": "DPB1*05:01+DPB1*04:01"},
    ):
        unit(**values)
    CordBloodUnit.objects.filter(pk=unit(a="A*02:09+").pk).update(status="QUARANTINE")
    patient = typed_patient(
        hospital=HospitalFactory(), gl="A*24:02+A*24:03^B*15:01+B*15:01^DRB1*04:05+DRB1*04:05"
    )
    asked = MatchRequestFactory(patient=patient, submitted=True)
    MatchRequestFactory(patient=patient, submitted=True, state="CANCELLED", cancelled_by="x",
                        cancel_reason="y", cancelled_at=asked.submitted_at)  # fmt: skip

    new = services.release_load(path=new_folder, actor=ACTOR)
    rereading = Rereading.objects.get(release_after=new)
    assert rereading.release_before is not None
    assert rereading.release_before.version == "9.99.0"
    assert "9.99.0 → 9.99.1" in rereading.job.title
    assert executed(rereading.job) == rereading

    rereading.refresh_from_db()
    assert (rereading.changed, rereading.units, rereading.requests) == (4, 3, 1)
    found = {
        (change.locus, change.gl): (change.kinds, change.units, change.requests)
        for change in TypingChange.objects.all()
    }
    assert found == {
        ("A", "A*24:02+A*24:03"): (["antigens"], 0, [asked.pk]),
        ("A", "A*03:02+A*23:01"): (["renamed", "p-groups"], 2, []),
        ("B", "B*15:02+B*15:01"): (["unreadable"], 1, []),
        ("DPB1", "DPB1*05:01+DPB1*04:01"): (["tce"], 1, []),
    }
    assert [change.number for change in TypingChange.objects.all()] == [1, 2, 3, 4]
    assert str(TypingChange.objects.all()[0]) == "A*24:02+A*24:03"
    rereading.job.refresh_from_db()
    assert rereading.job.state == Job.State.DONE
    assert rereading.job.counts == {"units": 3}  # all that its page may tell whoever watches jobs
    assert AuditEntry.objects.get(action="reference.reread").after["changed"] == 4


@pytest.mark.django_db
def test_the_job_does_its_work_once(old_folder: Path) -> None:
    unit(a="A*77:77+")
    services.release_load(path=old_folder, actor=ACTOR)
    rereading = Rereading.objects.get()

    assert executed(rereading.job) == rereading
    assert executed(rereading.job) is None
    assert str(rereading) in str(Rereading.objects.get())


@pytest.mark.django_db
def test_codes_are_compared_likewise(old_folder: Path, tmp_path: Path) -> None:
    services.release_load(path=old_folder, actor=ACTOR)
    unit(a="A*02:AB+A*23:01")
    path = tmp_path / "numer.txt"
    path.write_text(MAC)

    table = services.mac_load(path=path, actor=ACTOR)
    rereading = Rereading.objects.get(mac_after=table)
    executed(rereading.job)

    assert rereading.job.title == "Typings read anew: no codes → 11/20/26"
    assert (rereading.mac_before, rereading.release_before) == (None, rereading.release_after)
    (change,) = TypingChange.objects.filter(rereading=rereading)
    assert (change.gl, change.kinds) == ("A*02:AB+A*23:01", ["readable"])


@pytest.mark.django_db
def test_what_is_only_loaded_or_used_already_reads_nothing(old_folder: Path, new_folder: Path) -> None:
    services.release_load(path=old_folder, actor=ACTOR)
    services.release_load(path=old_folder, actor=ACTOR)
    services.release_load(path=new_folder, actor=ACTOR, activate=False)

    assert Rereading.objects.count() == 1
    assert Job.objects.filter(kind="reread").count() == 1


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(old_folder: Path, new_folder: Path) -> None:
    services.release_load(path=old_folder, actor=ACTOR)
    new = services.release_load(path=new_folder, actor=ACTOR, activate=False)
    counts = []
    for more in (1, 8):
        for number in range(more):
            unit(a=f"A*03:02+A*{23 + number % 2}:01")
            patient = typed_patient(gl="A*24:02+A*02:09^B*15:01+B*15:01^DRB1*04:05+DRB1*04:05")
            MatchRequestFactory(patient=patient, submitted=True)
        services.release_activate(release=new, actor=ACTOR)
        job = Job.objects.filter(kind="reread", state="queued").latest("created_at")
        with CaptureQueriesContext(connection) as captured:
            executed(job)
        counts.append(len(captured))
        services.release_activate(release=NomenclatureRelease.objects.get(version="9.99.0"), actor=ACTOR)

    assert counts[0] == counts[1]


@pytest.fixture
def waiting(db: None, old_folder: Path) -> Rereading:
    unit(a="A*03:02+A*23:01")
    services.release_load(path=old_folder, actor=ACTOR)
    return Rereading.objects.get()


def test_a_failure_inside_is_told_and_nothing_is_stored(
    waiting: Rereading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(service, "_count_units", broken)
    assert executed(waiting.job) is None

    job = Job.objects.get(pk=waiting.job_id)
    assert (job.state, job.error_code) == (Job.State.FAILED, "failed")
    assert "administrator" in job.error
    assert not TypingChange.objects.exists()


def test_data_compiled_by_another_version_are_told(waiting: Rereading) -> None:
    """Loading them again is what cures it, and that must work."""
    NomenclatureRelease.objects.update(compiled=b"QHLA-release-0")

    assert executed(waiting.job) is None
    job = Job.objects.get(pk=waiting.job_id)
    assert (job.state, job.error_code) == (Job.State.FAILED, "reference_outdated")
    assert "9.99.0 were compiled by another version of Qidai. Load them again" in job.error


@pytest.mark.parametrize("damage", [b"QHLA-release-0", b"", older_release()], ids=["format", "empty", "make"])
def test_earlier_data_that_cannot_be_read_are_told_and_nothing_is_compared(
    waiting: Rereading, new_folder: Path, damage: bytes
) -> None:
    """The new release is in use and readable: its activation did not fail."""
    NomenclatureRelease.objects.update(compiled=damage)
    new = services.release_load(path=new_folder, actor=ACTOR)
    rereading = Rereading.objects.get(release_after=new)

    assert executed(rereading.job) == rereading

    rereading.refresh_from_db()
    assert (rereading.compared, rereading.changed, rereading.typings) == (False, None, None)
    assert rereading.completed_at is not None
    assert (rereading.job.state, rereading.job.stage) == (
        Job.State.DONE,
        "Nothing compared: the earlier data cannot be read",
    )
    assert AuditEntry.objects.get(action="reference.reread").after == {"compared": False}
    assert not TypingChange.objects.exists()


def test_two_of_one_name_are_told_apart(waiting: Rereading, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(toy_release.ALLELES, "B*39:05")
        other = services.release_load(path=toy_release.write(tmp_path / "other"), actor=ACTOR)
    before = waiting.release_after
    assert before is not None

    step = f"9.99.0 ({before.checksum[:12]}) → 9.99.0 ({other.checksum[:12]})"
    rereading = Rereading.objects.get(release_after=other)
    assert rereading.step == step
    assert rereading.job.title == f"Typings read anew: {step}"
    assert waiting.step == "built-in → 9.99.0"


def test_a_job_cancelled_on_the_way_stores_nothing(
    waiting: Rereading, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = service._count_requests

    def cancelled(touched: Any) -> None:
        jobs.job_cancel(job=waiting.job, actor=ACTOR)
        honest(touched)

    monkeypatch.setattr(service, "_count_requests", cancelled)
    assert executed(waiting.job) is None
    assert not TypingChange.objects.exists()


def test_a_failure_after_a_cancel_ends_quietly(waiting: Rereading, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(touched: Any) -> None:
        jobs.job_cancel(job=waiting.job, actor=ACTOR)
        raise RuntimeError("inside")

    monkeypatch.setattr(service, "_count_requests", cancelled)
    assert executed(waiting.job) is None
    assert Job.objects.get(pk=waiting.job_id).state == Job.State.CANCELLED


def test_a_database_away_is_left_to_the_sweep(waiting: Rereading, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(service, "_count_units", away)
    with pytest.raises(OperationalError):
        executed(waiting.job)
    assert Job.objects.get(pk=waiting.job_id).state == Job.State.RUNNING


def test_progress_is_told_while_it_works(waiting: Rereading, monkeypatch: pytest.MonkeyPatch) -> None:
    unit(a="A*02:09+")
    told: list[str] = []
    monkeypatch.setattr(service, "TELL_EVERY", 1)
    honest = jobs.Claim.progress

    def progress(claim: jobs.Claim, stage: str, *args: Any, **counts: int) -> None:
        told.append(stage)
        honest(claim, stage, *args, **counts)

    monkeypatch.setattr(jobs.Claim, "progress", progress)
    executed(waiting.job)

    assert set(told) == {
        "Reading the inventory",
        "Comparing the typings",
        "Counting the units",
        "Storing what changed",
    }


@pytest.mark.django_db
def test_the_database_keeps_rows_whole(waiting: Rereading) -> None:
    values = {"rereading": waiting, "number": 1, "locus": "A", "first": "A*02:01"}
    for wrong in (
        {"kinds": [], "units": 1, "request_count": 0},
        {"kinds": ["other"], "units": 1, "request_count": 0},
        {"kinds": ["renamed"], "units": 0, "request_count": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            TypingChange.objects.create(**values, **wrong)
    for values in ({"typings": 1}, {"compared": False}, {"completed_at": waiting.created_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Rereading.objects.update(**values)


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_it_after_the_activation(celery_worker: None, old_folder: Path) -> None:
    with transaction.atomic():
        unit(a="A*03:02+A*23:01")
    services.release_load(path=old_folder, actor=ACTOR)
    for _ in range(100):
        if Rereading.objects.filter(completed_at__isnull=False).exists():
            break
        time.sleep(0.1)

    assert Rereading.objects.get().typings == 1
