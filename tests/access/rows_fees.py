"""Addresses of fees, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.reservations import in_days

R = Role
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.SEARCH_COORDINATOR, R.DIRECTOR, R.HOSPITAL_COORDINATOR})
EDIT = frozenset({R.DIRECTOR})
COORDINATOR = frozenset({R.HOSPITAL_COORDINATOR})


def build(world: World) -> None:
    world.price = PriceFactory()
    world.price_to_come = PriceFactory(valid_from=in_days(30))
    world.charge = ChargeFactory(patient=world.patient)
    world.other_charge = ChargeFactory(patient=world.other_patient)


def _month(name: str) -> Any:
    def kwargs(world: World) -> dict[str, Any]:
        charge = getattr(world, name)
        return {"pk": charge.hospital_id, "year": charge.on.year, "month": charge.on.month}

    return kwargs


def _of(name: str) -> Any:
    return lambda world: {"pk": getattr(world, name).pk}


def _why(world: World) -> dict[str, str]:
    return {"reason": "because of a test"}


N = "transplants:"
ROWS = [
    Row(f"{N}statement-list", VIEW),
    Row(f"{N}statement-export", VIEW),
    Row(f"{N}statement-detail", VIEW, _month("charge"), other=_month("other_charge")),
    Row(f"{N}statement-csv", VIEW, _month("charge"), other=_month("other_charge")),
    Row(f"{N}charge-void", EDIT, _of("charge"), other=_of("other_charge"), method="post", data=_why),
    Row(f"{N}price-list", VIEW),
    Row(
        f"{N}price-set",
        EDIT,
        method="post",
        data=lambda world: {
            "kind": "typing",
            "amount": "1",
            "currency": "CNY",
            "valid_from": f"{in_days(9):%Y-%m-%d}",
        },
    ),
    Row(f"{N}price-withdraw", EDIT, _of("price_to_come"), method="post", data=_why),
    Row("api:price-list", VIEW, json=True),
    Row("api:price-detail", VIEW, _of("price"), json=True),
    Row("api:charge-list", VIEW, json=True),
    Row("api:charge-detail", VIEW, _of("charge"), other=_of("other_charge"), json=True),
    # without its two parameters: who may ask at all is told what is missing
    Row("api:charge-statement", VIEW, ok=(400,), json=True),
]
