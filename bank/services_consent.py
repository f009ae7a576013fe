"""A mother's consent: recorded by purpose, withdrawn by purpose with all that follows, corrected by a second person."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import consents, notices
from bank.choices import SEARCHABLE, TRANSITIONS, UnitStatus
from bank.choices_consent import REQUIRED, ConsentMedium, ConsentPurpose, ReportedBy
from bank.models import (
    ConsentForm,
    ConsentGiven,
    ConsentWithdrawal,
    CordBloodUnit,
    Donation,
    Erasure,
    MotherContact,
)
from bank.promised import NAME_FIRST, is_promised
from bank.results import guard_past
from bank.services import move
from bank.word_locks import word_changes
from bank.writing import given_reason, guard_own, locked_unit, touch_unit, write_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.notifications import notifications_create
from core.signing import guard_signature

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no characters that are read as another


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a mother answered on one day. answers: purpose -> yes or no; form_id: by which form, None for that in force.

    witness: the staff number of whoever saw her sign, never a name.
    """

    given_on: dt.date | None
    answers: Mapping[str, bool] = field(default_factory=dict)
    medium: str = ConsentMedium.PAPER.value
    witness: str = ""
    form_id: UUID | None = None


def guard_required(given: Answers) -> None:
    """Without what a kit needs there is none. Raises InvalidInput `consent_missing`."""
    if given.given_on is None:
        raise InvalidInput(
            "consent_missing", _("Without the mother's consent no kit is given out."), field="consented_on"
        )
    guard_past(given.given_on, "consented_on")
    for purpose in REQUIRED:
        if not given.answers.get(purpose):
            text = _("Without her consent to “%(purpose)s” no kit is given out.")
            raise InvalidInput(
                "consent_missing", text, field=f"consent_{purpose}", params={"purpose": purpose.label}
            )


def kit_answers_write(donation: Donation, given: Answers, actor: Actor) -> list[ConsentGiven]:
    """As `answers_write`, of the whole form: what a mother is asked she answers, with yes or no."""
    for item in _form(given.form_id).items.all():
        if item.purpose not in given.answers:
            text = _("Write down her answer to “%(purpose)s”: yes or no.")
            raise InvalidInput(
                "answer_missing",
                text,
                field=f"consent_{item.purpose}",
                params={"purpose": item.get_purpose_display()},
            )
    return answers_write(donation, given, actor)


def answers_write(donation: Donation, given: Answers, actor: Actor) -> list[ConsentGiven]:
    """The rows of what she answered, within the caller's transaction; former answers are superseded."""
    items = {item.purpose: item for item in _form(given.form_id).items.all()}
    if given.given_on is None:
        raise InvalidInput("date_needed", _("Say on which day she answered."), field="given_on")
    rows = []
    for purpose, answer in given.answers.items():
        if purpose not in items:
            text = _("The consent form in force does not ask for “%(purpose)s”.")
            raise Conflict("item_missing", text, params={"purpose": ConsentPurpose(purpose).label})
        donation.consents.in_force().filter(purpose=purpose).update(superseded=True)
        rows.append(
            ConsentGiven.objects.create(
                donation=donation,
                item=items[purpose],
                purpose=purpose,
                given=answer,
                given_on=given.given_on,
                medium=ConsentMedium(given.medium),
                witness=given.witness.strip()[:40],
                recorded_by_id=actor.person_id,
            )
        )
    return rows


def _form(asked: UUID | None) -> ConsentForm:
    form = consents.form_in_force()
    if form is None:
        raise Conflict(
            "consent_form_missing",
            _("No consent form is in force. Write one and have it approved first."),
        )
    if asked is not None and form.pk != asked:
        raise Conflict(
            "consent_form_changed",
            _("Another version of the consent form is in force since you opened this page. Open it again."),
        )
    return form


@transaction.atomic
def consent_record(*, unit_id: UUID, given: Answers, actor: Actor) -> list[ConsentGiven]:
    """Record what the mother of a unit answered after the kit was given out, or on paper before there was this system.

    A yes that stands does not become a no here: that is a withdrawal, with all that follows. A withdrawn donation is
    not given again: a withdrawal by mistake is corrected by a second person.
    """
    unit = locked_unit(unit_id)
    word_changes()
    guard_own(unit)
    guard_past(given.given_on, "given_on")
    if not given.answers:
        raise InvalidInput("answers_missing", _("Give at least one answer."))
    donation = donation_of(unit)
    for one in consents.standings(unit):
        if one.purpose == ConsentPurpose.DONATION and one.withdrawal is not None:
            text = _("Her consent to the donation is withdrawn. If that is a mistake, have it corrected.")
            raise Conflict("consent_withdrawn", text)
        if one.purpose in given.answers:
            _guard_answer(one, given.answers[one.purpose])
            _guard_order(donation, one, given)
    rows = answers_write(donation, given, actor)
    if donation.consented_on is None and given.answers.get(ConsentPurpose.DONATION):
        donation.consented_on = given.given_on
        donation.save(update_fields=["consented_on"])
    after = {**{row.purpose: row.given for row in rows}, "given_on": given.given_on, "medium": given.medium}
    touch_unit(unit, actor=actor, action="unit.consent_record", after=after)
    return rows


def _guard_answer(one: consents.Standing, answer: bool) -> None:
    key = f"consent_{one.purpose}"
    params = {"purpose": one.purpose.label}
    stands = one.permitted and one.basis != "declared"  # of the bank's word she may always say no
    if not answer and (stands or one.purpose == ConsentPurpose.DONATION):
        text = _("She consents to “%(purpose)s” now. If she does not any more, record a withdrawal.")
        raise Conflict("withdraw_instead", text, field=key, params=params)
    if one.answer and one.answer.given == answer and one.withdrawal is None:
        text = _("This answer to “%(purpose)s” is recorded already.")
        raise Conflict("consent_recorded", text, field=key, params=params)


def _guard_order(donation: Donation, one: consents.Standing, given: Answers) -> None:
    """An older paper that turns up takes the place of nothing that she said later: no answer, no withdrawal.

    Of every withdrawal that stands, not only of that of the answer in force: a no between the two hides none.
    """
    if given.given_on is None:
        return
    key, params = f"consent_{one.purpose}", {"purpose": one.purpose.label}
    if one.answer and given.given_on < one.answer.given_on:
        text = _("She answered to “%(purpose)s” on %(day)s: an older answer does not take its place.")
        raise Conflict("answer_older", text, field=key, params={**params, "day": one.answer.given_on})
    withdrawn = donation.withdrawals.standing().filter(purpose=one.purpose)
    last = withdrawn.order_by("-withdrawn_on").values_list("withdrawn_on", flat=True).first()
    if given.answers[one.purpose] and last is not None and given.given_on <= last:
        text = _("She withdrew “%(purpose)s” on %(day)s: only a later answer gives it anew.")
        raise Conflict("answer_before_withdrawal", text, field=key, params={**params, "day": last})


def new_mother_code() -> str:
    """A code that says nothing of the mother."""
    return "M-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(10))


def donation_of(unit: CordBloodUnit) -> Donation:
    """The donation of the locked unit; one that came by a file gets one now, under a code that says nothing."""
    if unit.donation is None:
        unit.donation = Donation.objects.create(bank_id=unit.bank_id, mother_code=new_mother_code())
        unit.save(update_fields=["donation"])
    return unit.donation


# --- withdrawal -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """What the bank was told. reported_by: a code of ReportedBy."""

    purpose: str
    withdrawn_on: dt.date
    reported_by: str
    reason: str


@transaction.atomic
def consent_withdraw(*, unit_id: UUID, given: Withdrawal, actor: Actor) -> ConsentWithdrawal:
    """Record that a mother withdrew her consent for one purpose, and let it take effect at once.

    Of the donation: the unit is blocked, and held where its state allows; unless it was infused, where only what is
    still to come stops. Of the donation or of contact: her contact data are erased. What was erased and kept is
    logged, quality assurance and search coordinators are told. Raises Conflict `withdrawn_already`, `never_given`.
    """
    unit = locked_unit(unit_id)
    word_changes()
    guard_own(unit)
    purpose, reason = ConsentPurpose(given.purpose), given_reason(given.reason)
    guard_past(given.withdrawn_on, "withdrawn_on")
    standing = next(one for one in consents.standings(unit) if one.purpose == purpose)
    _guard_withdrawal(standing, given.withdrawn_on)
    row = ConsentWithdrawal.objects.create(
        donation=donation_of(unit),
        consent=standing.answer,
        purpose=purpose,
        withdrawn_on=given.withdrawn_on,
        reported_by=ReportedBy(given.reported_by),
        reason=reason,
        unit_status=unit.status,
        held=purpose == ConsentPurpose.DONATION and _may_be_held(unit),
        recorded_by_id=actor.person_id,
        recorded_at=timezone.now(),
    )
    erasure = _erase(row)
    after = {"purpose": purpose.value, "withdrawn_on": given.withdrawn_on, "reported_by": row.reported_by}
    after |= {"erased": erasure.erased, "kept": erasure.kept}
    touch_unit(unit, actor=actor, action="unit.consent_withdraw", after=after, reason=reason)
    if purpose == ConsentPurpose.DONATION:
        _block(unit, row, actor)
    notifications_create(notices=notices.consent_withdrawn(unit, row))
    return row


def _guard_withdrawal(standing: consents.Standing, withdrawn_on: dt.date) -> None:
    if standing.withdrawal is not None:
        raise Conflict("withdrawn_already", _("This consent is withdrawn already."), field="purpose")
    if not standing.may_be_withdrawn:
        text = _("She never consented to this: there is nothing to withdraw.")
        raise Conflict("never_given", text, field="purpose")
    if standing.answer and withdrawn_on < standing.answer.given_on:
        text = _("She consented on %(day)s: she cannot have withdrawn it before.")
        params = {"day": standing.answer.given_on}
        raise InvalidInput("withdrawn_before_consent", text, field="withdrawn_on", params=params)


def _may_be_held(unit: CordBloodUnit) -> bool:
    return UnitStatus.ON_HOLD in TRANSITIONS[UnitStatus(unit.status)]


def _block(unit: CordBloodUnit, row: ConsentWithdrawal, actor: Actor) -> None:
    """The flag, and the hold in the same step where the state allows it. What was infused is past all that.

    The hold bears the moment of the withdrawal, by which `_unblock` knows it from a later one.
    """
    if unit.status == UnitStatus.INFUSED:
        return
    flag = {"consent_withdrawn": True}
    reason = str(_("Consent of the mother withdrawn."))
    if not row.held:
        write_unit(unit, flag, {}, actor=actor, action="unit.consent_block", reason=reason)
        return
    fields = {**flag, "status_before_hold": unit.status, "hold_reason": reason}
    move(
        unit,
        UnitStatus.ON_HOLD,
        actor=actor,
        action="unit.hold",
        reason=reason,
        fields=fields,
        at=row.recorded_at,
    )


def _erase(row: ConsentWithdrawal) -> Erasure:
    """Contact data go with the consent to be contacted, and with that to the donation as a whole."""
    erased = []
    if row.purpose in (ConsentPurpose.CONTACT, ConsentPurpose.DONATION):
        gone, _by_model = MotherContact.objects.filter(donation=row.donation_id).delete()
        erased = ["contact"] if gone else []
    kept = ["traceability", "consents", "audit"]
    if row.donation.interviews.exists():
        kept.append("health")
    if row.donation.unit.documents.standing().exists():
        kept.append("documents")
    made: Erasure = Erasure.objects.create(withdrawal=row, erased=erased, kept=kept)
    return made


@transaction.atomic
def withdrawal_correct(*, withdrawal_id: UUID, user: User, password: str, reason: str) -> ConsentWithdrawal:
    """A withdrawal was entered by mistake (another mother, a slip): signed by somebody else than who entered it.

    It stays to be seen. A unit that it had held goes into quarantine and is released anew by what is known then, unless
    somebody has held it for something else since; what was erased is not brought back.
    """
    found = ConsentWithdrawal.objects.select_related("donation__unit").filter(pk=withdrawal_id).first()
    if found is None:
        raise InvalidInput("withdrawal_unknown", _("There is no such withdrawal."))
    unit = locked_unit(found.donation.unit.pk)
    guard_own(unit)
    row = ConsentWithdrawal.objects.get(pk=withdrawal_id)  # as it is under the lock
    if row.corrected_at is not None:
        raise Conflict("corrected_already", _("This withdrawal was corrected already."))
    reason = given_reason(reason)
    guard_signature(user, password, {str(row.recorded_by_id)} if row.recorded_by_id else ())
    row.corrected_by, row.corrected_at, row.correction_reason = user, timezone.now(), reason
    row.save(update_fields=["corrected_by", "corrected_at", "correction_reason"])
    actor = Actor.user(user)
    before = {"purpose": row.purpose, "withdrawn_on": row.withdrawn_on}
    touch_unit(unit, actor=actor, action="unit.consent_correct", before=before, reason=reason)
    if row.purpose == ConsentPurpose.DONATION:
        _unblock(unit, row, actor, reason)
    notifications_create(notices=notices.withdrawal_corrected(unit, row))
    return row


def _unblock(unit: CordBloodUnit, row: ConsentWithdrawal, actor: Actor, reason: str) -> None:
    """Never straight back on offer: the way leads through the quarantine.

    Raises Conflict where the unit entered as reserved and nobody has said for whom: that promise would be forgotten.
    """
    if unit.status_before_hold == UnitStatus.RESERVED and not is_promised(unit.pk):
        raise Conflict("name_first", NAME_FIRST)
    new: dict[str, Any] = {"consent_withdrawn": False}
    is_its_hold = row.held and unit.status_changed_at <= row.recorded_at
    if unit.status == UnitStatus.ON_HOLD and is_its_hold and not unit.recalled:
        fields = {**new, "status_before_hold": "", "hold_reason": ""}
        move(unit, UnitStatus.QUARANTINE, actor=actor, action="unit.unhold", reason=reason, fields=fields)
        return
    if unit.status == UnitStatus.ON_HOLD and unit.status_before_hold in SEARCHABLE:
        new |= {"status_before_hold": UnitStatus.QUARANTINE.value}  # held for something else too
    write_unit(unit, new, {}, actor=actor, action="unit.consent_unblock", reason=reason)
