"""Addresses of orders, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.core import PASSWORD
from tests.factories.orders import OrderFactory, permit_file, ready, ready_hospital
from tests.factories.reservations import ReservationFactory, in_days

R = Role
# Written out, so that a change of the policy must be meant.
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
VIEW = HOSPITAL | {R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING}
ASK = HOSPITAL | {R.SEARCH_COORDINATOR}
APPROVE = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR})
RELEASE = frozenset({R.QA, R.MEDICAL_DIRECTOR})
PHYSICIAN = frozenset({R.HOSPITAL_PHYSICIAN})


def build(world: World) -> None:
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        ready_hospital(patient.hospital)
        kept = ReservationFactory(active=True, patient=patient)
        setattr(world, f"{name}to_order", kept)
        for state in ("asked", "approved", "released"):
            order = OrderFactory(state=state, for_patient=patient)
            setattr(world, f"{name}order_{state}", ready(order, signed=state != "asked"))
        setattr(world, f"{name}order_signed", ready(OrderFactory(for_patient=patient)))
        abroad = OrderFactory(for_patient=patient, country="SG")
        setattr(world, f"{name}order_abroad", abroad)
        setattr(world, f"{name}order_permit_file", permit_file(abroad))


def _of(kind: str) -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"pk": getattr(world, f"order_{kind}").pk},
        "other": lambda world: {"pk": getattr(world, f"other_order_{kind}").pk},
    }


def _to_order() -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"reservation_pk": world.to_order.pk},
        "other": lambda world: {"reservation_pk": world.other_to_order.pk},
    }


def _why(world: World) -> dict[str, str]:
    return {"reason": "because of a test"}


def _prescription(world: World) -> dict[str, Any]:
    return {
        "weight_kg": "12.4",
        "conditioning_on": f"{in_days(20):%Y-%m-%d}",
        "deliver_on": f"{in_days(18):%Y-%m-%d}",
        "infusion_on": f"{in_days(27):%Y-%m-%d}",
        "country": "CN",
        "ship_to": "Ward 7, Shanghai",
        "contact": "Gu Wen",
        "contact_phone": "+86 21 0",
        "version": 1,
    }


def _permit(world: World) -> dict[str, str]:
    day = f"{in_days(60):%Y-%m-%d}"
    return {
        "permit_no": "P-1",
        "authority": "Customs",
        "country": world.order_abroad.country,
        "valid_until": day,
    }


def _sent(prefix: str) -> Any:
    return lambda world: {
        **_prescription(world),
        "reservation": str(getattr(world, f"{prefix}to_order").pk),
    }


def _signed(world: World) -> dict[str, Any]:
    return {"version": 1, "password": PASSWORD}


def _released(world: World) -> dict[str, Any]:
    """What was shown is another checklist: the signature of whoever may sign is refused as a stale page."""
    return {"seen": "0" * 64, "password": PASSWORD}


N, A = "transplants:order-", "api:order-"
# The checklist of an order also asks what other parts know: a refusal that says what is open lets in as well.
OK = (200, 302, 409)
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}create", ASK, **_to_order()),
    Row(f"{N}create", ASK, **_to_order(), method="post", data=_prescription),
    Row(f"{N}detail", VIEW, **_of("asked")),
    Row(f"{N}detail", VIEW, **_of("approved")),
    Row(f"{N}detail", VIEW, **_of("released")),
    Row(f"{N}amend", ASK, **_of("asked")),
    Row(f"{N}amend", ASK, **_of("asked"), method="post", data=_prescription),
    Row(
        f"{N}sign",
        VIEW,
        **_of("asked"),
        method="post",
        data=_signed,
        forbidden_to=VIEW - PHYSICIAN,
    ),
    Row(f"{N}approve", APPROVE, **_of("signed"), method="post", ok=OK),
    Row(f"{N}decline", APPROVE, **_of("asked"), method="post", data=_why),
    Row(
        f"{N}withdraw",
        VIEW,
        **_of("asked"),
        method="post",
        data=_why,
        forbidden_to=frozenset({R.QA, R.SHIPPING}),
    ),
    Row(f"{N}permit", APPROVE, **_of("abroad"), method="post", data=_permit),
    Row(f"{N}permit-file", VIEW, **_of("permit_file")),
    Row(f"{N}release", RELEASE, **_of("approved"), method="post", data=_released, ok=(409,)),
    Row(f"{N}revoke", RELEASE, **_of("released"), method="post", data=_why),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}detail", VIEW, **_of("asked"), json=True),
    Row(f"{A}list", ASK, method="post", data=_sent(""), ok=(201,), json=True),
    Row(
        f"{A}list",
        ASK,
        method="post",
        data=_sent("other_"),
        ok=(201,),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(
        f"{A}amend",
        VIEW,
        **_of("asked"),
        method="post",
        data=_prescription,
        json=True,
        forbidden_to=VIEW - ASK,
    ),
    Row(f"{A}approve", VIEW, **_of("signed"), method="post", json=True, ok=OK, forbidden_to=VIEW - APPROVE),
    Row(
        f"{A}decline",
        VIEW,
        **_of("asked"),
        method="post",
        data=_why,
        json=True,
        forbidden_to=VIEW - APPROVE,
    ),
    Row(
        f"{A}withdraw",
        VIEW,
        **_of("asked"),
        method="post",
        data=_why,
        json=True,
        forbidden_to=frozenset({R.QA, R.SHIPPING}),
    ),
    Row(
        f"{A}permit",
        VIEW,
        **_of("abroad"),
        method="post",
        data=_permit,
        json=True,
        forbidden_to=VIEW - APPROVE,
    ),
    Row(
        f"{A}revoke",
        VIEW,
        **_of("released"),
        method="post",
        data=_why,
        json=True,
        forbidden_to=VIEW - RELEASE,
    ),
]
