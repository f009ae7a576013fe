"""Searches that are submitted, held up, and looked at when they are over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections, transaction

from core.models import AuditEntry, Job
from matching import services
from matching.models import SearchResult, SearchRun
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient

UNITS = 20


def offered_units() -> None:
    with transaction.atomic():
        for _ in range(UNITS):
            ListedUnitFactory()


def submitted(count: int = 1) -> list[SearchRun]:
    """So many searches, each for a patient of its own, whom all of the offered units match."""
    runs = []
    for _ in range(count):
        request = services.request_create(patient=typed_patient(), data=services.RequestData(), actor=ACTOR)
        runs.append(services.request_submit(request_id=request.pk, actor=ACTOR))
    return runs


@contextmanager
def locked(table: str, mode: str) -> Iterator[None]:
    """Whoever needs the table stands still meanwhile."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
    finally:
        other.close()


@contextmanager
def results_locked() -> Iterator[None]:
    """Nobody can store a result: a search that began stands still before its end, holding its job."""
    with locked("matching_searchresult", "SHARE ROW EXCLUSIVE"):
        yield


@contextmanager
def inventory_locked() -> Iterator[None]:
    """Nobody can read the units: a search stands still where it builds the snapshot, holding no lock."""
    with locked("bank_cordbloodunit", "ACCESS EXCLUSIVE"):
        yield


def waiting_for(table: str) -> int:
    """How many connections wait for a lock of the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [table])
        return int(cursor.fetchone()[0])


def waiting_to_store() -> int:
    return waiting_for("matching_searchresult")


def waiting_to_read_units() -> int:
    return waiting_for("bank_cordbloodunit")


def job_of(run: SearchRun) -> Job:
    return Job.objects.get(pk=run.job_id)


def are_over(runs: list[SearchRun]) -> bool:
    return not Job.objects.filter(pk__in=[run.job_id for run in runs]).open().exists()


def assert_done_once(runs: list[SearchRun]) -> None:
    """One end, one set of results that is right, one entry in the audit trail."""
    for run in SearchRun.objects.filter(pk__in=[run.pk for run in runs]).select_related("job", "request"):
        assert (run.job.state, run.job.error) == ("done", "")
        assert run.kept == UNITS
        assert sorted(run.results.values_list("rank", flat=True)) == list(range(1, UNITS + 1))
        assert run.request.state == "SEARCHED"
        assert completions(run) == 1


def assert_failed(run: SearchRun, code: str, words: str) -> None:
    """A reason for people, and nothing stored."""
    job = job_of(run)
    assert (job.state, job.error_code) == ("failed", code)
    assert words in job.error
    assert not SearchResult.objects.filter(run=run).exists()
    assert completions(run) == 0


def completions(run: SearchRun) -> int:
    return AuditEntry.objects.filter(action="search.complete", target_key=str(run.pk)).count()
