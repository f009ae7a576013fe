from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from bank.choices import Analyte, Comparison, MeasureUnit, ReleaseOutcome, TimePoint


class ReleaseSpecification(models.Model):
    """One row is one version of the bank's rules for listing a unit; a new version never changes an old."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="release_specifications")
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    effective_from = models.DateField()
    effective_until = models.DateField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["bank", "version"], name="specification_version_once"),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True) | Q(effective_until__gt=F("effective_from")),
                name="specification_period",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="specification_approved_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class ReleaseCriterion(models.Model):
    """One row is one threshold of a release specification, with the source that gives it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    specification = models.ForeignKey(ReleaseSpecification, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField(default=0)
    time_point = models.CharField(max_length=20, choices=TimePoint)
    analyte = models.CharField(max_length=16, choices=Analyte)
    comparison = models.CharField(max_length=2, choices=Comparison, default=Comparison.AT_LEAST)
    threshold = models.FloatField()
    measure_unit = models.CharField(max_length=8, choices=MeasureUnit)
    required = models.BooleanField(default=True)
    reference = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["specification", "time_point", "analyte", "comparison"], name="criterion_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_analyte_display()} {self.get_comparison_display()} {self.threshold:g}"


class Release(models.Model):
    """One row is one signed decision about listing a unit, with the version it was judged by."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="releases")
    specification = models.ForeignKey(ReleaseSpecification, on_delete=models.PROTECT, related_name="releases")
    outcome = models.CharField(max_length=12, choices=ReleaseOutcome)
    findings = models.JSONField(default=list, help_text="one entry per criterion: value, threshold, verdict")
    justification = models.TextField(blank=True, default="")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ReleaseOutcome.values), name="release_outcome_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="exceptional") | ~Q(justification=""),
                name="release_exception_justified",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.get_outcome_display()}"
