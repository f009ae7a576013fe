"""What the header says about a person's hospitals."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from core.models import User
from hospitals.models import Hospital


def page(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_hospital_staff:  # a membership may outlive the role
        return {"user_hospitals": []}
    return {"user_hospitals": SimpleLazyObject(lambda: _names(user))}


def _names(user: User) -> list[str]:
    return [
        hospital.display_name for hospital in Hospital.objects.filter(memberships__user=user).order_by("code")
    ]
