"""Writes about a unit's quality and a bank's accreditation: each one row with its audit entry, in one transaction."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import lot_reach
from bank.choices import (
    ANALYTE_UNIT,
    Analyte,
    CriterionKind,
    HaemoglobinopathyValue,
    MeasureUnit,
    RedCells,
    Scheme,
    TimePoint,
)
from bank.choices_lots import LotKind, LotStep
from bank.late_results import hold_if_failed
from bank.limits import held_reasons
from bank.lot_use import LotGiven, use_lots
from bank.models import (
    Accreditation,
    Bank,
    CordBloodUnit,
    HaemoglobinopathyResult,
    Measurement,
)
from bank.processing import canonical_method
from bank.querysets import waiting_for, waiting_results
from bank.results import guard_listed, guard_past, guard_vouched, in_force, is_older, supersede
from bank.services import load_limits
from bank.writing import given_reason, guard_own, locked_unit, touch_unit, write_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.notifications import kept_back, notifications_create

# Copies of these stand on the unit and decide where it is offered: they change only while it is on offer nowhere.
_LISTED = _(
    "Volume, TNC and CD34 after processing are the listed values; "
    "of a unit that is on offer they are not changed here. Put it on hold first."
)
LISTED_VALUES = frozenset(
    (TimePoint.PROCESSING.value, analyte.value) for analyte in (Analyte.VOLUME, Analyte.TNC, Analyte.CD34)
)
RESULTS_CHANGED = _("The results have changed since you read them. Nothing was verified: read them again.")
MOST = 5_000  # of any count or volume in its unit of measure; more is impossible, as in an import


# --- the unit -------------------------------------------------------------------------------------


@transaction.atomic
def unit_processing_record(
    *, unit_id: UUID, red_cells: str, processing_method: str, actor: Actor, reason: str
) -> CordBloodUnit:
    """Say how a unit was processed: red cells depleted or replete ("" unknown), method ("" unknown).

    In any state of the unit; the same again writes nothing.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    guard_own(unit)
    new = {
        "red_cells": RedCells(red_cells).value if red_cells else "",
        "processing_method": canonical_method(processing_method),
    }
    if all(getattr(unit, name) == value for name, value in new.items()):
        return unit
    return write_unit(unit, new, {}, actor=actor, action="unit.processing", reason=reason)


@transaction.atomic
def measurement_record(
    *,
    unit_id: UUID,
    time_point: str,
    analyte: str,
    value: float,
    actor: Actor,
    method: str = "",
    instrument: str = "",
    laboratory: str = "",
    measured_on: dt.date | None = None,
    corrects: bool = False,
    lot_reason: str = "",
) -> Measurement:
    """Enter one measured value, in the unit of measure of its analyte (ANALYTE_UNIT).

    It supersedes the former of its time point, unless it was measured on an earlier day: then the former stays in
    force, and this one in the history. corrects: the day of the former was wrong, this one counts.

    Raises Conflict for a listed value (LISTED_VALUES) of a unit that is on offer; InvalidInput for an impossible one.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    point, what = TimePoint(time_point), Analyte(analyte)
    is_listed = (point.value, what.value) in LISTED_VALUES
    if is_listed:
        guard_listed(unit, "listed_value", _LISTED)
    _guard_value(what, value)
    guard_past(measured_on, "measured_on")
    former = unit.measurements.in_force().filter(time_point=point, analyte=what).first()
    older = not corrects and is_older(measured_on, former.measured_on if former else None)
    before = {"value": former.value if former else None}
    if former and not older:
        guard_vouched(unit, former)
        supersede(former)
    row = Measurement.objects.create(
        unit=unit,
        time_point=point,
        analyte=what,
        value=value,
        measure_unit=ANALYTE_UNIT[what],
        method=method,
        instrument=instrument,
        laboratory=laboratory,
        measured_on=measured_on,
        superseded=older,
        entered_by_id=actor.person_id,
    )
    device = LotGiven(LotKind.INSTRUMENT, instrument, LotStep.MEASUREMENT, "instrument")
    used = use_lots(unit, [device], on=measured_on, actor=actor, reason=lot_reason)
    after = {
        "time_point": point.value,
        "analyte": what.value,
        "value": value,
        "measure_unit": row.measure_unit,
        **in_force(older),
    }
    if is_listed and not older:
        _copy_listed(unit, what, value, before, after, actor)
    else:
        touch_unit(unit, actor=actor, action="unit.measurement", before=before, after=after)
    with kept_back() as told:
        lot_reach.tell(used, [unit], actor)
        if not older:
            hold_if_failed(
                unit, CriterionKind.MEASUREMENT, actor=actor, time_point=point.value, analyte=what.value
            )
    notifications_create(notices=told)
    return row


LISTED_COLUMNS = {Analyte.VOLUME: "volume_ml", Analyte.TNC: "tnc_e7", Analyte.CD34: "cd34_e6"}


def _copy_listed(
    unit: CordBloodUnit,
    what: Analyte,
    value: float,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor: Actor,
) -> None:
    """The unit holds what is listed; whether a person still has to confirm it is asked anew."""
    if value <= 0:
        text = _("A unit without any is not banked: discard it, or correct the value.")
        raise InvalidInput("value_range", text, field="value")
    told = (LISTED_COLUMNS[what], "counts_invented")
    was = {name: getattr(unit, name) for name in told}
    setattr(unit, LISTED_COLUMNS[what], value)
    fields = [LISTED_COLUMNS[what], "counts_invented"]
    listed = unit.measurements.in_force().filter(time_point=TimePoint.PROCESSING, analyte__in=LISTED_COLUMNS)
    unit.counts_invented = listed.filter(invented=True).exists()
    if unit.held_for_confirmation:
        unit.held_reasons = held_reasons(unit.tnc_e7, unit.cd34_e6, load_limits())
        unit.held_for_confirmation = bool(unit.held_reasons)
        fields += ["held_reasons", "held_for_confirmation"]
    unit.save(update_fields=fields)
    old, new = audit.changes(was, {name: getattr(unit, name) for name in told})
    touch_unit(unit, actor=actor, action="unit.measurement", before={**before, **old}, after={**after, **new})


@transaction.atomic
def haemoglobinopathy_record(
    *,
    unit_id: UUID,
    result: str,
    actor: Actor,
    method: str = "",
    laboratory: str = "",
    tested_on: dt.date | None = None,
    corrects: bool = False,
) -> HaemoglobinopathyResult:
    """Enter a result of the haemoglobinopathy screen: that of the newest test counts, in whatever order they come.

    It supersedes the former, unless it was tested on an earlier day: then the former stays in force, and this one in
    the history. corrects: the day of the former was wrong, this one counts.
    A result needs the day of the test, unless it is pending.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    found = HaemoglobinopathyValue(result)
    if tested_on is None and found != HaemoglobinopathyValue.PENDING:
        raise InvalidInput("date_needed", _("Give the day of the test."), field="tested_on")
    guard_past(tested_on, "tested_on")
    former = unit.haemoglobinopathy_results.in_force().first()
    older = not corrects and is_older(tested_on, former.tested_on if former else None)
    if former and found == HaemoglobinopathyValue.PENDING and not corrects:
        older = older or former.result != HaemoglobinopathyValue.PENDING  # what was found stays found
    before = {"result": former.result if former else None}
    if former and not older:
        guard_vouched(unit, former)
        supersede(former)
    row = HaemoglobinopathyResult.objects.create(
        unit=unit,
        result=found,
        method=method,
        laboratory=laboratory,
        tested_on=tested_on,
        superseded=older,
        entered_by_id=actor.person_id,
    )
    after = {"result": found.value, "method": method, "tested_on": tested_on, **in_force(older)}
    touch_unit(unit, actor=actor, action="unit.haemoglobinopathy", before=before, after=after)
    if not older:
        hold_if_failed(unit, CriterionKind.HAEMOGLOBINOPATHY, actor=actor)
    return row


@transaction.atomic
def unit_results_verify(
    *, unit_id: UUID, results: Collection[UUID], actor: Actor, reason: str
) -> CordBloodUnit:
    """A second person vouches for all measurements, screens and markers of the unit that somebody else entered.

    results: ids of the rows that the person was shown; what stands in a row never changes, so that an id says which
    value it was. Raises Conflict where none waits or others wait than were
    shown, NotAllowed where all that wait are the actor's own.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    guard_own(unit)
    person = actor.person_id
    if person is None:
        raise NotAllowed("person_needed", _("Only a person can verify a result."))
    if not waiting_results(unit):
        raise Conflict("nothing_to_verify", _("No result of this unit waits for verification."))
    theirs = waiting_for(unit, person)
    found = {row.pk for row in theirs}
    if not found:
        raise NotAllowed("second_person", _("You entered these results. Somebody else must verify them."))
    if found != set(results):
        raise Conflict("results_changed", RESULTS_CHANGED)
    now = timezone.now()
    for row in theirs:
        row.verified_by_id, row.verified_at = person, now
        row.save(update_fields=["verified_by", "verified_at"])
    after = {"verified": len(found), "results": sorted(map(str, found))}
    touch_unit(unit, actor=actor, action="unit.results_verify", after=after, reason=reason)
    return unit


def _guard_value(analyte: Analyte, value: float) -> None:
    most = 100 if ANALYTE_UNIT[analyte] == MeasureUnit.PERCENT else MOST
    if not math.isfinite(value) or not 0 <= value <= most:
        text = _("The value must lie between 0 and %(most)s %(unit)s.")
        unit = MeasureUnit(ANALYTE_UNIT[analyte]).label
        raise InvalidInput("value_range", text, field="value", params={"most": most, "unit": unit})


# --- the bank -------------------------------------------------------------------------------------


@transaction.atomic
def accreditation_record(
    *,
    bank_id: UUID,
    scheme: str,
    valid_from: dt.date,
    actor: Actor,
    valid_until: dt.date | None = None,
    number: str = "",
    name: str = "",
) -> Accreditation:
    """Enter a certificate or licence of a bank; a renewal is entered as another one."""
    bank = _locked_bank(bank_id)
    values: dict[str, Any] = {
        "scheme": Scheme(scheme),
        "name": name.strip(),
        "number": number.strip(),
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    if values["scheme"] == Scheme.OTHER and not values["name"]:
        raise InvalidInput("name_needed", _("Say who gave it."), field="name")
    _guard_period(valid_from, valid_until)
    key = {name: value for name, value in values.items() if name != "valid_until"}
    if bank.accreditations.filter(**key).exists():
        raise Conflict("accreditation_exists", _("This accreditation is recorded already."), field="number")
    row = Accreditation.objects.create(bank=bank, **values)
    audit.record(actor=actor, action="accreditation.record", target=row, after=_told(bank, values))
    return row


@transaction.atomic
def accreditation_end(
    *, accreditation_id: UUID, valid_until: dt.date, actor: Actor, reason: str
) -> Accreditation:
    """Set the last day of an accreditation: withdrawn, given back, or prolonged by its issuer."""
    row = Accreditation.objects.select_for_update(no_key=True).filter(pk=accreditation_id).first()
    if row is None:
        raise InvalidInput("accreditation_unknown", _("There is no such accreditation."))
    reason = given_reason(reason)
    _guard_period(row.valid_from, valid_until)
    before, after = audit.changes({"valid_until": row.valid_until}, {"valid_until": valid_until})
    row.valid_until = valid_until
    row.save(update_fields=["valid_until"])
    audit.record(
        actor=actor, action="accreditation.end", target=row, before=before, after=after, reason=reason
    )
    return row


def _locked_bank(bank_id: UUID) -> Bank:
    bank = Bank.objects.select_for_update(no_key=True).filter(pk=bank_id).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    return bank


def _guard_period(valid_from: dt.date, valid_until: dt.date | None) -> None:
    if valid_until is not None and valid_until < valid_from:
        text = _("The last day must not lie before the first.")
        raise InvalidInput("period", text, field="valid_until")


def _told(bank: Bank, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"bank": bank.code, **{name: value for name, value in values.items() if value}}
