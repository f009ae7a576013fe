"""*My work*: the apps say what waits for a person; the page in config/ shows it, overdue first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.models import User


@dataclass(frozen=True)
class WorkItem:
    """One thing that waits for somebody: `title` says what to do, `url` leads to where it is done.

    more_url, more: another page worth a look, and what its link says.
    """

    title: str
    url: str
    detail: str = ""
    due_at: datetime | None = None
    since: datetime | None = None
    kind: str = ""
    count: int | None = None
    more_url: str = ""
    more: str = ""

    @property
    def overdue(self) -> bool:
        return self.due_at is not None and self.due_at < timezone.now()


Provider = Callable[[User], list[WorkItem]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def items_for(user: User) -> list[WorkItem]:
    """All that waits for this person: overdue first, then by due date, then what has waited longest."""
    items = [item for provider in _providers for item in provider(user)]
    far, now = timezone.now() + timedelta(days=36500), timezone.now()
    return sorted(items, key=lambda item: (not item.overdue, item.due_at or far, item.since or now))
