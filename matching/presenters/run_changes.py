"""Differences of two lists in words and figures: before → after, and why a unit is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from bank.choices import SEARCHABLE, UnitStatus
from bank.models import CordBloodUnit
from core.models import User
from core.roles import Permission
from matching.changes import Changed, Differences, Kind, Row, Rules
from matching.choices import CLASS_SIZE, SIZES
from matching.kept import kept_for
from matching.match_list import predicted_sizes
from matching.models import SearchRun
from matching.presenters.requests import class_word
from matching.presenters.results import is_joint, is_open_to, meta
from matching.presenters.rule_words import SHORT
from matching.standing import BANDS, band_of


def kind_label(kind: Kind) -> str:
    return {
        Kind.VERDICT: _("excluded or eligible"),
        Kind.CLASS: _("class"),
        Kind.CERTAIN: _("certain matches"),
        Kind.PROBABILITY: _("probability"),
        Kind.DOSE: _("dose"),
        Kind.STATUS: _("state of the unit"),
        Kind.RANK: _("rank"),
    }[kind]


def units_of(rows: Sequence[Row]) -> dict[UUID, CordBloodUnit]:
    found = CordBloodUnit.objects.filter(pk__in=[row.unit_id for row in rows]).select_related("bank")
    return {unit.pk: unit for unit in found}


def page_rows(run: SearchRun, rows: Sequence[Row | Changed], shown: str, user: User) -> list[dict[str, Any]]:
    """Rows of one page. shown: new, gone or changed."""
    plain = [row.after if isinstance(row, Changed) else row for row in rows]
    units = units_of(plain)
    found = []
    for row, one in zip(rows, plain, strict=True):
        unit = units[one.unit_id]
        context = {
            "unit": unit.public_no,
            "unit_url": reverse("bank:unit-detail", args=[unit.pk]) if is_open_to(unit, user) else "",
            "meta": meta(unit, joint=is_joint(run)),
            "rank": one.rank,
            "why_url": "" if shown == "gone" else reverse("matching:run-unit", args=[run.pk, unit.pk]),
        }
        if isinstance(row, Changed):
            context["changes"] = lines(run, row)
        else:
            context |= {
                "classes": _classes(one),
                "probabilities": [
                    {"label": f"{size}/{size}", "text": band_text(one.share(size))}
                    for size in predicted_sizes(run)
                ],
                "dose": dose_text(one.tnc_e7_per_kg, one.tnc_e7, "×10⁷"),
            }
        if shown == "gone":
            context["reason"] = gone_reason(run, one, unit, user)
        found.append(context)
    return found


def _classes(row: Row) -> dict[str, dict[str, int]]:
    """Context of _components/class_cell.html."""
    spans = {name: row.span(name) for name in CLASS_SIZE}
    return {
        name: {"min": span[0], "max": span[1], "of": CLASS_SIZE[name]}
        for name, span in spans.items()
        if span is not None
    }


def span_text(span: tuple[int, int] | None, size: int) -> str:
    if span is None:
        return "–"
    low, high = span
    return f"{high}/{size}" if low == high else f"{low}–{high}/{size}"


def band_text(share: float | None) -> str:
    """40–50 %; the last digit of a probability is never more than a band here."""
    if share is None:
        return _("no estimate")
    band = band_of(share)
    width = 100 // BANDS
    return f"{band * width}–{(band + 1) * width} %"


def dose_text(per_kg: float | None, total: float | None, power: str) -> str:
    if per_kg is not None:
        return f"{per_kg:.2f} {power}/kg"
    return "–" if total is None else f"{total:.1f} {power}"


def lines(run: SearchRun, row: Changed) -> list[dict[str, str]]:
    """Each figure that changed: {kind, label, before, after}."""
    found = [_verdict_line(row.excluded_by)] if Kind.VERDICT in row.kinds and row.excluded_by else []
    plain = [kind for kind in _LINES if kind in row.kinds]
    return [*found, *(line for kind in plain for line in _LINES[kind](run, row.before, row.after))]


def _verdict_line(excluded_by: tuple[Rules, Rules]) -> dict[str, str]:
    """By the policy of the request: eligible → excluded: antibody."""
    before, after = (verdict_text(codes) for codes in excluded_by)
    return _line(Kind.VERDICT, _("by the policy"), before, after)


def verdict_text(codes: Rules) -> str:
    if not codes:
        return _("eligible")
    return _("excluded: %(rules)s") % {"rules": ", ".join(str(SHORT[code]) for code in codes)}


def _line(kind: Kind, label: str, before: str, after: str) -> dict[str, str]:
    return {"kind": kind.value, "label": label, "before": before, "after": after}


def _class_lines(kind: Kind) -> Any:
    """Of each class that differs its range; possible and certain matches stand in one line where both do."""

    def found(run: SearchRun, old: Row, new: Row) -> Iterator[dict[str, str]]:
        for name, size in CLASS_SIZE.items():
            before, after = old.span(name), new.span(name)
            if before == after:
                continue
            most = (before or (0, 0))[1] != (after or (0, 0))[1]
            if most == (kind == Kind.CLASS):
                yield _line(kind, class_word(name), span_text(before, size), span_text(after, size))

    return found


def _probability_lines(run: SearchRun, old: Row, new: Row) -> Iterator[dict[str, str]]:
    for size in SIZES:
        before, after = old.share(size), new.share(size)
        if band_of(before) != band_of(after):
            label = f"P({size}/{size})"
            yield _line(Kind.PROBABILITY, label, band_text(before), band_text(after))


def _dose_lines(run: SearchRun, old: Row, new: Row) -> Iterator[dict[str, str]]:
    tnc = [dose_text(row.tnc_e7_per_kg, row.tnc_e7, "×10⁷") for row in (old, new)]
    cd34 = [dose_text(row.cd34_e5_per_kg, row.cd34_e6, _cd34(row)) for row in (old, new)]
    for label, (before, after) in (("TNC", tnc), ("CD34", cd34)):
        if before != after:
            yield _line(Kind.DOSE, label, before, after)


def _cd34(row: Row) -> str:
    return "×10⁶" if row.cd34_e5_per_kg is None else "×10⁵"


def _status_lines(run: SearchRun, old: Row, new: Row) -> Iterator[dict[str, str]]:
    before, after = (str(UnitStatus(row.status).label) for row in (old, new))
    yield _line(Kind.STATUS, _("state"), before, after)


def _rank_lines(run: SearchRun, old: Row, new: Row) -> Iterator[dict[str, str]]:
    yield _line(Kind.RANK, _("rank"), f"{old.rank:,}", f"{new.rank:,}")


_LINES: dict[Kind, Any] = {
    Kind.CLASS: _class_lines(Kind.CLASS),
    Kind.CERTAIN: _class_lines(Kind.CERTAIN),
    Kind.PROBABILITY: _probability_lines,
    Kind.DOSE: _dose_lines,
    Kind.STATUS: _status_lines,
    Kind.RANK: _rank_lines,
}


def gone_reason(run: SearchRun, row: Row, unit: CordBloodUnit, user: User) -> dict[str, str]:
    """Why a unit of an older list is not in this one, as far as this reader may know and the data can tell.

    {code, text, tone}. What the unit is today decides first; a unit that is on offer today was passed over by the
    search: by its dose, where that is certain, else by a floor or by its place.
    """
    if unit.blocks or unit.status not in SEARCHABLE:
        if not user.has_permission(Permission.INVENTORY_VIEW_ALL):
            return _reason("not_offered", _("no longer on offer"), "bad")
        state = ", ".join(unit.block_labels) or unit.state_label
        return _reason("not_offered", _("now: %(state)s") % {"state": state}, "bad")
    if unit.status not in run.criteria["statuses"]:
        if unit.pk in kept_for(run.request.patient_id):
            return _reason("kept", _("reserved for this patient"), "good")
        if unit.status == UnitStatus.RESERVED:
            return _reason("reserved", _("reserved for another patient"), "bad")
        return _reason("state", _("a state that was not asked for"), "warn")
    if _below_dose(run, unit):
        return _reason("below_dose", _("below the dose asked"), "warn")
    if run.cut:
        text = _("below a floor, behind the last unit listed, or not on offer at that moment")
        return _reason("floor_or_place", text, "")
    return _reason("floor_or_moment", _("below a floor, or not on offer at that moment"), "")


def _reason(code: str, text: str, tone: str) -> dict[str, str]:
    return {"code": code, "text": text, "tone": tone}


def _below_dose(run: SearchRun, unit: CordBloodUnit) -> bool:
    asked = run.criteria.get("min_tnc_e7_per_kg")
    if asked is None or run.patient_weight_kg is None or unit.tnc_e7 is None:
        return False
    return Decimal(str(unit.tnc_e7)) < Decimal(asked) * run.patient_weight_kg


def figures(found: Differences, urls: Mapping[str, str]) -> list[dict[str, Any]]:
    """Context of _components/kpi.html."""
    return [
        {"value": f"{len(found.new):,}", "label": _("new"), "url": urls["new"]},
        {"value": f"{len(found.gone):,}", "label": _("gone"), "url": urls["gone"]},
        {"value": f"{len(found.changed):,}", "label": _("changed"), "url": urls["changed"]},
        {"value": f"{found.alike:,}", "label": _("alike in both lists")},
    ]


def made_otherwise(before: SearchRun, after: SearchRun) -> list[str]:
    """What beside the inventory differs between the two searches: it explains differences of every unit."""
    pairs = (
        (before.patient_weight_kg, after.patient_weight_kg, _("the patient's weight: doses differ")),
        (before.patient_typing, after.patient_typing, _("the patient's typing")),
        (before.patient_populations, after.patient_populations, _("the patient's population")),
        (before.nomenclature_checksum, after.nomenclature_checksum, _("the nomenclature")),
        (before.mac_checksum, after.mac_checksum, _("the MAC table")),
        (_sets(before), _sets(after), _("the haplotype frequencies")),
        (before.policy_id, after.policy_id, _("the policy")),
    )
    return [text for old, new, text in pairs if old != new]


def _sets(run: SearchRun) -> list[str]:
    return [one["checksum"] for one in run.prediction.get("sets") or []]


CSV_HEAD = (
    "change", "unit", "rank_before", "rank_after", "what",
    *(f"{name}_{end}_{when}" for name in CLASS_SIZE for end in ("min", "max") for when in ("before", "after")),
    *(f"p{size}_band_{when}" for size in SIZES for when in ("before", "after")),
    "tnc_e7_per_kg_before", "tnc_e7_per_kg_after", "cd34_e5_per_kg_before", "cd34_e5_per_kg_after",
    "status_before", "status_after", "excluded_by_before", "excluded_by_after", "gone_because",
    "donor_type", "grid",
)  # fmt: skip
_AT_ONCE = 500


def csv_rows(run: SearchRun, found: Differences, user: User) -> Iterator[list[Any]]:
    """New, gone and changed units; the units are read so many at a time."""
    everything: list[tuple[str, Row | None, Row | None, frozenset[Kind], tuple[Rules, Rules] | None]] = [
        *(("new", None, row, frozenset[Kind](), None) for row in found.new),
        *(("gone", row, None, frozenset[Kind](), None) for row in found.gone),
        *(("changed", row.before, row.after, row.kinds, row.excluded_by) for row in found.changed),
    ]
    for start in range(0, len(everything), _AT_ONCE):
        part = everything[start : start + _AT_ONCE]
        units = units_of([row for _what, old, new, *_more in part if (row := new or old)])
        for what, old, new, kinds, excluded_by in part:
            unit = units[(new or old).unit_id]  # type: ignore[union-attr]
            gone = gone_reason(run, old, unit, user)["code"] if old and not new else ""
            rules = [" ".join(codes) for codes in excluded_by or ((), ())]
            origin = [unit.donor_type, unit.grid]
            yield [what, unit.unit_no, *_csv_values(old, new, kinds), *rules, gone, *origin]


def _csv_values(old: Row | None, new: Row | None, kinds: frozenset[Kind]) -> list[Any]:
    def pair(value: Any) -> list[Any]:
        return ["" if row is None else value(row) for row in (old, new)]

    return [
        *pair(lambda row: row.rank),
        " ".join(kind.value for kind in Kind if kind in kinds),
        *(cell for at in range(2, 10) for cell in pair(lambda row, at=at: row[at])),
        *(cell for size in SIZES for cell in pair(lambda row, size=size: _csv_band(row.share(size)))),
        *pair(lambda row: row.tnc_e7_per_kg),
        *pair(lambda row: row.cd34_e5_per_kg),
        *pair(lambda row: row.status),
    ]


def _csv_band(share: float | None) -> str:
    return "" if share is None else band_text(share)
