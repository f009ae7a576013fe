"""What people are told of forms of follow-up: how many are overdue, once for a hospital; the page says which."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from core.kinds import Group, Kind, Weight
from core.models import User
from core.notifications import Notice
from core.roles import BANK_ROLES, Permission, Role, roles_with
from hospitals.models import Hospital
from hospitals.querysets import members_who

TELLERS = [
    role
    for role in roles_with(Permission.TRANSPLANT_VIEW, among=BANK_ROLES)
    if role in (Role.SEARCH_COORDINATOR, Role.QA)
]


def overdue(hospital: Hospital, count: int, since: dt.date) -> list[Notice]:
    """To everybody of the hospital who may fill them in."""
    params = {"hospital": hospital.code, "count": count, "since": f"{since}", "id": str(hospital.pk)}
    people = members_who(Permission.FOLLOW_UP_EDIT, hospital.pk)
    topic = f"follow_up:{hospital.pk}"
    return [Notice(one.pk, "follow_up.overdue", topic, params, hospital.pk) for one in people]


def long_overdue(hospital: Hospital, count: int, since: dt.date) -> list[Notice]:
    """To the bank, which asks the hospital."""
    params = {"hospital": hospital.code, "count": count, "since": f"{since}", "id": str(hospital.pk)}
    people = User.objects.in_roles(TELLERS)
    return [
        Notice(one.pk, "follow_up.long_overdue", f"follow_up:{hospital.pk}", params, hospital.pk)
        for one in people
    ]


WORDS = {
    "overdue": (
        gettext_noop("Forms of follow-up of %(hospital)s are overdue: %(count)s, the first since %(since)s."),
        gettext_noop("Qidai: forms of follow-up are overdue (%(hospital)s)"),
        gettext_lazy("Forms of follow-up of the own hospital are overdue"),
    ),
    "long_overdue": (
        gettext_noop(
            "%(hospital)s has not handed in forms of follow-up for long: %(count)s, the first since %(since)s."
        ),
        gettext_noop("Qidai: forms of follow-up are long overdue (%(hospital)s)"),
        gettext_lazy("Forms of follow-up of a hospital are long overdue"),
    ),
}
GROUP = Group("follow_up", gettext_lazy("Follow-up"))


def _said(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda params: _(text) % params


def _url(params: Mapping[str, Any]) -> str:
    return f"{reverse('transplants:follow-up-list')}?state=overdue&hospital={params['id']}"


KINDS = tuple(
    Kind(
        f"follow_up.{code}",
        _said(text),
        _url,
        _said(subject),
        Permission.TRANSPLANT_VIEW,
        GROUP,
        Weight.ORDINARY,
        label,
        ("hospital", "count", "since", "id"),
    )
    for code, (text, subject, label) in WORDS.items()
)
