"""The rules of reservations: for how long, how often extended, how many for one patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import InvalidInput
from transplants.choices import MOST_DAYS, MOST_EXTENSIONS, MOST_OF_PATIENT, MOST_PERCENT
from transplants.models import ReservationRules
from transplants.writing import given_reason

# name -> (least, most)
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "days": (1, MOST_DAYS),
    "extension_days": (1, MOST_DAYS),
    "most_extensions": (0, MOST_EXTENSIONS),
    "warn_days": (0, MOST_DAYS),
    "most_of_patient": (1, MOST_OF_PATIENT),
    "weight_days": (1, MOST_DAYS),
    "weight_percent": (1, MOST_PERCENT),
}


@transaction.atomic
def rules_update(*, values: Mapping[str, int], actor: Actor, reason: str) -> ReservationRules:
    """Other rules from now on; what is promised stays promised as it was."""
    reason = given_reason(reason)
    new = {name: int(values[name]) for name in BOUNDS}
    _guard(new)
    ReservationRules.objects.get_or_create(pk=1)
    row = ReservationRules.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in BOUNDS}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(
        actor=actor, action="reservation_rules.update", target=row, before=before, after=after, reason=reason
    )
    return row


def _guard(new: Mapping[str, int]) -> None:
    for name, (least, most) in BOUNDS.items():
        if not least <= new[name] <= most:
            raise InvalidInput(
                "rule_out_of_range",
                _("Choose a number from %(least)d to %(most)d."),
                field=name,
                params={"least": least, "most": most},
            )
    if new["warn_days"] >= new["days"]:
        raise InvalidInput(
            "warned_before_it_begins",
            _("The warning must fall within the reservation: choose fewer days than it lasts."),
            field="warn_days",
        )
