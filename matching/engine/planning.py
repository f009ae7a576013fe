"""What an inventory is worth to a population: patients simulated from haplotype frequencies against the real units.

Match rates by class and dose, the curve over the size of the inventory, the worth of each unit, the haplotypes that
would add most. The search's own kernels match; nothing here compares typings. Equal inputs give equal figures.

Assumed, and to be said wherever a figure is shown: a patient's two haplotypes are independent draws from one set
(Hardy-Weinberg, no relatives, one population), he is typed without ambiguity, weight and type are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.frequencies.sets import HaplotypeSet
from hla.prediction.calibration import wilson
from matching.engine import planning_kernels as kernels
from matching.engine.planning_expected import Expected
from matching.engine.planning_gains import Gains, gains_of
from matching.engine.planning_people import CannotPlan, Population
from matching.engine.planning_plan import ENGINE_VERSION, GRID, LOWEST, Plan, Worth, needs_of
from matching.engine.planning_scan import Matcher, considered
from matching.engine.policy import Policy
from matching.engine.search import Criteria
from matching.engine.snapshot import Snapshot, build

Array = NDArray[Any]
Tell = Callable[[str, float], None]  # stage, share 0–1 of all the work; may raise to stop

NEVER: Final = np.iinfo(np.int32).max
MOST_NEW: Final = 200_000  # simulated units beyond the inventory
TELL_EVERY: Final = 50  # patients
PATIENTS_FROM, HAPLOTYPES_FROM = 0.05, 0.8  # of all the work
CURVE_FROM: Final = 200  # units; fewer are no inventory


@dataclass(frozen=True)
class Rate:
    """Patients with at least one unit at a class and dose, of n; a certain unit has the class however it is typed
    further.

    low, high: 95 % interval of possible / n (Wilson), of the sampling of patients alone. units: first quartile, median
    and third quartile over patients of the number of units, possible and certain.
    """

    class_name: str
    floor: int
    dose: Decimal
    n: int
    possible: int
    certain: int
    low: float
    high: float
    units: tuple[int, int, int]
    units_certain: tuple[int, int, int]


@dataclass(frozen=True)
class Series:
    """Patients served at each size of the curve, by a class and dose (possible matches): hits as long as its sizes."""

    class_name: str
    floor: int
    dose: Decimal
    hits: tuple[int, ...]


@dataclass(frozen=True)
class Curve:
    """Nested random subsets of the inventory, then the inventory with simulated units: so no series ever falls.

    sizes: units, rising; the inventory's own is among them. inventory: that one.
    """

    sizes: tuple[int, ...]
    inventory: int
    series: tuple[Series, ...]


@dataclass(frozen=True)
class WeightRate:
    """Patients of one weight, and those of them who have a unit at the target."""

    weight_kg: Decimal
    n: int
    served: int


@dataclass(frozen=True)
class Planned:
    """All figures of one simulation.

    units: considered; left_out: of the states asked, but untyped at A, B or DRB1; cells_unknown: among `units`, they
    meet no dose. unread, unread_share: of the set (Population).
    """

    engine: str
    loci: tuple[str, ...]
    haplotypes: int
    unread: tuple[str, ...]
    unread_share: float
    units: int
    left_out: int
    cells_unknown: int
    rates: tuple[Rate, ...]
    weights: tuple[WeightRate, ...]
    curve: Curve
    worth: Worth
    gains: Gains


@dataclass(frozen=True)
class _People:
    """Simulated patients. genotypes: uint16 (n, loci, 2); weight: int64 (n,), place in the plan's weights."""

    genotypes: NDArray[np.uint16]
    weight: NDArray[np.int64]


def planned(
    plan: Plan,
    haplotypes: HaplotypeSet,
    snapshot: Snapshot,
    *,
    policy: Policy | None = None,
    tell: Tell = lambda stage, share: None,
) -> Planned:
    """Simulate. Raises CannotPlan (planning_people) where set or inventory do not allow it.

    O(patients × units), some 0.5 ms a patient at 20,000 units.
    """
    plan.check()
    policy = policy or Policy()
    tell("prepare", 0.0)
    population = Population.of(haplotypes, snapshot.resolver)
    if plan.target[0] not in Criteria(loci=population.loci).classes:
        raise CannotPlan("target_needs_locus", name=plan.target[0])
    rows, left_out = considered(snapshot, plan.statuses, policy)
    if not len(rows):
        raise CannotPlan("no_units")
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(plan.seed).spawn(4)]
    people = _people(plan, population, streams[0], streams[1])
    cells = snapshot.numbers("tnc_e4", rows)
    real = Matcher(snapshot, population.loci, policy, plan.statuses)
    sizes = curve_sizes(len(rows), plan.largest, plan.sizes)
    beyond = _beyond(population, sizes[-1] - len(rows), cells, snapshot, streams[3])
    tell("prepare", PATIENTS_FROM)
    tallied = _Tallied.of(plan, real, rows, len(snapshot.base) + len(snapshot.extra), streams[2])
    tallied.all(plan, population, people, real, Matcher(beyond, population.loci, policy), tell)
    tell("haplotypes", HAPLOTYPES_FROM)
    gains = gains_of(
        Expected(population, snapshot.resolver, policy, plan.target[0]),
        plan.target[1],
        patients=people.genotypes,
        served=tallied.served(plan),
        enough=_enough(cells, needs_of(plan, plan.target_dose))[people.weight],
        tell=lambda share: tell("haplotypes", HAPLOTYPES_FROM + (1 - HAPLOTYPES_FROM) * share),
    )
    return Planned(
        engine=ENGINE_VERSION,
        loci=population.loci,
        haplotypes=len(population),
        unread=population.unread,
        unread_share=population.unread_share,
        units=len(rows),
        left_out=left_out,
        cells_unknown=int((cells < 0).sum()),
        rates=tuple(tallied.rates(plan)),
        weights=tuple(tallied.by_weight(plan, people)),
        curve=tallied.curve(plan, sizes, len(rows)),
        worth=Worth(
            unit_ids=snapshot.unit_ids(rows),
            cells_e4=cells,
            best=tallied.best[rows] / plan.patients,
            useful=tallied.useful[rows] / plan.patients,
            unserved=tallied.unserved / plan.patients,
            patients=plan.patients,
            searches=plan.searches,
        ),
        gains=gains,
    )


def _people(
    plan: Plan, population: Population, of_types: np.random.Generator, of_weights: np.random.Generator
) -> _People:
    drawn = population.drawn(of_types, plan.patients, 2)
    upto = np.cumsum([share for _weight, share in plan.weights])
    weight = np.searchsorted(upto / upto[-1], of_weights.random(plan.patients), side="right")
    return _People(population.genotypes(drawn), np.minimum(weight, len(upto) - 1))


def _enough(cells: Array, needs: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each need the share of the inventory's units that meet it: new units are as large. Unknown cells meet 0."""
    found: NDArray[np.float64] = ((cells[:, None] >= needs) | (needs == 0)).mean(axis=0)
    return found


def curve_sizes(units: int, largest: float, more: Sequence[int] = ()) -> tuple[int, ...]:
    """1, 2, 5, 10, … from a fiftieth of the inventory on, the inventory, beyond it; and those of `more` in between."""
    most = min(round(units * largest), units + MOST_NEW)
    rounds = [digit * 10**power for power in range(8) for digit in (1, 2, 5)]
    least = max(units / 50, min(CURVE_FROM, units))
    return tuple(sorted({units, most, *(size for size in (*rounds, *more) if least <= size <= most)}))


def _beyond(
    population: Population, count: int, cells: Array, snapshot: Snapshot, rng: np.random.Generator
) -> Snapshot:
    """Simulated units, typed as the set names its alleles, with cells drawn from those of the inventory."""
    drawn = population.drawn(rng, count, 2)
    theirs = cells[rng.integers(len(cells), size=count)]
    return build(population.units(drawn, theirs.tolist()), resolver=snapshot.resolver, ledger_number=0)


@dataclass
class _Tallied:
    """What the patients found.

    places: in the matcher's classes, by name. counts, first: int32 (n, 2, classes, floors, doses), possible and
    certain, candidates and when the first of them comes (NEVER: not at all). ranks: int64 (rows,). best, useful:
    float64 (rows,).
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int32]
    first: NDArray[np.int32]
    ranks: NDArray[np.int64]
    best: NDArray[np.float64]
    useful: NDArray[np.float64]
    unserved: float = 0.0

    @classmethod
    def of(
        cls, plan: Plan, real: Matcher, rows: NDArray[np.int64], all_rows: int, rng: np.random.Generator
    ) -> _Tallied:
        shape = (plan.patients, 2, len(real.classes), real.floors.shape[1], len(plan.all_doses))
        ranks = np.full(all_rows, NEVER, dtype=np.int64)
        ranks[rows] = rng.permutation(len(rows))
        return cls(
            classes=real.classes,
            counts=np.zeros(shape, dtype=np.int32),
            first=np.full(shape, NEVER, dtype=np.int32),
            ranks=ranks,
            best=np.zeros(all_rows),
            useful=np.zeros(all_rows),
        )

    def all(
        self, plan: Plan, population: Population, people: _People, real: Matcher, beyond: Matcher, tell: Tell
    ) -> None:
        needs = np.stack([needs_of(plan, dose) for dose in plan.all_doses], axis=1)
        wanted = needs_of(plan, plan.target_dose)
        shares = np.array([share for _weight, share in plan.weights])
        shares = shares / shares.sum()
        later = int(self.ranks[self.ranks != NEVER].max()) + 1 + beyond.numbers()
        place = self.classes.index(real.policy.primary)
        floor = LOWEST[real.policy.primary]
        nothing = np.zeros(self.counts.shape[1:], dtype=np.int32)
        for one in range(plan.patients):
            if one % TELL_EVERY == 0:
                tell("patients", PATIENTS_FROM + (HAPLOTYPES_FROM - PATIENTS_FROM) * one / plan.patients)
            mine, pairs = needs[people.weight[one]], population.pairs(people.genotypes[one].tolist())
            found = real.candidates(pairs)
            kernels.tally(
                found.packed, found.cells, self.ranks[found.rows], real.floors, mine, self.counts[one],
                self.first[one],
            )  # fmt: skip
            self.unserved += kernels.credit(
                found.rows, found.packed, found.cells, place, floor, wanted, shares, self.best, self.useful
            )
            new = beyond.candidates(pairs)
            kernels.tally(
                new.packed, new.cells, later[new.rows], beyond.floors, mine, nothing, self.first[one]
            )

    def _cell(self, plan: Plan, class_name: str, floor: int, dose: Decimal) -> tuple[int, int, int]:
        return (
            self.classes.index(class_name),
            GRID[class_name].index(floor),
            plan.all_doses.index(dose),
        )

    def served(self, plan: Plan) -> NDArray[np.bool_]:
        """Who has a unit at the target: bool (n,)."""
        place, floor, dose = self._cell(plan, *plan.target, plan.target_dose)
        found: NDArray[np.bool_] = self.counts[:, 0, place, floor, dose] > 0
        return found

    def rates(self, plan: Plan) -> list[Rate]:
        found = []
        for place, name in enumerate(self.classes):
            for at, floor in enumerate(GRID[name]):
                for column, dose in enumerate(plan.all_doses):
                    possible, certain = self.counts[:, :, place, at, column].T
                    hits = int((possible > 0).sum())
                    low, high = wilson([hits], [plan.patients])
                    found.append(
                        Rate(
                            class_name=name,
                            floor=floor,
                            dose=dose,
                            n=plan.patients,
                            possible=hits,
                            certain=int((certain > 0).sum()),
                            low=float(low[0]),
                            high=float(high[0]),
                            units=_quartiles(possible),
                            units_certain=_quartiles(certain),
                        )
                    )
        return found

    def by_weight(self, plan: Plan, people: _People) -> list[WeightRate]:
        served = self.served(plan)
        return [
            WeightRate(weight, int((people.weight == at).sum()), int(served[people.weight == at].sum()))
            for at, (weight, _share) in enumerate(plan.weights)
        ]

    def curve(self, plan: Plan, sizes: Sequence[int], inventory: int) -> Curve:
        limits = np.array(sizes)[:, None]
        series = [
            Series(
                name,
                floor,
                dose,
                tuple((self.first[:, 0, place, at, column] < limits).sum(axis=1).tolist()),
            )
            for place, name in enumerate(self.classes)
            for at, floor in enumerate(GRID[name])
            for column, dose in enumerate(plan.all_doses)
        ]
        return Curve(tuple(sizes), inventory, tuple(series))


def _quartiles(values: Array) -> tuple[int, int, int]:
    """Whole numbers: of an even count the lower of the two in the middle."""
    low, middle, high = np.percentile(values, (25, 50, 75), method="lower").tolist()
    return int(low), int(middle), int(high)
