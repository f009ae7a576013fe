"""What every write to an incident shares: the lock, the stamp of what was shown, checks of input, the audit entry.

Not services of their own: they act inside the transaction of the service that makes the step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import hospitals_open_to
from transplants.models import Incident


def stamp(row: Incident) -> str:
    """What a page carries, so that its step is of what it showed."""
    return row.updated_at.isoformat()


def locked_incident(incident_id: UUID, user: User, permission: Permission) -> Incident:
    rows = Incident.objects.select_related("hospital", "patient", "order", "lot", "owner", "closed_by")
    row: Incident = rows.select_for_update(no_key=True, of=("self",)).get(pk=incident_id)
    opened_to = hospitals_open_to(user, permission)
    if opened_to is not None and row.hospital_id not in opened_to:
        raise NotAllowed("not_yours", _("You may not write into this incident."))
    return row


def guard_open(row: Incident) -> None:
    if not row.is_open:
        text = _("%(number)s is closed. Who investigates incidents can open it again.")
        raise Conflict("incident_closed", text, params={"number": row.number})


def guard_seen(row: Incident, seen: str) -> None:
    if seen != stamp(row):
        text = _(
            "%(number)s has changed since you read it. It is shown as it is now: read it, then send again."
        )
        raise Conflict("incident_changed", text, params={"number": row.number})


def save(row: Incident, values: Mapping[str, Any]) -> None:
    for name, value in {**values, "updated_at": timezone.now()}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])


def record(row: Incident, action: str, actor: Actor, **values: Any) -> None:
    target = (row._meta.label, str(row.pk), row.number)
    audit.record(actor=actor, action=action, target=target, hospital_id=row.hospital_id, **values)


def choice_of(given: str, of: Any, field: str) -> Any:
    if given not in of.values:
        raise InvalidInput("choice_unknown", _("Choose one of the list."), field=field)
    return of(given)


def text_of(given: str, longest: int, field: str, missing: Any) -> str:
    plain = given.replace("\0", "").strip()
    if not plain:
        raise InvalidInput(f"{field}_missing", missing, field=field)
    if len(plain) > longest:
        text = _("At most %(n)d characters; these are %(given)d.")
        raise InvalidInput("too_long", text, field=field, params={"n": longest, "given": len(plain)})
    return plain


def past_day(day: dt.date, field: str) -> dt.date:
    if day > timezone.localdate():
        raise InvalidInput("in_the_future", _("This day is still to come."), field=field)
    return day
