"""Laws that hold for any data: against the readable twin, under permutation, scaling and splitting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.statistics import twin
from tests.statistics.strategies import Sample, orders, same_bits, samples
from transplants.statistics.cox import cox
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.fine_gray import fine_gray
from transplants.statistics.gray import gray
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.kaplan_meier import kaplan_meier
from transplants.statistics.limits import LIMIT_TYPES
from transplants.statistics.logrank import logrank
from transplants.statistics.proportional import proportionality


@settings(max_examples=60, deadline=None)
@given(samples(causes=1) | samples(causes=1, late=True))
def test_kaplan_meier_is_its_twin(sample: Sample) -> None:
    curve = kaplan_meier(sample.data)

    told = twin.kaplan_meier(sample.time, sample.event, sample.entry)
    died = curve.events > 0
    assert list(curve.time[died]) == [t for t, _, _ in told]
    assert list(curve.survival[died]) == pytest.approx([s for _, s, _ in told], abs=1e-12)
    assert list(curve.variance[died]) == pytest.approx([v for _, _, v in told], abs=1e-12, nan_ok=True)
    for t in [*sample.time, 0.5, 99.0]:
        rows = [i for i in range(len(sample.time)) if sample.time[i] >= t]
        waiting = [] if sample.entry is None else [i for i in rows if sample.entry[i] >= t]
        assert curve.at([t]).at_risk[0] == len(rows) - len(waiting)


@settings(max_examples=60, deadline=None)
@given(samples(causes=3) | samples(causes=3, late=True))
def test_incidences_are_their_twins_and_add_up_with_survival(sample: Sample) -> None:
    curves = cumulative_incidence(sample.data, causes=(1, 2, 3))

    moved = np.searchsorted(curves.time, twin.event_times(sample.time, sample.event))
    for place, cause in enumerate(curves.causes):
        told = twin.incidence(sample.time, sample.event, cause, sample.entry)
        assert list(curves.incidence[moved, place]) == pytest.approx([f for _, f in told], abs=1e-12)
    assert curves.incidence.sum(axis=1) + curves.survival == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(curves.incidence, axis=0) >= 0).all()
    assert (curves.variance >= 0).all()


@settings(max_examples=60, deadline=None)
@given(samples(causes=1), st.sampled_from(LIMIT_TYPES))
def test_limits_enclose_and_stay_probabilities(sample: Sample, limits: str) -> None:
    curve = kaplan_meier(sample.data, limits=limits)
    inside = curve.survival > 0

    assert np.isnan(curve.lower[~inside]).all()
    assert np.isnan(curve.upper[~inside]).all()
    assert ((curve.lower <= curve.survival + 1e-12) & (curve.survival <= curve.upper + 1e-12))[inside].all()
    assert ((curve.lower >= 0) & (curve.upper <= 1))[inside].all()
    incidence = cumulative_incidence(sample.data, limits=limits, causes=(1,))
    known = ~np.isnan(incidence.lower)
    assert (incidence.lower <= incidence.incidence + 1e-12)[known].all()
    assert (incidence.upper >= incidence.incidence - 1e-12)[known].all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_rows_changes_no_bit(data: st.DataObject) -> None:
    sample = data.draw(samples(least=3))
    other = sample.permuted(data.draw(orders(sample)))

    one, two = cumulative_incidence(sample.data), cumulative_incidence(other.data)
    assert all(
        same_bits(getattr(one, n), getattr(two, n)) for n in ("time", "incidence", "variance", "lower")
    )
    one_km, two_km = kaplan_meier(sample.data.any_event()), kaplan_meier(other.data.any_event())
    assert all(same_bits(getattr(one_km, n), getattr(two_km, n)) for n in ("survival", "variance", "upper"))
    assert of_groups(sample) == of_groups(other)
    assert of_models(sample) == of_models(other)


def of_groups(sample: Sample) -> list[object]:
    found: list[object] = []
    for work in (
        lambda: logrank(sample.data.any_event(), sample.group),
        lambda: gray(sample.data, sample.group, cause=1),
        lambda: gray(sample.data, sample.group, cause=2, strata=[x > 0 for x in sample.x]),
    ):
        try:
            test = work()
            found.append((test.statistic, test.df, test.expected.tobytes(), test.variance.tobytes()))
        except StatisticsError as error:
            found.append(error.code)
    return found


def of_models(sample: Sample) -> list[object]:
    table = np.array([sample.x, [float(g == 2) for g in sample.group]]).T
    found: list[object] = []
    for work in (
        lambda: cox(sample.data.any_event(), table),
        lambda: cox(sample.data.any_event(), table[:, 0], ties="breslow", strata=sample.group),
        lambda: fine_gray(sample.data, table, cause=1),
    ):
        try:
            model = work()
            found.append((model.coefficients.tobytes(), model.covariance.tobytes(), model.log_likelihood))
        except StatisticsError as error:
            found.append(error.code)
    return found


@settings(max_examples=60, deadline=None)
@given(samples(), st.sampled_from([0.001, 1 / 30.4375, 7.0, 86400.0]))
def test_another_unit_of_time_scales_only_times(sample: Sample, unit: float) -> None:
    scaled = survival_data(np.array(sample.time) * unit, sample.event)

    one, two = cumulative_incidence(sample.data), cumulative_incidence(scaled)
    assert same_bits(one.incidence, two.incidence)
    assert same_bits(one.variance, two.variance)
    assert two.time == pytest.approx(one.time * unit)
    mine, other = kaplan_meier(sample.data.any_event()), kaplan_meier(scaled.any_event())
    assert other.median.value == pytest.approx(mine.median.value * unit, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(samples(causes=1) | samples(causes=1, late=True))
def test_logrank_is_its_twin_and_differences_add_up_to_nothing(sample: Sample) -> None:
    assume(len(set(sample.group)) > 1 and any(sample.event))

    test = logrank(sample.data, sample.group)

    told = twin.logrank(sample.time, sample.event, sample.group, sample.entry)
    assert list(test.observed - test.expected) == pytest.approx(list(told.values()), abs=1e-10)
    assert test.observed.sum() == pytest.approx(test.expected.sum())
    assert test.variance.sum(axis=0) == pytest.approx(np.zeros(len(told)), abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(samples(causes=1))
def test_without_competing_events_gray_looks_at_the_same_as_logrank(sample: Sample) -> None:
    assume(len(set(sample.group)) > 1 and any(sample.event))

    mine, other = gray(sample.data, sample.group, cause=1), logrank(sample.data, sample.group)

    assert mine.observed == pytest.approx(other.observed)
    assert mine.expected == pytest.approx(other.expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(samples(causes=1, least=6), st.booleans(), st.booleans())
def test_cox_is_at_the_top_of_its_twins_likelihood(sample: Sample, efron: bool, stratified: bool) -> None:
    strata = [g > 1 for g in sample.group] if stratified else None
    try:
        model = cox(sample.data, sample.x, ties="efron" if efron else "breslow", strata=strata)
    except StatisticsError as error:
        assume(error.code not in ("separation", "constant", "no_events", "collinear"))
        raise
    rows = np.array(sample.x)[:, None]

    def told(beta: float) -> float:
        return twin.cox_log_likelihood(sample.time, sample.event, rows, [beta], efron=efron, strata=strata)

    best = float(model.coefficients[0])
    assert told(best) == pytest.approx(model.log_likelihood, abs=1e-9)
    assert told(0.0) == pytest.approx(model.null_log_likelihood, abs=1e-9)
    step = 1e-3 / (1 + abs(best))
    assert told(best) >= max(told(best - step), told(best + step)) - 1e-10
    curvature = -(told(best + step) - 2 * told(best) + told(best - step)) / step**2
    if model.standard_errors[0] < 5:
        assert curvature == pytest.approx(1 / model.covariance[0, 0], rel=2e-3, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(samples(causes=1, late=True, least=6))
def test_cox_with_late_entries_is_at_the_top_of_its_twins_likelihood(sample: Sample) -> None:
    try:
        model = cox(sample.data, sample.x)
    except StatisticsError as error:
        assume(error.code not in ("separation", "constant", "no_events", "collinear"))
        raise
    rows, best = np.array(sample.x)[:, None], float(model.coefficients[0])

    told = [
        twin.cox_log_likelihood(sample.time, sample.event, rows, [b], entry=sample.entry)
        for b in (best, best - 1e-3, best + 1e-3)
    ]
    assert told[0] == pytest.approx(model.log_likelihood, abs=1e-8)
    assert told[0] >= max(told) - 1e-9


@settings(max_examples=25, deadline=None)
@given(samples(least=6))
def test_fine_gray_is_at_the_top_of_its_twins_likelihood(sample: Sample) -> None:
    try:
        model = fine_gray(sample.data, sample.x, cause=1)
    except StatisticsError as error:
        assume(error.code not in ("separation", "constant", "no_events", "collinear"))
        raise
    rows, best = np.array(sample.x)[:, None], float(model.coefficients[0])

    told = [
        twin.fine_gray_log_likelihood(sample.time, sample.event, rows, [b], 1)
        for b in (best, best - 1e-3, best + 1e-3)
    ]
    assert told[0] == pytest.approx(model.log_likelihood, abs=1e-9)
    assert told[0] >= max(told) - 1e-9


@settings(max_examples=25, deadline=None)
@given(samples(causes=1, least=8))
def test_the_check_of_proportionality_sums_schoenfelds_residuals(sample: Sample) -> None:
    """Its score is the sum of residual × time: where all residuals of a scale vanish, so does the statistic."""
    try:
        model = cox(sample.data, sample.x)
    except StatisticsError as error:
        assume(error.code not in ("separation", "constant", "no_events", "collinear"))
        raise
    residuals = twin.schoenfeld(sample.time, sample.event, np.array(sample.x)[:, None], model.coefficients)
    assert sum(r[0] for _, r in residuals) == pytest.approx(0.0, abs=1e-7)
    score = sum(t * r[0] for t, r in residuals)

    test = proportionality(model, sample.data, scale="identity").overall

    assert (abs(score) < 1e-9) == (test.statistic < 1e-12) or test.statistic < 1e-6


@settings(max_examples=25, deadline=None)
@given(samples(causes=1, least=6))
def test_rows_split_in_time_are_the_same_patients(sample: Sample) -> None:
    """(0, t] and (0, s], (s, t] with the same covariates: same fit, same curve."""
    time = np.array(sample.time) + 1.0
    cut = np.maximum(np.floor(time / 2), 0.5)
    whole = survival_data(time, sample.event, entry=np.zeros(time.size))
    split = survival_data(
        np.concatenate([cut, time]),
        np.concatenate([np.zeros(time.size), sample.event]),
        entry=np.concatenate([np.zeros(time.size), cut]),
    )

    one, two = kaplan_meier(whole), kaplan_meier(split)
    assert two.at(one.time).survival == pytest.approx(one.survival, abs=1e-12)
    try:
        model = cox(whole, sample.x)
    except StatisticsError:
        return
    assert cox(split, [*sample.x, *sample.x]).coefficients == pytest.approx(model.coefficients, abs=1e-7)
