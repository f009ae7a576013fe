"""Writes about files with HLA typings: taken and counted, asked for, approved or refused by a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import notices_genetic
from bank.choices_genetic import FOR_A_PATIENT, ApprovalState, GeneticKind, GeneticPurpose
from bank.genetic import Asked, digest_of, is_foreign, needs_approval
from bank.models import ExportApproval, GeneticLimits
from bank.models.genetic import MOST
from bank.writing import given_reason
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.notifications import notifications_create
from core.roles import Permission
from core.signing import guard_signature

LIMITS = (*MOST, "home_country")


# --- a file is taken ------------------------------------------------------------------------------


@transaction.atomic
def genetic_take(*, user: User, asked: Asked, approval_id: UUID | None = None) -> bool:
    """Count a file, or a page of an API, that a person takes now. True: it needed an approval, which is used up by it.

    Raises NotAllowed `needs_approval` where a foreign account asks for too many; Conflict where the approval that it
    names is none for exactly this: `approval_unknown`, `approval_not_good`, `approval_other`.
    """
    foreign = is_foreign(user)
    by_approval = False
    if foreign:
        limits = GeneticLimits.load()
        # one at a time: two halves of too much are too much
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if needs_approval(asked, user=user, limits=limits):
            if approval_id is None or not asked.is_file:
                raise _needed(asked, limits)
            _use(approval_id, user, asked)
            by_approval = True
    _count(user, asked.kind, asked.told, foreign=foreign, approved=by_approval, patient=asked.patient)
    if asked.is_file or foreign:
        told = {"kind": asked.kind.value, "units": asked.told, "foreign": foreign, "what": asked.title}
        after = told | ({"approval": str(approval_id)} if by_approval else {})
        audit.record(actor=Actor.user(user), action="genetic.take", target=user, after=after)
    return by_approval


def _needed(asked: Asked, limits: GeneticLimits) -> NotAllowed:
    if asked.is_file:
        text = _(
            "HLA typings of %(units)s units for a foreign account need an approval (more than %(most)s in one file, "
            "than %(patient)s of one patient's lists in 30 days, or than %(year)s of the inventory in a year)."
        )
    else:
        text = _(
            "HLA typings beyond the first %(most)s units of a list, beyond %(patient)s of one patient's lists in 30 "
            "days, or beyond %(year)s of the inventory in a year, are not answered to a foreign account. Ask for the "
            "file on its page: another person approves it."
        )
    params = {
        "units": asked.count, "most": limits.most_units, "year": limits.most_units_a_year,
        "patient": limits.most_units_a_patient,
    }  # fmt: skip
    return NotAllowed("needs_approval", text, params=params)


def _use(approval_id: UUID, user: User, asked: Asked) -> None:
    row = ExportApproval.objects.select_for_update(no_key=True).filter(pk=approval_id, asked_by=user).first()
    if row is None:
        raise Conflict("approval_unknown", _("There is no such approval of yours."))
    if not row.is_good:
        raise Conflict("approval_not_good", _("This approval is used, refused, over, or not given yet."))
    if row.digest != digest_of(asked.kind, asked.address, asked.ids()):
        text = _("The selection is not the one that was approved: units came or went since. Ask anew.")
        raise Conflict("approval_other", text)
    row.state, row.used_at = ApprovalState.USED, timezone.now()
    row.save(update_fields=["state", "used_at"])


@transaction.atomic
def genetic_blocked(*, user: User, asked: Asked, reason: str) -> None:
    """A file that was asked for and not made: the trail says so, after the refusal undid everything else."""
    after = {"kind": asked.kind.value, "units": asked.count, "what": asked.title, "why": reason}
    audit.record(actor=Actor.user(user), action="genetic.blocked", target=user, after=after)


@transaction.atomic
def genetic_count(*, user: User, kind: GeneticKind, units: int) -> None:
    """Count a file that another service gates and audits: what goes to registries abroad."""
    _count(user, kind, units, foreign=is_foreign(user), approved=False)


def _count(
    user: User, kind: GeneticKind, units: int, *, foreign: bool, approved: bool, patient: str = ""
) -> None:
    """One statement: a page of an API is counted too, and should not wait for it."""
    values = (user.pk, timezone.localdate(), GeneticKind(kind).value, foreign, approved, patient, units)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)


_COUNT = """
    INSERT INTO bank_genetictally (user_id, day, kind, "foreign", approved, patient, files, units)
    VALUES (%s, %s, %s, %s, %s, %s, 1, %s)
    ON CONFLICT (day, user_id, kind, "foreign", approved, patient)
    DO UPDATE SET files = bank_genetictally.files + 1, units = bank_genetictally.units + EXCLUDED.units
"""


# --- an approval ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Said:
    """What whoever asks says of it."""

    purpose: str
    purpose_text: str
    recipient: str
    recipient_country: str
    permit_no: str = ""


PERMIT_NEEDED = _("Anything but the list of a patient for the treatment needs the number of the HGR permit.")


def permit_needed(kind: str, purpose: str) -> bool:
    """Treatment is that of a named patient: nobody is treated with the inventory."""
    return purpose != GeneticPurpose.TREATMENT or kind not in FOR_A_PATIENT


@transaction.atomic
def approval_ask(
    *, user: User, kind: str, address: str, title: str, units: int, digest: str, said: Said
) -> ExportApproval:
    """Ask for a file that needs an approval. Raises InvalidInput `permit_needed`, Conflict `asked_already`."""
    text, recipient = said.purpose_text.strip(), said.recipient.strip()
    permit = " ".join(said.permit_no.split())[:60]
    if not text:
        raise InvalidInput("purpose_needed", _("Say what it is for."), field="purpose_text")
    if not recipient:
        raise InvalidInput("recipient_needed", _("Name the recipient."), field="recipient")
    if not permit and permit_needed(kind, said.purpose):
        raise InvalidInput("permit_needed", PERMIT_NEEDED, field="permit_no")
    row = ExportApproval(
        kind=GeneticKind(kind), address=address, title=title[:200], units=units, digest=digest,
        purpose=GeneticPurpose(said.purpose), purpose_text=text[:2000], recipient=recipient[:200],
        recipient_country=said.recipient_country, permit_no=permit, asked_by=user,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            "asked_already", _("You asked for this already; somebody has to decide on it.")
        ) from error
    after = {"kind": row.kind, "units": units, "purpose": row.purpose, "country": row.recipient_country}
    audit.record(actor=Actor.user(user), action="genetic.ask", target=row, after=after | {"permit": permit})
    return row


@transaction.atomic
def approval_give(*, approval_id: UUID, user: User, password: str) -> ExportApproval:
    """Approve, signed, exactly this file, once, for some days."""
    row = _locked(approval_id)
    if not row.permit_no and permit_needed(row.kind, row.purpose):
        raise Conflict("permit_needed", PERMIT_NEEDED)  # asked for before the rule was this one
    _guard_decider(row, user, password)
    row.expires_at = timezone.now() + dt.timedelta(days=GeneticLimits.load().valid_days)
    _decide(row, ApprovalState.APPROVED, user)
    after = {"units": row.units, "expires_at": row.expires_at, "digest": row.digest}
    audit.record(actor=Actor.user(user), action="genetic.approve", target=row, after=after)
    notifications_create(notices=notices_genetic.decided(row))
    return row


@transaction.atomic
def approval_refuse(*, approval_id: UUID, user: User, password: str, reason: str) -> ExportApproval:
    """Say no, signed, with the reason that whoever asked reads."""
    row = _locked(approval_id)
    row.decision_reason = given_reason(reason)
    _guard_decider(row, user, password)
    _decide(row, ApprovalState.REFUSED, user)
    actor = Actor.user(user)
    audit.record(actor=actor, action="genetic.refuse", target=row, reason=row.decision_reason)
    notifications_create(notices=notices_genetic.decided(row))
    return row


def _locked(approval_id: UUID) -> ExportApproval:
    row = ExportApproval.objects.select_for_update(no_key=True).filter(pk=approval_id).first()
    if row is None:
        raise InvalidInput("approval_unknown", _("There is no such request."))
    if not row.is_open:
        text = _("Somebody was quicker: this request is “%(state)s” already.")
        raise Conflict("decided_already", text, params={"state": row.get_state_display()})
    return row


def _guard_decider(row: ExportApproval, user: User, password: str) -> None:
    _guard_own(user)
    if row.asked_by_id == user.pk:
        raise NotAllowed("own_work", _("You asked for it yourself. Somebody else must sign."))
    guard_signature(user, password)


def _guard_own(user: User) -> None:
    if not user.has_permission(Permission.GENETIC_APPROVE) or is_foreign(user):
        raise NotAllowed(
            "may_not_decide", _("Only the bank's own people decide what genetic data go abroad.")
        )


def _decide(row: ExportApproval, state: ApprovalState, user: User) -> None:
    row.state, row.decided_by, row.decided_at = state, user, timezone.now()
    row.signed_by = Actor.user(user).label[:200]
    row.save()


# --- limits ---------------------------------------------------------------------------------------


@transaction.atomic
def genetic_limits_update(
    *, values: Mapping[str, Any], user: User, password: str, reason: str
) -> GeneticLimits:
    """Change, signed, from how many units on a foreign account needs an approval, and which country is home.

    A number that goes up, and another home, are told to everybody else who may approve. InvalidInput `limit_range`.
    """
    reason = given_reason(reason)
    new = {name: values[name] for name in LIMITS}
    for name, most in MOST.items():
        if not 1 <= new[name] <= most:
            text = _("Write a number between 1 and %(most)s.")
            raise InvalidInput("limit_range", text, field=name, params={"most": most})
    _guard_own(user)
    guard_signature(user, password)
    GeneticLimits.objects.get_or_create(pk=1)
    row = GeneticLimits.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in LIMITS}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    actor = Actor.user(user)
    audit.record(actor=actor, action="genetic.limits", target=row, before=before, after=after, reason=reason)
    looser = [name for name in after if name == "home_country" or after[name] > before[name]]
    notifications_create(notices=notices_genetic.limits_looser(user, before, after, looser))
    return row
