"""Probabilities that fail do not cost a search its list; what ends the whole search is not taken for that."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from core import jobs
from core.models import Job
from matching import predictions, services
from matching.models import SearchResult
from tests.factories.match_list import queued_run
from tests.factories.matching import ListedUnitFactory


def failing(error: Exception) -> Any:
    def predict_run(*_: Any) -> None:
        raise error

    return predict_run


@pytest.mark.django_db
def test_time_that_is_over_while_probabilities_are_made_ends_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ListedUnitFactory()
    run = queued_run()
    monkeypatch.setattr(predictions, "predict_run", failing(jobs.OutOfTime()))

    assert services.run_execute(job_id=run.job_id) is None

    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.error_code) == ("failed", "out_of_time")
    assert not SearchResult.objects.exists()


@pytest.mark.django_db
def test_a_connection_lost_while_probabilities_are_made_leaves_the_search_to_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ListedUnitFactory()
    run = queued_run()
    lost = DatabaseError("server closed the connection unexpectedly")
    monkeypatch.setattr(predictions, "predict_run", failing(lost))

    with pytest.raises(DatabaseError):
        services.run_execute(job_id=run.job_id)

    assert Job.objects.get(pk=run.job_id).state == "running"
