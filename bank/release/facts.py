"""What is known of units, as release specifications ask for it: many units in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from bank.choices import CultureValue, Subject
from bank.choices_consent import REQUIRED
from bank.choices_lots import LotState
from bank.consents import Known
from bank.markers import markers_of
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    EligibilityDecision,
    HaemoglobinopathyResult,
    HlaTyping,
    LotUse,
    MarkerResult,
    Measurement,
    ProcessingRecord,
    Slot,
)
from bank.release.judge import ReleaseFacts, Result, Standing
from hla.typing import canonical_loci

# Of several cultures of one kind the one that says the worst counts, until it is retracted.
_WORST = (CultureValue.GROWTH, CultureValue.INDETERMINATE, CultureValue.NO_GROWTH)


def facts_of(units: Sequence[CordBloodUnit]) -> dict[UUID, ReleaseFacts]:
    """By the id of the unit. The units as the caller read them, with `donation`."""
    ids = [unit.pk for unit in units]
    donations = [unit.donation_id for unit in units if unit.donation_id]
    measured, performers = _measured(ids)
    cultures = _cultures(ids, performers)
    markers = markers_of(ids)
    _performers(MarkerResult.objects.standing(), ids, performers)
    screens = _one_each(
        HaemoglobinopathyResult.objects.in_force(), "unit", attrgetter("result"), ids, performers
    )
    groups = _one_each(BloodGroupResult.objects.in_force(), "unit", str, ids, performers)
    decided = _one_each(
        EligibilityDecision.objects.in_force(), "donation", attrgetter("decision"), donations, performers
    )
    typed = _typed(ids, performers)
    _hands(ids, performers)
    consenting = _consenting(units, performers)
    blocked = _blocked_lots(ids)
    stored = set(Slot.objects.filter(unit__in=ids).values_list("unit_id", flat=True))
    return {
        unit.pk: ReleaseFacts(
            measurements=measured[unit.pk],
            markers={
                (subject, test): Result(result, "verified" if verified else "unverified")
                for subject, test, result, verified in markers.get(unit.pk, ())
            },
            cultures=cultures[unit.pk],
            haemoglobinopathy=screens.get(unit.pk),
            blood_group=groups.get(unit.pk),
            typed=typed.get(unit.pk, {}),
            eligibility=decided.get(unit.donation_id) if unit.donation_id else None,
            consented=unit.pk in consenting,
            segments=unit.segments,
            stored=unit.pk in stored,
            blocked_lots=tuple(blocked.get(unit.pk, ())),
            performers=frozenset(
                performers[unit.pk] | (performers[unit.donation_id] if unit.donation_id else set())
            ),
        )
        for unit in units
    }


Performers = defaultdict[Any, set[str]]


def _consenting(units: Sequence[CordBloodUnit], performers: Performers) -> set[UUID]:
    """Units whose mothers permit what no unit is released without; who recorded that had a hand in the unit."""
    known = Known.of(units, REQUIRED)
    for (donation, _purpose), row in known.answers.items():
        _note(performers, donation, row.recorded_by_id)
    return known.permitting(units, REQUIRED)


def _blocked_lots(ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Names of the lots and instruments used on each unit that are kept from use today."""
    found: dict[UUID, list[str]] = {}
    rows = LotUse.objects.filter(unit__in=ids, lot__state=LotState.BLOCKED).select_related("lot")
    for owner, name in sorted({(row.unit_id, str(row.lot)) for row in rows}):
        found.setdefault(owner, []).append(name)
    return found


def _standing(verified_by: object, *, invented: bool = False) -> Standing:
    return "invented" if invented else "verified" if verified_by else "unverified"


def _measured(ids: Sequence[UUID]) -> tuple[dict[UUID, dict[tuple[str, str], Result]], Performers]:
    found: dict[UUID, dict[tuple[str, str], Result]] = {pk: {} for pk in ids}
    performers: Performers = defaultdict(set)
    rows = Measurement.objects.in_force().filter(unit__in=ids).order_by()
    columns = "unit_id", "time_point", "analyte", "value", "verified_by_id", "invented", "entered_by_id"
    for owner, point, analyte, value, verified_by, invented, entered_by in rows.values_list(*columns):
        found[owner][point, analyte] = Result(value, _standing(verified_by, invented=invented))
        _note(performers, owner, entered_by)
    return found, performers


def _cultures(ids: Sequence[UUID], performers: Performers) -> dict[UUID, dict[str, Result]]:
    found: dict[UUID, dict[str, Result]] = {pk: {} for pk in ids}
    rows = list(CultureResult.objects.standing().filter(unit__in=ids))
    # a verified one before an unverified one of the same result
    for row in sorted(
        rows, key=lambda one: (_WORST.index(CultureValue(one.result)), one.verified_by_id is None)
    ):
        found[row.unit_id].setdefault(row.kind, Result(row.result, _standing(row.verified_by_id)))
        _note(performers, row.unit_id, row.entered_by_id)
    return found


def _one_each(
    rows: Any, key: str, value: Callable[[Any], str], ids: Iterable[UUID], performers: Performers
) -> dict[UUID, Result]:
    """Of results of which one is in force."""
    found: dict[UUID, Result] = {}
    for row in rows.filter(**{f"{key}__in": list(ids)}):
        owner = getattr(row, f"{key}_id")
        found[owner] = Result(value(row), _standing(row.verified_by_id))
        _note(performers, owner, row.entered_by_id)
    return found


def _typed(ids: Sequence[UUID], performers: Performers) -> dict[UUID, dict[str, Result]]:
    """Of the current typing; who entered an earlier one had a hand in it too, since loci are kept from it."""
    found: dict[UUID, dict[str, Result]] = {}
    rows = HlaTyping.objects.filter(unit__in=ids, subject=Subject.UNIT).order_by()
    for row in rows.only("unit_id", "entered_by_id", "verified_by_id", "is_current", "canonical_gl"):
        _note(performers, row.unit_id, row.entered_by_id)
        if row.is_current:
            standing = _standing(row.verified_by_id)
            loci = canonical_loci(row.canonical_gl)
            found[row.unit_id] = {locus: Result(f"{a} + {b or '?'}", standing) for locus, a, b in loci}
    return found


def _hands(ids: Sequence[UUID], performers: Performers) -> None:
    """Who processed and froze a unit, and who took a result of it away."""
    rows = ProcessingRecord.objects.filter(unit__in=ids).values_list(
        "unit_id", "entered_by_id", "frozen_by_id"
    )
    for owner, *people in rows:
        for person in people:
            _note(performers, owner, person)
    for model in (MarkerResult, CultureResult):
        gone = model.objects.filter(unit__in=ids, retracted_at__isnull=False)
        for owner, person in gone.values_list("unit_id", "retracted_by_id"):
            _note(performers, owner, person)


def _performers(rows: Any, ids: Sequence[UUID], performers: Performers) -> None:
    for owner, person in rows.filter(unit__in=ids).values_list("unit_id", "entered_by_id").distinct():
        _note(performers, owner, person)


def _note(performers: Performers, owner: UUID, person: object) -> None:
    if person is not None:
        performers[owner].add(str(person))
