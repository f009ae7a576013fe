"""What every page shows: who, in which installation, with which versions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from core import reference
from core.models import Installation, Notification
from core.roles import Role


def page(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {
        "synthetic": SimpleLazyObject(lambda: Installation.load().synthetic),
        "version": settings.VERSION,
        "release": SimpleLazyObject(lambda: reference.nomenclature().release),
        "timezone_name": timezone.get_current_timezone_name(),
        "role_labels": SimpleLazyObject(lambda: [str(Role(role).label) for role in sorted(user.roles)])
        if user and user.is_authenticated
        else [],
        "unread_notifications": SimpleLazyObject(
            lambda: Notification.objects.visible_to(user).unread().count()
        )
        if user and user.is_authenticated
        else 0,
    }
