"""What a dossier consists of: sections, in their order, and the tables that are left out, each with the reason.

Apps to the left of this one (hospitals, matching, transplants) add theirs when they start: `register`, `leave_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise

from bank import lookback, stays
from bank.dossier.records import Record
from bank.models import CordBloodUnit, TankAlarm

LAST = 1_000  # the order of the audit trail


@dataclass
class Subject:
    """The unit of a dossier, and what several sections read of it: read once."""

    unit: CordBloodUnit

    @cached_property
    def stays(self) -> list[stays.Stay]:
        return stays.stays_of(self.unit)

    @cached_property
    def alarms(self) -> list[TankAlarm]:
        return stays.alarms_during(self.stays)

    @cached_property
    def siblings(self) -> list[CordBloodUnit]:
        return lookback.siblings_of(self.unit)


@dataclass(frozen=True)
class Section:
    """key: in the JSON, never changed; records: all rows in a stable order, never a person's choice of them.

    covers: labels of the models whose rows stand here. columns: of the printed table; other fields that hold something
    are printed in its last column. trail: the audit entries of these rows belong to the unit too.
    """

    key: str
    title: Promise
    records: Callable[[Subject], list[Record]]
    order: int
    covers: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    trail: bool = True


_sections: dict[str, Section] = {}
_left_out: dict[str, str] = {}


def register(section: Section) -> None:
    _sections[section.key] = section


def leave_out(model: str, reason: str) -> None:
    """model: its label, `matching.SearchResult`; reason: for whoever asks why it is not in a dossier."""
    _left_out[model] = reason


def sections() -> Sequence[Section]:
    return sorted(_sections.values(), key=lambda one: (one.order, one.key))


def covered() -> dict[str, str]:
    """Model label -> key of its section."""
    return {model: section.key for section in sections() for model in section.covers}


def left_out() -> dict[str, str]:
    """Model label -> reason."""
    return dict(_left_out)


def register_all(found: Iterable[Section]) -> None:
    for section in found:
        register(section)
