"""Notifications of a kind that only tests know, told to a person; the fixtures `kind` and `user` are in conftest.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone, translation

from core import notifications
from core.kinds import Kind, Weight
from core.models import Notification, OutgoingMail, User
from core.notifications import Notice
from core.preferences import preferences_set
from core.roles import Permission

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
KIND = Kind(
    "test.told",
    lambda params: translation.gettext("Patient") + f" {params['code']}",
    lambda params: "/units/" if params.get("code") else "",
    lambda params: f"News of {params['code']}",
    Permission.INVENTORY_VIEW,
)


def told(
    user: User, code: str = "P1", topic: str = "patient:1", *, kind: Kind = KIND, **more: Any
) -> Notification:
    notice = Notice(user.pk, kind.code, topic, {"code": code}, **more)
    (made,) = notifications.notifications_create(notices=[notice])
    return made


URGENT = replace(KIND, code="test.urgent", weight=Weight.URGENT)
IMPORTANT = replace(KIND, code="test.important", weight=Weight.IMPORTANT)
KINDS = (KIND, URGENT, IMPORTANT)


def chosen(user: User, way: str = "now", **more: Any) -> None:
    """What the person chose for the ordinary kinds of tests, and the quiet hours."""
    values: dict[str, Any] = {"quiet_from": None, "quiet_until": None, "urgent_anyway": True, **more}
    preferences_set(user=user, ways={KIND.group.code: way}, **values)


def only_mail() -> OutgoingMail:
    return OutgoingMail.objects.get()


def at(days: int = 0, **more: int) -> datetime:
    return timezone.now() + timedelta(days=days, **more)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client
