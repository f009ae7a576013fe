"""One patient against a snapshot: score each distinct typing once, gather by code, filter, count, rank.

Cost: the distinct typings of each locus times the matching kernel, plus a few passes over the units. Classes
and order are those of matching.md 2.3.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.matching import CLASSES, LocusScores, score_locus
from hla.typing import LocusTyping, Typing
from matching.engine import ranking
from matching.engine.policy import Policy
from matching.engine.snapshot import Dictionary, Snapshot

ENGINE_VERSION = "1"
Progress = Callable[[str, float, int], None]  # stage, share 0–1, candidates so far


class CannotSearch(ValueError):
    """The patient's typing or the criteria do not allow a search; `code` is stable, `params` fill its text."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(f"{code} {params}")
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Criteria:
    """What is asked.

    loci: those that count; a class is computed when all its loci are among them. floors: class -> smallest
    possible number of matches that stays (a unit goes only when its max lies below). weight_kg: of the patient,
    None unknown (no doses, no dose filter). min_tnc_e7_per_kg: smallest dose; a unit with unknown cells stays
    and comes last. statuses: those wanted, None = all of the snapshot. limit: how many are kept in full detail.
    """

    loci: tuple[str, ...] = SEARCH_LOCI
    floors: Mapping[str, int] = field(default_factory=dict)
    weight_kg: Decimal | None = None
    min_tnc_e7_per_kg: Decimal | None = None
    statuses: frozenset[str] | None = None
    limit: int = 1000

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(name for name, parts in CLASSES.items() if all(locus in self.loci for locus, _ in parts))

    @property
    def min_tnc_e4(self) -> int:
        """Cells needed by this patient, in 10⁴, computed in decimals: a unit exactly at the limit passes."""
        if self.min_tnc_e7_per_kg is None or self.weight_kg is None:
            return 0
        return math.ceil(self.min_tnc_e7_per_kg * self.weight_kg * 1000)


@dataclass(frozen=True)
class ClassCount:
    """Candidates of one class value: `possible` have it as max, `certain` of these also as min."""

    value: int
    possible: int
    certain: int


@dataclass(frozen=True)
class Funnel:
    """Where every unit of the snapshot went: `units` = the five following + `candidates`; nothing unsaid.

    other_status, not_searchable (untyped at a required locus; per locus beside it, a unit may lack several),
    below_dose, below_floor are removed in this order, each counted once. Of the candidates `kept` are stored,
    `cut` are not. unreadable: units with a typing that the reference data in use cannot read, which counts as
    untyped there; unreadable_at: per searched locus, only loci that have any. dose_unknown: candidates whose
    cells are unknown.
    """

    units: int
    other_status: int
    not_searchable: int
    not_searchable_at: Mapping[str, int]
    unreadable: int
    unreadable_at: Mapping[str, int]
    below_dose: int
    below_floor: int
    candidates: int
    kept: int
    cut: int
    dose_unknown: int


@dataclass(frozen=True)
class Ranked:
    """The k kept units, best first; all arrays have k rows.

    rows: int64, position in the snapshot. classes: name -> int8 (k, 2), min and max. locus: locus -> int8
    (k, 8), the columns of SCORE_COLUMNS. locus_direction: locus -> uint8 (k,), index into
    ranking.LOCUS_DIRECTIONS. direction: uint8 (k,), index into ranking.UNIT_DIRECTIONS.
    tnc_e7_per_kg, cd34_e5_per_kg: float64, NaN where cells or weight are unknown.
    """

    rows: NDArray[np.int64]
    classes: Mapping[str, NDArray[np.int8]]
    locus: Mapping[str, NDArray[np.int8]]
    locus_direction: Mapping[str, NDArray[np.uint8]]
    direction: NDArray[np.uint8]
    tnc_e7_per_kg: NDArray[np.float64]
    cd34_e5_per_kg: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, order: NDArray[np.int64]) -> Ranked:
        """The same units in another order."""
        return Ranked(
            rows=self.rows[order],
            classes={name: values[order] for name, values in self.classes.items()},
            locus={name: values[order] for name, values in self.locus.items()},
            locus_direction={name: values[order] for name, values in self.locus_direction.items()},
            direction=self.direction[order],
            tnc_e7_per_kg=self.tnc_e7_per_kg[order],
            cd34_e5_per_kg=self.cd34_e5_per_kg[order],
        )


@dataclass(frozen=True)
class SearchOutcome:
    """Result of one search. counts: class -> values from best to the floor that has candidates."""

    engine: str
    policy: Policy
    counts: Mapping[str, tuple[ClassCount, ...]]
    funnel: Funnel
    ranked: Ranked
    seconds: Mapping[str, float]


SCORE_COLUMNS = (
    "match_min", "match_max", "antigen_min", "antigen_max", "gvh_min", "gvh_max", "hvg_min", "hvg_max",
)  # fmt: skip


def search(
    patient: Typing,
    criteria: Criteria,
    snapshot: Snapshot,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
) -> SearchOutcome:
    """Count all candidates by class and keep the best `criteria.limit` in the order of matching.md 2.3.

    progress is called between stages and may raise to stop. Raises CannotSearch for a patient without a typing
    at a required locus, for a floor of a class that is not asked, or a dose filter without a weight.
    """
    policy = policy or Policy()
    tell = progress or (lambda stage, share, found: None)
    check(patient, criteria, policy)
    clock = _Clock()
    tell("resolve", 0.05, 0)
    dictionaries = snapshot.dictionaries
    clock.lap("resolve")
    tell("score", 0.2, 0)
    scores = {locus: _scored(patient.locus(locus), dictionaries[locus], policy) for locus in criteria.loci}
    clock.lap("score")
    tell("filter", 0.5, 0)
    rows, packed, funnel = _candidates(snapshot, criteria, policy, scores)
    clock.lap("filter")
    tell("rank", 0.7, len(rows))
    counts, order = _counted_and_ranked(snapshot, criteria, policy, rows, packed)
    ranked = _detail(snapshot, criteria, rows[order], packed[order], scores)
    clock.lap("rank")
    return SearchOutcome(ENGINE_VERSION, policy, counts, funnel(len(ranked)), ranked, clock.seconds)


def check(patient: Typing, criteria: Criteria, policy: Policy) -> None:
    """Raise CannotSearch if this search cannot be made."""
    missing = [locus for locus in policy.required_loci if patient.locus(locus).untyped]
    if missing:
        raise CannotSearch("patient_untyped", loci=", ".join(missing))
    if policy.primary not in criteria.classes:
        raise CannotSearch("primary_class_not_asked", name=policy.primary)
    for name in criteria.floors:
        if name not in criteria.classes:
            raise CannotSearch("floor_of_class_not_asked", name=name)
    if criteria.min_tnc_e7_per_kg is not None and criteria.weight_kg is None:
        raise CannotSearch("dose_without_weight")


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 6)
        self._last = now


def _scored(patient: LocusTyping, dictionary: Dictionary, policy: Policy) -> LocusScores:
    """Scores in the order of the snapshot's codes."""
    found = score_locus(patient, dictionary.table, antigen_rule=policy.antigen_rule)
    return LocusScores(**{name: getattr(found, name)[dictionary.places] for name in SCORE_COLUMNS})


def _lookup(locus: str, scores: LocusScores, classes: tuple[str, ...]) -> NDArray[np.uint32]:
    """Contribution of each distinct typing to all classes, eight bits a class: max below, min above.

    Sums over loci stay below 16 in each half (at most ten matches), therefore five gathers and four additions
    give all classes of all units at once.
    """
    word = np.zeros(len(scores.match_max), dtype=np.uint32)
    for place, name in enumerate(classes):
        for part, level in CLASSES[name]:
            if part == locus:
                low, high = (
                    (scores.antigen_min, scores.antigen_max)
                    if level == "antigen"
                    else (scores.match_min, scores.match_max)
                )
                word += (high.astype(np.uint32) + (low.astype(np.uint32) << np.uint32(4))) << np.uint32(
                    8 * place
                )
    return word


def _class_max(packed: NDArray[np.uint32], place: int) -> NDArray[np.int8]:
    return ((packed >> np.uint32(8 * place)) & np.uint32(15)).astype(np.int8)


def _class_min(packed: NDArray[np.uint32], place: int) -> NDArray[np.int8]:
    return ((packed >> np.uint32(8 * place + 4)) & np.uint32(15)).astype(np.int8)


def _candidates(
    snapshot: Snapshot, criteria: Criteria, policy: Policy, scores: Mapping[str, LocusScores]
) -> tuple[NDArray[np.int64], NDArray[np.uint32], Callable[[int], Funnel]]:
    """Rows that pass all filters, their packed classes, and the funnel that still waits for the number kept."""
    columns = snapshot.columns
    wanted = _wanted_status(snapshot, criteria)
    typed = {
        locus: (snapshot.dictionaries[locus].places != 0)[columns.codes[locus]]
        for locus in policy.required_loci
    }
    searchable = np.logical_and.reduce([wanted, *typed.values()])
    tnc = columns.numbers["tnc_e4"]
    dosed = searchable & ((tnc >= criteria.min_tnc_e4) | (tnc < 0))
    rows = np.flatnonzero(dosed)
    packed = np.zeros(len(rows), dtype=np.uint32)
    for locus in criteria.loci:
        packed += _lookup(locus, scores[locus], criteria.classes)[columns.codes[locus][rows]]
    passed = _above_floors(packed, criteria)
    candidates = rows[passed]
    unreadable = _unreadable(snapshot, criteria, wanted)
    counted = {
        "units": len(snapshot),
        "other_status": len(snapshot) - int(wanted.sum()),
        "not_searchable": int(wanted.sum()) - int(searchable.sum()),
        "not_searchable_at": {locus: int((wanted & ~there).sum()) for locus, there in typed.items()},
        "unreadable": int(np.logical_or.reduce([*unreadable.values(), np.zeros_like(wanted)]).sum()),
        "unreadable_at": {locus: int(units.sum()) for locus, units in unreadable.items()},
        "below_dose": int(searchable.sum()) - len(rows),
        "below_floor": len(rows) - len(candidates),
        "candidates": len(candidates),
        "dose_unknown": int((tnc[candidates] < 0).sum()),
    }
    return (
        candidates,
        packed[passed],
        lambda kept: Funnel(**counted, kept=kept, cut=len(candidates) - kept),  # type: ignore[arg-type]
    )


def _unreadable(
    snapshot: Snapshot, criteria: Criteria, wanted: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Per searched locus, which wanted units have a typing there that today's reference data cannot read."""
    return {
        locus: wanted & snapshot.dictionaries[locus].unreadable[snapshot.columns.codes[locus]]
        for locus in criteria.loci
        if snapshot.dictionaries[locus].unreadable.any()
    }


def _wanted_status(snapshot: Snapshot, criteria: Criteria) -> NDArray[np.bool_]:
    if criteria.statuses is None:
        return np.ones(len(snapshot), dtype=np.bool_)
    names = snapshot.columns.vocabulary["status"]
    wanted = np.array([name in criteria.statuses for name in names], dtype=np.bool_)
    return wanted[snapshot.columns.categories["status"]] if len(snapshot) else np.zeros(0, dtype=np.bool_)


def _above_floors(packed: NDArray[np.uint32], criteria: Criteria) -> NDArray[np.bool_]:
    passed = np.ones(len(packed), dtype=np.bool_)
    for place, name in enumerate(criteria.classes):
        if floor := criteria.floors.get(name, 0):
            passed &= _class_max(packed, place) >= floor
    return passed


def _counted_and_ranked(
    snapshot: Snapshot,
    criteria: Criteria,
    policy: Policy,
    rows: NDArray[np.int64],
    packed: NDArray[np.uint32],
) -> tuple[dict[str, tuple[ClassCount, ...]], NDArray[np.int64]]:
    counts = {name: _count(packed, place) for place, name in enumerate(criteria.classes)}
    primary = criteria.classes.index(policy.primary)
    order = ranking.best(
        _class_max(packed, primary),
        _class_min(packed, primary),
        snapshot.columns.numbers["tnc_e4"][rows],
        criteria.limit,
    )
    return counts, order


def _count(packed: NDArray[np.uint32], place: int) -> tuple[ClassCount, ...]:
    pairs = (packed >> np.uint32(8 * place)) & np.uint32(255)
    table = np.bincount(pairs, minlength=256).reshape(16, 16)  # [min, max]
    possible = table.sum(axis=0)
    return tuple(
        ClassCount(int(value), int(possible[value]), int(table[value, value]))
        for value in np.flatnonzero(possible)[::-1]
    )


def _detail(
    snapshot: Snapshot,
    criteria: Criteria,
    rows: NDArray[np.int64],
    packed: NDArray[np.uint32],
    scores: Mapping[str, LocusScores],
) -> Ranked:
    locus = {name: _gathered(scores[name], snapshot.columns.codes[name][rows]) for name in criteria.loci}
    directions = {name: ranking.locus_direction(values[:, 4:]) for name, values in locus.items()}
    numbers = snapshot.columns.numbers
    return Ranked(
        rows=rows,
        classes={
            name: np.stack([_class_min(packed, place), _class_max(packed, place)], axis=1)
            for place, name in enumerate(criteria.classes)
        },
        locus=locus,
        locus_direction=directions,
        direction=ranking.direction(list(directions.values())),
        tnc_e7_per_kg=_per_kg(numbers["tnc_e4"][rows], 1000, criteria.weight_kg),
        cd34_e5_per_kg=_per_kg(numbers["cd34_e3"][rows], 100, criteria.weight_kg),
    )


def _gathered(scores: LocusScores, codes: NDArray[np.int32]) -> NDArray[np.int8]:
    return np.stack([getattr(scores, name)[codes] for name in SCORE_COLUMNS], axis=1)


def _per_kg(cells: NDArray[np.integer], unit: int, weight_kg: Decimal | None) -> NDArray[np.float64]:
    """Dose per kilogram in `unit` of the column; NaN where unknown."""
    if weight_kg is None:
        return np.full(len(cells), np.nan)
    return np.where(cells < 0, np.nan, cells / unit / float(weight_kg))
