from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bank.choices import (
    Abo,
    CultureKind,
    CultureValue,
    MarkerResultValue,
    MarkerTest,
    Rh,
    Subject,
)
from bank.models.records import Retractable, Verified
from bank.querysets import InForceQuerySet, StandingQuerySet


class MarkerResult(Verified, Retractable):
    """One row is one infectious-disease test of the unit or of its mother.

    None takes the place of another: a positive result counts for good unless somebody retracts it as wrong.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="markers")
    subject = models.CharField(max_length=8, choices=Subject)
    test = models.CharField(max_length=16, choices=MarkerTest)
    result = models.CharField(max_length=16, choices=MarkerResultValue)
    method = models.CharField(max_length=80, blank=True, default="")
    specimen = models.CharField(max_length=80, blank=True, default="")
    kit_lot = models.CharField(max_length=40, blank=True, default="")
    laboratory = models.CharField(max_length=120, blank=True, default="")
    sampled_on = models.DateField(null=True, blank=True)
    tested_on = models.DateField()

    objects = StandingQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["subject", "test", "-tested_on"]
        indexes = [models.Index(fields=["kit_lot"], condition=~Q(kit_lot=""), name="marker_by_lot")]
        constraints = [
            *Verified.Meta.constraints,
            *Retractable.Meta.constraints,
            models.CheckConstraint(condition=Q(subject__in=Subject.values), name="marker_subject_known"),
            models.CheckConstraint(condition=Q(test__in=MarkerTest.values), name="marker_test_known"),
            models.CheckConstraint(
                condition=Q(result__in=MarkerResultValue.values), name="marker_result_known"
            ),
            models.CheckConstraint(
                condition=Q(sampled_on__isnull=True) | Q(tested_on__gte=F("sampled_on")),
                name="marker_tested_after_sample",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_test_display()}: {self.get_result_display()}"

    @property
    def told(self) -> str:
        """Result and of whom, for whoever vouches for it."""
        return f"{self} · {self.get_subject_display()}"

    @property
    def day(self) -> dt.date:
        return self.tested_on


class CultureResult(Verified, Retractable):
    """One row is one finished culture of a unit; growth counts for good unless somebody retracts it as wrong."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="cultures")
    kind = models.CharField(_("culture"), max_length=16, choices=CultureKind)
    result = models.CharField(_("result"), max_length=16, choices=CultureValue)
    organism = models.CharField(_("organism"), max_length=120, blank=True, default="", db_default="")
    method = models.CharField(_("method"), max_length=80, blank=True, default="", db_default="")
    specimen = models.CharField(_("specimen"), max_length=80, blank=True, default="", db_default="")
    kit_lot = models.CharField(_("lot"), max_length=40, blank=True, default="", db_default="")
    laboratory = models.CharField(_("laboratory"), max_length=120, blank=True, default="", db_default="")
    sampled_on = models.DateField(_("sampled on"), null=True, blank=True)
    read_on = models.DateField(_("read on"), help_text=_("the day of the final reading"))

    objects = StandingQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["kind", "-read_on"]
        indexes = [models.Index(fields=["kit_lot"], condition=~Q(kit_lot=""), name="culture_by_lot")]
        constraints = [
            *Verified.Meta.constraints,
            *Retractable.Meta.constraints,
            models.CheckConstraint(condition=Q(kind__in=CultureKind.values), name="culture_kind_known"),
            models.CheckConstraint(condition=Q(result__in=CultureValue.values), name="culture_result_known"),
            models.CheckConstraint(
                condition=Q(sampled_on__isnull=True) | Q(read_on__gte=F("sampled_on")),
                name="culture_read_after_sample",
            ),
            models.CheckConstraint(
                condition=Q(organism="") | ~Q(result="no_growth"), name="culture_organism_only_of_growth"
            ),
        ]

    def __str__(self) -> str:
        found = f" ({self.organism})" if self.organism else ""
        return f"{self.get_kind_display()}: {self.get_result_display()}{found}"

    @property
    def told(self) -> str:
        """For whoever vouches for it."""
        return str(self)

    @property
    def day(self) -> dt.date:
        return self.read_on


class BloodGroupResult(Verified):
    """One row is one determination of a unit's blood group; a later one supersedes it, and the unit holds a copy."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="blood_groups")
    abo = models.CharField("ABO", max_length=2, choices=Abo)
    rh = models.CharField("Rh", max_length=1, choices=Rh)
    method = models.CharField(_("method"), max_length=80, blank=True, default="", db_default="")
    kit_lot = models.CharField(_("lot"), max_length=40, blank=True, default="", db_default="")
    laboratory = models.CharField(_("laboratory"), max_length=120, blank=True, default="", db_default="")
    tested_on = models.DateField(_("tested on"))
    superseded = models.BooleanField(default=False, db_default=False)

    objects = InForceQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["superseded", "-entered_at"]
        constraints = [
            *Verified.Meta.constraints,
            models.CheckConstraint(condition=Q(abo__in=Abo.values), name="blood_group_abo_known"),
            models.CheckConstraint(condition=Q(rh__in=Rh.values), name="blood_group_rh_known"),
            models.UniqueConstraint(
                fields=["unit"], condition=Q(superseded=False), name="blood_group_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.abo}{self.rh}"

    @property
    def told(self) -> str:
        """For whoever vouches for it."""
        return f"{_('Blood group')}: {self}"

    @property
    def day(self) -> dt.date:
        return self.tested_on
