"""What somebody of the hospital said of a match that holds no more by the typing of the segment."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_orders as querysets
from transplants.models_orders import ConfirmatoryTyping


class MatchAcknowledgement(models.Model):
    """One row: somebody knows that a unit matches a patient less than it was chosen by, and wants it all the same.

    digest: of the three typings that were compared and of what fell; it holds for nothing else. found: what fell, as it
    was shown. Never changed, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    reservation = models.ForeignKey(
        "transplants.Reservation", on_delete=models.PROTECT, related_name="match_acknowledgements"
    )
    typing = models.ForeignKey(ConfirmatoryTyping, on_delete=models.PROTECT, related_name="+")
    patient_typing = models.ForeignKey(
        "hospitals.PatientHlaTyping", on_delete=models.PROTECT, related_name="+"
    )
    digest = models.CharField(max_length=64)
    found = models.JSONField()
    reason = models.CharField(_("Why the unit is wanted all the same"), max_length=400)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signer = models.CharField(max_length=200, help_text="the name as it was")
    acknowledged_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.MatchAcknowledgementQuerySet.as_manager()

    class Meta:
        ordering = ["acknowledged_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["reservation", "digest"], name="match_acknowledged_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="match_acknowledged_with_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.reservation_id} {self.digest[:8]}"
