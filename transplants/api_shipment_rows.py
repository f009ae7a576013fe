"""What the API of shipments takes and gives."""

from __future__ import annotations

import dataclasses
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from transplants import services_receipts as receipts
from transplants.choices_orders import Acceptance, Answer, EventKind
from transplants.logger_files import guard_size, zone_of
from transplants.loggers.reading import SCALES, Asked
from transplants.loggers.times import DayOrder
from transplants.models import LoggerFile, Receipt, Shipment, ShipmentEvent, Shipper
from transplants.services_receipts import Happened
from transplants.services_shipments import BANK_CAUSES, Packing
from transplants.services_shippers import MOST_HOLD_HOURS, ShipperGiven
from transplants.writing import LONGEST_REASON

_LATE = "the hospital knows that it arrives after the day of its order, or after the conditioning began"
_SHOWN = "`updated_at` as you read it: refused if it has changed since"


class ShipmentQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False, source="order__patient")
    order = serializers.UUIDField(required=False)


class ShownInput(serializers.Serializer[Any]):
    shown = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text=_SHOWN)


class CheckInput(ShownInput):
    scanned = serializers.CharField(max_length=200, help_text="what was read on the bag")


class PackInput(CheckInput):
    shipper = serializers.UUIDField()
    charge_weight_kg = serializers.DecimalField(max_digits=5, decimal_places=2)
    logger_serial = serializers.CharField(max_length=40)
    seals = serializers.CharField(max_length=120)
    courier = serializers.CharField(max_length=80)
    waybill = serializers.CharField(max_length=60)
    expected_at = serializers.DateTimeField()
    charged_at = serializers.DateTimeField(
        help_text="when the shipper was charged; its hold time counts from it"
    )
    loaded_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default=None,
        help_text="when the unit was put into it; empty: now, or as it was written of the same shipper",
    )
    tracking_url = serializers.URLField(max_length=300, allow_blank=True, default="")
    late_confirmed = serializers.BooleanField(default=False, help_text=_LATE)

    def packing(self) -> Packing:
        data = dict(self.validated_data)
        names = {field.name for field in dataclasses.fields(Packing)} - {"shipper_id"}
        return Packing(shipper_id=data["shipper"], **{name: data[name] for name in names})


class ShipmentInput(PackInput):
    order = serializers.UUIDField()


class EventInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=EventKind.choices)
    at = serializers.DateTimeField()
    place = serializers.CharField(max_length=120, allow_blank=True, default="")
    handed_by = serializers.CharField(max_length=120, allow_blank=True, default="")
    taken_by = serializers.CharField(max_length=120, allow_blank=True, default="")
    note = serializers.CharField(max_length=400, allow_blank=True, default="")
    expected_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="of a delay: when it is expected now"
    )
    late_confirmed = serializers.BooleanField(default=False, help_text=_LATE)
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one event")

    def happened(self) -> Happened:
        data = dict(self.validated_data)
        return Happened(event_id=data.pop("id", None), **data)


class LoggerInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV, at most 5 MB")
    zone = serializers.CharField(max_length=64, help_text="of times without one: Asia/Shanghai, UTC+08:00")
    day_order = serializers.ChoiceField(
        choices=[one.value for one in DayOrder], required=False, allow_blank=True, default=""
    )
    scale = serializers.ChoiceField(choices=list(SCALES), required=False, allow_blank=True, default="")
    column = serializers.CharField(
        max_length=120, allow_blank=True, default="", help_text="heading of the temperatures, if several"
    )
    reason = serializers.CharField(
        max_length=LONGEST_REASON,
        allow_blank=True,
        default="",
        help_text="why the same file is read anew in another zone, scale or column",
    )

    def given(self) -> dict[str, Any]:
        data = dict(self.validated_data)
        guard_size(data["file"].size or 0)
        asked = Asked(zone_of(data["zone"]), data["day_order"], data["scale"], data["column"])
        return {
            "name": data["file"].name or "",
            "data": data["file"].read(),
            "asked": asked,
            "reason": data["reason"],
        }


class ReceiptInput(serializers.Serializer[Any]):
    received_at = serializers.DateTimeField()
    scanned = serializers.CharField(max_length=200, help_text="what was read on the bag")
    seals_intact = serializers.ChoiceField(choices=Answer.choices)
    temperature_held = serializers.ChoiceField(choices=Answer.choices)
    bag_intact = serializers.ChoiceField(choices=Answer.choices)
    identity_right = serializers.ChoiceField(choices=Answer.choices)
    papers_complete = serializers.ChoiceField(choices=Answer.choices)
    acceptance = serializers.ChoiceField(choices=Acceptance.choices)
    deviation = serializers.CharField(max_length=400, allow_blank=True, default="")
    acknowledged = serializers.BooleanField(
        default=False, help_text="the unit is recalled or blocked, and is kept all the same, not to be used"
    )


class FailInput(serializers.Serializer[Any]):
    cause = serializers.ChoiceField(choices=[(one.value, one.label) for one in BANK_CAUSES])
    note = serializers.CharField(max_length=LONGEST_REASON)


class ShipmentEventSerializer(serializers.ModelSerializer[ShipmentEvent]):
    class Meta:
        model = ShipmentEvent
        fields = ("id", "kind", "at", "place", "handed_by", "taken_by", "note", "entered_at")
        read_only_fields = fields


class LoggerFileSerializer(serializers.ModelSerializer[LoggerFile]):
    """A temperature record, judged; its readings come as CSV from the page."""

    class Meta:
        model = LoggerFile
        fields = (
            "id", "name", "sha256", "form", "first_at", "last_at", "min_c", "max_c", "minutes_above", "limit_c",
            "verdict", "serial", "read_as", "uploaded_at", "voided_at", "void_reason",
        )  # fmt: skip
        read_only_fields = fields


class ReceiptSerializer(serializers.ModelSerializer[Receipt]):
    class Meta:
        model = Receipt
        fields = ("received_at", *receipts.ANSWERS, "acceptance", "deviation", "entered_at")
        read_only_fields = fields


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
    """The way of one released unit to its hospital."""

    order_number = serializers.CharField(source="order.number", read_only=True)
    unit = serializers.UUIDField(source="order.unit_id", read_only=True)
    unit_no = serializers.CharField(source="order.unit.public_no", read_only=True)
    patient_code = serializers.CharField(source="order.patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)
    shipper_serial = serializers.CharField(source="shipper.serial", read_only=True)

    class Meta:
        model = Shipment
        fields = (
            "id", "number", "order", "order_number", "unit", "unit_no", "patient_code", "hospital", "hospital_code",
            "shipper", "shipper_serial", "validated_on", "hold_hours", "charge_weight_kg", "logger_serial", "seals",
            "courier", "waybill", "tracking_url", "charged_at", "loaded_at", "packed_at", "checked_at",
            "dispatched_at", "expected_at",
            "delivered_at", "failed_at", "failure", "failure_note", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ShipmentWholeSerializer(ShipmentSerializer):
    """The same, with all that happened, its temperature records and its receipt."""

    events = ShipmentEventSerializer(many=True, read_only=True)
    logger_files = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()

    class Meta:
        model = Shipment
        fields = (*ShipmentSerializer.Meta.fields, "events", "logger_files", "receipt")
        read_only_fields = fields

    @extend_schema_field(LoggerFileSerializer(many=True))
    def get_logger_files(self, row: Shipment) -> Any:
        return LoggerFileSerializer(row.logger_files.light(), many=True).data

    @extend_schema_field(ReceiptSerializer(allow_null=True))
    def get_receipt(self, row: Shipment) -> Any:
        found = Receipt.objects.filter(shipment=row).first()
        return ReceiptSerializer(found).data if found else None


class ShipperSerializer(serializers.ModelSerializer[Shipper]):
    """A dry shipper; `updated_at`, as it was read, is sent with a change."""

    class Meta:
        model = Shipper
        fields = (
            "id",
            "serial",
            "model",
            "validated_on",
            "valid_until",
            "hold_hours",
            "active",
            "place",
            "updated_at",
        )
        read_only_fields = fields


class ShipperInput(ShownInput):
    serial = serializers.CharField(max_length=40)
    model = serializers.CharField(max_length=80, allow_blank=True, default="")
    validated_on = serializers.DateField()
    valid_until = serializers.DateField()
    hold_hours = serializers.IntegerField(min_value=1, max_value=MOST_HOLD_HOURS)
    active = serializers.BooleanField(default=True)

    def given(self) -> ShipperGiven:
        return ShipperGiven(**{name: value for name, value in self.validated_data.items() if name != "shown"})
