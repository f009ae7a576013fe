"""Shipments: the shipper, the way of the unit to the hospital, its temperatures, and what the hospital found."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_orders as querysets
from transplants.choices_orders import (
    SHIPPING_LIMIT_C,
    Acceptance,
    Answer,
    EventKind,
    FailureCause,
    LoggerVerdict,
    ShipperPlace,
)
from transplants.models_orders import Order

_USER = settings.AUTH_USER_MODEL


# Bounds of what a bank may set; far beyond what any bank does.
MOST_MARGIN_HOURS = 24 * 14
MOST_COVER_MINUTES = 24 * 60
COLDEST_LIMIT_C, WARMEST_LIMIT_C = -196.0, 25.0


class ShippingRules(models.Model):
    """The only row (id 1): how warm a unit may get on its way, and what a shipment must leave to spare.

    limit_c: ISBT storage class ≤ -150 °C; the banks of New York and Singapore ship so. margin_hours: FACT is said to
    ask for 48 h of hold time beyond the expected arrival, which nobody here could read: unconfirmed, it only warns.
    cover_minutes is our own: each bank sets it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    limit_c = models.FloatField(_("Warmest a unit may get on its way, °C"), default=SHIPPING_LIMIT_C)
    margin_hours = models.PositiveSmallIntegerField(
        _("Hours that the hold time should last beyond the expected arrival"), default=48
    )
    cover_minutes = models.PositiveSmallIntegerField(
        _("Minutes of the way that a temperature record may leave out at once"), default=30
    )
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="shipping_rules_one_row"),
            models.CheckConstraint(
                condition=Q(limit_c__gte=COLDEST_LIMIT_C, limit_c__lte=WARMEST_LIMIT_C),
                name="shipping_rules_limit",
            ),
            models.CheckConstraint(
                condition=Q(margin_hours__lte=MOST_MARGIN_HOURS), name="shipping_rules_margin"
            ),
            models.CheckConstraint(
                condition=Q(cover_minutes__gte=1, cover_minutes__lte=MOST_COVER_MINUTES),
                name="shipping_rules_cover",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Rules of shipping"))

    @classmethod
    def load(cls) -> ShippingRules:
        """The row, or the defaults where nobody has saved one yet."""
        return cls.objects.filter(pk=1).first() or cls()


class Shipper(models.Model):
    """One row is one dry shipper. A shipment copies what was valid of it.

    place: a shipment that leaves takes it away; it is packed again once somebody has inspected it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    serial = models.CharField(_("Serial number"), max_length=40, unique=True)
    model = models.CharField(_("Model"), max_length=80, blank=True, default="")
    validated_on = models.DateField(_("Validated on"))
    valid_until = models.DateField(_("Validation holds until"))
    hold_hours = models.PositiveSmallIntegerField(_("Hold time (hours)"))
    active = models.BooleanField(_("In use"), default=True)
    place = models.CharField(
        _("Where it is"), max_length=5, choices=ShipperPlace, default=ShipperPlace.READY, editable=False
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["serial"]
        verbose_name = _("shipper")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("validated_on")), name="shipper_days_in_order"
            ),
            models.CheckConstraint(condition=Q(hold_hours__gte=1), name="shipper_holds"),
            models.CheckConstraint(condition=Q(place__in=ShipperPlace.values), name="shipper_place_known"),
        ]

    def __str__(self) -> str:
        return self.serial


class Shipment(models.Model):
    """One row is the way of one released unit to its hospital.

    Two people looked at the unit's identity before it left: `packed_by` and `checked_by`. charged_at: when the shipper
    was charged, from which its hold time counts; loaded_at: when the unit was put into it, with which its way begins.
    Both are said by whoever packs: writing down something else moves `packed_at` only.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="shipment")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="shipments")
    shipper = models.ForeignKey(Shipper, on_delete=models.PROTECT, related_name="shipments")
    validated_on = models.DateField(_("Shipper validated on"))
    hold_hours = models.PositiveSmallIntegerField(_("Hold time (hours)"))
    charge_weight_kg = models.DecimalField(_("Weight when charged (kg)"), max_digits=5, decimal_places=2)
    logger_serial = models.CharField(_("Serial number of the logger"), max_length=40)
    seals = models.CharField(_("Seal numbers"), max_length=120)
    courier = models.CharField(_("Courier"), max_length=80)
    waybill = models.CharField(_("Waybill number"), max_length=60)
    tracking_url = models.URLField(_("Tracking address"), max_length=300, blank=True, default="")
    packed_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    packed_at = models.DateTimeField(default=timezone.now, editable=False)
    charged_at = models.DateTimeField(_("Shipper charged at"), default=timezone.now, db_default=Now())
    loaded_at = models.DateTimeField(
        _("Unit put into the shipper at"), default=timezone.now, db_default=Now()
    )
    checked_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    expected_at = models.DateTimeField(_("Expected at the hospital"))
    delivered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=12, choices=FailureCause, blank=True, default="")
    failure_note = models.CharField(max_length=400, blank=True, default="")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.ShipmentQuerySet.as_manager()

    class Meta:
        ordering = ["-packed_at", "pk"]
        verbose_name = _("shipment")
        indexes = [
            models.Index(fields=["hospital", "-packed_at"], name="shipment_of_hospital"),
            models.Index(fields=["waybill"], name="shipment_by_waybill"),
        ]
        constraints = [
            # what is away cannot be sent a second time
            models.UniqueConstraint(
                fields=["shipper"],
                condition=Q(dispatched_at__isnull=False, delivered_at__isnull=True, failed_at__isnull=True),
                name="shipment_shipper_under_way",
            ),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(failed_at__isnull=True), name="shipment_one_end"
            ),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True, checked_at__isnull=True)
                | (Q(checked_by__isnull=False, checked_at__isnull=False) & ~Q(checked_by=F("packed_by"))),
                name="shipment_checked_by_another",
            ),
            models.CheckConstraint(
                condition=Q(dispatched_at__isnull=True) | Q(checked_at__isnull=False),
                name="shipment_checked_first",
            ),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True, failed_at__isnull=True)
                | Q(dispatched_at__isnull=False),
                name="shipment_dispatched_first",
            ),
            models.CheckConstraint(
                condition=Q(failed_at__isnull=True, failure="")
                | (Q(failed_at__isnull=False) & ~Q(failure="")),
                name="shipment_failed_paired",
            ),
            models.CheckConstraint(condition=Q(charge_weight_kg__gt=0), name="shipment_charged"),
        ]

    def __str__(self) -> str:
        return self.number


class ShipmentEvent(models.Model):
    """One row is one thing that happened on the way: a handover, customs, a delay. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("What happened"), max_length=12, choices=EventKind)
    at = models.DateTimeField(_("When"))
    place = models.CharField(_("Where"), max_length=120, blank=True, default="")
    handed_by = models.CharField(_("Handed over by"), max_length=120, blank=True, default="")
    taken_by = models.CharField(_("Taken over by"), max_length=120, blank=True, default="")
    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    entered_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OfShipment.as_manager()

    class Meta:
        ordering = ["at", "entered_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="shipment_event_known"),
            models.CheckConstraint(
                condition=~Q(kind="handover") | (~Q(handed_by="") & ~Q(taken_by="")),
                name="shipment_handed_from_to",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.kind}"


class LoggerFile(models.Model):
    """One row is one file of a temperature logger, read and judged. content: encrypted, as it came.

    readings: [[seconds since 1970, °C], …] in their order. serial: of the logger, as the file says it, "" where it does
    not. first_at, last_at: of the whole file; min_c, max_c, minutes_above and verdict: of the way, from the loading to
    the receipt, as far as the file covers it. voided_at: it was read wrongly, and another reading took its place.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="logger_files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    content = models.BinaryField()
    form = models.CharField(max_length=40, help_text="which logger's layout it was read as")
    serial = models.CharField(max_length=60, blank=True, default="", db_default="")
    read_as = models.JSONField(
        default=dict, help_text="zone, order of the day, unit and column it was read by"
    )
    readings = models.JSONField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    min_c = models.FloatField()
    max_c = models.FloatField()
    minutes_above = models.FloatField(help_text="above the limit, by straight lines between the readings")
    limit_c = models.FloatField()
    verdict = models.CharField(max_length=12, choices=LoggerVerdict)
    uploaded_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    voided_at = models.DateTimeField(null=True, blank=True, editable=False)
    voided_by = models.ForeignKey(
        _USER, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    void_reason = models.CharField(max_length=400, blank=True, default="", db_default="", editable=False)

    objects = querysets.LoggerFileQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "sha256"], condition=Q(voided_at__isnull=True), name="logger_file_once"
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_by__isnull=True, void_reason="")
                | (Q(voided_at__isnull=False, voided_by__isnull=False) & ~Q(void_reason="")),
                name="logger_file_voided_whole",
            ),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="logger_file_in_order"),
            models.CheckConstraint(condition=Q(max_c__gte=F("min_c")), name="logger_file_range"),
        ]

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """One row is what the hospital found when the unit arrived."""

    shipment = models.OneToOneField(
        Shipment, on_delete=models.PROTECT, primary_key=True, related_name="receipt"
    )
    received_at = models.DateTimeField(_("Received at"))
    received_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    seals_intact = models.CharField(_("Seals intact"), max_length=12, choices=Answer)
    temperature_held = models.CharField(_("Temperature held"), max_length=12, choices=Answer)
    bag_intact = models.CharField(_("Bag intact"), max_length=12, choices=Answer)
    identity_right = models.CharField(_("Identity as ordered"), max_length=12, choices=Answer)
    papers_complete = models.CharField(_("Papers complete"), max_length=12, choices=Answer)
    acceptance = models.CharField(_("Decision"), max_length=12, choices=Acceptance)
    deviation = models.CharField(_("Deviation"), max_length=400, blank=True, default="")
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OfShipment.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(acceptance="accepted", deviation="")
                | (~Q(acceptance="accepted") & ~Q(deviation="")),
                name="receipt_deviation_named",
            ),
            # what is not the ordered unit is sent back, whatever else is right
            models.CheckConstraint(
                condition=Q(acceptance="refused") | Q(identity_right="yes"), name="receipt_of_the_ordered"
            ),
            models.CheckConstraint(
                condition=Q(acceptance__in=Acceptance.values), name="receipt_acceptance_known"
            ),
            # accepted without more only where all was looked at and right
            models.CheckConstraint(
                condition=~Q(acceptance="accepted")
                | Q(
                    seals_intact="yes",
                    temperature_held="yes",
                    bag_intact="yes",
                    identity_right="yes",
                    papers_complete="yes",
                ),
                name="receipt_accepted_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.acceptance}"
