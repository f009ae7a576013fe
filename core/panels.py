"""Parts of a page that an app further left adds: the page names the place, the app what stands there.

A page of `bank` or `hospitals` knows no reservation; `transplants` registers what it shows of a unit or a patient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.models import User


class Place(StrEnum):
    """Where a panel may stand, and what it is about."""

    UNIT = "unit"  # a unit's passport: the unit
    PATIENT = "patient"  # the page of a patient and the shortlist: the patient
    LISTED = "listed"  # a unit in a patient's list: the stored result
    ORDER = "order"  # the page of an order: the order


@dataclass(frozen=True)
class Panel:
    """template: included with `panel`, its values, and the `csrf_token` of the page."""

    template: str
    values: Mapping[str, Any]


Provider = Callable[[User, Any], Panel | None]
_providers: dict[Place, list[Provider]] = {}


def register(place: Place, provider: Provider) -> None:
    found = _providers.setdefault(place, [])
    if provider not in found:
        found.append(provider)


def panels(place: Place, user: User, subject: Any) -> list[Panel]:
    """What this person is shown there; a provider says None where it has nothing for him."""
    shown = (provider(user, subject) for provider in _providers.get(place, ()))
    return [panel for panel in shown if panel is not None]
