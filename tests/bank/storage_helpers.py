"""What the tests of the pages of the storage have in common."""

from __future__ import annotations

import re
from typing import Any

from bank.models import CordBloodUnit, Slot
from bank.services_storage import unit_place
from tests.bank.conftest import SYSTEM
from tests.factories.bank import UnitFactory
from tests.factories.storage import slot


def place(position: int = 1, tank_code: str = "T1", **unit: Any) -> CordBloodUnit:
    made: CordBloodUnit = UnitFactory(**unit)
    target = slot(position, tank_code)
    if unit.get("status") in (None, "LISTED", "QUARANTINE"):
        unit_place(unit_id=made.pk, slot_id=target.pk, actor=SYSTEM)
    else:
        Slot.objects.filter(pk=target.pk).update(unit=made)
    return made


def where(unit: CordBloodUnit) -> str:
    row = Slot.objects.with_place().filter(unit=unit).first()
    return row.place if row else ""


def body(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())
