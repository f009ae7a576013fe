"""Kinds of notifications: the apps say what a code means, how much it weighs, and to which group it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.models import Notification
from core.roles import Permission

Params = Mapping[str, Any]
HIDDEN = "—"  # stands in the text of a web-hook for what no other system is told


class Weight(IntEnum):
    """ORDINARY: a person may do without the e-mail. IMPORTANT: nobody can. URGENT: at once, by night too."""

    ORDINARY = 0
    IMPORTANT = 1
    URGENT = 2


@dataclass(frozen=True)
class Group:
    """What a person chooses for at once: kinds that belong together."""

    code: str
    label: str | Promise


OTHER = Group("other", _("Other"))


@dataclass(frozen=True)
class Kind:
    """What a code means. text, url, subject: of its params, in the language that is active.

    permission: without it, for the hospital concerned, a person is shown nothing any more.
    label: what the kind is called where kinds are chosen; the code where it has none.
    shared: the params that a web-hook gives to other systems: codes and numbers, never what somebody wrote freely.
    """

    code: str
    text: Callable[[Params], str]
    url: Callable[[Params], str]
    subject: Callable[[Params], str]
    permission: Permission
    group: Group = OTHER
    weight: Weight = Weight.ORDINARY
    label: str | Promise = ""
    shared: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.label) or self.code


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.code] = kind


def unregister(kind: Kind) -> None:
    """For tests that know a kind of their own."""
    _kinds.pop(kind.code, None)


def known() -> list[Kind]:
    """By group, in the order of their registration within one."""
    groups = list(dict.fromkeys(kind.group.code for kind in _kinds.values()))
    return sorted(_kinds.values(), key=lambda kind: groups.index(kind.group.code))


def get(code: str) -> Kind | None:
    return _kinds.get(code)


def weight_of(code: str) -> Weight:
    """A code that no app knows any more weighs nothing."""
    kind = _kinds.get(code)
    return kind.weight if kind else Weight.ORDINARY


def choosable(held: frozenset[Permission] | None = None) -> dict[Group, list[Kind]]:
    """Groups with something that a person may do without; with `held` only of kinds that these permissions open."""
    found: dict[Group, list[Kind]] = {}
    for kind in known():
        if kind.weight == Weight.ORDINARY and (held is None or kind.permission in held):
            found.setdefault(kind.group, []).append(kind)
    return found


def text_of(row: Notification) -> str:
    """In the active language; a code that no app knows any more stays readable as it is."""
    kind = _kinds.get(row.code)
    return kind.text(row.params) if kind else row.code


def url_of(row: Notification) -> str:
    kind = _kinds.get(row.code)
    return kind.url(row.params) if kind else ""


def subject_of(row: Notification) -> str:
    kind = _kinds.get(row.code)
    return kind.subject(row.params) if kind else row.code


def shared_of(code: str, params: Params) -> dict[str, Any]:
    """Of the params what other systems may be given; nothing of a kind that does not say so."""
    kind = _kinds.get(code)
    return {name: params[name] for name in (kind.shared if kind else ()) if name in params}


def kept_outside(code: str, params: Params) -> dict[str, Any]:
    """The params as they are kept for other systems: a dash for what is not shared."""
    shared = shared_of(code, params)
    return {name: shared.get(name, HIDDEN) for name in params}


def told_outside(code: str, params: Params) -> str:
    """The text for other systems, in the active language: what is not shared is a dash in it."""
    kind = _kinds.get(code)
    return kind.text(kept_outside(code, params)) if kind else code
