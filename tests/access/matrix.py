"""The access matrix: what each role gets at each address, for rows of its own and of another hospital.

Each app lists its addresses in `rows_<app>.py`: `ROWS`, and `build(world)` that makes what they point at.
An address that no row names fails the test: a new page cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.roles import BANK_ROLES, HOSPITAL_ROLES, Role

EVERYONE = frozenset(Role)
PUBLIC = "public"


class World:
    """A small bank: one user per role, hospital roles in hospital `own`; nothing of theirs in `other`.

    `build` functions of the apps add what they need: world.patient, world.other_patient, …
    """

    def __init__(self) -> None:
        self.users: dict[Role, Any] = {}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no build() made world.{name}")


Kwargs = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One address and method.

    `roles`: who may (all others get 403, the anonymous visitor is sent to sign in; an API answers 401/403).
    `kwargs`: makes the URL's arguments from the world (the own hospital's row).
    `other`: the same for another hospital's row: hospital roles get 404, bank roles as usual.
    `forbidden_to`: roles that may see the row and not do this to it (403).
    `ok`: statuses that count as let in. `hidden_from`: roles with the permission for whom this row is a 404.
    """

    name: str
    roles: frozenset[Role] | str
    kwargs: Kwargs = lambda world: {}
    other: Kwargs | None = None
    method: str = "get"
    data: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    query: str = ""
    ok: tuple[int, ...] = (200, 302)
    json: bool = False
    hidden_from: frozenset[Role] = frozenset()
    forbidden_to: frozenset[Role] = frozenset()


BANK = BANK_ROLES
HOSPITAL = HOSPITAL_ROLES
