"""Simulated patients searched in a snapshot, many one after another: each distinct typing is scored once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.typing import parse_pair
from matching.engine import scan
from matching.engine.book import NOT_TYPED
from matching.engine.columns import CORD, Pair
from matching.engine.planning_plan import GRID, LOWEST
from matching.engine.policy import Policy
from matching.engine.search import Criteria, typing_bytes
from matching.engine.snapshot import Snapshot

Array = NDArray[Any]

# Where alleles match, their antigens do: a unit with two mismatches in any class has at most two in this one.
FLOORS: Final = {"antigen6": LOWEST["antigen6"]}
KEPT_BYTES: Final = 200_000_000  # of scores


@dataclass(frozen=True)
class Candidates:
    """Units with at most two mismatches in some class. rows: int64 (k,), of the snapshot; packed: uint32 (k,), their
    words (scan_kernels); cells: int32 (k,), in 10⁴."""

    rows: NDArray[np.int64]
    packed: NDArray[np.uint32]
    cells: NDArray[np.int32]


def considered(snapshot: Snapshot, statuses: frozenset[str], policy: Policy) -> tuple[NDArray[np.int64], int]:
    """Rows that a search considers, of these states and typed where they must be, and how many are not typed there."""
    rows = snapshot.rows((CORD,))
    wanted = np.array([name in statuses for name in snapshot.vocabulary["status"]], dtype=np.bool_)
    rows = rows[wanted[snapshot.word_codes("status", rows)]]
    typed = np.ones(len(rows), dtype=np.bool_)
    for locus in policy.required_loci:
        typed &= snapshot.books[locus].marks()[snapshot.codes(locus, rows)] & NOT_TYPED == 0
    return rows[typed], int((~typed).sum())


class Matcher:
    """A snapshot as patients typed at some loci see it, one after another. Not for two threads at once."""

    def __init__(
        self,
        snapshot: Snapshot,
        loci: tuple[str, ...],
        policy: Policy,
        statuses: frozenset[str] | None = None,
    ) -> None:
        self.snapshot, self.loci, self.policy = snapshot, loci, policy
        self.criteria = Criteria(loci=loci, floors=FLOORS, statuses=statuses)
        self.classes = self.criteria.classes
        self.floors = np.array([GRID[name] for name in self.classes], dtype=np.int64)
        self._scores: OrderedDict[tuple[str, Pair], NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._marks = {locus: snapshot.books[locus].marks() for locus in SEARCH_LOCI if locus not in loci}

    def candidates(self, patient: Mapping[str, Pair]) -> Candidates:
        """Those of one patient: his two alleles at each of the loci."""
        scored = {locus: self._scored(locus, patient[locus]) for locus in self.loci}
        return self._found({**self._marks, **scored})

    def _found(self, typings: Mapping[str, NDArray[np.uint8]]) -> Candidates:
        parts = scan.filtered(self.snapshot, self._question(typings))
        rows = [part.found.astype(np.int64) + part.offset for part in parts]
        cells = [part.block.numbers["tnc_e4"][part.found] for part in parts]
        return Candidates(
            np.concatenate(rows), np.concatenate([part.packed for part in parts]), np.concatenate(cells)
        )

    def numbers(self) -> NDArray[np.int64]:
        """Of units made by Population.units the number of each row: int64 (rows,)."""
        ids = np.ascontiguousarray(self.snapshot.base.unit_ids[:, 8:])
        return ids.view(">u8").reshape(-1).astype(np.int64)

    def _question(self, typings: Mapping[str, NDArray[np.uint8]]) -> scan.Question:
        return scan.Question(
            typings=typings,
            loci=self.criteria.loci,
            classes=self.classes,
            floors=self.criteria.floors,
            primary=self.policy.primary,
            required_loci=self.policy.required_loci,
            statuses=self.criteria.statuses,
            least_tnc_e4=0,
            limit=0,
        )

    def _scored(self, locus: str, pair: Pair) -> NDArray[np.uint8]:
        """Scores of a pair of alleles against each distinct typing; the least recently asked go when they are many."""
        key = (locus, pair)
        found = self._scores.get(key)
        if found is not None:
            self._scores.move_to_end(key)
            return found
        typing = parse_pair(locus, *pair, self.snapshot.resolver)
        found = self._scores[key] = typing_bytes(typing, self.snapshot, self.criteria, self.policy)
        self._bytes += found.nbytes
        while self._bytes > KEPT_BYTES and len(self._scores) > 1:
            self._bytes -= self._scores.popitem(last=False)[1].nbytes
        return found
