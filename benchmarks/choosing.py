#!/usr/bin/env python3
"""Choosing from a list of 5,000 units: python benchmarks/choosing.py [--units 20000] [--data ../shared/data]

A bank of its own with synthetic units and antibodies. Judging the list, its pages, orders and files, pairs, the preview
of a policy, what two lists tell otherwise, a report. Medians over several runs, and each figure as a ratio to the plain
page of the request in the same process, so that a slow machine can be told from a slow program. Exit status 1 where a
target is missed.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record  # noqa: E402
from system import options, real_system  # noqa: E402

RUNS, RUNS_OF_FILES = 7, 3
LISTED = 5000
PLAIN = "plain_page"  # what the others are compared with
GOALS_S = {"xlsx": 2.0, "pairs": 1.0, "preview": 1.0}


def main() -> int:
    chosen = options(__doc__, units=20_000)
    with real_system("choosing"):
        import world_bank

        from config.warming import COLLECT_AFTER

        gc.set_threshold(*COLLECT_AFTER)  # as a web process has it (config.wsgi)

        world_bank.make_bank(chosen.units, chosen.data, "")
        found = Choosing(world_bank.make_patients(1).rows[0])
        seconds = {name: median(work, runs) for name, (work, runs) in found.works().items()}
    show(seconds)
    record(
        {f"choosing_{name}_ms": value * 1000 for name, value in seconds.items()}
        | {"choosing_listed": float(found.run.kept)},
        part="choosing",
    )
    missed = [name for name, goal in GOALS_S.items() if seconds[name] > goal]
    for name in missed:
        print(f"{name}: {seconds[name]:.2f} s, the goal is {GOALS_S[name]} s.")
    return 1 if missed else 0


class Choosing:
    """Two finished searches of one request of a highly sensitised patient, read by a coordinator of the bank."""

    def __init__(self, patient: Any) -> None:
        from django.test import Client

        from core.audit import Actor
        from matching import services

        self.services, self.actor = services, Actor.system("benchmark")
        sensitise(patient)
        data = services.RequestData(floors={"antigen6": 2}, kept_at_most=LISTED)
        self.request = services.request_create(patient=patient, data=data, actor=self.actor)
        self.earlier = self.searched(services.request_submit(request_id=self.request.pk, actor=self.actor))
        self.run = self.searched(services.run_repeat(request_id=self.request.pk, actor=self.actor))
        print(f"{self.run.kept:,} of {self.run.candidates:,} candidates are listed")
        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.force_login(coordinator())
        self.evaluation()

    def searched(self, started: Any) -> Any:
        from matching.models import SearchRun

        self.services.run_execute(job_id=started.job_id)
        return SearchRun.objects.with_request().get(pk=started.pk)

    def evaluation(self) -> Any:
        return self.services.evaluation_of(run=self.run, policy=self.run.policy)

    def works(self) -> dict[str, tuple[Callable[[], Any], int]]:
        """What is measured, and how often."""
        every = "?show=all"
        return {
            PLAIN: (self.page("request-detail", pk=self.request.pk), RUNS),
            "judging": (self.judge, RUNS),
            "list_eligible": (self.page("run-detail"), RUNS),  # the antibodies leave few
            "list_50": (self.page("run-detail", every), RUNS),
            "list_250": (self.page("run-detail", f"{every}&per_page=250"), RUNS),
            "list_excluded": (self.page("run-detail", "?show=excluded"), RUNS),
            "list_last_page": (self.page("run-detail", f"{every}&page=9999"), RUNS),
            "list_by_quality": (self.page("run-detail", f"{every}&sort=quality"), RUNS),
            "list_by_abo": (self.page("run-detail", f"{every}&sort=abo"), RUNS),
            "list_by_cd34": (self.page("run-detail", f"{every}&sort=cd34"), RUNS),
            "csv": (self.page("run-export"), RUNS_OF_FILES),
            "xlsx": (self.page("run-export-xlsx"), RUNS_OF_FILES),
            "pairs": (self.pairs, RUNS_OF_FILES),
            "preview": (self.preview, RUNS_OF_FILES),
            "differences": (self.page("run-changes", f"?against={self.earlier.run_no}"), RUNS),
            "report_10": (self.page("run-report-pdf", "?n=10&lang=en"), RUNS_OF_FILES),
        }

    def page(self, name: str, query: str = "", *, pk: Any = None) -> Callable[[], None]:
        from django.urls import reverse

        address = reverse(f"matching:{name}", args=[pk or self.run.pk]) + query

        def read() -> None:
            answer = self.client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            assert answer.getvalue()

        return read

    def judge(self) -> None:
        """All units anew, as after a change of any of them."""
        from matching.models import Evaluation

        Evaluation.objects.filter(run=self.run).update(digest="old")
        self.evaluation()

    def pairs(self) -> None:
        """Of the best units, computed, not read from the cache."""
        from django.core.cache import cache

        from matching.selection.pairs import run_pairs

        cache.clear()
        run_pairs(self.run, self.evaluation())

    def preview(self) -> None:
        from matching.selection.policies import rules_of
        from matching.selection.preview import preview

        rules = rules_of(self.run.policy)
        preview(self.run, rules, replace(rules, sort=("class", "cd34")))


def sensitise(patient: Any) -> None:
    """Thirty antibodies, as of a highly sensitised patient; half of them below the limit."""
    from django.utils import timezone

    from core.audit import Actor
    from hospitals.data import BeadData, SerumData
    from hospitals.services_antibodies import serum_record

    names = [f"A{n}" for n in (1, 2, 3, 11, 24, 26, 29, 30, 31, 33)]
    names += [f"B{n}" for n in (7, 8, 13, 27, 35, 38, 39, 46, 48, 51, 54, 58, 60, 61, 62)]
    names += ["Cw1", "Cw7", "DR7", "DQA1*05:01, DQB1*02:01"]
    beads = tuple(BeadData(written=name, mfi=400 + 150 * place) for place, name in enumerate(names))
    serum = SerumData(sampled_on=timezone.localdate(), method="single_antigen", beads=beads)
    serum_record(patient_id=patient.pk, serum=serum, by=Actor.system("benchmark"))


def coordinator() -> Any:
    """One of the bank, who sees every request."""
    from core.models import User
    from core.roles import Role

    return User.objects.filter(role_grants__role=Role.SEARCH_COORDINATOR).first()


def median(work: Callable[[], Any], runs: int) -> float:
    work()
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def show(seconds: dict[str, float]) -> None:
    print(f"\n{'':20} {'ms':>8} {'ratio':>7}")
    for name, value in seconds.items():
        print(f"{name:20} {value * 1000:8.0f} {value / seconds[PLAIN]:7.1f}")


if __name__ == "__main__":
    sys.exit(main())
