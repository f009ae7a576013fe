"""The stock of samples of a unit and its mother. It only goes down; segments on the unit are a copy kept equal here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Subject, UnitStatus
from bank.choices_consent import ConsentPurpose
from bank.choices_stocks import ENTERED, KINDS_OF, NEED_REASON, SampleKind, SamplePurpose
from bank.consents import guard_mother_testing, permits
from bank.models import CordBloodUnit, SampleUse, Slot, UnitSample
from bank.research import guard_research
from bank.results import guard_listed, guard_past
from bank.services_storage import locked_slots
from bank.writing import given_reason, guard_own, locked_unit, write_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.signing import guard_signature

MOST = 999
SEGMENTS = (Subject.UNIT, SampleKind.SEGMENT)


@dataclass(frozen=True)
class Which:
    """One stock of a unit."""

    subject: Subject
    kind: SampleKind

    @classmethod
    def of(cls, text: str) -> Which:
        """As a form sends it: `unit-segment`. Raises InvalidInput."""
        subject, _dash, kind = text.partition("-")
        if kind not in KINDS_OF.get(subject, ()):
            raise InvalidInput("sample_unknown", _("There is no such sample."), field="sample")
        return cls(Subject(subject), SampleKind(kind))

    @property
    def is_segments(self) -> bool:
        return (self.subject, self.kind) == SEGMENTS

    def __str__(self) -> str:
        return f"{self.subject}-{self.kind}"


@dataclass(frozen=True, kw_only=True)
class Use:
    """What is taken. for_what: the project, request or laboratory; used_on None: today."""

    purpose: SamplePurpose
    count: int = 1
    for_what: str = ""
    reason: str = ""
    used_on: dt.date | None = None


@transaction.atomic
def sample_open(*, unit_id: UUID, which: Which, opening: int, actor: Actor, place: str = "") -> UnitSample:
    """Record how many samples of a kind were laid aside: once; from then on the stock only goes down.

    Segments of a unit on offer are not begun: what a search reads of it changes only off offer. Others are kept only
    where the mother consents to that.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    if unit.status in (UnitStatus.PLANNED, UnitStatus.VOID):
        raise Conflict("not_collected", _("Nothing is collected of this unit."))
    if which.is_segments:
        guard_listed(unit)
    elif not permits(unit, ConsentPurpose.SAMPLES):
        raise Conflict(
            "no_samples_consent",
            _("The mother's consent does not cover the keeping of samples: none is laid aside."),
            field="sample",
        )
    if _stock(unit, which) is not None:
        raise Conflict(
            "sample_exists",
            _("This sample is in the stock already. The stock only goes down: nothing is added to it."),
            field="sample",
        )
    if not 1 <= opening <= MOST:
        text = _("Write a number between 1 and %(most)s.")
        raise InvalidInput("count_range", text, field="opening", params={"most": MOST})
    sample = open_stock(unit, which, opening, entered_by_id=actor.person_id, place=place)
    _record(unit, sample, before=None, actor=actor, action="unit.sample_open")
    return sample


def open_stock(
    unit: CordBloodUnit, which: Which, opening: int, *, entered_by_id: UUID | None, place: str = ""
) -> UnitSample:
    """The opening entry of a stock of the locked unit. The caller writes the audit entry."""
    row: UnitSample = UnitSample.objects.create(
        unit=unit,
        subject=which.subject,
        kind=which.kind,
        opening=opening,
        remaining=opening,
        place=place.strip()[:80],
        entered_by_id=entered_by_id,
    )
    return row


@transaction.atomic
def sample_use(*, unit_id: UUID, which: Which, use: Use, actor: Actor) -> SampleUse:
    """Take samples out of a stock, for good. Raises Conflict `sample_none_left`, `sample_not_enough`."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    if use.purpose not in ENTERED:
        raise NotAllowed("signature_needed", _("A count is corrected with a signature."))
    for_what, reason = use.for_what.strip(), use.reason.strip()
    if use.purpose in NEED_REASON:
        reason = given_reason(reason)
    if use.purpose == SamplePurpose.RESEARCH:
        guard_research(unit, "purpose")
        if not for_what:
            raise InvalidInput("project_needed", _("Name the research project."), field="for_what")
    used_on = use.used_on or timezone.localdate()
    guard_past(used_on, "used_on")
    _guard_consent(unit, which, use.purpose, used_on)
    sample = locked_stock(unit, which)
    if not 1 <= use.count <= MOST:
        text = _("Write a number between 1 and %(most)s.")
        raise InvalidInput("count_range", text, field="count", params={"most": MOST})
    if sample.remaining == 0:
        raise Conflict("sample_none_left", _("None of these samples is left."), field="sample")
    if use.count > sample.remaining:
        text = _("Only %(left)s of these samples are left.")
        raise Conflict("sample_not_enough", text, field="count", params={"left": sample.remaining})
    given: dict[str, Any] = {"for_what": for_what[:200], "reason": reason[:2000], "used_on": used_on}
    row = _taken(sample, use.count, use.purpose, given, used_by_id=actor.person_id)
    place = _place_cleared(sample)
    _record(unit, sample, before=row, actor=actor, action="unit.sample_use", reason=reason, place=place)
    return row


def _guard_consent(unit: CordBloodUnit, which: Which, purpose: SamplePurpose, day: dt.date) -> None:
    """What is withdrawn may be lost or destroyed, and no more; of the mother nothing is tested against her will."""
    if unit.consent_withdrawn and purpose not in NEED_REASON:
        text = _("The consent for this unit is withdrawn; its samples are only destroyed.")
        raise Conflict("consent_withdrawn", text, field="purpose")
    if which.subject == Subject.MOTHER and purpose == SamplePurpose.RELEASE_TEST:
        guard_mother_testing(unit, day)


@transaction.atomic
def sample_correct(
    *, unit_id: UUID, which: Which, counted: int, user: User, password: str, reason: str
) -> SampleUse:
    """Fewer samples are there than the stock says: signed by a person who entered nothing of it. Never upwards."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    reason = given_reason(reason)
    sample = locked_stock(unit, which)
    if counted > sample.remaining:
        text = _(
            "The stock says %(left)s and only goes down. A sample too many is another unit's: find out whose."
        )
        raise Conflict("only_down", text, field="counted", params={"left": sample.remaining})
    if counted == sample.remaining or counted < 0:
        text = _("That is what the stock says already: there is nothing to correct.")
        raise InvalidInput("nothing_to_correct", text, field="counted")
    if user.pk in {sample.entered_by_id, *sample.uses.values_list("used_by_id", flat=True)}:
        raise NotAllowed(
            "own_work", _("You entered something of this stock yourself. Somebody else must sign.")
        )
    guard_signature(user, password)
    given = {"reason": reason, "used_on": timezone.localdate(), "signed_by": Actor.user(user).label[:200]}
    row = _taken(sample, sample.remaining - counted, SamplePurpose.MISCOUNT, given, used_by_id=user.pk)
    place, actor = _place_cleared(sample), Actor.user(user)
    _record(unit, sample, before=row, actor=actor, action="unit.sample_correct", reason=reason, place=place)
    return row


def _stock(unit: CordBloodUnit, which: Which) -> UnitSample | None:
    """Of a unit written by a release of this program without stocks, its number of segments is the opening."""
    rows = UnitSample.objects.select_for_update(no_key=True)
    row: UnitSample | None = rows.filter(unit=unit, subject=which.subject, kind=which.kind).first()
    if row is None and which.is_segments and unit.segments is not None:
        by = unit.import_batch.user_id if unit.import_batch else None
        row = open_stock(unit, which, unit.segments, entered_by_id=by)
    return row


def locked_stock(unit: CordBloodUnit, which: Which) -> UnitSample:
    row = _stock(unit, which)
    if row is None:
        raise Conflict("sample_not_kept", _("No such sample of this unit was laid aside."), field="sample")
    return row


def _taken(
    sample: UnitSample, count: int, purpose: SamplePurpose, given: dict[str, Any], *, used_by_id: UUID | None
) -> SampleUse:
    row: SampleUse = SampleUse.objects.create(
        sample=sample, count=count, purpose=purpose, used_by_id=used_by_id, **given
    )
    sample.remaining -= count
    sample.save(update_fields=["remaining"])
    return row


def _place_cleared(sample: UnitSample) -> str:
    """Of a stock of which nothing is left: the place where it lay, behind its lock, is free. "" where there is none.

    Behind the stock's lock nobody puts it elsewhere meanwhile.
    """
    here = Slot.objects.filter(sample=sample).first() if sample.remaining == 0 else None
    if here is None:
        return ""
    slot = locked_slots(here.pk)[here.pk]
    slot.sample = None
    slot.save(update_fields=["sample"])
    return str(slot.place)


def _record(
    unit: CordBloodUnit,
    sample: UnitSample,
    *,
    before: SampleUse | None,
    actor: Actor,
    action: str,
    reason: str = "",
    place: str = "",
) -> None:
    """The copy on the unit, its stamp, and the audit entry.

    before: the use, None for an opening. place: the one that is free now, "" where none is.
    """
    is_segments = (sample.subject, sample.kind) == SEGMENTS
    told = {"sample": f"{sample.subject}-{sample.kind}", "left": sample.remaining}
    if before is not None:
        told |= {"count": before.count, "purpose": str(before.purpose), "for_what": before.for_what}
    fields = {"segments": sample.remaining} if is_segments else {}
    was = {"lies_in": place} if place else {}
    if place:
        told["lies_in"] = ""
    write_unit(unit, fields, {}, actor=actor, action=action, reason=reason, told=told, was=was)
