"""Antibodies of patients: sera that were tested, and what was found in them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hla.antibodies import Specificity
from hospitals import choices, querysets


class AntibodySerum(models.Model):
    """One row is one serum of a patient that was tested for HLA antibodies, as the report was entered.

    A serum without beads says that none were found against the classes that were tested, which is not the same as no
    serum at all. Rows are never changed or deleted (the application's role may not): what was wrong is withdrawn with
    a reason, and entered anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="sera")
    sampled_on = models.DateField(_("Sampled on"))
    tested_on = models.DateField(_("Tested on"), null=True, blank=True)
    method = models.CharField(_("Method"), max_length=16, choices=choices.AntibodyMethod)
    classes = models.CharField(_("HLA classes tested"), max_length=4, choices=choices.SerumClasses)
    laboratory = models.CharField(_("Laboratory"), max_length=120, blank=True)
    note = models.CharField(_("Note"), max_length=400, blank=True)
    nomenclature = models.CharField(max_length=40)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    withdrawn_reason = models.CharField(max_length=400, blank=True)

    objects = querysets.AntibodySerumQuerySet.as_manager()

    class Meta:
        ordering = ["-sampled_on", "-created_at"]
        verbose_name = _("serum")
        verbose_name_plural = _("sera")
        constraints = [
            models.CheckConstraint(
                condition=Q(sampled_on__year__gte=choices.FIRST_SERUM_YEAR),
                name="hospitals_serum_sampled_since_1980",
            ),
            models.CheckConstraint(
                condition=Q(tested_on__isnull=True) | Q(tested_on__gte=F("sampled_on")),
                name="hospitals_serum_sampled_before_tested",
            ),
            models.CheckConstraint(
                condition=Q(method__in=choices.AntibodyMethod.values), name="hospitals_serum_method_known"
            ),
            models.CheckConstraint(
                condition=Q(classes__in=choices.SerumClasses.values), name="hospitals_serum_classes_known"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="hospitals_serum_withdrawn_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{_('serum')} {self.sampled_on:%Y-%m-%d}"

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


class AntibodyBead(models.Model):
    """One row is one specificity that was tested in a serum, with what was measured.

    `written` is what the report says, `text`, `loci` and `level` what the kernel made of it. `mfi` is the highest mean
    fluorescence intensity; unknown only where the report calls the specificity positive or negative without a number.
    `called` positive beside a number: another line of the report calls it so without one, and no number undoes that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    serum = models.ForeignKey(AntibodySerum, on_delete=models.PROTECT, related_name="beads")
    written = models.CharField(max_length=choices.MAX_SPECIFICITY_LENGTH)
    text = models.CharField(_("Specificity"), max_length=choices.MAX_SPECIFICITY_LENGTH)
    loci = ArrayField(models.CharField(max_length=8), verbose_name=_("loci"))
    level = models.CharField(max_length=12, choices=choices.SpecificityLevel)
    mfi = models.PositiveIntegerField("MFI", null=True, blank=True)
    called = models.CharField(max_length=8, choices=choices.BeadCall, blank=True)

    objects = querysets.AntibodyBeadQuerySet.as_manager()

    class Meta:
        ordering = ["serum", "text"]
        constraints = [
            models.UniqueConstraint(fields=["serum", "text"], name="hospitals_bead_once_in_a_serum"),
            models.CheckConstraint(
                condition=Q(mfi__isnull=True) | Q(mfi__gte=0, mfi__lte=choices.MAX_MFI),
                name="hospitals_bead_mfi_range",
            ),
            models.CheckConstraint(
                condition=Q(called="positive")
                | Q(called="", mfi__isnull=False)
                | Q(called="negative", mfi__isnull=True),
                name="hospitals_bead_measured_or_called",
            ),
            models.CheckConstraint(
                condition=Q(level__in=choices.SpecificityLevel.values), name="hospitals_bead_level_known"
            ),
            models.CheckConstraint(
                condition=(Q(loci__len=2, level=choices.SpecificityLevel.HETERODIMER))
                | (Q(loci__len=1) & ~Q(level=choices.SpecificityLevel.HETERODIMER)),
                name="hospitals_bead_two_loci_of_a_heterodimer",
            ),
            models.CheckConstraint(
                condition=~Q(text="") & ~Q(written=""), name="hospitals_bead_names_something"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_called_positive(self) -> bool:
        return self.called == choices.BeadCall.POSITIVE

    @property
    def specificity(self) -> Specificity:
        return Specificity(self.text, tuple(self.loci), self.level)  # type: ignore[arg-type]  # by constraint
