from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import DECLARABLE, ConsentMedium, ConsentPurpose, ReportedBy
from bank.models.versions import ControlledVersion, TwoLanguages
from bank.querysets_consent import (
    AnswerQuerySet,
    DeclarationQuerySet,
    StaffQuerySet,
    VersionQuerySet,
    WithdrawalQuerySet,
)
from core.crypto import EncryptedTextField

PURPOSES = ConsentPurpose.values


def _person(**more: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", **more)


class ConsentForm(ControlledVersion):
    """One row is one version of the form by which mothers are asked."""

    objects = VersionQuerySet.as_manager()

    class Meta(ControlledVersion.Meta):
        pass


class ConsentItem(TwoLanguages):
    """One row is what one version of the form asks for one purpose; once the form is in force it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    form = models.ForeignKey(ConsentForm, on_delete=models.CASCADE, related_name="items")
    purpose = models.CharField(max_length=12, choices=ConsentPurpose)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["form", "purpose"], name="consent_item_once"),
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="consent_item_purpose_known"),
            models.CheckConstraint(
                condition=~Q(text_en="") & ~Q(text_zh=""), name="consent_item_both_languages"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} v{self.form.version}"


class ConsentGiven(models.Model):
    """One row is a mother's answer to one item, yes or no; a later answer supersedes it, and it stays."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    donation = models.ForeignKey("bank.Donation", on_delete=models.PROTECT, related_name="consents")
    item = models.ForeignKey(ConsentItem, on_delete=models.PROTECT, related_name="answers")
    purpose = models.CharField(max_length=12, choices=ConsentPurpose, help_text="as the item's")
    given = models.BooleanField()
    given_on = models.DateField(_("answered on"))
    medium = models.CharField(_("how she answered"), max_length=12, choices=ConsentMedium)
    witness = models.CharField(_("witness"), max_length=40, blank=True, default="")
    recorded_by = _person(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    superseded = models.BooleanField(default=False, db_default=False)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["superseded", "-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["donation", "purpose"], condition=Q(superseded=False), name="consent_one_in_force"
            ),
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="consent_purpose_known"),
            models.CheckConstraint(condition=Q(medium__in=ConsentMedium.values), name="consent_medium_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.given}"


class ConsentWithdrawal(models.Model):
    """One row is the withdrawal of a consent for one purpose; never deleted, corrected by a second person at most.

    consent: the answer that is withdrawn; None where none is recorded (donations before items were kept).
    unit_status: that of the unit then; held: whether it was put on hold for it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    donation = models.ForeignKey("bank.Donation", on_delete=models.PROTECT, related_name="withdrawals")
    consent = models.ForeignKey(
        ConsentGiven, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals"
    )
    purpose = models.CharField(max_length=12, choices=ConsentPurpose)
    withdrawn_on = models.DateField(_("withdrawn on"))
    reported_by = models.CharField(_("reported by"), max_length=16, choices=ReportedBy)
    reason = models.TextField(_("reason"))
    unit_status = models.CharField(max_length=16, blank=True, default="")
    held = models.BooleanField(default=False)
    recorded_by = _person(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    corrected_by = _person(null=True, blank=True)
    corrected_at = models.DateTimeField(null=True, blank=True)
    correction_reason = models.TextField(blank=True, default="", db_default="")

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["consent"], condition=Q(corrected_at=None), name="withdrawal_once_per_consent"
            ),
            models.UniqueConstraint(
                fields=["donation", "purpose"],
                condition=Q(corrected_at=None, consent=None),
                name="withdrawal_once_without_consent",
            ),
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="withdrawal_purpose_known"),
            models.CheckConstraint(
                condition=Q(reported_by__in=ReportedBy.values), name="withdrawal_reported_by_known"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="withdrawal_reason_given"),
            models.CheckConstraint(
                condition=Q(corrected_at__isnull=True, corrected_by__isnull=True, correction_reason="")
                | (Q(corrected_at__isnull=False, corrected_by__isnull=False) & ~Q(correction_reason="")),
                name="withdrawal_corrected_whole",
            ),
            models.CheckConstraint(
                condition=Q(corrected_by__isnull=True)
                | Q(recorded_by__isnull=True)
                | ~Q(corrected_by=F("recorded_by")),
                name="withdrawal_corrected_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.withdrawn_on}"


class Erasure(models.Model):
    """One row says what a withdrawal erased and what was kept, as codes of bank.choices_consent.ERASED and KEPT."""

    withdrawal = models.OneToOneField(
        ConsentWithdrawal, on_delete=models.PROTECT, primary_key=True, related_name="erasure"
    )
    erased = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    kept = ArrayField(models.CharField(max_length=20), default=list)
    at = models.DateTimeField(db_default=Now())

    objects = StaffQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.withdrawal_id}: {', '.join(self.erased) or '–'}"


class MotherContact(models.Model):
    """One row is how the mother of a donation is reached later: encrypted at rest, own permission, every look recorded.

    There is one only while she consents to being contacted; a withdrawal deletes it.
    """

    donation = models.OneToOneField(
        "bank.Donation", on_delete=models.PROTECT, primary_key=True, related_name="contact"
    )
    name = EncryptedTextField(_("Name"), blank=True)
    phone = EncryptedTextField(_("Telephone"), blank=True)
    other = EncryptedTextField(_("Other way to reach her"), blank=True)
    updated_by = _person(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"contact of {self.donation_id}"


class ConsentDeclaration(models.Model):
    """One row is the bank's word that mothers of older units consented to a purpose, of whom no answer is kept here.

    It covers own units collected in the period. Written by one person, signed by another, ended with a reason.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="consent_declarations")
    purpose = models.CharField(max_length=12, choices=ConsentPurpose)
    collected_from = models.DateField(_("collected from"))
    collected_until = models.DateField(_("collected until"))
    reason = models.TextField(_("reason"))
    entered_by = _person(null=True, blank=True)
    entered_at = models.DateTimeField(db_default=Now())
    approved_by = _person(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_by = _person(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.TextField(blank=True, default="", db_default="")

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        ordering = ["-entered_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=[str(one) for one in DECLARABLE]), name="declaration_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(collected_until__gte=F("collected_from")), name="declaration_period"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="declaration_reason_given"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="declaration_approved_paired",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(entered_by__isnull=True)
                | ~Q(approved_by=F("entered_by")),
                name="declaration_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(end_reason="")),
                name="declaration_ended_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.collected_from} – {self.collected_until}"
