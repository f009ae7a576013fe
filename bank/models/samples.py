from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import Subject
from bank.choices_stocks import KINDS_OF, NEED_REASON, SampleKind, SamplePurpose
from bank.querysets_stocks import SampleQuerySet


def _known_kinds() -> Q:
    known = Q()
    for subject, kinds in KINDS_OF.items():
        known |= Q(subject=str(subject), kind__in=[kind.value for kind in kinds])
    return known


class UnitSample(models.Model):
    """One row is the stock of one kind of sample of a unit or its mother: what was laid aside, and what is left of it.

    `opening` never changes; `remaining` is opening less the uses, kept by bank.services_samples, and only goes down (a
    trigger refuses anything else). Of segments the unit holds a copy: `CordBloodUnit.segments`.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="samples")
    subject = models.CharField(max_length=8, choices=Subject, default=Subject.UNIT)
    kind = models.CharField(_("sample"), max_length=12, choices=SampleKind)
    opening = models.PositiveSmallIntegerField(_("laid aside"))
    remaining = models.PositiveSmallIntegerField(_("left"))
    place = models.CharField(_("note on the place"), max_length=80, blank=True, default="", db_default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["-subject", "-kind"]  # the unit's own first, its segments before all
        constraints = [
            models.UniqueConstraint(fields=["unit", "subject", "kind"], name="sample_kind_once"),
            models.CheckConstraint(condition=_known_kinds(), name="sample_kind_known"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("opening")), name="sample_remaining_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.get_subject_display()}"


class SampleUse(models.Model):
    """One row is one taking from a stock, for good: the application may neither change nor delete it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    sample = models.ForeignKey(UnitSample, on_delete=models.PROTECT, related_name="uses")
    count = models.PositiveSmallIntegerField(_("how many"))
    purpose = models.CharField(_("purpose"), max_length=12, choices=SamplePurpose)
    for_what = models.CharField(_("for what"), max_length=200, blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    used_on = models.DateField(_("day"))
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-entered_at"]
        constraints = [
            models.CheckConstraint(condition=Q(count__gte=1), name="sample_use_positive"),
            models.CheckConstraint(
                condition=Q(purpose__in=SamplePurpose.values), name="sample_use_purpose_known"
            ),
            models.CheckConstraint(
                condition=~Q(purpose__in=[one.value for one in NEED_REASON]) | ~Q(reason=""),
                name="sample_use_reason_given",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="research") | ~Q(for_what=""), name="sample_use_research_named"
            ),
            # Only a correction is signed, and none is made without.
            models.CheckConstraint(
                condition=(Q(purpose="miscount", used_by__isnull=False) & ~Q(signed_by=""))
                | (~Q(purpose="miscount") & Q(signed_by="")),
                name="sample_use_correction_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.get_purpose_display()}"
