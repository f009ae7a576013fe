"""What other rules would change on a list: judged twice in memory, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bank.models import CordBloodUnit
from matching.choices import CLASS_SIZE
from matching.engine.selection.catalogue import RULES
from matching.engine.selection.evaluate import Evaluated
from matching.engine.selection.rules import SelectionRules
from matching.models import SearchResult, SearchRun
from matching.selection import facts
from matching.selection.facts import ListedUnit
from matching.selection.rows import judged
from matching.standing import band_of

FIRST = 10  # units shown of the new order
SHOWN = 20  # units shown of those that become excluded, or eligible again


@dataclass(frozen=True, slots=True)
class Row:
    """A listed unit with what orders the list and no rule decides."""

    unit: ListedUnit
    rank: int
    share: float | None  # probability of no mismatch, of the size of the class that orders
    cells: tuple[float | None, float | None]  # TNC and CD34 as the search found them


@dataclass(frozen=True, slots=True)
class Moved:
    """A unit whose fate the draft changes. place: among the eligible, before or after; rules: that exclude it."""

    unit: CordBloodUnit
    place: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit at its new place. old_place: None where it was excluded, by `rules`."""

    unit: CordBloodUnit
    place: int
    old_place: int | None
    rules: tuple[str, ...]
    warnings: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Units of which a rule says something, before and after."""

    code: str
    before: int
    after: int


@dataclass(frozen=True)
class Preview:
    """The list by both. excluded, again: the first SHOWN, in the order in which they stood or will stand."""

    units: int
    eligible_before: int
    eligible_after: int
    excluded_count: int
    again_count: int
    excluded: list[Moved]
    again: list[Moved]
    excluding: list[RuleChange]
    warnings: list[RuleChange]
    first: list[Placed]
    moved: int  # of the units eligible by both, those at another place


def preview(
    run: SearchRun,
    before: SelectionRules,
    after: SelectionRules,
    antigen_rules: tuple[str, str] | None = None,
) -> Preview:
    """A finished search by the rules in force and by a draft, with patient and units as they are now.

    antigen_rules: of both; None: those of the search.
    """
    known = facts.known_of(run.request.patient)
    patient = known.facts
    rows = _rows(run, list(facts.listed_units(run, known)))
    units = [row.unit for row in rows]
    old, new = (
        {
            one.unit.result_id: one.evaluated
            for one in judged(rules, patient, facts.as_judged_by(antigen_rule, run, units))
        }
        for rules, antigen_rule in zip(
            (before, after), antigen_rules or (run.policy.antigen_rule,) * 2, strict=True
        )
    )
    weighed = patient.weight_kg is not None
    old_places = places(rows, old, before.sort, run.policy.primary, weighed=weighed)
    new_places = places(rows, new, after.sort, run.policy.primary, weighed=weighed)
    lost = [pk for pk in old_places if pk not in new_places]
    won = [pk for pk in new_places if pk not in old_places]
    first = list(new_places)[:FIRST]
    unit = _units([*lost[:SHOWN], *won[:SHOWN], *first])
    both = [pk for pk in new_places if pk in old_places]
    return Preview(
        units=len(rows),
        eligible_before=len(old_places),
        eligible_after=len(new_places),
        excluded_count=len(lost),
        again_count=len(won),
        excluded=[Moved(unit[pk], old_places[pk], new[pk].excluded_by) for pk in lost[:SHOWN]],
        again=[Moved(unit[pk], new_places[pk], old[pk].excluded_by) for pk in won[:SHOWN]],
        excluding=_changes(old, new, lambda one: one.excluded_by),
        warnings=_changes(old, new, lambda one: one.warnings),
        first=[
            Placed(
                unit[pk], new_places[pk], old_places.get(pk), old[pk].excluded_by, len(new[pk].warnings)
            )
            for pk in first
        ],
        moved=sum(old_places[pk] != new_places[pk] for pk in both),
    )  # fmt: skip


def _rows(run: SearchRun, units: list[ListedUnit]) -> list[Row]:
    share = f"p0_of{CLASS_SIZE[run.policy.primary]}"
    known = {
        pk: rest
        for pk, *rest in run.results.order_by("rank").values_list("pk", "rank", share, "tnc_e7", "cd34_e6")
    }
    return [
        Row(unit, rank, share, (tnc, cd34))
        for unit in units
        for rank, share, tnc, cd34 in [known[unit.result_id]]
    ]


def _units(results: Sequence[int]) -> dict[int, CordBloodUnit]:
    """Only of the units that are shown."""
    found = SearchResult.objects.filter(pk__in=results).select_related("unit").defer("evidence", "prediction")
    return {result.pk: result.unit for result in found}


def _changes(
    old: dict[int, Evaluated], new: dict[int, Evaluated], codes: Callable[[Evaluated], tuple[str, ...]]
) -> list[RuleChange]:
    """The rules of which the number of units differs, in the order of the catalogue."""
    before, after = (Counter(code for one in side.values() for code in codes(one)) for side in (old, new))
    return [RuleChange(code, before[code], after[code]) for code in RULES if before[code] != after[code]]


def places(
    rows: Sequence[Row], found: dict[int, Evaluated], keys: Sequence[str], primary: str, *, weighed: bool
) -> dict[int, int]:
    """Result -> place among the eligible from 1, in order: as match_order.MatchOrder orders the stored rows."""
    by = [_KEYS[key] for key in keys]

    def order(row: Row) -> tuple[Any, ...]:
        one = found[row.unit.result_id]
        return (*(key(row, one, primary, weighed) for key in by), row.rank)

    eligible = [row for row in rows if not found[row.unit.result_id].excluded_by]
    return {row.unit.result_id: place for place, row in enumerate(sorted(eligible, key=order), 1)}


def _most_first(value: float | None) -> tuple[bool, float]:
    """Descending, the unknown last."""
    return (value is None, -(value or 0))


def _dose(place: int, row: Row, weighed: bool) -> tuple[bool, float]:
    facts_ = row.unit.facts
    return _most_first((facts_.tnc_e4, facts_.cd34_e3)[place] if weighed else row.cells[place])


def _newest(day: date | None) -> tuple[bool, int]:
    return (day is None, 0 if day is None else -day.toordinal())


_Key = Callable[[Row, Evaluated, str, bool], Any]
_KEYS: dict[str, _Key] = {
    "class": lambda row, one, primary, weighed: -row.unit.facts.classes[primary][1],
    "probability": lambda row, one, primary, weighed: -band_of(row.share),
    "certain": lambda row, one, primary, weighed: -row.unit.facts.classes[primary][0],
    "tnc": lambda row, one, primary, weighed: _dose(0, row, weighed),
    "cd34": lambda row, one, primary, weighed: _dose(1, row, weighed),
    # rules of cord blood ask nothing of an adult donor: that he fails none of them is no merit
    "quality": lambda row, one, primary, weighed: (row.unit.facts.is_adult, one.quality),
    "warnings": lambda row, one, primary, weighed: (
        row.unit.facts.is_adult,
        len(one.warnings) + len(one.excluded_by),
    ),
    "abo": lambda row, one, primary, weighed: one.abo_order,
    "nima": lambda row, one, primary, weighed: _most_first(one.nima),
    "direction": lambda row, one, primary, weighed: one.direction_order,
    "age": lambda row, one, primary, weighed: _newest(row.unit.facts.collected_on),
}
