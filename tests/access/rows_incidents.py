"""Addresses of incidents and recalls, pages and API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD
from tests.factories.incidents import IncidentFactory, RecallFactory, lot_of
from transplants.services_recall import Wanted, would_recall
from transplants.writing_incidents import stamp

R = Role
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
# Written out, so that a change of the policy must be meant.
VIEW = frozenset({R.LAB, R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING}) | HOSPITAL
WORK = frozenset({R.QA, R.MEDICAL_DIRECTOR})
RECALL = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR})
START = frozenset({R.QA, R.MEDICAL_DIRECTOR})


def build(world: World) -> None:
    world.recalled_unit = UnitFactory()
    world.recall = RecallFactory(units=[world.recalled_unit])
    world.recall_lot = lot_of(UnitFactory(), number="MATRIX-1")
    for name in ("", "other_"):
        patient = getattr(world, f"{name}patient")
        setattr(world, f"{name}incident", IncidentFactory(patient=patient))
        setattr(world, f"{name}closed_incident", IncidentFactory(patient=patient, closed=True))


def _of(kind: str) -> dict[str, Any]:
    return {
        "kwargs": lambda world: {"pk": getattr(world, kind).pk},
        "other": lambda world: {"pk": getattr(world, f"other_{kind}").pk},
    }


def _recall(world: World) -> dict[str, Any]:
    return {"pk": world.recall.pk}


def _report(world: World) -> dict[str, Any]:
    return {
        "kind": "event",
        "title": "t",
        "what": "w",
        "happened_on": "2026-01-01",
        "seriousness": "not_serious",
    }


def _about(name: str) -> Any:
    return lambda world: {**_report(world), "patient": str(getattr(world, f"{name}patient").pk)}


def _seen(world: World) -> dict[str, Any]:
    return {"seen": stamp(world.incident)}


def _assessed(world: World) -> dict[str, Any]:
    return {**_seen(world), "kind": "event", "seriousness": "not_serious", "imputability": "1"}


def _closed(world: World) -> dict[str, Any]:
    return {**_seen(world), "cause": "c", "measures": "m", "password": PASSWORD}


def _sign(world: World) -> dict[str, Any]:
    keys = [world.recalled_unit.pk]
    seen = would_recall(Wanted(unit_ids=keys)).digest
    return {"units": str(keys[0]), "seen": seen, "title": "t", "reason": "r", "password": PASSWORD}


N, A = "transplants:incident-", "api:incident-"
C, B = "transplants:recall-", "api:recall-"
RULES = {"serious_days": 7, "rapid_days": 1, "hotline": "1", "reason": "r"}
# another hospital's row has another stamp: whoever may work on it is told that it is not what was shown
STALE = (200, 302, 409)
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}create", VIEW),
    # a hospital says what it is about: 400 for one that says nothing
    Row(f"{N}create", VIEW, method="post", data=_report, ok=(302, 400)),
    Row(f"{N}rules", WORK),
    Row(f"{N}rules", WORK, method="post", data=lambda world: RULES),
    Row(f"{N}detail", VIEW, **_of("incident")),
    Row(f"{N}form", VIEW, **_of("incident")),
    Row(f"{N}note", VIEW, **_of("incident"), method="post", data=lambda world: {"text": "t"}),
    Row(f"{N}assess", WORK, **_of("incident"), method="post", data=_assessed, ok=STALE),
    Row(
        f"{N}reported-out",
        WORK,
        **_of("incident"),
        method="post",
        data=lambda world: {
            **_seen(world),
            "reported_to": "X",
            "at": f"{timezone.localtime():%Y-%m-%dT%H:%M}",
        },
        ok=STALE,
    ),
    Row(f"{N}close", WORK, **_of("incident"), method="post", data=_closed, ok=STALE),
    Row(f"{N}reopen", WORK, **_of("closed_incident"), method="post", data=lambda world: {"reason": "r"}),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}detail", VIEW, **_of("incident"), json=True),
    Row(f"{A}list", VIEW, method="post", data=_about(""), ok=(201, 404), json=True),
    Row(
        f"{A}list",
        VIEW,
        method="post",
        data=_about("other_"),
        ok=(201, 404),  # who may see no patient names an order
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(f"{A}notes", VIEW, **_of("incident"), json=True),
    Row(
        f"{A}notes",
        VIEW,
        **_of("incident"),
        method="post",
        data=lambda world: {"text": "t"},
        ok=(201,),
        json=True,
    ),
    Row(f"{C}list", RECALL),
    Row(f"{C}create", START),
    Row(f"{C}create", START, query="?lot=00000000-0000-0000-0000-000000000000", ok=(404,)),
    Row(f"{C}create", START, method="post", data=lambda world: {"units": world.recalled_unit.unit_no}),
    Row(f"{C}create", START, method="post", data=_sign),
    Row(f"{C}detail", RECALL, _recall),
    Row(f"{C}export", RECALL, _recall),
    Row(f"{C}lot-export", RECALL, lambda world: {"pk": world.recall_lot.pk}),
    Row(f"{C}lift", START, _recall),
    Row(
        f"{C}lift",
        START,
        _recall,
        method="post",
        data=lambda world: {"reason": "r", "password": PASSWORD},
    ),
    Row(
        f"{C}free-unit",
        START,
        lambda world: {"pk": world.recall.pk, "unit_pk": world.recalled_unit.pk},
    ),
    Row(
        f"{C}free-unit",
        START,
        lambda world: {"pk": world.recall.pk, "unit_pk": world.recalled_unit.pk},
        method="post",
        data=lambda world: {"reason": "r", "password": PASSWORD},
    ),
    Row(f"{B}list", RECALL, json=True),
    Row(f"{B}detail", RECALL, _recall, json=True),
    Row(f"{B}units", RECALL, _recall, json=True),
]
