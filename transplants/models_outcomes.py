"""What became of a patient: the units of a graft, counts, follow-up forms, and the outcome derived from them."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from transplants import querysets_outcomes as querysets
from transplants.choices_outcomes import (
    MOST_ANC_E9_PER_L,
    MOST_PLATELETS_E9_PER_L,
    Autopsy,
    Cause,
    Contact,
    CountSource,
    FormState,
    GraftFailure,
    Recovery,
    Severity,
    YesNo,
)
from transplants.models_grafts import Infusion, Transplant

_USER = settings.AUTH_USER_MODEL


def _known(name: str, choices: type[models.TextChoices], *, blank: bool = True) -> models.CheckConstraint:
    values = [*choices.values, ""] if blank else choices.values
    return models.CheckConstraint(condition=Q(**{f"{name}__in": values}), name=f"follow_up_{name}_known")


class TransplantUnit(models.Model):
    """One row is one cord blood unit of a transplant, of this bank or another, as it was on day 0.

    Doses are those frozen, by the weight of the day. antigen6, allele8: how many agree with the patient (A, B antigen
    and DRB1 allele of 6; A, B, C, DRB1 allele of 8); null: not known, or the typings left it open.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    transplant = models.ForeignKey(Transplant, on_delete=models.PROTECT, related_name="units")
    position = models.PositiveSmallIntegerField(default=1)
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, null=True, blank=True, related_name="given"
    )
    infusion = models.OneToOneField(
        Infusion, on_delete=models.PROTECT, null=True, blank=True, related_name="given"
    )
    unit_no = models.CharField(_("Unit"), max_length=40, blank=True, default="")
    is_own = models.BooleanField(_("Of this bank"), default=True)
    tnc_e7_per_kg = models.FloatField(_("TNC (10⁷/kg)"), null=True, blank=True)
    cd34_e5_per_kg = models.FloatField(_("CD34 (10⁵/kg)"), null=True, blank=True)
    antigen6 = models.PositiveSmallIntegerField(_("Of 6, A and B by antigen"), null=True, blank=True)
    allele8 = models.PositiveSmallIntegerField(_("Of 8, by allele"), null=True, blank=True)

    objects = querysets.OfTransplant.as_manager()

    class Meta:
        ordering = ["transplant", "position"]
        constraints = [
            models.UniqueConstraint(fields=["transplant", "position"], name="given_one_a_place"),
            models.UniqueConstraint(fields=["unit"], name="given_once"),
            models.CheckConstraint(
                condition=(Q(antigen6__isnull=True) | Q(antigen6__lte=6))
                & (Q(allele8__isnull=True) | Q(allele8__lte=8)),
                name="given_match_range",
            ),
            models.CheckConstraint(
                condition=Q(tnc_e7_per_kg__isnull=True) | Q(tnc_e7_per_kg__gt=0), name="given_tnc_positive"
            ),
            models.CheckConstraint(
                condition=Q(cd34_e5_per_kg__isnull=True) | Q(cd34_e5_per_kg__gte=0),
                name="given_cd34_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transplant_id} {self.position}"

    @property
    def name(self) -> str:
        """The number by which people know the unit; of another bank's, what was given."""
        return self.unit.public_no if self.unit is not None else self.unit_no


class BloodCount(models.Model):
    """One row is one day's counts after a transplant. Null is not measured. transfused: platelets, on that day."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    transplant = models.ForeignKey(Transplant, on_delete=models.PROTECT, related_name="counts")
    counted_on = models.DateField(_("Day"))
    anc_e9_per_l = models.DecimalField(
        _("Neutrophils (10⁹/L)"), max_digits=7, decimal_places=3, null=True, blank=True
    )
    platelets_e9_per_l = models.DecimalField(
        _("Platelets (10⁹/L)"), max_digits=7, decimal_places=1, null=True, blank=True
    )
    transfused = models.BooleanField(_("Platelets were given"), default=False)
    source = models.CharField(max_length=8, choices=CountSource, default=CountSource.TYPED)
    entered_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OfTransplant.as_manager()

    class Meta:
        ordering = ["transplant", "counted_on"]
        constraints = [
            models.UniqueConstraint(fields=["transplant", "counted_on"], name="count_one_a_day"),
            models.CheckConstraint(
                condition=Q(anc_e9_per_l__isnull=True)
                | Q(anc_e9_per_l__gte=0, anc_e9_per_l__lte=MOST_ANC_E9_PER_L),
                name="count_anc_range",
            ),
            models.CheckConstraint(
                condition=Q(platelets_e9_per_l__isnull=True)
                | Q(platelets_e9_per_l__gte=0, platelets_e9_per_l__lte=MOST_PLATELETS_E9_PER_L),
                name="count_platelets_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transplant_id} {self.counted_on}"


class FollowUp(models.Model):
    """One row is one version of the form of a visit: a draft, what was handed in, or what a correction replaced.

    Answers say what is known up to the day of contact since day 0, so that a later form repeats the earlier ones.
    The organ findings are kept as they were measured; stages, grades and severity are derived by code.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    transplant = models.ForeignKey(Transplant, on_delete=models.PROTECT, related_name="follow_ups")
    visit = models.CharField(pgettext_lazy("follow-up", "Form"), max_length=8)
    version = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=FormState, default=FormState.DRAFT)
    contact = models.CharField(_("The patient is"), max_length=8, choices=Contact, blank=True, default="")
    contact_on = models.DateField(_("Last contact or death on"), null=True, blank=True)
    karnofsky = models.PositiveSmallIntegerField(_("Karnofsky or Lansky"), null=True, blank=True)

    neutrophils = models.CharField(
        _("Neutrophils recovered"), max_length=12, choices=Recovery, blank=True, default=""
    )
    neutrophils_on = models.DateField(_("Neutrophils recovered on"), null=True, blank=True)
    platelets = models.CharField(
        _("Platelets recovered"), max_length=12, choices=Recovery, blank=True, default=""
    )
    platelets_on = models.DateField(_("Platelets recovered on"), null=True, blank=True)
    graft_failure = models.CharField(
        _("Graft failure"), max_length=10, choices=GraftFailure, blank=True, default=""
    )
    graft_failure_on = models.DateField(_("Graft failure on"), null=True, blank=True)
    donor_chimerism_percent = models.DecimalField(
        _("Donor chimerism (%)"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    chimerism_on = models.DateField(_("Chimerism measured on"), null=True, blank=True)
    enzyme_percent = models.DecimalField(
        _("Enzyme activity (% of normal)"), max_digits=6, decimal_places=1, null=True, blank=True
    )

    acute = models.CharField(_("Acute GVHD"), max_length=8, choices=YesNo, blank=True, default="")
    acute_on = models.DateField(_("Acute GVHD began on"), null=True, blank=True)
    acute_organs = models.JSONField(
        default=dict, blank=True, encoder=DjangoJSONEncoder, help_text="as measured at its worst"
    )
    acute_grade = models.PositiveSmallIntegerField(
        _("Grade"), null=True, blank=True, help_text="derived: 0 to 4"
    )
    acute_severe_on = models.DateField(_("Grade III or IV first on"), null=True, blank=True)
    chronic = models.CharField(_("Chronic GVHD"), max_length=8, choices=YesNo, blank=True, default="")
    chronic_on = models.DateField(_("Chronic GVHD began on"), null=True, blank=True)
    chronic_sites = models.JSONField(default=dict, blank=True, help_text="NIH scores 0 to 3 by site")
    chronic_severity = models.CharField(max_length=10, choices=Severity, blank=True, default="")
    chronic_systemic = models.CharField(
        _("Systemic treatment of it"), max_length=8, choices=YesNo, blank=True, default=""
    )
    chronic_systemic_on = models.DateField(_("Systemic treatment began on"), null=True, blank=True)

    relapse = models.CharField(
        _("Relapse or progression"), max_length=8, choices=YesNo, blank=True, default=""
    )
    relapse_on = models.DateField(_("Relapse or progression on"), null=True, blank=True)
    malignancy = models.CharField(_("New malignancy"), max_length=8, choices=YesNo, blank=True, default="")
    malignancy_on = models.DateField(_("New malignancy on"), null=True, blank=True)
    second_transplant = models.CharField(
        _("Second transplant"), max_length=8, choices=YesNo, blank=True, default=""
    )
    second_transplant_on = models.DateField(_("Second transplant on"), null=True, blank=True)
    infections = models.CharField(_("Serious infections"), max_length=400, blank=True, default="")
    organs = models.CharField(_("Organ function"), max_length=400, blank=True, default="")

    primary_cause = models.CharField(
        _("Primary cause of death"), max_length=16, choices=Cause, blank=True, default=""
    )
    contributing = models.JSONField(_("Contributing causes"), default=list, blank=True)
    autopsy = models.CharField(_("Autopsy"), max_length=8, choices=Autopsy, blank=True, default="")

    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    correction_reason = models.CharField(_("Why it is corrected"), max_length=400, blank=True, default="")
    entered_by = models.ForeignKey(
        _USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="null: imported"
    )
    entered_at = models.DateTimeField(default=timezone.now, editable=False)
    handed_in_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    handed_in_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.FollowUpQuerySet.as_manager()

    class Meta:
        ordering = ["transplant", "contact_on", "visit", "-version"]
        verbose_name = _("follow-up form")
        constraints = [
            models.UniqueConstraint(fields=["transplant", "visit", "version"], name="follow_up_version_once"),
            models.UniqueConstraint(
                fields=["transplant", "visit"], condition=Q(state="draft"), name="follow_up_one_draft"
            ),
            models.UniqueConstraint(
                fields=["transplant", "visit"], condition=Q(state="final"), name="follow_up_one_final"
            ),
            _known("state", FormState, blank=False),
            _known("contact", Contact),
            _known("primary_cause", Cause),
            models.CheckConstraint(
                condition=Q(state="draft") | (~Q(contact="") & Q(contact_on__isnull=False)),
                name="follow_up_final_has_contact",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", handed_in_at__isnull=True)
                | (~Q(state="draft") & Q(handed_in_at__isnull=False)),
                name="follow_up_handed_in",
            ),
            models.CheckConstraint(
                condition=~Q(state="draft") | Q(handed_in_by__isnull=True), name="follow_up_draft_of_nobody"
            ),
            models.CheckConstraint(
                condition=Q(acute_grade__isnull=True) | Q(acute_grade__lte=4), name="follow_up_grade_range"
            ),
            models.CheckConstraint(
                condition=Q(primary_cause="") | Q(contact="dead"), name="follow_up_cause_of_the_dead"
            ),
            models.CheckConstraint(
                condition=Q(karnofsky__isnull=True) | Q(karnofsky__lte=100), name="follow_up_karnofsky_range"
            ),
            models.CheckConstraint(
                condition=Q(donor_chimerism_percent__isnull=True)
                | Q(donor_chimerism_percent__gte=0, donor_chimerism_percent__lte=100),
                name="follow_up_chimerism_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transplant_id} {self.visit}.{self.version}"


class Outcome(models.Model):
    """One row is what is known of a transplant's course, derived from its forms and counts in the same transaction.

    All times are days since day 0 (floats: a registry may give months, kept as given); null: has not happened by
    `days_followed`, or its answer is missing, which `…_known` tells apart. Nothing is typed in here.
    """

    transplant = models.OneToOneField(
        Transplant, on_delete=models.PROTECT, primary_key=True, related_name="outcome"
    )
    days_followed = models.FloatField(help_text="to death, or to the last contact")
    is_dead = models.BooleanField(default=False)
    is_lost = models.BooleanField(default=False)
    cause = models.CharField(max_length=16, choices=Cause, blank=True, default="")
    days_to_neutrophils = models.FloatField(null=True, blank=True)
    neutrophils_known = models.BooleanField(default=False)
    days_to_platelets = models.FloatField(null=True, blank=True)
    platelets_known = models.BooleanField(default=False)
    days_to_graft_failure = models.FloatField(null=True, blank=True)
    graft_failure_known = models.BooleanField(default=False)
    days_to_acute_2 = models.FloatField(null=True, blank=True, help_text="grade II to IV")
    days_to_acute_3 = models.FloatField(null=True, blank=True, help_text="grade III or IV")
    acute_known = models.BooleanField(default=False)
    days_to_chronic = models.FloatField(null=True, blank=True)
    days_to_chronic_systemic = models.FloatField(null=True, blank=True)
    chronic_known = models.BooleanField(default=False)
    days_to_relapse = models.FloatField(null=True, blank=True)
    relapse_known = models.BooleanField(default=False)
    days_to_second = models.FloatField(null=True, blank=True)
    chimerism_percent = models.FloatField(null=True, blank=True, help_text="the latest")
    enzyme_percent = models.FloatField(null=True, blank=True, help_text="the latest")
    due_visit = models.CharField(
        max_length=8, blank=True, default="", help_text="the first form that is missing"
    )
    due_from = models.DateField(null=True, blank=True, help_text="it may be handed in from then on")
    due_until = models.DateField(null=True, blank=True, help_text="its window closes; overdue after it")
    derived_at = models.DateTimeField(default=timezone.now)
    # Of the reminders: whatever is derived anew leaves them as they are.
    reminded_for = models.CharField(max_length=8, blank=True, default="")
    reminded_on = models.DateField(null=True, blank=True)
    bank_told_for = models.CharField(max_length=8, blank=True, default="")

    objects = querysets.OutcomeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(days_followed__gte=0), name="outcome_followed_not_negative"),
            models.CheckConstraint(condition=Q(cause="") | Q(is_dead=True), name="outcome_cause_of_the_dead"),
            models.CheckConstraint(
                condition=Q(is_dead=False) | Q(is_lost=False), name="outcome_dead_not_lost"
            ),
            models.CheckConstraint(
                condition=Q(due_visit="", due_from__isnull=True, due_until__isnull=True)
                | (~Q(due_visit="") & Q(due_from__isnull=False, due_until__gte=F("due_from"))),
                name="outcome_due_has_its_days",
            ),
            models.CheckConstraint(
                condition=Q(reminded_for="", reminded_on__isnull=True)
                | (~Q(reminded_for="") & Q(reminded_on__isnull=False)),
                name="outcome_reminded_paired",
            ),
        ]
        indexes = [models.Index(fields=["due_until"], name="outcome_due_until")]

    def __str__(self) -> str:
        return f"{self.transplant_id}"


class OutcomeVersion(models.Model):
    """The one row whose number goes up with each change of an outcome: what was computed before it is out of date."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    version = models.BigIntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="outcome_version_single")]

    def __str__(self) -> str:
        return f"{self.version}"
