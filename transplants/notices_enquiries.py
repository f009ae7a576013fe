"""What hospitals and the bank are told of enquiries: number, kind and the patient's code, never what was written."""

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
from transplants.choices_enquiries import EnquiryKind, Side
from transplants.models_enquiries import Enquiry
from transplants.querysets_enquiries import side_of

ANSWERING = roles_with(Permission.ENQUIRY_ANSWER, among=BANK_ROLES)
FROM_ALL = 2  # the reminder from which on everybody who could answer is told


def _people(row: Enquiry, side: str, *, everybody: bool = False) -> list[UUID]:
    """Of the bank the owner, where there is one; else all who answer. Of the hospital all who may see it."""
    if side == Side.BANK:
        owner = row.owner
        if owner and not everybody and owner.is_active and side_of(owner) == Side.BANK:
            return [owner.pk]
        return [user.pk for user in User.objects.in_roles(ANSWERING)]
    return [user.pk for user in members_who(Permission.ENQUIRY_VIEW, row.hospital_id)]


def _notices(code: str, row: Enquiry, people: Iterable[UUID], but: User | None = None) -> list[Notice]:
    params = {"id": str(row.pk), "number": row.number, "kind": row.kind, "patient": row.patient.code}
    told = [person for person in dict.fromkeys(people) if but is None or person != but.pk]
    topic = f"patient:{row.patient_id}"
    return [Notice(person, f"enquiry.{code}", topic, params, row.hospital_id) for person in told]


def written(row: Enquiry, *, to: str, but: User) -> list[Notice]:
    return _notices("written", row, _people(row, to), but)


def answered(row: Enquiry, *, to: str, but: User) -> list[Notice]:
    return _notices("answered", row, _people(row, to), but)


def declined(row: Enquiry, *, but: User) -> list[Notice]:
    return _notices("declined", row, _people(row, Side.HOSPITAL), but)


def cancelled(row: Enquiry, *, to: str, but: User | None = None) -> list[Notice]:
    return _notices("cancelled", row, _people(row, to), but)


def overdue(row: Enquiry) -> list[Notice]:
    return _notices("overdue", row, _people(row, row.waits_for, everybody=row.reminders >= FROM_ALL))


WORDS: dict[str, tuple[str, str]] = {
    "written": (
        gettext_noop("A message in %(number)s (%(kind_text)s, patient %(patient)s) waits for you."),
        gettext_noop("Qidai: a message about %(patient)s"),
    ),
    "answered": (
        gettext_noop("%(number)s (%(kind_text)s, patient %(patient)s) is answered."),
        gettext_noop("Qidai: an answer about %(patient)s"),
    ),
    "declined": (
        gettext_noop("%(number)s (%(kind_text)s, patient %(patient)s) was declined. The page says why."),
        gettext_noop("Qidai: declined, about %(patient)s"),
    ),
    "cancelled": (
        gettext_noop("%(number)s (%(kind_text)s, patient %(patient)s) was withdrawn."),
        gettext_noop("Qidai: withdrawn, about %(patient)s"),
    ),
    "overdue": (
        gettext_noop("%(number)s (%(kind_text)s, patient %(patient)s) is overdue: the other side waits."),
        gettext_noop("Qidai: overdue, about %(patient)s"),
    ),
}


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % {**params, "kind_text": EnquiryKind(params["kind"]).label}


def _url(params: Mapping[str, Any]) -> str:
    return reverse("transplants:enquiry-detail", args=[params["id"]])


# code -> (what the kind is called, how much it weighs)
NAMES = {
    "written": (gettext_lazy("A message waits for you"), Weight.ORDINARY),
    "answered": (gettext_lazy("An enquiry is answered"), Weight.ORDINARY),
    "declined": (gettext_lazy("An enquiry was declined"), Weight.ORDINARY),
    "cancelled": (gettext_lazy("An enquiry was withdrawn"), Weight.ORDINARY),
    "overdue": (gettext_lazy("An enquiry is overdue"), Weight.IMPORTANT),
}
GROUP = Group("enquiries", gettext_lazy("Enquiries"))
KINDS = tuple(
    Kind(
        f"enquiry.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.ENQUIRY_VIEW,
        GROUP,
        NAMES[code][1],
        NAMES[code][0],
        ("id", "number", "kind", "patient"),
    )
    for code, (text, subject) in WORDS.items()
)
