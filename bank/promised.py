"""Whether a unit is promised, and to whom it is visible meanwhile: told by `transplants`, which keeps the promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from core.models import User


@dataclass(frozen=True)
class Promises:
    """is_promised: of a unit by its key. kept_for: condition on units that are kept for the hospitals of a person."""

    is_promised: Callable[[UUID], bool]
    kept_for: Callable[[User], Q]


_promises: list[Promises] = []
NAME_FIRST = _("This unit entered as reserved. Say first for whom, or that it is free.")


def register(promises: Promises) -> None:
    _promises[:] = [promises]


def is_promised(unit_id: UUID) -> bool:
    """Whether a patient has this unit's promise, whatever state the unit is in."""
    return bool(_promises) and _promises[0].is_promised(unit_id)


def kept_for(user: User) -> Q:
    return _promises[0].kept_for(user) if _promises else Q(pk__in=[])
