"""Somebody of the hospital knows that a unit matches the patient less than it was chosen by, and wants it still."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.audit import Actor
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants import match_held, writing
from transplants.models import MatchAcknowledgement


def may_acknowledge(user: User, hospital_id: UUID) -> bool:
    """Coordinator or physician of that hospital: the bank does not say it for them."""
    return hospital_id in user.hospital_ids and open_in(user, Permission.ORDER_ASK, hospital_id)


@transaction.atomic
def match_acknowledge(*, reservation_id: UUID, user: User, shown: str, reason: str) -> MatchAcknowledgement:
    """What fell, and why the unit is wanted. It holds for these typings: any other one is acknowledged anew.

    shown: `Fallen.digest` of the page. The same again changes nothing. Raises NotAllowed; Conflict `match_holds`,
    `match_changed`; InvalidInput without a reason.
    """
    held = writing.locked(reservation_id)
    row = held.row
    if not may_acknowledge(user, row.hospital_id):
        raise NotAllowed("not_yours", _("Only the hospital of the patient acknowledges this."))
    reason = writing.given_reason(reason)[: writing.LONGEST_REASON]
    found = match_held.now_fallen(row)
    if found is None:
        raise Conflict(
            "match_holds", _("The unit matches as it was listed: there is nothing to acknowledge.")
        )
    if found.digest != shown:
        raise Conflict("match_changed", _("A typing has changed since you opened this page. Read it again."))
    if known := match_held.acknowledged(row, found):
        return known
    actor = Actor.user(user)
    made: MatchAcknowledgement = MatchAcknowledgement.objects.create(
        reservation=row,
        typing=found.row,
        patient_typing=found.patient_typing,
        digest=found.digest,
        found=found.change.as_json(),
        reason=reason,
        acknowledged_by=user,
        signer=actor.label[:200],
    )
    after = {"digest": made.digest, **made.found}
    writing.record(row, "reservation.match", actor, after=after, reason=reason)
    return made
