"""The rules of follow-up: how often hospitals are reminded, when the bank is told, what a primary graft failure is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import InvalidInput
from transplants.models import OutcomeRules, Transplant
from transplants.models_cohorts import MOST_REMINDER_DAYS
from transplants.services_outcomes import outcomes_refresh
from transplants.writing import given_reason

RULES: Final = ("remind_every_days", "tell_bank_after_days", "graft_failure_day")


@transaction.atomic
def outcome_rules_update(*, values: Mapping[str, Any], actor: Actor, reason: str) -> OutcomeRules:
    """They hold from now on; another day of graft failure derives every outcome anew. Raises InvalidInput."""
    reason = given_reason(reason)
    new = {name: int(values[name]) for name in RULES}
    for name, days in new.items():
        if not 1 <= days <= MOST_REMINDER_DAYS:
            text = _("Choose a number from %(least)d to %(most)d.")
            raise InvalidInput("days", text, field=name, params={"least": 1, "most": MOST_REMINDER_DAYS})
    OutcomeRules.objects.get_or_create(pk=1)
    row: OutcomeRules = OutcomeRules.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in RULES}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save(update_fields=[*RULES, "updated_at"])
    if "graft_failure_day" in after:
        outcomes_refresh(transplant_ids=list(Transplant.objects.values_list("pk", flat=True)))
    audit.record(
        actor=actor, action="outcome_rules.update", target=row, before=before, after=after, reason=reason
    )
    return row
