"""What a search computes, from its inputs and an inventory; the search itself and its replay come through here.

Nothing is read from or written to the database but what the predictions need, and nothing depends on the time of
day: equal inputs give equal rows. Who changes something here changes what a replay recomputes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from bank.querysets import CORD_ONLY
from core.errors import InvalidInput
from hla.resolve import Resolver
from hla.typing import Typing
from matching import results
from matching.choices import CLASS_SIZE, Kept, Stage
from matching.engine import ranking
from matching.engine.policy import Policy
from matching.engine.search import CannotSearch, Criteria, Progress, Ranked, SearchOutcome, search
from matching.engine.search import check as check_search
from matching.engine.snapshot import Snapshot
from matching.models import SearchRun, SelectionPolicy
from matching.patient_typings import Typed, readable
from matching.predictions import Json, RunPrediction

CANNOT_SEARCH = {
    "patient_untyped": _("The patient has no typing at %(loci)s; without it no unit can be searched."),
    "primary_class_not_asked": _("The policy orders by the class %(name)s, which needs a locus not chosen."),
    "floor_of_class_not_asked": _("The class %(name)s needs a locus that was not chosen."),
    "dose_without_weight": _("A smallest dose per kilogram needs the patient's weight. Enter it first."),
}


@dataclass(frozen=True)
class Asked:
    """The inputs of a stored search, read by a nomenclature."""

    run: SearchRun
    patient: Typing
    criteria: Criteria
    policy: Policy


Predict = Callable[[Asked, Snapshot, Ranked, Callable[[float], None]], RunPrediction | Json]


@dataclass(frozen=True)
class Computed:
    """What came out. figures: values of the fields of SearchRun; rows: those of SearchResult; seconds: per stage."""

    patient: Typing
    outcome: SearchOutcome
    figures: Json
    rows: results.Rows
    seconds: Mapping[str, float]


def asked(run: SearchRun, resolver: Resolver) -> Asked:
    """Raises InvalidInput, in words for people, if this search cannot be made with this reference data."""
    criteria, policy = criteria_from(run.criteria, run.patient_weight_kg), policy_of(run.policy)
    return Asked(run, checked(run.patient_typing, criteria, policy, resolver), criteria, policy)


def criteria_from(stored: Mapping[str, Any], weight_kg: Decimal | None) -> Criteria:
    """The engine's criteria from stored ones."""
    dose = stored["min_tnc_e7_per_kg"]
    return Criteria(
        loci=tuple(stored["loci"]),
        floors=dict(stored["floors"]),
        weight_kg=weight_kg,
        min_tnc_e7_per_kg=None if dose is None else Decimal(dose),
        statuses=frozenset(stored["statuses"]),
        limit=stored.get("kept_at_most", Kept.THOUSAND.value),  # searches of before had no choice
        donor_types=frozenset(searched_donors(stored)),
    )


def searched_donors(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """The donor types that a search looks at; its criteria name them where they are not cord blood alone."""
    return tuple(stored.get("donor_types", CORD_ONLY))


def policy_of(row: SelectionPolicy) -> Policy:
    return Policy.from_data(id=str(row.pk), name=row.name, version=row.version, rules=row.rules)


def checked(typed: Typed, criteria: Criteria, policy: Policy, resolver: Resolver) -> Typing:
    """The patient's typing if this search can be made. Raises InvalidInput in words for people."""
    patient = readable(typed, resolver)
    try:
        check_search(patient, criteria, policy)
    except CannotSearch as error:
        raise InvalidInput(error.code, CANNOT_SEARCH[error.code], params=error.params) from error
    return patient


def computed(asked: Asked, snapshot: Snapshot, tell: Progress, *, predict: Predict) -> Computed:
    """The list and its figures. tell: between stages, may raise to stop.

    predict: the probabilities of the list, or what is stored in the place of their summary where there are none.
    """
    outcome = search(asked.patient, asked.criteria, snapshot, policy=asked.policy, progress=tell)
    candidates = outcome.funnel.candidates
    seconds = dict(outcome.seconds)
    tell(Stage.PREDICT, 0.75, candidates)
    mark = time.perf_counter()
    found = predict(
        asked,
        snapshot,
        outcome.ranked,
        lambda share: tell(Stage.PREDICT, 0.75 + 0.05 * share, candidates),
    )
    prediction, summary = (found, found.summary) if isinstance(found, RunPrediction) else (None, found)
    if prediction is not None:
        outcome, prediction = _in_bands(outcome, prediction, snapshot)
    seconds["predict"] = round(time.perf_counter() - mark, 6)
    tell(Stage.EXPLAIN, 0.8, candidates)
    mark = time.perf_counter()
    rows = results.rows(asked.run, outcome, snapshot, asked.patient, prediction)
    seconds["explain"] = round(time.perf_counter() - mark, 6)
    return Computed(asked.patient, outcome, figures(asked, outcome, snapshot, summary), rows, seconds)


def _in_bands(
    outcome: SearchOutcome, prediction: RunPrediction, snapshot: Snapshot
) -> tuple[SearchOutcome, RunPrediction]:
    """The list in the order of its probabilities, with them."""
    ranked, primary = outcome.ranked, outcome.policy.primary
    classes = ranked.classes[primary]
    tnc = snapshot.numbers("tnc_e4", ranked.rows)
    bands = prediction.rows.bands(CLASS_SIZE[primary])
    order = ranking.banded(classes[:, 1], classes[:, 0], bands, tnc)
    return replace(outcome, ranked=ranked.taken(order)), prediction.taken(order)


def figures(asked: Asked, outcome: SearchOutcome, snapshot: Snapshot, prediction: Json) -> Json:
    """What came out, and by what it was made: values of the fields of SearchRun."""
    origin, funnel = snapshot.origin, outcome.funnel
    return {
        "release": origin.release,
        "nomenclature_checksum": origin.nomenclature,
        "mac_version": origin.mac,
        "mac_checksum": origin.mac_checksum,
        "ledger_number": origin.ledger_number,
        "snapshot_checksum": snapshot.checksum_of(asked.criteria.donor_types),
        "engine_version": outcome.engine,
        "counts": {
            name: [[count.value, count.possible, count.certain] for count in counts]
            for name, counts in outcome.counts.items()
        },
        "funnel": asdict(funnel),
        "prediction": prediction,
        "units_considered": funnel.units - funnel.other_status - funnel.not_searchable,
        "units_unsearchable": funnel.not_searchable,
        "candidates": funnel.candidates,
        "kept": funnel.kept,
        "cut": funnel.cut,
    }
