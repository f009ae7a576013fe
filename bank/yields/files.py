"""Every table of the yield page as rows of a CSV. Heads and keys are the same in every language; shares 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bank.choices_yield import Stage
from bank.yields import charts, published, spread, stock, turnaround
from bank.yields.cohort import Cohort, groups
from bank.yields.funnel import by_site, funnel, reasons
from bank.yields.page import tanks
from core.models import User

Rows = Iterator[list[Any]]
_STAGES = [stage.name.lower() for stage in Stage]


def _share(part: int, whole: int) -> Any:
    return round(part / whole, 6) if whole else ""


def _funnel(cohort: Cohort, user: User) -> Rows:
    found = funnel(groups(cohort, user))
    for step in found.steps:
        untold = found.untold if step.stage == Stage.COLLECTED else 0
        yield [
            step.stage.name.lower(), step.reached, _share(step.reached, found.collected), step.lost,
            step.research, step.open, untold,
        ]  # fmt: skip


def _sites(cohort: Cohort, user: User) -> Rows:
    for site, found in by_site(groups(cohort, user)):
        yield [site, *(step.reached for step in found.steps), sum(step.lost for step in found.steps)]


def _reasons(cohort: Cohort, user: User) -> Rows:
    counted = reasons(groups(cohort, user))
    whole = sum(n for _name, n in counted)
    for name, n in counted:
        low, high = published.RANGES.get(name, ("", ""))
        yield [name, n, _share(n, whole), low, high]


def _counts(cohort: Cohort, user: User) -> Rows:
    for one in spread.spreads(cohort, user):
        for place, n in enumerate(one.counts):
            yield [one.quantity.key, charts.bar_name(one, place), n, one.n, one.p10, one.median, one.p90]


def _times(cohort: Cohort, user: User) -> Rows:
    for leg in turnaround.legs(cohort, funnel(groups(cohort, user))):
        hours = [round(t.total_seconds() / 3600, 2) if t else "" for t in (leg.median, leg.p90)]
        yield [leg.key, leg.n, leg.missing, *hours]


def _stock(cohort: Cohort, user: User) -> Rows:
    """Each group, band of dose and level of typing by itself: what the tables of the page are sums of."""
    order = sorted(stock.shelves(user), key=lambda one: (one.abo, one.rh, one.dose, one.typed))
    for one in order:
        dose = "" if one.dose == stock.NO_DOSE else stock.DOSES[one.dose]
        yield [one.abo, {"+": "pos", "-": "neg"}.get(one.rh, ""), dose, stock.TYPED[one.typed], one.n]


def _tanks(cohort: Cohort, user: User) -> Rows:
    for row in tanks(user)["rows"]:
        taken = row["taken"]
        yield [row["site"], row["node"].code, taken.slots, taken.units, taken.blocked, taken.free]


TABLES: Final[dict[str, tuple[tuple[str, ...], Callable[[Cohort, User], Rows]]]] = {
    "funnel": (
        ("stage", "reached", "share_of_collected", "discarded_here", "research_here", "open_here",
         "discarded_stage_unknown"),
        _funnel,
    ),
    "sites": (("site", *_STAGES, "discarded"), _sites),
    "reasons": (("reason", "units", "share", "published_low_percent", "published_high_percent"), _reasons),
    "counts": (("quantity", "band", "units", "n", "p10", "median", "p90"), _counts),
    "times": (("step", "n", "missing", "median_hours", "p90_hours"), _times),
    "stock": (("abo", "rh", "tnc_e7_from", "typed_at", "units"), _stock),
    "tanks": (("site", "tank", "slots", "units", "blocked", "free"), _tanks),
}  # fmt: skip
