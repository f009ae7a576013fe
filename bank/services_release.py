"""Whether a unit may be listed: judged by the specification in force, decided and signed by a person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Eligibility, ReleaseOutcome, UnitStatus
from bank.holds import hold_and_tell
from bank.lot_locks import share_lots
from bank.models import CordBloodUnit, EligibilityDecision, Release, ReleaseSpecification
from bank.promised import is_promised
from bank.release.facts import facts_of
from bank.release.judge import Finding, ReleaseFacts, judge, judge_lots, open_findings
from bank.results import guard_past, supersede
from bank.services import move
from bank.services_interview import deferring_answers
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.signing import guard_signature


@dataclass(frozen=True)
class Judged:
    """A unit against the specification in force. specification: None where its bank has none."""

    specification: ReleaseSpecification | None
    findings: Sequence[Finding]
    facts: ReleaseFacts

    @property
    def open(self) -> list[Finding]:
        return open_findings(self.findings)

    @property
    def digest(self) -> str:
        """Of what a person is shown before the signature: the specification and what it found."""
        told = [str(self.specification and self.specification.pk), [one.as_json() for one in self.findings]]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def may_be_excepted(self) -> bool:
        """Whether an exceptional release could go over all that is open."""
        return all(one.may_be_excepted for one in self.open)


def judged(units: Sequence[CordBloodUnit]) -> dict[UUID, Judged]:
    """Units, by their ids, against the specifications of their banks that are in force today; in a few queries."""
    today = timezone.localdate()
    specifications = {
        bank_id: ReleaseSpecification.objects.in_force(bank_id, today)
        for bank_id in {unit.bank_id for unit in units}
    }
    criteria = {one.pk: list(one.criteria.all()) for one in specifications.values() if one is not None}
    facts = facts_of(units)
    found = {}
    for unit in units:
        specification = specifications[unit.bank_id]
        known = facts[unit.pk]
        findings = [*judge(criteria[specification.pk], known), judge_lots(known)] if specification else []
        found[unit.pk] = Judged(specification, findings, known)
    return found


@transaction.atomic
def unit_release(
    *, unit_id: UUID, user: User, password: str, justification: str = "", seen: str | None = None
) -> Release:
    """List a unit of the quarantine: it meets the specification in force, or what is open is excepted, with reasons.

    One that a patient was promised before it came there is his again.

    Signed with the password by a person who entered none of the results. seen: `Judged.digest` of what that person was
    shown; Conflict `results_changed` where it is not what is found now. Raises Conflict `no_specification`,
    `not_released` (details name all that is open), NotAllowed `may_not_except`, `own_work`, `wrong_password`.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    if unit.status != UnitStatus.QUARANTINE:
        raise Conflict("not_in_quarantine", _("Only a unit in quarantine is released."))
    if unit.held_for_confirmation:
        raise Conflict("to_confirm", _("Values of this unit wait for confirmation: confirm them first."))
    share_lots(unit.pk)  # none is blocked between this look and the end
    found = judged([unit])[unit.pk]
    _guard_seen(found, seen)
    _guard_findings(found, justification, user)
    guard_signature(user, password, found.facts.performers)
    outcome = ReleaseOutcome.EXCEPTIONAL if found.open else ReleaseOutcome.PASSED
    row = _row(unit, found, outcome, user, justification.strip() if found.open else "")
    move(
        unit,
        UnitStatus.RESERVED if is_promised(unit.pk) else UnitStatus.LISTED,
        actor=Actor.user(user),
        action="unit.release",
        reason=row.justification,
        fields={},
    )
    return row


@transaction.atomic
def unit_release_refuse(
    *, unit_id: UUID, user: User, password: str, justification: str, seen: str | None = None
) -> Release:
    """Say, signed, that a unit is not released; it stays in quarantine until more is known or it is discarded."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    if unit.status != UnitStatus.QUARANTINE:
        raise Conflict("not_in_quarantine", _("Only a unit in quarantine is released."))
    reason = given_reason(justification)
    found = judged([unit])[unit.pk]
    _guard_seen(found, seen)
    guard_signature(user, password, found.facts.performers)
    row = _row(unit, found, ReleaseOutcome.REFUSED, user, reason)
    touch_unit(unit, actor=Actor.user(user), action="unit.release_refuse", reason=reason)
    return row


def _guard_seen(found: Judged, seen: str | None) -> None:
    if seen is not None and seen != found.digest:
        raise Conflict(
            "results_changed", _("Something was recorded since you read this page. Read it again, then sign.")
        )


def _guard_findings(found: Judged, justification: str, user: User) -> None:
    if found.specification is None:
        raise Conflict(
            "no_specification",
            _("This bank has no release specification in force. Write one and have it approved first."),
        )
    if not found.open:
        return
    details = [one.as_json() for one in found.open]
    if not justification.strip() or not found.may_be_excepted:
        hard = [one for one in found.open if not one.may_be_excepted]
        text = (
            _("%(n)d criteria are not met, %(hard)d of them without exception. The unit stays in quarantine.")
            if hard
            else _("%(n)d criteria are not met. An exceptional release needs a justification.")
        )
        params = {"n": len(found.open), "hard": len(hard)}
        field = None if hard else "justification"
        raise Conflict("not_released", text, field=field, params=params, details=details)
    if not user.has_permission(Permission.UNIT_RELEASE_EXCEPTION):
        raise NotAllowed("may_not_except", _("Only the medical director releases a unit exceptionally."))


def _row(
    unit: CordBloodUnit, found: Judged, outcome: ReleaseOutcome, user: User, justification: str
) -> Release:
    if found.specification is None:
        raise Conflict(
            "no_specification",
            _("This bank has no release specification in force. Write one and have it approved first."),
        )
    row: Release = Release.objects.create(
        unit=unit,
        specification=found.specification,
        outcome=outcome,
        findings=[one.as_json() for one in found.findings],
        justification=justification[:2000],
        released_by=user,
        signed_by=Actor.user(user).label[:200],
    )
    return row


# --- the donor -----------------------------------------------------------------------------------


@transaction.atomic
def eligibility_decide(*, unit_id: UUID, actor: Actor, decision: str, **given: Any) -> EligibilityDecision:
    """Decide on the donor of a unit by her history and tests (21 CFR 1271.50); a second person verifies it.

    given: questionnaire, interviewed_on, reason; a reason is needed unless she is eligible and no answer of hers
    speaks against it. A unit on offer whose donor is not eligible any more is held at once.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    if unit.donation is None:
        raise Conflict("donation_missing", _("No donation is recorded for this unit."))
    wanted = Eligibility(decision)
    reason = str(given.get("reason", "")).strip()
    if wanted != Eligibility.ELIGIBLE and not reason:
        raise InvalidInput("reason_needed", _("Write why."), field="reason")
    if not reason and deferring_answers(unit.donation):
        text = _("Answers of the mother speak against the donor. Write why she is eligible all the same.")
        raise InvalidInput("reason_needed", text, field="reason")
    guard_past(given.get("interviewed_on"), "interviewed_on")
    former = unit.donation.eligibility.in_force().first()
    if former:
        supersede(former)
    row = EligibilityDecision.objects.create(
        donation=unit.donation,
        decision=wanted,
        questionnaire=given.get("questionnaire", ""),
        interviewed_on=given.get("interviewed_on"),
        reason=reason,
        entered_by_id=actor.person_id,
    )
    before = {"decision": former.decision if former else None}
    touch_unit(
        unit,
        actor=actor,
        action="unit.eligibility",
        before=before,
        after={"decision": wanted.value},
        reason=reason,
    )
    if wanted != Eligibility.ELIGIBLE:
        hold_and_tell(unit, actor=actor, reason=f"{row.told}: {reason}")
    return row
