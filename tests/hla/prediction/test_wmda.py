"""WMDA matching validation, task 3: all 18,790 reference rows."""

from __future__ import annotations

import pytest

from scripts.validate_hla import RealData
from tests.hla.prediction.wmda import Task, percent

ROWS, OTHERWISE = 18_790, 165


@pytest.fixture(scope="module")
def task(real: RealData) -> Task:
    return Task(real)


@pytest.mark.slow
@pytest.mark.validation
def test_every_row_is_reproduced(task: Task) -> None:
    rows = task.data.expected

    assert len(rows) == ROWS
    assert task.differences("as-named", rows) == []


@pytest.mark.slow
@pytest.mark.validation
def test_without_nulls_as_alleles_a_few_rows_differ_all_for_two_nulls(task: Task) -> None:
    different = [expected for expected, _ in task.differences("absent", task.data.expected)]
    with_null = task.people_with_a_null()

    assert len(different) == OTHERWISE
    assert all(row["patient"] in with_null or row["donor"] in with_null for row in different)
    assert len(with_null) < 11_000 / 10


def test_percent_is_rounded_half_up() -> None:
    assert [percent(value) for value in (0.0, 0.004999, 0.005, 0.125, 0.9949, 0.995, 1.0)] == [
        "0", "0", "1", "13", "99", "100", "100",
    ]  # fmt: skip
