"""Results are kept until an outcome changes: by version of the data, cohort and scope of the reader.

The number of the version is read with every page, so a form that was handed in changes the next page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from django.conf import settings
from django.core.cache import cache

from transplants.cohorts.definition import Cohort
from transplants.cohorts.disclosure import Scope, allowed
from transplants.cohorts.frame import Frame, current_frame, data_version

KEPT_SECONDS: Final = 24 * 3600
R = TypeVar("R")
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


def _key(*parts: Any) -> str:
    text = "|".join(str(part) for part in (settings.VERSION, *parts))
    return f"outcomes:{hashlib.sha256(text.encode()).hexdigest()}"
