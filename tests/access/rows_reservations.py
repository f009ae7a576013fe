"""Addresses of reservations, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.bank import UnitFactory
from tests.factories.reservations import ReservationFactory
from transplants.choices import MOST_OF_PATIENT
from transplants.models import ReservationRules

R = Role
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
ASK = frozenset({R.SEARCH_COORDINATOR, R.HOSPITAL_COORDINATOR})
DECIDE = frozenset({R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR})
RULES = frozenset({R.MEDICAL_DIRECTOR})
PHYSICIAN = frozenset({R.HOSPITAL_PHYSICIAN})


def build(world: World) -> None:
    ReservationRules.objects.update_or_create(pk=1, defaults={"most_of_patient": MOST_OF_PATIENT})
    world.free_unit = UnitFactory()
    world.entered_unit = UnitFactory(status="RESERVED")
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        setattr(world, f"{name}asked", ReservationFactory(patient=patient))
        setattr(world, f"{name}kept", ReservationFactory(active=True, patient=patient))


def _reserve(prefix: str) -> Any:
    return lambda world: {
        "patient_pk": getattr(world, f"{prefix}patient").pk,
        "unit_pk": world.free_unit.pk,
    }


def _of(kind: str) -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"pk": getattr(world, kind).pk},
        "other": lambda world: {"pk": getattr(world, f"other_{kind}").pk},
    }


def _lesser(world: World) -> dict[str, str]:
    return {"shown": "0" * 64, "reason": "because of a test"}


def _why(world: World) -> dict[str, str]:
    return {"reason": "because of a test"}


def _wish(prefix: str) -> Any:
    return lambda world: {
        "unit": str(world.free_unit.pk),
        "patient": str(getattr(world, f"{prefix}patient").pk),
    }


N, A = "transplants:reservation-", "api:reservation-"
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}create", ASK, kwargs=_reserve(""), other=_reserve("other_")),
    Row(
        f"{N}create",
        ASK,
        kwargs=_reserve(""),
        other=_reserve("other_"),
        method="post",
        data=lambda world: {"purpose": "graft"},
    ),
    Row(f"{N}detail", VIEW, **_of("kept")),
    Row(f"{N}confirm", DECIDE, **_of("asked"), method="post"),
    Row(f"{N}decline", DECIDE, **_of("asked"), method="post", data=_why),
    Row(f"{N}extend", VIEW, **_of("kept"), method="post", data=_why, forbidden_to=PHYSICIAN),
    Row(f"{N}match", VIEW, **_of("kept")),
    Row(f"{N}match", VIEW, **_of("kept"), method="post", data=_lesser, forbidden_to=DECIDE, ok=(409,)),
    Row(f"{N}cancel", VIEW, **_of("kept"), method="post", data=_why, forbidden_to=PHYSICIAN),
    Row(
        f"{N}unit-free",
        DECIDE,
        kwargs=lambda world: {"pk": world.entered_unit.pk},
        method="post",
        data=_why,
    ),
    Row(f"{N}rules", RULES),
    Row(
        f"{N}rules",
        RULES,
        method="post",
        data=lambda world: {
            "days": 30,
            "extension_days": 14,
            "most_extensions": 2,
            "warn_days": 5,
            "most_of_patient": 4,
            "weight_days": 30,
            "weight_percent": 10,
            "reason": "because of a test",
        },
    ),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}detail", VIEW, **_of("kept"), json=True),
    Row(f"{A}list", ASK, method="post", data=_wish(""), ok=(201,), json=True),
    Row(
        f"{A}list",
        ASK,
        method="post",
        data=_wish("other_"),
        ok=(201,),
        json=True,
        hidden_from=frozenset({R.HOSPITAL_COORDINATOR}),
    ),
    Row(f"{A}confirm", VIEW, **_of("asked"), method="post", json=True, forbidden_to=VIEW - DECIDE),
    Row(
        f"{A}decline",
        VIEW,
        **_of("asked"),
        method="post",
        data=_why,
        json=True,
        forbidden_to=VIEW - DECIDE,
    ),
    Row(f"{A}extend", VIEW, **_of("kept"), method="post", data=_why, json=True, forbidden_to=PHYSICIAN),
    Row(f"{A}cancel", VIEW, **_of("kept"), method="post", data=_why, json=True, forbidden_to=PHYSICIAN),
]
