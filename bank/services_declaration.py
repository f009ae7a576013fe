"""The bank's word on consents of before answers were kept: written by one person, signed by another."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Source
from bank.choices_consent import DECLARABLE, ConsentPurpose
from bank.models import Bank, ConsentDeclaration
from bank.results import guard_past
from bank.word_locks import word_changes
from bank.writing import given_reason
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature


@transaction.atomic
def declaration_write(
    *,
    bank_id: UUID,
    purpose: str,
    collected_from: dt.date,
    collected_until: dt.date,
    reason: str,
    actor: Actor,
) -> ConsentDeclaration:
    """Say that the mothers of own units collected in a period consented to a purpose; it counts once it is signed.

    reason: on what papers it rests. Of a mother whose answer is kept her own answer counts, whatever stands here.
    """
    bank = Bank.objects.filter(pk=bank_id, source=Source.OWN).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    if ConsentPurpose(purpose) not in DECLARABLE:
        raise InvalidInput("not_declarable", _("For this purpose only the mother's own answer counts."))
    guard_past(collected_until, "collected_until")
    if collected_until < collected_from:
        raise InvalidInput(
            "period", _("The last day must not lie before the first."), field="collected_until"
        )
    row: ConsentDeclaration = ConsentDeclaration.objects.create(
        bank=bank,
        purpose=purpose,
        collected_from=collected_from,
        collected_until=collected_until,
        reason=given_reason(reason),
        entered_by_id=actor.person_id,
    )
    audit.record(actor=actor, action="declaration.write", target=row, after=_told(row), reason=row.reason)
    return row


@transaction.atomic
def declaration_approve(*, declaration_id: UUID, user: User, password: str) -> ConsentDeclaration:
    """Sign it, with the password; never by the person who wrote it."""
    row = _locked(declaration_id)
    if row.approved_at is not None:
        raise Conflict("approved_already", _("This declaration is signed already."))
    guard_signature(user, password, {str(row.entered_by_id)} if row.entered_by_id else ())
    row.approved_by, row.approved_at = user, timezone.now()
    row.save(update_fields=["approved_by", "approved_at"])
    audit.record(actor=Actor.user(user), action="declaration.approve", target=row, after=_told(row))
    return row


@transaction.atomic
def declaration_end(*, declaration_id: UUID, actor: Actor, reason: str) -> ConsentDeclaration:
    """It counts no more from now on, and stays to be seen; the next file to a registry abroad takes the units back."""
    row = _locked(declaration_id)
    word_changes()
    row.ended_by_id, row.ended_at, row.end_reason = actor.person_id, timezone.now(), given_reason(reason)
    row.save(update_fields=["ended_by", "ended_at", "end_reason"])
    audit.record(actor=actor, action="declaration.end", target=row, before=_told(row), reason=row.end_reason)
    return row


def _locked(declaration_id: UUID) -> ConsentDeclaration:
    row: ConsentDeclaration | None = (
        ConsentDeclaration.objects.select_for_update(no_key=True, of=("self",))
        .select_related("bank")
        .filter(pk=declaration_id)
        .first()
    )
    if row is None:
        raise InvalidInput("declaration_unknown", _("There is no such declaration."))
    if row.ended_at is not None:
        raise Conflict("ended_already", _("This declaration is ended already."))
    return row


def _told(row: ConsentDeclaration) -> dict[str, object]:
    names = ("purpose", "collected_from", "collected_until")
    return {"bank": row.bank.code, **{name: getattr(row, name) for name in names}}
