"""What people of the bank are told of units without having asked: withdrawn consents, units held by late results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import UnitStatus
from bank.choices_consent import ConsentPurpose
from bank.models import ConsentWithdrawal, CordBloodUnit
from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import Permission, Role

WITHDRAWN, CORRECTED, HELD = "consent.withdrawn", "consent.corrected", "unit.held"
TOLD = (Role.QA, Role.SEARCH_COORDINATOR)
# Where a unit is out of the bank's reach: somebody has to ring.
AWAY = frozenset(
    {UnitStatus.ORDERED, UnitStatus.RELEASED, UnitStatus.SHIPPED, UnitStatus.DELIVERED, UnitStatus.NOT_USED}
)


def _notices(code: str, unit: CordBloodUnit, params: Mapping[str, Any]) -> list[Notice]:
    """To quality assurance and search coordinators; numbers and codes, and nothing of the mother."""
    told = {"unit": unit.public_no, "unit_id": str(unit.pk), **params}
    return [Notice(person.pk, code, f"unit:{unit.pk}", told) for person in User.objects.in_roles(TOLD)]


def consent_withdrawn(unit: CordBloodUnit, row: ConsentWithdrawal) -> list[Notice]:
    params = {"purpose": row.purpose, "status": row.unit_status, "held": row.held}
    return _notices(WITHDRAWN, unit, params)


def withdrawal_corrected(unit: CordBloodUnit, row: ConsentWithdrawal) -> list[Notice]:
    return _notices(CORRECTED, unit, {"purpose": row.purpose, "status": unit.status})


def held_late(unit: CordBloodUnit) -> list[Notice]:
    """Without the reason: it may be a result of the mother, and this text goes out by plain e-mail."""
    return _notices(HELD, unit, {})


def effect(purpose: str, status: str, *, held: bool) -> str:
    """What became of the unit, in one sentence; "" where nothing of it changes."""
    if purpose == ConsentPurpose.SAMPLES:
        return _("Its reference samples are not kept any more: destroy them.")
    if purpose != ConsentPurpose.DONATION or not status:
        return ""
    if held:
        return _("It is on hold.")
    here = UnitStatus(status)
    if here == UnitStatus.ON_HOLD:
        return _("It was on hold already and stays there.")
    if here == UnitStatus.INFUSED:
        return _("It is infused: only research and contact stop.")
    if here in AWAY:
        text = _("In the state “%(status)s” it could not be held: stop it by hand, at once.")
    else:
        text = _("In the state “%(status)s” it cannot be held; it moves no further.")
    return text % {"status": here.label}


def _said(params: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(params)
    if "purpose" in found:
        found["purpose_text"] = ConsentPurpose(found["purpose"]).label
    return found


def _withdrawn_text(params: Mapping[str, Any]) -> str:
    text = _("Consent withdrawn for %(unit)s: %(purpose_text)s.") % _said(params)
    return f"{text} {effect(params['purpose'], params['status'], held=params['held'])}".strip()


def _corrected_text(params: Mapping[str, Any]) -> str:
    said = _said(params) | {"status_text": UnitStatus(params["status"]).label}
    return (
        _("A withdrawal for %(unit)s was a mistake (%(purpose_text)s); the unit is “%(status_text)s”.") % said
    )


def _url(params: Mapping[str, Any]) -> str:
    return reverse("bank:unit-consent", args=[params["unit_id"]])


def _unit_url(params: Mapping[str, Any]) -> str:
    return reverse("bank:unit-detail", args=[params["unit_id"]])


UNITS = Group("units", gettext_lazy("Units of the bank"))
_SHARED = ("unit", "unit_id", "purpose", "status", "held")

KINDS = (
    Kind(
        WITHDRAWN,
        _withdrawn_text,
        _url,
        lambda params: _("Qidai: consent withdrawn for %(unit)s") % params,
        Permission.INVENTORY_VIEW_ALL,
        UNITS,
        Weight.URGENT,
        gettext_lazy("A consent was withdrawn"),
        _SHARED,
    ),
    Kind(
        CORRECTED,
        _corrected_text,
        _url,
        lambda params: _("Qidai: withdrawal corrected for %(unit)s") % params,
        Permission.INVENTORY_VIEW_ALL,
        UNITS,
        label=gettext_lazy("A withdrawal was a mistake"),
        shared=_SHARED,
    ),
    Kind(
        HELD,
        lambda params: _("%(unit)s was on offer and is held now. Its page says why.") % params,
        _unit_url,
        lambda params: _("Qidai: %(unit)s is on hold") % params,
        Permission.INVENTORY_VIEW_ALL,
        UNITS,
        Weight.URGENT,
        gettext_lazy("A unit on offer was put on hold by a late result"),
        ("unit", "unit_id"),
    ),
)
