"""Broker and database die under a whole installation: no search is lost, none is done twice, every process lives on."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import pytest
from django.db import connection

from bank.models import CordBloodUnit
from core.models import Job
from scripts.installation import Installation, wait_until
from tests.faults.searches import (
    are_over,
    assert_done_once,
    offered_units,
    results_locked,
    submitted,
    waiting_to_store,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def until(installation: Installation) -> Callable[..., None]:
    if not CordBloodUnit.objects.exists():
        offered_units()
    return lambda condition, what: wait_until(condition, what, tail=installation.tails)


def answers(installation: Installation) -> bool:
    try:
        with urllib.request.urlopen(f"{installation.address}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_searches_outlive_a_broker_that_lost_everything(
    installation: Installation, until: Callable[..., None]
) -> None:
    with results_locked():
        runs = submitted(6)
        until(waiting_to_store, "a search to reach its end")
        installation.restart_valkey_empty()
        assert Job.objects.filter(state="queued").exists()
    until(lambda: are_over(runs), "the searches that lost their rings")
    later = submitted()
    until(lambda: are_over(later), "a search after it")

    assert_done_once([*runs, *later])
    assert all(part.lives for part in installation.parts.values()), installation.tails()


def test_searches_outlive_a_database_that_crashed(
    installation: Installation, until: Callable[..., None]
) -> None:
    with results_locked():
        runs = submitted(6)
        until(waiting_to_store, "a search to reach its end")
        until(lambda: answers(installation), "the web server")
        installation.restart_postgresql()
        connection.close()  # this process' own
    until(lambda: are_over(runs), "the searches")
    later = submitted()
    until(lambda: are_over(later), "a search after it")

    assert_done_once([*runs, *later])
    until(lambda: answers(installation), "the web server after it")
    assert all(part.lives for part in installation.parts.values()), installation.tails()
