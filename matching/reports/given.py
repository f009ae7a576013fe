"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun


@dataclass(frozen=True)
class RuleVerdict:
    """What one rule of the policy says of one unit, in the reader's language. verdict: ok, no, na (cannot tell).

    short: what is wrong if it is not met, in two words; weighs: whether the policy excludes or warns by it.
    """

    code: str
    rule: str
    verdict: Literal["ok", "no", "na"]
    value: str
    threshold: str = ""
    reference: str = ""
    short: str = ""
    weighs: bool = True


@dataclass(frozen=True)
class Given:
    """One report's input.

    results: the units in the order of the page, with their units as they are now. passing: how many results pass the
    filters. order, filters: of the page, in words. evaluation: by whose policy the list is judged, with which weight;
    judged: result -> what was found of it; verdicts: unit -> the same in words, rule by rule.
    """

    run: SearchRun
    evaluation: Evaluation
    judged: Mapping[int, EvaluatedUnit]
    results: Sequence[SearchResult]
    passing: int
    order: str
    filters: Sequence[str]
    made_by: str
    made_at: datetime
    synthetic: bool
    verdicts: Mapping[UUID, Sequence[RuleVerdict]] = field(default_factory=dict)

    @property
    def evaluated(self) -> frozenset[str]:
        """Codes of the rules that were evaluated for every unit of the report."""
        codes = [{one.code for one in self.verdicts.get(result.unit_id, ())} for result in self.results]
        return frozenset(set.intersection(*codes)) if codes else frozenset()
