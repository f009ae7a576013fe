"""Units of a list side by side: a row for each figure and each rule, with what differs and what is best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import User
from matching.choices import CLASS_SIZE
from matching.engine.selection.blood_groups import abo_relation
from matching.engine.selection.rules import SelectionRules, Setting
from matching.match_list import predicted_sizes
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.presenters import findings, probabilities, results, thaw
from matching.presenters.people import age_text
from matching.presenters.rule_words import ABO, DIRECTIONS, GROUPS, NAMES, OUTCOMES, threshold_text
from matching.presenters.words import span
from matching.selection.policies import rules_of
from matching.shares import class_shares

CLASS_NAMES = {
    "antigen6": gettext_lazy("Antigen class"),
    "allele6": gettext_lazy("Allele class of 6"),
    "allele8": gettext_lazy("Allele class of 8"),
    "allele10": gettext_lazy("Allele class of 10"),
}


@dataclass(frozen=True)
class Compared:
    """One unit of the comparison: its place in the list and what the rules found."""

    result: SearchResult
    judged: EvaluatedUnit


Cell = dict[str, Any]
Row = dict[str, Any]


def table(
    run: SearchRun,
    page: Sequence[SearchResult],
    user: User,
    evaluation: Evaluation,
    *,
    only_differences: bool = False,
) -> dict[str, Any]:
    """Context of _components/compare_table.html: columns in the order of `page`, groups of rows, their numbers."""
    rules, judged = rules_of(evaluation.policy), findings.of_page(evaluation, page)
    units = [Compared(result, judged[result.pk]) for result in page]
    groups = list(_groups(run, units, user, rules, evaluation))
    rows = [row for group in groups for row in group["rows"]]
    if only_differences:
        groups = [{**group, "rows": [row for row in group["rows"] if row["differs"]]} for group in groups]
    return {
        "columns": [results.row(run, one.result, user, rules, one.judged) for one in units],
        "groups": [group for group in groups if group["rows"]],
        "rows": len(rows),
        "differences": sum(row["differs"] for row in rows),
    }


def _groups(
    run: SearchRun, units: Sequence[Compared], user: User, rules: SelectionRules, evaluation: Evaluation
) -> Iterator[dict[str, Any]]:
    yield {"name": _("Match"), "rows": list(match_rows(run, units))}
    yield {"name": _("Cells"), "rows": list(cell_rows(units, weighed=evaluation.weight_kg is not None))}
    yield {"name": _("HLA typing"), "rows": list(typing_rows(run, units))}
    yield {"name": _("Unit"), "rows": list(unit_rows(run, units))}
    yield from rule_groups(rules, units, user)


def row_of(label: Any, cells: Sequence[Cell], *, note: str = "", kind: str = "text") -> Row:
    """A row that differs where the reader would see it: by text, marks or verdict. note: what stands under its name."""
    differs = any(_seen(cell) != _seen(cells[0]) for cell in cells[1:])
    return {"label": str(label), "note": note, "kind": kind, "cells": list(cells), "differs": differs}


def _seen(cell: Cell) -> Cell:
    return {name: value for name, value in cell.items() if name not in ("best", "title")}


def text_row(label: Any, texts: Sequence[str], *, note: str = "") -> Row:
    return row_of(label, [{"text": text} for text in texts], note=note)


def number_row(
    label: Any,
    values: Sequence[float | None],
    text: Callable[[float], str],
    *,
    note: str = "",
    doubtful: Sequence[bool] = (),
    absent: Sequence[str] = (),
) -> Row:
    """Numbers of which more is better, as they are shown: what looks alike is alike.

    The unknown is never the best, nor is what is doubtful: counts that are made up. absent: what stands in the place of
    what is not known.
    """
    shown = [None if value is None else text(value) for value in values]
    sure = [not one for one in doubtful] or [True] * len(values)
    known = [value for value, is_sure in zip(values, sure, strict=True) if value is not None and is_sure]
    top = text(max(known)) if len(known) > 1 else None
    alike = len({one for one in shown if one is not None}) < 2
    cells = [
        {
            "text": other if one is None else one,
            "best": not alike and is_sure and one is not None and one == top,
        }
        for one, is_sure, other in zip(shown, sure, absent or [""] * len(shown), strict=True)
    ]
    return row_of(label, cells, note=note)


# --- match --------------------------------------------------------------------------------------


def match_rows(run: SearchRun, units: Sequence[Compared]) -> Iterator[Row]:
    for name, heading in CLASS_NAMES.items():
        spans = [one.result.class_range(name) for one in units]
        if any(spans):
            yield row_of(heading, class_cells(spans, CLASS_SIZE[name]))
    for size in predicted_sizes(run):
        found = [class_shares(run, one.result, size) for one in units]
        values = [shares[0] if shares else None for shares in found]
        label = _("Probability of %(class)s") % {"class": f"{size}/{size}"}
        yield number_row(label, values, probabilities.percent_text)
    yield text_row(_("Direction"), [str(DIRECTIONS[one.result.direction]) for one in units])


def class_cells(spans: Sequence[tuple[int, int] | None], size: int) -> list[Cell]:
    """Ranges of a class; the best is one that no other unit can surpass, however open typings turn out."""
    alike = len(set(spans)) == 1
    return [
        {
            "text": "" if one is None else f"{span(*one)}/{size}",
            "best": not alike and one is not None and _cannot_be_surpassed(one, others),
        }
        for place, one in enumerate(spans)
        for others in [[*spans[:place], *spans[place + 1 :]]]
    ]


def _cannot_be_surpassed(one: tuple[int, int], others: Sequence[tuple[int, int] | None]) -> bool:
    return all(other is not None and one[0] >= other[1] for other in others)


# --- cells --------------------------------------------------------------------------------------


def cell_rows(units: Sequence[Compared], *, weighed: bool) -> Iterator[Row]:
    """Doses by the weight of the evaluation, then what the whole unit holds, before freezing."""
    whole = [one.result.unit for one in units]
    made_up = [unit.counts_invented for unit in whole]
    absent = [_of_cord(unit, "") for unit in whole]
    per_kg = [
        (_("TNC per kg"), [one.judged.tnc_e7_per_kg for one in units], _two_decimals, "×10⁷/kg"),
        (_("CD34 per kg"), [one.judged.cd34_e5_per_kg for one in units], _two_decimals, "×10⁵/kg"),
    ]
    of_whole = [
        (_("TNC of the unit"), [unit.tnc_e7 for unit in whole], _one_decimal, "×10⁷"),
        (_("CD34 of the unit"), [unit.cd34_e6 for unit in whole], _two_decimals, "×10⁶"),
    ]
    for label, values, text, note in [*(per_kg if weighed else []), *of_whole]:
        yield number_row(label, values, text, note=note, doubtful=made_up, absent=absent)


def _two_decimals(value: float) -> str:
    return f"{value:.2f}"


def _one_decimal(value: float) -> str:
    return f"{value:.1f}"


# --- typing -------------------------------------------------------------------------------------


def typing_rows(run: SearchRun, units: Sequence[Compared]) -> Iterator[Row]:
    """A row per locus: the patient's values under its name, of each unit two positions with their marks."""
    for locus in results.shown_loci(run, [one.result for one in units]):
        cells = [results.cell(run, one.result, locus) for one in units]
        shown = [{"first": cell["first"], "second": cell["second"]} for cell in cells]
        yield row_of(f"HLA-{locus}", shown, note=results.patient_values(run, locus), kind="locus")


# --- the unit itself ----------------------------------------------------------------------------


def unit_rows(run: SearchRun, units: Sequence[Compared]) -> Iterator[Row]:
    found = [one.result.unit for one in units]
    patient = run.request.patient
    if results.is_joint(run):
        yield text_row(_("Donor"), [results.origin_text(unit) for unit in found])
    yield text_row(
        "ABO",
        [blood_group(patient.abo, unit) for unit in found],
        note=_("patient %(abo)s") % {"abo": patient.abo} if patient.abo else "",
    )
    yield text_row(_("Age of the unit"), [_of_cord(unit, unit_age(unit)) for unit in found])
    volumes = ["" if unit.volume_ml is None else f"{unit.volume_ml:g} mL" for unit in found]
    segments = ["" if unit.segments is None else str(unit.segments) for unit in found]
    for label, texts in ((_("Volume"), volumes), (_("Segments"), segments)):
        yield text_row(label, [_of_cord(unit, text) for unit, text in zip(found, texts, strict=True)])
    yield text_row(_("Bank"), [unit.bank.name for unit in found])


def blood_group(patient_abo: str, unit: Any) -> str:
    """A+ · minor"""
    relation = abo_relation(patient_abo, unit.abo)
    return " · ".join(
        filter(None, [unit.blood_group if unit.abo else "", str(ABO[relation]) if relation else ""])
    )


def _of_cord(unit: Any, text: str) -> str:
    """What only a frozen unit has."""
    return str(OUTCOMES["not_applicable"]) if unit.is_adult else text


def unit_age(unit: Any) -> str:
    """3 years · 2023-05-17"""
    if unit.collected_on is None:
        return ""
    return f"{age_text(unit.collected_on, timezone.localdate())} · {unit.collected_on.isoformat()}"


# --- rules --------------------------------------------------------------------------------------


def rule_groups(rules: SelectionRules, units: Sequence[Compared], user: User) -> Iterator[dict[str, Any]]:
    """Every rule of the policy that is on, with what it asks, and of each unit verdict and value."""
    found = [findings.open_to(user, one.judged.findings) for one in units]
    after_thaw = [thaw.expected(one.judged, one.result.unit) for one in units]
    known = [setting for setting in rules.active if all(setting.code in one for one in found)]
    for group, settings in groupby(known, key=lambda setting: setting.rule.group):
        name = _("Rules: %(group)s") % {"group": GROUPS[group]}
        yield {"name": name, "rows": [rule_row(setting, found, after_thaw) for setting in settings]}


def rule_row(
    setting: Setting, found: Sequence[Mapping[str, Any]], after_thaw: Sequence[Mapping[str, str]]
) -> Row:
    shown = ("verdict", "outcome", "value", "missing", "excludes")
    cells = [
        {name: told[name] for name in shown} | {"expected": expected.get(setting.code, "")}
        for one, expected in zip(found, after_thaw, strict=True)
        for told in [findings.finding(setting, one[setting.code])]
    ]
    note = threshold_text(setting.code, setting.values)
    return row_of(NAMES[setting.code], cells, note=note, kind="verdict")
