"""Addresses of figures of outcomes, pages, files and API."""

from __future__ import annotations

from typing import Any

from core.roles import Role
from tests.access.matrix import Row, World
from tests.factories.figures import Given, outcomes

R = Role
HOSPITAL = frozenset({R.HOSPITAL_COORDINATOR, R.HOSPITAL_PHYSICIAN})
# Written out, so that a change of the policy must be meant.
VIEW = HOSPITAL | {R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR, R.DIRECTOR, R.AUDITOR}
ROWS_OF_ALL = frozenset({R.QA, R.MEDICAL_DIRECTOR, R.SEARCH_COORDINATOR})


def build(world: World) -> None:
    for name in ("", "other_"):
        hospital = getattr(world, f"{name}patient").hospital
        known: dict[str, Any] = {"relapse_known": True}
        outcomes(Given(hospital, outcome=dict(known)) for _ in range(12))


def _file(endpoint: str, suffix: str) -> Any:
    return lambda world: {"endpoint": endpoint, "suffix": suffix}


N = "transplants:"
ROWS = [
    Row(f"{N}outcome-survival", VIEW),
    Row(f"{N}outcome-incidence", VIEW),
    *(Row(f"{N}outcome-survival-file", VIEW, _file("os", suffix)) for suffix in ("svg", "csv", "png")),
    Row(f"{N}outcome-incidence-file", VIEW, _file("relapse", "csv")),
    Row(f"{N}outcome-hospitals", VIEW),
    Row(f"{N}outcome-hospitals-csv", VIEW),
    Row(f"{N}outcome-forest", VIEW),
    Row(f"{N}outcome-forest-csv", VIEW),
    Row("api:outcome-survival", VIEW, json=True),
    Row("api:outcome-events", VIEW, json=True),
    # a choice outside the fixed family is not there for who sees no rows of others
    Row(f"{N}outcome-survival", VIEW, query="?age=0-4", hidden_from=VIEW - ROWS_OF_ALL),
    Row("api:outcome-survival", VIEW, query="?group=all", hidden_from=VIEW - ROWS_OF_ALL, json=True),
]
