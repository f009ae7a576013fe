"""The yield page in words and figures: tables whose numbers lead to their units, and the drawings beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from bank import storage_map
from bank.choices import DiscardReason
from bank.choices_yield import Fate, Stage
from bank.yields import charts, published, stock
from bank.yields.cohort import Cohort
from bank.yields.funnel import Funnel, Group, by_site, reasons
from bank.yields.spread import Spread
from bank.yields.stock import Shelf
from bank.yields.turnaround import LEGS, Leg
from bank.yields.words import quantity_name, quantity_unit, span
from core.models import User

Json = dict[str, Any]
MOST_SITES = 30


def units_url(cohort: Cohort | None = None, **more: Any) -> str:
    """The inventory, filtered to the units behind a number."""
    asked: dict[str, Any] = {}
    if cohort is not None:
        asked = {"since": cohort.since, "until": cohort.until, "site": cohort.site}
    query = {name: value for name, value in {**asked, **more}.items() if value not in (None, "")}
    return f"{reverse('bank:unit-list')}?{urlencode(query)}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def funnel_rows(found: Funnel, cohort: Cohort) -> list[Json]:
    rows = []
    before = found.collected
    for step in found.steps:
        at = {"last": step.stage.value}
        rows.append(
            {
                "label": step.stage.label,
                "n": step.reached,
                "url": units_url(cohort, reached=step.stage.value),
                "share": share(step.reached, found.collected),
                "of_before": share(step.reached, before) if step.stage != Stage.COLLECTED else "",
                "bar": charts.percent_of(step.reached, found.collected),
                "lost": {"n": step.lost, "url": units_url(cohort, fate=Fate.LOST.value, **at)},
                "research": {"n": step.research, "url": units_url(cohort, fate=Fate.RESEARCH.value, **at)},
                "open": {"n": step.open, "url": units_url(cohort, fate=Fate.OPEN.value, **at)},
            }
        )
        before = step.reached
    return rows


def site_rows(groups: Sequence[Group], cohort: Cohort) -> list[Json]:
    """The sites with most units; the others are in the CSV."""
    rows = []
    for site, found in by_site(groups)[:MOST_SITES]:
        of_site = Cohort(cohort.since, cohort.until, site)
        stages = (Stage.ACCEPTED, Stage.BANKED, Stage.LISTED, Stage.SHIPPED)
        rows.append(
            {
                "label": site or _("not recorded"),
                "n": found.collected,
                "url": units_url(of_site) if site else "",
                "stages": [
                    {
                        "label": stage.label,
                        "n": found.step(stage).reached,
                        "share": share(found.step(stage).reached, found.collected),
                        "url": units_url(of_site, reached=stage.value) if site else "",
                    }
                    for stage in stages
                ],
            }
        )
    return rows


def reason_rows(groups: Sequence[Group], cohort: Cohort) -> Json:
    """Every reason that was given, and those that others report; each with its published range."""
    counted = dict(reasons(groups))
    whole = sum(counted.values())
    names = [*counted, *(one for one in published.RANGES if one not in counted)]
    shares = [100 * n / whole for n in counted.values()] if whole else []
    scale = charts.scale_of([*shares, *(high for _low, high in published.RANGES.values())])
    rows = []
    for name in names:
        n = counted.get(name, 0)
        low_high = published.RANGES.get(name)
        rows.append(
            {
                "label": DiscardReason(name).label if name else _("not recorded"),
                "n": n,
                "url": units_url(cohort, reason=name) if n else "",
                "share": share(n, whole),
                "bar": round(charts.percent_of(n, whole) * 100 / scale, 1),
                "published": f"{low_high[0]}–{low_high[1]} %" if low_high else "",
                "range": charts.ranges(*low_high, scale) if low_high else None,
            }
        )
    return {"rows": rows, "whole": whole, "source": published.SOURCE, "url": published.SOURCE_URL}


def spread_cards(found: Sequence[Spread], collected: int) -> list[Json]:
    return [_spread_card(one, collected) for one in found]


def _spread_card(one: Spread, collected: int) -> Json:
    name, unit = quantity_name(one.quantity), quantity_unit(one.quantity)
    median = "–" if one.median is None else f"{one.median:.3g}"
    summary = _("%(name)s: %(n)s units, median %(median)s %(unit)s") % {
        "name": name, "n": f"{one.n:,}", "median": median, "unit": unit,
    }  # fmt: skip
    texts = {key: "–" if value is None else f"{value:.3g}" for key, value in _middle(one).items()}
    return {
        "name": name,
        "unit": unit,
        "n": one.n,
        "missing": max(collected - one.n, 0),
        "invented": one.invented,
        **texts,
        "thresholds": [
            {"value": f"{value:g}", "below": below, "share": share(below, one.n)}
            for value, below in one.thresholds
        ],
        "chart": charts.histogram(one, summary) if one.n else None,
        "rows": [
            {"label": charts.bar_name(one, place), "n": count, "share": share(count, one.n)}
            for place, count in enumerate(one.counts)
        ],
    }


def _middle(one: Spread) -> dict[str, float | None]:
    return {"p10": one.p10, "median": one.median, "p90": one.p90}


def leg_rows(found: Sequence[Leg]) -> list[Json]:
    return [
        {
            "label": LEGS[leg.key][0],
            "median": span(leg.median),
            "p90": span(leg.p90),
            "n": leg.n,
            "missing": leg.missing,
        }
        for leg in found
    ]


def stock_tables(found: Sequence[Shelf]) -> Json:
    whole = stock.total(found)
    offered: dict[str, Any] = {"offered": "own"}
    groups = stock.by_group(found)
    return {
        "whole": whole,
        "url": units_url(**offered),
        "groups": [
            {
                "label": f"{abo}{rh}"
                if abo and rh
                else _("%(abo)s, not complete") % {"abo": abo + rh or "?"},
                "n": n,
                "share": share(n, whole),
                "bar": charts.percent_of(n, whole),
                "url": units_url(**offered, abo=abo, rh=rh) if abo and rh and n else "",
            }
            for (abo, rh), n in sorted(groups.items(), key=lambda pair: (not all(pair[0]), pair[0]))
            if n or (abo and rh)
        ],
        "doses": [
            {
                "label": _dose_name(place),
                "n": above,
                "inside": inside,
                "share": share(above, whole),
                "bar": charts.percent_of(above, whole),
                "url": units_url(**offered, tnc=stock.DOSES[place]) if place > 0 and above else "",
            }
            for place, inside, above in stock.by_dose(found)
        ],
        "typings": [
            {
                "label": stock.TYPED[level] or _("all units on offer"),
                "n": above,
                "inside": just,
                "share": share(above, whole),
                "bar": charts.percent_of(above, whole),
                "url": units_url(**offered, loci=level + 2 if level else "") if above else "",
            }
            for level, just, above in stock.by_typing(found)
        ],
    }


def _dose_name(place: int) -> str:
    """Of a place in stock.DOSES."""
    if place < 0:
        return _("not known")
    return f"≥ {stock.DOSES[place]}" if stock.DOSES[place] else _("all of known dose")


def tanks(user: User) -> Json:
    """As the map of the storage counts them."""
    drawn = storage_map.overview(user)
    rows = [
        {"site": site["node"].code, **tank, "url": reverse("bank:storage-tank", args=[tank["node"].pk])}
        for site in drawn["sites"]
        for tank in site["tanks"]
    ]
    return {"rows": rows, "figures": drawn["figures"]}


def period(cohort: Cohort, today: dt.date) -> str:
    """For the heading of the figures."""
    values = {"since": cohort.since or "…", "until": cohort.until or today, "site": cohort.site}
    if cohort.site:
        return _("Units collected from %(since)s to %(until)s at %(site)s, as they stand today") % values
    return _("Units collected from %(since)s to %(until)s, as they stand today") % values
