"""Mistakes that published survival figures are known for: each is refused, or shown to be avoided."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.survival_sets import bmt, bmt_disease_free, bmt_recovering, mgus
from transplants.statistics.cohort import first_event, first_of_each, landmark
from transplants.statistics.completeness import clark_completeness
from transplants.statistics.cox import cox
from transplants.statistics.data import survival_data
from transplants.statistics.disclosure import suppress
from transplants.statistics.errors import StatisticsError
from transplants.statistics.gray import gray
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.kaplan_meier import follow_up, kaplan_meier
from transplants.statistics.logrank import logrank

NAN = float("nan")


def test_immortal_time_is_not_given_away() -> None:
    as_baseline = cox(bmt_disease_free(), bmt()["dp"]).ratio[0]
    from_its_day = cox(*bmt_recovering()).ratio[0]

    assert (round(as_baseline, 3), round(from_its_day, 3)) == (0.188, 0.279)


def test_a_landmark_leaves_out_who_did_not_reach_it_and_ignores_what_came_later() -> None:
    data = survival_data([50, 100, 101, 300, 400], [1, 1, 0, 1, 0])

    marked = landmark(data, 100, [20, NAN, 100, 150, NAN])

    assert list(marked.kept) == [False, False, True, True, True]
    assert list(marked.reached) == [True, False, False]
    assert list(marked.data.time) == [101, 300, 400]


def test_one_minus_kaplan_meier_overstates_a_competing_cause() -> None:
    wrong = 1 - kaplan_meier(mgus().only(1)).at([240]).survival[0]

    assert wrong == pytest.approx(0.2096, abs=5e-5)
    assert cumulative_incidence(mgus(), causes=(1,)).at([240]).incidence[0, 0] == pytest.approx(0.09981372)


def test_causes_are_not_silently_pooled() -> None:
    data = survival_data([1, 2, 3], [1, 2, 0])

    for work in (kaplan_meier, lambda d: logrank(d, [1, 2, 2]), lambda d: cox(d, [1, 2, 3])):
        with pytest.raises(StatisticsError) as caught:
            work(data)
        assert (caught.value.code, caught.value.column, caught.value.row) == ("several_causes", "event", 1)
    assert kaplan_meier(data.any_event()).total_events == 2


def test_a_second_transplant_and_a_second_unit_are_no_second_patient() -> None:
    patient, day = ["a", "b", "a", "c", "b", "b"], [100, 50, 20, 10, 50, 90]

    kept = first_of_each(patient, day)

    assert list(kept) == [False, True, True, True, False, False]
    with pytest.raises(
        StatisticsError, match=r"column subject, row 3: a has more than one row\. Count each person"
    ):
        survival_data([1, 2, 3], [0, 0, 0], subject=["a", "b", "a"])
    assert len(survival_data([1, 2], [0, 0], subject=["a", "b"])) == 2
    assert first_of_each([], []).size == 0


def test_entering_late_is_counted_from_the_entry() -> None:
    """Two who are known only because they lived to day 10 say nothing of days 0 to 10."""
    early = kaplan_meier(survival_data([5, 8, 20, 30], [1, 0, 1, 0]))
    late = kaplan_meier(survival_data([5, 8, 20, 30], [1, 0, 1, 0], entry=[0, 0, 10, 10]))

    assert early.at([5]).survival[0] == 0.75
    assert late.at([5]).survival[0] == 0.5
    assert list(late.at([5, 10, 11]).at_risk) == [2, 0, 2]


def test_rows_of_one_patient_may_follow_but_not_overlap() -> None:
    survival_data([5, 9], [0, 1], entry=[0, 5], subject=["a", "a"])

    with pytest.raises(StatisticsError) as caught:
        survival_data([5, 9], [0, 1], entry=[0, 4], subject=["a", "a"])
    assert caught.value.code == "overlap"


def test_a_contact_after_death_and_an_event_after_the_last_contact_are_refused() -> None:
    with pytest.raises(StatisticsError) as late:
        first_event({"death": [10.0, NAN]}, [12, 5], terminal=("death",))
    with pytest.raises(StatisticsError) as unseen:
        first_event({"relapse": [NAN, 9.0]}, [12, 5])

    assert (late.value.code, late.value.column, late.value.row) == ("contact_after_end", "death", 0)
    assert (unseen.value.code, unseen.value.row) == ("event_after_contact", 1)


def test_tied_causes_share_one_risk_set() -> None:
    """No jitter: relapse and death on one day each take their part of all who were at risk."""
    curves = cumulative_incidence(survival_data([3, 3, 3, 5], [1, 2, 0, 0]))

    assert list(curves.at([3]).incidence[0]) == [0.25, 0.25]
    assert list(curves.at([3]).survival) == [0.5]


def test_a_censored_patient_is_at_risk_on_his_last_day() -> None:
    assert kaplan_meier(survival_data([5, 5], [1, 0])).at([5]).survival[0] == 0.5


def test_an_event_on_day_0_counts() -> None:
    data = survival_data([0, 0, 4, 9], [1, 2, 0, 1])

    curves = cumulative_incidence(data)
    assert list(curves.at([0]).incidence[0]) == [0.25, 0.25]
    assert list(curves.at([0]).survival) == [0.5]
    assert kaplan_meier(data.any_event()).at([0]).survival[0] == 0.5
    assert cox(data.any_event(), [3.0, 1.0, 2.0, 2.5]).events == 3
    assert gray(data, ["a", "b", "a", "b"], cause=1).df == 1


def test_everyone_censored() -> None:
    data = survival_data([1, 2, 3], [0, 0, 0])

    curve = kaplan_meier(data)
    assert list(curve.survival) == [1, 1, 1]
    assert (list(curve.lower), list(curve.upper)) == ([1, 1, 1], [1, 1, 1])
    assert np.isnan([curve.median.value, curve.median.lower, curve.median.upper]).all()
    assert follow_up(data).median.value == 2
    assert cumulative_incidence(data).incidence.shape == (3, 0)
    assert list(cumulative_incidence(data, causes=(1,)).at([2]).upper[0]) == [0]
    for work in (
        lambda: logrank(data, [1, 2, 1]),
        lambda: cox(data, [1, 2, 3]),
        lambda: gray(data, [1, 2, 1], cause=1),
    ):
        with pytest.raises(StatisticsError) as caught:
            work()
        assert caught.value.code == "no_events"


@pytest.mark.parametrize(("event", "survival"), [(1, 0.0), (0, 1.0)])
def test_one_patient(event: int, survival: float) -> None:
    curve = kaplan_meier(survival_data([7], [event]))

    assert list(curve.at([0, 7, 8]).survival) == pytest.approx(
        [1.0, survival, 0.0 if event else NAN], nan_ok=True
    )
    assert list(curve.at([7, 8]).at_risk) == [1, 0]
    assert (
        cumulative_incidence(survival_data([7], [event]), causes=(1,)).at([7]).incidence[0, 0] == 1 - survival
    )


def test_nobody_at_risk_has_no_estimate() -> None:
    curve = kaplan_meier(survival_data([5, 9], [1, 0]))

    after = curve.at([9, 9.5])
    assert after.survival[0] == 0.5
    assert np.isnan([after.survival[1], after.variance[1], after.lower[1], after.upper[1]]).all()
    with pytest.raises(StatisticsError, match=r"There are no rows\. Widen the selection\."):
        survival_data([], [])


def test_a_hospital_that_loses_patients_is_seen_by_its_completeness() -> None:
    """Same survival in truth; one hospital stops reporting on those who live."""
    reporting = survival_data([365, 365, 365, 100], [0, 0, 0, 1])
    losing = survival_data([30, 40, 365, 100], [0, 0, 0, 1])

    assert clark_completeness(reporting, [800] * 4, horizon=365).share == 1.0
    assert clark_completeness(losing, [800] * 4, horizon=365).share == pytest.approx(535 / (3 * 365 + 100))


@pytest.mark.parametrize(
    "status", [["Censored", "Relapse", "TRM"], np.array(["0", "1", "2"]), np.array(["dead", None, 1], object)]
)
def test_a_text_status_is_refused(status: object) -> None:
    """A published course passed a labelled status: "Censored" became a third cause."""
    with pytest.raises(StatisticsError) as caught:
        survival_data([1, 2, 3], status)  # type: ignore[arg-type]

    assert (caught.value.code, caught.value.column, caught.value.row) == ("event_text", "event", 0)


def test_a_small_cell_is_not_left_to_subtraction() -> None:
    table = suppress([3, 20, 40])

    assert list(table.counts) == [3, 20, 40, 63]
    assert list(table.hidden) == [True, True, False, False]
