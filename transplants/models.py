"""Reservations: which unit is promised to which patient, until when, by what rules; beside it the other models_…."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets
from transplants.choices import (
    MOST_DAYS,
    MOST_EXTENSIONS,
    MOST_OF_PATIENT,
    MOST_PERCENT,
    OPEN,
    EndCause,
    Purpose,
    ReservationState,
)
from transplants.models_cohorts import OutcomeRules, SavedCohort, TransplantBatch
from transplants.models_enquiries import Enquiry, EnquiryDeadline, EnquiryFile, EnquiryMessage
from transplants.models_fees import Charge, Price
from transplants.models_grafts import GraftMeasurement, Infusion, Transplant, UnitReturn
from transplants.models_incidents import (
    Incident,
    IncidentNote,
    IncidentRules,
    IncidentUnit,
    Recall,
    RecallUnit,
)
from transplants.models_match import MatchAcknowledgement
from transplants.models_orders import ConfirmatoryTyping, ExportPermit, Order, OrderSignature, PermitFile
from transplants.models_outcomes import BloodCount, FollowUp, Outcome, OutcomeVersion, TransplantUnit
from transplants.models_papers import OrderPaper, PaperText
from transplants.models_shipments import (
    LoggerFile,
    Receipt,
    Shipment,
    ShipmentEvent,
    Shipper,
    ShippingRules,
)

__all__ = [
    "BloodCount",
    "Charge",
    "ConfirmatoryTyping",
    "Enquiry",
    "EnquiryDeadline",
    "EnquiryFile",
    "EnquiryMessage",
    "ExportPermit",
    "FollowUp",
    "GraftMeasurement",
    "Incident",
    "IncidentNote",
    "IncidentRules",
    "IncidentUnit",
    "Infusion",
    "LoggerFile",
    "MatchAcknowledgement",
    "NumberSeries",
    "Order",
    "OrderPaper",
    "OrderSignature",
    "Outcome",
    "OutcomeRules",
    "OutcomeVersion",
    "PaperText",
    "PermitFile",
    "Price",
    "Recall",
    "RecallUnit",
    "Receipt",
    "Reservation",
    "ReservationRules",
    "SavedCohort",
    "Shipment",
    "ShipmentEvent",
    "Shipper",
    "ShippingRules",
    "Transplant",
    "TransplantBatch",
    "TransplantUnit",
    "UnitReturn",
]


class NumberSeries(models.Model):
    """One row a series and year: the last number given, RS-2026-0001 and on."""

    prefix = models.CharField(max_length=4)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prefix", "year"], name="series_once")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}: {self.last}"


class ReservationRules(models.Model):
    """The only row (id 1): for how long and how often the bank keeps a unit for a patient, how old a weight may be.

    No public source says how long banks do (domain notes, workflow 1.1): the defaults are unconfirmed, each bank sets
    its own.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    days = models.PositiveSmallIntegerField(_("Days of a reservation"), default=30)
    extension_days = models.PositiveSmallIntegerField(_("Days of an extension"), default=14)
    most_extensions = models.PositiveSmallIntegerField(_("Extensions a hospital may take itself"), default=2)
    warn_days = models.PositiveSmallIntegerField(
        _("Days before its end in which the hospital is warned"), default=5
    )
    most_of_patient = models.PositiveSmallIntegerField(_("Units kept for one patient at most"), default=4)
    weight_days = models.PositiveSmallIntegerField(
        _("Days after which a weight is too old to order by"), default=30
    )
    weight_percent = models.PositiveSmallIntegerField(
        _("Percent by which the weight of an order may differ from the patient's newest"), default=10
    )
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="reservation_rules_one_row"),
            models.CheckConstraint(
                condition=Q(
                    weight_days__gte=1,
                    weight_days__lte=MOST_DAYS,
                    weight_percent__gte=1,
                    weight_percent__lte=MOST_PERCENT,
                ),
                name="reservation_rules_weight",
            ),
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=MOST_DAYS), name="reservation_rules_days"
            ),
            models.CheckConstraint(
                condition=Q(extension_days__gte=1, extension_days__lte=MOST_DAYS),
                name="reservation_rules_extension_days",
            ),
            models.CheckConstraint(
                condition=Q(most_extensions__lte=MOST_EXTENSIONS), name="reservation_rules_extensions"
            ),
            models.CheckConstraint(condition=Q(warn_days__lt=F("days")), name="reservation_rules_warn"),
            models.CheckConstraint(
                condition=Q(most_of_patient__gte=1, most_of_patient__lte=MOST_OF_PATIENT),
                name="reservation_rules_of_patient",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Rules of reservations"))

    @classmethod
    def load(cls) -> ReservationRules:
        """The row, or the defaults where nobody has saved one yet."""
        return cls.objects.filter(pk=1).first() or cls()


class Reservation(models.Model):
    """One row is one wish of a hospital that a unit be kept for a patient, and the promise that came of it.

    `until` is the last day of the promise, by the calendar of the bank. Ended, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="reservations")
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="reservations")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="reservations")
    request = models.ForeignKey(
        "matching.MatchRequest", on_delete=models.PROTECT, null=True, blank=True, related_name="reservations"
    )
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose, default=Purpose.GRAFT)
    state = models.CharField(
        _("state"), max_length=10, choices=ReservationState, default=ReservationState.ASKED, editable=False
    )
    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_by = models.CharField(max_length=200, blank=True, default="")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    until = models.DateField(_("reserved until"), null=True, blank=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    warned_for = models.DateField(
        null=True, blank=True, help_text="the last day of which the hospital was warned"
    )
    free_told_at = models.DateTimeField(
        null=True, blank=True, help_text="since when the unit is free for who waits, and the bank knows"
    )
    held_told_at = models.DateTimeField(
        null=True, blank=True, help_text="when the hospital was told of a hold"
    )
    ended_by = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_cause = models.CharField(max_length=10, choices=EndCause, blank=True, default="")
    end_reason = models.CharField(_("reason"), max_length=400, blank=True, default="")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.ReservationQuerySet.as_manager()

    # added by `with_promise`
    is_promised: bool
    is_first: bool
    is_free: bool

    class Meta:
        ordering = ["-asked_at", "pk"]
        verbose_name = _("reservation")
        indexes = [
            models.Index(fields=["hospital", "state", "-asked_at"], name="reservation_of_hospital"),
            models.Index(fields=["until"], name="reservation_due", condition=Q(state="active")),
            models.Index(fields=["unit", "asked_at"], name="reservation_line", condition=Q(state="asked")),
        ]
        constraints = [
            # The promise that counts most: a unit is never promised twice.
            models.UniqueConstraint(
                fields=["unit"], condition=Q(state="active"), name="reservation_one_active"
            ),
            models.UniqueConstraint(
                fields=["unit", "patient"],
                condition=Q(state__in=sorted(OPEN)),
                name="reservation_asked_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReservationState.values), name="reservation_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(until__isnull=False, confirmed_at__isnull=False),
                name="reservation_active_has_end",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by="", until__isnull=True)
                | (Q(confirmed_at__isnull=False, until__isnull=False) & ~Q(confirmed_by="")),
                name="reservation_confirmed_paired",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN), ended_at__isnull=True, ended_by="", end_cause="")
                | (
                    Q(ended_at__isnull=False)
                    & ~Q(state__in=sorted(OPEN))
                    & ~Q(ended_by="")
                    & ~Q(end_cause="")
                ),
                name="reservation_ended_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_active(self) -> bool:
        return self.state == ReservationState.ACTIVE

    def days_left(self, today: dt.date) -> int | None:
        """Days after today on which the promise still holds; 0 on its last day, None where there is none."""
        return (self.until - today).days if self.is_active and self.until else None
