"""A stored search computed again from what it was made of, and compared with all that it stored.

Three answers, never mixed: identical (everything was compared and is equal), different (and where), impossible (and
why). Nothing is written here: the command prints the outcome, the service stores it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, DomainError
from core.models import Ledger
from hla.resolve import Resolver
from matching import computing, digests, frequency_sets, history, predictions, reference, results
from matching.choices import Verdict
from matching.computing import Asked, Computed
from matching.engine.search import ENGINE_VERSION, Ranked
from matching.engine.snapshot import Snapshot
from matching.models import SearchRun
from matching.predictions import Json, RunPrediction

SHOWN: Final = 100  # differences kept in full
TEXT: Final = 200  # characters of a value kept
NOT_COMPARED: Final = frozenset({"engine_version"})  # said apart: a newer engine must still give the same

Tell = Callable[[str, float], None]  # what is done now, share of the whole; may raise to stop
OTHER_ENGINE, NO_PROBABILITIES, NO_DIGESTS = "other_engine", "no_probabilities", "no_digests"
REMARKS: Final = (OTHER_ENGINE, NO_PROBABILITIES, NO_DIGESTS)
DIGESTS: Final = ("inputs_sha256", "rows_sha256", "prediction_sha256")


@dataclass(frozen=True)
class Difference:
    """One value that is not what is stored. part: "figures", "rows" or "ledger"; rank: of a row."""

    part: str
    column: str
    stored: Any
    recomputed: Any
    rank: int | None = None

    def plain(self) -> Json:
        sides = {"stored": _short(self.stored), "recomputed": _short(self.recomputed)}
        return {"part": self.part, "rank": self.rank, "column": self.column, **sides}


@dataclass
class Outcome:
    """What recomputing proved. compared: how many figures, rows and columns of a row were looked at, all of them."""

    engine: str = ENGINE_VERSION
    verdict: Verdict | None = None
    reason: Json = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
    difference_count: int | None = None
    differences: list[Json] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def note(self, found: Iterator[Difference]) -> None:
        for one in found:
            self.difference_count = (self.difference_count or 0) + 1
            if len(self.differences) < SHOWN:
                self.differences.append(one.plain())


def recomputed(run: SearchRun, tell: Tell) -> Outcome:
    """Search again with the data of then and compare. Raises nothing for data that are missing or damaged."""
    outcome = Outcome()
    if run.engine_version != ENGINE_VERSION:
        outcome.remarks.append(OTHER_ENGINE)
    if not has_probabilities(run):
        outcome.remarks.append(NO_PROBABILITIES)
    try:
        found = _then(run, tell)
    except DomainError as error:
        outcome.verdict, outcome.reason = Verdict.IMPOSSIBLE, reason_of(error)
        return outcome
    tell(str(_("Comparing with what is stored")), 0.6)
    _compare(run, found, outcome)
    return outcome


def has_probabilities(run: SearchRun) -> bool:
    """Whether the search predicted; it may have found no set for anybody and still have said so of each unit."""
    return "counts" in run.prediction


def reason_of(error: DomainError) -> Json:
    params = {
        name: value if isinstance(value, int | float) else str(value) for name, value in error.params.items()
    }
    return {"code": error.code, "params": params, "text": error.message}


def _then(run: SearchRun, tell: Tell) -> Computed:
    """The search as it was made. Raises DomainError where something that it was made of cannot be had."""
    tell(str(_("Restoring the reference data of then")), 0.02)
    resolver = reference.resolver_of(
        nomenclature=run.nomenclature_checksum,
        mac=run.mac_checksum,
        release=run.release,
        mac_version=run.mac_version,
    )
    asked = asked_by(run, resolver)
    sets = frequency_sets.in_force(run.prediction.get("sets") or [])
    tell(str(_("Restoring the inventory of then")), 0.05)
    past = history.Past.at(run.ledger_number or 0)
    snapshot = history.inventory_at(
        past, resolver, tell=lambda count: tell(str(_("Restoring the inventory of then")), 0.05)
    )
    check_inventory(run, snapshot)
    predict = partial(_predicted_then, sets=sets)
    return computing.computed(asked, snapshot, inner(tell, 0.3, 0.6), predict=predict)


def asked_by(run: SearchRun, resolver: Resolver) -> Asked:
    """The inputs of a run. Raises DomainError, also for rules that this version does not know."""
    try:
        return computing.asked(run, resolver)
    except ValueError as error:
        raise Conflict(
            "policy_unknown",
            _("This version does not know the rules of the policy: %(why)s"),
            params={"why": error},
        ) from error


def inner(tell: Tell, begin: float, end: float) -> Callable[[str, float, int], None]:
    """The stages of a search as a part of the whole."""
    text = str(_("Searching again"))
    return lambda stage, share, found: tell(text, begin + (end - begin) * share)


def check_inventory(run: SearchRun, snapshot: Snapshot) -> None:
    """Raises Conflict unless this is, to the last byte, the inventory that was searched."""
    searched = computing.searched_donors(run.criteria)
    checksum = snapshot.checksum_of(searched)
    if checksum == run.snapshot_checksum:
        return
    if len(checksum) != len(run.snapshot_checksum):
        raise Conflict(
            "inventory_other_checksum",
            _(
                "This search names its inventory by a checksum of another kind, made by engine %(engine)s, which this "
                "version does not compute: whether the inventory is restored cannot be proved."
            ),
            params={"engine": run.engine_version},
        )
    raise Conflict(
        "inventory_not_restored",
        _(
            "The inventory of that time cannot be restored: going back to entry %(number)s of the ledger gives "
            "%(found)s units with the checksum %(checksum)s, searched were %(units)s with %(stored)s."
        ),
        params={
            "number": run.ledger_number,
            "found": snapshot.units_of(searched),
            "checksum": checksum[:12],
            "units": run.funnel.get("units"),
            "stored": run.snapshot_checksum[:12],
        },
    )


def _predicted_then(
    asked: Asked,
    snapshot: Snapshot,
    ranked: Ranked,
    tell: Callable[[float], None],
    *,
    sets: tuple[frequency_sets.SetInfo, ...],
) -> RunPrediction | Json:
    """The probabilities with the sets of then; where the search stored none, what it stored in their place."""
    run = asked.run
    if not has_probabilities(run):
        stored: Json = run.prediction
        return stored
    return predictions.predict_run(
        asked.patient,
        run.patient_populations,
        snapshot,
        ranked,
        tell,
        sets_in_use=sets,
    )


def _compare(run: SearchRun, found: Computed, outcome: Outcome) -> None:
    outcome.difference_count = 0
    figures = {name: value for name, value in found.figures.items() if name not in NOT_COMPARED}
    figures["patient_gl"] = found.patient.gl()
    outcome.note(_figures(run, figures))
    told = _told(run)
    if not all(any(name in entry for entry in told.values()) for name in DIGESTS):
        outcome.remarks.append(NO_DIGESTS)
    outcome.note(_ledger(run, found, told))
    rows, columns = 0, 0
    pairs = zip_longest(results.stored(run), results.values(found.rows))
    for rank, (stored, again) in enumerate(pairs, 1):
        rows, columns = rank, max(columns, len(stored or again))
        outcome.note(_row(rank, stored, again))
    outcome.compared = {"figures": len(figures), "rows": rows, "columns": columns}
    outcome.verdict = Verdict.DIFFERENT if outcome.difference_count else Verdict.IDENTICAL


def _figures(run: SearchRun, figures: Json) -> Iterator[Difference]:
    for name, value in figures.items():
        for path, old, new in unlike(getattr(run, name), json.loads(json.dumps(value)), name):
            yield Difference("figures", path, old, new)


def _ledger(run: SearchRun, found: Computed, told: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """What the ledger, which nobody can edit, says that this search was asked and found.

    Digests of rows and probabilities are those of what is recomputed, which is what is stored or differs already.
    Entries of earlier versions have none.
    """
    stored = {
        "search.start": {
            "run_no": run.run_no,
            "criteria": run.criteria,
            "policy": run.policy_label,
            "inputs_sha256": digests.of_inputs(run),
        },
        "search.complete": {
            "release": run.release,
            "ledger_number": run.ledger_number,
            "snapshot_checksum": run.snapshot_checksum,
            **run.funnel,
            "rows_sha256": digests.of_rows(found.rows),
            "prediction_sha256": digests.of_prediction(found.figures["prediction"]),
        },
    }
    for action, values in stored.items():
        entry = told.get(action)
        if entry is None:
            yield Difference("ledger", action, values, None)
        else:
            said = {name: entry.get(name) for name in values if name in entry or name not in DIGESTS}
            asked = {name: values[name] for name in said}
            for path, old, new in unlike(asked, said, action):
                yield Difference("ledger", path, old, new)


def _told(run: SearchRun) -> dict[str, Mapping[str, Any]]:
    """By action what the ledger tells of a run: the first entry counts, whoever may have added others later."""
    rows = Ledger.objects.filter(target_type=run._meta.label, target_key=str(run.pk)).order_by("number")
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows.values_list("row", flat=True):
        entry = json.loads(row)
        found.setdefault(entry["action"], entry["after"] or {})
    return found


def _row(rank: int, stored: results.Values | None, again: results.Values | None) -> Iterator[Difference]:
    if stored is None or again is None:
        yield Difference("rows", "rank", stored and rank, again and rank, rank)
    elif stored["unit_id"] != again["unit_id"]:  # everything else of the row is then of another unit
        yield Difference("rows", "unit", str(stored["unit_id"]), str(again["unit_id"]), rank)
    else:
        for name, value in stored.items():
            for path, old, new in unlike(value, again[name], name):
                yield Difference("rows", path, old, new, rank)


def unlike(stored: Any, again: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ, as deep inside as can be said: "evidence.A.positions.0.verdict"."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in sorted(stored.keys() | again.keys()):
            if key in stored and key in again:
                yield from unlike(stored[key], again[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}", stored.get(key), again.get(key)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for place, (old, new) in enumerate(zip(stored, again, strict=True)):
            yield from unlike(old, new, f"{path}.{place}")
    elif stored != again or isinstance(stored, bool) != isinstance(again, bool):
        yield path, stored, again


def _short(value: Any) -> Any:
    """A value for a reader: numbers and short texts as they are, the rest as the beginning of its text."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= TEXT else text[:TEXT] + "…"
