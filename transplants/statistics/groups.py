"""Groups that are compared, strata within which they are compared, and the result of a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, Ints, coded
from transplants.statistics.data import SurvivalData
from transplants.statistics.distributions import chi_square_tail
from transplants.statistics.errors import StatisticsError

Labels = Sequence[object] | npt.ArrayLike


@dataclass(frozen=True)
class ChiSquareTest:
    """A chi-square statistic, its degrees of freedom, and the probability of a larger one without any difference."""

    statistic: float
    df: int
    p: float


@dataclass(frozen=True, eq=False)
class GroupTest(ChiSquareTest):
    """A test of G groups.

    groups: their labels, sorted. n: rows, int64, shape (G,). observed, expected: events, shape (G,). variance: of
    observed - expected, shape (G, G).
    """

    groups: tuple[object, ...]
    n: Ints
    observed: Floats
    expected: Floats
    variance: Floats


def chi_square_test(statistic: float, df: int) -> ChiSquareTest:
    return ChiSquareTest(statistic, df, chi_square_tail(statistic, df))


def groups_of(data: SurvivalData, group: Labels) -> tuple[Ints, tuple[object, ...]]:
    """Codes and labels of at least two groups. Raises StatisticsError."""
    codes, labels = coded(group, "group", len(data))
    if len(labels) < 2:
        raise StatisticsError("one_group", column="group")
    return codes, labels


def each_stratum(
    data: SurvivalData, group: Ints, strata: Labels | None
) -> Iterator[tuple[SurvivalData, Ints]]:
    """Rows and group codes of each stratum, of all together without strata."""
    if strata is None:
        yield data, group
        return
    codes, labels = coded(strata, "strata", len(data))
    for code in range(len(labels)):
        mine = codes == code
        yield data.subset(mine), group[mine]


def quadratic_form(score: Floats, variance: Floats, usable: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """Score' Variance^-1 Score over the usable entries but the last, which the others determine; and its df."""
    places = np.flatnonzero(usable)[:-1]
    if places.size == 0:
        return 0.0, 0
    part = variance[np.ix_(places, places)]
    solved, _, rank, _ = np.linalg.lstsq(part, score[places], rcond=1e-12)
    return max(float(score[places] @ solved), 0.0), int(rank)
