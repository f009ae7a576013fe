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
class PairUnit:
    """One of two units, in words; doses per kg by the weight of today."""

    id: UUID
    unit_no: str
    rank: int
    classes: str
    tnc: str
    cd34: str
    blood_group: str


@dataclass(frozen=True)
class PairLine:
    """A pair in words. mark: ok, no, na; reasons: rules that it fails or that cannot be told."""

    verdict: str
    mark: str
    reasons: Sequence[str]
    tnc: str
    cd34: str
    each_other: Sequence[str]
    between: str
    units: tuple[PairUnit, PairUnit]


@dataclass(frozen=True)
class PairsGiven:
    """The best pairs of the list. asked: what the policy asks of two; the rest counts what was looked at."""

    lines: Sequence[PairLine]
    asked: Sequence[str]
    notices: Sequence[str]
    units: int
    looked_at: int
    passed: int
    cannot_tell: int
    weight_known: bool


@dataclass(frozen=True)
class Given:
    """One report's input.

    results: the units in the order of the page, with their units as they are now. passing: how many results pass the
    filters. order, filters: of the page, in words. evaluation: by whose policy the list is judged, with which weight;
    judged: result -> what was found of it; verdicts: unit -> the same in words, rule by rule. pairs: None if not asked.
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
    pairs: PairsGiven | None = None

    @property
    def evaluated(self) -> frozenset[str]:
        """Codes of the rules that were evaluated for every unit of the report."""
        codes = [{one.code for one in self.verdicts.get(result.unit_id, ())} for result in self.results]
        found = set.intersection(*codes) if codes else set()
        return frozenset(found | {"pairs"} if self.pairs is not None and self.pairs.weight_known else found)
