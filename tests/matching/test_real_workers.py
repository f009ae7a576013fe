"""Real worker processes on the real broker: killed in mid-search, rung by a broker that lost everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, connections, transaction

from core.models import AuditEntry, Job
from matching import services
from matching.models import SearchResult, SearchRun
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PATIENCE_SECONDS = 60  # far more than needed; a worker starts in two seconds


@contextmanager
def worker(environment: dict[str, str], folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with its children in a process group of their own."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-c", "1", "-l", "WARNING"]
    command += ["--without-gossip", "--without-mingle", *arguments]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@contextmanager
def results_locked() -> Iterator[None]:
    """Nobody can store a result meanwhile: a search that began stands still before its end."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE matching_searchresult IN SHARE ROW EXCLUSIVE MODE")
        yield
    finally:
        other.close()


def somebody_waits_to_store() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'matching_searchresult'::regclass"
        )
        return bool(cursor.fetchone()[0])


def wait_until(condition: Callable[[], Any], what: str, folder: Path) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > limit:
            log = (folder / "worker.log").read_text()[-3000:]
            pytest.fail(f"waited {PATIENCE_SECONDS} s for {what}\n{log}")
        time.sleep(0.05)


def submitted() -> SearchRun:
    with transaction.atomic():
        for _ in range(20):
            ListedUnitFactory()
    request = services.request_create(patient=typed_patient(), data=services.RequestData(), actor=ACTOR)
    return services.request_submit(request_id=request.pk, actor=ACTOR)


def is_over(run: SearchRun) -> bool:
    return not Job.objects.get(pk=run.job_id).is_open


def assert_done_once(run: SearchRun) -> None:
    run = SearchRun.objects.select_related("job", "request").get(pk=run.pk)
    assert (run.job.state, run.job.error) == ("done", "")
    assert run.kept == SearchResult.objects.count() == 20
    assert sorted(run.results.values_list("rank", flat=True)) == list(range(1, 21))
    assert run.request.state == "SEARCHED"
    assert AuditEntry.objects.filter(action="search.complete").count() == 1


@pytest.fixture
def environment(process_environment: dict[str, str]) -> dict[str, str]:
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.flushdb()
    broker.close()
    return {
        **process_environment,
        "QIDAI_JOB_LEASE_SECONDS": "1",
        "QIDAI_JOB_RING_AGAIN_SECONDS": "1",
        "QIDAI_JOB_SWEEP_SECONDS": "1",
    }


def beat(folder: Path) -> tuple[str, ...]:
    return ("-Q", "interactive,maintenance", "-B", "-s", str(folder / "beat"))


def test_a_search_whose_worker_is_killed_completes_once(environment: dict[str, str], tmp_path: Path) -> None:
    run = submitted()
    with results_locked():
        with worker(environment, tmp_path, "-Q", "interactive") as doomed:
            wait_until(somebody_waits_to_store, "the search to reach its end", tmp_path)
            os.killpg(doomed.pid, signal.SIGKILL)
            doomed.wait(10)
        assert Job.objects.get(pk=run.job_id).state == "running"
    wait_until(lambda: not somebody_waits_to_store(), "the dead worker's transaction", tmp_path)
    assert not SearchResult.objects.exists()

    with worker(environment, tmp_path, *beat(tmp_path)):
        wait_until(lambda: is_over(run), "the search to be taken over", tmp_path)

    assert_done_once(run)
    assert Job.objects.get(pk=run.job_id).attempts == 2


def test_a_search_whose_ring_the_broker_lost_completes(environment: dict[str, str], tmp_path: Path) -> None:
    run = submitted()
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.flushdb()
    broker.close()

    with worker(environment, tmp_path, *beat(tmp_path)):
        wait_until(lambda: is_over(run), "the search to be rung again", tmp_path)

    assert_done_once(run)
