"""The curve of match likelihood over the size of the inventory, as a drawing and as the table under it."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _

from matching.choices import MatchClass
from matching.engine.planning_plan import GRID
from matching.models import PlanningRun
from matching.presenters.planning import class_text, dose_text, percent, series_of, whole

Json = dict[str, Any]

WIDTH, HEIGHT = 620, 360  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 58, 64, 14, 46
TICKS = (0, 25, 50, 75, 100)
LEAST_GAP = 18  # between the names of two lines


def curve(run: PlanningRun) -> Json:
    """Lines of the target's class at the target's dose; the part of simulated units is dashed."""
    found = run.result["curve"]
    name, dose = run.parameters["target"][0], run.parameters["target_dose"]
    sizes: list[int] = found["sizes"]
    own = sizes.index(found["inventory"])
    lines = [_line(run, name, floor, dose, sizes, own) for floor in GRID[name]]
    _spread_names(lines)
    return {
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT},
        "axis": {"top": TOP, "bottom": HEIGHT - BOTTOM, "labels": HEIGHT - BOTTOM + 18, "title": HEIGHT - 6},
        "middle": (LEFT + WIDTH - RIGHT) / 2,
        "rows": [{"y": _down(tick / 100), "text": f"{tick} %"} for tick in TICKS],
        "columns": [{"x": _across(size, sizes), "text": whole(size)} for size in _ticks(sizes)],
        "own": {"x": _across(sizes[own], sizes), "text": _("now: %(n)s") % {"n": whole(sizes[own])}},
        "lines": lines,
        "heads": [line["label"] for line in lines],
        "dose": f"{MatchClass(name).label}, {dose_text(dose)}",
        "table": _table(run, lines, sizes, own),
        "summary": _("Match likelihood by size of the inventory")
        + ": "
        + "; ".join(one["words"] for one in lines),
    }


def _line(run: PlanningRun, name: str, floor: int, dose: str, sizes: list[int], own: int) -> Json:
    n = run.parameters["patients"]
    shares = [hits / n for hits in series_of(run, name, floor, dose)]
    points = [f"{_across(size, sizes)},{_down(share)}" for size, share in zip(sizes, shares, strict=True)]
    label = class_text(name, floor)
    return {
        "label": label,
        "shares": shares,
        "real": " ".join(points[: own + 1]),
        "simulated": " ".join(points[own:]) if len(points) > own + 1 else "",
        "dots": [
            {
                "x": _across(size, sizes),
                "y": _down(share),
                "words": f"{label}, {whole(size)}: {percent(share)}",
            }
            for size, share in zip(sizes, shares, strict=True)
        ],
        "end": _down(shares[-1]),
        "words": f"{label}: {percent(shares[0])} → {percent(shares[own])} → {percent(shares[-1])}",
    }


def _spread_names(lines: list[Json]) -> None:
    """The names at the ends of the lines, from the top down, do not lie on one another."""
    before = -math.inf
    for line in sorted(lines, key=lambda one: one["end"]):
        line["name_y"] = before = max(line["end"] + 4.5, before + LEAST_GAP)


def _table(run: PlanningRun, lines: list[Json], sizes: list[int], own: int) -> list[Json]:
    return [
        {
            "size": whole(size),
            "now": at == own,
            "simulated": at > own,
            "cells": [{"label": line["label"], "share": percent(line["shares"][at])} for line in lines],
        }
        for at, size in enumerate(sizes)
    ]


def _ticks(sizes: list[int]) -> list[int]:
    """Sizes whose names have room on a logarithmic axis; the first always."""
    found = [sizes[0]]
    for size in sizes[1:]:
        round_one = size == 10 ** round(math.log10(size)) or str(size).rstrip("0") in ("1", "2", "5")
        if round_one and _across(size, sizes) - _across(found[-1], sizes) >= 62:
            found.append(size)
    return found


def _across(size: int, sizes: list[int]) -> float:
    low, high = math.log(sizes[0]), math.log(sizes[-1])
    share = (math.log(size) - low) / (high - low) if high > low else 1.0
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)


def _down(share: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)
