"""A prognosis in words and as a table."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _

from matching.choices import MatchClass
from matching.engine.numbers import plain_number
from matching.engine.prognosis import Outlook
from matching.presenters.planning import class_text, whole
from matching.presenters.probabilities import share_text
from matching.presenters.requests import release_text
from matching.prognosis import CLASSES, Told

Json = dict[str, Any]
WEAK = ("blocks", "loci", "listed")


def context(told: Told) -> Json:
    return {
        "sentences": [one for name in CLASSES if (one := sentence(told, name))],
        "groups": groups(told),
        "dose": dose(told),
        "policy": told.policy,
        "basis": basis(told),
        "weak": told.basis in WEAK,
        "single": told.genotypes == 1 and told.found.told > 1 - 1e-9,
        "told": share_text(min(told.found.told, 1.0)),
        "genotypes": told.genotypes,
    }


def dose(told: Told) -> str:
    """≥ 2.5, or > 5 where the policy asks for more than its dose; "" where none is asked."""
    return "" if told.dose is None else f"{'>' if told.above_dose else '≥'} {plain_number(told.dose)}"


def sentence(told: Told, name: str) -> str:
    """The likeliest best class, how likely, and how many units; "" where the class was not counted."""
    best = told.found.best(name)
    if not best:
        return ""
    label = str(MatchClass(name).label)
    floor, share = max(best, key=lambda one: one[1])
    none = 1 - sum(share for _floor, share in best)
    if none > share:
        words = {"class": label, "share": share_text(none), "floor": class_text(name, best[-1][0])}
        return _("%(class)s: probably no unit at %(floor)s (%(share)s).") % words
    (row,) = [one for one in told.found.outlooks if (one.class_name, one.floor) == (name, floor)]
    words = {
        "class": label,
        "floor": class_text(name, floor).lstrip("≥"),
        "share": share_text(share),
        "units": number(row.units),
        "certain": number(row.certain),
    }
    return (
        _(
            "%(class)s: best unit %(floor)s, probability %(share)s; about %(units)s units of this class or better, "
            "%(certain)s of them for certain."
        )
        % words
    )


def groups(told: Told) -> list[Json]:
    found: dict[str, list[Json]] = {}
    for one in told.found.outlooks:
        if one.class_name in CLASSES:
            found.setdefault(one.class_name, []).append(_row(one))
    return [{"label": str(MatchClass(name).label), "rows": rows} for name, rows in found.items()]


def _row(one: Outlook) -> Json:
    return {
        "class": class_text(one.class_name, one.floor),
        "any": share_text(one.any_unit),
        "certain": share_text(one.any_certain),
        "large": share_text(one.any_large),
        "units": number(one.units),
        "units_certain": number(one.certain),
        "units_large": number(one.large),
        "new": number(one.new_a_year),
        "new_large": number(one.large_a_year),
    }


def number(value: float) -> str:
    """An expected number: whole from ten on, two figures below, never 0 for what is only small."""
    if math.isnan(value):
        return "–"
    if value >= 10 or value == round(value):
        return whole(value)
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}" if value >= 0.01 else "<0.01"


def basis(told: Told) -> str:
    parts = [
        _("policy “%(policy)s”") % {"policy": told.policy},
        _("%(n)s units as of change %(number)s")
        % {"n": whole(told.units), "number": whole(told.ledger_number)},
        release_text(told.release),
        _("frequency set %(sets)s") % {"sets": " + ".join(told.sets)},
        _("antigen rule %(rule)s") % {"rule": told.antigen_rule},
        _("%(n)s units of the last year, set %(set)s, for what is new")
        % {"n": whole(told.new_a_year), "set": told.new_set or "–"},
    ]
    return " · ".join(parts)
