"""What people are told of incidents and recalls: numbers only, the page says the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from transplants.models import Incident

INVESTIGATORS = roles_with(Permission.INCIDENT_WORK, among=BANK_ROLES)
GROUP = Group("incidents", gettext_lazy("Incidents and recalls"))


def _notices(code: str, row: Incident, people: Iterable[UUID], but: UUID | None) -> list[Notice]:
    params = {"id": str(row.pk), "number": row.number}
    told = [person for person in dict.fromkeys(people) if person != but]
    return [
        Notice(person, f"incident.{code}", f"incident:{row.pk}", params, row.hospital_id) for person in told
    ]


def opened(row: Incident, *, but: UUID | None) -> list[Notice]:
    people = [user.pk for user in User.objects.in_roles(INVESTIGATORS)]
    if row.hospital_id is not None:
        people += [user.pk for user in members_who(Permission.INCIDENT_VIEW, row.hospital_id)]
    return _notices("opened", row, people, but)


def _text(params: Mapping[str, Any]) -> str:
    return _(OPENED) % params


def _subject(params: Mapping[str, Any]) -> str:
    return _(OPENED_SUBJECT) % params


def _url(params: Mapping[str, Any]) -> str:
    return reverse("transplants:incident-detail", args=[params["id"]])


OPENED = gettext_noop("Incident %(number)s was opened. The page says what happened.")
OPENED_SUBJECT = gettext_noop("Qidai: incident %(number)s")

KINDS = (
    Kind(
        "incident.opened",
        _text,
        _url,
        _subject,
        Permission.INCIDENT_VIEW,
        GROUP,
        Weight.URGENT,
        gettext_lazy("An incident was opened"),
        ("id", "number"),
    ),
)
