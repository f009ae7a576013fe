"""Random small data sets with many ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from transplants.statistics.data import SurvivalData, survival_data


@dataclass(frozen=True)
class Sample:
    """Columns of one length; entry below time, or None."""

    time: list[float]
    event: list[int]
    group: list[int]
    x: list[float]
    entry: list[float] | None

    @property
    def data(self) -> SurvivalData:
        return survival_data(self.time, self.event, entry=self.entry)

    def permuted(self, order: list[int]) -> Sample:
        pick = lambda column: [column[i] for i in order]  # noqa: E731
        entry = None if self.entry is None else pick(self.entry)
        return Sample(pick(self.time), pick(self.event), pick(self.group), pick(self.x), entry)


@st.composite
def samples(draw: st.DrawFn, *, causes: int = 2, late: bool = False, least: int = 1) -> Sample:
    size = draw(st.integers(least, 30))
    last = draw(st.sampled_from([3, 8, 40]))
    column = lambda low, high: draw(st.lists(st.integers(low, high), min_size=size, max_size=size))  # noqa: E731
    time = [float(t) for t in column(1 if late else 0, last)]
    entry = None
    if late:
        entry = [float(min(e, t - 1)) for e, t in zip(column(0, last), time, strict=True)]
    return Sample(time, column(0, causes), column(1, 3), [float(x) for x in column(-3, 3)], entry)


@st.composite
def orders(draw: st.DrawFn, sample: Sample) -> list[int]:
    return list(draw(st.permutations(range(len(sample.time)))))


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes() and a.shape == b.shape
