"""A simulation of the inventory in words, figures and tables: the sentence first, its honesty beside it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import Job
from hla.prediction.calibration import wilson
from matching.choices import CLASS_SIZE, MatchClass, PlanningStage
from matching.models import PlanningRun
from matching.planning import CELL_EDGES_E7, EVER_EDGES, UnitWorth
from matching.presenters.probabilities import share_text
from matching.presenters.requests import release_text
from matching.published_rates import PUBLISHED, PublishedRate
from matching.selection.policies import shown_label

Json = dict[str, Any]


def progress(job: Job) -> Json:
    """Context of _components/progress.html, without its address."""
    titles = {
        Job.State.QUEUED.value: _("Waiting for a free worker"),
        Job.State.FAILED.value: _("The simulation failed"),
        Job.State.CANCELLED.value: _("The simulation was cancelled"),
    }
    known = PlanningStage(job.stage).label if job.stage in PlanningStage.values else _("Starting")
    return {
        "state": job.state,
        "title": titles.get(job.state) or str(known),
        "share": job.share if job.is_open else None,
        "started_at": job.started_at,
        "error": job.error if job.state == Job.State.FAILED else "",
    }


def percent(share: float, digits: int = 1) -> str:
    """With one decimal never 0 or 100 % for what is only near."""
    return share_text(share) if digits == 1 else f"{share * 100:.{digits}f} %"


def whole(value: float) -> str:
    return number_format(round(value), force_grouping=True)


def interval(low: float, high: float) -> str:
    return _("%(low)s–%(high)s") % {"low": f"{low * 100:.1f}", "high": f"{high * 100:.1f}"}


def class_text(name: str, floor: int) -> str:
    """`≥5/6`, or `6/6` where nothing is better."""
    size = CLASS_SIZE[name]
    return f"{floor}/{size}" if floor == size else f"≥{floor}/{size}"


def named_class(name: str, floor: int) -> str:
    """`≥5/6 A, B antigen, DRB1 allele (of 6)`: two classes are counted of six."""
    return f"{class_text(name, floor)} {MatchClass(name).label}"


def dose_text(dose: str) -> str:
    return _("no dose filter") if dose == "0" else _("≥%(dose)s ×10⁷/kg") % {"dose": dose}


def row(run: PlanningRun) -> Json:
    """A simulation as a row of the list."""
    return {
        "url": reverse("matching:planning-detail", args=[run.pk]),
        "at": run.created_at,
        "by": run.created_by,
        "set": run.set_version,
        "patients": run.parameters["patients"],
        "target": target_text(run),
        "served": percent(target_rate(run)["possible"] / run.parameters["patients"])
        if run.is_finished
        else str(run.job.get_state_display()),
        "ledger_number": run.ledger_number,
    }


def target_text(run: PlanningRun) -> str:
    name, floor = run.parameters["target"]
    return f"{named_class(name, floor)}, {dose_text(run.parameters['target_dose'])}"


def target_rate(run: PlanningRun) -> Json:
    name, floor = run.parameters["target"]
    return rate_at(run, name, floor, run.parameters["target_dose"])


def rate_at(run: PlanningRun, name: str, floor: int, dose: str) -> Json:
    rows: list[Json] = run.result["rates"]
    return next(one for one in rows if (one["class"], one["floor"], one["dose"]) == (name, floor, dose))


def sentence(run: PlanningRun) -> str:
    """The answer that the page is for."""
    found, (name, floor) = target_rate(run), run.parameters["target"]
    words = {
        "share": percent(found["possible"] / found["n"]),
        "interval": interval(found["low"], found["high"]),
        "population": run.population,
        "class": named_class(name, floor),
        "dose": dose_text(run.parameters["target_dose"]),
        "units": whole(run.result["units"]),
    }
    return (
        _(
            "%(share)s (95 %%: %(interval)s) of simulated patients of the population %(population)s find at least one "
            "of the %(units)s units on offer at %(class)s, %(dose)s."
        )
        % words
    )


def second_sentence(run: PlanningRun) -> str:
    found = target_rate(run)
    low, middle, high = found["units"]
    count = ngettext(
        "Half of them find %(n)s unit or more (middle half: %(low)s to %(high)s).",
        "Half of them find %(n)s units or more (middle half: %(low)s to %(high)s).",
        middle,
    ) % {"n": whole(middle), "low": whole(low), "high": whole(high)}
    certain = _("%(share)s find one whose typing leaves no doubt of the class.") % {
        "share": percent(found["certain"] / found["n"])
    }
    return f"{count} {certain}"


def kpis(run: PlanningRun) -> list[Json]:
    worth, gains = run.result["worth"], run.result["gains"]
    found = target_rate(run)
    units = run.result["units"]
    return [
        {
            "value": percent(found["possible"] / found["n"]),
            "label": _("patients served"),
            "note": target_text(run),
        },
        {
            "value": whole(found["n"] - found["possible"]),
            "label": _("of %(n)s simulated patients not served") % {"n": whole(found["n"])},
        },
        {
            "value": whole(worth["expected"]),
            "label": _("units expected to be a best choice in ten years"),
            "note": _("of %(n)s, if nothing changed") % {"n": whole(units)},
        },
        {
            "value": percent(worth["never"] / units),
            "label": _("of units headed no list"),
            "note": _("each may still be used, with up to %(share)s")
            % {"share": percent(worth["unseen_at_most"], 0)},
        },
        {
            "value": per_million(gains["anybody"]["gain"]),
            "label": _("patients in a million newly served by one more unit"),
            "note": _("any unit of this population"),
        },
    ]


def per_million(share: float) -> str:
    value = share * 1e6
    return f"{value:.1f}" if value < 100 else whole(value)


def rates(run: PlanningRun) -> Json:
    """Rows by class, columns by dose."""
    doses = ["0", *run.parameters["doses"]]
    known = {(one["class"], one["floor"], one["dose"]): one for one in run.result["rates"]}
    groups: dict[str, list[Json]] = {}
    for name, floor, dose in known:
        if dose == "0":
            cells = [_rate_cell(known[name, floor, each]) for each in doses]
            groups.setdefault(name, []).append({"class": class_text(name, floor), "cells": cells})
    return {
        "doses": [dose_text(dose) for dose in doses],
        "groups": [{"label": str(MatchClass(name).label), "rows": rows} for name, rows in groups.items()],
    }


def _rate_cell(one: Mapping[str, Any]) -> Json:
    return {
        "dose": dose_text(one["dose"]),
        "share": percent(one["possible"] / one["n"]),
        "interval": interval(one["low"], one["high"]),
        "certain": percent(one["certain"] / one["n"]),
        "units": whole(one["units"][1]),
        "spread": f"{whole(one['units'][0])}–{whole(one['units'][2])}",
    }


def weights(run: PlanningRun) -> list[Json]:
    """Patients served by weight, each weight with its own number of patients and interval."""
    found = []
    for one in run.result["weights"]:
        if one["n"]:
            low, high = wilson([one["served"]], [one["n"]])
            found.append(
                {
                    "kg": one["kg"],
                    "n": whole(one["n"]),
                    "share": percent(one["served"] / one["n"]),
                    "interval": interval(float(low[0]), float(high[0])),
                }
            )
    return found


def published(run: PlanningRun) -> list[Json]:
    """Published figures, each beside ours at the same class without a dose filter and the same number of units."""
    return [
        {
            "population": one.population,
            "when": one.when,
            "units": whole(one.units) if one.units else "–",
            "class": class_text("antigen6", one.floor),
            "percent": f"{one.percent:g} %",
            "dose": one.dose,
            "source": one.source,
            "confirmed": one.confirmed,
            "ours": _ours(run, one),
        }
        for one in PUBLISHED
    ]


def _ours(run: PlanningRun, one: PublishedRate) -> str:
    """The curve at the same number of units; the whole inventory where the source gives none."""
    curve = run.result["curve"]
    size = one.units or curve["inventory"]
    if size not in curve["sizes"]:
        return "–"
    hits = series_of(run, "antigen6", one.floor, "0")[curve["sizes"].index(size)]
    share = percent(hits / run.parameters["patients"])
    return (
        share if one.units else _("%(share)s with %(units)s units") % {"share": share, "units": whole(size)}
    )


def series_of(run: PlanningRun, name: str, floor: int, dose: str) -> list[int]:
    rows: list[Json] = run.result["curve"]["series"]
    found = next(one for one in rows if (one["class"], one["floor"], one["dose"]) == (name, floor, dose))
    hits: list[int] = found["hits"]
    return hits


def gains(run: PlanningRun) -> Json:
    found = run.result["gains"]
    usual = found["anybody"]["gain"]
    return {
        "patients": whole(found["patients"]),
        "unserved": whole(found["unserved"]),
        "anybody": _gain(found["anybody"], usual),
        "rows": [_gain(one, usual) for one in found["best"]],
    }


def _gain(one: Mapping[str, Any], usual: float) -> Json:
    return {
        "haplotype": one["haplotype"].split("~"),
        "frequency": f"{one['frequency'] * 100:.2f} %",
        "gain": per_million(one["gain"]),
        "interval": f"{per_million(one['low'])}–{per_million(one['high'])}",
        "times": f"{one['gain'] / usual:.1f} ×" if usual else "–",
        "doubtful": one["low"] <= usual,
    }


def worth(run: PlanningRun) -> Json:
    found = run.result["worth"]
    edges = [f"{edge * 100:g}" for edge in EVER_EDGES]
    bounds = [f"≤{edges[0]} %", *(f"{low}–{high} %" for low, high in pairwise(edges))]
    by_ever = zip([*bounds, f">{edges[-1]} %"], found["by_ever"], strict=True)
    units = run.result["units"]
    return {
        "by_ever": [
            {
                "label": _("headed no list"),
                "n": whole(found["never"]),
                "share": percent(found["never"] / units),
            },
            *({"label": label, "n": whole(n), "share": percent(n / units)} for label, n in by_ever),
        ],
        "by_cells": [
            {
                "label": label,
                "n": whole(one["units"]),
                "never": percent(one["never"] / one["units"]),
                "expected": f"{one['expected']:.1f}",
                "mean": percent(one["expected"] / one["units"]),
            }
            for label, one in zip(_cell_labels(), found["by_cells"], strict=True)
            if one["units"]
        ],
        "searches": whole(found["searches"]),
        "useless": whole(found["useless"]),
        "unserved": percent(found["unserved"]),
        "unseen": percent(found["unseen_at_most"]),
        "few": found["patients"] < found["searches"],
        "unknown": whole(run.result["cells_unknown"]),
    }


def _cell_labels() -> list[str]:
    edges = CELL_EDGES_E7
    between = [f"{low}–{high}" for low, high in pairwise(edges)]
    return [f"<{edges[0]}", *between, f"≥{edges[-1]}", _("unknown")]


def unit(one: UnitWorth) -> Json:
    """The worth of a single unit in words for a table."""
    return {
        "tnc_e7": "–" if one.tnc_e7 is None else f"{one.tnc_e7:.1f}",
        "best": f"{one.best * 100:.3f} %" if one.best else "0",
        "ever": percent(one.ever) if one.best else "0",
        "useful": useful_text(one.useful),
    }


def useful_text(share: float) -> str:
    """Never 0 for what is only small."""
    return "<0.01 %" if 0 < share < 0.0001 else percent(share, 2) if share else "0"


def basis(run: PlanningRun) -> list[Json]:
    """By what the figures were made: every one of them names it."""
    parameters = run.parameters
    unread = run.result["unread_share"]
    return [
        {"label": _("Frequency set"), "value": run.set_version, "note": run.population},
        {"label": _("Coverage of the set"), "value": percent(run.coverage)},
        {"label": _("Release"), "value": release_text(run.release) if run.release else "–"},
        {"label": _("Inventory as of change"), "value": whole(run.ledger_number or 0)},
        {"label": _("Antigen rule"), "value": run.antigen_rule, "note": shown_label(run.policy_label)},
        {"label": _("Patients"), "value": whole(parameters["patients"])},
        {"label": _("Seed"), "value": str(parameters["seed"])},
        {
            "label": _("Weights, kg"),
            "value": ", ".join(f"{kg} ({float(share):g})" for kg, share in parameters["weights"]),
        },
        {"label": _("Doses"), "value": ", ".join(dose_text(dose) for dose in ["0", *parameters["doses"]])},
        {"label": _("Searches in ten years"), "value": whole(run.result["worth"]["searches"])},
        {"label": _("Units left out, untyped"), "value": whole(run.result["left_out"])},
        {"label": _("Units of unknown cells"), "value": whole(run.result["cells_unknown"])},
        *(
            [{"label": _("Of the set not readable"), "value": percent(unread, 2), "tone": "warn"}]
            if unread
            else []
        ),
    ]
