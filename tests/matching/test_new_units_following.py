"""Following the ledger for new units: each change handled once and missed never, whatever fails or comes late."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction

from bank.models import CordBloodUnit
from config.celery import app
from core import audit, jobs
from core.models import AuditEntry, Job
from matching import predictions, reference, tasks
from matching.inventory import CHANGES
from matching.models import NewUnitCursor, NewUnitFinding, SearchRun
from matching.services import (
    comparing,
    new_units_execute,
    night_execute,
    run_execute,
    units_follow,
)
from tests.factories.bank import ImportBatchFactory, UnitFactory
from tests.factories.match_list import queued_run
from tests.factories.matching import ACTOR, ListedUnitFactory, noted
from tests.matching.batches import failed, follow, found, searched

at_once = pytest.mark.usefixtures("ledger_at_once")
pytestmark = pytest.mark.django_db


@at_once
def test_the_same_units_again_are_the_same_rows(waiting: SearchRun) -> None:
    unit = ListedUnitFactory()
    follow()
    [before] = NewUnitFinding.objects.values("pk", "found_at", "seen_at")
    noted(unit)

    follow()

    [after] = NewUnitFinding.objects.values("pk", "found_at", "seen_at")
    assert after == before
    assert units_follow() is None


@at_once
def test_a_job_done_twice_writes_once(waiting: SearchRun) -> None:
    ListedUnitFactory()
    job = units_follow()
    assert job is not None
    assert units_follow() is None  # one at a time

    first, second = new_units_execute(job_id=job.pk), new_units_execute(job_id=job.pk)

    assert first is not None
    assert (first["found"], second) == (1, None)
    assert AuditEntry.objects.filter(action="units.compare").count() == 2  # and that of the fixture


@at_once
def test_of_two_jobs_for_the_same_changes_the_second_changes_nothing(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that was given up, and works on, beside the one of the next hour."""
    ListedUnitFactory()
    slow = units_follow()
    assert slow is not None
    honest = comparing.compare

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(comparing, "compare", honest)
        other = jobs.job_create(kind="new_units", key="new_units:other", title="other", actor=ACTOR)
        new_units_execute(job_id=other.pk)
        return honest(*args)

    monkeypatch.setattr(comparing, "compare", meanwhile)
    figures = new_units_execute(job_id=slow.pk)

    slow.refresh_from_db()
    assert (figures, slow.state, NewUnitFinding.objects.count()) == ({}, "done", 1)


@at_once
def test_a_failure_is_told_and_tried_again_from_the_same_change(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = ListedUnitFactory()
    honest = comparing.compare

    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    before = NewUnitCursor.objects.get().number
    monkeypatch.setattr(comparing, "compare", broken)
    job = follow()
    assert job is not None
    assert (job.state, NewUnitCursor.objects.get().number) == ("failed", before)
    assert "administrator" in job.error
    assert units_follow() is None  # not each minute

    monkeypatch.setattr(comparing, "compare", honest)
    Job.objects.filter(pk=job.pk).update(key="of an earlier hour")
    follow()

    assert found() == {(waiting.request_id, unit.pk)}


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_commits_late_is_not_missed() -> None:
    """Its entry was written before, and is numbered after, what the follower has already handled."""
    with transaction.atomic():
        waiting = queued_run()
        failed(waiting)
        early, late = ListedUnitFactory(), ListedUnitFactory()
        CordBloodUnit.objects.filter(pk=early.pk).update(recalled=True)
        noted(early)
    follow()
    NewUnitFinding.objects.all().delete()
    settings = connection.settings_dict
    writer = psycopg2.connect(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"],
        host=settings["HOST"], port=settings["PORT"] or 5432,
    )  # fmt: skip
    cursor = writer.cursor()
    cursor.execute("UPDATE bank_cordbloodunit SET recalled = false WHERE id = %s", [str(early.pk)])
    cursor.execute(
        "INSERT INTO core_auditentry (id, at, actor_id, actor_label, request_id, action, target_type, target_key,"
        " target_label, reason, batch_sha256) VALUES (gen_random_uuid(), now(), 'w', 'w', '', 'unit.recall_lifted',"
        " 'bank.CordBloodUnit', %s, '', '', '')",
        [str(early.pk)],
    )
    with transaction.atomic():
        noted(late)
    follow()
    first = found()
    writer.commit()
    writer.close()

    follow()

    assert first == {(waiting.request_id, late.pk)}
    assert found() == first | {(waiting.request_id, early.pk)}


@at_once
def test_the_beat_queues_a_job_of_the_batch_queue(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks.new_units, "delay", rung.append)
    ListedUnitFactory()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.follow_units()

    assert rung == [str(Job.objects.get(kind="new_units", state="queued").pk)]
    assert app.conf.task_routes["matching.new_units"]["queue"] == "batch"


def test_a_fault_of_the_database_while_probabilities_are_computed_ends_the_work(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep hands the job on; without its probabilities a finding would be stored for good."""

    def away(*args: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(predictions, "predict_run", away)
    ListedUnitFactory()
    job = units_follow()
    assert job is not None

    with pytest.raises(OperationalError):
        new_units_execute(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, NewUnitFinding.objects.count()) == ("running", 0)


@at_once
def test_after_a_large_import_the_waiting_requests_are_searched_again(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_UNITS", 2)
    batch = ImportBatchFactory()
    units = [UnitFactory(import_batch=batch) for _ in range(4)]
    with transaction.atomic():
        entry = audit.record(actor=ACTOR, action="units.import", target=batch)
    number = audit.ledger_head()

    job = follow()

    assert job is not None
    assert job.result == {"units": 3, "requests": 0, "found": 0, "cut": 0, "too_many": 1}
    assert AuditEntry.objects.filter(action="units.compare").latest("at").after["too_many"] == 1
    assert (entry.target_key, NewUnitCursor.objects.get().number) == (str(batch.pk), number)
    assert found() == set()
    night = Job.objects.get(kind="night")
    assert night.key == f"night:new_units:{number}"
    night_execute(job_id=night.pk)
    run_execute(job_id=Job.objects.get(kind="research").pk)
    newest = SearchRun.objects.filter(request=waiting.request_id).latest("run_no")
    assert set(newest.results.values_list("unit", flat=True)) >= {unit.pk for unit in units}


@at_once
def test_as_many_units_as_are_compared_at_once_are_compared(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_UNITS", 2)
    for _ in range(2):
        ListedUnitFactory()

    job = follow()

    assert job is not None
    assert job.result == {"units": 2, "requests": 1, "found": 2, "cut": 0}
    assert not Job.objects.filter(kind="night").exists()


@at_once
def test_units_that_are_not_offered_cost_no_look_at_the_requests(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("nobody is asked")

    monkeypatch.setattr(comparing, "asked", asked)
    ListedUnitFactory(recalled=True)

    job = follow()

    assert job is not None
    assert (job.state, job.result["units"]) == ("done", 0)
    assert NewUnitCursor.objects.get().number == audit.ledger_last(CHANGES)


@at_once
def test_requests_are_asked_without_a_query_each(
    waiting: SearchRun, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "RECHECK_SECONDS", float("inf"))  # however slow the machine
    for _ in range(4):
        searched()
    noted(ListedUnitFactory())
    resolver, number = reference.resolver(look=True), audit.ledger_head()

    with django_assert_max_num_queries(4):  # requests, patients, their typings, lists
        asked = list(comparing.asked(resolver, before=number))

    assert len(asked) == 5
    assert all(one.same for one in asked)
    last = asked[0].last
    assert last is not None
    assert "prediction" in last.get_deferred_fields()
