"""What hospitals and the bank are told of infusions and of units that come back: codes and numbers only.

No day and no reason in the words: they go out by plain e-mail, and the page says them.
"""

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
from transplants.choices_orders import ReactionGrade
from transplants.models import Infusion, Order, UnitReturn
from transplants.notices_incidents import INVESTIGATORS

# Who of the bank follows transplants; who takes units back; who decides on them.
FOLLOWERS = roles_with(Permission.TRANSPLANT_VIEW, among=BANK_ROLES)
TAKERS = roles_with(Permission.SHIPMENT_WORK, among=BANK_ROLES)
DECIDERS = roles_with(Permission.RETURN_DECIDE, among=BANK_ROLES)
SERIOUS = (ReactionGrade.MODERATE, ReactionGrade.SEVERE, ReactionGrade.LIFE_THREATENING)


def _in_roles(roles: Iterable[Any]) -> list[UUID]:
    return [user.pk for user in User.objects.in_roles(list(roles))]


def _notices(code: str, order: Order, key: UUID, people: Iterable[UUID], but: User) -> list[Notice]:
    params = {
        "id": str(key),
        "order": order.number,
        "unit": order.unit.public_no,
        "patient": order.patient.code,
        "hospital": order.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if person != but.pk]
    return [
        Notice(person, f"graft.{code}", f"patient:{order.patient_id}", params, order.hospital_id)
        for person in told
    ]


def infused(row: Infusion, *, but: User) -> list[Notice]:
    """Both sides; of a serious reaction besides whoever is not told by its incident."""
    order, key = row.order, row.transplant_id
    hospital = [user.pk for user in members_who(Permission.TRANSPLANT_VIEW, row.hospital_id)]
    found = _notices("infused", order, key, [*hospital, *_in_roles(FOLLOWERS)], but)
    if row.reaction in SERIOUS:
        others = [role for role in FOLLOWERS if role not in INVESTIGATORS]
        found += _notices("reaction", order, key, _in_roles(others), but)
    return found


def not_used(row: UnitReturn, *, but: User) -> list[Notice]:
    people = _in_roles(dict.fromkeys([*FOLLOWERS, *TAKERS]))
    return _notices("not_used", row.order, row.pk, people, but)


def returned(row: UnitReturn, *, but: User) -> list[Notice]:
    return _notices("returned", row.order, row.pk, _in_roles(DECIDERS), but)


def proposed(row: UnitReturn, *, but: User) -> list[Notice]:
    return _notices("proposed", row.order, row.pk, _in_roles(DECIDERS), but)


def decided(row: UnitReturn, *, but: User) -> list[Notice]:
    people = _in_roles(dict.fromkeys([*DECIDERS, *FOLLOWERS, *TAKERS]))
    return _notices("decided", row.order, row.pk, people, but)


# code -> (text, subject)
WORDS: dict[str, tuple[str, str]] = {
    "infused": (
        gettext_noop("%(unit)s was infused to patient %(patient)s of %(hospital)s (%(order)s)."),
        gettext_noop("Qidai: a unit was infused (%(patient)s)"),
    ),
    "reaction": (
        gettext_noop("Patient %(patient)s of %(hospital)s reacted to the infusion of %(unit)s (%(order)s)."),
        gettext_noop("Qidai: a reaction at an infusion (%(patient)s)"),
    ),
    "not_used": (
        gettext_noop(
            "%(hospital)s did not use %(unit)s for patient %(patient)s (%(order)s). The page says why."
        ),
        gettext_noop("Qidai: a delivered unit was not used (%(patient)s)"),
    ),
    "returned": (
        gettext_noop("%(unit)s of %(order)s is back in the bank. Decide what becomes of it."),
        gettext_noop("Qidai: a unit came back (%(unit)s)"),
    ),
    "proposed": (
        gettext_noop("A decision on the returned unit %(unit)s (%(order)s) waits for the second signature."),
        gettext_noop("Qidai: a second signature is needed (%(unit)s)"),
    ),
    "decided": (
        gettext_noop("It is decided what becomes of the returned unit %(unit)s (%(order)s)."),
        gettext_noop("Qidai: decided on a returned unit (%(unit)s)"),
    ),
}

# code -> (what the kind is called, how much it weighs, who may see it)
NAMES = {
    "infused": (gettext_lazy("A unit was infused"), Weight.ORDINARY, Permission.TRANSPLANT_VIEW),
    "reaction": (
        gettext_lazy("A patient reacted to an infusion"),
        Weight.URGENT,
        Permission.TRANSPLANT_VIEW,
    ),
    "not_used": (gettext_lazy("A delivered unit was not used"), Weight.URGENT, Permission.ORDER_VIEW),
    "returned": (gettext_lazy("A unit came back to the bank"), Weight.IMPORTANT, Permission.ORDER_VIEW),
    "proposed": (
        gettext_lazy("A decision on a returned unit waits for the second signature"),
        Weight.IMPORTANT,
        Permission.RETURN_DECIDE,
    ),
    "decided": (gettext_lazy("Decided on a returned unit"), Weight.ORDINARY, Permission.ORDER_VIEW),
}
GROUP = Group("transplants", gettext_lazy("Transplants"))
SHARED = ("id", "order", "unit", "patient", "hospital")


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url_of(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: reverse(f"transplants:{name}", args=[params["id"]])


KINDS = tuple(
    Kind(
        f"graft.{code}",
        _said(text),
        _url_of("transplant-detail" if code in ("infused", "reaction") else "return-decide"),
        _said(subject),
        NAMES[code][2],
        GROUP,
        NAMES[code][1],
        NAMES[code][0],
        SHARED,
    )
    for code, (text, subject) in WORDS.items()
)
