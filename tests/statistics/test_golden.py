"""Every published figure in its printed digits, and small tied data against R."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.validate_statistics import Figure, figures, printed_like
from tests.statistics.recorded import Case, cases
from transplants.statistics.cox import cox
from transplants.statistics.data import survival_data
from transplants.statistics.fine_gray import fine_gray
from transplants.statistics.gray import gray
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.logrank import logrank
from transplants.statistics.proportional import proportionality


@pytest.mark.parametrize("figure", list(figures()), ids=lambda f: f"{f.data}: {f.quantity}")
def test_a_published_figure_in_its_printed_digits(figure: Figure) -> None:
    found, same = figure.compared()

    assert same, f"{found} for {figure.expected}"


def test_a_figure_that_is_off_in_its_last_digit_is_seen() -> None:
    assert Figure("", "", "0.5632 5e-4", lambda: [0.56314, 0.00051]).compared() == (
        ["0.5631", "5e-04"],
        False,
    )
    assert printed_like("0.0010", 0.001006) == "0.0010"


SMALL = pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.number))


@SMALL
def test_gray_and_variance_with_ties_as_in_cmprsk(case: Case) -> None:
    rows, told = case.rows, case.told
    data = survival_data(rows["time"], rows["event"])

    tests = [gray(data, rows["group"], cause=cause).statistic for cause in (1, 2)]
    stratified = gray(data, rows["group"], cause=1, strata=rows["stratum"]).statistic
    variance = cumulative_incidence(data).variance[-1]

    assert tests == pytest.approx([told["gray1"], told["gray2"]], rel=1e-8)
    assert stratified == pytest.approx(told["gray1_strata"], rel=1e-8)
    assert list(variance) == pytest.approx([told["variance1"], told["variance2"]], rel=1e-8)


@SMALL
def test_logrank_and_cox_with_ties_as_in_survival(case: Case) -> None:
    rows, told = case.rows, case.told
    data = survival_data(rows["time"], rows["event"]).only(1)

    model = cox(data, rows["x"])

    assert logrank(data, rows["group"]).statistic == pytest.approx(told["logrank"], rel=1e-8)
    strata = logrank(data, rows["group"], strata=rows["stratum"])
    assert strata.statistic == pytest.approx(told["logrank_strata"], rel=1e-8)
    assert model.coefficients[0] == pytest.approx(told["cox_x"], rel=1e-7, abs=1e-9)
    assert model.standard_errors[0] == pytest.approx(told["cox_se"], rel=1e-7)
    assert proportionality(model, data).overall.statistic == pytest.approx(told["zph"], rel=1e-6)


@SMALL
def test_fine_gray_with_ties_as_in_cmprsk(case: Case) -> None:
    rows, told = case.rows, case.told

    model = fine_gray(survival_data(rows["time"], rows["event"]), rows["x"], cause=1)

    assert model.coefficients[0] == pytest.approx(told["fg_x"], rel=1e-6, abs=1e-8)
    assert model.standard_errors[0] == pytest.approx(told["fg_se"], rel=1e-6)


def test_the_recorded_cases_are_there() -> None:
    assert len(cases()) == 40
    assert any(np.unique(case.rows["group"]).size == 4 for case in cases())
