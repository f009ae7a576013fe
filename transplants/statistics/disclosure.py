"""Which counts a reader without access to the rows may see: none under 5, and none that subtraction gives back.

A table of fixed strata has, along each axis, categories, perhaps subtotals of some of them (nested strata), and a
total. Every cell of the table of all those nodes is a count that some page or filter may show; whatever one-way,
two-way or nested table is shown is a slice of it, so that one mask serves them all.

A small count is safe when another table of whole numbers of 0 or more agrees with everything that is shown and has
another number there. Such a table is had by moving one patient around a box: +1 and -1 in turn at its corners (one
pair of categories on each axis, or a category alone and its total). We hide each small count and, if need be, the other
counts that such a move changes, choosing the move that costs least. That the move exists is the proof.

Hidden counts must all look alike on the page: to mark which of them are small would give bounds away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Bools, Floats, Ints
from transplants.statistics.errors import StatisticsError

LEAST_SHOWN: Final = 5
_OF_A_TOTAL: Final = 1000.0  # a total is dearer to hide than any cell


@dataclass(frozen=True, eq=False)
class SafeTable:
    """counts: int64, shape (nodes of axis 1, nodes of axis 2, …); the last node of each axis is its total, those
    between categories and total are the subtotals in the order given. hidden: same shape. categories: how many on each
    axis."""

    counts: Ints
    hidden: Bools
    categories: tuple[int, ...]

    def margin(self, axes: Sequence[int]) -> tuple[Ints, Bools]:
        """The table over some axes alone, summed over the others: counts and what is hidden of them."""
        place = tuple(slice(None) if axis in axes else -1 for axis in range(self.counts.ndim))
        return self.counts[place], self.hidden[place]


def suppress(
    counts: npt.ArrayLike,
    *,
    subtotals: Mapping[int, Sequence[Sequence[int]]] | None = None,
    least: int = LEAST_SHOWN,
) -> SafeTable:
    """Hide every count below `least`, 0 included, and what is needed so that none of them can be derived.

    counts: whole numbers, one axis for each stratifier. subtotals: by axis, sets of categories whose sums are shown.
    Deterministic: of moves that cost the same the first is taken. Raises StatisticsError "bad_counts".
    """
    cells = np.asarray(counts)
    if cells.ndim == 0 or cells.size == 0 or cells.dtype.kind not in "iu" or (cells < 0).any():
        raise StatisticsError("bad_counts")
    axes = [_nodes(size, (subtotals or {}).get(axis, ())) for axis, size in enumerate(cells.shape)]
    table = cells.astype(np.int64)
    for axis, nodes in enumerate(axes):
        table = np.moveaxis(np.tensordot(nodes.T.astype(np.int64), table, axes=(1, axis)), 0, axis)
    hidden = table < least
    search = _Search(cells.astype(np.int64), table, axes)
    for place in zip(*np.nonzero(hidden), strict=True):
        hidden |= search.cheapest(tuple(int(p) for p in place), hidden)
    return SafeTable(table, hidden, cells.shape)


def _nodes(size: int, subtotals: Sequence[Sequence[int]]) -> Bools:
    """Which categories each node of an axis holds: shape (categories, nodes)."""
    nodes = np.zeros((size, size + len(subtotals) + 1), dtype=np.bool_)
    nodes[:, :size] = np.eye(size, dtype=np.bool_)
    for place, members in enumerate(subtotals):
        nodes[list(members), size + place] = True
    nodes[:, -1] = True
    return nodes


@dataclass(frozen=True, eq=False)
class _Moves:
    """Options of one axis, q of them: category `there` gives to or takes from category `other` (-1: from nobody, so
    that totals change). changed: which nodes change, shape (q, nodes)."""

    there: Ints
    other: Ints
    changed: Floats


@dataclass(frozen=True, eq=False)
class _Search:
    """cells: counts of categories alone. table: of all nodes. axes: as of _nodes."""

    cells: Ints
    table: Ints
    axes: list[Bools]

    def cheapest(self, place: tuple[int, ...], hidden: Bools) -> Bools:
        """Which counts to hide so that the one at `place` cannot be told; none if it cannot already."""
        moves = [_moves_of(nodes, node) for nodes, node in zip(self.axes, place, strict=True)]
        cost = self._costs(hidden)
        for move in moves:
            # the first axis is consumed and its options come last: after all axes they are in order again
            cost = np.tensordot(cost, move.changed, axes=(0, 1))
        cost[~self._possible(moves)] = np.inf
        # one patient more in a cell and all its totals is always possible, so there is a best one
        best = np.unravel_index(int(cost.argmin()), cost.shape)
        return _all_of([move.changed[option] > 0 for move, option in zip(moves, best, strict=True)])

    def _costs(self, hidden: Bools) -> Floats:
        """Of hiding each count: 0 if it is hidden; else little, more for large counts, much for totals."""
        cost = 1.0 + self.table / (1.0 + float(self.table.max()))
        for axis, nodes in enumerate(self.axes):
            shape = [1] * self.table.ndim
            shape[axis] = -1
            total = (np.arange(nodes.shape[1]) >= nodes.shape[0]).reshape(shape)
            cost = cost * np.where(total, _OF_A_TOTAL, 1.0)
        return np.where(hidden, 0.0, cost)

    def _possible(self, moves: list[_Moves]) -> Bools:
        """Whether a move, or its opposite, leaves no category below 0: shape (options of axis 1, …)."""
        shape = [move.there.size for move in moves]
        least = {1: np.full(shape, np.inf), -1: np.full(shape, np.inf)}
        for corner in product((False, True), repeat=len(moves)):
            counts = self._at_corner(moves, corner)
            sign = -1 if sum(corner) % 2 else 1
            least[sign] = np.minimum(least[sign], counts)
        possible: Bools = (least[-1] >= 1) | (least[1] >= 1)
        return possible

    def _at_corner(self, moves: list[_Moves], corner: tuple[bool, ...]) -> Floats:
        """Counts of the categories at one corner of every box; infinite where the box has no such corner."""
        places = [move.other if far else move.there for move, far in zip(moves, corner, strict=True)]
        there = _all_of([place >= 0 for place in places])
        return np.where(there, self.cells[np.ix_(*places)].astype(np.float64), np.inf)


def _all_of(parts: Sequence[Bools]) -> Bools:
    """Where all hold that stand along the axes, one array for each axis: the outer conjunction."""
    found = np.ones((), dtype=np.bool_)
    for part in parts:
        found = found[..., None] & part
    return found


def _moves_of(nodes: Bools, node: int) -> _Moves:
    """All moves on an axis that change what `node` counts."""
    pairs = list(_pairs(nodes, node))
    there = np.array([pair[0] for pair in pairs], dtype=np.int64)
    other = np.array([pair[1] for pair in pairs], dtype=np.int64)
    changed = nodes[there] ^ np.where(other[:, None] >= 0, nodes[other], False)
    return _Moves(there, other, changed.astype(np.float64))


def _pairs(nodes: Bools, node: int) -> Iterator[tuple[int, int]]:
    inside = np.flatnonzero(nodes[:, node])
    outside = np.flatnonzero(~nodes[:, node])
    for there in inside.tolist():
        for other in outside.tolist():
            yield there, other
        yield there, -1
