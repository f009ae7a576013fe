"""Waiting patients searched again: who is, who is not, and what a fault or a second start does to the night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from core import jobs
from core.models import AuditEntry, Job
from hospitals.models import Patient
from hospitals.services import patient_deactivate
from matching import tasks
from matching.choices import RunOrigin
from matching.models import MatchRequest, NewUnitFinding, SearchRun
from matching.services import nights, request_cancel, run_execute, run_repeat
from tests.factories.hospitals import PatientTypingFactory
from tests.factories.match_list import queued_run, searched_run
from tests.factories.matching import (
    ACTOR,
    JobFactory,
    ListedUnitFactory,
    frequency_set,
    typed_patient,
)
from tests.matching.batches import changed_inventory, failed, night, of_request, waiting_search

pytestmark = pytest.mark.usefixtures("ledger_at_once")


def test_nothing_changed_starts_nothing(listed: SearchRun) -> None:
    found = night()

    assert found.figures == {
        "waiting": 1,
        "fresh": 1,
        "searching": 0,
        "started": 0,
        "refused": 0,
        "failed": 0,
    }
    assert Job.objects.filter(kind="research").count() == 0


def test_other_data_of_the_patient_or_reference_are_a_reason(listed: SearchRun, patient: Patient) -> None:
    patient.weight_kg = Decimal(25)
    patient.save()
    assert night().started == [listed.request.number]
    assert [run.patient_weight_kg for run in of_request(listed)] == [20, 25]  # other doses, another list
    assert night().fresh == 1
    frequency_set(is_active=True)

    assert night().started == [listed.request.number]
    assert night().fresh == 1


def test_a_first_search_that_failed_is_made_by_the_night(patient: Patient) -> None:
    ListedUnitFactory()
    run = queued_run(patient)
    failed(run)

    night()

    found = of_request(run)[-1]
    assert (found.origin, found.kept, found.changes) == ("night", 1, {})
    assert found.request.state == "SEARCHED"


@pytest.mark.parametrize("over", ["cancelled", "inactive", "draft"])
def test_who_does_not_wait_is_not_searched(listed: SearchRun, over: str) -> None:
    changed_inventory()
    if over == "cancelled":
        request_cancel(request_id=listed.request_id, reason="r", actor=ACTOR)
    elif over == "inactive":
        patient_deactivate(patient_id=listed.request.patient_id, reason="died", by=ACTOR)
    else:
        MatchRequest.objects.update(state="DRAFT")

    assert night().figures == {
        "waiting": 0,
        "fresh": 0,
        "searching": 0,
        "started": 0,
        "refused": 0,
        "failed": 0,
    }


def test_one_that_cannot_be_searched_is_counted_and_keeps_no_other_back(listed: SearchRun) -> None:
    other = searched_run(typed_patient(hospital=listed.request.hospital))
    PatientTypingFactory._meta.model.objects.filter(patient=listed.request.patient).update(is_current=False)
    changed_inventory()

    found = night()

    assert found.started == [other.request.number]
    assert dict(found.refused) == {"patient_untyped": 1}


def test_a_person_does_not_wait_for_the_night(listed: SearchRun) -> None:
    """The night's search still waits in its queue when somebody asks: it is given up."""
    changed_inventory()
    waiting_search()
    nightly = SearchRun.objects.get(origin=RunOrigin.NIGHT)

    run = run_repeat(request_id=listed.request_id, actor=ACTOR)
    run_execute(job_id=nightly.job_id)
    run_execute(job_id=run.job_id)

    nightly.refresh_from_db()
    run.refresh_from_db()
    assert (nightly.job.state, nightly.is_finished) == ("cancelled", False)
    assert (run.origin, run.is_finished) == ("person", True)


def test_while_a_search_is_under_way_no_other_is_started(listed: SearchRun) -> None:
    changed_inventory()
    run_repeat(request_id=listed.request_id, actor=ACTOR)

    assert waiting_search().searching == 1
    assert not Job.objects.filter(kind="research").exists()


def test_messages_of_persons_and_of_the_night_go_to_queues_of_their_own(
    listed: SearchRun, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    sent: list[tuple[str, str]] = []

    def apply_async(self: Any, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        queue = options.get("queue") or self.app.conf.task_default_queue
        sent.append((self.name, queue))

    monkeypatch.setattr("celery.app.task.Task.apply_async", apply_async)
    other = searched_run(typed_patient(hospital=listed.request.hospital))
    changed_inventory()
    with django_capture_on_commit_callbacks(execute=True):
        run_repeat(request_id=other.request_id, actor=ACTOR)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.search_waiting()
        tasks.search_waiting()  # a beat that rings twice
    job = Job.objects.get(kind="night")
    assert job.key == f"night:{timezone.localdate():%Y-%m-%d}"
    with django_capture_on_commit_callbacks(execute=True):
        tasks.night(str(job.pk))

    assert [one for one in sent if one[0] != "matching.night"] == [
        ("matching.search", "interactive"),
        ("matching.search", "batch"),
    ]
    assert [one[0] for one in sent].count("matching.night") == 1


def test_the_command_tells_without_doing_and_does(listed: SearchRun) -> None:
    changed_inventory()
    out = StringIO()

    call_command("search_waiting", "--dry-run", stdout=out)
    assert listed.request.number in out.getvalue()
    assert not SearchRun.objects.filter(origin=RunOrigin.NIGHT).exists()
    assert not AuditEntry.objects.filter(action="search.night").exists()
    call_command("search_waiting", stdout=out)
    assert "Queued as job" in out.getvalue()
    nights.night_execute(job_id=Job.objects.get(kind="night").pk)

    assert SearchRun.objects.filter(origin=RunOrigin.NIGHT).count() == 1
    assert AuditEntry.objects.get(action="search.night").after["started"] == 1


def test_what_no_list_needs_goes_after_some_time(listed: SearchRun) -> None:
    old = timezone.now() - timedelta(days=nights.KEPT_DAYS + 1)
    values = {"class_name": "antigen6", "class_min": 6, "class_max": 6, "classes": {}, "ledger_number": 1}
    request = listed.request
    for found_at in (old, timezone.now()):
        NewUnitFinding.objects.create(request=request, unit=ListedUnitFactory(), found_at=found_at, **values)
    for number, ended_at in enumerate((old, timezone.now())):
        JobFactory(kind="research", key=f"research:{number}", state="done", ended_at=ended_at)

    waiting_search()

    assert NewUnitFinding.objects.count() == 1
    assert set(Job.objects.filter(kind="research", state="done").values_list("key", flat=True)) == {
        "research:1"
    }
    request_cancel(request_id=request.pk, reason="r", actor=ACTOR)
    waiting_search()
    assert NewUnitFinding.objects.count() == 0


def test_a_worker_that_dies_in_the_night_loses_nothing(
    listed: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = searched_run(typed_patient(hospital=listed.request.hospital))
    changed_inventory()
    job = nights.night_start(actor=ACTOR)
    honest, begun = nights._started, []

    def dies(request_id: Any, actor: Any) -> None:
        if begun:
            raise OperationalError("the database is away, and this worker with it")
        begun.append(request_id)
        honest(request_id, actor)

    monkeypatch.setattr(nights, "_started", dies)
    with pytest.raises(OperationalError):
        nights.night_execute(job_id=job.pk)
    job.refresh_from_db()
    assert job.state == "running"
    monkeypatch.setattr(nights, "_started", honest)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert jobs.sweep()["taken_back"] == 1
    found = nights.night_execute(job_id=job.pk)

    assert found is not None
    assert (found.searching, len(found.started)) == (1, 1)
    assert SearchRun.objects.filter(origin=RunOrigin.NIGHT).count() == 2
    assert {listed.request_id, other.request_id} == set(
        SearchRun.objects.filter(origin=RunOrigin.NIGHT).values_list("request_id", flat=True)
    )
    job.refresh_from_db()
    assert (job.state, job.result["started"]) == ("done", 1)
    assert nights.night_execute(job_id=job.pk) is None  # once


@pytest.mark.parametrize("where", ["_started", "_fresh"])
def test_an_unforeseen_error_at_one_request_keeps_no_other_back(
    listed: SearchRun, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = searched_run(typed_patient(hospital=listed.request.hospital))
    changed_inventory()
    honest = getattr(nights, where)

    def broken(request: Any, *rest: Any) -> Any:
        if getattr(request, "pk", request) == listed.request_id:
            raise ZeroDivisionError
        return honest(request, *rest)

    monkeypatch.setattr(nights, where, broken)
    found = waiting_search()

    assert (found.started, found.failed) == ([other.request.number], 1)
    assert f"{listed.request.number} is not searched again" in caplog.text
    assert AuditEntry.objects.get(action="search.night").after["failed"] == 1
