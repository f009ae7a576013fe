from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte, MeasureUnit, Sex, TimePoint
from bank.querysets import InForceQuerySet


class Donation(models.Model):
    """One row is one collection of cord blood from one birth, with the mother under a pseudonymous code."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="donations")
    mother_code = models.CharField(_("mother's code"), max_length=40, help_text=_("pseudonymous, no name"))
    infant_no = models.PositiveSmallIntegerField(_("infant"), default=1, help_text=_("2 for a second twin"))
    infant_sex = models.CharField(max_length=1, choices=Sex, blank=True, default="")
    born_at = models.DateTimeField(null=True, blank=True)
    gestation_weeks = models.PositiveSmallIntegerField(null=True, blank=True)
    bag_id = models.CharField(max_length=40, blank=True, default="")
    anticoagulant = models.CharField(max_length=40, blank=True, default="")
    collection_site = models.CharField(max_length=120, blank=True, default="")
    collected_at = models.DateTimeField(null=True, blank=True)
    consented_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "mother_code", "bag_id", "infant_no"], name="donation_once_per_infant"
            ),
            models.UniqueConstraint(
                fields=["bank", "bag_id"], condition=~Q(bag_id=""), name="donation_bag_once"
            ),
            models.CheckConstraint(condition=~Q(mother_code=""), name="donation_mother_coded"),
            models.CheckConstraint(
                condition=Q(gestation_weeks__isnull=True) | Q(gestation_weeks__range=(20, 45)),
                name="donation_gestation_range",
            ),
            models.CheckConstraint(
                condition=Q(born_at__isnull=True)
                | Q(collected_at__isnull=True)
                | Q(collected_at__gte=F("born_at")),
                name="donation_collected_after_birth",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mother_code}/{self.infant_no}"


class Verified(models.Model):
    """A result that one person enters and another verifies; the database refuses the same person."""

    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now())
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True, verified_at__isnull=True)
                | Q(verified_by__isnull=False, verified_at__isnull=False),
                name="%(class)s_verified_paired",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True)
                | Q(entered_by__isnull=True)
                | ~Q(verified_by=F("entered_by")),
                name="%(class)s_verified_by_another",
            ),
        ]


class Retractable(models.Model):
    """A result of which no later one takes the place: one that is wrong is retracted, with a reason, and stays."""

    retracted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    retracted_at = models.DateTimeField(null=True, blank=True)
    retraction_reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(retracted_at__isnull=True, retracted_by__isnull=True, retraction_reason="")
                | (Q(retracted_at__isnull=False, retracted_by__isnull=False) & ~Q(retraction_reason="")),
                name="%(class)s_retracted_whole",
            ),
        ]


class Measurement(Verified):
    """One row is one measured value of a unit at one time point."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="measurements")
    time_point = models.CharField(max_length=20, choices=TimePoint)
    analyte = models.CharField(max_length=16, choices=Analyte)
    value = models.FloatField(validators=[MinValueValidator(0)])
    measure_unit = models.CharField(max_length=8, choices=MeasureUnit)
    method = models.CharField(max_length=80, blank=True, default="", db_default="")
    instrument = models.CharField(max_length=80, blank=True, default="", db_default="")
    laboratory = models.CharField(max_length=120, blank=True, default="", db_default="")
    measured_on = models.DateField(null=True, blank=True)
    invented = models.BooleanField(default=False, db_default=False)
    superseded = models.BooleanField(
        default=False, db_default=False, help_text=_("a later row corrects this one")
    )

    objects = InForceQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["time_point", "analyte", "-entered_at"]
        indexes = [
            # Few units are thawed; recovery asks for these rows only.
            models.Index(
                fields=["entered_at"], condition=Q(time_point="post_thaw"), name="measurement_post_thaw"
            ),
        ]
        constraints = [
            *Verified.Meta.constraints,
            models.CheckConstraint(condition=Q(value__gte=0), name="measurement_not_negative"),
            models.CheckConstraint(
                condition=Q(time_point__in=TimePoint.values), name="measurement_time_point_known"
            ),
            models.CheckConstraint(condition=Q(analyte__in=Analyte.values), name="measurement_analyte_known"),
            models.CheckConstraint(
                condition=Q(measure_unit__in=MeasureUnit.values), name="measurement_unit_known"
            ),
            models.CheckConstraint(
                condition=~Q(measure_unit="percent") | Q(value__lte=100), name="measurement_percent_max"
            ),
            models.UniqueConstraint(
                fields=["unit", "time_point", "analyte"],
                condition=Q(superseded=False),
                name="measurement_one_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_analyte_display()} {self.value:g} {self.get_measure_unit_display()}"

    @property
    def told(self) -> str:
        """Value and time point, for whoever vouches for it."""
        return f"{self} · {self.get_time_point_display()}"

    @property
    def day(self) -> dt.date | None:
        return self.measured_on
