"""Tables that every app needs: people, audit, ledger, jobs, the installation itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.models_feeds import FeedToken
from core.models_hooks import HookDelivery, WebHook
from core.models_notify import GroupChoice, MailSettings, Notification, OutgoingMail
from core.querysets import AppendOnlyManager, JobQuerySet, LedgerQuerySet, UserQuerySet
from core.roles import BANK_ROLES, HOSPITAL_ROLES, Permission, Role, permissions_of

__all__ = [
    "AuditEntry",
    "FeedToken",
    "GroupChoice",
    "HookDelivery",
    "Installation",
    "Job",
    "Ledger",
    "MailSettings",
    "Notification",
    "OutgoingMail",
    "RoleGrant",
    "User",
    "WebHook",
]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, user: User) -> UserQuerySet:
        return self.get_queryset().visible_to(user)

    def in_roles(self, roles: Iterable[Role]) -> UserQuerySet:
        return self.get_queryset().in_roles(roles)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """One row: one person who signs in. What the person may do stands in RoleGrant, never here."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    full_name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]
    objects = UserManager()

    class Meta:
        ordering = ["email"]
        constraints = [models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower")]

    def __str__(self) -> str:
        return self.full_name or self.email

    @cached_property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role(role) for role in self.role_grants.values_list("role", flat=True))

    @property
    def role_labels(self) -> list[str]:
        """For lists that fetched the grants beforehand."""
        return sorted(str(Role(grant.role).label) for grant in self.role_grants.all())

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.roles)

    def has_permission(self, permission: Permission) -> bool:
        return self.is_active and permission in self.permissions

    @property
    def is_bank_staff(self) -> bool:
        """Any role of the bank itself: sees the rows of all hospitals where a permission lets it look at all."""
        return bool(self.roles & BANK_ROLES)

    @property
    def is_hospital_staff(self) -> bool:
        return bool(self.roles & HOSPITAL_ROLES)

    @cached_property
    def hospital_ids(self) -> frozenset[UUID]:
        from core.access import hospitals_of

        return hospitals_of(self)


class RoleGrant(models.Model):
    """One row: one role given to one person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=30, choices=Role.choices)
    granted_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="role_grant_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_grant_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


HIDDEN = "•••"  # a value that its reader may not see


class AuditEntry(models.Model):
    """One row: one thing done by one actor, written in the same transaction. Never changed, never deleted.

    No foreign keys: log and live data never block one another. `batch_sha256` is the digest of the rows
    of a bulk load, which writes one entry for all of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor_id = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=200)
    request_id = models.CharField(max_length=40, blank=True, default="")
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80)
    target_key = models.CharField(max_length=80)
    target_label = models.CharField(max_length=200)
    hospital_id = models.UUIDField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    batch_rows = models.PositiveIntegerField(null=True, blank=True)
    batch_sha256 = models.CharField(max_length=64, blank=True, default="")

    objects = AppendOnlyManager()

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target_key", "at"], name="audit_target"),
            models.Index(fields=["actor_id", "at"], name="audit_actor"),
            models.Index(fields=["-at"], name="audit_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(batch_rows__isnull=True, batch_sha256="")
                | (Q(batch_rows__isnull=False) & ~Q(batch_sha256="")),
                name="audit_batch_paired",
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label}: {self.action} {self.target_label}"

    def readable_by(self, user: User) -> bool:
        """Values about patients are for those who may see patients; who did what stays visible to an auditor."""
        about_patients = self.target_type.startswith(("hospitals.", "matching."))
        return not about_patients or user.has_permission(Permission.PATIENT_VIEW)

    def values_for(self, user: User) -> tuple[dict[str, Any], dict[str, Any]]:
        """Before and after; without the right to see patients only the names of the fields."""
        before, after = self.before or {}, self.after or {}
        if self.readable_by(user):
            return before, after
        return dict.fromkeys(before, HIDDEN), dict.fromkeys(after, HIDDEN)

    def change_rows(self, user: User) -> list[dict[str, Any]]:
        """The changed fields, old value beside new."""
        before, after = self.values_for(user)
        names = [*before, *(name for name in after if name not in before)]
        return [{"name": name, "before": before.get(name), "after": after.get(name)} for name in names]


class Ledger(models.Model):
    """One row: one audit entry in commit order, chained by hash. Written only by the commit trigger.

    Gap-free and commit-ordered: the trigger of migration 0002 takes one advisory lock at commit, so a
    reader that has seen number n has seen everything that committed before it.
    """

    number = models.BigIntegerField(primary_key=True)
    entry_id = models.UUIDField(unique=True)
    at = models.DateTimeField()
    row = models.TextField()  # the entry as PostgreSQL wrote it: the text that was hashed
    previous_hash = models.BinaryField()
    hash = models.BinaryField()
    target_type = models.CharField(max_length=80)
    target_key = models.CharField(max_length=80)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "number"], name="ledger_target"),
            models.Index(fields=["target_type", "target_key"], name="ledger_target_key"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.target_type} {self.target_key}"


STAGE_LENGTH = 60  # of Job.stage, whose words may be longer in another language


class Job(models.Model):
    """One row: one long piece of work that people can open and watch. The row is the truth, the broker rings."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=200)
    hospital_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    stage = models.CharField(max_length=STAGE_LENGTH, blank=True, default="")
    share = models.FloatField(default=0)
    counts = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error = models.TextField(blank=True, default="")
    actor_id = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=200)
    language = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="that the page was in on which it was started",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    claim_token = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    rung_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["state", "rung_at"], name="job_waiting", condition=Q(state__in=["queued", "running"])
            ),
            models.Index(fields=["-created_at"], name="job_created"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
                name="job_state_known",
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="job_share_0_1"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], ended_at__isnull=True)
                | Q(state__in=["done", "failed", "cancelled"], ended_at__isnull=False),
                name="job_ended_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(claim_token__isnull=False, heartbeat_at__isnull=False),
                name="job_running_claimed",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def may_be_cancelled_by(self, user: User) -> bool:
        """Whoever started it, or runs the installation; a search has its own button with its own rule."""
        return self.actor_id == str(user.pk) or user.has_permission(Permission.JOB_CANCEL_ALL)

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class Installation(models.Model):
    """One row in all: what this installation is. `synthetic` puts the warning on every page."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    synthetic = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_single")]

    def __str__(self) -> str:
        return "synthetic" if self.synthetic else "real"

    @classmethod
    def load(cls) -> Installation:
        return cls.objects.filter(pk=1).first() or cls()
