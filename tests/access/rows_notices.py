"""Addresses of what people are told, and how."""

from __future__ import annotations

from typing import Any

from core import hooks
from core.audit import Actor
from core.models import HookDelivery
from core.roles import Role
from tests.access.matrix import EVERYONE, PUBLIC, Row, World

ADMIN = frozenset({Role.ADMIN})


def build(world: World) -> None:
    world.hook, _secret = hooks.hook_create(
        name="SMS",
        url="https://sms.example.org/in",
        language="en",
        codes=["tank.alarm"],
        actor=Actor.system("test"),
    )
    HookDelivery.objects.create(hook=world.hook, code="tank.alarm", state="failed")


def _hook(world: World) -> dict[str, Any]:
    return {"pk": world.hook.pk}


def _sent(world: World) -> dict[str, Any]:
    return {"name": "New", "url": "https://example.org/", "language": "en", "codes": ["tank.alarm"]}


CALENDAR = frozenset(
    {Role.MEDICAL_DIRECTOR, Role.SEARCH_COORDINATOR, Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN}
)

ROWS = [
    Row("transplants:calendar", CALENDAR, ok=(200,)),  # everybody's own
    Row("transplants:calendar-make", CALENDAR, method="post", ok=(200,)),
    Row("transplants:calendar-revoke", CALENDAR, method="post", ok=(302,)),
    # without a sign-in, and nothing without a key (tests/transplants/test_calendar.py)
    Row("transplants:calendar-feed", PUBLIC, ok=(404, 429)),
    Row("core:hook-list", ADMIN, ok=(200,)),
    Row("core:hook-create", ADMIN, ok=(200,)),
    Row("core:hook-create", ADMIN, method="post", data=_sent, ok=(200,)),
    Row("core:hook-detail", ADMIN, _hook, ok=(200,)),
    Row("core:hook-change", ADMIN, _hook, ok=(200,)),
    Row("core:hook-change", ADMIN, _hook, method="post", data=_sent, ok=(302,)),
    Row("core:hook-secret", ADMIN, _hook, method="post", ok=(200,)),
    Row("core:hook-active", ADMIN, _hook, method="post", ok=(302,)),
    Row("core:hook-test", ADMIN, _hook, method="post", ok=(302,)),
    Row("core:hook-retry", ADMIN, _hook, method="post", ok=(302,)),
    Row("core:notice-preferences", EVERYONE, ok=(200,)),  # everybody's own
    Row("core:notice-preferences", EVERYONE, method="post", ok=(302, 400)),
]
