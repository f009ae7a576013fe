"""What the services of laboratory results have in common: which of several counts, and what they refuse."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank.choices import BEFORE_OFFER, Subject, TypingSource, UnitStatus
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    Donation,
    EligibilityDecision,
    HaemoglobinopathyResult,
    Measurement,
)
from core.errors import Conflict, InvalidInput


def is_older(day: dt.date | None, former: dt.date | None) -> bool:
    """Without a day the order of entry counts."""
    return day is not None and former is not None and day < former


def supersede(row: Measurement | HaemoglobinopathyResult | BloodGroupResult | EligibilityDecision) -> None:
    row.superseded = True
    row.save(update_fields=["superseded"])


def in_force(older: bool) -> dict[str, bool]:
    """For the audit entry of what did not come into force."""
    return {"in_force": False} if older else {}


def guard_past(day: dt.date | None, field: str) -> None:
    if day is not None and day > timezone.localdate():
        raise InvalidInput("date_future", _("The date lies in the future."), field=field)


def guard_sampled(sampled_on: dt.date | None, tested_on: dt.date) -> None:
    if sampled_on is not None and sampled_on > tested_on:
        raise InvalidInput(
            "sampled_after_test", _("The sample cannot be younger than its test."), field="sampled_on"
        )


_ON_OFFER = _("This unit is on offer or promised. Put it on hold first; then the value can be changed.")


def guard_listed(unit: CordBloodUnit, code: str = "listed_unit", text: Promise = _ON_OFFER) -> None:
    """What a search reads is not changed under those who rely on it. Raises Conflict `not_collected`, or `code`."""
    if unit.status == UnitStatus.PLANNED:
        raise Conflict("not_collected", _("Nothing is collected yet: record the collection first."))
    if unit.status not in BEFORE_OFFER:
        raise Conflict(code, text)


def guard_vouched(unit: CordBloodUnit, former: Measurement | HaemoglobinopathyResult) -> None:
    """What a second person vouched for of a unit on offer is not replaced by one person's word."""
    if former.verified_by_id is not None:
        guard_listed(unit)


def changed_since(unit: CordBloodUnit, moment: dt.datetime) -> bool:
    """Whether a result of the unit, or what its mother said, was recorded or retracted after a moment."""
    entered = (
        unit.measurements,
        unit.blood_groups,
        unit.haemoglobinopathy_results,
        unit.markers,
        unit.cultures,
    )
    return (
        any(rows.filter(entered_at__gt=moment).exists() for rows in entered)
        or any(rows.filter(retracted_at__gt=moment).exists() for rows in (unit.markers, unit.cultures))
        or _typed_since(unit, moment)
        or (unit.donation is not None and _said_since(unit.donation, moment))
    )


def _typed_since(unit: CordBloodUnit, moment: dt.datetime) -> bool:
    """A confirmatory typing that is not in force changes nothing of what was released."""
    rows = unit.typings.filter(subject=Subject.UNIT, created_at__gt=moment)
    return bool(rows.exclude(source=TypingSource.CONFIRMATORY, is_current=False).exists())


def _said_since(donation: Donation, moment: dt.datetime) -> bool:
    entered, recorded = (donation.eligibility, donation.interviews), (donation.consents, donation.withdrawals)
    return any(rows.filter(entered_at__gt=moment).exists() for rows in entered) or any(
        rows.filter(recorded_at__gt=moment).exists() for rows in recorded
    )
