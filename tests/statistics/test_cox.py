"""Regression: R's figures beyond the golden ones, predictions, and why a fit has no answer."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.survival_sets import bmt, bmt_causes, bmt_disease_free, bmt_groups
from transplants.statistics import newton
from transplants.statistics.cox import cox
from transplants.statistics.data import SurvivalData, survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.fine_gray import fine_gray
from transplants.statistics.proportional import proportionality

NAMES = ("g2", "g3", "age")


def with_age() -> np.ndarray:
    return np.column_stack([bmt_groups(), bmt()["z1"]])


def test_a_fit_is_rs_in_every_part() -> None:
    """R 4.2.2, survival 3.5-3: coxph(Surv(t2, d3) ~ factor(group), bmt)."""
    model = cox(bmt_disease_free(), bmt_groups(), ["g2", "g3"])

    assert model.coefficients == pytest.approx([-0.574196667, 0.383413694], abs=1e-9)
    assert model.standard_errors == pytest.approx([0.287298423, 0.267375967], abs=1e-9)
    assert model.z == pytest.approx([-1.99861, 1.43399], abs=1e-5)
    assert model.p == pytest.approx([0.045651, 0.151576], abs=1e-6)
    assert model.lower == pytest.approx([0.320686513, 0.868807609], abs=1e-9)
    assert model.upper == pytest.approx([0.988959295, 2.478022739], abs=1e-8)
    assert (model.null_log_likelihood, model.log_likelihood) == pytest.approx(
        (-373.295749643, -366.569664339)
    )
    assert (model.likelihood_ratio.statistic, model.likelihood_ratio.p) == pytest.approx(
        (13.45217, 0.0011992), rel=1e-4
    )
    assert (model.wald().statistic, model.score_test.statistic) == pytest.approx((13.03151648, 13.80710722))
    assert (model.n, model.events, model.ties, model.steps < 10) == (137, 83, "efron", True)


def test_strata_are_rs() -> None:
    """coxph(Surv(t2, d3) ~ factor(group) + z1 + strata(z3)); its cox.zph by terms."""
    data = bmt_disease_free()
    model = cox(data, with_age(), NAMES, strata=bmt()["z3"])

    assert model.coefficients == pytest.approx(
        [-0.65095466308424, 0.29046072870973, 0.00798656435731], abs=1e-10
    )
    assert model.covariance[0] == pytest.approx(
        [0.09009155738626, 0.04963075802417, -0.000819187625084], abs=1e-10
    )
    check = proportionality(model, data, terms={"group": (0, 1), "age": (2,)})
    assert check.terms["group"].statistic == pytest.approx(2.431311660669, abs=1e-9)
    assert check.terms["age"].p == pytest.approx(0.448958770275, abs=1e-9)
    assert (check.overall.statistic, check.overall.df) == pytest.approx((2.621076555168, 3), abs=1e-9)


def test_scales_of_time_of_the_check() -> None:
    """cox.zph(transform = "identity"); "log" of two rows by hand has no more than one degree of freedom."""
    data = bmt_disease_free()
    model = cox(data, np.column_stack([with_age(), bmt()["z2"]]))

    assert proportionality(model, data, scale="identity").overall.statistic == pytest.approx(
        8.06322451672, abs=1e-9
    )
    assert proportionality(model, data, scale="log").overall.df == 4
    with pytest.raises(StatisticsError, match="none of km, identity, log"):
        proportionality(model, data, scale="rank")


def test_the_baseline_is_rs() -> None:
    """basehaz(centered = FALSE) of the model with group, z1, z2 at its last day."""
    model = cox(bmt_disease_free(), np.column_stack([with_age(), bmt()["z2"]]))

    hazard = model.cumulative_hazard(np.zeros((1, 4)), [0, 2640, 9999])
    assert hazard[0] == pytest.approx([0, 0.925229661665, 0.925229661665], abs=1e-10)


def test_expected_events_are_hazards_at_each_ones_own_time() -> None:
    data = bmt_disease_free()
    model = cox(data, with_age(), NAMES, strata=bmt()["z3"])

    expected = model.expected_events(with_age(), data.time, strata=bmt()["z3"])

    for row in (0, 50, 136):
        one = model.cumulative_hazard(with_age()[[row]], [data.time[row]], stratum=bmt()["z3"][row])
        assert expected[row] == pytest.approx(one[0, 0])
    breslow = cox(data, with_age(), ties="breslow")
    assert breslow.expected_events(with_age(), data.time).sum() == pytest.approx(83)
    with pytest.raises(StatisticsError, match="2 is a stratum that the model does not know"):
        model.cumulative_hazard(with_age(), [1], stratum=2)
    with pytest.raises(StatisticsError) as caught:
        model.expected_events(with_age(), [1, 2], strata=bmt()["z3"])
    assert caught.value.code == "lengths_differ"


def test_a_stratum_in_which_nobody_dies_has_no_hazard() -> None:
    model = cox(
        survival_data([1, 2, 3, 4, 5], [1, 1, 1, 0, 0]), [1, 0, 2, 1, 2], strata=["a", "a", "a", "b", "b"]
    )

    assert model.cumulative_hazard([[1.0]], [9], stratum="b")[0, 0] == 0


def test_where_to_begin_changes_no_answer() -> None:
    far = cox(bmt_disease_free(), bmt_groups(), start=[0.5, -0.5])

    assert far.coefficients == pytest.approx(cox(bmt_disease_free(), bmt_groups()).coefficients, abs=1e-10)


def test_large_covariates_do_not_overflow() -> None:
    one = cox(bmt_disease_free(), bmt()["z1"] * 1e6 + 1e9)

    assert one.coefficients[0] * 1e6 == pytest.approx(
        cox(bmt_disease_free(), bmt()["z1"]).coefficients[0], rel=1e-6
    )


def random_data(rows: int = 60) -> tuple[SurvivalData, np.ndarray]:
    random = np.random.default_rng(5)
    event = (random.random(rows) < 0.6).astype(int)
    return survival_data(np.ceil(random.exponential(50, rows)), event), random.normal(size=(rows, 2))


FITS = {
    "cox": lambda data, table, names: cox(data, table, names),
    "fine_gray": lambda d, t, n: fine_gray(d, t, n, cause=1),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize(
    ("third", "code"),
    [
        (lambda d, x: np.ones(len(d)), "constant"),
        (lambda d, x: 2 * x[:, 0] - x[:, 1] + 3, "collinear"),
        (lambda d, x: (d.event == 1) * 1.0, "separation"),
    ],
)
def test_a_fit_without_an_answer_names_the_covariate(fit, third, code: str) -> None:
    data, table = random_data()

    with pytest.raises(StatisticsError) as caught:
        fit(data, np.column_stack([table, third(data, table)]), ["a", "b", "c"])

    assert (caught.value.code, caught.value.column) == (code, "c")


def test_separation_by_two_covariates_together_is_found() -> None:
    """Neither separates alone: the likelihood grows along their difference."""
    data = survival_data(np.arange(1, 9), [1, 1, 1, 1, 0, 0, 0, 0])
    rows = np.array([[8, 1], [7, 1.5], [6, 1.1], [5, 0.3], [4, 2.0], [3, 1.2], [2, 1.9], [1, 0.2]])

    with pytest.raises(StatisticsError) as caught:
        cox(data, rows)

    assert caught.value.code in ("separation", "no_convergence")


def test_an_endless_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "_MOST_STEPS", 2)

    with pytest.raises(StatisticsError, match="did not converge in 2 steps"):
        cox(bmt_disease_free(), bmt_groups())


def test_a_step_that_overshoots_is_halved() -> None:
    """From far away on the flat of a steep likelihood Newton's first step goes too far."""
    quartic = lambda at: newton.Likelihood(  # noqa: E731
        -float(np.log(np.cosh(at[0] - 1))), -np.tanh(at - 1), np.array([[1 / np.cosh(at[0] - 1) ** 2]])
    )

    fit = newton.largest(quartic, ["x"], np.array([3.0]))

    assert fit.coefficients[0] == pytest.approx(1.0, abs=1e-8)


def test_a_likelihood_that_never_grows_ends_as_no_convergence() -> None:
    broken = lambda at: newton.Likelihood(-abs(float(at[0])), np.array([1.0]), np.array([[1.0]]))  # noqa: E731

    with pytest.raises(StatisticsError, match="did not converge"):
        newton.largest(broken, ["x"])


def test_an_information_that_becomes_singular_is_no_crash() -> None:
    def singular(at: np.ndarray) -> newton.Likelihood:
        information = np.eye(2) if not at.any() else np.ones((2, 2))
        return newton.Likelihood(float(at.sum()), np.ones(2), information)

    with pytest.raises(StatisticsError, match="did not converge"):
        newton.largest(singular, ["a", "b"])


@pytest.mark.parametrize("ties", ["exact", ""])
def test_ties_have_two_names(ties: str) -> None:
    with pytest.raises(StatisticsError, match="none of efron, breslow"):
        cox(bmt_disease_free(), bmt_groups(), ties=ties)


def test_fine_gray_is_rs_in_every_part() -> None:
    """cmprsk 2.2-11: crr(t2, cause, cbind(g2, g3, z1)); it stops at a gradient of 1e-6."""
    model = fine_gray(bmt_causes(), with_age(), NAMES, cause=1)

    assert model.coefficients == pytest.approx(
        [-0.8130870159189, 0.49646425950214, 0.00173544943814], abs=1e-9
    )
    assert model.covariance[0] == pytest.approx(
        [0.20584464435, 0.10901296075627, -0.002872579555982], abs=1e-8
    )
    assert (model.n, model.events, model.cause) == (137, 42, 1)


def test_the_incidence_that_fine_gray_predicts() -> None:
    """predict.crr of a small case at its nine times (R 4.2.2)."""
    import csv

    from tests.statistics.recorded import CASES

    lines = [line for line in (CASES.parent / "r_predict.csv").read_text().splitlines() if line[0] != "#"]
    table = {k: np.array([float(r[k]) for r in csv.DictReader(lines)]) for k in ("t", "e", "g", "st")}
    model = fine_gray(
        survival_data(table["t"], table["e"]), np.column_stack([table["g"] - 2.5, table["st"]]), cause=2
    )

    told = [0.00813845120711, 0.01639295140501, 0.02494934516344, 0.05288821249259, 0.08206179087742]
    told += [0.09268034725387, 0.11443281766154, 0.14150878255241, 0.16077071719660]
    assert model.incidence([[0.5, 1]], [1, 2, 3, 5, 6, 7, 8, 10, 12])[0] == pytest.approx(told, abs=1e-6)


def test_fine_gray_without_censoring_needs_no_weights() -> None:
    model = fine_gray(survival_data([1, 2, 3, 4, 5], [1, 2, 1, 2, 1]), [0.5, 1, 2, 0, 1], cause=1)

    assert np.isfinite(model.standard_errors).all()


def test_what_fine_gray_refuses() -> None:
    with pytest.raises(StatisticsError, match="Fine and Gray's model is not defined here"):
        fine_gray(survival_data([3, 4], [1, 2], entry=[0, 1]), [1, 2], cause=1)
    with pytest.raises(StatisticsError, match="There is no event"):
        fine_gray(survival_data([3, 4], [1, 2]), [1, 2], cause=3)
