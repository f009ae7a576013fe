"""Patients of partner hospitals; beside it the other models_…."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Abo, Rh
from core import populations as population_texts
from core.crypto import EncryptedTextField
from hospitals import choices, querysets
from hospitals.models_antibodies import AntibodyBead, AntibodySerum
from hospitals.models_disease import PatientEnzymeLevel
from hospitals.models_duplicates import PatientMerge, PossibleDuplicate
from hospitals.models_hospitals import Department, Hospital, Membership

__all__ = [
    "AntibodyBead",
    "AntibodySerum",
    "Department",
    "Hospital",
    "Membership",
    "Patient",
    "PatientEnzymeLevel",
    "PatientHlaTyping",
    "PatientIdentity",
    "PatientMerge",
    "PatientWeight",
    "PossibleDuplicate",
    "kg_text",
]


def kg_text(weight_kg: Decimal | None) -> str:
    """A weight without idle zeros: 12.4, 60; empty if unknown."""
    return "" if weight_kg is None else f"{weight_kg.normalize():f}"


class Patient(models.Model):
    """One row is one patient of one hospital, known here by a pseudonymous code only.

    ended_on: when he was transplanted, died or moved. merged_into: the record that is kept of the same person.
    typing_discrepancy: another sample contradicts the typing in force, and nobody has settled which is right.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("Patient"), max_length=12, unique=True, editable=False)
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="patients")
    sex = models.CharField(_("Sex"), max_length=1, choices=choices.Sex)
    birth_date = models.DateField(_("Date of birth"))
    abo = models.CharField(_("Blood group"), max_length=2, choices=Abo, blank=True)
    rh = models.CharField(_("Rh(D)"), max_length=1, choices=Rh, blank=True)
    cmv = models.CharField(_("CMV antibodies"), max_length=1, choices=choices.Cmv, blank=True)
    populations = models.CharField(
        _("Population"),
        max_length=population_texts.MAX_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text=population_texts.HELP,
    )
    weight_kg = models.DecimalField(_("Weight (kg)"), max_digits=5, decimal_places=2, null=True, blank=True)
    diagnosis = models.CharField(_("Diagnosis"), max_length=32, choices=choices.DIAGNOSIS_CHOICES, blank=True)
    diagnosis_text = models.CharField(_("Diagnosis in words"), max_length=200, blank=True)
    stage = models.CharField(_("Stage"), max_length=20, choices=choices.Stage, blank=True)
    urgency = models.CharField(
        _("Urgency"), max_length=10, choices=choices.Urgency, default=choices.Urgency.ROUTINE
    )
    state = models.CharField(max_length=10, choices=choices.PatientState, default=choices.PatientState.ACTIVE)
    inactive_reason = models.CharField(max_length=20, choices=choices.InactiveReason, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    ended_on = models.DateField(_("Day of the event"), null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_records"
    )
    typing_discrepancy = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PatientQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "code"]
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        indexes = [
            models.Index(fields=["hospital", "state", "-updated_at"], name="hospitals_patient_list"),
            models.Index(fields=["state", "-updated_at"], name="hospitals_patient_all"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(weight_kg__isnull=True)
                | Q(weight_kg__gte=choices.MIN_WEIGHT_KG, weight_kg__lte=choices.MAX_WEIGHT_KG),
                name="hospitals_patient_weight_range",
            ),
            models.CheckConstraint(
                condition=Q(birth_date__gte="1900-01-01"), name="hospitals_patient_birth_since_1900"
            ),
            models.CheckConstraint(
                condition=Q(populations__regex=population_texts.PATTERN),
                name="hospitals_patient_populations_form",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=choices.PatientState.ACTIVE,
                    deactivated_at__isnull=True,
                    inactive_reason="",
                    ended_on__isnull=True,
                )
                | (
                    Q(state=choices.PatientState.INACTIVE, deactivated_at__isnull=False)
                    & ~Q(inactive_reason="")
                ),
                name="hospitals_patient_inactive_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=False, inactive_reason=choices.MERGED)
                | (Q(merged_into__isnull=True) & ~Q(inactive_reason=choices.MERGED)),
                name="hospitals_patient_merged_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_active(self) -> bool:
        return self.state == choices.PatientState.ACTIVE

    @property
    def current_typing(self) -> PatientHlaTyping | None:
        """The typing in force; without a query when `with_current_typing` prefetched it."""
        found = getattr(self, "_current_typings", None)
        if found is None:
            return self.typings.filter(is_current=True).first()
        return found[0] if found else None

    @property
    def icd10(self) -> str:
        entry = choices.DIAGNOSIS.get(self.diagnosis)
        return entry.icd10 if entry else ""

    @property
    def is_metabolic(self) -> bool:
        """Whether the diagnosis is an inherited metabolic disorder, of which more is asked."""
        entry = choices.DIAGNOSIS.get(self.diagnosis)
        return entry is not None and entry.group == choices.DiagnosisGroup.METABOLIC

    @property
    def is_symptomatic(self) -> bool | None:
        """Of an inherited metabolic disorder; None where it is not stated, or not asked."""
        known = {choices.Stage.SYMPTOMATIC.value: True, choices.Stage.PRESYMPTOMATIC.value: False}
        return known.get(self.stage) if self.is_metabolic else None

    @property
    def blood_group(self) -> str:
        return f"{self.abo}{self.rh}"

    @property
    def kg_text(self) -> str:
        return kg_text(self.weight_kg)


class PatientWeight(models.Model):
    """One row is one weighing; the latest by date stands on the patient as weight_kg."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="weights")
    weight_kg = models.DecimalField(_("Weight (kg)"), max_digits=5, decimal_places=2)
    measured_on = models.DateField(_("Weighed on"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PatientDataQuerySet.as_manager()

    class Meta:
        ordering = ["-measured_on", "-recorded_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(weight_kg__gte=choices.MIN_WEIGHT_KG, weight_kg__lte=choices.MAX_WEIGHT_KG),
                name="hospitals_weight_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weight_kg} kg · {self.measured_on}"

    @property
    def kg_text(self) -> str:
        return kg_text(self.weight_kg)


class PatientIdentity(models.Model):
    """One row is who a patient is: encrypted at rest, own permission, every look recorded."""

    patient = models.OneToOneField(
        Patient, on_delete=models.PROTECT, primary_key=True, related_name="identity"
    )
    name = EncryptedTextField(_("Name"), blank=True)
    document_no = EncryptedTextField(_("Identity document number"), blank=True)
    contact = EncryptedTextField(_("Contact"), blank=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    updated_at = models.DateTimeField(default=timezone.now)

    objects = querysets.PatientIdentityQuerySet.as_manager()

    def __str__(self) -> str:
        return f"identity of {self.patient_id}"


class PatientHlaTyping(models.Model):
    """One row is one HLA typing of a patient as it was entered; exactly one row per patient is in force.

    `loci` is what a person wrote, `canonical` what the parser of `nomenclature` made of it, both as
    {"A": ["A*02:01", ""]}. Rows are never changed but for `is_current`, the sample where it was not stated, and
    set_aside_…: found wrong when a discrepancy between two samples was settled. A correction is a new row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="typings")
    is_current = models.BooleanField(default=True)
    loci = models.JSONField()
    canonical = models.JSONField()
    canonical_gl = models.TextField()
    digest = models.CharField(max_length=64, db_index=True)
    notes = models.JSONField(default=list, blank=True)
    nomenclature = models.CharField(max_length=40)
    mac_version = models.CharField(max_length=80, blank=True, default="")
    blank_rule = models.CharField(max_length=12, choices=choices.BlankRule, default=choices.BlankRule.UNKNOWN)
    source = models.CharField(
        _("Source of the typing"),
        max_length=16,
        choices=choices.TypingSource,
        default=choices.TypingSource.REPORT,
    )
    laboratory = models.CharField(_("Laboratory"), max_length=120, blank=True)
    typed_on = models.DateField(_("Date of the report"), null=True, blank=True)
    sampled_on = models.DateField(_("Sample drawn on"), null=True, blank=True)
    sample = models.CharField(_("Sample label"), max_length=60, blank=True, default="", db_default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    set_aside_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    set_aside_at = models.DateTimeField(null=True, blank=True)
    set_aside_reason = models.CharField(max_length=400, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PatientDataQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(is_current=True), name="hospitals_typing_one_current"
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True, verified_at__isnull=True)
                | Q(verified_by__isnull=False, verified_at__isnull=False),
                name="hospitals_typing_verified_paired",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True)
                | Q(entered_by__isnull=True)
                | ~Q(verified_by=F("entered_by")),
                name="hospitals_typing_verified_by_another",
            ),
            models.CheckConstraint(
                condition=Q(set_aside_at__isnull=True, set_aside_by__isnull=True, set_aside_reason="")
                | (Q(set_aside_at__isnull=False, is_current=False) & ~Q(set_aside_reason="")),
                name="hospitals_typing_set_aside_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.canonical_gl

    @property
    def sample_text(self) -> str:
        """The sample as people name it: its label and the day it was drawn; "" where neither is stated."""
        drawn = self.sampled_on.isoformat() if self.sampled_on else ""
        return " · ".join(text for text in (self.sample, drawn) if text)

    @property
    def conflicts(self) -> list[tuple[str, dict[str, Any]]]:
        """Loci whose serology the DNA typing excludes, each with the values of its sentence."""
        return [(locus, params) for locus, code, params in self.notes if code == "typing_conflict"]
