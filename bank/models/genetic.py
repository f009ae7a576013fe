"""Files with HLA typings that leave the house: how many may go unasked, what was approved, how many went."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_genetic import FOR_A_PATIENT, ApprovalState, GeneticKind, GeneticPurpose
from bank.querysets_genetic import ApprovalQuerySet

_COUNTRY = RegexValidator(r"^[A-Z]{2}$")
# Beyond these a limit is none; ours, unconfirmed.
MOST = {"most_units": 500, "most_units_a_year": 5_000, "most_units_a_patient": 3_000, "valid_days": 90}


def _between(name: str) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(1), MaxValueValidator(MOST[name])]


class GeneticLimits(models.Model):
    """The only row (id 1): from how many units on a foreign account's file needs an approval. The numbers are ours,
    unconfirmed, until the bank's own counsel says others."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    most_units = models.PositiveIntegerField(
        _("Units in one file"),
        default=50,
        validators=_between("most_units"),
        help_text=_("unconfirmed: no source gives a number; as many as a match report holds"),
    )
    most_units_a_year = models.PositiveIntegerField(
        _("Units of the inventory in a year, for one account"),
        default=500,
        validators=_between("most_units_a_year"),
        help_text=_("unconfirmed: after the 500 persons of a draft of the HGR rules"),
    )
    most_units_a_patient = models.PositiveIntegerField(
        _("Units of one patient's lists in 30 days, for one account"),
        default=300,
        db_default=300,
        validators=_between("most_units_a_patient"),
        help_text=_("unconfirmed: assumed; six whole lists"),
    )
    valid_days = models.PositiveSmallIntegerField(
        _("Days for which an approval is good"),
        default=14,
        validators=_between("valid_days"),
        help_text=_("unconfirmed: assumed"),
    )
    home_country = models.CharField(
        _("Country of the bank (two letters)"), max_length=2, default="CN", validators=[_COUNTRY]
    )
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="genetic_limits_single"),
            models.CheckConstraint(
                condition=Q(most_units__gte=1, most_units_a_year__gte=1, valid_days__gte=1),
                name="genetic_limits_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    most_units_a_patient__gte=1, **{f"{name}__lte": most for name, most in MOST.items()}
                ),
                name="genetic_limits_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.most_units} / {self.most_units_a_year}"

    @classmethod
    def load(cls) -> GeneticLimits:
        return cls.objects.filter(pk=1).first() or cls()


class ExportApproval(models.Model):
    """One row is one file that a foreign account asked for, and what another person decided.

    digest: of kind, address and every unit of the selection; an approval is good for exactly that, once, until
    expires_at.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(_("file"), max_length=12, choices=GeneticKind)
    address = models.TextField(_("address"))
    title = models.CharField(_("what"), max_length=200)
    units = models.PositiveIntegerField(_("units"))
    digest = models.CharField(max_length=64)
    purpose = models.CharField(_("Purpose"), max_length=12, choices=GeneticPurpose)
    purpose_text = models.TextField(_("In words"), max_length=2000)
    recipient = models.CharField(_("Recipient"), max_length=200)
    recipient_country = models.CharField(_("Country (two letters)"), max_length=2, validators=[_COUNTRY])
    permit_no = models.CharField(_("HGR permit number"), max_length=60, blank=True, default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=ApprovalState, default=ApprovalState.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, default="")
    signed_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["asked_by", "digest"], condition=Q(state="open"), name="approval_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ApprovalState.values, kind__in=GeneticKind.values)
                & Q(purpose__in=GeneticPurpose.values),
                name="approval_codes_known",
            ),
            models.CheckConstraint(
                condition=~Q(purpose_text="") & ~Q(recipient="") & Q(units__gte=1), name="approval_said"
            ),
            # Treatment of a named patient is clinical care; everything else needs its permit (HGR regulations).
            models.CheckConstraint(
                condition=Q(purpose="treatment", kind__in=sorted(FOR_A_PATIENT))
                | Q(purpose="treatment", state="refused")  # asked for before the rule was this one
                | ~Q(permit_no=""),
                name="approval_permit_named",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by__isnull=True, decided_at__isnull=True, signed_by="")
                | Q(decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(state="open")
                & ~Q(signed_by="")
                & ~Q(decided_by=F("asked_by")),
                name="approval_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(decision_reason=""), name="approval_no_reasoned"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["approved", "used"], expires_at__isnull=False)
                | Q(state__in=["open", "refused"], expires_at__isnull=True),
                name="approval_expires",
            ),
            models.CheckConstraint(
                condition=Q(state="used", used_at__isnull=False) | ~Q(state="used") & Q(used_at__isnull=True),
                name="approval_used_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state == ApprovalState.OPEN

    @property
    def has_expired(self) -> bool:
        return self.state == ApprovalState.APPROVED and bool(
            self.expires_at and self.expires_at <= timezone.now()
        )

    @property
    def is_good(self) -> bool:
        """Whether the file may be fetched by it now."""
        return self.state == ApprovalState.APPROVED and not self.has_expired


class GeneticTally(models.Model):
    """One row is how many files with typings one account took on one day by one way, and of how many units in all.

    A unit in two files counts twice: what is counted is what went out. patient: key of the one whose list it was (the
    bank knows no patients), "" of the inventory.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    kind = models.CharField(max_length=12, choices=GeneticKind)
    foreign = models.BooleanField(_("foreign account"))
    approved = models.BooleanField(_("by an approval"))
    files = models.PositiveIntegerField(default=0)
    units = models.PositiveBigIntegerField(default=0)
    patient = models.CharField(max_length=36, blank=True, default="", db_default="", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "user", "kind", "foreign", "approved", "patient"], name="genetic_tally_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=GeneticKind.values), name="genetic_tally_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}: {self.units}"
