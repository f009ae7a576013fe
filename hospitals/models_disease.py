"""What is asked of one group of diseases only: enzyme levels of inherited metabolic disorders."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hospitals import querysets


class PatientEnzymeLevel(models.Model):
    """One row is one measurement of the enzyme that a patient lacks, with the limit of the laboratory that measured."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="enzyme_levels")
    enzyme = models.CharField(_("Enzyme"), max_length=80)
    value = models.DecimalField(_("Level"), max_digits=10, decimal_places=3)
    unit = models.CharField(pgettext_lazy("enzyme level", "Unit"), max_length=30)
    lower_limit = models.DecimalField(
        _("Lower limit of reference"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    measured_on = models.DateField(_("Measured on"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PatientDataQuerySet.as_manager()

    class Meta:
        ordering = ["-measured_on", "-recorded_at"]
        verbose_name = _("enzyme level")
        constraints = [
            models.CheckConstraint(
                condition=Q(value__gte=0) & (Q(lower_limit__isnull=True) | Q(lower_limit__gt=0)),
                name="hospitals_enzyme_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enzyme} {self.level_text}"

    @property
    def level_text(self) -> str:
        """The level with its unit, without idle zeros."""
        return f"{self.value.normalize():f} {self.unit}"

    @property
    def limit_text(self) -> str:
        return "" if self.lower_limit is None else f"{self.lower_limit.normalize():f} {self.unit}"

    @property
    def is_low(self) -> bool | None:
        """Below the laboratory's reference; None where it states no limit."""
        return None if self.lower_limit is None else self.value < self.lower_limit
