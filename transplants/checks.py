"""The checklist of an order: what has to be so before it goes on, each with what is known and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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


@dataclass(frozen=True)
class Check:
    """One line. code: for programs, never changed; says: what is so, or what is missing and what to do; url: where."""

    code: str
    label: str | StrPromise
    stage: Stage
    outcome: Outcome
    says: str = ""
    url: str = ""

    @property
    def is_passed(self) -> bool:
        return self.outcome == Outcome.PASSED
