"""What was read on a bag, by a scanner or by hand, against the unit it should be."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from core.errors import InvalidInput


def names_unit(unit: CordBloodUnit, scanned: str) -> bool:
    """Whether a typed or scanned code is this unit's: its number, DIN, or a message that holds it."""
    plain = scanned.replace("\0", "").strip()
    return bool(plain) and CordBloodUnit.objects.filter(pk=unit.pk).by_number(plain) is not None


def guard_scanned(unit: CordBloodUnit, scanned: str) -> None:
    """Raises InvalidInput where what was read on the bag is not this unit, and nothing of whose it is."""
    if not names_unit(unit, scanned):
        raise InvalidInput(
            "unit_differs",
            _("This is not the code of %(unit)s. Stop, and compare the bag with the order."),
            field="scanned",
            params={"unit": unit.public_no},
        )
