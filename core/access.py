"""Access fails closed: the visible row is the only row one can get."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.models import User
from core.roles import Permission

M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponseBase]
HospitalProvider = Callable[[User], frozenset[UUID]]

CountryProvider = Callable[[User], frozenset[str]]

_hospital_provider: list[HospitalProvider] = []
_country_provider: list[CountryProvider] = []


def register_hospital_provider(provider: HospitalProvider) -> None:
    """`hospitals` tells core which hospitals a person belongs to; core knows no hospital."""
    _hospital_provider[:] = [provider]


def hospitals_of(user: User) -> frozenset[UUID]:
    """Hospitals count only while the person has a hospital role: a membership may outlive it."""
    return _hospital_provider[0](user) if _hospital_provider and user.is_hospital_staff else frozenset()


def register_country_provider(provider: CountryProvider) -> None:
    """`hospitals` tells core in which countries a person's hospitals are."""
    _country_provider[:] = [provider]


def countries_of(user: User) -> frozenset[str]:
    """Two letters each; of hospitals for which the person still works (hospitals_of)."""
    return _country_provider[0](user) if _country_provider and user.is_hospital_staff else frozenset()


def person_of(request: HttpRequest) -> User:
    """The signed-in person of a page or API view; 403 for anybody else (no view gets that far without one)."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def get_visible_or_404(source: type[M] | models.QuerySet[M], user: User, **lookup: Any) -> M:
    """The row, if `visible_to(user)` lets the user see it; else 404, as if it did not exist."""
    queryset: Any = source._default_manager.all() if isinstance(source, type) else source
    try:
        row: M | None = queryset.visible_to(user).filter(**lookup).first()
    except (ValueError, ValidationError):
        row = None
    if row is None:
        raise Http404
    return row


def public(view: View) -> View:
    """A page without a sign-in (core.middleware.LoginRequiredMiddleware); put it above all other decorators."""
    view.public = True  # type: ignore[attr-defined]
    return view


def permission_required(*permissions: Permission) -> Callable[[View], View]:
    """For page views, behind the sign-in of LoginRequiredMiddleware: 403 without every one of them."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User) or not all(user.has_permission(p) for p in permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def has_permission(*permissions: Permission, write: Permission | None = None) -> type[BasePermission]:
    """For API views: all of `permissions`, and `write` as well for anything but reading."""

    class HasPermission(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            needed = (
                permissions
                if request.method in ("GET", "HEAD", "OPTIONS") or write is None
                else (*permissions, write)
            )
            return isinstance(request.user, User) and all(request.user.has_permission(p) for p in needed)

    return HasPermission
