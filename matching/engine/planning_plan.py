"""What a simulation is asked, and what a unit is worth: without the loops, so that pages may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.engine.search import Criteria

ENGINE_VERSION: Final = "1"
NO_DOSE: Final = Decimal(0)
# Matches of each class that figures are given for: none, one, two mismatches.
GRID: Final[Mapping[str, tuple[int, ...]]] = {
    "antigen6": (6, 5, 4),
    "allele6": (6, 5, 4),
    "allele8": (8, 7, 6),
    "allele10": (10, 9, 8),
}
LOWEST: Final = {name: min(floors) for name, floors in GRID.items()}


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    weights: kilograms and the share of patients of about that weight, any sum. doses: TNC in 10⁷/kg above 0, rising; no
    dose filter comes on top. target: class and fewest matches; target_dose: of `doses`, or 0: whom the inventory counts
    as served where one figure is wanted, and the dose below which a unit is given to nobody. largest: the curve ends at
    so many times the inventory, its units beyond simulated; sizes: also wanted in it, where it comes so far.
    """

    patients: int
    seed: int
    weights: tuple[tuple[Decimal, float], ...]
    doses: tuple[Decimal, ...]
    target: tuple[str, int] = ("antigen6", 5)
    target_dose: Decimal = NO_DOSE
    searches_per_year: int = 100
    years: int = 10
    largest: float = 3.0
    sizes: tuple[int, ...] = ()
    statuses: frozenset[str] = frozenset({"LISTED"})

    @property
    def all_doses(self) -> tuple[Decimal, ...]:
        return (NO_DOSE, *self.doses)

    @property
    def searches(self) -> int:
        """In all the years."""
        return self.searches_per_year * self.years

    def check(self) -> None:
        """Raises ValueError for what cannot be."""
        rising = all(low < high for low, high in zip(self.all_doses, self.doses, strict=False))
        shares = [share for _weight, share in self.weights]
        weights = [weight for weight, _share in self.weights]
        if not (self.patients > 1 and self.searches_per_year > 0 and self.years > 0 and self.largest >= 1):
            raise ValueError("Patients, searches, years and size must be positive.")
        if not (weights and min(weights) > 0 and min(shares) > 0 and rising):
            raise ValueError("Weights, their shares and rising doses must be above 0.")
        if self.target_dose not in self.all_doses or self.target[1] not in GRID[self.target[0]]:
            raise ValueError("The target must be among the classes and doses.")


def needs_of(plan: Plan, dose: Decimal) -> NDArray[np.int64]:
    """Cells in 10⁴ that each weight of the plan needs for a dose: int64 (weights,), exact in decimals."""
    return np.array(
        [Criteria(weight_kg=weight, min_tnc_e7_per_kg=dose).min_tnc_e4 for weight, _share in plan.weights],
        dtype=np.int64,
    )


@dataclass(frozen=True)
class Worth:
    """Of each unit of the inventory the share of patients for whom it is the best choice; arrays (units,).

    unit_ids: uint8 (units, 16). cells_e4: int32, below 0 unknown. best, useful: float64, shares of patients whose list
    it heads, and who could have it at all. unserved: share of patients for whom no unit has class and dose.
    """

    unit_ids: NDArray[np.uint8]
    cells_e4: NDArray[np.int32]
    best: NDArray[np.float64]
    useful: NDArray[np.float64]
    unserved: float
    patients: int
    searches: int

    @property
    def ever(self) -> NDArray[np.float64]:
        """Probability that a unit is the best choice at least once in all searches: 1 - (1 - best)^searches."""
        return ever_best(self.best, self.searches)

    @property
    def unseen_at_most(self) -> float:
        """Worth that a unit which headed no list may still have (95 %): what so few patients cannot see."""
        share = 1 - 0.05 ** (1 / self.patients)
        return float(ever_best(np.array([share]), self.searches)[0])


def ever_best(share: NDArray[np.float64], searches: int) -> NDArray[np.float64]:
    """1 - (1 - share)^searches, exact also for small shares. share: float64 (n,), 0 to 1."""
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = -np.expm1(searches * np.log1p(-np.minimum(share, 1.0)))
    return found
