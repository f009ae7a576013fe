"""Reads of core, and the managers that make "only services write this" true."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.roles import Permission

if TYPE_CHECKING:
    from core.models import Job, User  # noqa: F401  Job is named in a string below


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
        """Waiting for so long after its ring that the ring is probably lost."""
        limit = timezone.now() - timedelta(seconds=settings.JOB_RING_AGAIN_SECONDS)
        return self.filter(state="queued", rung_at__lt=limit)
