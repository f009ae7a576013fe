"""Results are kept until an outcome changes: by version of the data, cohort and scope of the reader.

The number of the version is read with every page, so a form that was handed in changes the next page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import get_language

from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import GROUPS
from transplants.cohorts.disclosure import Scope, allowed, groups_offered
from transplants.cohorts.frame import Frame, current_frame, data_version

KEPT_SECONDS: Final = 24 * 3600
R = TypeVar("R")
T = TypeVar("T")
Compute = Callable[[Frame, Cohort, Scope], R]


def result(kind: str, compute: Compute[R], cohort: Cohort, scope: Scope) -> R:
    """What `compute` finds, from the cache where it has been asked before. Raises Http404 (disclosure.allowed).

    kind: names the computation. Results are free of language.
    """
    version = data_version()
    found = cache.get(_key(kind, version.mark, cohort.query, scope.key)) if version.mark else None
    if found is None:
        frame = current_frame()
        found = compute(frame, allowed(frame, cohort, scope), scope)
        if frame.version.mark:
            cache.set(_key(kind, frame.version.mark, cohort.query, scope.key), found, KEPT_SECONDS)
    return cast(R, found)


def checked(cohort: Cohort, scope: Scope) -> Cohort:
    """disclosure.allowed, where the result itself is shared by readers. Raises Http404."""
    return (
        cohort
        if scope.is_full
        else _kept(f"allowed|{cohort.query}", scope.key, lambda: _allowed(cohort, scope))
    )


def _allowed(cohort: Cohort, scope: Scope) -> Cohort:
    return allowed(current_frame(), cohort, scope)


def offered(scope: Scope) -> dict[str, bool]:
    """disclosure.groups_offered of now."""
    if scope.is_full:
        return dict.fromkeys(GROUPS, True)
    return _kept("offered", scope.key, lambda: groups_offered(current_frame(), scope))


def rendered(kind: str, cohort: Cohort, scope: Scope, render: Callable[[], str]) -> str:
    """Markup made of results, in the language of now."""
    return _kept(f"{kind}|{get_language()}|{cohort.query}", scope.key, render)


def _kept(name: str, scope: str, compute: Callable[[], T]) -> T:
    mark = data_version().mark
    key = _key(name, mark, scope)
    found = cache.get(key) if mark else None
    if found is None:
        found = compute()
        if mark:
            cache.set(key, found, KEPT_SECONDS)
    return cast(T, found)


def _key(*parts: Any) -> str:
    text = "|".join(str(part) for part in (settings.VERSION, *parts))
    return f"outcomes:{hashlib.sha256(text.encode()).hexdigest()}"
