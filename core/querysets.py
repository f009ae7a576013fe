"""Reads of core, and the managers that make "only services write this" true."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.roles import BANK_ROLES, Permission, Role, permissions_of

if TYPE_CHECKING:
    from core.models import (  # noqa: F401  named in strings below
        HookDelivery,
        Job,
        Notification,
        OutgoingMail,
        User,
        WebHook,
    )


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Refuses in code what the database role refuses by privilege."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit rows are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Audit rows are never deleted.")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class LedgerQuerySet(AppendOnlyQuerySet):
    def after(self, number: int) -> LedgerQuerySet:
        return self.filter(number__gt=number).order_by("number")


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: User) -> UserQuerySet:
        """Accounts are the administrator's; nobody else looks people up."""
        return self.all() if user.has_permission(Permission.USER_ADMIN) else self.none()

    def in_roles(self, roles: Iterable[Role]) -> UserQuerySet:
        """The active people who have one of them, each once: whom a notice goes to."""
        return self.filter(is_active=True, role_grants__role__in=roles).distinct().order_by("pk")


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> JobQuerySet:
        """Own jobs and those of the own hospitals; all of them for whoever runs the installation."""
        if user.has_permission(Permission.JOB_VIEW_ALL):
            return self.all()
        if not user.has_permission(Permission.JOB_VIEW):
            return self.none()
        return self.filter(Q(actor_id=str(user.pk)) | Q(hospital_id__in=user.hospital_ids))

    def open(self) -> JobQuerySet:
        return self.filter(state__in=["queued", "running"])

    def without_a_sign_of_life(self) -> JobQuerySet:
        """Claimed, but the worker has been silent for longer than its lease: it is dead."""
        limit = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS)
        return self.filter(state="running", heartbeat_at__lt=limit)

    def unheard(self) -> JobQuerySet:
        """Waiting for so long after its ring that the ring may be lost, the longest first."""
        limit = timezone.now() - timedelta(seconds=settings.JOB_RING_AGAIN_SECONDS)
        return self.filter(state="queued", rung_at__lt=limit).order_by("rung_at")


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: User) -> NotificationQuerySet:
        """Own ones, while the person still may see what they are about: a membership or a role may end."""
        if not user.is_authenticated:
            return self.none()
        held = [str(permission) for permission in user.permissions]
        of_bank = [str(permission) for permission in permissions_of(user.roles & BANK_ROLES)]
        hospital = (
            Q(hospital_id__isnull=True) | Q(hospital_id__in=user.hospital_ids) | Q(permission__in=of_bank)
        )
        return self.filter(hospital, Q(permission="") | Q(permission__in=held), user=user)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def visible_to(self, user: User) -> OutgoingMailQuerySet:
        """Whoever watches over the installation; what an e-mail says is not shown."""
        return self.all() if user.has_permission(Permission.JOB_VIEW_ALL) else self.none()

    def due(self) -> OutgoingMailQuerySet:
        """Those whose time has come: urgent ones before the daily ones of everybody, then the longest waiting first."""
        rows = self.filter(state="waiting", due_at__lte=timezone.now())
        return rows.order_by("-urgent", "due_at", "pk")

    def of_today(self) -> OutgoingMailQuerySet:
        """Those that went out today, or go out this moment."""
        return self.filter(Q(sent_on=timezone.localdate()) | Q(state="sending"))

    def without_a_sign_of_life(self, after: timedelta) -> OutgoingMailQuerySet:
        return self.filter(state="sending", claimed_at__lt=timezone.now() - after)


class WebHookQuerySet(models.QuerySet["WebHook"]):
    def visible_to(self, user: User) -> WebHookQuerySet:
        """What leaves the installation is the administrator's."""
        return self.all() if user.has_permission(Permission.HOOK_EDIT) else self.none()

    def enabled(self) -> WebHookQuerySet:
        return self.filter(disabled_at__isnull=True)


class HookDeliveryQuerySet(models.QuerySet["HookDelivery"]):
    def visible_to(self, user: User) -> HookDeliveryQuerySet:
        return self.all() if user.has_permission(Permission.HOOK_EDIT) else self.none()

    def due(self) -> HookDeliveryQuerySet:
        """Those whose time has come and whose web-hook is neither disabled nor silent, the longest waiting first."""
        now = timezone.now()
        open_now = Q(hook__paused_until__isnull=True) | Q(hook__paused_until__lte=now)
        rows = self.filter(open_now, state="waiting", due_at__lte=now, hook__disabled_at__isnull=True)
        return rows.order_by("due_at", "created_at", "pk")

    def without_a_sign_of_life(self, after: timedelta) -> HookDeliveryQuerySet:
        return self.filter(state="sending", claimed_at__lt=timezone.now() - after)
