"""Observed and expected deaths, funnel, completeness, stability, cohorts."""

from __future__ import annotations

import numpy as np
import pytest

from transplants.statistics.cohort import first_event, landmark
from transplants.statistics.completeness import (
    Completeness,
    StabilityRule,
    clark_completeness,
    share_that_could_reach,
    simplified_completeness,
)
from transplants.statistics.cox import cox
from transplants.statistics.data import SurvivalData, survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.observed_expected import funnel_limits, observed_expected

NAN = float("nan")


def cohort(rows: int = 900, hospitals: int = 6) -> tuple[SurvivalData, np.ndarray, np.ndarray]:
    """Patients of whom those in hospital 0 die three times as often as their covariates say."""
    random = np.random.default_rng(11)
    hospital = random.integers(0, hospitals, rows)
    table = np.column_stack([random.normal(size=rows), random.random(rows) < 0.3])
    hazard = 0.0008 * np.exp(0.5 * table[:, 0] + 0.7 * table[:, 1]) * np.where(hospital == 0, 3.0, 1.0)
    died, left = random.exponential(1 / hazard), random.uniform(100, 2500, rows)
    return survival_data(np.ceil(np.minimum(died, left)), died <= left), table, hospital


def test_expected_deaths_come_from_the_other_hospitals_model() -> None:
    data, table, hospital = cohort()

    found = observed_expected(data, table, hospital, ["age", "late"])

    early = data.censored_at(365)
    for code in (0, 3):
        mine = hospital == code
        model = cox(early.subset(~mine), table[~mine])
        by_hand = sum(
            model.cumulative_hazard(table[[i]], [min(data.time[i], 365)])[0, 0] for i in np.flatnonzero(mine)
        )
        assert found.expected[code] == pytest.approx(by_hand, rel=1e-7)
        assert found.observed[code] == np.count_nonzero(mine & (data.event == 1) & (data.time <= 365))
    assert found.hospitals == (0, 1, 2, 3, 4, 5)
    assert found.patients.sum() == 900
    assert found.ratio[0] > 2
    assert list(found.outside(0.95)) == [1, 0, 0, 0, 0, 0] or found.outside(0.95)[0] == 1
    assert found.problems == ("",) * 6


def test_a_hospitals_own_deaths_do_not_change_what_is_expected_of_it() -> None:
    data, table, hospital = cohort()
    worse = survival_data(data.time, np.where(hospital == 2, 1, data.event))

    one, two = observed_expected(data, table, hospital), observed_expected(worse, table, hospital)

    assert two.observed[2] > one.observed[2]
    assert two.expected[2] == pytest.approx(one.expected[2], rel=1e-9)


def test_what_happens_after_the_horizon_plays_no_part() -> None:
    data, table, hospital = cohort()
    later = survival_data(
        np.where(data.time > 365, data.time + 5000, data.time), np.where(data.time > 365, 0, data.event)
    )

    one, two = observed_expected(data, table, hospital), observed_expected(later, table, hospital)

    assert one.expected.tobytes() == two.expected.tobytes()


def test_strata_have_their_own_baselines() -> None:
    data, table, hospital = cohort()
    era = np.where(np.arange(900) % 2, "old", "new")

    found = observed_expected(data, table, hospital, strata=era)

    assert found.expected.sum() == pytest.approx(found.observed.sum(), rel=0.2)
    assert not np.array_equal(found.expected, observed_expected(data, table, hospital).expected)


def test_a_hospital_of_its_own_kind_has_no_expectation() -> None:
    """Only it treats these patients: without it nobody knows their hazard."""
    data, table, hospital = cohort()
    kind = np.column_stack([table[:, 0], hospital == 4])

    found = observed_expected(data, kind, hospital)

    assert found.problems[4] == "constant"
    assert np.isnan([found.expected[4], found.ratio[4], found.lower[4]]).all()
    assert found.outside(0.95)[4] == 0
    alone = observed_expected(data, table, np.zeros(900))
    assert alone.problems == ("empty",)


def test_exact_limits_of_a_ratio() -> None:
    data, table, hospital = cohort()

    found = observed_expected(data, table, hospital)

    low, high = found.lower * found.expected, found.upper * found.expected
    assert ((low < found.observed) & (found.observed < high)).all()


def test_funnel_limits_enclose_1_and_narrow() -> None:
    narrow, wide = funnel_limits([0.5, 2, 10, 50])

    assert (narrow.level, wide.level) == (0.95, 0.998)
    assert (wide.lower <= narrow.lower).all()
    assert (narrow.upper < wide.upper).all()
    assert (np.diff(narrow.upper) < 0).all()
    assert (np.diff(narrow.lower) >= 0).all()
    assert narrow.lower[0] == 0
    assert (narrow.lower < 1).all()
    assert (narrow.upper > 1).all()
    # 10 deaths expected: P(17 or more) is 0.027, P(18 or more) 0.014, so 18 are too many and 17 are not
    assert 17 < 10 * narrow.upper[2] < 18


def test_clarks_completeness() -> None:
    """Seen of what could be seen: the dead are complete, a patient lost on day 100 of 200 is half complete."""
    data = survival_data([50, 100, 200, 300], [1, 0, 0, 2])
    potential = [200, 200, 200, 250]

    assert clark_completeness(data, potential) == Completeness(
        600.0, 700.0
    )  # 50 + 100 + 200 + 250; 50 + 200 + 200 + 250
    assert clark_completeness(data, potential, horizon=100) == Completeness(350.0, 350.0)
    assert simplified_completeness(data, potential) == Completeness(750.0, 850.0)
    assert Completeness(0, 0).share == 1.0


def test_simplified_completeness_credits_events_in_full() -> None:
    data = survival_data([50, 100], [1, 0])

    assert simplified_completeness(data, [200, 200]).share == 0.75
    assert clark_completeness(data, [200, 200]).share == 0.6


def test_potential_time_is_checked() -> None:
    with pytest.raises(StatisticsError) as caught:
        clark_completeness(survival_data([1], [0]), [-5])
    assert (caught.value.code, caught.value.column) == ("time_negative", "potential")


def test_at_least_half_could_have_reached_the_time() -> None:
    potential = [100, 400, 1900, 2000]

    assert share_that_could_reach(potential, 1826) == 0.5
    assert share_that_could_reach([], 1) == 0.0
    rule = StabilityRule()
    assert rule.may_speak_of(potential, 1826)
    assert not rule.may_speak_of(potential, 1950)


@pytest.mark.parametrize(("patients", "at_risk", "stable"), [(20, 10, True), (19, 10, False), (20, 9, False)])
def test_below_20_patients_or_10_at_risk_nothing_is_stable(patients: int, at_risk: int, stable: bool) -> None:
    assert StabilityRule().is_stable(patients, at_risk) is stable


def test_grfs_is_the_first_of_its_events() -> None:
    found = first_event(
        {
            "acute GVHD III–IV": [30, NAN, NAN, NAN],
            "chronic GVHD": [NAN, 200, NAN, NAN],
            "relapse": [90, 150, NAN, 400],
            "death": [120, NAN, NAN, 400],
        },
        [120, 500, 365, 400],
        terminal=("death",),
    )

    assert list(found.time) == [30, 150, 365, 400]
    assert list(found.event) == [1, 3, 0, 3]
    assert found.names[2] == "relapse"
    data = survival_data(found.time, found.event).any_event()
    assert list(data.event) == [1, 1, 0, 1]


def test_first_events_are_checked() -> None:
    assert list(first_event({}, [5, 6]).event) == [0, 0]
    for days, contact, column in (({"a": [-1.0]}, [5], "a"), ({"a": [1.0]}, [-5], "last contact")):
        with pytest.raises(StatisticsError) as caught:
            first_event(days, contact)
        assert (caught.value.code, caught.value.column) == ("time_negative", column)
    with pytest.raises(StatisticsError) as caught:
        first_event({"a": [1.0, 2.0]}, [5])
    assert caught.value.code == "lengths_differ"


def test_a_landmark_that_nobody_reaches_is_empty() -> None:
    with pytest.raises(StatisticsError, match="no rows"):
        landmark(survival_data([1, 2], [1, 0]), 100, [NAN, NAN])
