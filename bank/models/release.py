from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import (
    Analyte,
    Comparison,
    CriterionKind,
    Eligibility,
    MeasureUnit,
    ReleaseOutcome,
    Subject,
    TimePoint,
)
from bank.models.records import Verified
from bank.querysets import InForceQuerySet, SpecificationQuerySet


class ReleaseSpecification(models.Model):
    """One row is one version of the bank's rules for listing a unit; a new version never changes an old.

    A draft has no `approved_at` and judges nothing. Approved, it is in force from `effective_from` until the day before
    a later approved version begins.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="release_specifications")
    version = models.PositiveSmallIntegerField()
    title = models.CharField(_("title"), max_length=120)
    effective_from = models.DateField(_("in force from"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SpecificationQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["bank", "version"], name="specification_version_once"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="specification_approved_paired",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(created_by__isnull=True)
                | ~Q(approved_by=F("created_by")),
                name="specification_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class ReleaseCriterion(models.Model):
    """One row is one condition of a release specification, with the source that gives it.

    measurement: time_point, analyte, comparison, threshold, measure_unit. marker: subject and test (of MarkerTest).
    culture: test (of CultureKind). typing: test is the locus. segments: threshold. allowed: results that pass, of
    marker, culture and haemoglobinopathy; [] is any result: it only has to be known.
    may_be_excepted: whether an exceptional release may go over it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    specification = models.ForeignKey(ReleaseSpecification, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=20, choices=CriterionKind, default=CriterionKind.MEASUREMENT)
    time_point = models.CharField(max_length=20, choices=TimePoint, blank=True, default="")
    analyte = models.CharField(max_length=16, choices=Analyte, blank=True, default="")
    comparison = models.CharField(max_length=2, choices=Comparison, default=Comparison.AT_LEAST)
    threshold = models.FloatField(null=True, blank=True)
    measure_unit = models.CharField(max_length=8, choices=MeasureUnit, blank=True, default="")
    subject = models.CharField(max_length=8, choices=Subject, blank=True, default="")
    test = models.CharField(max_length=16, blank=True, default="")
    allowed = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    may_be_excepted = models.BooleanField(default=False)
    reference = models.CharField(max_length=200, blank=True, default="")
    unconfirmed = models.BooleanField(
        default=False, help_text=_("the number is from memory, not from its source")
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["specification", "kind", "time_point", "analyte", "comparison", "subject", "test"],
                name="criterion_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=CriterionKind.values), name="criterion_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind="measurement")
                | (~Q(time_point="") & ~Q(analyte="") & ~Q(measure_unit="") & Q(threshold__isnull=False)),
                name="criterion_measurement_whole",
            ),
            models.CheckConstraint(
                condition=~Q(kind="marker") | (~Q(subject="") & ~Q(test="")), name="criterion_marker_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.analyte or self.test}"


class EligibilityDecision(Verified):
    """One row is one decision on the donor of a donation, by her history and tests; a later one supersedes it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    donation = models.ForeignKey("bank.Donation", on_delete=models.PROTECT, related_name="eligibility")
    decision = models.CharField(_("decision"), max_length=16, choices=Eligibility)
    questionnaire = models.CharField(
        _("questionnaire"), max_length=60, blank=True, default="", help_text=_("its version, as on the form")
    )
    interviewed_on = models.DateField(_("interviewed on"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True, default="")
    superseded = models.BooleanField(default=False, db_default=False)

    objects = InForceQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["superseded", "-entered_at"]
        constraints = [
            *Verified.Meta.constraints,
            models.CheckConstraint(
                condition=Q(decision__in=Eligibility.values), name="eligibility_decision_known"
            ),
            models.CheckConstraint(
                condition=Q(decision="eligible") | ~Q(reason=""), name="eligibility_reason_given"
            ),
            models.UniqueConstraint(
                fields=["donation"], condition=Q(superseded=False), name="eligibility_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_decision_display())

    @property
    def told(self) -> str:
        """For whoever vouches for it."""
        return f"{_('Donor')}: {self}"

    @property
    def method(self) -> str:
        """As the other results that wait for a second person."""
        return self.questionnaire

    @property
    def day(self) -> dt.date | None:
        return self.interviewed_on


class Release(models.Model):
    """One row is one signed decision about listing a unit, with the version it was judged by."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="releases")
    specification = models.ForeignKey(ReleaseSpecification, on_delete=models.PROTECT, related_name="releases")
    outcome = models.CharField(max_length=12, choices=ReleaseOutcome)
    findings = models.JSONField(
        default=list, help_text="one entry per criterion (bank.release.judge.Finding)"
    )
    justification = models.TextField(blank=True, default="")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_by = models.CharField(max_length=200, default="", editable=False)
    released_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ReleaseOutcome.values), name="release_outcome_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["exceptional", "refused"]) | ~Q(justification=""),
                name="release_exception_justified",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.get_outcome_display()}"
