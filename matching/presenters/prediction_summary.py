"""Match probabilities of a whole list: whose sets were used, what a reader must know, the value of the next typing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.populations import shown_populations
from matching.choices import WEAK_BASES, Basis, SetStep
from matching.match_list import predicted_sizes
from matching.models import SearchResult, SearchRun
from matching.presenters.probabilities import (
    FEW_POINTS,
    Json,
    patient_basis_text,
    patient_sets,
    patient_unexplained,
    percent_text,
    points_text,
    share_text,
)
from matching.shares import LEAST, class_span, told


def header(run: SearchRun, most_lost: float) -> list[dict[str, str]]:
    """Which sets served whom, as label and value."""
    if not run.prediction.get("sets"):
        return []
    patient = run.prediction["patient"]
    mine = run.prediction["sets"][: len(patient["sets"])]  # they come first
    found = [
        (_("Haplotype frequencies"), ", ".join(dict.fromkeys(map(set_text, run.prediction["sets"])))),
        (_("Patient"), patient_text(run, mine)),
    ]
    if most_lost:
        found.append((_("Left out of a probability, at most"), f"{max(most_lost * 100, 0.01):.2f} %"))
    return [{"label": label, "value": value} for label, value in found]


def set_text(one: Json) -> str:
    """HAN v2 (own population, 75 %)"""
    words = [str(SetStep(one["step"]).label)]
    if one["coverage"] < 1:
        words.append(_("coverage %(share)s") % {"share": share_text(one["coverage"])})
    return f"{one['version']} ({', '.join(words)})"


def patient_text(run: SearchRun, mine: Sequence[Json]) -> str:
    """HAN, 12 genotypes, explained by HAN v2"""
    patient = run.prediction["patient"]
    count = patient["genotypes"]
    words = [shown_populations(patient["populations"]) or _("population not known")]
    if count:
        words.append(ngettext("%(n)s genotype", "%(n)s genotypes", count) % {"n": f"{count:,}"})
    if patient["basis"] in (*WEAK_BASES, Basis.NONE):
        words.append(_("typing not explained by %(set)s") % {"set": patient_sets(run)})
    elif len(mine) > 1:
        words.append(" + ".join(f"{one['version']} {share_text(one['weight'])}" for one in mine))
    else:
        words.append(str(mine[0]["version"]))
    return " · ".join(words)


def unexplained(counts: Mapping[str, int]) -> tuple[int, int]:
    """Listed units that are only estimated, and those without an estimate."""
    return sum(counts.get(basis, 0) for basis in WEAK_BASES), counts.get(Basis.NONE, 0)


def unexplained_text(estimated: int, none: int) -> str:
    parts = [
        _("%(n)s estimated") % {"n": f"{estimated:,}"} if estimated else "",
        _("%(n)s without an estimate") % {"n": f"{none:,}"} if none else "",
    ]
    return ", ".join(part for part in parts if part)


def notices(run: SearchRun) -> Iterator[tuple[str, str]]:
    """What a reader must know before trusting the probabilities, as tone and text."""
    found = run.prediction
    if not found:
        yield "info", _("This search was made before probabilities were computed. Search again to have them.")
        return
    if error := found.get("error"):
        yield "warn", _("No probabilities were computed: %(why)s") % {"why": error}
        return
    if not found["sets"] or not found["patient"]:
        yield (
            "warn",
            _(
                "No frequency set in use serves the patient: only what the typings make certain has a probability."
            ),
        )
        return
    if any(one["step"] == SetStep.BUILT_IN for one in found["sets"]):
        yield (
            "warn",
            _(
                "The probabilities come from the built-in demonstration frequencies, which are synthetic: "
                "not for clinical use. Load the frequency set of your population and search again."
            ),
        )
    if found["patient"]["basis"] in (*WEAK_BASES, Basis.NONE):
        yield "warn", patient_basis_text(run)


# --- the next typing ----------------------------------------------------------------------------


def next_typings(run: SearchRun) -> dict[str, Any] | None:
    """Context of matching/_next_typings.html; None where nothing is known of any unit."""
    found = run.prediction.get("next")
    if not found or not predicted_sizes(run) or not run.kept or patient_unexplained(run):
        return None
    size = found["size"]
    ids = {one["unit"] for one in found["values"]}
    results = run.results.filter(unit__in=ids).with_unit() if ids else ()
    units = {str(one.unit_id): one for one in results}
    rows = [
        next_typing(run, units[one["unit"]], one, found) for one in found["values"] if one["unit"] in units
    ]
    return {
        "class": f"{size - 1}/{size}",
        "best": percent_text(best_reached(run, found)),
        "rows": rows,
    }


def best_reached(run: SearchRun, found: Json) -> float:
    """P(at most one mismatch) of the best unit; 1 only where one is certain to have no more."""
    best, size = float(found["best"]), found["size"]
    if best < 1 or run.results.filter(**{f"allele{size}_min__gte": size - 1}).exists():
        return best
    return 1 - LEAST


def next_typing(run: SearchRun, result: SearchResult, one: Json, found: Json) -> dict[str, Any]:
    digits = 0 if one["gain"] >= FEW_POINTS / 10 else 2
    words = {
        "locus": one["locus"],
        "class": f"{found['size'] - 1}/{found['size']}",
        "now": f"{found['best'] * 100:.{digits}f} %",
        "then": f"{min(1.0, found['best'] + one['gain']) * 100:.{digits}f} %",
        "own": percent_text(
            told(one["reached"], 0, 1, found["size"], class_span(run, result, found["size"]))
        ),
    }
    if one["reached"] >= found["best"]:
        why = _(
            "It is the likeliest unit now (%(own)s). Knowing %(locus)s shows whether to keep to it or to take "
            "another: %(now)s becomes %(then)s on average."
        )
    else:
        why = _(
            "It reaches %(class)s or better with %(own)s now. Knowing %(locus)s may put it ahead of the best unit: "
            "%(now)s becomes %(then)s on average."
        )
    return {
        "rank": result.rank,
        "unit": result.unit.public_no,
        "url": reverse("matching:run-unit", args=[run.pk, result.unit_id]),
        "locus": one["locus"],
        "gain": points_text(one["gain"]),
        "reached": words["own"],
        "why": why % words,
    }
