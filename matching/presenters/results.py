"""The match list: a stored result and its unit of today as a row of _components/match_table.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import SEARCHABLE, Source, UnitStatus
from bank.models import CordBloodUnit
from bank.querysets import CORD_ONLY
from core.models import User
from core.roles import Permission
from matching.choices import CLASS_SIZE
from matching.computing import searched_donors
from matching.engine.selection.rules import SelectionRules
from matching.kept import kept_for
from matching.match_list import predicted_sizes
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.presenters import findings, probabilities, shortlist_marks
from matching.presenters.people import abo_tag
from matching.presenters.words import UNIT_DIRECTION, mark
from matching.selection.policies import rules_of

SHOWN_LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")
# Right end of a meter: four times what is asked; without a wish, four times the usual dose of a single unit.
SCALE = {"tnc": 10.0, "cd34": 6.0}
SCALE_OF_TOTAL = {"tnc": 250.0, "cd34": 10.0}
UNIT = {"tnc": "×10⁷/kg", "cd34": "×10⁵/kg"}
UNIT_OF_TOTAL = {"tnc": "×10⁷", "cd34": "×10⁶"}
SCALE_OF_ASKED = 4


def table(run: SearchRun, page: Sequence[SearchResult], user: User, evaluation: Evaluation) -> dict[str, Any]:
    """Context of the table: its loci with the patient's values, and the rows."""
    loci = shown_loci(run, page)
    rules, judged = rules_of(evaluation.policy), findings.of_page(evaluation, page)
    marks = shortlist_marks.marks(run, page, user)
    return {
        "loci": [{"locus": locus, "patient": patient_values(run, locus)} for locus in loci],
        "rows": [row(run, result, user, rules, judged[result.pk], loci, marks) for result in page],
        "totals": evaluation.weight_kg is None,
        "probabilities": bool(predicted_sizes(run)),
    }


def shown_loci(run: SearchRun, page: Sequence[SearchResult]) -> list[str]:
    """The searched loci; others (DPB1 first of all) where the patient or a unit of the page is typed."""
    searched = run.criteria["loci"]
    return [
        locus
        for locus in SHOWN_LOCI
        if locus in searched
        or any(run.patient_typing.get(locus) or ())
        or any(unit_value(result.unit, locus, 1) for result in page)
    ]


def patient_values(run: SearchRun, locus: str) -> str:
    pair = run.patient_typing.get(locus) or ("", "")
    return " ".join(bare(value, locus) or "?" for value in pair) if any(pair) else _("not typed")


def bare(text: str, locus: str) -> str:
    """A canonical text without its locus, for cells: 40:01/40:02."""
    return text.replace(f"{locus}*", "")


def unit_value(unit: CordBloodUnit, locus: str, position: int) -> str:
    return str(getattr(unit, f"hla_{locus.lower()}_{position}", ""))


def row(
    run: SearchRun,
    result: SearchResult,
    user: User,
    rules: SelectionRules,
    judged: EvaluatedUnit,
    loci: Sequence[str] = (),
    marks: Mapping[UUID, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One row; classes and evidence as the search stored them, all else as of now, doses by today's weight.

    marks: of the whole page (presenters.shortlist_marks); asked for this unit alone where not given.
    """
    unit = result.unit
    if marks is None:
        marks = shortlist_marks.marks(run, [result], user)
    return {
        "rank": result.rank,
        "key": str(unit.pk),
        "unit": unit.public_no,
        "unit_url": reverse("bank:unit-detail", args=[unit.pk]) if is_open_to(unit, user) else "",
        "url": reverse("matching:run-unit", args=[run.pk, unit.pk]),
        "meta": meta(unit, joint=is_joint(run)),
        "tags": row_tags(judged, tags(run, result, user)),
        "excluded": judged.is_excluded,
        "shortlist": marks.get(unit.pk),
        **{name: class_range(result, name) for name in CLASS_SIZE},
        "probability": probabilities.cell(run, result) if predicted_sizes(run) else None,
        "tnc": dose(rules, result, judged, "tnc"),
        "cd34": dose(rules, result, judged, "cd34"),
        "direction": UNIT_DIRECTION[result.direction],
        "cells": [cell(run, result, locus) for locus in loci],
        "abo": unit.blood_group if unit.abo else "",
    }


def row_tags(judged: EvaluatedUnit, of_unit: list[dict[str, str]]) -> list[dict[str, str]]:
    """Of an excluded unit the rule that excludes it stands first."""
    of_rules = findings.tags(judged)
    return [*of_rules, *of_unit] if judged.is_excluded else [*of_unit, *of_rules]


def is_open_to(unit: CordBloodUnit, user: User) -> bool:
    """Whether this person may open the unit's passport as it stands (bank.querysets visible_to)."""
    if user.has_permission(Permission.INVENTORY_VIEW_ALL):
        return True
    return unit.is_listed


def class_range(result: SearchResult, name: str) -> dict[str, int] | None:
    found = result.class_range(name)
    return None if found is None else {"min": found[0], "max": found[1], "of": CLASS_SIZE[name]}


def is_joint(run: SearchRun) -> bool:
    """Whether the list holds other donors than cord blood, so that each row must say what it is."""
    return searched_donors(run.criteria) != CORD_ONLY


def origin_text(unit: CordBloodUnit) -> str:
    """Cord blood, own bank | Cord blood, partner bank: … | Adult donor, registry: …"""
    if unit.source == Source.OWN:
        return _("Cord blood, own bank")
    text = _("Adult donor, registry: %(name)s") if unit.is_adult else _("Cord blood, partner bank: %(name)s")
    return text % {"name": unit.bank.name}


def meta(unit: CordBloodUnit, *, joint: bool = False) -> str:
    """2024 · 22 mL · 3 segments; before it whose the unit is and what, where that does not go without saying."""
    parts = [str(unit.collected_on.year)] if unit.collected_on else []
    if joint or unit.source == Source.PARTNER:
        parts.insert(0, origin_text(unit))
    if unit.volume_ml is not None:
        parts.append(f"{unit.volume_ml:.0f} mL")
    if unit.segments is not None:
        parts.append(ngettext("%(n)d segment", "%(n)d segments", unit.segments) % {"n": unit.segments})
    return " · ".join(parts)


def tags(run: SearchRun, result: SearchResult, user: User) -> list[dict[str, str]]:
    """What one must know of a unit beside its match: what became of it, blood group, doubtful counts."""
    unit = result.unit
    found = [change_tag(result, user), partner_tag(unit), abo_tag(run.request.patient.abo, unit.abo)]
    if unit.counts_invented:
        found.append({"text": _("invented counts"), "tone": "warn"})
    return [tag for tag in found if tag]


def partner_tag(unit: CordBloodUnit) -> dict[str, str] | None:
    """Units of the own inventory need no word; of others one must know that they are asked for elsewhere."""
    if unit.is_adult:
        return {"text": _("ask the registry"), "tone": "info"}
    return {"text": _("partner's list"), "tone": "info"} if unit.source == Source.PARTNER else None


def change_tag(result: SearchResult, user: User) -> dict[str, str] | None:
    """What happened to the unit since the search; hospitals learn only what concerns them."""
    unit = result.unit
    if unit.blocks or unit.status not in SEARCHABLE:
        return _gone_tag(unit, user)
    if unit.status == UnitStatus.RESERVED and unit.pk in kept_for(result.run.request.patient_id):
        return {"text": _("reserved for this patient"), "tone": "good"}
    if unit.status == result.status:
        return {"text": _("reserved"), "tone": "warn"} if unit.status == UnitStatus.RESERVED else None
    if unit.status == UnitStatus.LISTED:
        return {"text": _("free again"), "tone": "info"}
    return {"text": _("reserved since this search"), "tone": "bad"}


def _gone_tag(unit: CordBloodUnit, user: User) -> dict[str, str]:
    """No search would find this unit now; only the bank's staff learn why."""
    if not user.has_permission(Permission.INVENTORY_VIEW_ALL):
        return {"text": _("no longer on offer"), "tone": "bad"}
    state = ", ".join(unit.block_labels) or unit.state_label
    return {"text": _("now: %(state)s") % {"state": state}, "tone": "bad"}


def dose(rules: SelectionRules, result: SearchResult, judged: EvaluatedUnit, kind: str) -> dict[str, Any]:
    """Context of the meter: per kg against the line of the policy; without a weight the cells of the whole unit."""
    if result.unit.is_adult:
        return meter(None, None, SCALE[kind], UNIT[kind])
    value = judged.tnc_e7_per_kg if kind == "tnc" else judged.cd34_e5_per_kg
    if judged.findings.get(f"{kind}_dose", ["", None, []])[2] == ["weight"]:
        total = result.tnc_e7 if kind == "tnc" else result.cd34_e6
        return meter(total, None, SCALE_OF_TOTAL[kind], UNIT_OF_TOTAL[kind])
    line = rules.settings[f"{kind}_dose"]
    needed = float(line.values["least"]) if line.action != "off" else None
    return meter(value, needed, SCALE[kind] if not needed else needed * SCALE_OF_ASKED, UNIT[kind])


def meter(value: float | None, needed: float | None, scale: float, unit: str) -> dict[str, Any]:
    """Context of _components/dose_meter.html."""
    text = None if value is None else f"{value:.1f}"
    drawn = None if value is None else min(value, scale)  # a longer bar would leave its track
    return {"value": drawn, "text": text, "needed": needed, "scale": scale, "unit": unit}


def cell(run: SearchRun, result: SearchResult, locus: str) -> dict[str, Any]:
    """One locus of one unit: at searched loci in the patient's order with a mark, elsewhere the bare values."""
    found: Mapping[str, Any] | None = result.evidence.get(locus)
    if found is None:
        values = [bare(unit_value(result.unit, locus, position), locus) for position in (1, 2)]
        first, second = ({"text": value, "mark": ""} for value in values)
    else:
        first, second = (
            {"text": bare(position["unit"], locus), "mark": mark(position)} for position in found["positions"]
        )
    return {
        "locus": locus,
        "first": first,
        "second": second,
        "probability": probabilities.locus_text(run, result, locus),
    }
