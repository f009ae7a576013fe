"""What people send from the pages of shipments, for tests."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from core.models import User
from tests.factories.shipments import (
    ASKED,
    in_hours,
)
from transplants import services_loggers, services_receipts
from transplants.models import LoggerFile, Order, Shipment, Shipper


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def given(order: Order, shipper: Shipper, **values: Any) -> dict[str, Any]:
    return {
        "shipper": str(shipper.pk),
        "scanned": order.unit.unit_no,
        "charge_weight_kg": "14.20",
        "logger_serial": "LG-7",
        "seals": "S-71",
        "courier": "Cold Courier",
        "waybill": "WB-77",
        "expected_at": f"{timezone.localtime(in_hours(48)):%Y-%m-%dT%H:%M}",
        "charged_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        "loaded_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        **values,
    }


def answers(row: Shipment, **values: Any) -> dict[str, Any]:
    return {
        "received_at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        "scanned": row.order.unit.unit_no,
        **dict.fromkeys(services_receipts.ANSWERS, "yes"),
        "acceptance": "accepted",
        **values,
    }


def keep_record(row: Shipment, user: User, data: bytes) -> LoggerFile:
    return services_loggers.logger_add(shipment_id=row.pk, name="a.csv", data=data, asked=ASKED, user=user)


def upload(client: Any, row: Shipment, data: bytes, **values: Any) -> Any:
    sent = {"file": SimpleUploadedFile("log.csv", data), "zone": "Asia/Shanghai", **values}
    return client.post(url("shipment-logger", row.pk), sent)


def shipper_form(**values: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "serial": "DS-NEW",
        "model": "Dry shipper",
        "validated_on": f"{today:%Y-%m-%d}",
        "valid_until": f"{today.replace(year=today.year + 1):%Y-%m-%d}",
        "hold_hours": "240",
        "active": "on",
        **values,
    }
