"""What a reader without row access may see: no cell of fewer than five patients of others, none by subtraction.

Who may read every transplant sees every figure. Everybody else chooses from a fixed family (a group of diseases, the
switch of graft types, one split) and every count of it is judged by the patients of *others*: whoever knows the own
hospital's patients takes them off. docs/adr/0049 says what is a cell and why the family is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from django.http import Http404

from core.models import User
from core.roles import Permission
from hospitals.querysets import hospitals_open_to
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS, GROUPS
from transplants.cohorts.frame import Bools, Floats, Frame
from transplants.cohorts.selecting import core_graft, selected, strata_of
from transplants.statistics.arrays import Ints

FEWEST: Final = 5  # patients of others in a cell that is shown


@dataclass(frozen=True)
class Scope:
    """own: hospitals whose rows the reader sees; None: those of all."""

    own: frozenset[UUID] | None

    @property
    def is_full(self) -> bool:
        return self.own is None

    @property
    def key(self) -> str:
        """Of the cache: readers of the same scope see the same."""
        return "all" if self.own is None else ",".join(sorted(key.hex for key in self.own))


NOBODY: Final = Scope(frozenset())  # the public, and papers that anybody may read
EVERYTHING: Final = Scope(None)


def scope_of(user: User) -> Scope:
    return Scope(hospitals_open_to(user, Permission.TRANSPLANT_VIEW))


def allowed(frame: Frame, cohort: Cohort, scope: Scope) -> Cohort:
    """The cohort, if this reader may choose it. Raises Http404: what is not of the family is not there for him."""
    if scope.own is None:
        return cohort
    if cohort.hospital is not None:
        if cohort.hospital not in scope.own:
            raise Http404
        return cohort  # own rows only: any choice among them is the hospital's own business
    if not cohort.is_plain or (cohort.split and not DIMENSIONS[cohort.split].open):
        raise Http404
    if not Family(frame, scope, cohort.group).offers(combined=cohort.combined):
        raise Http404
    return cohort


class Family:
    """All cohorts of one group of diseases that a reader can choose, with the patients of others in each.

    parts: of the others, bool, shape (n,): single and double grafts, and the rest where the switch may be turned; what
    lies between the switch on and off is a cell too.
    """

    def __init__(self, frame: Frame, scope: Scope, group: str) -> None:
        self.frame, self.group = frame, group
        others = ~frame.rows_of(scope.own or frozenset())
        base = selected(frame, Cohort(group=group, combined=True)).rows & others
        core = base & core_graft(frame.baseline)
        rest = base & ~core
        self.offers_core = fits(int(core.sum()))
        self.offers_switch = self.offers_core and fits(int(rest.sum()))
        self.parts: list[Bools] = [core, rest] if self.offers_switch else [core]

    def offers(self, *, combined: bool) -> bool:
        return self.offers_switch if combined else self.offers_core

    def counts(self, split: str, *tables: Bools) -> Ints:
        """Patients of others by stratum (rows) and part, each crossed with each of `tables`, shape (V, P × tables)."""
        strata = strata_of(self.frame, split)
        width = len(DIMENSIONS[split].values) if split else 1
        cells = [part & table for part in self.parts for table in tables or (np.True_,)]
        columns = [np.bincount(strata[cell], minlength=width)[:width] for cell in cells]
        return np.array(columns, dtype=np.int64).T

    def hidden(self, split: str) -> Bools:
        """Strata that are not shown, bool, shape (V,)."""
        return hidden(self.counts(split))

    def hidden_over_time(self, split: str, time: Floats, grid: Sequence[float], known: Bools) -> Bools:
        """Strata whose numbers at risk are not shown at each time of the grid, shape (T, V); once hidden, for good."""
        found, before = [], self.hidden(split)
        for moment in grid:
            before = hidden(self.counts(split, known & (time >= moment)), before)
            found.append(before)
        return np.array(found).reshape(len(grid), len(before))


def fits(count: int) -> bool:
    return count == 0 or count >= FEWEST


def hidden(counts: Ints, already: Bools | None = None) -> Bools:
    """Rows of a table that must not be shown though its totals are. counts: whole numbers, shape (V, P).

    First every row with a cell of 1 to 4. What is hidden together is the total less what is shown: it too must be 0 or
    at least five in each column, else the smallest shown row that adds to it is hidden as well (and so on).
    """
    small = (counts > 0) & (counts < FEWEST)
    out: Bools = np.asarray(small.any(axis=1), dtype=np.bool_)
    if already is not None:
        out = out | already
    while True:
        together = counts[out].sum(axis=0)
        short = (together > 0) & (together < FEWEST)
        shown = np.flatnonzero(~out & (counts[:, short].sum(axis=1) > 0)) if short.any() else np.zeros(0, int)
        if not shown.size:
            return out
        sizes = counts[shown].sum(axis=1)
        out = out.copy()
        out[shown[int(np.argmin(sizes))]] = True


def groups_offered(frame: Frame, scope: Scope) -> dict[str, bool]:
    """Groups of diseases that a reader may choose, and whether the switch of grafts may be turned for them."""
    if scope.is_full:
        return dict.fromkeys(GROUPS, True)
    families = {group: Family(frame, scope, group) for group in GROUPS}
    return {group: family.offers_switch for group, family in families.items() if family.offers_core}


def steps_kept(events: Ints) -> Ints:
    """Places of a curve at which it may step: each step stands for at least five events of others.

    events: of others, at each time of the curve, shape (K,). What is left at the end does not show. Without it the
    day of a single death could be read off the curve.
    """
    kept, since = [], 0
    for place, count in enumerate(events.tolist()):
        since += count
        if since >= FEWEST:
            kept.append(place)
            since = 0
    return np.array(kept, dtype=np.int64)
