"""What hospitals and the bank are told of shipments: numbers and codes, no day and no reason; the page says them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext_lazy

from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import BANK_ROLES, Permission, roles_with
from hospitals.querysets import members_who
from transplants.models import Shipment

SHIPPERS = roles_with(Permission.SHIPMENT_WORK, among=BANK_ROLES)
COORDINATORS = roles_with(Permission.ORDER_APPROVE, among=BANK_ROLES)


def _bank() -> list[UUID]:
    """Who ships, and who speaks with the hospitals."""
    return [user.pk for user in User.objects.in_roles([*SHIPPERS, *COORDINATORS])]


def _hospital(row: Shipment) -> list[UUID]:
    return [user.pk for user in members_who(Permission.SHIPMENT_VIEW, row.hospital_id)]


def _notices(code: str, row: Shipment, people: Iterable[UUID], but: User) -> list[Notice]:
    params = {
        "id": str(row.pk),
        "number": row.number,
        "unit": row.order.unit.public_no,
        "patient": row.order.patient.code,
        "hospital": row.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if person != but.pk]
    return [
        Notice(person, f"shipment.{code}", f"patient:{row.order.patient_id}", params, row.hospital_id)
        for person in told
    ]


def dispatched(row: Shipment, *, but: User) -> list[Notice]:
    return _notices("dispatched", row, [*_hospital(row), *_bank()], but)


def delayed(row: Shipment, *, but: User) -> list[Notice]:
    return _notices("delayed", row, [*_hospital(row), *_bank()], but)


def late(row: Shipment, *, but: User) -> list[Notice]:
    """A delay past the days of the order: whoever begins a conditioning has to know."""
    return _notices("late", row, [*_hospital(row), *_bank()], but)


def delivered(row: Shipment, *, but: User) -> list[Notice]:
    return _notices("delivered", row, [*_hospital(row), *_bank()], but)


def deviation(row: Shipment, *, but: User) -> list[Notice]:
    return _notices("deviation", row, [*_hospital(row), *_bank()], but)


def failed(row: Shipment, *, but: User) -> list[Notice]:
    return _notices("failed", row, [*_hospital(row), *_bank()], but)


# code -> (text, subject)
WORDS: dict[str, tuple[str, str]] = {
    "dispatched": (
        gettext_noop("%(unit)s for patient %(patient)s is under way to %(hospital)s (%(number)s)."),
        gettext_noop("Qidai: a unit is under way (%(patient)s)"),
    ),
    "delayed": (
        gettext_noop(
            "Shipment %(number)s with %(unit)s for patient %(patient)s is delayed. The page says more."
        ),
        gettext_noop("Qidai: a shipment is delayed (%(patient)s)"),
    ),
    "late": (
        gettext_noop(
            "Shipment %(number)s with %(unit)s will arrive after the day on which patient %(patient)s needs it. Read "
            "the page now, before the conditioning begins."
        ),
        gettext_noop("Qidai: a unit arrives too late (%(patient)s)"),
    ),
    "delivered": (
        gettext_noop("%(hospital)s has received %(unit)s for patient %(patient)s (%(number)s)."),
        gettext_noop("Qidai: a unit has arrived (%(patient)s)"),
    ),
    "deviation": (
        gettext_noop(
            "Shipment %(number)s with %(unit)s for patient %(patient)s has a deviation. Read the page now."
        ),
        gettext_noop("Qidai: a deviation of a shipment (%(patient)s)"),
    ),
    "failed": (
        gettext_noop(
            "Shipment %(number)s has failed: %(unit)s is not there for patient %(patient)s. Read the page now."
        ),
        gettext_noop("Qidai: a shipment has failed (%(patient)s)"),
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url(params: Mapping[str, Any]) -> str:
    return reverse("transplants:shipment-detail", args=[params["id"]])


# code -> (what the kind is called, how much it weighs)
NAMES = {
    "dispatched": (gettext_lazy("A unit is under way"), Weight.IMPORTANT),
    "delayed": (gettext_lazy("A shipment is delayed"), Weight.URGENT),
    "late": (gettext_lazy("A unit arrives later than its order says"), Weight.URGENT),
    "delivered": (gettext_lazy("A unit has arrived"), Weight.ORDINARY),
    "deviation": (gettext_lazy("A shipment has a deviation"), Weight.URGENT),
    "failed": (gettext_lazy("A shipment has failed"), Weight.URGENT),
}
GROUP = Group("shipments", pgettext_lazy("ordered units", "Shipments"))
SHARED = ("id", "number", "unit", "patient", "hospital")

KINDS = tuple(
    Kind(
        f"shipment.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.SHIPMENT_VIEW,
        GROUP,
        NAMES[code][1],
        NAMES[code][0],
        SHARED,
    )
    for code, (text, subject) in WORDS.items()
)
