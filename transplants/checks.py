"""The checklist of an order: what has to be so before it goes on, each with what is known and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.errors import Conflict

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"  # not yet known or not yet done


class Stage(StrEnum):
    """Which step a check keeps from going on."""

    APPROVE = "approve"
    RELEASE = "release"
    DISPATCH = "dispatch"  # asked of a released order only


@dataclass(frozen=True)
class Check:
    """One line. code: for programs, never changed; says: what is so, or what is missing and what to do; url: where.

    found: what keeps it from passing, each as a text that no language changes and that any other value changes: what
    somebody goes over in one release is excused for this, and for nothing that comes after it.
    """

    code: str
    label: str | StrPromise
    stage: Stage
    outcome: Outcome
    says: str = ""
    url: str = ""
    found: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        return self.outcome == Outcome.PASSED


def refusal(code: str, text: str | StrPromise, checks: Sequence[Check]) -> Conflict:
    """A step that these keep back. text: with %(names)s; the details name each with what is known of it."""
    return Conflict(
        code,
        text,
        params={"names": ", ".join(str(one.label) for one in checks)},
        details=[
            {"code": one.code, "outcome": str(one.outcome), "text": f"{one.label}: {one.says}"}
            for one in checks
        ],
    )
