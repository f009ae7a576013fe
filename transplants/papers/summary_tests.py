"""What was measured and tested of a unit and its mother, as tables of the summary of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from bank.choices import (
    COMMON_MARKERS,
    Analyte,
    CultureValue,
    HaemoglobinopathyValue,
    MarkerResultValue,
    TimePoint,
)
from bank.graft_facts import pairs_of
from bank.models import BloodGroupResult, CultureResult, HaemoglobinopathyResult, MarkerResult, Measurement
from core.pdf.document import Block, Cell, Column, Fact, Facts, Heading, Line, Notice, Table, Text, cell
from transplants.choices_orders import TypingState
from transplants.papers.given import Given
from transplants.papers.words import NOTHING, day, figure


def blocks(given: Given) -> Iterator[Block]:
    yield from _counts(given)
    yield from _cultures(given.cultures)
    yield from _markers(given.markers)
    yield from _others(given)
    yield from _typing(given)


def seen(verified_by: object) -> str:
    """Whether a second person vouched for it."""
    return str(_("yes") if verified_by else _("NOT YET"))


def _checked(verified_by: object) -> Cell:
    return (Line(seen(verified_by), tone="" if verified_by else "bad"),)


def _text(*texts: str) -> Cell:
    return cell(*texts) or cell(NOTHING)


# --- cells ----------------------------------------------------------------------------------------


def _counts(given: Given) -> Iterator[Block]:
    """The values by which the unit is listed, then each measurement in force, in the order of a unit's life."""
    unit = given.unit
    yield Heading(_("Cells"))
    yield Facts(
        (
            Fact(_("TNC as frozen"), f"{figure(unit.tnc_e7)} ×10⁷" if unit.tnc_e7 else ""),
            Fact(_("CD34+ as frozen"), f"{figure(unit.cd34_e6)} ×10⁶" if unit.cd34_e6 else ""),
            Fact(_("Volume as frozen"), f"{figure(unit.volume_ml)} mL" if unit.volume_ml else ""),
        ),
        columns=3,
    )
    if not given.measurements:
        yield Text(_("No single measurement is recorded in this system."), "warn")
        return
    columns = (
        Column(_("Time point"), 1.2),
        Column(_("Analyte"), 1.7),
        Column(_("Value"), 0.9, right=True),
        Column(_("Method"), 1.4),
        Column(_("Measured on"), 0.9),
        Column(_("Checked"), 0.7),
    )
    yield Table(columns, tuple(map(_measured, _in_order(given.measurements))))


def _in_order(rows: Iterable[Measurement]) -> list[Measurement]:
    points, analytes = list(TimePoint.values), list(Analyte.values)
    return sorted(rows, key=lambda row: (points.index(row.time_point), analytes.index(row.analyte)))


def _measured(row: Measurement) -> tuple[Cell, ...]:
    return (
        cell(str(row.get_time_point_display())),
        cell(str(row.get_analyte_display())),
        cell(f"{row.value:g} {row.get_measure_unit_display()}"),
        _text(row.method, row.laboratory),
        _text(day(row.measured_on)),
        _checked(row.verified_by_id),
    )


# --- tests ----------------------------------------------------------------------------------------


def _cultures(rows: list[CultureResult]) -> Iterator[Block]:
    yield Heading(_("Cultures"))
    if not rows:
        yield Notice(_("No finished culture is recorded."), "bad")
        return
    columns = (
        Column(_("Culture")),
        Column(_("Result"), 1.2),
        Column(_("Method and specimen"), 1.4),
        Column(_("Sampled on"), 0.8),
        Column(_("Read on"), 0.8),
        Column(_("Checked"), 0.6),
    )
    yield Table(columns, tuple(map(_culture, rows)))


def _culture(row: CultureResult) -> tuple[Cell, ...]:
    result = str(row.get_result_display())
    is_clean = row.result == CultureValue.NO_GROWTH
    return (
        cell(str(row.get_kind_display())),
        (Line(result, tone="" if is_clean else "bad", strong=not is_clean), *cell(row.organism)),
        _text(row.method, row.specimen, row.laboratory),
        _text(day(row.sampled_on)),
        cell(day(row.read_on)),
        _checked(row.verified_by_id),
    )


def _markers(rows: list[MarkerResult]) -> Iterator[Block]:
    """Every test that stands: a later negative one takes no earlier positive one away."""
    yield Heading(_("Infectious disease markers"))
    if not rows:
        yield Notice(_("No test for infections is recorded."), "bad")
        return
    columns = (
        Column(_("Whose blood"), 0.8),
        Column(_("Test"), 1.1),
        Column(_("Result"), 1.0),
        Column(_("Method and specimen"), 1.4),
        Column(_("Sampled on"), 0.85),
        Column(_("Tested on"), 0.85),
        Column(_("Checked"), 0.6),
    )
    yield Table(columns, tuple(map(_marker, rows)))


def _marker(row: MarkerResult) -> tuple[Cell, ...]:
    is_clean = row.result == MarkerResultValue.NEGATIVE
    tone = "" if is_clean else "warn" if row.test in COMMON_MARKERS else "bad"
    return (
        cell(str(row.get_subject_display())),
        cell(str(row.get_test_display())),
        (Line(str(row.get_result_display()), tone=tone, strong=not is_clean),),  # type: ignore[arg-type]
        _text(row.method, row.specimen, row.laboratory),
        _text(day(row.sampled_on)),
        cell(day(row.tested_on)),
        _checked(row.verified_by_id),
    )


def _others(given: Given) -> Iterator[Block]:
    yield Heading(_("Blood group and haemoglobinopathy"))
    columns = (
        Column(_("Test"), 1.2),
        Column(_("Result")),
        Column(_("Method"), 1.6),
        Column(_("Tested on")),
        Column(_("Checked"), 0.7),
    )
    rows = (_group(given.unit.blood_group, given.blood_group), _screen(given.haemoglobinopathy))
    yield Table(columns, rows)


def _group(listed: str, row: BloodGroupResult | None) -> tuple[Cell, ...]:
    name = cell(_("Blood group"))
    if row is None:
        return name, _text(listed), cell(_("as listed; its determination is not recorded")), _text(), _text()
    return name, cell(str(row)), *_result(row)


def _screen(row: HaemoglobinopathyResult | None) -> tuple[Cell, ...]:
    name = cell(_("Haemoglobinopathy"))
    if row is None:
        return name, (Line(_("not tested"), tone="warn"),), _text(), _text(), _text()
    is_clean = row.result == HaemoglobinopathyValue.NOT_FOUND
    found = Line(str(row.get_result_display()), tone="" if is_clean else "bad", strong=not is_clean)
    return name, (found,), *_result(row)


def _result(row: BloodGroupResult | HaemoglobinopathyResult) -> tuple[Cell, Cell, Cell]:
    return _text(row.method, row.laboratory), _text(day(row.tested_on)), _checked(row.verified_by_id)


# --- HLA ------------------------------------------------------------------------------------------


def _typing(given: Given) -> Iterator[Block]:
    """What the unit is listed with beside what was typed anew on a segment."""
    yield Heading(_("HLA typing of the unit"))
    listed, anew = given.typing, given.confirmed
    if listed is None:
        yield Notice(_("The unit is not typed."), "bad")
        return
    result = anew.result if anew else None
    pairs, confirmed = pairs_of(listed.canonical_gl), pairs_of(result.canonical_gl) if result else {}
    columns = (
        Column(_("Locus"), 0.6),
        Column(_("As listed"), 1.8),
        Column(_("Confirmatory typing"), 1.8),
    )
    loci = list(dict.fromkeys((*pairs, *confirmed)))
    rows = tuple(
        (cell(locus), _text(_pair(pairs.get(locus))), _text(_pair(confirmed.get(locus)))) for locus in loci
    )
    yield Table(columns, rows)
    yield Text(
        _("Listed: %(lab)s, %(day)s, read against %(release)s.")
        % {
            "lab": listed.laboratory or listed.get_source_display(),
            "day": day(listed.typed_on) or _("day not recorded"),
            "release": listed.nomenclature,
        },
        "muted",
        small=True,
    )
    if anew is None and given.was_typed_anew:
        yield Notice(_("No confirmatory typing vouches for the typing as it is listed now."), "bad")
    elif anew is None or result is None:
        yield Notice(_("No confirmatory typing of this unit is recorded."))
    elif anew.state == TypingState.DISCREPANT:
        text = _("%(number)s: the confirmatory typing differs from the listed one at %(loci)s.")
        yield Notice(text % {"number": anew.number, "loci": ", ".join(map(str, anew.differing))}, "bad")
    else:
        text = _("%(number)s: confirmed on %(day)s, %(lab)s.")
        values = {
            "number": anew.number,
            "day": day(timezone.localdate(anew.ended_at)) if anew.ended_at else NOTHING,
            "lab": result.laboratory or result.get_source_display(),
        }
        yield Text(text % values, "muted", small=True)


def _pair(found: tuple[str, str] | None) -> str:
    return " + ".join(filter(None, found)) if found else ""
