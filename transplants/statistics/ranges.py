"""Rows that count during a stretch of times: sums over rows at each time, and over times for each row.

By a tree of stretches (each node the union of two), so that every sum adds what belongs to it and subtracts nothing: a
difference of running sums would lose all digits to a row of great risk that has not entered yet.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from transplants.statistics.arrays import Floats, Ints, summed


@dataclass(frozen=True, eq=False)
class Ranges:
    """m rows; row i counts at times starts[i] to ends[i] - 1 of 0 to size - 1, at none where ends <= starts."""

    starts: Ints
    ends: Ints
    size: int

    @cached_property
    def _leaves(self) -> int:
        return 1 << max(self.size - 1, 1).bit_length()

    @cached_property
    def _parts(self) -> list[tuple[Ints, Ints]]:
        """Rows and nodes of the tree, so that the nodes of a row are its stretch; O(log size) nodes a row."""
        low, high = self.starts + self._leaves, np.maximum(self.ends, self.starts) + self._leaves
        rows, parts = np.arange(low.size), []
        while (open_rows := low < high).any():
            for takes, nodes in ((open_rows & (low % 2 == 1), low), (open_rows & (high % 2 == 1), high - 1)):
                parts.append((rows[takes], nodes[takes]))
            low, high = (low + 1) // 2, high // 2
        return parts

    def over_rows(self, values: Floats) -> Floats:
        """At each time the sum of values, shape (m,) or (m, p), of the rows that count: shape (size,) or (size, p)."""
        if values.ndim == 2:
            return np.stack([self.over_rows(column) for column in values.T], axis=1)
        tree = np.zeros(2 * self._leaves)
        for rows, nodes in self._parts:
            tree += summed(nodes, values[rows], tree.size)
        width = 2
        while width <= self._leaves:
            tree[width : 2 * width] += np.repeat(tree[width // 2 : width], 2)
            width *= 2
        return tree[self._leaves : self._leaves + self.size]

    def over_times(self, steps: Floats) -> Floats:
        """For each row the sum of steps, shape (size,), over the times at which it counts: shape (m,)."""
        tree = np.zeros(2 * self._leaves)
        tree[self._leaves : self._leaves + self.size] = steps
        width = self._leaves
        while width > 1:
            tree[width // 2 : width] = tree[width : 2 * width : 2] + tree[width + 1 : 2 * width : 2]
            width //= 2
        found = np.zeros(self.starts.size)
        for rows, nodes in self._parts:
            found[rows] += tree[nodes]
        return found
