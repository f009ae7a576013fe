"""Predictions that a confirmatory typing has checked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets
from matching.choices import Basis, Quantity

SCORED_BASES = [basis.value for basis in Basis if basis not in (Basis.TYPING, Basis.NONE)]


class PredictionCheck(models.Model):
    """One row is one prediction of a search, checked by the confirmatory typing of its unit; never changed later.

    predicted: the probability, then given, that unit and patient have no mismatch in `quantity` (a class or a locus).
    observed: whether they have none. The sets are named as the search named them; a patient of mixed ancestry has
    several, joined by " + ", a unit of mixed ancestry the first of his. bank: the unit's, as it was.
    """

    result = models.ForeignKey(
        "matching.SearchResult", on_delete=models.PROTECT, related_name="checks", db_index=False
    )
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="prediction_checks")
    quantity = models.CharField(_("what was predicted"), max_length=4, choices=Quantity)
    predicted = models.FloatField(_("probability predicted"))
    observed = models.BooleanField(_("no mismatch found"))
    basis = models.CharField(_("basis"), max_length=8, choices=Basis)
    unit_set_version = models.CharField(_("frequency set of the unit"), max_length=80)
    unit_set_checksum = models.CharField(max_length=64)
    patient_set_version = models.TextField(_("frequency set of the patient"))
    patient_set_checksum = models.TextField()
    confirmed_on = models.DateField(_("confirmed on"))
    confirmed_gl = models.TextField(_("confirmatory typing"))
    recorded_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PredictionCheckQuerySet.as_manager()

    class Meta:
        ordering = ["confirmed_on", "pk"]
        verbose_name = _("checked prediction")
        indexes = [
            models.Index(fields=["quantity", "unit_set_checksum", "bank"], name="check_by_quantity"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["result", "quantity"], name="check_once"),
            models.CheckConstraint(condition=Q(quantity__in=Quantity.values), name="check_quantity_known"),
            models.CheckConstraint(condition=Q(predicted__gte=0, predicted__lte=1), name="check_probability"),
            models.CheckConstraint(condition=Q(basis__in=SCORED_BASES), name="check_of_an_estimate"),
            models.CheckConstraint(
                condition=~Q(unit_set_version="")
                & ~Q(unit_set_checksum="")
                & ~Q(patient_set_version="")
                & ~Q(patient_set_checksum="")
                & ~Q(confirmed_gl="")
                & ~Q(recorded_by=""),
                name="check_says_by_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.result_id} {self.quantity}"
