"""Enquiries: what hospital and bank ask of one another about a patient or a unit, with every message and file."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_enquiries as querysets
from transplants.choices_enquiries import (
    LONGEST_MESSAGE,
    LONGEST_SUBJECT,
    MOST_DAYS,
    OF_UNIT,
    DeclineReason,
    EnquiryKind,
    EnquiryState,
    Side,
)


class EnquiryDeadline(models.Model):
    """One row a kind: within how many days the bank wants to answer. A kind without a row has its default."""

    kind = models.CharField(primary_key=True, max_length=12, choices=EnquiryKind)
    days = models.PositiveSmallIntegerField(_("days"))

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EnquiryKind.values), name="deadline_kind_known"),
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=MOST_DAYS), name="deadline_days"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.days}"


class Enquiry(models.Model):
    """One row is one thing that a hospital or the bank asks of the other. Never deleted.

    waits_for: whose turn it is, while it is open. due_on: until when that side should have answered. reminded_on: the
    day of the last reminder, reminders: how many there were since it was due.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=15, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=EnquiryKind)
    subject = models.CharField(_("subject"), max_length=LONGEST_SUBJECT)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="enquiries")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="enquiries")
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, null=True, blank=True, related_name="enquiries"
    )
    asked_from = models.CharField(max_length=8, choices=Side)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=10, choices=EnquiryState, default=EnquiryState.OPEN)
    waits_for = models.CharField(max_length=8, choices=Side, blank=True, default="")
    due_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reminded_on = models.DateField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    declined_for = models.CharField(max_length=14, choices=DeclineReason, blank=True, default="")
    ended_by = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(default=timezone.now, editable=False)
    hospital_seen_at = models.DateTimeField(null=True, blank=True)
    bank_seen_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.EnquiryQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "pk"]
        verbose_name = _("enquiry")
        indexes = [
            models.Index(fields=["hospital", "state", "-last_at"], name="enquiry_of_hospital"),
            models.Index(fields=["waits_for", "due_on"], name="enquiry_due", condition=Q(state="open")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EnquiryKind.values), name="enquiry_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind__in=sorted(OF_UNIT)) | Q(unit__isnull=False), name="enquiry_has_unit"
            ),
            models.CheckConstraint(
                condition=Q(state="open", due_on__isnull=False, ended_at__isnull=True, ended_by="")
                & Q(waits_for__in=Side.values)
                | Q(
                    state__in=["answered", "declined", "cancelled"],
                    waits_for="",
                    due_on__isnull=True,
                    ended_at__isnull=False,
                )
                & ~Q(ended_by=""),
                name="enquiry_open_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(state="declined", declined_for__in=DeclineReason.values)
                | (~Q(state="declined") & Q(declined_for="")),
                name="enquiry_declined_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state == EnquiryState.OPEN


class EnquiryMessage(models.Model):
    """One row is what one person wrote into an enquiry. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    enquiry = models.ForeignKey(Enquiry, on_delete=models.PROTECT, related_name="messages")
    side = models.CharField(max_length=8, choices=Side)
    text = models.TextField(_("text"), max_length=LONGEST_MESSAGE)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OfEnquiry.as_manager()

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="enquiry_message_not_empty"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="enquiry_message_side_known"),
        ]

    def __str__(self) -> str:
        return f"{self.enquiry_id} {self.side}"


class EnquiryFile(models.Model):
    """One row is one file that came with a message. content: encrypted (core.crypto); sha256 of the file as it came."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    message = models.ForeignKey(EnquiryMessage, on_delete=models.PROTECT, related_name="files")
    content_type = models.CharField(max_length=40)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    objects = querysets.EnquiryFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(size_bytes__gt=0), name="enquiry_file_not_empty"),
            models.UniqueConstraint(fields=["message", "sha256"], name="enquiry_file_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.sha256[:8]}"
