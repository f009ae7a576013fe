"""What a hospital reports of a thawed and infused unit: its shape, what cannot be so, and what is asked about again.

No database here: the services hand over what is known of unit and order.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import ANALYTE_UNIT, Analyte, MeasureUnit
from bank.limits import Limits, cd34_percent
from core.errors import InvalidInput
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from hospitals.plausibility import Doubt
from transplants.choices_orders import GraftPoint, GraftType, ReactionGrade, ThawMethod

# What a hospital counts of a thawed graft (CIBMTR form 2006). Absolute, as measured, not corrected for nucleated red
# cells; at infusion only of the volume that was given.
COUNTED: Final = (Analyte.TNC, Analyte.VIABILITY, Analyte.CD34, Analyte.CD34_VIABILITY, Analyte.CFU)
MOST_ML, MOST_VALUE = Decimal(1000), 1e6

# Beyond these one is asked again. Label of HPC, Cord Blood (domain notes 1.1): 4 h with DMSO in, 24 h once it is washed
# out. The other bounds are unconfirmed: they decide only whether a person looks again.
MOST_HOURS: Final = {ThawMethod.WASHED: 24}
MOST_HOURS_UNWASHED: Final = 4
LEAST_ML, USUAL_ML = 5, 300
SHARE_OF_FROZEN: Final = {Analyte.TNC: (0.3, 1.3), Analyte.CD34: (0.2, 2.0)}
LEAST_VIABLE_PERCENT, MOST_CFU_E5 = 40, 500
WEIGHT_SHARE, DAYS_FROM_PLAN = 0.1, 30


@dataclass(frozen=True)
class Count:
    """One value of the thawed unit, in the unit of its analyte (bank.choices.ANALYTE_UNIT)."""

    point: str
    analyte: str
    value: float
    method: str = ""

    @property
    def field(self) -> str:
        return f"{self.point}_{self.analyte}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """scanned: the code of the bag. join: the transplant that this unit belongs to, where it began on another day.

    confirmed: codes of the doubts that the person looked at. acknowledged: that the unit is recalled or blocked, and
    was given all the same. infusion_id: of the form, so that a double click reports once.
    """

    scanned: str
    thaw_method: str
    thawed_at: dt.datetime
    began_at: dt.datetime
    ended_at: dt.datetime
    volume_ml: Decimal
    all_given: bool
    weight_kg: Decimal
    graft_type: str
    reaction: str = ReactionGrade.NONE
    reaction_note: str = ""
    counts: tuple[Count, ...] = ()
    join: UUID | None = None
    confirmed: frozenset[str] = frozenset()
    acknowledged: bool = False
    infusion_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """Of unit and order: what the report is held against. above_c: of its way, where a logger was above the limit."""

    tnc_e7: float | None
    cd34_e6: float | None
    weight_kg: Decimal
    infusion_on: dt.date
    arrived_at: dt.datetime | None
    above_c: float | None = None


# --- what cannot be so ----------------------------------------------------------------------------

TIME_FAULTS: Final[dict[str, str | Promise]] = {
    "thawed_before_arrival": gettext_lazy("The unit was thawed before it arrived: look at the day and time."),
    "began_before_thaw": gettext_lazy("The infusion cannot begin before the thaw."),
    "ended_before_beginning": gettext_lazy("The infusion cannot end before it begins."),
    "ended_in_future": gettext_lazy("This lies ahead. Report the infusion once it has ended."),
}


def time_fault(report: Report, arrived_at: dt.datetime | None, now: dt.datetime) -> tuple[str, str] | None:
    """Field and code of the first time that is out of order: arrival, thaw, beginning, end, now."""
    if arrived_at is not None and report.thawed_at < arrived_at:
        return "thawed_at", "thawed_before_arrival"
    if report.began_at < report.thawed_at:
        return "began_at", "began_before_thaw"
    if report.ended_at < report.began_at:
        return "ended_at", "ended_before_beginning"
    if report.ended_at > now:
        return "ended_at", "ended_in_future"
    return None


def guard_report(report: Report, known: Known, now: dt.datetime) -> None:
    """Raises InvalidInput, beside the field that cannot be right."""
    if fault := time_fault(report, known.arrived_at, now):
        raise InvalidInput(fault[1], TIME_FAULTS[fault[1]], field=fault[0])
    for name, allowed in (
        ("thaw_method", ThawMethod.values),
        ("reaction", ReactionGrade.values),
        ("graft_type", GraftType.values),
    ):
        if getattr(report, name) not in allowed:
            raise InvalidInput("not_in_list", gettext_lazy("Choose a value of the list."), field=name)
    if report.reaction != ReactionGrade.NONE and not report.reaction_note.strip():
        raise InvalidInput(
            "reaction_untold", gettext_lazy("Write what was seen of the reaction."), field="reaction_note"
        )
    _guard_size("volume_ml", report.volume_ml, Decimal("0.1"), MOST_ML, "mL")
    _guard_size("weight_kg", report.weight_kg, Decimal(MIN_WEIGHT_KG), Decimal(MAX_WEIGHT_KG), "kg")
    _guard_counts(report.counts)


def _guard_size(field: str, value: Decimal, low: Decimal, high: Decimal, unit: str) -> None:
    if not value.is_finite() or not low <= value <= high:
        raise InvalidInput(
            "out_of_range",
            gettext_lazy("The value must lie between %(low)s and %(high)s %(unit)s."),
            field=field,
            params={"low": low, "high": high, "unit": unit},
        )


def _guard_counts(counts: Iterable[Count]) -> None:
    seen: set[str] = set()
    for one in counts:
        if one.point not in GraftPoint.values or one.analyte not in COUNTED or one.field in seen:
            raise InvalidInput(
                "count_unknown",
                gettext_lazy("%(name)s: each value is given once, of a point and an analyte of the list."),
                field="values",
                params={"name": one.field[:40]},
            )
        seen.add(one.field)
        most = 100 if ANALYTE_UNIT[one.analyte] == MeasureUnit.PERCENT else MOST_VALUE
        if not math.isfinite(one.value) or not 0 <= one.value <= most:
            raise InvalidInput(
                "count_out_of_range",
                gettext_lazy("%(name)s must lie between 0 and %(most)s %(unit)s."),
                field=one.field,
                params={
                    "name": Analyte(one.analyte).label,
                    "most": f"{most:g}",
                    "unit": unit_label(one.analyte),
                },
            )


def unit_label(analyte: str) -> str:
    return str(MeasureUnit(ANALYTE_UNIT[analyte]).label)


# --- what is asked about again --------------------------------------------------------------------


def doubts(report: Report, known: Known, limits: Limits, day: dt.date) -> list[Doubt]:
    """What looks wrong and may be true, in the order of the form. day: of the infusion, as its hospital counts days.

    Each code holds the value: what was confirmed of one value is asked again of another.
    """
    return [
        *_doubts_of_way(known),
        *_doubts_of_time(report, known, day),
        *_doubts_of_size(report, known),
        *_doubts_of_counts({(one.point, one.analyte): one.value for one in report.counts}, known, limits),
    ]


def _doubt(field: str, value: object, text: str) -> Doubt:
    return Doubt(f"{field}={value}", field, text)


def _doubts_of_way(known: Known) -> Iterator[Doubt]:
    if known.above_c is not None:
        text = _("On its way the unit was above the limit: %(max)s °C. Was it given all the same?")
        yield _doubt("scanned", f"{known.above_c:.1f}", text % {"max": f"{known.above_c:.1f}"})


def _doubts_of_time(report: Report, known: Known, day: dt.date) -> Iterator[Doubt]:
    most = MOST_HOURS.get(ThawMethod(report.thaw_method), MOST_HOURS_UNWASHED)
    hours = (report.ended_at - report.thawed_at) / dt.timedelta(hours=1)
    if hours > most:
        text = _(
            "From thaw to the end of the infusion %(hours)s h passed, more than %(most)s h: is it right?"
        )
        yield _doubt("ended_at", f"{hours:.1f}", text % {"hours": f"{hours:.1f}", "most": most})
    if abs((day - known.infusion_on).days) > DAYS_FROM_PLAN:
        text = _("The infusion was planned for %(planned)s: is %(day)s right?")
        yield _doubt("began_at", day, text % {"planned": known.infusion_on, "day": day})


def _doubts_of_size(report: Report, known: Known) -> Iterator[Doubt]:
    if not LEAST_ML <= report.volume_ml <= USUAL_ML:
        text = _("%(ml)s mL is an unusual volume for a cord blood unit: is it right?")
        yield _doubt("volume_ml", report.volume_ml, text % {"ml": report.volume_ml})
    if abs(float(report.weight_kg / known.weight_kg) - 1) > WEIGHT_SHARE:
        text = _("The order says %(ordered)s kg, you write %(kg)s kg: is it right?")
        yield _doubt(
            "weight_kg", report.weight_kg, text % {"ordered": known.weight_kg, "kg": report.weight_kg}
        )


def _doubts_of_counts(counts: dict[tuple[str, str], float], known: Known, limits: Limits) -> Iterator[Doubt]:
    frozen = {Analyte.TNC: known.tnc_e7, Analyte.CD34: known.cd34_e6}
    for (point, analyte), value in counts.items():
        text = _why_doubtful(Analyte(analyte), value, frozen.get(Analyte(analyte)), limits)
        if text:
            head = f"{GraftPoint(point).label}, {Analyte(analyte).label}: {value:g} {unit_label(analyte)}"
            yield _doubt(f"{point}_{analyte}", f"{value:g}", f"{head}. {text}")
    for point in GraftPoint:
        tnc, cd34 = counts.get((point, Analyte.TNC)), counts.get((point, Analyte.CD34))
        if tnc and cd34 is not None:
            share = cd34_percent(tnc, cd34)
            if not limits.cd34_percent_min <= share <= limits.cd34_percent_max:
                said = _("%(point)s: CD34+ cells are %(share)s %% of the nucleated cells: is it right?")
                found = said % {"point": point.label, "share": f"{share:.2g}"}
                yield _doubt(f"{point}_{Analyte.CD34}", f"{tnc:g}/{cd34:g}", found)


def _why_doubtful(analyte: Analyte, value: float, frozen: float | None, limits: Limits) -> str:
    """The question; "" where there is none."""
    unit = unit_label(analyte)
    if analyte in SHARE_OF_FROZEN and frozen:
        low, high = SHARE_OF_FROZEN[analyte]
        if not low * frozen <= value <= high * frozen:
            text = _("Before freezing it was %(frozen)s %(unit)s: are value and unit right?")
            return text % {"frozen": f"{frozen:g}", "unit": unit}
        return ""
    if analyte == Analyte.TNC and not limits.tnc_e7_min <= value <= limits.tnc_e7_max:
        text = _("Usual are %(low)s to %(high)s %(unit)s: are value and unit right?")
        return text % {"low": f"{limits.tnc_e7_min:g}", "high": f"{limits.tnc_e7_max:g}", "unit": unit}
    if analyte in (Analyte.VIABILITY, Analyte.CD34_VIABILITY) and value < LEAST_VIABLE_PERCENT:
        return _("That is low, or a share of 1 instead of a percentage: is it right?")
    if analyte == Analyte.CFU and value > MOST_CFU_E5:
        return _("That is much: are value and unit right?")
    return ""
