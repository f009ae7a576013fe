"""Real worker processes on the real broker: killed in mid-search, rung by a broker that lost everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from matching.models import SearchResult
from tests.faults.searches import (
    are_over,
    assert_done_once,
    job_of,
    offered_units,
    results_locked,
    submitted,
    waiting_to_store,
)
from tests.faults.workers import HASTY, Workers, empty

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def workers(process_environment: dict[str, str], tmp_path: Path) -> Workers:
    empty(settings.REDIS_URL)
    return Workers({**process_environment, **HASTY}, tmp_path)


def test_a_search_whose_worker_is_killed_completes_once(workers: Workers) -> None:
    offered_units()
    runs = submitted()
    with results_locked():
        with workers.worker() as doomed:
            workers.until(waiting_to_store, "the search to reach its end")
            doomed.kill()
        assert job_of(runs[0]).state == "running"
    workers.until(lambda: not waiting_to_store(), "the dead worker's transaction")
    assert not SearchResult.objects.exists()

    with workers.with_beat():
        workers.until(lambda: are_over(runs), "the search to be taken over")

    assert_done_once(runs)
    assert job_of(runs[0]).attempts == 2


def test_a_search_whose_ring_the_broker_lost_completes(workers: Workers) -> None:
    offered_units()
    runs = submitted()
    empty(settings.REDIS_URL)

    with workers.with_beat():
        workers.until(lambda: are_over(runs), "the search to be rung again")

    assert_done_once(runs)
