"""A match request follows what is promised, ordered and sent to its patient; that itself is kept further left."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import audit
from core.audit import Actor
from matching.choices import TRANSITIONS, RequestState
from matching.models import MatchRequest

_R = RequestState
# The way of a request once a unit is promised by it, step by step.
FORWARD: Final = (_R.RESERVED, _R.ORDERED, _R.SHIPPED, _R.CLOSED)
ACTION: Final = {
    _R.SEARCHED: "request.unreserved",
    _R.RESERVED: "request.reserved",
    _R.ORDERED: "request.ordered",
    _R.SHIPPED: "request.shipped",
    _R.CLOSED: "request.closed",
}


@transaction.atomic
def request_follow(*, request_id: UUID | None, promised: bool, actor: Actor) -> None:
    """A unit is reserved by this request, or none is any more: its state says so. The caller holds the patient.

    A request that has ended meanwhile, or goes on to other steps, stays what it is: another unit of it may be ordered.
    """
    if request_id is None:
        return
    request = _locked(request_id)
    here = _R(request.state)
    to = _R.RESERVED if promised else _R.SEARCHED
    is_step = here not in FORWARD if promised else here == _R.RESERVED
    if is_step and to in TRANSITIONS[here]:
        _move(request, to, actor)


@transaction.atomic
def request_advance(*, request_id: UUID | None, to: RequestState, actor: Actor) -> None:
    """The request goes where the orders of its units are: on by each step between, or back.

    The caller holds the patient. One that has ended, that is being searched, or that cannot go there, stays what it is.
    """
    if request_id is None:
        return
    request = _locked(request_id)
    for step in _way(_R(request.state), to):
        _move(request, step, actor)


def _way(here: RequestState, to: RequestState) -> list[RequestState]:
    """The steps from here to there; [] where there is no way."""
    if here == to:
        return []
    if to in TRANSITIONS[here]:
        return [to]
    if to not in FORWARD:
        return []
    after = FORWARD[FORWARD.index(here) + 1 :] if here in FORWARD else FORWARD
    steps = list(after[: after.index(to) + 1]) if to in after else []
    places = [here, *steps]
    whole = all(later in TRANSITIONS[now] for now, later in zip(places, steps, strict=False))
    return steps if whole else []


def _locked(request_id: UUID) -> MatchRequest:
    found: MatchRequest = MatchRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    return found


def _move(request: MatchRequest, to: RequestState, actor: Actor) -> None:
    before = request.state
    request.state, request.updated_at = to, timezone.now()
    request.save(update_fields=["state", "updated_at"])
    audit.record(
        actor=actor,
        action=ACTION[to],
        target=request,
        before={"state": before},
        after={"state": to},
        hospital_id=request.hospital_id,
    )
