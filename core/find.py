"""The global search box: the apps register where they look; a scanned barcode opens its unit at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.models import User


@dataclass(frozen=True)
class Hit:
    """One thing found. `exact` hits of a single kind are opened without a list."""

    kind: str
    label: str
    url: str
    detail: str = ""
    exact: bool = False


Provider = Callable[[User, str], list[Hit]]
_providers: list[Provider] = []
MAX_HITS = 20


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def find(user: User, text: str) -> list[Hit]:
    """Everything visible to the user that the text names; exact hits first."""
    wanted = text.strip()
    if not wanted or len(wanted) > 100 or "\0" in wanted:
        return []
    hits = [hit for provider in _providers for hit in provider(user, wanted)[:MAX_HITS]]
    return sorted(hits, key=lambda hit: not hit.exact)
