"""Match probabilities of a search: which frequency sets serve whom, tables kept by this process, units of the list."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from core.populations import parse_populations
from hla.frequencies.sets import HaplotypeSet
from hla.resolve import Resolver
from hla.typing import Typing
from matching import frequency_sets, reference
from matching.engine.search import Ranked
from matching.engine.snapshot import Origin, Snapshot
from matching.frequency_sets import Choice, SetInfo

if TYPE_CHECKING:
    from hla.prediction.combine import Patient
    from hla.prediction.impute import Imputer
    from hla.prediction.imputed import Imputed
    from matching.engine.imputed_store import ImputedStore
    from matching.engine.prediction import Group, ListPredictions

MAX_TABLES: Final = 12  # kept by a process; each is some megabytes
VALUED_UNITS: Final = 50  # the likeliest of a list, for the value of the next typing
VALUED_GENOTYPES: Final = 500_000  # and no more than so many of theirs
LIKELY_GENOTYPES: Final = 10
VALUES_SHOWN: Final = 12
WORTH_SAYING: Final = 1e-4
EQUAL_DIGITS: Final = 10  # of shares that are put in order
SAFE: Final = 1e-8  # more than rounding can do to a bound

Json = dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """A haplotype table of this process with what belongs to it. sets: as results name them."""

    imputer: Imputer
    store: ImputedStore
    sets: list[Json]


_held: dict[tuple[Any, ...], tuple[Imputer, ImputedStore]] = {}
_one_at_a_time = threading.Lock()  # threads of a web server, and the one that makes a worker process ready


def forget() -> None:
    """Drop what this process holds."""
    _held.clear()


def prepared(choices: Sequence[Choice], resolver: Resolver) -> Prepared | None:
    """The table of a person's populations; None where no set serves any of them."""
    weights: dict[str, float] = {}
    sets: dict[str, HaplotypeSet] = {}
    names = []
    for choice in choices:
        if choice.info is not None and choice.haplotypes is not None:
            weights[choice.info.checksum] = weights.get(choice.info.checksum, 0.0) + choice.weight
            sets[choice.info.checksum] = choice.haplotypes
            names.append(named(choice, choice.info, choice.haplotypes))
    if not sets:
        return None
    key = (id(resolver), *sorted(weights.items()))
    with _one_at_a_time:
        if key not in _held:
            from hla.prediction.impute import Imputer
            from hla.prediction.table import HaplotypeTable
            from matching.engine.imputed_store import ImputedStore

            table = HaplotypeTable.mixture([(weights[one], sets[one]) for one in sorted(sets)], resolver)
            if len(_held) >= MAX_TABLES:
                del _held[next(iter(_held))]  # the one that was not asked for the longest
            _held[key] = (Imputer(table), ImputedStore(folder(weights, resolver), table))
        _held[key] = _held.pop(key)
        return Prepared(*_held[key], names)


def named(choice: Choice, info: SetInfo, found: HaplotypeSet) -> Json:
    """A set as a result names it."""
    return {
        "version": info.version,
        "population": info.population,
        "checksum": info.checksum,
        "step": choice.step,
        "weight": round(choice.weight, 4),
        "coverage": found.coverage,
    }


def folder(parts: Mapping[str, float], resolver: Resolver) -> Path:
    """Where genotypes imputed with these sets and this reference are kept."""
    from matching.engine.prediction import ENGINE_VERSION

    origin = Origin.of(resolver, ledger_number=0)
    what = [ENGINE_VERSION, origin.nomenclature, origin.mac_checksum, sorted(parts.items())]
    name = hashlib.blake2b(json.dumps(what).encode(), digest_size=12).hexdigest()
    return Path(settings.VAR_DIR) / "imputed" / name


@dataclass(frozen=True)
class RunPrediction:
    """What a search stores: for each row of its list, and for the whole.

    set_of_row: int64 (n,), which of summary["sets"] served the unit, -1 for none.
    """

    rows: ListPredictions
    set_of_row: NDArray[np.int64]
    summary: Json

    def taken(self, order: NDArray[np.int64]) -> RunPrediction:
        """The same rows in another order."""
        return RunPrediction(self.rows.taken(order), self.set_of_row[order], self.summary)


def _by_populations(snapshot: Snapshot, rows: NDArray[np.int64]) -> dict[str, list[int]]:
    """Places of units by the text of their populations."""
    found: dict[str, list[int]] = {}
    for place, text in enumerate(snapshot.words("populations", rows)):
        found.setdefault(text, []).append(place)
    return found


def warm() -> None:
    """The table of those whose population is not known is there before a search."""
    prepared(frequency_sets.choose({}), reference.resolver())


def predict_run(
    patient: Typing,
    populations: str,
    snapshot: Snapshot,
    ranked: Ranked,
    tell: Callable[[float], None] = lambda share: None,
    *,
    sets_in_use: tuple[SetInfo, ...] | None = None,
) -> RunPrediction:
    """Predictions of the units of a list. Raises Conflict if a stored set is damaged.

    sets_in_use: those of the time of a search that is recomputed. Such a one takes nothing that was imputed before,
    but imputes anew.
    """
    from hla.prediction.combine import Patient  # compiled loops: loaded only where something is predicted
    from matching.engine.prediction import Group, nothing_known, predict_list, with_certain

    resolver, rows = snapshot.resolver, ranked.rows
    in_use = frequency_sets.active_sets(look=True) if sets_in_use is None else sets_in_use
    mine = prepared(frequency_sets.choose(parse_populations(populations), among=in_use), resolver)
    if mine is None:
        listed = with_certain(nothing_known(len(rows)), ranked)
        nobody: Json = {"sets": [], "patient": None, "counts": listed.counts(), "next": None}
        return RunPrediction(listed, np.full(len(rows), -1, dtype=np.int64), nobody)
    typings = snapshot.typings(rows)
    groups, sets, set_of_row = [], list(mine.sets), np.full(len(rows), -1, dtype=np.int64)
    for text, places in _by_populations(snapshot, rows).items():
        theirs = prepared(frequency_sets.choose(parse_populations(text), among=in_use), resolver)
        if theirs is not None:
            set_of_row[places] = _place(sets, theirs.sets)
            store = theirs.store if sets_in_use is None else None
            groups.append(Group(theirs.imputer, store, places, [typings[place] for place in places]))
    found = mine.imputer.impute([patient])
    numbered = Patient.of(found)
    listed = with_certain(predict_list(numbered, groups, len(rows), tell), ranked)
    summary = {
        "sets": sets,
        "patient": _patient(found, mine, populations),
        "counts": listed.counts(),
        "next": _next_typings(numbered, groups, listed, snapshot.unit_ids(rows)),
    }
    return RunPrediction(listed, set_of_row, summary)


def _place(sets: list[Json], theirs: list[Json]) -> int:
    """Where the first of a unit's sets stands in the list of all, which grows."""
    places = {(one["checksum"], one["step"]): at for at, one in reversed(list(enumerate(sets)))}
    for one in theirs:
        if (one["checksum"], one["step"]) not in places:
            places[one["checksum"], one["step"]] = len(sets)
            sets.append(one)
    return places[theirs[0]["checksum"], theirs[0]["step"]]


def likely(found: Imputed) -> list[Json]:
    """The likeliest genotypes of the only person, as results write them."""
    from hla.prediction.whole import likely_genotypes

    return [
        {
            "share": round(one.share, 6),
            "alleles": {locus: list(pair) for locus, pair in one.alleles.items()},
        }
        for one in likely_genotypes(found, 0, LIKELY_GENOTYPES)
    ]


def _patient(found: Imputed, mine: Prepared, populations: str) -> Json:
    """What the patient's genotypes rest on, and the likeliest of them."""
    return {
        "populations": populations,
        "basis": found.part(0).basis.name.lower(),
        "relaxed": list(found.relaxed[0]),
        "lost": float(found.lost[0]),
        "genotypes": len(found.shares),
        "sets": [one["checksum"] for one in mine.sets],
        "likely": likely(found),
    }


def _next_typings(
    patient: Patient, groups: Sequence[Group], listed: ListPredictions, unit_ids: NDArray[np.uint8]
) -> Json:
    """The typings that would help most among the likeliest units of the list. unit_ids: (n, 16), of its units."""
    from hla.prediction.next_typing import most_gained, typing_values
    from matching.engine.prediction import each_imputed

    size = 6 if np.isnan(listed.classes[8]).all() else 8
    # rounded: sums that are equal on paper must not be told apart by the order in which they were added up
    reached = np.nan_to_num(listed.classes[size][:, :2].sum(axis=1)).round(EQUAL_DIGITS)
    best = np.argsort(-reached, kind="stable")[:VALUED_UNITS]
    chosen = set(best.tolist())
    values: list[tuple[float, int, str]] = []
    left = VALUED_GENOTYPES
    for group in groups:
        if left <= 0:
            break
        pairs = zip(group.places, group.typings, strict=True)
        here = {place: typing for place, typing in pairs if place in chosen}
        order = sorted(here, key=lambda place: -reached[place])
        units = each_imputed(group.imputer, group.store, [here[place] for place in order])
        for place, unit in zip(order, units, strict=True):
            left -= len(unit.shares)
            elsewhere = max((reached[other] for other in chosen if other != place), default=0.0)
            if most_gained(float(reached[place]), float(elsewhere)) >= _least_shown(values) - SAFE:
                found = typing_values(patient, unit, size=size, elsewhere=float(elsewhere))
                values += [
                    (round(float(gain), EQUAL_DIGITS), place, locus)
                    for gain, locus in zip(found.gains[0], found.loci, strict=True)
                ]
            if left <= 0:
                break
    values.sort(key=lambda one: (-one[0], one[1], one[2]))
    return {
        "size": size,
        "best": round(float(reached[best[0]]), 6) if len(best) else 0.0,
        "values": [
            {
                "unit": str(UUID(bytes=unit_ids[place].tobytes())),
                "locus": locus,
                "gain": round(gain, 6),
                "reached": round(float(reached[place]), 6),
            }
            for gain, place, locus in values[:VALUES_SHOWN]
            if gain >= WORTH_SAYING
        ],
    }


def _least_shown(values: Sequence[tuple[float, int, str]]) -> float:
    """Smaller gains than this nobody will see."""
    shown = sorted((gain for gain, *_ in values), reverse=True)[:VALUES_SHOWN]
    return max(WORTH_SAYING, shown[-1]) if len(shown) == VALUES_SHOWN else WORTH_SAYING
