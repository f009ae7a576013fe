from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Reception(models.Model):
    """One row is the arrival of a unit at the bank: when, how warm or cold on the way, and in which condition."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.OneToOneField("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="reception")
    received_at = models.DateTimeField(_("received at"))
    temperature_min_c = models.FloatField(_("lowest temperature, °C"), null=True, blank=True)
    temperature_max_c = models.FloatField(_("highest temperature, °C"), null=True, blank=True)
    deviation = models.TextField(_("deviation"), blank=True, default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(temperature_min_c__isnull=True)
                | Q(temperature_max_c__isnull=True)
                | Q(temperature_max_c__gte=F("temperature_min_c")),
                name="reception_temperatures_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"


class ProcessingRecord(models.Model):
    """One row is the processing and freezing of a unit: how, with what, when."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.OneToOneField("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="processing")
    started_at = models.DateTimeField(_("started at"))
    kit_lot = models.CharField(_("kit lot"), max_length=40, blank=True, default="")
    bag_lot = models.CharField(_("bag lot"), max_length=40, blank=True, default="")
    bag_type = models.CharField(_("freezing bag"), max_length=60, blank=True, default="")
    cryoprotectant = models.CharField(_("cryoprotectant"), max_length=60, blank=True, default="")
    freeze_method = models.CharField(_("freezing method"), max_length=60, blank=True, default="")
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now())
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [
            models.Index(fields=["kit_lot"], condition=~Q(kit_lot=""), name="processing_by_kit_lot"),
            models.Index(fields=["bag_lot"], condition=~Q(bag_lot=""), name="processing_by_bag_lot"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True) | Q(frozen_at__gte=F("started_at")),
                name="processing_frozen_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
