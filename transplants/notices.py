"""What hospitals and the bank are told of reservations: codes of patients and units, never a name.

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
from transplants.models import Reservation

DECIDERS = roles_with(Permission.RESERVATION_DECIDE, among=BANK_ROLES)


def _bank() -> list[UUID]:
    """Who decides for the bank."""
    return [user.pk for user in User.objects.in_roles(DECIDERS)]


def _hospital(row: Reservation) -> list[UUID]:
    """Whoever of the hospital may see its reservations."""
    return [user.pk for user in members_who(Permission.RESERVATION_VIEW, row.hospital_id)]


def _notices(code: str, row: Reservation, people: Iterable[UUID], but: User | None = None) -> list[Notice]:
    params = {
        "id": str(row.pk),
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if but is None or person != but.pk]
    return [
        Notice(person, f"reservation.{code}", f"patient:{row.patient_id}", params, row.hospital_id)
        for person in told
    ]


def asked(row: Reservation, *, but: User) -> list[Notice]:
    return _notices("asked", row, _bank(), but)


def became_free(row: Reservation) -> list[Notice]:
    return _notices("became_free", row, [*_hospital(row), *_bank()])


def reserved(row: Reservation, *, but: User) -> list[Notice]:
    return _notices("reserved", row, _hospital(row), but)


def declined(row: Reservation, *, but: User) -> list[Notice]:
    return _notices("declined", row, _hospital(row), but)


def cancelled(row: Reservation, *, but: User) -> list[Notice]:
    return _notices("cancelled", row, [*_hospital(row), *_bank()], but)


def extended(row: Reservation, *, but: User) -> list[Notice]:
    return _notices("extended", row, [*_hospital(row), *_bank()], but)


def expired(row: Reservation) -> list[Notice]:
    return _notices("expired", row, [*_hospital(row), *_bank()])


def dropped(row: Reservation) -> list[Notice]:
    return _notices("dropped", row, [*_hospital(row), *_bank()])


def ending(row: Reservation) -> list[Notice]:
    return _notices("ending", row, _hospital(row))


def held(row: Reservation) -> list[Notice]:
    return _notices("held", row, [*_hospital(row), *_bank()])


def unheld(row: Reservation) -> list[Notice]:
    return _notices("unheld", row, [*_hospital(row), *_bank()])


def moved_up(row: Reservation) -> list[Notice]:
    return _notices("moved_up", row, [*_hospital(row), *_bank()])


# code -> (text, subject)
WORDS: dict[str, tuple[str, str]] = {
    "asked": (
        gettext_noop("%(hospital)s asks for %(unit)s for patient %(patient)s (%(number)s). Decide on it."),
        gettext_noop("Qidai: a reservation is asked for (%(patient)s)"),
    ),
    "became_free": (
        gettext_noop(
            "%(unit)s became free, and patient %(patient)s is first in line (%(number)s). The bank decides."
        ),
        gettext_noop("Qidai: a unit became free (%(patient)s)"),
    ),
    "reserved": (
        gettext_noop("%(unit)s is reserved for patient %(patient)s (%(number)s)."),
        gettext_noop("Qidai: a unit is reserved (%(patient)s)"),
    ),
    "declined": (
        gettext_noop("%(unit)s is not reserved for patient %(patient)s (%(number)s). The page says why."),
        gettext_noop("Qidai: a reservation was declined (%(patient)s)"),
    ),
    "cancelled": (
        gettext_noop("%(number)s was cancelled: %(unit)s for patient %(patient)s. The page says why."),
        gettext_noop("Qidai: a reservation was cancelled (%(patient)s)"),
    ),
    "extended": (
        gettext_noop("%(unit)s stays reserved longer for patient %(patient)s (%(number)s)."),
        gettext_noop("Qidai: a reservation was extended (%(patient)s)"),
    ),
    "expired": (
        gettext_noop("%(number)s has expired: %(unit)s is no longer kept for patient %(patient)s."),
        gettext_noop("Qidai: a reservation has expired (%(patient)s)"),
    ),
    "dropped": (
        gettext_noop("%(number)s has ended: %(unit)s is no longer kept for patient %(patient)s."),
        gettext_noop("Qidai: a reservation has ended (%(patient)s)"),
    ),
    "ending": (
        gettext_noop(
            "The time of %(number)s ends soon: %(unit)s for patient %(patient)s. Extend it or let it go."
        ),
        gettext_noop("Qidai: a reservation ends soon (%(patient)s)"),
    ),
    "held": (
        gettext_noop(
            "%(unit)s, kept for patient %(patient)s (%(number)s), is on hold. Count on it only once the bank says so."
        ),
        gettext_noop("Qidai: a reserved unit is on hold (%(patient)s)"),
    ),
    "unheld": (
        gettext_noop("%(unit)s, kept for patient %(patient)s (%(number)s), is no longer on hold."),
        gettext_noop("Qidai: a reserved unit is no longer on hold (%(patient)s)"),
    ),
    "moved_up": (
        gettext_noop("%(unit)s became free and is now reserved for patient %(patient)s (%(number)s)."),
        gettext_noop("Qidai: a unit became free and is reserved (%(patient)s)"),
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url(params: Mapping[str, Any]) -> str:
    return reverse("transplants:reservation-detail", args=[params["id"]])


# code -> (what the kind is called, how much it weighs)
NAMES = {
    "asked": (gettext_lazy("A reservation is asked for"), Weight.ORDINARY),
    "became_free": (gettext_lazy("A unit became free for the first in line"), Weight.IMPORTANT),
    "reserved": (gettext_lazy("A unit is reserved"), Weight.ORDINARY),
    "declined": (gettext_lazy("A reservation was declined"), Weight.ORDINARY),
    "cancelled": (gettext_lazy("A reservation was cancelled"), Weight.ORDINARY),
    "extended": (gettext_lazy("A reservation was extended"), Weight.ORDINARY),
    "expired": (gettext_lazy("A reservation has expired"), Weight.IMPORTANT),
    "dropped": (gettext_lazy("A reservation has ended without need or unit"), Weight.IMPORTANT),
    "ending": (gettext_lazy("A reservation ends soon"), Weight.IMPORTANT),
    "held": (gettext_lazy("A reserved unit is on hold"), Weight.URGENT),
    "unheld": (gettext_lazy("A reserved unit is no longer on hold"), Weight.IMPORTANT),
    "moved_up": (gettext_lazy("A unit became free and is reserved"), Weight.IMPORTANT),
}
GROUP = Group("reservations", gettext_lazy("Reservations"))
SHARED = ("id", "number", "unit", "patient", "hospital")

KINDS = tuple(
    Kind(
        f"reservation.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.RESERVATION_VIEW,
        GROUP,
        NAMES[code][1],
        NAMES[code][0],
        SHARED,
    )
    for code, (text, subject) in WORDS.items()
)
