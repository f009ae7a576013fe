"""Who is told of an alarm of a tank, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import TankQuantity
from bank.models import TankAlarm
from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import Permission, roles_with

CODE = "tank.alarm"


def notices(alarm: TankAlarm) -> list[Notice]:
    """One for each person of the storage; the number of the tank and its values, and nothing of any unit."""
    people = User.objects.in_roles(roles_with(Permission.STORAGE_EDIT))
    params = {
        "tank": alarm.tank.code,
        "tank_id": str(alarm.tank_id),
        "what": alarm.what,
        "value": f"{alarm.value:g} {alarm.unit_sign}",
        "limit": f"{alarm.limit:g} {alarm.unit_sign}",
    }
    return [Notice(person.pk, CODE, f"tank:{alarm.tank_id}", params) for person in people]


def _text(params: Mapping[str, Any]) -> str:
    said = {**params, "what": TankQuantity(params["what"]).label}
    return _("Alarm of tank %(tank)s: %(what)s %(value)s, limit %(limit)s.") % said


def _url(params: Mapping[str, Any]) -> str:
    return f"{reverse('bank:storage-tank', args=[params['tank_id']])}#log"


def _subject(params: Mapping[str, Any]) -> str:
    return _("Qidai: alarm of tank %(tank)s") % params


ALARM = Kind(
    CODE,
    _text,
    _url,
    _subject,
    Permission.STORAGE_EDIT,
    Group("storage", gettext_lazy("Storage")),
    Weight.URGENT,
    gettext_lazy("Alarm of a tank"),
    shared=("tank", "tank_id", "what", "value", "limit"),
)
