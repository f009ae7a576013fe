#!/usr/bin/env python3
"""Choosing from a list of 5,000 units: judging it, showing it, ordering it. `python benchmarks/choosing.py`

A bank of its own with synthetic units and antibodies; medians over several runs, and each figure as a ratio to reading
the plain page of one request in the same process, so that a slow machine can be told from a slow program.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from system import real_system  # noqa: E402

RUNS = 9
LISTED = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    chosen = parser.parse_args()
    with real_system("choosing"):
        import world_bank

        from config.warming import COLLECT_AFTER

        gc.set_threshold(*COLLECT_AFTER)  # as a web process has it (config.wsgi)

        world_bank.make_bank(chosen.units, chosen.data, "")
        show(measured(world_bank.make_patients(1).rows[0]))


def measured(patient: Any) -> dict[str, float]:
    """Seconds by what was done."""
    from django.test import Client
    from django.urls import reverse

    from core.audit import Actor
    from matching import services
    from matching.models import Evaluation, SearchRun

    actor = Actor.system("benchmark")
    sensitise(patient)
    data = services.RequestData(floors={"antigen6": 2}, kept_at_most=LISTED)
    request = services.request_create(patient=patient, data=data, actor=actor)
    run = services.request_submit(request_id=request.pk, actor=actor)
    services.run_execute(job_id=run.job_id)
    run = SearchRun.objects.with_request().get(pk=run.pk)
    print(f"{run.kept:,} of {run.candidates:,} candidates are listed")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(coordinator())

    def judge() -> None:
        Evaluation.objects.filter(run=run).update(digest="old")
        services.evaluation_of(run=run, policy=run.policy)

    def page(query: str = "") -> Callable[[], None]:
        address = reverse("matching:run-detail", args=[run.pk]) + query

        def read() -> None:
            answer = client.get(address)
            assert answer.status_code == 200, answer.status_code

        return read

    def file() -> None:
        answer = client.get(reverse("matching:run-export", args=[run.pk]))
        assert sum(1 for _ in answer.streaming_content) > run.kept

    def plain() -> None:
        answer = client.get(reverse("matching:request-detail", args=[request.pk]))
        assert answer.status_code == 200, answer.status_code

    return {
        "a plain page (the request)": median(plain),
        "judging the list": median(judge),
        "the list, 50 rows": median(page()),
        "the list, 250 rows": median(page("?per_page=250")),
        "excluded units": median(page("?show=excluded")),
        "by quality, blood group, CD34": median(page("?sort=quality,abo,cd34&show=all")),
        "last page": median(page("?show=all&page=9999")),
        "the whole list as CSV": median(file, 3),
    }


def sensitise(patient: Any) -> None:
    """Thirty antibodies, as of a highly sensitised patient; half of them below the limit."""
    from django.utils import timezone

    from core.audit import Actor
    from hospitals.data import BeadData, SerumData
    from hospitals.services_antibodies import serum_record

    names = [f"A{n}" for n in (1, 2, 3, 11, 24, 26, 29, 30, 31, 33)]
    names += [f"B{n}" for n in (7, 8, 13, 27, 35, 38, 39, 46, 48, 51, 54, 58, 60, 61, 62)]
    names += ["Cw1", "Cw7", "DR7", "DQA1*05:01, DQB1*02:01", "DP1"][:4]
    beads = tuple(BeadData(written=name, mfi=400 + 150 * place) for place, name in enumerate(names))
    serum = SerumData(sampled_on=timezone.localdate(), method="single_antigen", beads=beads)
    serum_record(patient_id=patient.pk, serum=serum, by=Actor.system("benchmark"))


def coordinator() -> Any:
    """One of the bank, who sees every request."""
    from core.models import User
    from core.roles import Role

    return User.objects.filter(role_grants__role=Role.SEARCH_COORDINATOR).first()


def median(work: Callable[[], None], runs: int = RUNS) -> float:
    work()
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def show(seconds: dict[str, float]) -> None:
    base = next(iter(seconds.values()))
    print(f"\n{'':36} {'ms':>8} {'ratio':>7}")
    for name, value in seconds.items():
        print(f"{name:36} {value * 1000:8.0f} {value / base:7.1f}")


if __name__ == "__main__":
    main()
