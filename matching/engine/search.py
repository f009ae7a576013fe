"""One patient against a snapshot: score each distinct typing once, gather by code, filter, count, rank.

Cost: the distinct typings of each locus times the matching kernel, plus a few passes over the units. Classes
and order are those of matching.md 2.3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.matching import CLASSES
from hla.typing import LocusTyping, Typing
from matching.engine import ranking
from matching.engine.book import Book
from matching.engine.columns import CORD
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, all_per_kg, cells_needed
from matching.engine.policy import Policy
from matching.engine.snapshot import Snapshot

if TYPE_CHECKING:
    from matching.engine.scan import Scanned

ENGINE_VERSION = "2"
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
    donor_types: those searched, as if the snapshot held no others; donors who are no cord blood units have no cells.
    """

    loci: tuple[str, ...] = SEARCH_LOCI
    floors: Mapping[str, int] = field(default_factory=dict)
    weight_kg: Decimal | None = None
    min_tnc_e7_per_kg: Decimal | None = None
    statuses: frozenset[str] | None = None
    limit: int = 1000
    donor_types: frozenset[str] = frozenset({CORD})

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(name for name, parts in CLASSES.items() if all(locus in self.loci for locus, _ in parts))

    @property
    def min_tnc_e4(self) -> int:
        """Cells needed by this patient, in 10⁴, computed in decimals: a unit exactly at the limit passes."""
        if self.min_tnc_e7_per_kg is None or self.weight_kg is None:
            return 0
        return cells_needed(self.min_tnc_e7_per_kg, self.weight_kg, TNC_E4_PER_E7)


@dataclass(frozen=True)
class ClassCount:
    """Candidates of one class value: `possible` have it as max, `certain` of these also as min."""

    value: int
    possible: int
    certain: int


@dataclass(frozen=True)
class Funnel:
    """Where every unit of the searched donor types went: `units` = the five following + `candidates`; nothing unsaid.

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
    from matching.engine import scan  # compiled loops: loaded only where something is searched

    policy = policy or Policy()
    tell = progress or (lambda stage, share, found: None)
    check(patient, criteria, policy)
    clock = _Clock()
    tell("score", 0.2, 0)
    typings = dict(
        zip(
            SEARCH_LOCI,
            scan.shared_out(
                lambda locus: typing_bytes(patient.locus(locus), snapshot, criteria, policy), SEARCH_LOCI
            ),
            strict=True,
        )
    )
    clock.lap("score")
    tell("filter", 0.5, 0)
    scanned = scan.scanned(
        snapshot,
        scan.Question(
            typings=typings,
            loci=criteria.loci,
            classes=criteria.classes,
            floors=criteria.floors,
            primary=policy.primary,
            required_loci=policy.required_loci,
            statuses=criteria.statuses,
            least_tnc_e4=criteria.min_tnc_e4,
            limit=criteria.limit,
            donor_types=criteria.donor_types,
        ),
    )
    clock.lap("filter")
    funnel = _funnel(snapshot, criteria, policy, scanned)
    tell("rank", 0.7, funnel.candidates)
    counts = {name: _count(scanned.spread[place]) for place, name in enumerate(criteria.classes)}
    ranked = _detail(snapshot, criteria, policy, patient, scanned.rows, scanned.packed)
    clock.lap("rank")
    return SearchOutcome(ENGINE_VERSION, policy, counts, funnel, ranked, clock.seconds)


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


def typing_bytes(
    patient: LocusTyping, snapshot: Snapshot, criteria: Criteria, policy: Policy
) -> NDArray[np.uint8]:
    """The byte of each typing of a locus for the scan: its score, and its marks."""
    from matching.engine.scan import PLACES

    locus = patient.locus
    book = snapshot.books[locus]
    if locus not in criteria.loci:
        return book.marks()
    antigens = any((locus, "antigen") in CLASSES[name] for name in criteria.classes)
    packed = book.packed(patient, policy.antigen_rule, antigens=antigens)
    return PLACES[packed] | book.marks()


def _class_max(packed: NDArray[np.uint32], place: int) -> NDArray[np.int8]:
    return ((packed >> np.uint32(8 * place)) & np.uint32(15)).astype(np.int8)


def _class_min(packed: NDArray[np.uint32], place: int) -> NDArray[np.int8]:
    return ((packed >> np.uint32(8 * place + 4)) & np.uint32(15)).astype(np.int8)


def _funnel(snapshot: Snapshot, criteria: Criteria, policy: Policy, scanned: Scanned) -> Funnel:
    from matching.engine import scan_kernels as places

    counters = scanned.counters.tolist()
    candidates = counters[places.FOUND]
    return Funnel(
        units=snapshot.units_of(criteria.donor_types),
        other_status=counters[places.OTHER_STATUS],
        not_searchable=counters[places.NOT_SEARCHABLE],
        not_searchable_at={locus: scanned.lacking[locus] for locus in policy.required_loci},
        unreadable=counters[places.UNREADABLE_UNITS],
        unreadable_at={
            locus: scanned.unread[locus] for locus in criteria.loci if snapshot.books[locus].has_unreadable
        },
        below_dose=counters[places.BELOW_DOSE],
        below_floor=counters[places.BELOW_FLOOR],
        candidates=candidates,
        kept=len(scanned.rows),
        cut=candidates - len(scanned.rows),
        dose_unknown=counters[places.DOSE_UNKNOWN],
    )


def _count(spread: NDArray[np.int64]) -> tuple[ClassCount, ...]:
    table = spread.reshape(16, 16)  # [min, max]
    possible = table.sum(axis=0)
    return tuple(
        ClassCount(int(value), int(possible[value]), int(table[value, value]))
        for value in np.flatnonzero(possible)[::-1]
    )


def _detail(
    snapshot: Snapshot,
    criteria: Criteria,
    policy: Policy,
    patient: Typing,
    rows: NDArray[np.int64],
    packed: NDArray[np.uint32],
) -> Ranked:
    locus = {
        name: _all_counts(patient.locus(name), snapshot.books[name], snapshot.codes(name, rows), policy)
        for name in criteria.loci
    }
    directions = {name: ranking.locus_direction(values[:, 4:]) for name, values in locus.items()}
    return Ranked(
        rows=rows,
        classes={
            name: np.stack([_class_min(packed, place), _class_max(packed, place)], axis=1)
            for place, name in enumerate(criteria.classes)
        },
        locus=locus,
        locus_direction=directions,
        direction=ranking.direction(list(directions.values())),
        tnc_e7_per_kg=all_per_kg(snapshot.numbers("tnc_e4", rows), TNC_E4_PER_E7, criteria.weight_kg),
        cd34_e5_per_kg=all_per_kg(snapshot.numbers("cd34_e3", rows), CD34_E3_PER_E5, criteria.weight_kg),
    )


def _all_counts(
    patient: LocusTyping, book: Book, codes: NDArray[np.int32], policy: Policy
) -> NDArray[np.int8]:
    """The columns of SCORE_COLUMNS of units with these codes; each typing is scored once."""
    distinct, places = np.unique(codes, return_inverse=True)
    scores = book.scores(patient, distinct, policy.antigen_rule)
    return np.stack([getattr(scores, name) for name in SCORE_COLUMNS], axis=1)[places]
