"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.selection.policies import rules_of


@dataclass(frozen=True)
class RuleVerdict:
    """What one rule of the policy says of one unit, in the reader's language.

    verdict: ok, no, na (cannot tell), none (does not apply).
    short: what is wrong if it is not met, in two words; weighs: whether the policy excludes or warns by it.
    """

    code: str
    rule: str
    verdict: Literal["ok", "no", "na", "none"]
    value: str
    threshold: str = ""
    reference: str = ""
    short: str = ""
    weighs: bool = True


@dataclass(frozen=True)
class PairUnit:
    """One of two units, in words; doses per kg by the weight of today. flags: what became of it, doubtful counts."""

    id: UUID
    unit_no: str
    rank: int
    classes: str
    tnc: str
    cd34: str
    blood_group: str
    flags: Sequence[str] = ()


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


@dataclass(frozen=True, kw_only=True)
class ListPart:
    """What a report shall hold of a list, in the language of the report.

    results: the units in the order of the page, with their units as they are now. passing: how many results pass the
    filters. order, filters: of the page, in words. evaluation: by whose policy the list is judged, with which weight;
    judged: result -> what was found of it; verdicts: unit -> the same in words, rule by rule. pairs: None if not asked;
    beside: the units of these pairs that are not among the results.
    """

    evaluation: Evaluation
    judged: Mapping[int, EvaluatedUnit]
    results: Sequence[SearchResult]
    passing: int
    order: str
    filters: Sequence[str]
    verdicts: Mapping[UUID, Sequence[RuleVerdict]] = field(default_factory=dict)
    pairs: PairsGiven | None = None
    beside: Sequence[SearchResult] = ()

    def as_values(self) -> dict[str, Any]:
        """By name, for what is made of it."""
        return {one.name: getattr(self, one.name) for one in fields(ListPart)}


@dataclass(frozen=True, kw_only=True)
class Given(ListPart):
    """One report's input: the list, and by whom and when it is made."""

    run: SearchRun
    made_by: str
    made_at: datetime
    synthetic: bool

    @property
    def evaluated(self) -> frozenset[str]:
        """Codes of the rules that were evaluated: those of the policy, of a unit that is not on offer only some."""
        judged = {one.code for rows in self.verdicts.values() for one in rows}
        found = judged or {one.code for one in rules_of(self.evaluation.policy).active}
        return frozenset(found | {"pairs"} if self.pairs is not None and self.pairs.weight_known else found)

    @property
    def judged_by_fewer(self) -> Sequence[SearchResult]:
        """Units of which the policy asks less than of others: they are not on offer any more."""
        counts = {
            result: len(self.verdicts.get(result.unit_id, ())) for result in (*self.results, *self.beside)
        }
        most = max(counts.values(), default=0)
        return [result for result, count in counts.items() if count < most]
