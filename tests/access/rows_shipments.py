"""Addresses of shipments and shippers, pages and API."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.orders import ready
from tests.factories.reservations import in_days
from tests.factories.shipments import (
    ShipmentFactory,
    ShipperFactory,
    away_to,
    in_hours,
    order_of,
    record_of,
    shipping_person,
)
from transplants.models import LoggerFile

R = Role
# Written out, so that a change of the policy must be meant.
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
VIEW = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING}) | HOSPITAL
WORK = frozenset({R.SHIPPING})
BRING = WORK | HOSPITAL  # temperature records
RULES = frozenset({R.QA, R.MEDICAL_DIRECTOR})


def build(world: World) -> None:
    world.idle_shipper = ShipperFactory()
    packer = shipping_person()
    for name in ("", "other_"):
        hospital = getattr(world, f"{name}patient").hospital
        order = order_of(hospital)
        packed = ShipmentFactory(order=order_of(hospital), packed_by=packer)
        checked = ShipmentFactory(order=order_of(hospital), packed_by=packer, checked=True)
        ready(checked.order)
        away = away_to(hospital)
        made: dict[str, Any] = {
            "order_to_pack": order,
            "packed_shipment": packed,
            "checked_shipment": checked,
            "away_shipment": away,
            "logger_record": _record(away),
        }
        for key, value in made.items():
            setattr(world, f"{name}{key}", value)


def _record(row: Any) -> LoggerFile:
    from tests.factories.shipments import ASKED
    from transplants.services_loggers import logger_add

    return logger_add(
        shipment_id=row.pk, name="a.csv", data=record_of(row), asked=ASKED, user=shipping_person()
    )


def _only(kind: str, name: str = "pk") -> dict[str, Any]:
    """Where no hospital comes, another one's row is like the own."""
    return {"kwargs": lambda world: {name: getattr(world, kind).pk}}


def _of(kind: str, name: str = "pk") -> dict[str, Any]:
    return {
        "kwargs": lambda world: {name: getattr(world, kind).pk},
        "other": lambda world: {name: getattr(world, f"other_{kind}").pk},
    }


def _packing(kind: str) -> Any:
    """What is packed: an order, or the shipment of one."""

    def data(world: World) -> dict[str, Any]:
        row = getattr(world, kind)
        order = getattr(row, "order", row)
        return {
            "order": str(order.pk),
            "shipper": str(world.idle_shipper.pk),
            "scanned": order.unit.unit_no,
            "charge_weight_kg": "14.2",
            "logger_serial": "L",
            "seals": "S",
            "courier": "C",
            "waybill": "W",
            "expected_at": in_hours(48).isoformat(),
            "charged_at": in_hours(0).isoformat(),
            "loaded_at": in_hours(0).isoformat(),
        }

    return data


def _scanned(world: World) -> dict[str, Any]:
    return {"scanned": world.packed_shipment.order.unit.unit_no}


def _event(world: World) -> dict[str, Any]:
    return {"kind": "customs", "at": timezone.now().isoformat()}


def _failed(world: World) -> dict[str, Any]:
    return {"cause": "lost", "note": "because of a test"}


def _file(world: World) -> dict[str, Any]:
    data = record_of(world.away_shipment, note="again")
    return {"file": SimpleUploadedFile("b.csv", data), "zone": "Asia/Shanghai"}


def _checklist(world: World) -> dict[str, Any]:
    answers = ("seals_intact", "temperature_held", "bag_intact", "identity_right", "papers_complete")
    return {
        "received_at": timezone.now().isoformat(),
        "scanned": world.away_shipment.order.unit.unit_no,
        "acceptance": "accepted",
        **dict.fromkeys(answers, "yes"),
    }


def _shipper(world: World) -> dict[str, Any]:
    return {
        "serial": "NEW-1",
        "validated_on": in_days(-1).isoformat(),
        "valid_until": in_days(300).isoformat(),
        "hold_hours": 240,
        "active": True,
    }


def _shipper_row(name: str, **values: Any) -> Row:
    kwargs = {"kwargs": lambda world: {"pk": world.idle_shipper.pk}} if name not in ("list", "create") else {}
    return Row(f"transplants:shipper-{name}", WORK, **kwargs, **values)


def _rules(world: World) -> dict[str, Any]:
    return {"limit_c": "-150", "margin_hours": 48, "cover_minutes": 30, "reason": "because of a test"}


N, A, S = "transplants:shipment-", "api:shipment-", "api:shipper-"
WHOLE = {"json": True, "method": "post"}
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}create", WORK, **_only("order_to_pack", "order_pk")),
    Row(
        f"{N}create",
        WORK,
        **_only("order_to_pack", "order_pk"),
        method="post",
        data=_packing("order_to_pack"),
    ),
    Row(f"{N}detail", VIEW, **_of("away_shipment")),
    Row(f"{N}pack", WORK, **_only("packed_shipment")),
    Row(f"{N}pack", WORK, **_only("packed_shipment"), method="post", data=_packing("packed_shipment")),
    Row(f"{N}check", WORK, **_only("packed_shipment"), method="post", data=_scanned),
    Row(f"{N}dispatch", WORK, **_of("checked_shipment"), method="post"),
    Row(f"{N}event", WORK, **_of("away_shipment"), method="post", data=_event),
    Row(f"{N}fail", WORK, **_of("away_shipment"), method="post", data=_failed),
    Row(
        f"{N}logger",
        VIEW,
        **_of("away_shipment"),
        method="post",
        data=_file,
        forbidden_to=VIEW - BRING,
    ),
    Row(f"{N}receive", HOSPITAL, **_of("away_shipment")),
    Row(f"{N}receive", HOSPITAL, **_of("away_shipment"), method="post", data=_checklist),
    Row("transplants:logger-file", VIEW, **_of("logger_record")),
    Row("transplants:logger-csv", VIEW, **_of("logger_record")),
    _shipper_row("list"),
    _shipper_row("create"),
    _shipper_row("create", method="post", data=_shipper),
    _shipper_row("edit"),
    _shipper_row("edit", method="post", data=_shipper),
    _shipper_row("move", method="post", data=lambda world: {"to": "ready"}),
    Row("transplants:shipping-rules", RULES),
    Row("transplants:shipping-rules", RULES, method="post", data=_rules),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}list", WORK, data=_packing("order_to_pack"), ok=(201,), **WHOLE),
    Row(f"{A}detail", VIEW, **_of("away_shipment"), json=True),
    Row(
        f"{A}pack",
        VIEW,
        **_of("packed_shipment"),
        data=_packing("packed_shipment"),
        ok=(200, 400),  # the code of the one is not that of the other
        forbidden_to=VIEW - WORK,
        **WHOLE,
    ),
    Row(
        f"{A}check",
        VIEW,
        **_of("packed_shipment"),
        data=_scanned,
        ok=(200, 400),
        forbidden_to=VIEW - WORK,
        **WHOLE,
    ),
    Row(f"{A}leave", VIEW, **_of("checked_shipment"), forbidden_to=VIEW - WORK, **WHOLE),
    Row(f"{A}events", VIEW, **_of("away_shipment"), data=_event, forbidden_to=VIEW - WORK, **WHOLE),
    Row(f"{A}fail", VIEW, **_of("away_shipment"), data=_failed, forbidden_to=VIEW - WORK, **WHOLE),
    Row(
        f"{A}receive",
        VIEW,
        **_of("away_shipment"),
        data=_checklist,
        forbidden_to=VIEW - HOSPITAL,
        **WHOLE,
    ),
    # a file comes as a form: who may see the shipment is told so, everybody else as always
    Row(f"{A}logger", VIEW, **_of("away_shipment"), ok=(415,), **WHOLE),
    Row(f"{S}list", WORK, json=True),
    Row(f"{S}list", WORK, data=_shipper, ok=(201,), **WHOLE),
    Row(
        f"{S}detail",
        WORK,
        kwargs=lambda world: {"pk": world.idle_shipper.pk},
        method="put",
        data=_shipper,
        json=True,
    ),
    Row(f"{S}detail", WORK, kwargs=lambda world: {"pk": world.idle_shipper.pk}, json=True),
]
