"""The funnel, the sites and the reasons from groups of counted units. Pure: counts in, figures out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bank.choices_yield import Fate, Stage


@dataclass(frozen=True)
class Group:
    """n units of one site that came as far as `stage`, with one fate and one reason ("" unless discarded)."""

    stage: Stage
    fate: Fate
    reason: str
    site: str
    n: int


@dataclass(frozen=True)
class Step:
    """One stage: how many came so far or further; of those that came no further, what they do.

    reached = reached of the next step + lost + research + open (+ untold, at the first step only).
    """

    stage: Stage
    reached: int
    lost: int
    research: int
    open: int


@dataclass(frozen=True)
class Funnel:
    """untold: discarded units of which it is not known how far they came; they count as collected only."""

    steps: tuple[Step, ...]
    untold: int

    @property
    def collected(self) -> int:
        return self.steps[0].reached

    def step(self, stage: Stage) -> Step:
        return self.steps[stage - Stage.COLLECTED]


def funnel(groups: Iterable[Group]) -> Funnel:
    here: Counter[tuple[Stage, Fate]] = Counter()
    for one in groups:
        here[one.stage, one.fate] += one.n
    steps: list[Step] = []
    further = 0
    for stage in reversed(Stage):
        further += sum(here[stage, fate] for fate in Fate)
        lost, research, is_open = (here[stage, fate] for fate in (Fate.LOST, Fate.RESEARCH, Fate.OPEN))
        steps.append(Step(stage, further, lost, research, is_open))
    return Funnel(tuple(reversed(steps)), sum(here[stage, Fate.UNTOLD] for stage in Stage))


def by_site(groups: Sequence[Group]) -> list[tuple[str, Funnel]]:
    """Each site of collection, the one with most units first."""
    kept: dict[str, list[Group]] = {}
    for one in groups:
        kept.setdefault(one.site, []).append(one)
    found = [(site, funnel(ones)) for site, ones in kept.items()]
    return sorted(found, key=lambda pair: (-pair[1].collected, pair[0]))


def reasons(groups: Iterable[Group]) -> list[tuple[str, int]]:
    """Of the discarded units, the most frequent reason first."""
    found: Counter[str] = Counter()
    for one in groups:
        if one.fate in (Fate.LOST, Fate.UNTOLD):
            found[one.reason] += one.n
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
