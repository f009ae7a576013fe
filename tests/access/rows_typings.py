"""Addresses of confirmatory typings, pages and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.typings import GL, ConfirmatoryTypingFactory, promised, shown

R = Role
# Written out, so that a change of the policy must be meant.
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
VIEW = frozenset({R.LAB, R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.SHIPPING}) | HOSPITAL
ASK = frozenset({R.SEARCH_COORDINATOR}) | HOSPITAL
WORK = frozenset({R.LAB})
VERIFY = frozenset({R.LAB, R.QA, R.MEDICAL_DIRECTOR})
CANCEL = frozenset({R.LAB}) | ASK


def build(world: World) -> None:
    for name in ("", "other_"):
        hospital = getattr(world, f"{name}patient").hospital
        setattr(world, f"{name}promised", promised(patient__hospital=hospital))
        for kind, traits in (
            ("ct_asked", {}),
            ("ct_sampled", {"sampled": True}),
            ("ct_reported", {"reported_now": True}),
        ):
            row = ConfirmatoryTypingFactory(reservation=promised(patient__hospital=hospital), **traits)
            setattr(world, f"{name}{kind}", row)


def _of(kind: str, name: str = "pk") -> dict[str, Any]:
    return {
        "kwargs": lambda world: {name: getattr(world, kind).pk},
        "other": lambda world: {name: getattr(world, f"other_{kind}").pk},
    }


def _result(world: World) -> dict[str, str]:
    day = world.ct_sampled.sampled_on.isoformat()
    return {"gl": GL, "laboratory": "HLA laboratory", "method": "ngs", "typed_on": day}


def _why(world: World) -> dict[str, str]:
    return {"reason": "because of a test"}


def _shown(world: World) -> dict[str, str]:
    return {"shown": shown(world.ct_reported)}


def _back(world: World) -> dict[str, str]:
    return {**_shown(world), **_why(world)}


def _wish(prefix: str) -> Any:
    return lambda world: {"reservation": str(getattr(world, f"{prefix}promised").pk)}


# another row than the one of which `shown` was read is told that the page is stale
STALE = (200, 302, 409)
N, A = "transplants:typing-", "api:confirmatory-typing-"
ROWS = [
    Row(f"{N}list", VIEW),
    Row(f"{N}export", VIEW),
    Row(f"{N}create", ASK, **_of("promised", "reservation_pk")),
    Row(f"{N}create", ASK, **_of("promised", "reservation_pk"), method="post"),
    Row(f"{N}detail", VIEW, **_of("ct_reported")),
    Row(f"{N}sample", WORK, **_of("ct_asked"), method="post"),
    Row(f"{N}report", WORK, **_of("ct_sampled")),
    Row(f"{N}report", WORK, **_of("ct_sampled"), method="post", data=_result),
    Row(f"{N}verify", VERIFY, **_of("ct_reported"), method="post", data=_shown, ok=STALE),
    Row(
        f"{N}take-back",
        VIEW,
        **_of("ct_reported"),
        method="post",
        data=_back,
        ok=STALE,
        forbidden_to=VIEW - VERIFY,
    ),
    Row(f"{N}cancel", VIEW, **_of("ct_asked"), method="post", data=_why, forbidden_to=VIEW - CANCEL),
    Row(f"{A}list", VIEW, json=True),
    Row(f"{A}detail", VIEW, **_of("ct_reported"), json=True),
    Row(f"{A}list", ASK, method="post", data=_wish(""), ok=(201,), json=True),
    Row(
        f"{A}list",
        ASK,
        method="post",
        data=_wish("other_"),
        ok=(201,),
        json=True,
        hidden_from=HOSPITAL,
    ),
    Row(f"{A}sample", VIEW, **_of("ct_asked"), method="post", json=True, forbidden_to=VIEW - WORK),
    Row(
        f"{A}report",
        VIEW,
        **_of("ct_sampled"),
        method="post",
        data=_result,
        json=True,
        forbidden_to=VIEW - WORK,
    ),
    Row(
        f"{A}verify",
        VIEW,
        **_of("ct_reported"),
        method="post",
        data=_shown,
        ok=STALE,
        json=True,
        forbidden_to=VIEW - VERIFY,
    ),
    Row(
        f"{A}take-back",
        VIEW,
        **_of("ct_reported"),
        method="post",
        data=_back,
        ok=STALE,
        json=True,
        forbidden_to=VIEW - VERIFY,
    ),
    Row(
        f"{A}cancel",
        VIEW,
        **_of("ct_asked"),
        method="post",
        data=_why,
        json=True,
        forbidden_to=VIEW - CANCEL,
    ),
]
