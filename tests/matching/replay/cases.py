"""A search to recompute, and what may have happened since."""

from __future__ import annotations

import re
from typing import Any

from django.urls import reverse

import bank.services
from bank.models import CordBloodUnit
from bank.services_import import units_import
from matching import frequency_sets, inventory, predictions, reference, replays, services
from matching.models import SearchReplay, SearchResult, SearchRun
from tests.factories.matching import ACTOR
from tests.factories.stocks import discard

CSV = """unit_no,tnc_e7,cd34_e6,A_1,A_2,B_1,B_2,C_1,C_2,DRB1_1,DRB1_2,DQB1_1,DQB1_2
N-1,190,6.1,11:01,24:02,40:01,46:01,01:02,07:02,09:01,15:01,03:03,06:01
N-2,120,4.1,11:01,24:02,40:01,46:01,,,09:01,15:XX,,
"""
MAC = "LAST UPDATED: 11/20/26\nCODE\tSUBTYPE\n\nAB\t01/03\n"
SET = """A*11:01~C*07:02~B*40:01~DRB1*09:01~DQB1*03:03,0.5
A*24:02~C*01:02~B*46:01~DRB1*15:01~DQB1*06:01,0.3
A*11:02~C*07:02~B*40:01~DRB1*09:01~DQB1*03:03,0.2
"""


def tell(stage: str, share: float) -> None:
    """Nobody listens."""


def again(run: SearchRun) -> SearchRun:
    return SearchRun.objects.with_request().get(pk=run.pk)


def forget_all() -> None:
    """As another process, which has never seen this search."""
    for module in (inventory, reference, frequency_sets, predictions):
        module.forget()


def start(run: SearchRun) -> SearchReplay:
    return services.replay_start(run_id=run.pk, actor=ACTOR)


def done(run: SearchRun) -> SearchReplay:
    """As another process, which has never seen this search."""
    replay = start(run)
    forget_all()
    services.replay_execute(job_id=replay.job_id)
    return SearchReplay.objects.with_run().get(pk=replay.pk)


def page_url(replay: SearchReplay) -> str:
    return reverse("matching:replay-detail", args=[replay.pk])


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def imported(content: str = CSV) -> None:
    report = units_import(
        data=content.encode(),
        file_name="new.csv",
        actor=ACTOR,
        bank_code="OWN",
        declaration="released before",
    )
    assert (report.imported, report.findings) == (2, [])


def moved_on(units: dict[str, CordBloodUnit]) -> None:
    """The inventory of some days later: moved, back, gone, renamed population, new units."""
    for name in ("six", "open"):
        bank.services.unit_hold(unit_id=units[name].pk, actor=ACTOR, reason="r")
    bank.services.unit_unhold(unit_id=units["open"].pk, actor=ACTOR, reason="r")
    discard(units["four"])
    bank.services.unit_population_change(
        unit_id=units["named"].pk, populations="UIG", actor=ACTOR, reason="r"
    )
    imported()


def at(outcome: replays.Outcome) -> list[tuple[str, int | None, str]]:
    return [(one["part"], one["rank"], one["column"]) for one in outcome.differences]


def touch(run: SearchRun, at_rank: int, **values: Any) -> None:
    assert SearchResult.objects.filter(run=run, rank=at_rank).update(**values) == 1
