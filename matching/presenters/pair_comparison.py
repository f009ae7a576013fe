"""Pairs of two units side by side: what both are together, each of them, and each rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.models import User
from matching.choices import CLASS_SIZE
from matching.engine import abo
from matching.models import SearchRun
from matching.presenters import pair_words, pairs
from matching.presenters.comparison import (
    CLASS_NAMES,
    Row,
    class_cells,
    number_row,
    row_of,
    text_row,
    unit_age,
)
from matching.presenters.rule_words import ABO
from matching.presenters.words import UNIT_DIRECTION
from matching.selection.pairs import RunPairs

SHOWN_CLASSES = ("antigen6", "allele8")


@dataclass(frozen=True)
class ComparedPair:
    """found holds this pair alone."""

    found: RunPairs
    both: tuple[pairs.Side, pairs.Side]


def table(
    run: SearchRun, compared: Sequence[ComparedPair], user: User, *, only_differences: bool = False
) -> dict[str, Any]:
    """Columns of the pairs, groups of rows as of _components/compare_rows.html, and their numbers."""
    groups = list(_groups(compared))
    rows = [row for group in groups for row in group["rows"]]
    if only_differences:
        groups = [{**group, "rows": [row for row in group["rows"] if row["differs"]]} for group in groups]
    return {
        "columns": [_column(run, one, user) for one in compared],
        "groups": [group for group in groups if group["rows"]],
        "rows": len(rows),
        "differences": sum(row["differs"] for row in rows),
    }


def _column(run: SearchRun, one: ComparedPair, user: User) -> dict[str, Any]:
    listed = {side.result.pk: side.result for side in one.both}
    row = pairs.row(run, one.found, 0, listed, user)
    return {"units": row["units"], "url": row["url"], "verdict": row["verdict"]}


def _groups(compared: Sequence[ComparedPair]) -> Iterator[dict[str, Any]]:
    yield {"name": _("Both together"), "rows": list(_together(compared))}
    for place, name in enumerate((_("Unit that stands first in the list"), _("The other unit"))):
        yield {"name": name, "rows": list(_unit_rows([one.both[place] for one in compared]))}
    yield {"name": _("Rules"), "rows": list(_rule_rows(compared))}


def _together(compared: Sequence[ComparedPair]) -> Iterator[Row]:
    yield text_row(_("Verdict"), [str(_verdict(one)["text"]) for one in compared])
    for label, note, name in (
        (_("TNC of both"), "×10⁷/kg", "tnc_e7_per_kg"),
        (_("CD34 of both"), "×10⁵/kg", "cd34_e5_per_kg"),
    ):
        made_up = [any(side.result.unit.counts_invented for side in one.both) for one in compared]
        values = [_sum(one, name) for one in compared]
        yield number_row(label, values, _two_decimals, note=note, doubtful=made_up)
    for name in SHOWN_CLASSES:
        spans = [_unit_unit(one, name) for one in compared]
        if any(spans):
            yield row_of(CLASS_NAMES[name], class_cells(spans, CLASS_SIZE[name]), note=_("with each other"))
    yield text_row(
        _("Blood groups"), [str(pair_words.BETWEEN[abo.BETWEEN[one.found.found.abo[0]]]) for one in compared]
    )


def _verdict(one: ComparedPair) -> dict[str, Any]:
    return pair_words.verdict(int(one.found.found.verdicts[0]))


def _sum(one: ComparedPair, name: str) -> float | None:
    """None where the cells of one of the two are not known: a lower bound is not the best."""
    doses = [getattr(side, name) for side in one.both]
    return None if None in doses else sum(doses)


def _unit_unit(one: ComparedPair, name: str) -> tuple[int, int] | None:
    spans = one.found.found.unit_unit.get(name)
    return None if spans is None else (int(spans[0][0]), int(spans[0][1]))


def _unit_rows(sides: Sequence[pairs.Side]) -> Iterator[Row]:
    yield text_row(_("Unit"), [side.result.unit.public_no for side in sides])
    yield text_row(_("Rank"), [str(side.result.rank) for side in sides])
    for name in SHOWN_CLASSES:
        spans = [side.result.class_range(name) for side in sides]
        if any(spans):
            yield row_of(CLASS_NAMES[name], class_cells(spans, CLASS_SIZE[name]))
    made_up = [side.result.unit.counts_invented for side in sides]
    for label, values, note in (
        (_("TNC per kg"), [side.tnc_e7_per_kg for side in sides], "×10⁷/kg"),
        (_("CD34 per kg"), [side.cd34_e5_per_kg for side in sides], "×10⁵/kg"),
    ):
        yield number_row(label, values, _two_decimals, note=note, doubtful=made_up)
    yield text_row(_("Direction"), [str(UNIT_DIRECTION[side.result.direction]) for side in sides])
    yield text_row("ABO", [_blood_group(side) for side in sides])
    yield text_row(_("Age of the unit"), [unit_age(side.result.unit) for side in sides])


def _blood_group(side: pairs.Side) -> str:
    unit = side.result.unit
    words = [
        unit.blood_group if unit.abo else "",
        str(ABO[side.abo_to_patient]) if side.abo_to_patient in ABO else "",
    ]
    return " · ".join(filter(None, words))


def _rule_rows(compared: Sequence[ComparedPair]) -> Iterator[Row]:
    """Rules of one policy: every pair has them all."""
    for code in compared[0].found.found.rules:
        told = [pair_words.verdict(int(one.found.found.rules[code][0])) for one in compared]
        cells = [{"verdict": one["mark"], "outcome": str(one["outcome"])} for one in told]
        yield row_of(pair_words.label(code), cells, kind="verdict")


def _two_decimals(value: float) -> str:
    return f"{value:.2f}"
