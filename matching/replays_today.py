"""The list that today's data would give beside a stored one: patient, criteria and policy as then, all else as now."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from matching import computing, inventory, predictions, reference, results
from matching.choices import CLASS_SIZE
from matching.engine.snapshot import Snapshot
from matching.models import SearchRun
from matching.predictions import Json
from matching.replays import Tell, asked_by, inner, reason_of
from matching.shares import no_mismatch

SHOWN: Final = 100  # units kept by name
PROBABILITIES: Final = {"p0_of6": 6, "p0_of8": 8, "p0_of10": 10}
# What may have changed of a unit that stands in both lists, what matters most first.
CHANGES: Final = {
    "status": ("status",),
    "class": tuple(f"{name}_{end}" for name in CLASS_SIZE for end in ("min", "max")),
    "probability": tuple(PROBABILITIES),
}


def with_todays_data(run: SearchRun, tell: Tell) -> Json:
    """The stored list beside the one that a search would make now. Raises nothing where today's data forbid it.

    new, gone, changed, shifted, same: numbers of units. A unit that stands elsewhere among those of both lists has
    changed its rank; one that only moved because others came or went is shifted. by_change: how many changed in what
    (one unit in several, perhaps). listed: the first of all but the last two, each with what it was and would be.
    """
    tell(str(_("Searching with today's data")), 0.65)
    resolver = reference.resolver(look=True)
    try:
        asked = asked_by(run, resolver)
        snapshot = inventory.current(
            resolver, tell=lambda count: tell(str(_("Searching with today's data")), 0.65)
        )
        found = computing.computed(asked, snapshot, inner(tell, 0.65, 0.95), predict=_predicted)
    except DomainError as error:
        return {"reason": reason_of(error)}
    then = {row["unit_id"]: row for row in results.stored(run)}
    now = {row["unit_id"]: row for row in results.values(found.rows)}
    return {**_made_by(snapshot, found), **compared(then, now)}


def _predicted(asked: computing.Asked, *rest: Any) -> Any:
    return predictions.predict_run(asked.patient, asked.run.patient_populations, *rest)


def _made_by(snapshot: Snapshot, found: computing.Computed) -> Json:
    """The data of today, and how many units there are."""
    origin, funnel = snapshot.origin, found.outcome.funnel
    return {
        "release": origin.release,
        "mac_version": origin.mac,
        "ledger_number": origin.ledger_number,
        "sets": list(dict.fromkeys(one["version"] for one in found.figures["prediction"]["sets"])),
        "units": funnel.units,
        "candidates": funnel.candidates,
        "kept": funnel.kept,
    }


def compared(then: dict[Any, results.Values], now: dict[Any, results.Values]) -> Json:
    """Two lists by unit, each in the order of its ranks."""
    places = [
        {pk: place for place, pk in enumerate(pk for pk in one if pk in other)}
        for one, other in ((then, now), (now, then))
    ]
    units: list[Json] = [
        {
            "unit": str(pk),
            "changes": _changes(then.get(pk), now.get(pk), moved=places[0].get(pk) != places[1].get(pk)),
            "then": _side(then.get(pk)),
            "now": _side(now.get(pk)),
        }
        for pk in {**then, **now}
    ]
    touched = sorted((unit for unit in units if unit["changes"]), key=_weight)
    shifted = sum(not unit["changes"] and unit["then"]["rank"] != unit["now"]["rank"] for unit in units)
    count = {
        name: sum(name in unit["changes"] for unit in units) for name in ("new", "gone", *CHANGES, "rank")
    }
    new, gone = count.pop("new"), count.pop("gone")
    return {
        "new": new,
        "gone": gone,
        "changed": len(touched) - new - gone,
        "shifted": shifted,
        "same": len(units) - len(touched) - shifted,
        "by_change": count,
        "listed": touched[:SHOWN],
    }


def _changes(then: results.Values | None, now: results.Values | None, *, moved: bool) -> list[str]:
    if then is None or now is None:
        return ["new" if then is None else "gone"]
    found = [name for name, columns in CHANGES.items() if any(then[one] != now[one] for one in columns)]
    return [*found, "rank"] if moved else found


def _side(row: results.Values | None) -> Json | None:
    if row is None:
        return None
    classes = {
        name: [row[f"{name}_min"], row[f"{name}_max"]]
        for name in CLASS_SIZE
        if row[f"{name}_max"] is not None
    }
    shares = {name: row[name] for name in PROBABILITIES if row[name] is not None}
    return {"rank": row["rank"], "status": row["status"], "classes": classes, **shares}


def told(side: Json) -> Json:
    """One side of a difference with its probabilities as they may be told."""
    shares = {
        name: no_mismatch(side[name], size, side["classes"])
        for name, size in PROBABILITIES.items()
        if name in side
    }
    return {**side, **shares}


def _weight(unit: Json) -> tuple[bool, int, str]:
    """Units that only moved come last; among the others those that stand or stood highest first."""
    ranks = [side["rank"] for side in (unit["then"], unit["now"]) if side]
    return unit["changes"] == ["rank"], min(ranks), unit["unit"]
