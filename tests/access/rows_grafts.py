"""Addresses of infusions, transplants and units that came back, pages and API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.core import PASSWORD
from tests.factories.grafts import decider, delivered, hours_ago, infused, not_used
from transplants import services_returns

R = Role
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
# Written out, so that a change of the policy must be meant.
VIEW = HOSPITAL | {R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR}
ORDERS = VIEW | {R.SHIPPING}
BACK = ORDERS - HOSPITAL
DECIDE = frozenset({R.QA, R.MEDICAL_DIRECTOR})
TAKE = DECIDE | {R.SHIPPING}
COORDINATOR = frozenset({R.HOSPITAL_COORDINATOR})


def build(world: World) -> None:
    world.away, world.back = not_used(), not_used(back=True)
    world.first = not_used(back=True)
    first = decider(R.MEDICAL_DIRECTOR)
    world.first = services_returns.return_propose(
        order_id=world.first.pk, user=first, password=PASSWORD, decision="discarded", reason="r"
    )
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        setattr(world, f"{name}delivered", delivered(patient=patient))
        setattr(world, f"{name}given", infused(patient=patient).transplant)
        setattr(world, f"{name}unused", not_used(patient=patient))


def _of(kind: str) -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"pk": getattr(world, kind).pk},
        "other": lambda world: {"pk": getattr(world, f"other_{kind}").pk},
    }


def _one(kind: str) -> dict[str, Any]:
    return {"kwargs": lambda world: {"pk": getattr(world, kind).pk}}


def _unused(world: World) -> dict[str, str]:
    return {"cause": "patient", "thawed": "no", "note": "because of a test"}


def _infusion(name: str) -> Any:
    def data(world: World) -> dict[str, Any]:
        order = getattr(world, f"{name}delivered")
        return {
            "order": str(order.pk),
            "scanned": order.unit.unit_no,
            "thaw_method": "washed",
            "thawed_at": hours_ago(1.9).isoformat(),
            "began_at": hours_ago(1.2).isoformat(),
            "ended_at": hours_ago(0.8).isoformat(),
            "volume_ml": "48.0",
            "all_given": True,
            "weight_kg": str(order.weight_kg),
            "graft_type": "double",
            "reaction": "none",
        }

    return data


def _return(name: str) -> Any:
    return lambda world: {
        "order": str(getattr(world, f"{name}delivered").pk),
        "cause": "patient",
        "thawed": False,
        "note": "because of a test",
    }


def _arrival(world: World) -> dict[str, str]:
    return {
        "scanned": world.away.unit.unit_no,
        "returned_at": timezone.now().isoformat(),
        "bag_intact": "yes",
    }


def _proposal(world: World) -> dict[str, str]:
    return {"decision": "discarded", "reason": "because of a test", "password": PASSWORD}


def _second(world: World) -> dict[str, str]:
    return {"password": PASSWORD, "seen": services_returns.digest_of(world.first)}


N, A = "transplants:", "api:"
ROWS = [
    Row(f"{N}infusion-create", HOSPITAL, **_of("delivered")),
    Row(f"{N}infusion-create", HOSPITAL, **_of("delivered"), method="post", ok=(400,)),
    Row(f"{N}order-not-used", HOSPITAL, **_of("delivered")),
    Row(f"{N}order-not-used", HOSPITAL, **_of("delivered"), method="post", data=_unused),
    Row(f"{N}transplant-list", VIEW),
    Row(f"{N}transplant-export", VIEW),
    Row(f"{N}transplant-detail", VIEW, **_of("given")),
    Row(f"{N}transplant-deactivate", COORDINATOR, **_of("given"), method="post"),
    Row(f"{N}return-list", BACK),
    Row(f"{N}return-decide", BACK, **_one("back")),
    Row(
        f"{N}return-arrive",
        BACK,
        **_one("away"),
        method="post",
        data=_arrival,
        forbidden_to=BACK - TAKE,
    ),
    Row(f"{N}return-propose", DECIDE, **_one("back"), method="post", data=_proposal),
    Row(
        f"{N}return-second",
        DECIDE,
        **_one("first"),
        method="post",
        data=_second,
        forbidden_to=frozenset({R.MEDICAL_DIRECTOR}),  # the first signature is of that role
    ),
    Row(
        f"{N}return-withdraw",
        DECIDE,
        **_one("first"),
        method="post",
        data=lambda world: {"reason": "because of a test"},
    ),
    Row(f"{A}transplant-list", VIEW, json=True),
    Row(f"{A}transplant-detail", VIEW, **_of("given"), json=True),
    Row(f"{A}infusion-list", HOSPITAL, method="post", data=_infusion(""), ok=(201,), json=True),
    Row(
        f"{A}infusion-list",
        HOSPITAL,
        method="post",
        data=_infusion("other_"),
        ok=(201,),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(f"{A}return-list", ORDERS, json=True),
    Row(f"{A}return-detail", ORDERS, **_of("unused"), json=True),
    Row(f"{A}return-list", HOSPITAL, method="post", data=_return(""), ok=(201,), json=True),
    Row(
        f"{A}return-list",
        HOSPITAL,
        method="post",
        data=_return("other_"),
        ok=(201,),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(
        f"{A}return-arrive",
        ORDERS,
        **_one("away"),
        method="post",
        data=_arrival,
        json=True,
        forbidden_to=BACK - TAKE,
        hidden_from=HOSPITAL,
    ),
]
