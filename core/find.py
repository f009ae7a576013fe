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
Adviser = Callable[[User, str], list[str]]
_providers: list[Provider] = []
_advisers: list[Adviser] = []
MAX_HITS = 20
MAX_LENGTH = 200  # a Data Matrix may hold several codes


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def register_adviser(adviser: Adviser) -> None:
    """An app that can say what is wrong with a text, as a code whose check character does not fit."""
    if adviser not in _advisers:
        _advisers.append(adviser)


def advice(user: User, text: str) -> list[str]:
    """Sentences about a text that is not as it should be, in the reader's language."""
    wanted = _wanted(text)
    return [sentence for adviser in _advisers for sentence in adviser(user, wanted)] if wanted else []


def _wanted(text: str) -> str:
    """What is looked for; "" for what nobody looks for."""
    wanted = text.strip()
    return "" if len(wanted) > MAX_LENGTH or "\0" in wanted else wanted


def find(user: User, text: str) -> list[Hit]:
    """Everything visible to the user that the text names; exact hits first."""
    wanted = _wanted(text)
    if not wanted:
        return []
    hits = [hit for provider in _providers for hit in provider(user, wanted)[:MAX_HITS]]
    return sorted(hits, key=lambda hit: not hit.exact)
