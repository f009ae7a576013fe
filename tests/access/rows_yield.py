"""Addresses of the yield: all of the bank's staff, no hospital."""

from __future__ import annotations

from core.roles import Role
from tests.access.matrix import HOSPITAL, Row, World

STAFF = frozenset(Role) - HOSPITAL


def build(world: World) -> None:
    """What the other apps made is enough."""


ROWS = [
    Row("bank:yield", STAFF),
    *(
        Row("bank:yield-export", STAFF, lambda w, table=table: {"table": table})
        for table in ("funnel", "sites", "reasons", "counts", "times", "stock", "tanks")
    ),
]
