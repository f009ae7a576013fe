"""Lists of earlier transplants that were taken over, cohorts that people keep, and what the bank shows of outcomes."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_outcomes as querysets

_USER = settings.AUTH_USER_MODEL
# Bounds of what a bank may set; far beyond what any bank does.
MOST_REMINDER_DAYS = 365


class TransplantBatch(models.Model):
    """One row is one list of earlier transplants that was taken over: where from, by whom, what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    file_name = models.CharField(max_length=200)
    file_bytes = models.PositiveBigIntegerField()
    file_sha256 = models.CharField(max_length=64)
    name = models.CharField(
        _("Name of the list"),
        max_length=120,
        blank=True,
        default="",
        help_text="shown beside every figure of it",
    )
    rows = models.PositiveIntegerField()
    imported = models.PositiveIntegerField()
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    user = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rows=F("imported") + F("changed") + F("unchanged")),
                name="transplants_batch_adds_up",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class SavedCohort(models.Model):
    """One row is a cohort under a name: the query of its page, of one person or shared with all who see outcomes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(_("Name"), max_length=80)
    query = models.CharField(max_length=2000, blank=True, default="")
    owner = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    is_shared = models.BooleanField(_("Shared with everybody who sees outcomes"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.SavedCohortQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="cohort_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="cohort_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


def _days(least: int = 1) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(least), MaxValueValidator(MOST_REMINDER_DAYS)]


class OutcomeRules(models.Model):
    """The only row (id 1): when hospitals are reminded of a form, and whether the bank shows its figures to the public.

    The numbers are unconfirmed defaults that a bank edits.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_public = models.BooleanField(_("The summary page is open to everybody"), default=False)
    remind_every_days = models.PositiveSmallIntegerField(
        _("Days between reminders of an overdue form"), default=14, validators=_days()
    )
    tell_bank_after_days = models.PositiveSmallIntegerField(
        _("Days overdue after which the bank is told too"), default=60, validators=_days()
    )
    graft_failure_day = models.PositiveSmallIntegerField(
        _("Day without neutrophil recovery that makes a primary graft failure"),
        default=42,
        validators=_days(),
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="outcome_rules_single")]

    def __str__(self) -> str:
        return "outcomes"
