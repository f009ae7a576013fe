"""Recalls: started over units or a lot, lifted, one unit taken out. Each by the password, the end by another person.

Locks: units by key, then their lot, the incident, the recall; people are told last of all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import recalls
from bank.models import CordBloodUnit, Lot
from core import audit, notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.signing import guard_signature
from transplants import notices_incidents as notices
from transplants.affected import OUTSIDE, Affected, affected_by, stakes_of
from transplants.choices_incidents import IncidentKind
from transplants.incidents import Found, opened
from transplants.models import Incident, Recall, RecallUnit
from transplants.numbers import RECALL, next_number
from transplants.recalled import batch_of, hold_back, why
from transplants.writing import given_reason


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be recalled: units, or all on which a lot was used, under every name of it."""

    unit_ids: Collection[UUID] = ()
    lot_id: UUID | None = None

    def keys(self) -> set[UUID]:
        of_lot = recalls.unit_ids_of(self.lot_id) if self.lot_id else []
        return {*self.unit_ids, *of_lot}


def would_recall(wanted: Wanted) -> Affected:
    """What a person is shown before the signature; its digest is what the signature is of."""
    return affected_by(wanted.keys())


@transaction.atomic
def recall_start(
    *,
    wanted: Wanted,
    reason: str,
    seen: str,
    user: User,
    password: str,
    incident_id: UUID | None = None,
    title: str = "",
    recall_id: UUID | None = None,
) -> Recall:
    """No unit of it moves forward from now on; each hospital that has one at stake is told. All or nothing, signed.

    seen: the digest that was shown; Conflict `recall_changed` where the units, their states or whom they concern are
    others now. Without an incident one is opened, called `title`: a rapid alert where a unit has left the bank. A lot
    is kept from use with it. recall_id: of the form, so that a double click starts one.
    """
    _guard_may(user)
    reason = given_reason(reason)
    units = recalls.locked_units(wanted.keys())
    known: Recall | None = Recall.objects.filter(started_by=user).by_key(recall_id)
    if known is not None:
        return known
    lot = recalls.locked_lot(wanted.lot_id) if wanted.lot_id else None
    affected = would_recall(wanted)
    _guard_shown(affected, units, seen)
    if incident_id is None and not title.strip():
        raise InvalidInput("title_missing", _("Say in a few words what it is about."), field="title")
    guard_signature(user, password)
    return begun(
        affected, units, lot, reason, user, incident_id=incident_id, title=title, recall_id=recall_id
    )


def begun(
    affected: Affected,
    units: Sequence[CordBloodUnit],
    lot: Lot | None,
    reason: str,
    user: User,
    *,
    incident_id: UUID | None = None,
    title: str = "",
    recall_id: UUID | None = None,
) -> Recall:
    """What the signature sets going. Not a service of its own: the caller has locked units and lot."""
    actor = Actor.user(user)
    with notifications.kept_back() as told:  # people are locked once the numbers are taken
        incident = _incident(incident_id) or _opened(title, reason, affected, lot, actor)
        row = _written(incident, lot, reason, user, recall_id)
    _hold_back(row, affected, units, lot, actor)
    told += notices.recall_started(row, affected.stakes, but=user.pk)
    notifications.notifications_create(notices=told)
    return row


def _guard_may(user: User) -> None:
    if not user.has_permission(Permission.RECALL_START):
        raise NotAllowed("not_yours", _("You may not recall units."))


def _guard_shown(affected: Affected, units: Sequence[CordBloodUnit], seen: str) -> None:
    if not units:
        raise InvalidInput("units_needed", _("Name at least one unit."), field="units")
    if affected.digest != seen or len(affected.units) != len(units):
        text = _(
            "Units, or whom they concern, have changed since you read this page. Read it again, then sign."
        )
        raise Conflict("recall_changed", text)


def _incident(incident_id: UUID | None) -> Incident | None:
    if incident_id is None:
        return None
    row: Incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
    if not row.is_open:
        text = _("%(number)s is closed. Who investigates incidents can open it again.")
        raise Conflict("incident_closed", text, field="incident", params={"number": row.number})
    return row


def _opened(title: str, reason: str, affected: Affected, lot: Lot | None, actor: Actor) -> Incident:
    """The incident of a recall that came first. Its units are written with those of the recall."""
    found = Found(
        kind=IncidentKind.EVENT,
        title=title.replace("\0", "").strip(),
        what=reason,
        lot=lot,
        rapid_alert=any(unit.status in OUTSIDE for unit in affected.units),
    )
    return opened(found, actor=actor)


def _written(incident: Incident, lot: Lot | None, reason: str, user: User, recall_id: UUID | None) -> Recall:
    taken = recall_id is None or Recall.objects.filter(pk=recall_id).exists()
    row: Recall = Recall.objects.create(
        id=uuid4() if taken else recall_id,
        number=next_number(RECALL, timezone.localdate().year),
        incident=incident,
        lot=lot,
        reason=reason,
        started_by=user,
    )
    return row


def _hold_back(
    row: Recall, affected: Affected, units: Sequence[CordBloodUnit], lot: Lot | None, actor: Actor
) -> None:
    hold_back(row, units, actor)
    if lot is not None:
        recalls.block_lot(lot, actor=actor, reason=why(row))
    after = {
        "incident": row.incident.number,
        "lot": str(lot or ""),
        "outside": len(affected.outside),
        "hospitals": [hospital.code for hospital in affected.hospitals],
    }
    _record(row, "recall.start", actor, after=after, reason=row.reason, batch=batch_of(units))


# --- its end --------------------------------------------------------------------------------------


@transaction.atomic
def recall_lift(*, recall_id: UUID, reason: str, user: User, password: str) -> Recall:
    """All its units are free of it, by another person than who started it. One that is in another recall stays back.

    A lot stays blocked: it is given back to use on its own page.
    """
    return _end(recall_id, None, reason, user, password)


@transaction.atomic
def recall_free_unit(*, recall_id: UUID, unit_id: UUID, reason: str, user: User, password: str) -> Recall:
    """One unit is free of it, by another person than who started it. With its last unit the recall is lifted."""
    return _end(recall_id, unit_id, reason, user, password)


def _end(recall_id: UUID, unit_id: UUID | None, reason: str, user: User, password: str) -> Recall:
    _guard_may(user)
    reason = given_reason(reason)
    wanted = _held(recall_id) if unit_id is None else {unit_id}
    units = recalls.locked_units(wanted)  # before the recall, as whoever starts one
    row = _locked(recall_id)
    held = _held(recall_id)  # behind the lock: somebody may have freed one meanwhile
    _guard_end(row, unit_id, held, user)
    guard_signature(user, password)
    freed = [unit for unit in units if unit.pk in held]
    left = held - {unit.pk for unit in freed}
    _free(row, freed, reason, user)
    if not left:
        _lift(row, reason, user)
    _tell(row, freed, user, lifted=not left)
    return row


def _held(recall_id: UUID) -> set[UUID]:
    rows = RecallUnit.objects.filter(recall=recall_id, freed_at__isnull=True)
    return set(rows.values_list("unit", flat=True))


def _locked(recall_id: UUID) -> Recall:
    rows = Recall.objects.select_related("incident", "lot").select_for_update(no_key=True, of=("self",))
    found: Recall = rows.get(pk=recall_id)
    return found


def _guard_end(row: Recall, unit_id: UUID | None, held: Collection[UUID], user: User) -> None:
    if not row.is_on:
        raise Conflict("recall_lifted", _("%(number)s is lifted already."), params={"number": row.number})
    if unit_id is not None and unit_id not in held:
        raise Conflict("unit_free", _("This unit is not held by the recall any more."))
    if row.started_by_id == user.pk:
        raise NotAllowed("own_work", _("You started this recall. Somebody else must end it."))


def _free(row: Recall, units: Sequence[CordBloodUnit], reason: str, user: User) -> None:
    keys = [unit.pk for unit in units]
    of_recall = RecallUnit.objects.filter(recall=row, unit__in=keys)
    of_recall.update(freed_at=timezone.now(), freed_by=user, free_reason=reason)
    kept = set(RecallUnit.objects.on().exclude(recall=row).of_units(keys).values_list("unit", flat=True))
    actor = Actor.user(user)
    recalls.unflag_all(units, kept=kept, actor=actor, reason=f"{row.number}: {reason}")
    _record(row, "recall.free", actor, after={"units": len(units)}, reason=reason, batch=batch_of(units))


def _lift(row: Recall, reason: str, user: User) -> None:
    row.lifted_by, row.lifted_at, row.lift_reason = user, timezone.now(), reason
    row.save(update_fields=["lifted_by", "lifted_at", "lift_reason"])
    _record(row, "recall.lift", Actor.user(user), after={"lifted": True}, reason=reason)


def _tell(row: Recall, freed: Sequence[CordBloodUnit], user: User, *, lifted: bool) -> None:
    """Hospitals of the units that nothing keeps back any more."""
    stakes = stakes_of([unit.pk for unit in freed if not unit.recalled])
    tell = notices.recall_lifted if lifted else notices.unit_freed
    notifications.notifications_create(notices=tell(row, stakes, but=user.pk))


def _record(row: Recall, action: str, actor: Actor, **values: Any) -> None:
    audit.record(actor=actor, action=action, target=(row._meta.label, str(row.pk), row.number), **values)
