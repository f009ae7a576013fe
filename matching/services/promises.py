"""A match request follows what is promised to its patient; the promise itself is kept further left."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import audit
from core.audit import Actor
from matching.choices import TRANSITIONS, RequestState
from matching.models import MatchRequest


@transaction.atomic
def request_follow(*, request_id: UUID | None, promised: bool, actor: Actor) -> None:
    """A unit is reserved by this request, or none is any more: its state says so. The caller holds the patient.

    A request that has ended meanwhile, or goes on to other steps, stays what it is.
    """
    if request_id is None:
        return
    request = MatchRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    here = RequestState(request.state)
    to = RequestState.RESERVED if promised else RequestState.SEARCHED
    if to not in TRANSITIONS[here] or (not promised and here != RequestState.RESERVED):
        return
    request.state, request.updated_at = to, timezone.now()
    request.save(update_fields=["state", "updated_at"])
    audit.record(
        actor=actor,
        action="request.reserved" if promised else "request.unreserved",
        target=request,
        before={"state": here},
        after={"state": to},
        hospital_id=request.hospital_id,
    )
