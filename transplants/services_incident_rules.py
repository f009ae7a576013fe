"""The rules of incidents: within how many days they are reported outside, and whom hospitals call on a recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import InvalidInput
from transplants.choices_incidents import MOST_DAYS
from transplants.models import IncidentRules
from transplants.writing import given_reason

RULES = ("serious_days", "rapid_days", "hotline")


@transaction.atomic
def incident_rules_update(*, values: Mapping[str, Any], actor: Actor, reason: str) -> IncidentRules:
    """Other days and another telephone from now on; what is open keeps its day."""
    reason = given_reason(reason)
    new = {"serious_days": int(values["serious_days"]), "rapid_days": int(values["rapid_days"])}
    for name, days in new.items():
        if not 0 <= days <= MOST_DAYS:
            text = _("Choose a number from %(least)d to %(most)d.")
            raise InvalidInput("days", text, field=name, params={"least": 0, "most": MOST_DAYS})
    if new["rapid_days"] > new["serious_days"]:
        text = _("A rapid alert is reported no later than other serious incidents.")
        raise InvalidInput("rapid_is_later", text, field="rapid_days")
    told: dict[str, Any] = {**new, "hotline": " ".join(values["hotline"].replace("\0", "").split())[:40]}
    IncidentRules.objects.get_or_create(pk=1)
    row = IncidentRules.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in RULES}, told)
    for name, value in told.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(
        actor=actor, action="incident_rules.update", target=row, before=before, after=after, reason=reason
    )
    return row
