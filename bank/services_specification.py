"""Versions of a bank's release specification: written by one person, put in force by another, never changed after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import Bank, ReleaseCriterion, ReleaseSpecification
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature

COLUMNS = (
    "kind", "time_point", "analyte", "comparison", "threshold", "measure_unit", "subject", "test", "allowed",
    "may_be_excepted", "reference", "unconfirmed",
)  # fmt: skip
MOST_CRITERIA = 80


@transaction.atomic
def specification_draft(
    *, bank_id: UUID, title: str, effective_from: dt.date, criteria: Sequence[Mapping[str, Any]], actor: Actor
) -> ReleaseSpecification:
    """Write another version. It judges nothing before somebody else has approved it.

    criteria: values of COLUMNS, in order; the last draft of the bank that nobody approved is replaced by it.
    """
    bank = Bank.objects.select_for_update(no_key=True).filter(pk=bank_id).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    if not title.strip():
        raise InvalidInput("title_missing", _("Give it a title."), field="title")
    if not criteria:
        raise InvalidInput("criteria_missing", _("A specification asks for at least one thing."))
    if len(criteria) > MOST_CRITERIA:
        raise InvalidInput(
            "too_many_criteria", _("At most %(most)d criteria."), params={"most": MOST_CRITERIA}
        )
    rows = bank.release_specifications
    drafts = rows.filter(approved_at=None)
    newest = rows.order_by("-version").values_list("version", flat=True).first() or 0
    version = newest if drafts.filter(version=newest).exists() else newest + 1
    drafts.delete()
    row = ReleaseSpecification.objects.create(
        bank=bank,
        version=version,
        title=title.strip()[:120],
        effective_from=effective_from,
        created_by_id=actor.person_id,
    )
    ReleaseCriterion.objects.bulk_create(
        ReleaseCriterion(
            specification=row, position=place, **{name: one[name] for name in COLUMNS if name in one}
        )
        for place, one in enumerate(criteria, start=1)
    )
    after = {"bank": bank.code, "version": version, "title": row.title, "criteria": len(criteria)}
    audit.record(actor=actor, action="specification.draft", target=row, after=after)
    return row


@transaction.atomic
def specification_approve(*, specification_id: UUID, user: User, password: str) -> ReleaseSpecification:
    """Put a version in force from its day on, with the password; never by the person who wrote it.

    A day that has passed is moved to today: no unit was judged by it yet.
    """
    # a draft is replaced under this lock
    Bank.objects.select_for_update(no_key=True, of=("self",)).filter(
        release_specifications__pk=specification_id
    ).first()
    row = (
        ReleaseSpecification.objects.select_for_update(no_key=True, of=("self",))
        .select_related("bank")
        .filter(pk=specification_id)
        .first()
    )
    if row is None:
        raise InvalidInput("specification_unknown", _("There is no such specification."))
    if row.approved_at is not None:
        raise Conflict("approved_already", _("This version is approved already."))
    guard_signature(user, password, {str(row.created_by_id)} if row.created_by_id else ())
    row.approved_by, row.approved_at = user, timezone.now()
    row.effective_from = max(row.effective_from, timezone.localdate())
    row.save(update_fields=["approved_by", "approved_at", "effective_from"])
    after = {"bank": row.bank.code, "version": row.version, "effective_from": row.effective_from}
    audit.record(actor=Actor.user(user), action="specification.approve", target=row, after=after)
    return row
