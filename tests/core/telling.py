"""Notifications of a kind that only tests know, told to a person; the fixtures `kind` and `user` are in conftest.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone, translation

from core import notifications
from core.models import Notification, OutgoingMail, User
from core.notifications import Kind, Notice
from core.roles import Permission

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
KIND = Kind(
    "test.told",
    lambda params: translation.gettext("Patient") + f" {params['code']}",
    lambda params: "/units/" if params.get("code") else "",
    lambda params: f"News of {params['code']}",
    Permission.INVENTORY_VIEW,
)


def told(user: User, code: str = "P1", topic: str = "patient:1", **more: Any) -> Notification:
    notice = Notice(user.pk, KIND.code, topic, {"code": code}, **more)
    (made,) = notifications.notifications_create(notices=[notice])
    return made


def only_mail() -> OutgoingMail:
    return OutgoingMail.objects.get()


def at(days: int = 0, **more: int) -> datetime:
    return timezone.now() + timedelta(days=days, **more)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client
