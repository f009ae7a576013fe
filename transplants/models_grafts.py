"""What became of a delivered unit: thaw and infusion, the transplant, or the decision on a unit that came back."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte, MeasureUnit
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG, Cmv, Sex
from transplants import querysets_orders as querysets
from transplants.choices_orders import (
    Answer,
    FailureCause,
    GraftPoint,
    GraftType,
    ReactionGrade,
    ReturnDecision,
    ThawMethod,
)
from transplants.choices_outcomes import (
    MOST_AGE_YEARS,
    MOST_HCT_CI,
    Intensity,
    Prophylaxis,
    RiskIndex,
    Source,
    YesNo,
)
from transplants.models_orders import Order

_USER = settings.AUTH_USER_MODEL


class Transplant(models.Model):
    """One row is one transplant of one patient: everything infused on its day 0. A second one is a row of its own.

    Disease, stage, age and weight are those of the day, copied: the patient's record goes on. One that was taken over
    from a list has no patient here but the code by which its hospital knows it, and may give its follow-up as a
    duration instead of a day: `months_followed` is kept as given.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    source = models.CharField(max_length=10, choices=Source, default=Source.SHIPMENT)
    patient = models.ForeignKey(
        "hospitals.Patient", on_delete=models.PROTECT, null=True, blank=True, related_name="transplants"
    )
    registry_code = models.CharField(_("Code of the patient"), max_length=40, blank=True, default="")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="transplants")
    infused_on = models.DateField(_("Day 0"))
    sequence = models.PositiveSmallIntegerField(_("Which transplant of the patient"))
    graft_type = models.CharField(_("Graft"), max_length=12, choices=GraftType)
    diagnosis = models.CharField(max_length=32, blank=True, default="")
    diagnosis_text = models.CharField(max_length=200, blank=True, default="")
    stage = models.CharField(max_length=20, blank=True, default="")
    symptomatic = models.CharField(
        _("Symptoms before transplant"), max_length=8, choices=YesNo, blank=True, default=""
    )
    sex = models.CharField(_("Sex"), max_length=1, choices=Sex, blank=True, default="")
    age_years = models.DecimalField(
        _("Age at transplant (years)"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    weight_kg = models.DecimalField(_("Weight (kg)"), max_digits=5, decimal_places=2, null=True, blank=True)
    cmv = models.CharField(_("CMV antibodies"), max_length=1, choices=Cmv, blank=True, default="")
    karnofsky = models.PositiveSmallIntegerField(_("Karnofsky or Lansky"), null=True, blank=True)
    hct_ci = models.PositiveSmallIntegerField(_("Comorbidity index (HCT-CI)"), null=True, blank=True)
    risk_index = models.CharField(
        _("Disease risk index"), max_length=12, choices=RiskIndex, blank=True, default=""
    )
    conditioning = models.CharField(_("Conditioning"), max_length=200, blank=True, default="")
    conditioning_on = models.DateField(_("Conditioning began on"), null=True, blank=True)
    intensity = models.CharField(
        _("Intensity of conditioning"), max_length=4, choices=Intensity, blank=True, default=""
    )
    tbi_gy = models.DecimalField(
        _("Total body irradiation (Gy)"), max_digits=4, decimal_places=2, null=True, blank=True
    )
    atg = models.CharField(_("Anti-thymocyte globulin"), max_length=8, choices=YesNo, blank=True, default="")
    prophylaxis = models.CharField(
        _("GVHD prophylaxis"), max_length=12, choices=Prophylaxis, blank=True, default=""
    )
    months_followed = models.DecimalField(max_digits=14, decimal_places=10, null=True, blank=True)
    batch = models.ForeignKey(
        "transplants.TransplantBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="transplants",
    )
    batch_line = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.TransplantQuerySet.as_manager()

    class Meta:
        ordering = ["-infused_on", "pk"]
        verbose_name = _("transplant")
        constraints = [
            models.UniqueConstraint(fields=["patient", "infused_on"], name="transplant_one_a_day"),
            models.UniqueConstraint(fields=["patient", "sequence"], name="transplant_sequence_once"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="transplant_sequence_from_one"),
            models.CheckConstraint(
                condition=Q(graft_type__in=GraftType.values), name="transplant_graft_known"
            ),
            models.CheckConstraint(
                condition=Q(weight_kg__isnull=True)
                | Q(weight_kg__gte=MIN_WEIGHT_KG, weight_kg__lte=MAX_WEIGHT_KG),
                name="transplant_weight_range",
            ),
            models.UniqueConstraint(
                fields=["hospital", "registry_code", "sequence"],
                condition=~Q(registry_code=""),
                name="transplant_of_registry_once",
            ),
            models.CheckConstraint(
                condition=Q(source="shipment", patient__isnull=False, registry_code="")
                | (Q(source__in=("import", "synthetic"), patient__isnull=True) & ~Q(registry_code="")),
                name="transplant_of_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(source="shipment") | Q(weight_kg__isnull=False, created_by__isnull=False),
                name="transplant_shipped_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(months_followed__isnull=True) | Q(months_followed__gte=0),
                name="transplant_followed_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(age_years__isnull=True) | Q(age_years__gte=0, age_years__lte=MOST_AGE_YEARS),
                name="transplant_age_range",
            ),
            models.CheckConstraint(
                condition=Q(karnofsky__isnull=True) | Q(karnofsky__lte=100), name="transplant_karnofsky_range"
            ),
            models.CheckConstraint(
                condition=Q(hct_ci__isnull=True) | Q(hct_ci__lte=MOST_HCT_CI), name="transplant_hct_ci_range"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def who(self) -> str:
        """The code of the patient, for people."""
        return self.patient.code if self.patient is not None else self.registry_code


class Infusion(models.Model):
    """One row is how one ordered unit was thawed and infused; with others of its day it makes a transplant.

    match: the classes and counts of the unit against this patient, as they were when it was infused.
    all_given: the whole of the thawed unit, none kept back or lost (CIBMTR form 2006).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="infusion")
    transplant = models.ForeignKey(Transplant, on_delete=models.PROTECT, related_name="infusions")
    unit = models.OneToOneField("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="infusion")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="infusions")
    thaw_method = models.CharField(_("How it was thawed"), max_length=8, choices=ThawMethod)
    thawed_at = models.DateTimeField(_("Thaw began at"))
    began_at = models.DateTimeField(_("Infusion began at"))
    ended_at = models.DateTimeField(_("Infusion ended at"))
    volume_ml = models.DecimalField(_("Volume infused (mL)"), max_digits=6, decimal_places=1)
    all_given = models.BooleanField(_("All of the unit was given"), default=True)
    reaction = models.CharField(_("Reaction"), max_length=16, choices=ReactionGrade)
    reaction_note = models.CharField(_("What was seen"), max_length=400, blank=True, default="")
    tnc_e7_per_kg = models.FloatField(null=True, blank=True, help_text="frozen, by the weight of the day")
    cd34_e5_per_kg = models.FloatField(null=True, blank=True, help_text="frozen, by the weight of the day")
    match = models.JSONField(default=dict, blank=True)
    reported_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.InfusionQuerySet.as_manager()

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(began_at__gte=F("thawed_at"), ended_at__gte=F("began_at")),
                name="infusion_times_in_order",
            ),
            models.CheckConstraint(condition=Q(volume_ml__gt=0), name="infusion_volume_positive"),
            models.CheckConstraint(
                condition=Q(reaction="none") | ~Q(reaction_note=""), name="infusion_reaction_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}"


class GraftMeasurement(models.Model):
    """One row is one value that the hospital measured of the thawed unit, in the unit of the analyte."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    infusion = models.ForeignKey(Infusion, on_delete=models.PROTECT, related_name="measurements")
    point = models.CharField(max_length=8, choices=GraftPoint)
    analyte = models.CharField(max_length=16, choices=Analyte)
    value = models.FloatField()
    unit = models.CharField(max_length=8, choices=MeasureUnit)
    method = models.CharField(max_length=80, blank=True, default="")

    objects = querysets.OfInfusion.as_manager()

    class Meta:
        ordering = ["point", "analyte"]
        constraints = [
            models.UniqueConstraint(fields=["infusion", "point", "analyte"], name="graft_measured_once"),
            models.CheckConstraint(condition=Q(value__gte=0), name="graft_measurement_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.point} {self.analyte} {self.value}"


class UnitReturn(models.Model):
    """One row is a unit that left the bank and was not infused: why, and what quality assurance decided.

    thawed: it was taken out of the cold on purpose, so it can never be given to anybody. bag_intact: as the bank found
    it when it came back. A decision is proposed by one person (decided_…) and in force once another one seconds it.
    """

    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, primary_key=True, related_name="unit_return"
    )
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="returns")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="+")
    cause = models.CharField(_("Cause"), max_length=12, choices=FailureCause)
    note = models.CharField(_("What happened"), max_length=400)
    reported_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(default=timezone.now, editable=False)
    thawed = models.BooleanField(_("It was thawed"), default=False)
    returned_at = models.DateTimeField(_("Back in the bank"), null=True, blank=True)
    returned_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    bag_intact = models.CharField(_("Bag intact"), max_length=12, choices=Answer, blank=True, default="")
    decision = models.CharField(max_length=10, choices=ReturnDecision, blank=True, default="")
    decision_reason = models.CharField(max_length=400, blank=True, default="")
    decided_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    seconded_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    seconded_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.UnitReturnQuerySet.as_manager()

    class Meta:
        ordering = ["-reported_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True, returned_by__isnull=True, bag_intact="", decision="")
                | (Q(returned_at__isnull=False, returned_by__isnull=False) & ~Q(bag_intact="")),
                name="return_back_first",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True, decided_by__isnull=True, decision_reason="")
                | (
                    ~Q(decision="")
                    & ~Q(decision_reason="")
                    & Q(decided_at__isnull=False, decided_by__isnull=False)
                ),
                name="return_decided_paired",
            ),
            models.CheckConstraint(
                condition=Q(seconded_by__isnull=True, seconded_at__isnull=True)
                | (Q(seconded_by__isnull=False, seconded_at__isnull=False) & ~Q(decision="")),
                name="return_seconded_paired",
            ),
            models.CheckConstraint(
                condition=~Q(thawed=True, decision="listed"), name="return_thawed_never_listed"
            ),
            models.CheckConstraint(
                condition=Q(seconded_by__isnull=True) | ~Q(seconded_by=F("decided_by")),
                name="return_seconded_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.cause}"
