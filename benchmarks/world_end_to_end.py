"""Searches as people make them: the form posted over HTTP, Celery, PostgreSQL, results stored and visible.

The clock runs from the moment the form is sent until another connection sees the finished search, looked for every
five milliseconds, and by the server's own `completed_at`. The first byte of the result page is timed apart.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from world_bank import Patients
from world_http import TOKEN, Person

LOOK_EVERY_S = 0.005
PATIENCE_S = 180
START_PATIENCE_S = 600  # the worker's own start: on a new machine it compiles the loops of prediction
WARM_UP = 8  # searches at once, so that every process of the worker has had its first
OTHER_SEARCHES = 20
AT_ONCE, THREADS = 50, 10
# "default": the form as it stands, with its floor and dose. "full": down to 3/6 and without a dose, so that the
# thousand best are stored also by a small bank; this is what the figures of the issue are about.
MODES: Mapping[str, Mapping[str, list[str]]] = {
    "default": {},
    "full": {
        "floor_antigen6": ["3"],
        "floor_allele6": [""],
        "floor_allele8": [""],
        "floor_allele10": [""],
        "min_tnc_e7_per_kg": [""],
    },
}


class Failed(Exception):
    """A search failed, was lost, lacks something or takes too long; the text says what."""


@dataclass(frozen=True)
class Timed:
    """One search; milliseconds after the form was sent. visible: to another connection; completed: as stored."""

    style: str
    visible: float
    completed: float
    answered: float
    waited: float
    page_first_byte: float
    kept: int
    candidates: int
    stages: Mapping[str, float]


def coordinator(address: tuple[str, int]) -> Person:
    """The hospital's coordinator of the demonstration, signed in."""
    from config.demo import read_logins
    from core.roles import Role

    login = read_logins()[Role.HOSPITAL_COORDINATOR]
    person = Person(address)
    person.sign_in(login.email, login.password)
    return person


def impute_beforehand() -> float:
    """What beat has done every minute in a bank that lives; else its first round would run beside the searches."""
    from matching.models import InventoryImputation
    from matching.services import imputation_refresh

    started = time.perf_counter()
    count = imputation_refresh()
    seconds = time.perf_counter() - started
    print(
        f"inventory imputed beforehand: {count:,} distinct typings in {seconds:.1f} s; units by what it rests on:"
    )
    for row in InventoryImputation.objects.order_by("-units"):
        print(f"  {row.populations or 'population not known'}: {row.units_by_basis}")
    return seconds


def figures(person: Person, patients: Patients, searches: int, name: str, into: dict[str, Any]) -> None:
    """Both modes, each patient in turn; the headline is that of full lists."""
    first = one_search(person, patients, 0, MODES["default"], START_PATIENCE_S)
    into[f"end_to_end_{name}_first_ms"] = first.visible
    print(f"first search, the worker's start included: {first.visible:.0f} ms")
    at_once(person, patients, WARM_UP)
    for mode, changed in MODES.items():
        times = [one_search(person, patients, at % len(patients.rows), changed) for at in range(searches)]
        into |= _figures(times, f"end_to_end_{name}", "" if mode == "full" else f"_{mode}")
        _print(mode, times)


def with_other_set(person: Person, patients: Patients, name: str) -> dict[str, float]:
    """Full lists with the frequency set now in use, which explains a third of the units only in parts."""
    at_once(person, patients, WARM_UP)
    times = [one_search(person, patients, at, MODES["full"]) for at in range(OTHER_SEARCHES)]
    _print("full, other set", times)
    return _figures(times, f"end_to_end_other_set_{name}", "")


def one_search(
    person: Person,
    patients: Patients,
    at: int,
    changed: Mapping[str, list[str]],
    patience_s: float = PATIENCE_S,
) -> Timed:
    """A new request of this patient, submitted with its form; returns when its results can be seen."""
    patient = patients.rows[at]
    path = f"/requests/new/?patient={patient.pk}"
    fields = {**person.form(path, "loci"), **changed, "search": ["1"]}
    started = time.perf_counter()
    answer = person.post(path, fields)
    run = _run_of(answer)
    _seen([run], patience_s)
    visible = time.perf_counter() - started
    page = person.get(f"/requests/searches/{run}/")
    if page.status != 200:
        raise Failed(f"the page of search {run} answers {page.status}")
    return _timed(run, answer, visible, page.first_byte_s, patients.styles[at])


def _run_of(answer: Any) -> UUID:
    """A submitted form leads to the progress of its search."""
    parts = answer.location.strip("/").split("/")
    if answer.status != 302 or "searches" not in parts:
        raise Failed(f"the form was not accepted: {answer.status} {answer.location}\n{answer.text[:2000]}")
    return UUID(parts[parts.index("searches") + 1])


def _seen(runs: Sequence[UUID], patience_s: float = PATIENCE_S) -> None:
    """Wait until all are done. Ends the program where one failed, is lost, or takes too long."""
    from core.models import Job
    from matching.models import SearchRun

    limit = time.monotonic() + patience_s
    while True:
        states = list(SearchRun.objects.filter(pk__in=runs).values_list("job__state", "completed_at"))
        bad = [state for state, _ in states if state in (Job.State.FAILED, Job.State.CANCELLED)]
        if bad or len(states) < len(runs):
            errors = SearchRun.objects.filter(pk__in=runs).exclude(job__error="")
            raise Failed(f"searches failed: {bad} {list(errors.values_list('job__error', flat=True))[:3]}")
        if all(state == Job.State.DONE and completed for state, completed in states):
            return
        if time.monotonic() > limit:
            raise Failed(
                f"waited {patience_s:g} s for {len(runs)} searches: {[state for state, _ in states]}"
            )
        time.sleep(LOOK_EVERY_S)


def _timed(run_id: UUID, answer: Any, visible: float, page_first_byte: float, style: str) -> Timed:
    from matching.models import SearchRun

    run = SearchRun.objects.select_related("job").get(pk=run_id)
    if run.results.count() != run.kept:
        raise Failed(
            f"search {run_id} says that {run.kept} results are kept; {run.results.count()} are stored"
        )
    if "error" in run.prediction or not run.prediction.get("sets"):
        raise Failed(f"search {run_id} has no probabilities: {run.prediction}")
    return Timed(
        style=style,
        visible=1000 * visible,
        completed=1000 * (run.completed_at.timestamp() - answer.sent),
        answered=1000 * answer.whole_s,
        waited=1000 * (run.job.started_at - run.job.created_at).total_seconds(),
        page_first_byte=1000 * page_first_byte,
        kept=run.kept,
        candidates=run.candidates,
        stages={name: 1000 * seconds for name, seconds in run.timings.items()},
    )


def _figures(times: Sequence[Timed], name: str, suffix: str) -> dict[str, float]:
    visible = [one.visible for one in times]
    found = {
        f"{name}_ms_median{suffix}": statistics.median(visible),
        f"{name}_ms_p95{suffix}": statistics.quantiles(visible, n=20)[-1],
        f"{name}_ms_max{suffix}": max(visible),
    }
    for what in ("completed", "answered", "waited", "page_first_byte", "kept", "candidates"):
        found[f"{name}_{what}_median{suffix}"] = statistics.median(getattr(one, what) for one in times)
    for stage in times[-1].stages:
        found[f"{name}_stage_{stage}_ms_median{suffix}"] = statistics.median(
            one.stages.get(stage, 0.0) for one in times
        )
    return found


def _print(mode: str, times: Sequence[Timed]) -> None:
    def middle(what: str) -> float:
        return statistics.median(getattr(one, what) for one in times)

    visible = sorted(one.visible for one in times)
    stages = ", ".join(
        f"{stage} {statistics.median(one.stages.get(stage, 0.0) for one in times):.0f}"
        for stage in times[-1].stages
    )
    print(
        f"{len(times)} searches, {mode} form: median {statistics.median(visible):.0f} ms, "
        f"p95 {statistics.quantiles(visible, n=20)[-1]:.0f}, max {visible[-1]:.0f} "
        f"(by completed_at {middle('completed'):.0f}); kept {middle('kept'):,.0f} of {middle('candidates'):,.0f}\n"
        f"  form answered {middle('answered'):.0f} ms, waited for a worker {middle('waited'):.0f}; "
        f"stages in the worker, ms: {stages}; first byte of the result page {middle('page_first_byte'):.0f}"
    )
    for style in sorted({one.style for one in times}):
        mine = [one for one in times if one.style == style]
        slowest = max(mine, key=lambda one: one.visible)
        stage = max(slowest.stages, key=lambda name: slowest.stages[name])
        print(
            f"  {style} ({len(mine)}): median {statistics.median(one.visible for one in mine):.0f} ms, slowest "
            f"{slowest.visible:.0f}, most of it {stage} {slowest.stages[stage]:.0f}"
        )


def at_once(person: Person, patients: Patients, count: int) -> float:
    """Drafts of different patients, submitted by several threads at once; seconds until all are done.

    Ends the program where a search is lost, failed, or lacks results.
    """
    from matching.models import SearchRun

    paths = [f"/requests/{pk}/submit/" for pk in _drafts(patients.rows, count)]
    token = person.form(f"/requests/new/?patient={patients.rows[0].pk}", TOKEN)[TOKEN]
    gate = threading.Barrier(min(THREADS, count) + 1)

    def submit(mine: Sequence[str]) -> list[UUID]:
        gate.wait()
        return [_run_of(person.post(path, {TOKEN: token})) for path in mine]

    with ThreadPoolExecutor(max_workers=gate.parties - 1) as pool:
        parts = [paths[at :: gate.parties - 1] for at in range(gate.parties - 1)]
        waiting = [pool.submit(submit, part) for part in parts]
        gate.wait()
        started = time.perf_counter()
        runs = [run for one in waiting for run in one.result()]
    _seen(runs)
    seconds = time.perf_counter() - started
    stored = SearchRun.objects.filter(pk__in=runs)
    wrong = [run.pk for run in stored if run.results.count() != run.kept]
    if len(set(runs)) != count or stored.count() != count or wrong:
        raise Failed(
            f"{count} submitted, {len(set(runs))} started, {len(wrong)} with other results than they say"
        )
    return seconds


def _drafts(patients: Sequence[Any], count: int) -> list[UUID]:
    from core.audit import Actor
    from matching import services

    actor = Actor.system("benchmark")
    return [
        services.request_create(
            patient=patients[at % len(patients)], data=services.RequestData(), actor=actor
        ).pk
        for at in range(count)
    ]


def concurrent(person: Person, patients: Patients) -> dict[str, float]:
    """Fifty at once, none lost."""
    from matching.models import SearchRun

    seconds = at_once(person, patients, AT_ONCE)
    newest = SearchRun.objects.order_by("-created_at").values_list("created_at", "completed_at")[:AT_ONCE]
    waits = [(completed - created).total_seconds() for created, completed in newest]
    print(
        f"{AT_ONCE} searches at once from {THREADS} threads: all stored after {seconds:.2f} s, none lost or failed; "
        f"the median of them after {statistics.median(waits):.2f} s, the last after {max(waits):.2f}"
    )
    return {
        "concurrent_50_s": seconds,
        "concurrent_50_median_s": statistics.median(waits),
    }
