"""A simulation as CSV: its rates, and its units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bank.models import CordBloodUnit
from matching.engine.numbers import rounded
from matching.models import PlanningRun
from matching.planning import UnitWorth, order_of, units_at, worths_of

RATE_HEAD = (
    "class", "floor", "dose_tnc_e7_per_kg", "units_in_inventory", "simulated", "patients", "served_possible",
    "share", "lower_95", "upper_95", "served_certain", "units_q1", "units_median", "units_q3",
    "frequency_set", "population", "release", "ledger_number", "antigen_rule", "seed",
)  # fmt: skip
UNIT_HEAD = (
    "unit", "din", "bank", "status_now", "tnc_e7", "best_choice_share", "ever_best_in_ten_years", "useful_share",
    "patients", "searches", "frequency_set", "ledger_number", "seed",
)  # fmt: skip
_CHUNK = 1_000


def rate_rows(run: PlanningRun) -> Iterator[list[Any]]:
    """Rates of the inventory, then the points of the curve, which have no interval and no counts of units."""
    tail = [
        run.set_version, run.population, run.release, run.ledger_number, run.antigen_rule, run.parameters["seed"],
    ]  # fmt: skip
    n = run.parameters["patients"]
    for one in run.result["rates"]:
        yield [
            one["class"], one["floor"], one["dose"], run.result["units"], "no", n, one["possible"],
            *(rounded(share) for share in (one["possible"] / n, one["low"], one["high"])), one["certain"],
            *one["units"], *tail,
        ]  # fmt: skip
    curve = run.result["curve"]
    for series in curve["series"]:
        for size, hits in zip(curve["sizes"], series["hits"], strict=True):
            if size != curve["inventory"]:
                simulated = "yes" if size > curve["inventory"] else "no"
                yield [
                    series["class"], series["floor"], series["dose"], size, simulated, n, hits,
                    rounded(hits / n),
                    *[""] * 6, *tail,
                ]  # fmt: skip


def unit_rows(run: PlanningRun) -> Iterator[list[Any]]:
    """All units, the least worth first."""
    worth = worths_of(run)
    tail = [worth.patients, worth.searches, run.set_version, run.ledger_number, run.parameters["seed"]]
    order = order_of(worth, least_first=True)
    for begin in range(0, len(order), _CHUNK):
        found = units_at(worth, order[begin : begin + _CHUNK])
        known = CordBloodUnit.objects.select_related("bank").in_bulk([one.unit_id for one in found])
        for one in found:
            unit = known.get(one.unit_id)
            shares = [rounded(share) for share in (one.best, one.ever, one.useful)]
            yield [*_names(unit, one), one.tnc_e7, *shares, *tail]


def _names(unit: CordBloodUnit | None, one: UnitWorth) -> list[str]:
    """Of a unit that is no longer there only its id."""
    if unit is None:
        return [str(one.unit_id), "", "", ""]
    return [unit.unit_no, unit.din, unit.bank.code, unit.plain_status]
