"""What hospital, laboratory and bank are told of confirmatory typings: codes and numbers, the page says the rest."""

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
from transplants.models import ConfirmatoryTyping, Reservation

LABORATORY = roles_with(Permission.TYPING_WORK, among=BANK_ROLES)
VERIFIERS = roles_with(Permission.RESULT_VERIFY, among=BANK_ROLES)
COORDINATORS = roles_with(Permission.RESERVATION_DECIDE, among=BANK_ROLES)
INVESTIGATORS = roles_with(Permission.INCIDENT_WORK, among=BANK_ROLES)


def _bank(roles: Iterable[Any]) -> list[UUID]:
    return [user.pk for user in User.objects.in_roles(roles)]


def _hospital(hospital_id: UUID) -> list[UUID]:
    return [user.pk for user in members_who(Permission.TYPING_VIEW, hospital_id)]


def _notices(
    code: str, row: ConfirmatoryTyping, people: Iterable[UUID], but: User | None = None
) -> list[Notice]:
    params = {
        "id": str(row.pk),
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if but is None or person != but.pk]
    return [
        Notice(person, f"typing.{code}", f"patient:{row.patient_id}", params, row.hospital_id)
        for person in told
    ]


def _of_promise(code: str, row: Reservation, people: Iterable[UUID], but: UUID | None) -> list[Notice]:
    """To whoever counts on the unit now, who may be another hospital than the one that asked."""
    params = {
        "reservation": str(row.pk),
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    told = [person for person in dict.fromkeys(people) if person != but]
    return [
        Notice(person, f"typing.{code}", f"patient:{row.patient_id}", params, row.hospital_id)
        for person in told
    ]


def asked(row: ConfirmatoryTyping, *, but: User) -> list[Notice]:
    return _notices("asked", row, _bank(LABORATORY), but)


def reported(row: ConfirmatoryTyping, *, but: User) -> list[Notice]:
    return _notices("reported", row, _bank(VERIFIERS), but)


def cancelled(row: ConfirmatoryTyping, *, but: User) -> list[Notice]:
    return _notices("cancelled", row, [*_hospital(row.hospital_id), *_bank(LABORATORY)], but)


def confirmed(row: ConfirmatoryTyping, promised: Reservation | None, *, but: User) -> list[Notice]:
    own = _notices("confirmed", row, [*_hospital(row.hospital_id), *_bank(COORDINATORS)], but)
    return own + _elsewhere("unit_confirmed", row, promised, but)


def discrepant(row: ConfirmatoryTyping, promised: Reservation | None, *, but: User) -> list[Notice]:
    people = [*_hospital(row.hospital_id), *_bank({*INVESTIGATORS, *COORDINATORS})]
    return _notices("discrepant", row, people, but) + _elsewhere("unit_discrepant", row, promised, but)


def _elsewhere(code: str, row: ConfirmatoryTyping, promised: Reservation | None, but: User) -> list[Notice]:
    """The unit may have become another hospital's while it was typed: that one learns of the unit, not of the asker."""
    if promised is None or promised.hospital_id == row.hospital_id:
        return []
    return _of_promise(code, promised, _hospital(promised.hospital_id), but.pk)


def settled(promised: Reservation, *, but: UUID | None) -> list[Notice]:
    people = [*_hospital(promised.hospital_id), *_bank(COORDINATORS)]
    return _of_promise("settled", promised, people, but)


def fallen(promised: Reservation, *, but: UUID | None) -> list[Notice]:
    people = [*_hospital(promised.hospital_id), *_bank(COORDINATORS)]
    return _of_promise("fallen", promised, people, but)


# code -> (text, subject, what the kind is called, how much it weighs)
WORDS: dict[str, tuple[str, str, Any, Weight]] = {
    "asked": (
        gettext_noop("%(hospital)s asks for confirmatory typing of %(unit)s (%(number)s). Take a segment."),
        gettext_noop("Qidai: confirmatory typing %(number)s is asked for"),
        gettext_lazy("A confirmatory typing is asked for"),
        Weight.ORDINARY,
    ),
    "reported": (
        gettext_noop("The result of %(number)s (%(unit)s) is entered. A second person verifies it."),
        gettext_noop("Qidai: a result of confirmatory typing is to be verified (%(number)s)"),
        gettext_lazy("A result of confirmatory typing is to be verified"),
        Weight.ORDINARY,
    ),
    "confirmed": (
        gettext_noop("The typing of %(unit)s for patient %(patient)s is confirmed (%(number)s)."),
        gettext_noop("Qidai: the typing of a unit is confirmed (%(patient)s)"),
        gettext_lazy("The typing of a unit is confirmed"),
        Weight.IMPORTANT,
    ),
    "discrepant": (
        gettext_noop(
            "The confirmatory typing %(number)s contradicts the listed typing of %(unit)s, kept for patient"
            " %(patient)s. Do not count on the unit."
        ),
        gettext_noop("Qidai: the typing of a unit is contradicted (%(patient)s)"),
        gettext_lazy("A confirmatory typing contradicts the listed typing"),
        Weight.URGENT,
    ),
    "unit_confirmed": (
        gettext_noop("The typing of %(unit)s, kept for patient %(patient)s (%(number)s), is confirmed."),
        gettext_noop("Qidai: the typing of a unit is confirmed (%(patient)s)"),
        gettext_lazy("The typing of a reserved unit is confirmed"),
        Weight.IMPORTANT,
    ),
    "unit_discrepant": (
        gettext_noop(
            "The typing of %(unit)s, kept for patient %(patient)s (%(number)s), is contradicted. Do not count on"
            " the unit."
        ),
        gettext_noop("Qidai: the typing of a unit is contradicted (%(patient)s)"),
        gettext_lazy("The typing of a reserved unit is contradicted"),
        Weight.URGENT,
    ),
    "settled": (
        gettext_noop(
            "It is settled which typing of %(unit)s is right (%(number)s, patient %(patient)s). Compare it with the"
            " patient anew; it has to be confirmed again."
        ),
        gettext_noop("Qidai: the typing of a unit is settled (%(patient)s)"),
        gettext_lazy("A contradiction of the typing of a reserved unit is settled"),
        Weight.URGENT,
    ),
    "fallen": (
        gettext_noop(
            "By the typing of its segment %(unit)s matches patient %(patient)s less than it was listed (%(number)s)."
            " Read where before anything is ordered."
        ),
        gettext_noop("Qidai: a unit matches %(patient)s less than it was listed"),
        gettext_lazy("A confirmed typing matches the patient less than the listed one"),
        Weight.URGENT,
    ),
    "cancelled": (
        gettext_noop("The confirmatory typing %(number)s of %(unit)s was cancelled. The page says why."),
        gettext_noop("Qidai: confirmatory typing %(number)s was cancelled"),
        gettext_lazy("A confirmatory typing was cancelled"),
        Weight.ORDINARY,
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url(params: Mapping[str, Any]) -> str:
    if "reservation" in params:
        return reverse("transplants:reservation-detail", args=[params["reservation"]])
    return reverse("transplants:typing-detail", args=[params["id"]])


GROUP = Group("typings", gettext_lazy("Confirmatory typings"))
SHARED = ("id", "reservation", "number", "unit", "patient", "hospital")

KINDS = tuple(
    Kind(
        f"typing.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.TYPING_VIEW,
        GROUP,
        weight,
        label,
        SHARED,
    )
    for code, (text, subject, label, weight) in WORDS.items()
)
