"""How a mother is reached later: kept encrypted while she consents to it, and every look is on record."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import ConsentPurpose
from bank.consents import permits
from bank.models import CordBloodUnit, MotherContact
from bank.writing import guard_own, locked_unit, touch_unit
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

FIELDS = ("name", "phone", "other")


@transaction.atomic
def contact_view(*, unit_id: UUID, actor: Actor) -> MotherContact | None:
    """For showing it once. The look is on record before anybody sees a letter of it."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    audit.record(actor=actor, action="unit.contact_viewed", target=unit)
    return _contact(unit)


@transaction.atomic
def contact_update(*, unit_id: UUID, values: Mapping[str, str], actor: Actor) -> MotherContact:
    """Write how she is reached. Conflict `no_contact_consent`. The audit entry names fields, never values."""
    unit = locked_unit(unit_id)
    guard_own(unit)
    if unit.donation is None or not permits(unit, ConsentPurpose.CONTACT):
        raise Conflict(
            "no_contact_consent",
            _("She did not consent to being contacted later: nothing is kept of how she is reached."),
        )
    plain = {name: str(values.get(name, "")).replace("\0", "").strip() for name in FIELDS}
    if not any(plain.values()):
        raise InvalidInput("contact_missing", _("Give at least one way to reach her."), field="phone")
    MotherContact.objects.update_or_create(
        donation=unit.donation,
        defaults={**plain, "updated_by_id": actor.person_id, "updated_at": timezone.now()},
    )
    after = {"fields": sorted(name for name, value in plain.items() if value)}
    touch_unit(unit, actor=actor, action="unit.contact", after=after)
    return MotherContact.objects.get(donation=unit.donation)


def _contact(unit: CordBloodUnit) -> MotherContact | None:
    return MotherContact.objects.filter(donation=unit.donation_id).first() if unit.donation_id else None
