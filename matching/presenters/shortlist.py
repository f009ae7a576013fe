"""A patient's shortlist in words: each unit as the newest list has it, what changed since it was picked, its notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse

from core.models import User
from hospitals.models import Patient
from matching import changes
from matching.choices import MOST_SHORTLISTED, choice_text
from matching.engine.selection.rules import SelectionRules
from matching.models import EvaluatedUnit, Evaluation, GraftNote, SearchResult, SearchRun, ShortlistEntry
from matching.presenters import findings, results, run_changes
from matching.selection.policies import rules_of

Evaluate = Callable[[SearchRun], Evaluation]


def page(patient: Patient, user: User, evaluate: Evaluate) -> dict[str, Any]:
    """All that the page of a shortlist shows; the number of queries grows with its lists, not with its units.

    evaluate: the evaluation in force of a list, made where none holds any more.
    """
    entries = list(ShortlistEntry.objects.filter(patient=patient).active().in_order().with_names())
    removed = list(ShortlistEntry.objects.filter(patient=patient).removed().with_names())
    notes: dict[UUID | None, list[GraftNote]] = defaultdict(list)
    for note in GraftNote.objects.filter(patient=patient).select_related("unit"):
        notes[note.unit_id].append(note)
    newest = _newest_lists(entries)
    found = _results(entries, newest)
    judged = _judged(entries, newest, found, evaluate)
    active = {entry.unit_id for entry in entries}
    return {
        "rows": [_row(entry, newest, found, judged, notes[entry.unit_id], user) for entry in entries],
        "removed": removed,
        "notes": notes[None],
        "notes_of_removed": [
            note for unit, those in notes.items() if unit and unit not in active for note in those
        ],
        "places": [(place, choice_text(place)) for place in range(1, max(len(entries), 1) + 1)],
        "most": MOST_SHORTLISTED,
    }


def _newest_lists(entries: Iterable[ShortlistEntry]) -> dict[UUID, SearchRun]:
    """Of each request from which a unit was picked its newest finished search."""
    requests = {entry.run.request_id for entry in entries}
    rows = SearchRun.objects.filter(request__in=requests).newest().with_request()
    return {run.request_id: run for run in rows}


Found = dict[tuple[UUID, UUID], SearchResult]


def _results(entries: Sequence[ShortlistEntry], newest: dict[UUID, SearchRun]) -> Found:
    """Run and unit -> what the list says of it, for the lists picked from and the newest ones."""
    runs = {run.pk: run for run in newest.values()} | {entry.run_id: entry.run for entry in entries}
    units = [entry.unit_id for entry in entries]
    rows = SearchResult.objects.filter(run__in=list(runs), unit__in=units).select_related("unit__bank")
    return {(row.run_id, row.unit_id): row for row in rows}


Judged = dict[int, tuple[SelectionRules, EvaluatedUnit]]


def _judged(
    entries: Sequence[ShortlistEntry], newest: dict[UUID, SearchRun], found: Found, evaluate: Evaluate
) -> Judged:
    """Result -> the rules and what they found, of every result that the page shows."""
    shown: dict[UUID, tuple[SearchRun, list[SearchResult]]] = {}
    for entry in entries:
        run, result = _shown(entry, newest, found)
        shown.setdefault(run.pk, (run, []))[1].append(result)
    judged: Judged = {}
    for run, of_run in shown.values():
        evaluation = evaluate(run)
        rules = rules_of(evaluation.policy)
        judged |= {pk: (rules, row) for pk, row in findings.of_page(evaluation, of_run).items()}
    return judged


def _shown(
    entry: ShortlistEntry, newest: dict[UUID, SearchRun], found: Found
) -> tuple[SearchRun, SearchResult]:
    """The newest list's row of a unit; where that has none, that of the list from which it was picked."""
    run = newest[entry.run.request_id]
    now = found.get((run.pk, entry.unit_id))
    return (run, now) if now is not None else (entry.run, found[entry.run_id, entry.unit_id])


def _row(
    entry: ShortlistEntry,
    newest: dict[UUID, SearchRun],
    found: Found,
    judged: Judged,
    notes: list[GraftNote],
    user: User,
) -> dict[str, Any]:
    """One unit: as the newest list has it; where that one does not, as the list has it from which it was picked."""
    run = newest[entry.run.request_id]
    now, then = found.get((run.pk, entry.unit_id)), found[entry.run_id, entry.unit_id]
    of_run, shown = _shown(entry, newest, found)
    rules, row = judged[shown.pk]
    return {
        "entry": entry,
        "place": entry.place_text,
        "run": of_run,
        "list_url": reverse("matching:run-detail", args=[of_run.pk]),
        "shown": results.row(of_run, shown, user, rules, row, marks={}),
        "listed": now is not None,
        "gone": _gone(run, then, user) if now is None else None,
        "changes": _since(entry, run, then, now),
        "notes": notes,
        "note_id": uuid4(),
    }


def _gone(run: SearchRun, then: SearchResult, user: User) -> dict[str, str]:
    return run_changes.gone_reason(run, changes.row_of(then), then.unit, user)


def _since(
    entry: ShortlistEntry, run: SearchRun, then: SearchResult, now: SearchResult | None
) -> list[dict[str, str]]:
    """What the newest list says otherwise than the one picked from; the rank by itself is no news."""
    if now is None or run.pk == entry.run_id:
        return []
    old, new = changes.row_of(then), changes.row_of(now)
    kinds = changes.changed_in(old, new) - {changes.Kind.RANK}
    return run_changes.lines(run, changes.Changed(old, new, kinds))
