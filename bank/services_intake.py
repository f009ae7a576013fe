"""From the kit to the quarantine: each step of a new unit, one service, one transition (domain notes, workflow 1.2)."""

from __future__ import annotations

import datetime as dt
from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import lot_reach, storing
from bank.choices import Analyte, MeasureUnit, RedCells, Sex, TimePoint, UnitStatus
from bank.choices_lots import LotKind, LotStep
from bank.imports.columns import OLDEST
from bank.lot_use import LotGiven, use_lots
from bank.models import CordBloodUnit, Donation, Measurement, ProcessingRecord, Reception, Slot
from bank.processing import canonical_method
from bank.results import supersede
from bank.services import guard_move, move
from bank.services_samples import SEGMENTS, Which, open_stock
from bank.writing import given_reason, locked_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

# Beyond these an arrival is a deviation that somebody has to describe (domain notes, workflow 1.1).
MOST_HOURS = 48
TEMPERATURES_C = (4.0, 30.0)
# Without these nobody can say whether the unit is worth its place.
COUNTED = (Analyte.VOLUME, Analyte.TNC, Analyte.CD34)


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What is recorded at the birth. bag_id: as scanned at the bag; volume_ml: gross, with anticoagulant.

    lot_reason: why a lot that is expired or blocked was used all the same.
    """

    bag_id: str
    collected_at: dt.datetime
    born_at: dt.datetime | None = None
    sex: str = ""
    gestation_weeks: int | None = None
    site: str = ""
    anticoagulant: str = ""
    volume_ml: float | None = None
    kit_lot: str = ""
    anticoagulant_lot: str = ""
    lot_reason: str = ""

    @property
    def lots(self) -> list[LotGiven]:
        return [
            LotGiven(LotKind.COLLECTION_KIT, self.kit_lot, LotStep.COLLECTION),
            LotGiven(LotKind.ANTICOAGULANT, self.anticoagulant_lot, LotStep.COLLECTION, "anticoagulant_lot"),
        ]


@transaction.atomic
def unit_collect(*, unit_id: UUID, given: Collection, actor: Actor) -> CordBloodUnit:
    """The cord blood is in its bag: the bag that was scanned has to be that of the kit."""
    unit = locked_unit(unit_id)
    _guard_step(unit, UnitStatus.COLLECTED)
    donation = _donation(unit)
    if given.bag_id.strip().upper() != donation.bag_id.upper():
        raise Conflict(
            "bag_differs",
            _("This is another bag: the kit of this unit has bag %(bag)s."),
            field="bag_id",
            params={"bag": donation.bag_id},
        )
    _guard_moment(given.collected_at, "collected_at")
    if given.born_at is not None and given.collected_at < given.born_at:
        raise InvalidInput(
            "collected_before_birth", _("The collection cannot lie before the birth."), field="collected_at"
        )
    donation.born_at, donation.collected_at = given.born_at, given.collected_at
    donation.infant_sex = Sex(given.sex).value if given.sex else ""
    donation.gestation_weeks = given.gestation_weeks
    donation.collection_site, donation.anticoagulant = given.site[:120], given.anticoagulant[:40]
    donation.save()
    if given.volume_ml is not None:
        _measured(unit, TimePoint.COLLECTION, Analyte.VOLUME, given.volume_ml, MeasureUnit.ML, actor)
    collected_on = timezone.localdate(given.collected_at)
    used = use_lots(unit, given.lots, on=collected_on, actor=actor, reason=given.lot_reason)
    fields = {"collected_on": collected_on, "sex": donation.infant_sex}
    moved = move(unit, UnitStatus.COLLECTED, actor=actor, action="unit.collect", reason="", fields=fields)
    lot_reach.tell(used, [moved], actor)
    return moved


@transaction.atomic
def unit_void(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """The kit was not used."""
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    _guard_step(unit, UnitStatus.VOID)
    return move(unit, UnitStatus.VOID, actor=actor, action="unit.void", reason=reason, fields={})


@transaction.atomic
def unit_receive(
    *, unit_id: UUID, received_at: dt.datetime, actor: Actor, temperature_min_c: float | None = None,
    temperature_max_c: float | None = None, deviation: str = "",
) -> CordBloodUnit:  # fmt: skip
    """A unit arrives at the bank. Too late, too warm, too cold or without temperatures: say what was decided."""
    unit = locked_unit(unit_id)
    _guard_step(unit, UnitStatus.RECEIVED)
    collected_at = _donation(unit).collected_at
    _guard_moment(received_at, "received_at")
    if collected_at is not None and received_at < collected_at:
        raise InvalidInput(
            "received_before_collection", _("It cannot arrive before it was collected."), field="received_at"
        )
    low, high = temperature_min_c, temperature_max_c
    if low is not None and high is not None and high < low:
        raise InvalidInput(
            "temperatures_order",
            _("The highest temperature lies below the lowest."),
            field="temperature_max_c",
        )
    if not deviation.strip() and (what := arrival_deviations(collected_at, received_at, low, high)):
        raise InvalidInput(
            "deviation_needed",
            _("Describe the deviation and what was decided: %(what)s"),
            field="deviation",
            params={"what": "; ".join(map(str, what))},
        )
    Reception.objects.create(
        unit=unit,
        received_at=received_at,
        temperature_min_c=low,
        temperature_max_c=high,
        deviation=deviation.strip(),
        entered_by_id=actor.person_id,
    )
    return move(
        unit,
        UnitStatus.RECEIVED,
        actor=actor,
        action="unit.receive",
        reason=deviation.strip()[:2000],
        fields={},
    )


def arrival_deviations(
    collected_at: dt.datetime | None, received_at: dt.datetime, low: float | None, high: float | None
) -> list[Any]:
    """What of an arrival lies outside the bounds."""
    found: list[Any] = []
    if collected_at is None or received_at - collected_at > dt.timedelta(hours=MOST_HOURS):
        found.append(_("more than 48 hours since the collection"))
    coldest, warmest = TEMPERATURES_C
    if low is None or high is None:
        found.append(_("the temperature on the way is not known"))
    elif low < coldest or high > warmest:
        found.append(_("the temperature lay outside 4–30 °C"))
    return found


@transaction.atomic
def unit_process(
    *, unit_id: UUID, started_at: dt.datetime, processing_method: str, actor: Actor, red_cells: str = "",
    kit_lot: str = "", bag_lot: str = "", bag_type: str = "", lot_reason: str = "",
) -> CordBloodUnit:  # fmt: skip
    """Processing begins. Conflict `lot_deviation`: see bank.lot_use."""
    unit = locked_unit(unit_id)
    _guard_step(unit, UnitStatus.PROCESSING)
    _guard_moment(started_at, "started_at")
    arrived = Reception.objects.filter(unit=unit).first()
    if arrived is not None and started_at < arrived.received_at:
        raise InvalidInput(
            "started_before_arrival", _("The processing cannot begin before the arrival."), field="started_at"
        )
    ProcessingRecord.objects.update_or_create(
        unit=unit,
        defaults={
            "started_at": started_at,
            "kit_lot": kit_lot,
            "bag_lot": bag_lot,
            "bag_type": bag_type,
            "entered_by_id": actor.person_id,
        },
    )
    lots = (
        LotGiven(LotKind.PROCESSING_SET, kit_lot, LotStep.PROCESSING),
        LotGiven(LotKind.BAG, bag_lot, LotStep.PROCESSING, "bag_lot"),
    )
    used = use_lots(unit, lots, on=timezone.localdate(started_at), actor=actor, reason=lot_reason)
    fields = {
        "processing_method": canonical_method(processing_method),
        "red_cells": RedCells(red_cells).value if red_cells else "",
    }
    moved = move(unit, UnitStatus.PROCESSING, actor=actor, action="unit.process", reason="", fields=fields)
    lot_reach.tell(used, [moved], actor)
    return moved


@transaction.atomic
def unit_freeze(
    *, unit_id: UUID, frozen_at: dt.datetime, segments: int, actor: Actor, cryoprotectant: str = "",
    freeze_method: str = "", cryoprotectant_lot: str = "", freezer: str = "", lot_reason: str = "",
) -> CordBloodUnit:  # fmt: skip
    """The unit is frozen, counted and in its slot: it waits in quarantine for its release.

    freezer: its serial number. Conflict `lot_deviation`: see bank.lot_use.
    """
    unit = locked_unit(unit_id)
    _guard_step(unit, UnitStatus.QUARANTINE)
    _guard_moment(frozen_at, "frozen_at")
    record = ProcessingRecord.objects.filter(unit=unit).first()
    if record is None:
        raise Conflict("not_processed", _("Record the beginning of the processing first."))
    if frozen_at < record.started_at:
        raise InvalidInput(
            "frozen_before_start", _("It cannot be frozen before the processing began."), field="frozen_at"
        )
    known = set(
        unit.measurements.in_force().filter(time_point=TimePoint.PROCESSING).values_list("analyte", flat=True)
    )
    if missing := [analyte.label for analyte in COUNTED if analyte not in known]:
        raise Conflict(
            "counts_missing",
            _("Enter these counts after processing first: %(missing)s."),
            params={"missing": ", ".join(map(str, missing))},
        )
    _guard_place(unit)
    record.frozen_at, record.cryoprotectant, record.freeze_method = frozen_at, cryoprotectant, freeze_method
    record.frozen_by_id = actor.person_id
    record.save(update_fields=["frozen_at", "cryoprotectant", "freeze_method", "frozen_by"])
    open_stock(unit, Which(*SEGMENTS), segments, entered_by_id=actor.person_id)
    lots = (
        LotGiven(LotKind.CRYOPROTECTANT, cryoprotectant_lot, LotStep.FREEZING, "cryoprotectant_lot"),
        LotGiven(LotKind.FREEZER, freezer, LotStep.FREEZING, "freezer"),
    )
    used = use_lots(unit, lots, on=timezone.localdate(frozen_at), actor=actor, reason=lot_reason)
    fields = {"segments": segments}
    moved = move(unit, UnitStatus.QUARANTINE, actor=actor, action="unit.freeze", reason="", fields=fields)
    lot_reach.tell(used, [moved], actor)
    return moved


def _guard_step(unit: CordBloodUnit, to: UnitStatus) -> None:
    """Before anything is written: the same step again is told as one from a wrong state is."""
    if unit.status == to:
        text = _("This step is recorded already: the unit is “%(here)s”.")
        raise Conflict("transition", text, params={"here": to.label})
    if unit.status == UnitStatus.ON_HOLD:  # the way back is no step forward
        raise Conflict("on_hold", _("This unit is on hold. Lift the hold first."))
    guard_move(unit, to)


def _guard_place(unit: CordBloodUnit) -> None:
    """It lies where a unit of the quarantine may lie (bank.storing)."""
    slot = Slot.objects.filter(unit=unit).select_related("canister__parent__parent__parent").first()
    if slot is None:
        raise Conflict("place_missing", _("Put the unit into its slot first."))
    waiting = copy(unit)
    waiting.status = UnitStatus.QUARANTINE
    if storing.refusal_of_area(waiting, slot, storing.banks_with_quarantine()):
        raise Conflict(
            "quarantine_needed",
            _("Move the unit into a quarantine area first: %(place)s is none."),
            params={"place": slot.place},
        )


def _donation(unit: CordBloodUnit) -> Donation:
    if unit.donation is None:
        raise Conflict("donation_missing", _("No donation is recorded for this unit."))
    return unit.donation


def _guard_moment(moment: dt.datetime, field: str) -> None:
    if moment > timezone.now():
        raise InvalidInput("date_future", _("The date lies in the future."), field=field)
    if moment.year < OLDEST.year:
        text = _("The date lies before %(year)s.")
        raise InvalidInput("date_past", text, field=field, params={"year": OLDEST.year})


def _measured(
    unit: CordBloodUnit, point: TimePoint, analyte: Analyte, value: float, measure: MeasureUnit, actor: Actor
) -> None:
    for former in unit.measurements.in_force().filter(time_point=point, analyte=analyte):
        supersede(former)
    Measurement.objects.create(
        unit=unit,
        time_point=point,
        analyte=analyte,
        value=value,
        measure_unit=measure,
        entered_by_id=actor.person_id,
    )
