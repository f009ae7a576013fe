"""Writes of what a unit and its mother were tested for: markers, cultures, blood group; and what was wrong of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import lot_reach
from bank.choices import (
    COMMON_MARKERS,
    Abo,
    CriterionKind,
    CultureKind,
    CultureValue,
    MarkerResultValue,
    MarkerTest,
    Rh,
    Subject,
)
from bank.choices_lots import LotKind, LotStep
from bank.consents import guard_mother_testing
from bank.holds import hold_and_tell
from bank.late_results import hold_if_failed
from bank.lot_use import LotGiven, use_lots
from bank.models import BloodGroupResult, CordBloodUnit, CultureResult, Lot, MarkerResult
from bank.results import guard_listed, guard_past, guard_sampled, in_force, is_older, supersede
from bank.writing import given_reason, guard_own, locked_unit, touch_unit, write_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.notifications import kept_back, notifications_create

RETRACTABLE: dict[str, type[MarkerResult] | type[CultureResult]] = {
    "marker": MarkerResult,
    "culture": CultureResult,
}


@dataclass(frozen=True)
class Drawn:
    """What the tests of one sample have in common. tested_on: of the result, of a culture its final reading."""

    tested_on: dt.date
    sampled_on: dt.date | None = None
    specimen: str = ""
    laboratory: str = ""


@dataclass(frozen=True)
class MarkerGiven:
    """One test and its result."""

    test: MarkerTest
    result: MarkerResultValue
    method: str = ""
    kit_lot: str = ""


@transaction.atomic
def markers_record(
    *,
    unit_id: UUID,
    subject: str,
    drawn: Drawn,
    results: Sequence[MarkerGiven],
    actor: Actor,
    lot_reason: str = "",
) -> list[MarkerResult]:
    """Enter the infectious-disease tests of one sample of the unit or of its mother.

    All or nothing. None takes the place of an earlier one (bank.markers says which counts); one that is there already,
    with the same day, result, method and lot, is a Conflict, so that a form sent twice doubles nothing. A positive
    result takes effect at once, and holds a unit that is on offer: it never waits for a second person.
    lot_reason: why a lot that is expired or blocked was used (bank.lot_use).
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    whose = Subject(subject)
    if not results:
        raise InvalidInput("results_missing", _("Give at least one result."))
    guard_past(drawn.tested_on, "tested_on")
    guard_sampled(drawn.sampled_on, drawn.tested_on)
    _guard_new(unit, whose, drawn, results)
    if whose == Subject.MOTHER:
        guard_mother_testing(unit, drawn.sampled_on or drawn.tested_on)
    rows = [
        MarkerResult.objects.create(
            unit=unit,
            subject=whose,
            test=one.test,
            result=one.result,
            method=one.method,
            kit_lot=one.kit_lot,
            entered_by_id=actor.person_id,
            **_shared(drawn),
            tested_on=drawn.tested_on,
        )
        for one in results
    ]
    lots = [LotGiven(LotKind.TEST_KIT, one.kit_lot, LotStep.MARKER, f"lot_{one.test}") for one in results]
    used = use_lots(unit, lots, on=drawn.tested_on, actor=actor, reason=lot_reason)
    bad = [row for row in rows if row.result == MarkerResultValue.POSITIVE and row.test not in COMMON_MARKERS]
    told = {str(one.test): str(one.result) for one in results}
    after = {"subject": whose.value, "tested_on": drawn.tested_on, **told}
    touch_unit(unit, actor=actor, action="unit.markers", after=after)
    with kept_back() as notices:
        lot_reach.tell(used, [unit], actor)
        if bad:
            hold_and_tell(unit, actor=actor, reason="; ".join(row.told for row in bad))
    notifications_create(notices=notices)
    return rows


def _shared(drawn: Drawn) -> dict[str, Any]:
    return {"specimen": drawn.specimen, "laboratory": drawn.laboratory, "sampled_on": drawn.sampled_on}


def _guard_new(unit: CordBloodUnit, subject: Subject, drawn: Drawn, results: Sequence[MarkerGiven]) -> None:
    tests = [one.test for one in results]
    if len(set(tests)) < len(tests):
        raise InvalidInput("test_twice", _("One test stands twice in this panel."))
    rows = unit.markers.standing().filter(subject=subject, tested_on=drawn.tested_on, test__in=tests)
    there = {(row.test, row.result, row.method, row.kit_lot) for row in rows}
    if again := [one for one in results if (one.test, one.result, one.method, one.kit_lot) in there]:
        raise Conflict(
            "result_exists",
            _("%(tests)s: this result of this day is recorded already."),
            params={"tests": ", ".join(str(one.test.label) for one in again)},
        )


@transaction.atomic
def culture_record(
    *, unit_id: UUID, kind: str, result: str, drawn: Drawn, actor: Actor, organism: str = "", method: str = "",
    kit_lot: str = "", lot_reason: str = "",
) -> CultureResult:  # fmt: skip
    """Enter the final reading of a culture. Growth counts for good, unless somebody retracts it as wrong."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    found = CultureValue(result)
    if organism and found == CultureValue.NO_GROWTH:
        raise InvalidInput(
            "organism_of_nothing", _("Where nothing grew there is no organism."), field="organism"
        )
    guard_past(drawn.tested_on, "tested_on")
    guard_sampled(drawn.sampled_on, drawn.tested_on)
    values: dict[str, Any] = {
        "kind": CultureKind(kind),
        "result": found,
        "organism": organism,
        "method": method,
        "kit_lot": kit_lot,
        "read_on": drawn.tested_on,
        **_shared(drawn),
    }
    if unit.cultures.standing().filter(**values).exists():
        raise Conflict("result_exists", _("This culture is recorded already."))
    row = CultureResult.objects.create(unit=unit, entered_by_id=actor.person_id, **values)
    used = _use_kit(unit, kit_lot, LotStep.CULTURE, drawn.tested_on, actor, lot_reason)
    after = {name: values[name] for name in ("kind", "result", "organism", "read_on") if values[name]}
    touch_unit(unit, actor=actor, action="unit.culture", after=after)
    with kept_back() as notices:
        lot_reach.tell(used, [unit], actor)
        if found == CultureValue.GROWTH:
            hold_and_tell(unit, actor=actor, reason=row.told)
        else:
            hold_if_failed(unit, CriterionKind.CULTURE, actor=actor, test=row.kind)
    notifications_create(notices=notices)
    return row


@transaction.atomic
def blood_group_record(
    *, unit_id: UUID, abo: str, rh: str, tested_on: dt.date, actor: Actor, method: str = "", kit_lot: str = "",
    laboratory: str = "", corrects: bool = False, lot_reason: str = "",
) -> BloodGroupResult:  # fmt: skip
    """Enter a determination of the unit's blood group; the unit holds a copy of the one in force.

    The newest day counts, as of other results; corrects: the day of the former was wrong, this one counts. Conflict
    `listed_unit` where the group of a unit on offer would become another one: it is put on hold first.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    group, factor = Abo(abo), Rh(rh)
    guard_past(tested_on, "tested_on")
    former = unit.blood_groups.in_force().first()
    older = not corrects and is_older(tested_on, former.tested_on if former else None)
    if not older and (unit.abo, unit.rh) != (group, factor):
        guard_listed(unit)
    if former and not older:
        supersede(former)
    row = BloodGroupResult.objects.create(
        unit=unit,
        abo=group,
        rh=factor,
        tested_on=tested_on,
        method=method,
        kit_lot=kit_lot,
        laboratory=laboratory,
        superseded=older,
        entered_by_id=actor.person_id,
    )
    used = _use_kit(unit, kit_lot, LotStep.BLOOD_GROUP, tested_on, actor, lot_reason)
    if older:
        after = {"blood_group": str(row), **in_force(older)}
        touch_unit(unit, actor=actor, action="unit.blood_group", after=after)
    else:
        new = {"abo": group.value, "rh": factor.value}
        write_unit(unit, new, {}, actor=actor, action="unit.blood_group", reason="")
    lot_reach.tell(used, [unit], actor)
    return row


def _use_kit(
    unit: CordBloodUnit, number: str, step: LotStep, day: dt.date, actor: Actor, reason: str
) -> list[Lot]:
    return use_lots(unit, [LotGiven(LotKind.TEST_KIT, number, step)], on=day, actor=actor, reason=reason)


@transaction.atomic
def result_retract(*, unit_id: UUID, kind: str, result_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Say that a marker or culture is wrong (another sample, a slip): it counts no more, and stays to be seen.

    Never by the person who entered it: whoever mistyped a positive result asks another one.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    reason = given_reason(reason)
    person = actor.person_id
    if person is None:
        raise NotAllowed("person_needed", _("Only a person can retract a result."))
    row = RETRACTABLE[kind].objects.filter(unit=unit, pk=result_id).first()
    if row is None:
        raise InvalidInput("result_unknown", _("There is no such result of this unit."))
    if row.retracted_at is not None:
        raise Conflict("retracted_already", _("This result was retracted already."))
    if row.entered_by_id == person:
        raise NotAllowed("second_person", _("You entered this result. Somebody else must retract it."))
    row.retracted_by_id, row.retracted_at, row.retraction_reason = person, timezone.now(), reason
    row.save(update_fields=["retracted_by", "retracted_at", "retraction_reason"])
    before = {"result": row.told, "day": row.day}
    touch_unit(unit, actor=actor, action="unit.result_retract", before=before, reason=reason)
    return unit
