from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from bank.models import CordBloodUnit
from matching.choices import Verdict
from matching.models import SearchRun
from matching.predictions import Json
from matching.replays import NO_DIGESTS, NO_PROBABILITIES, OTHER_ENGINE, Outcome, recomputed
from matching.replays_today import with_todays_data

EXIT = {Verdict.IDENTICAL: 0, Verdict.DIFFERENT: 1, Verdict.IMPOSSIBLE: 2}


class Command(BaseCommand):
    help = (
        "Recompute a finished search from what it was made of, compare it with all that is stored, and say what "
        "today's data would change. Writes nothing. Exit status: 0 identical, 1 different, 2 it cannot be recomputed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", help="id of the search, or number of the request / number of the search")
        parser.add_argument("--no-today", action="store_true", help="do not search with today's data as well")

    def handle(self, *args: Any, run: str, no_today: bool, **options: Any) -> None:
        found = _run(run)
        self.stdout.write(_heading(found))
        outcome = recomputed(found, _silent)
        for line in _verdict(found, outcome):
            self.stdout.write(line)
        if not no_today:
            for line in _today(with_todays_data(found, _silent)):
                self.stdout.write(line)
        if outcome.verdict is None or EXIT[outcome.verdict]:
            sys.exit(EXIT[outcome.verdict or Verdict.IMPOSSIBLE])


def _silent(stage: str, share: float) -> None:
    """The command says what came out, not how far it is."""


def _run(text: str) -> SearchRun:
    runs = SearchRun.objects.with_request()
    number, _, run_no = text.partition("/")
    if run_no.strip().isdecimal():
        found = runs.filter(request__number=number.strip().upper(), run_no=int(run_no)).first()
    else:
        found = None
        with suppress(ValidationError):  # neither a number nor an id
            found = runs.filter(pk=text).first()
    if found is None:
        raise CommandError(f"There is no search {text}.", returncode=2)
    if not found.is_finished:
        raise CommandError(
            f"The search {text} has not finished; there is nothing to recompute.", returncode=2
        )
    return found


def _heading(run: SearchRun) -> str:
    return (
        f"{run.label} of {run.completed_at:%Y-%m-%d %H:%M} UTC: inventory as of change "
        f"{run.ledger_number}, nomenclature {run.release}, MAC table {run.mac_version}, policy {run.policy_label}, "
        f"engine {run.engine_version}"
    )


def _verdict(run: SearchRun, outcome: Outcome) -> list[str]:
    if OTHER_ENGINE in outcome.remarks:
        made, again = run.engine_version, outcome.engine
        lines = [f"Made by engine {made}, recomputed by engine {again}."]
    else:
        lines = []
    if NO_PROBABILITIES in outcome.remarks:
        lines.append("The search stored no probabilities; of these there is nothing to compare.")
    if NO_DIGESTS in outcome.remarks:
        lines.append("The ledger has no digests of its patient and list to hold them against.")
    if outcome.verdict == Verdict.IMPOSSIBLE:
        return [*lines, f"CANNOT BE RECOMPUTED: {outcome.reason['text']}"]
    looked_at = "{figures} figures and {rows:,} rows of {columns} columns".format(**outcome.compared)
    if outcome.verdict == Verdict.IDENTICAL:
        return [*lines, f"IDENTICAL: all {looked_at} are what is stored."]
    lines.append(f"DIFFERENT: of {looked_at}, {outcome.difference_count:,} values are not what is stored.")
    lines += [f"  {_difference(one)}" for one in outcome.differences]
    left = (outcome.difference_count or 0) - len(outcome.differences)
    return [*lines, f"  and {left:,} more"] if left else lines


def _difference(one: Json) -> str:
    where = {"rows": f"rank {one['rank']}, {one['column']}", "ledger": f"ledger, {one['column']}"}
    again = "in the ledger" if one["part"] == "ledger" else "recomputed"
    return f"{where.get(one['part'], one['column'])}: stored {one['stored']}, {again} {one['recomputed']}"


def _today(today: Json) -> list[str]:
    if "reason" in today:
        return [f"With today's data this search cannot be made: {today['reason']['text']}"]
    lines = [
        f"With today's data (change {today['ledger_number']}, nomenclature {today['release']}): {today['new']:,} new "
        f"units, {today['gone']:,} gone, {today['changed']:,} changed, "
        f"{today['shifted']:,} only shifted by others, {today['same']:,} the same."
    ]
    numbers = dict(
        CordBloodUnit.objects.filter(pk__in=[one["unit"] for one in today["listed"]]).values_list(
            "pk", "unit_no"
        )
    )
    lines += [
        f"  {numbers[UUID(one['unit'])]} {', '.join(one['changes'])}: {_sides(one)}"
        for one in today["listed"]
    ]
    left = today["new"] + today["gone"] + today["changed"] - len(today["listed"])
    return [*lines, f"  and {left:,} more"] if left else lines


def _sides(one: Json) -> str:
    return " -> ".join(_side(one[side]) for side in ("then", "now"))


def _side(side: Json | None) -> str:
    if side is None:
        return "not listed"
    classes = ", ".join(f"{name} {low}-{high}" for name, (low, high) in side["classes"].items())
    return f"rank {side['rank']}, {side['status']}, {classes}"
