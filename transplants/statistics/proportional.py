"""Whether hazards are proportional: does the effect of a covariate change with time?

The score test of a term covariate × g(t) added to the model (Grambsch and Therneau 1994, in the exact form of R's
survival since 3.0), which rests on the sum of Schoenfeld residuals weighted by g.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from transplants.statistics.arrays import Floats, chosen
from transplants.statistics.cox import CoxModel
from transplants.statistics.data import SurvivalData
from transplants.statistics.groups import ChiSquareTest, chi_square_test
from transplants.statistics.kaplan_meier import kaplan_meier
from transplants.statistics.riskset import Moments

SCALES = ("km", "identity", "log")


@dataclass(frozen=True, eq=False)
class ProportionalityCheck:
    """A small p says that the hazard ratio is not one number for all times.

    terms: one test for each covariate, or for each term of several columns. overall: of all together. scale: of time.
    """

    terms: Mapping[str, ChiSquareTest]
    overall: ChiSquareTest
    scale: str


def proportionality(
    model: CoxModel,
    data: SurvivalData,
    *,
    terms: Mapping[str, Sequence[int]] | None = None,
    scale: str = "km",
) -> ProportionalityCheck:
    """Check a fitted model on its own data.

    terms: columns of the covariates by name (see design), by default each column alone. scale: g(t) = 1 - S(t-) of all
    rows ("km", the default of R: no single late death decides), t ("identity") or log t ("log").
    """
    chosen(scale, SCALES, "scale")
    count = len(model.names)
    score, within, across = np.zeros(count), np.zeros((count, count)), np.zeros((count, count))
    information = np.zeros((count, count))
    for moments in model.strata_moments:
        g = _scaled(moments.sets.times, data, scale)[moments.sets.block]
        score += _weighted_score(moments, g)
        within += moments.weighted_information(moments.row_weights(g * g), g * g)
        across += moments.weighted_information(moments.row_weights(g), g)
        information += moments.likelihood().information
    variance = within - across @ np.linalg.solve(information, across)
    chosen_terms = terms or {name: (place,) for place, name in enumerate(model.names)}
    return ProportionalityCheck(
        {name: _test(score, variance, columns) for name, columns in chosen_terms.items()},
        _test(score, variance, range(count)),
        scale,
    )


def _scaled(times: Floats, data: SurvivalData, scale: str) -> Floats:
    """g at the times of death of a stratum. One scale for all strata: shifted alike, it would not change the test."""
    if scale == "km":
        curve = kaplan_meier(data)
        values = (
            1.0 - np.concatenate(([1.0], curve.survival))[np.searchsorted(curve.time, times, side="left")]
        )
    else:
        values = np.log(np.maximum(times, 0.5)) if scale == "log" else times
    return values


def _weighted_score(moments: Moments, g: Floats) -> Floats:
    rows, died = moments.sets.rows, moments.sets.died
    found: Floats = g @ rows[died] - moments.row_weights(g) @ rows
    return found


def _test(score: Floats, variance: Floats, columns: Sequence[int]) -> ChiSquareTest:
    places = list(columns)
    part = variance[np.ix_(places, places)]
    statistic = score[places] @ np.linalg.lstsq(part, score[places], rcond=None)[0]
    return chi_square_test(float(statistic), len(places))
