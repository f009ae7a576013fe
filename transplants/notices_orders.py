"""What hospitals and the bank are told of orders: codes of patients and units, never a name, a day or a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import BANK_ROLES, Permission, roles_with
from hospitals.querysets import members_who
from transplants.models import Order


def _bank(permission: Permission) -> list[UUID]:
    """Whoever does this for the bank."""
    roles = roles_with(permission, among=BANK_ROLES)
    return [user.pk for user in User.objects.in_roles(roles)]


def _hospital(row: Order, permission: Permission = Permission.ORDER_VIEW) -> list[UUID]:
    return [user.pk for user in members_who(permission, row.hospital_id)]


def _notices(code: str, row: Order, people: Iterable[UUID], but: User | None = None) -> list[Notice]:
    params = {
        "id": str(row.pk),
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if but is None or person != but.pk]
    return [
        Notice(person, f"order.{code}", f"patient:{row.patient_id}", params, row.hospital_id)
        for person in told
    ]


_APPROVE, _RELEASE = Permission.ORDER_APPROVE, Permission.ORDER_RELEASE


def asked(row: Order, *, but: User) -> list[Notice]:
    """The physician who signs is told first; the bank sees what comes."""
    return _notices("asked", row, [*_hospital(row, Permission.ORDER_PRESCRIBE), *_bank(_APPROVE)], but)


def amended(row: Order, *, but: User) -> list[Notice]:
    return _notices("amended", row, [*_hospital(row), *_bank(_APPROVE)], but)


def signed(row: Order, *, but: User) -> list[Notice]:
    return _notices("signed", row, [*_hospital(row), *_bank(_APPROVE)], but)


def approved(row: Order, *, but: User) -> list[Notice]:
    return _notices("approved", row, [*_hospital(row), *_bank(_RELEASE)], but)


def declined(row: Order, *, but: User) -> list[Notice]:
    return _notices("declined", row, _hospital(row), but)


def withdrawn(row: Order, *, but: User | None = None) -> list[Notice]:
    return _notices("withdrawn", row, [*_hospital(row), *_bank(_APPROVE), *_bank(_RELEASE)], but)


def half_released(row: Order, *, but: User) -> list[Notice]:
    return _notices("half_released", row, _bank(_RELEASE), but)


def released(row: Order, *, but: User, excepted: bool) -> list[Notice]:
    """excepted: not all of the specification is met, and the medical director lets it go all the same."""
    shipping = _bank(Permission.SHIPMENT_WORK)
    code = "released_excepted" if excepted else "released"
    return _notices(code, row, [*_hospital(row), *shipping, *_bank(_APPROVE)], but)


def revoked(row: Order, *, but: User) -> list[Notice]:
    bank = [*_bank(Permission.SHIPMENT_WORK), *_bank(_APPROVE), *_bank(_RELEASE)]
    return _notices("revoked", row, [*_hospital(row), *bank], but)


def held(row: Order) -> list[Notice]:
    return _notices("held", row, [*_hospital(row), *_bank(_APPROVE), *_bank(_RELEASE)])


def unheld(row: Order) -> list[Notice]:
    return _notices("unheld", row, [*_hospital(row), *_bank(_APPROVE), *_bank(_RELEASE)])


# code -> (text, subject)
WORDS: dict[str, tuple[str, str]] = {
    "asked": (
        gettext_noop("%(hospital)s orders %(unit)s for patient %(patient)s (%(number)s). A physician signs."),
        gettext_noop("Qidai: a unit is to be ordered (%(patient)s)"),
    ),
    "amended": (
        gettext_noop("The prescription of %(number)s was changed: %(unit)s for patient %(patient)s."),
        gettext_noop("Qidai: a prescription was changed (%(patient)s)"),
    ),
    "signed": (
        gettext_noop("The prescription of %(number)s is signed: %(unit)s for patient %(patient)s."),
        gettext_noop("Qidai: a prescription is signed (%(patient)s)"),
    ),
    "approved": (
        gettext_noop("%(unit)s is ordered for patient %(patient)s (%(number)s). The bank prepares it."),
        gettext_noop("Qidai: a unit is ordered (%(patient)s)"),
    ),
    "declined": (
        gettext_noop("%(number)s was declined: %(unit)s for patient %(patient)s. The page says why."),
        gettext_noop("Qidai: an order was declined (%(patient)s)"),
    ),
    "withdrawn": (
        gettext_noop("%(number)s was withdrawn: %(unit)s for patient %(patient)s. The page says why."),
        gettext_noop("Qidai: an order was withdrawn (%(patient)s)"),
    ),
    "half_released": (
        gettext_noop("%(number)s has its first signature of the release: %(unit)s. A second person signs."),
        gettext_noop("Qidai: a release waits for its second signature"),
    ),
    "released": (
        gettext_noop("%(unit)s for patient %(patient)s is released and may be shipped (%(number)s)."),
        gettext_noop("Qidai: a unit is released for shipment (%(patient)s)"),
    ),
    "released_excepted": (
        gettext_noop(
            "EXCEPTIONAL RELEASE: %(unit)s for patient %(patient)s may be shipped (%(number)s) though it does not meet "
            "every point of the release specification. The page says why."
        ),
        gettext_noop("Qidai: an exceptional release (%(patient)s)"),
    ),
    "revoked": (
        gettext_noop(
            "The release of %(number)s is revoked: %(unit)s for patient %(patient)s may not leave. The page says why."
        ),
        gettext_noop("Qidai: a release is revoked (%(patient)s)"),
    ),
    "held": (
        gettext_noop("%(number)s cannot go on: %(unit)s for patient %(patient)s. Look at the order at once."),
        gettext_noop("Qidai: an order cannot go on (%(patient)s)"),
    ),
    "unheld": (
        gettext_noop("%(number)s can go on again: %(unit)s for patient %(patient)s."),
        gettext_noop("Qidai: an order can go on again (%(patient)s)"),
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url(params: Mapping[str, Any]) -> str:
    return reverse("transplants:order-detail", args=[params["id"]])


# code -> (what the kind is called, how much it weighs)
NAMES = {
    "asked": (gettext_lazy("A unit is to be ordered"), Weight.IMPORTANT),
    "amended": (gettext_lazy("A prescription was changed"), Weight.ORDINARY),
    "signed": (gettext_lazy("A prescription is signed"), Weight.ORDINARY),
    "approved": (gettext_lazy("A unit is ordered"), Weight.IMPORTANT),
    "declined": (gettext_lazy("An order was declined"), Weight.IMPORTANT),
    "withdrawn": (gettext_lazy("An order was withdrawn"), Weight.IMPORTANT),
    "half_released": (gettext_lazy("A release waits for its second signature"), Weight.ORDINARY),
    "released": (gettext_lazy("A unit is released for shipment"), Weight.IMPORTANT),
    "released_excepted": (gettext_lazy("A unit is released as an exception"), Weight.URGENT),
    "revoked": (gettext_lazy("A release is revoked"), Weight.URGENT),
    "held": (gettext_lazy("An order cannot go on"), Weight.URGENT),
    "unheld": (gettext_lazy("An order can go on again"), Weight.IMPORTANT),
}
GROUP = Group("orders", gettext_lazy("Orders"))
SHARED = ("id", "number", "unit", "patient", "hospital")

KINDS = tuple(
    Kind(
        f"order.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.ORDER_VIEW,
        GROUP,
        NAMES[code][1],
        NAMES[code][0],
        SHARED,
    )
    for code, (text, subject) in WORDS.items()
)
