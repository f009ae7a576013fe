"""Addresses of files with HLA typings: everybody asks and sees the own requests, few see all, fewer decide."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import EVERYONE, Row, World
from tests.factories.core import PASSWORD
from tests.factories.genetic import ApprovalFactory

WATCHERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR, Role.DIRECTOR, Role.AUDITOR})
DECIDERS = WATCHERS - {Role.AUDITOR}
LIMITS = {
    "most_units": "20",
    "most_units_a_year": "100",
    "most_units_a_patient": "100",
    "valid_days": "7",
    "home_country": "CN",
    "reason": "r",
    "password": PASSWORD,
}


def build(world: World) -> None:
    world.approval = ApprovalFactory()


def of_another(world: World) -> dict[str, Any]:
    return {"pk": world.approval.pk}


ROWS = [
    Row("bank:genetic-register", WATCHERS),
    Row("bank:genetic-mine", EVERYONE),
    Row("bank:genetic-ask", EVERYONE, ok=(302,)),  # nothing sealed in the address: back to the own requests
    Row("bank:genetic-ask", EVERYONE, method="post", ok=(302,)),
    Row("bank:genetic-detail", EVERYONE, of_another, hidden_from=EVERYONE - WATCHERS),
    Row(
        "bank:genetic-decide", DECIDERS, of_another, method="post", ok=(400,)
    ),  # let in: the password is missing
    Row("bank:genetic-limits", DECIDERS),
    Row("bank:genetic-limits", DECIDERS, method="post", data=lambda w: LIMITS),
]
