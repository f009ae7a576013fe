"""What people are told without having asked: notifications in the system, and the e-mails that carry them."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.querysets import NotificationQuerySet, OutgoingMailQuerySet


class OutgoingMail(models.Model):
    """One row is one e-mail to one person about one topic: what it says are its notifications.

    Sent at most once a day and topic, unless it is urgent; what comes later waits in the next one. A worker claims it
    before it sends, and an e-mail whose worker died in the midst is sent again under the same Message-ID: it may rarely
    repeat, it is never lost. `failed`: given up after several attempts; the administrator sees it and may try again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        DROPPED = "dropped", pgettext_lazy("e-mail", "not needed")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mails")
    topic = models.CharField(max_length=120)
    urgent = models.BooleanField(default=False, db_default=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_on = models.DateField(null=True, blank=True, help_text="day of the bank's time zone")
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = _("e-mail")
        indexes = [models.Index(fields=["due_at"], name="mail_waiting", condition=Q(state="waiting"))]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "topic", "urgent"], condition=Q(state="waiting"), name="mail_one_waiting"
            ),
            models.UniqueConstraint(
                fields=["user", "topic", "sent_on"],
                condition=Q(state="sent", urgent=False),
                name="mail_once_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "sent", "failed", "dropped"]),
                name="mail_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False, sent_on__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True, sent_on__isnull=True)),
                name="mail_sent_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False), name="mail_sending_claimed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic} {self.state}"


class GroupChoice(models.Model):
    """One row: how one person wants to be told what is ordinary of one group of kinds (core.kinds)."""

    class Way(models.TextChoices):
        APP = "app", _("in Qidai only")
        NOW = "now", _("e-mail at once")
        DAILY = "daily", _("once a day")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="group_choices")
    group = models.CharField(max_length=40)
    way = models.CharField(max_length=5, choices=Way)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="group_choice_once"),
            models.CheckConstraint(condition=Q(way__in=["app", "now", "daily"]), name="group_choice_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.group}: {self.way}"


class MailSettings(models.Model):
    """One row a person: the hours, by the clock of the bank, in which no e-mail comes; none means at any hour."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="mail_settings"
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    urgent_anyway = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
                name="quiet_hours_paired",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.quiet_from}–{self.quiet_until}"


class Notification(models.Model):
    """One row tells one person one thing; `code` and `params` become words in the reader's language.

    In core, because every app has something to tell, and the header of every page counts them. No foreign key to what
    it is about: the app that knows the code makes its link. Shown while the person still holds `permission` for
    `hospital_id` (core.notifications).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    code = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    topic = models.CharField(max_length=120)
    permission = models.CharField(max_length=40, blank=True, default="")
    hospital_id = models.UUIDField(null=True, blank=True)
    mail = models.ForeignKey(
        OutgoingMail, on_delete=models.SET_NULL, null=True, blank=True, related_name="notifications"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = _("notification")
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_of_user"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.topic}"
