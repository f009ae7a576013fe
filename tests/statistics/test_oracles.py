"""The same data through lifelines and scikit-survival, which are here for the tests only."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from scripts.survival_sets import bmt_recovering, ebmt2, ebmt2_by_match, lung_cox, mgus, small
from transplants.statistics.cox import cox
from transplants.statistics.data import SurvivalData
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.kaplan_meier import kaplan_meier
from transplants.statistics.logrank import logrank


@pytest.mark.parametrize("data", [ebmt2, mgus, small], ids=["ebmt2", "mgus2", "small"])
def test_kaplan_meier_and_its_limits_are_lifelines(data) -> None:
    rows: SurvivalData = data().any_event()

    curve = kaplan_meier(rows)

    fitter = KaplanMeierFitter().fit(rows.time, rows.event)
    places = fitter.survival_function_.index.searchsorted(curve.time)
    assert curve.survival == pytest.approx(fitter.survival_function_.to_numpy()[places, 0], abs=1e-12)
    told = fitter.confidence_interval_survival_function_.to_numpy()[places]
    inside = (curve.survival > 0) & (curve.survival < 1)
    assert curve.lower[inside] == pytest.approx(told[inside, 0], abs=1e-10)
    assert curve.upper[inside] == pytest.approx(told[inside, 1], abs=1e-10)


@pytest.mark.parametrize("data", [ebmt2, mgus, small], ids=["ebmt2", "mgus2", "small"])
def test_incidences_are_scikit_survivals(data) -> None:
    rows: SurvivalData = data()

    curves = cumulative_incidence(rows)

    time, told = cumulative_incidence_competing_risks(rows.event, rows.time)
    places = np.searchsorted(time, curves.time)
    np.testing.assert_allclose(curves.incidence.T, told[1:, places], atol=1e-12)
    _, survival = kaplan_meier_estimator(rows.event > 0, rows.time)
    assert curves.survival == pytest.approx(survival[places], abs=1e-12)


def test_limits_of_incidences_are_of_scikit_survivals_type() -> None:
    """The variance is another one there (Dinse and Larson), so the transformation is compared, not the interval."""
    rows = mgus()
    curves = cumulative_incidence(rows, causes=(1,))

    time, told, limits = cumulative_incidence_competing_risks(rows.event, rows.time, conf_type="log-log")
    place, mine = int(np.searchsorted(time, 240)), curves.at([240])
    ours = [float(mine.lower[0, 0]), float(mine.upper[0, 0])]
    assert ours == pytest.approx(limits[1][:, place], rel=0.01)
    middle = [np.log(-np.log(x)) for x in ours]
    assert np.mean(middle) == pytest.approx(np.log(-np.log(told[1, place])), abs=1e-12)


def test_logrank_is_lifelines() -> None:
    data, match = ebmt2_by_match()

    ours = logrank(data.any_event(), match)

    told = multivariate_logrank_test(data.time, match, data.event > 0)
    assert ours.statistic == pytest.approx(told.test_statistic, rel=1e-9)
    assert ours.p == pytest.approx(told.p_value, rel=1e-7)


def test_cox_is_lifelines() -> None:
    import pandas as pd

    data, table = lung_cox()
    names = ["age", "sex", "ecog"]

    ours = cox(data, table, names)

    frame = pd.DataFrame(table, columns=names).assign(time=data.time, event=data.event)
    told = CoxPHFitter().fit(frame, "time", "event")
    assert ours.coefficients == pytest.approx(told.params_.to_numpy(), abs=1e-5)
    assert ours.standard_errors == pytest.approx(told.standard_errors_.to_numpy(), abs=1e-5)
    assert ours.log_likelihood == pytest.approx(told.log_likelihood_, abs=1e-5)


def test_cox_with_rows_in_time_is_lifelines() -> None:
    import pandas as pd

    data, recovered = bmt_recovering()
    assert data.entry is not None

    ours = cox(data, recovered)

    frame = pd.DataFrame({"start": data.entry, "stop": data.time, "event": data.event, "x": recovered})
    told = CoxTimeVaryingFitter().fit(frame.assign(id=range(len(frame))), id_col="id", event_col="event")
    assert ours.coefficients == pytest.approx(told.params_.to_numpy(), abs=1e-5)
