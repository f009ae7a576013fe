"""Units that the policy of a request leaves in the list: of a list, or new ones that none holds yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from django.db.models import QuerySet

from matching.engine.selection.evaluate import evaluate
from matching.models import MatchRequest, NewUnitFinding, SearchResult, SearchRun
from matching.selection import facts
from matching.selection.policies import rules_of

T = TypeVar("T")
AT_ONCE: Final = 100  # units judged together: the best eligible one is mostly among the first


class Eligible:
    """By the policy of a request and its patient as he is now. What cannot be told excludes nothing, as in a list."""

    def __init__(self, request: MatchRequest) -> None:
        self.rules = rules_of(request.policy)
        self.known = facts.known_of(request.patient)

    def of_list(self, run: SearchRun, rows: QuerySet[SearchResult]) -> Iterator[SearchResult]:
        """Those of `rows`, results of the list, in their order; only so many are judged as are asked for."""
        hla = facts.hla_of(run, self.known)
        for part in _parts(rows.iterator(chunk_size=AT_ONCE)):
            chosen = SearchResult.objects.filter(pk__in=[row.pk for row in part])
            passed = {
                one.result_id
                for one in facts.listed_units(run, self.known, hla, chosen)
                if not evaluate(self.rules, self.known.facts, one.facts).excluded_by
            }
            yield from (row for row in part if row.pk in passed)

    def of_new(self, last: SearchRun, rows: Iterable[NewUnitFinding]) -> Iterator[NewUnitFinding]:
        """The same of new units since the newest list, `last`."""
        for part in _parts(iter(rows)):
            for row, unit in facts.found_units(last, self.known, part):
                if not evaluate(self.rules, self.known.facts, unit).excluded_by:
                    yield row


def _parts(rows: Iterator[T]) -> Iterator[Sequence[T]]:
    while part := list(islice(rows, AT_ONCE)):
        yield part
