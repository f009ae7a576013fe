"""Web-hooks: other systems that are told what people are told, and each thing that is posted to them."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.crypto import EncryptedTextField
from core.querysets import HookDeliveryQuerySet, WebHookQuerySet


class WebHook(models.Model):
    """One row: one address of another system, such as a gateway to SMS or WeCom, and what it is told.

    `url` is kept encrypted as the secret is: its path or query may hold a key. `failures` counts attempts that failed
    since the last success, and `paused_until` keeps all from an address that does not answer; `disabled_at`: by a
    person or after too many failures, nothing more is written or posted until an administrator enables it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    url = EncryptedTextField(_("address"))
    secret = EncryptedTextField()
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    kinds = ArrayField(models.CharField(max_length=60), verbose_name=_("kinds"))
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True, help_text="the last success")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_by = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebHookQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("web-hook")
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_by="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_by="")),
                name="hook_disabled_paired",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_url(self) -> str:
        """Scheme and host: the key of many systems stands in path or query. The digest tells two addresses apart."""
        parts = urlsplit(str(self.url))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/… #{sha256(self.url.encode()).hexdigest()[:8]}"


class HookDelivery(models.Model):
    """One row is one thing told to one web-hook; its id goes with it, so that a receiver can know a repetition.

    Never lost, may rarely repeat: a worker claims it, posts outside any transaction, and marks it. Of an answer only
    the status and a short excerpt are kept.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", pgettext_lazy("web-hook", "posted")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    hook = models.ForeignKey(WebHook, on_delete=models.CASCADE, related_name="deliveries")
    code = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the last answer")
    excerpt = models.CharField(max_length=200, blank=True, default="")
    error = models.CharField(max_length=400, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = HookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [
            models.Index(fields=["due_at"], name="delivery_waiting", condition=Q(state="waiting")),
            models.Index(fields=["hook", "-created_at"], name="delivery_of_hook"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "sent", "failed"]), name="delivery_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="delivery_sent_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False), name="delivery_sending_claimed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hook_id} {self.code} {self.state}"
