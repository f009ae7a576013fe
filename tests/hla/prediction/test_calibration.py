"""Reliability bins, distances, z tests and the alarm of calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hla.prediction.calibration import (
    FINE,
    JUDGED_FROM,
    alarm,
    cusum,
    cusum_p_value,
    reliability,
    totals,
    wilson,
    z_spiegelhalter,
    z_total,
)

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def split(pairs: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [p for p, _ in pairs], [y for _, y in pairs]


def test_bins_by_hand() -> None:
    found = reliability([0.05, 0.29, 0.21, 1.0, 0.3], [False, True, False, True, True])

    assert found.low.tolist() == [0.0, 0.2, 0.3, 0.9]
    assert found.high.tolist() == [0.1, 0.3, 0.4, 1.0]
    assert found.n.tolist() == [1, 2, 1, 1]
    assert found.predicted.tolist() == pytest.approx([0.05, 0.25, 0.3, 1.0])
    assert found.observed.tolist() == [0, 0.5, 1, 1]
    assert found.city_block == pytest.approx((0.05 + 2 * 0.25 + 0.7 + 0) / 5)
    mean = 3 / 5
    around = mean**2 + 2 * (0.5 - mean) ** 2 + 2 * (1 - mean) ** 2
    assert found.r_squared == pytest.approx(1 - (0.05**2 + 2 * 0.25**2 + 0.7**2) / around)


def test_a_value_on_an_edge_falls_into_the_upper_bin() -> None:
    """0.29 · 100 is 28.999… in floating point."""
    edges = [step / FINE for step in range(FINE)]

    found = reliability(edges, [True] * FINE, bins=FINE)

    assert found.n.tolist() == [1] * FINE


@given(PAIRS, st.integers(1, 120))
def test_bins_keep_every_prediction_and_outcome(pairs: list[tuple[float, bool]], bins: int) -> None:
    p, y = split(pairs)
    found = reliability(p, y, bins=bins)

    assert found.n.sum() == len(p)
    assert float((found.n * found.predicted).sum()) == pytest.approx(sum(p))
    assert float((found.n * found.observed).sum()) == pytest.approx(sum(y))
    assert ((found.lower <= found.observed + 1e-12) & (found.observed <= found.upper + 1e-12)).all()
    assert math.isnan(found.city_block) if not p else 0 <= found.city_block <= 1
    assert math.isnan(found.r_squared) or found.r_squared <= 1 + 1e-12


@given(PAIRS, st.randoms())
def test_order_matters_to_the_drift_alone(pairs: list[tuple[float, bool]], rng: object) -> None:
    p, y = split(pairs)
    mixed = list(pairs)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    q, x = split(mixed)

    assert z_total(p, y) == pytest.approx(z_total(q, x), nan_ok=True)
    assert z_spiegelhalter(p, y) == pytest.approx(z_spiegelhalter(q, x), nan_ok=True)
    assert totals(p, y).expected == pytest.approx(totals(q, x).expected)


def test_without_predictions_nothing_is_said() -> None:
    found = reliability([], [])
    sums = totals([], [])

    assert len(found.n) == 0
    assert math.isnan(found.city_block)
    assert math.isnan(found.r_squared)
    assert (sums.n, sums.expected, sums.observed) == (0, 0.0, 0)
    assert math.isnan(sums.difference)
    assert math.isnan(z_total([], []))
    assert cusum([], []).shape == (0, 2)
    assert alarm([], []).verdict == "too_few"


def test_shares_alike_have_no_r_squared() -> None:
    assert math.isnan(reliability([0.2, 0.8], [True, True]).r_squared)


def test_wilson_as_published() -> None:
    """Newcombe, Stat Med 1998;17:857-72, table I, method 3."""
    lower, upper = wilson([81, 15, 0, 1], [263, 148, 20, 29])

    assert lower.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert upper.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_wilson_at_the_ends() -> None:
    lower, upper = wilson([0, 7], [7, 7])

    assert (lower[0], upper[1]) == (0.0, 1.0)
    assert 0 < lower[1] < 1
    assert 0 < upper[0] < 1


def test_totals_by_hand() -> None:
    found = totals([0.5, 0.7, 0.3, 0.9], [True, True, False, True])

    assert (found.n, found.observed) == (4, 3)
    assert found.expected == pytest.approx(2.4)
    assert found.difference == pytest.approx(0.15)
    lower, upper = wilson([3], [4])
    assert (found.lower, found.upper) == pytest.approx((lower[0] - 0.6, upper[0] - 0.6))


def test_z_by_hand() -> None:
    p, y = [0.2, 0.9], [True, True]

    assert z_total(p, y) == pytest.approx(0.9 / math.sqrt(0.16 + 0.09))
    assert z_spiegelhalter(p, y) == pytest.approx(
        (0.8 * 0.6 + 0.1 * -0.8) / math.sqrt(0.36 * 0.16 + 0.64 * 0.09)
    )


def test_spiegelhalter_is_the_standardised_score_of_brier() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(200)
    y = rng.random(200) < p
    score, expected = ((y - p) ** 2).sum(), (p * (1 - p)).sum()
    variance = ((1 - 2 * p) ** 2 * p * (1 - p)).sum()

    assert z_spiegelhalter(p, y) == pytest.approx((score - expected) / math.sqrt(variance))


def test_cusum_by_hand() -> None:
    """p = ½, odds doubled: a hit adds ln(2 / 1.5), a miss takes ln 1.5 away, never below 0; halved: the reverse."""
    found = cusum([0.5] * 4, [True, True, False, False])
    up, off = math.log(2 / 1.5), math.log(1.5)

    assert found[:, 0].tolist() == pytest.approx([up, 2 * up, max(0.0, 2 * up - off), 0.0])
    assert found[:, 1].tolist() == pytest.approx([0.0, 0.0, up, 2 * up])


@pytest.mark.parametrize(
    "call",
    [
        lambda: reliability([0.5], []),
        lambda: reliability([[0.5]], [[True]]),
        lambda: reliability([1.1], [True]),
        lambda: reliability([math.nan], [True]),
        lambda: reliability([0.5], [2]),
        lambda: reliability([0.5], [True], bins=0),
        lambda: wilson([1], [0]),
        lambda: wilson([2], [1]),
        lambda: wilson([-1], [1]),
        lambda: wilson([1], [2], 1.0),
        lambda: alarm([0.5], [True], simulations=100),
        lambda: alarm([0.5], [True], false_alarms=3.0),
    ],
)
def test_what_cannot_be_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        call()  # type: ignore[operator]


def test_few_or_settled_predictions_are_not_judged() -> None:
    few = alarm([0.5] * (JUDGED_FROM - 1), [False] * (JUDGED_FROM - 1))
    settled = alarm([0.001] * 2_000, [True] * 2_000)

    assert few.verdict == settled.verdict == "too_few"
    assert few.reasons == ()
    assert math.isnan(few.drift)


def simulated(rng: np.random.Generator, n: int, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions over the whole scale; `shift`: true odds over predicted odds."""
    p = rng.random(n)
    truth = shift * p / (1 - p + shift * p)
    return p, rng.random(n) < truth


def test_right_predictions_alarm_no_more_often_than_stated() -> None:
    """300 looks at 5 %: at most 15 expected; 27 or more would come once in 400 such tests."""
    rng = np.random.default_rng(11)

    alarms = sum(
        alarm(*simulated(rng, 200), false_alarms=0.05, simulations=199).verdict == "alarm" for _ in range(300)
    )

    assert alarms <= 26


def test_the_value_of_the_cusum_is_uniform_or_above() -> None:
    rng = np.random.default_rng(12)
    found = np.array([cusum_p_value(*simulated(rng, 120), simulations=99, seed=seed) for seed in range(400)])

    for rate in (0.05, 0.2, 0.5):
        assert (found <= rate).mean() <= rate + 3 * math.sqrt(rate * (1 - rate) / len(found))


@pytest.mark.parametrize(("shift", "sign"), [(2.5, 1), (0.4, -1)])
def test_shifted_predictions_alarm(shift: float, sign: int) -> None:
    rng = np.random.default_rng(13)
    found = [alarm(*simulated(rng, 400, shift)) for _ in range(20)]

    assert all("total" in one.reasons and one.z_total * sign > 0 for one in found)
    assert sum("drift" in one.reasons for one in found) >= 18


def test_predictions_too_extreme_alarm_by_their_spread() -> None:
    rng = np.random.default_rng(14)
    truth = rng.uniform(0.2, 0.8, 600)
    extreme = np.clip((truth - 0.5) * 1.6 + 0.5, 0.01, 0.99)

    found = alarm(extreme, rng.random(600) < truth)

    assert found.reasons[0] == "spread"
    assert found.z_spread > 0


def test_a_late_drift_is_seen_by_the_cusum_alone() -> None:
    rng = np.random.default_rng(15)
    early, late = simulated(rng, 3_000), simulated(rng, 120, 0.33)
    p, y = (np.concatenate(parts) for parts in zip(early, late, strict=True))

    found = alarm(p, y)

    assert found.reasons == ("drift",)
    assert alarm(*early).verdict == "in_control"


def test_predictions_of_one_half_have_no_spread() -> None:
    found = alarm([0.5] * 60, [True, False] * 30)

    assert math.isnan(found.z_spread)
    assert found.verdict == "in_control"


@pytest.mark.parametrize(("halves", "rare", "p"), [(60, 10, 0.005), (100, 25, 0.002)])
def test_a_few_rare_events_beside_many_halves_raise_no_more_alarms(halves: int, rare: int, p: float) -> None:
    """Their spread is far from normal: judged by it, 5 % of right predictions would alarm at a nominal 1 %."""
    predicted = np.array([0.5] * halves + [p] * rare)
    rng = np.random.default_rng(7)

    looks = [alarm(predicted, rng.random(len(predicted)) < predicted) for _ in range(400)]

    assert all(math.isnan(look.z_spread) for look in looks)
    assert sum(look.verdict == "alarm" for look in looks) <= 11  # 400 × 1 %, with four standard deviations
