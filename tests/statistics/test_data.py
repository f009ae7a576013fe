"""What is refused, with the place and the cure; what is let through."""

from __future__ import annotations

import numpy as np
import pytest

from transplants.statistics.data import SurvivalData, survival_data
from transplants.statistics.design import covariate_table, design
from transplants.statistics.errors import CODES, HINTS, StatisticsError

NAN, INF = float("nan"), float("inf")


def refused(**columns: object) -> StatisticsError:
    with pytest.raises(StatisticsError) as caught:
        survival_data(**{"time": [1, 2, 3], "event": [0, 1, 2], **columns})  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("columns", "code", "column", "row"),
    [
        ({"time": [1, NAN, 3]}, "missing", "time", 1),
        ({"time": [1, None, 3]}, "missing", "time", 1),
        ({"time": [1, 2, INF]}, "infinite", "time", 2),
        ({"time": [1, -2, 3]}, "time_negative", "time", 1),
        ({"time": ["1", "2", "3"]}, "not_a_number", "time", 0),
        ({"time": np.array(["2020-01-01"] * 3, "datetime64[D]")}, "not_a_number", "time", 0),
        ({"time": [[1, 2, 3]]}, "lengths_differ", "time", None),
        ({"event": [0, 1]}, "lengths_differ", "event", None),
        ({"event": [0, 1.5, 1]}, "event_fraction", "event", 1),
        ({"event": [0, 1, -1]}, "event_negative", "event", 2),
        ({"event": [0, 365, 1]}, "event_large", "event", 1),
        ({"event": [0, NAN, 1]}, "missing", "event", 1),
        ({"event": [0, "", 1]}, "event_text", "event", 0),
        ({"event": np.array([0, "", 1], object)}, "missing", "event", 1),
        ({"entry": [0, 0]}, "lengths_differ", "entry", None),
        ({"entry": [0, 2, 0]}, "entry_not_before", "entry", 1),
        ({"entry": [0, NAN, 0]}, "missing", "entry", 1),
        ({"subject": [1, 2]}, "lengths_differ", "subject", None),
        ({"subject": [1, 2, 1]}, "subject_twice", "subject", 2),
        ({"subject": ["a", None, "b"]}, "missing", "subject", 1),
    ],
)
def test_a_fault_is_named_with_its_place(
    columns: dict[str, object], code: str, column: str, row: int | None
) -> None:
    error = refused(**columns)

    assert (error.code, error.column, error.row) == (code, column, row)


def test_the_message_says_where_what_and_how_to_cure_it() -> None:
    error = refused(time=[1, -2, 3])

    assert str(error) == "column time, row 2: The time -2.0 is negative. Count from day 0; correct the dates."
    assert error.told("line 9").startswith("column time, line 9: ")
    assert str(StatisticsError("empty")) == "There are no rows. Widen the selection."
    assert error.params == {"value": "-2.0"}


def test_a_long_text_is_cut_in_the_message() -> None:
    assert "…" in str(refused(event=np.array(["x" * 90, 1, 1], object)))


def test_every_code_has_a_hint() -> None:
    assert set(CODES) == set(HINTS)


@pytest.mark.parametrize(
    "event",
    [
        [0, 1, 0],
        [0.0, 1.0, 0.0],
        [False, True, False],
        np.array([0, 1, 0], np.int8),
        np.array([0, 1, 0], object),
    ],
)
def test_whole_numbers_of_any_kind_are_events(event: object) -> None:
    data = survival_data([1, 2, 3], event)  # type: ignore[arg-type]

    assert (data.event.dtype, list(data.event)) == (np.int64, [0, 1, 0])


def test_what_is_checked_is_a_copy_that_nobody_changes() -> None:
    time = np.array([1.0, 2.0])
    data = survival_data(time, [0, 1], entry=[0, 1])
    time[0] = 99

    assert list(data.time) == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        data.time[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        data.entry[0] = 5  # type: ignore[index]


def test_parts_and_views_of_data() -> None:
    data = survival_data([5, 10, 20], [1, 2, 0], entry=[0, 8, 9])

    assert (len(data), data.causes) == (3, (1, 2))
    assert list(data.subset(np.array([True, False, True])).entry) == [0, 9]  # type: ignore[arg-type]
    assert list(data.any_event().event) == [1, 1, 0]
    assert list(data.only(2).event) == [0, 1, 0]
    early = data.censored_at(9)
    assert (list(early.time), list(early.event), list(early.entry)) == ([5, 9], [1, 0], [0, 8])  # type: ignore[arg-type]
    assert list(SurvivalData(data.time, data.event).censored_at(10).event) == [1, 2, 0]
    with pytest.raises(StatisticsError, match="no rows"):
        data.subset(np.zeros(3, bool))
    with pytest.raises(StatisticsError) as caught:
        data.subset(np.ones(2, bool))
    assert caught.value.code == "lengths_differ"


def test_categories_become_indicators_against_a_reference() -> None:
    made = design(
        {"age": [30, 40, 50], "stage": ["late", "early", "late"], "era": [2, 10, 9]},
        categories=["era"],
        reference={"era": 9},
    )

    assert made.names == ("age", "stage=late", "era=2", "era=10")
    assert made.matrix.tolist() == [[30, 1, 1, 0], [40, 0, 0, 1], [50, 1, 0, 0]]
    assert made.terms == {"age": (0,), "stage": (1,), "era": (2, 3)}


@pytest.mark.parametrize(
    ("columns", "options", "code", "column"),
    [
        ({}, {}, "shape", ""),
        ({"a": [1, 2], "b": [1]}, {}, "lengths_differ", "b"),
        ({"a": [1, 2], "b": ["x"]}, {}, "lengths_differ", "b"),
        ({"a": [1, NAN]}, {}, "missing", "a"),
        ({"a": np.array([1, "x"], object)}, {}, "not_a_number", "a"),
        ({"a": ["x", ""]}, {}, "missing", "a"),
        ({"a": ["x", "y"]}, {"reference": {"a": "z"}}, "unknown_choice", "a"),
    ],
)
def test_a_wrong_covariate_is_named(columns: dict, options: dict, code: str, column: str) -> None:
    with pytest.raises(StatisticsError) as caught:
        design(columns, **options)

    assert (caught.value.code, caught.value.column) == (code, column)


def test_labels_of_mixed_kinds_are_sorted_by_their_text() -> None:
    made = design({"a": np.array(["b", 2, "b", 10], object)}, categories=["a"])

    assert made.names == ("a=2", "a=b")


@pytest.mark.parametrize("table", [[[1, 2]], [[[1.0]]], np.zeros((2, 0))])
def test_a_table_of_covariates_has_a_row_for_each_subject(table: object) -> None:
    with pytest.raises(StatisticsError) as caught:
        covariate_table(table, 2, None)  # type: ignore[arg-type]

    assert caught.value.code == "shape"


def test_covariates_without_names_are_numbered() -> None:
    assert covariate_table([1.0, 2.0], 2, None)[1] == ("x1",)
    with pytest.raises(StatisticsError, match=r"column age, row 2: The value is missing"):
        covariate_table([[1.0], [NAN]], 2, ["age"])
