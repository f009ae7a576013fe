"""The search on real typings, end to end, for docs/validation.md.

    python scripts/validate_search.py [--data ../shared/data] [--patients 1000] [--compared 200]

Loads IPD-IMGT/HLA 3.58.0 and the subset of multiple allele codes, imports the 10,000 WMDA donors (cell counts
invented and marked), creates the WMDA patients through the service, searches every one of them through Celery
with a real worker, and compares stored classes, counts and order of random patients with the plain-Python twin
(tests/matching/twin.py). Exit status 1 if anything differs or a search failed.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

SEED = 20261
FLOORS = {"antigen6": 3}
BANK = "WMDA"


@dataclass
class Comparison:
    """What the twin found different; empty when all is equal."""

    searches: int = 0
    results: int = 0
    candidates: int = 0
    differences: list[str] = field(default_factory=list)


def gl_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(id, GL text) of a file of `wmda/`."""
    for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines():
        key, _, text = line.partition("%")
        yield key, text


def make_bank() -> None:
    from bank.models import Bank

    Bank.objects.create(code=BANK, name="WMDA validation, task 3")


def make_patients(lines: Iterable[tuple[str, str]]) -> list[Any]:
    """One patient a line, through the service, of one hospital."""
    import datetime
    from decimal import Decimal

    from core.audit import Actor
    from core.typings import TypingInput
    from hospitals.data import HospitalData, PatientData, WeightData
    from hospitals.services import hospital_create, patient_create

    actor = Actor.system("validate")
    hospital = hospital_create(
        data=HospitalData(code="WMDA", name="WMDA", city="Leiden", country="NL"), by=actor
    )
    data = PatientData(sex="U", birth_date=datetime.date(1990, 1, 1))
    weight = WeightData(weight_kg=Decimal(60), measured_on=datetime.date(2026, 1, 1))
    return [
        patient_create(
            hospital_id=hospital.pk, data=data, by=actor, weight=weight, typing=TypingInput(gl=text)
        )
        for _, text in lines
    ]


def submit(patients: Iterable[Any]) -> list[Any]:
    from core.audit import Actor
    from matching import services

    actor = Actor.system("validate")
    runs = []
    for patient in patients:
        request = services.request_create(
            patient=patient, data=services.RequestData(floors=FLOORS), actor=actor
        )
        runs.append(services.request_submit(request_id=request.pk, actor=actor))
    return runs


def inventory_rows() -> list[Any]:
    """The units as the database has them, read without the snapshot."""
    from bank.models import CordBloodUnit
    from tests.matching.twin import row_of

    return [row_of(unit) for unit in CordBloodUnit.objects.all()]


def compare(runs: Iterable[Any], rows: list[Any], resolver: Any, *, tell: bool = False) -> Comparison:
    """Stored searches against the twin: counts of all candidates; ids, classes and direction of all kept."""
    from tests.matching.twin import twin_search

    found = Comparison()
    for run in runs:
        known: dict[Any, Any] = {}
        mine = {locus: tuple(pair) for locus, pair in run.patient_typing.items()}
        twin = twin_search(
            mine, rows, resolver, floors=run.criteria["floors"], statuses={"LISTED"}, known=known
        )
        stored = list(run.results.order_by("rank"))
        found.searches += 1
        found.results += len(stored)
        found.candidates += len(twin.order)
        found.differences += differences(run, stored, twin)
        if tell and found.searches % 10 == 0:
            print(f"  {found.searches} compared, {len(found.differences)} differences", flush=True)
    return found


def differences(run: Any, stored: list[Any], twin: Any) -> list[str]:
    """In words, at most one of each sort a search."""
    name = f"{run.request.number}"
    listed = []
    counts = {key: [tuple(row) for row in values] for key, values in run.counts.items()}
    expected = {key: twin.counts(key) for key in counts}
    if counts != expected:
        listed.append(f"{name}: counts {counts}, twin {expected}")
    if run.candidates != len(twin.order) or run.units_unsearchable != twin.not_searchable:
        listed.append(f"{name}: {run.candidates} candidates, twin {len(twin.order)}")
    order = twin.order[: len(stored)]
    if {result.unit_id.bytes for result in stored} != {candidate.row.unit_id for candidate in order}:
        return [*listed, f"{name}: other units are kept"]
    order = twin.banded(len(stored), {result.unit_id.bytes: result.p0_of6 for result in stored})
    if [result.unit_id.bytes for result in stored] != [candidate.row.unit_id for candidate in order]:
        listed.append(f"{name}: the order differs")
    for result, candidate in zip(stored, order, strict=True):
        if result.classes != candidate.classes or result.direction != candidate.direction:
            listed.append(f"{name}: rank {result.rank} {result.classes}, twin {candidate.classes}")
            break
    return listed


def main() -> int:
    from system import manage, options, real_system, worker

    chosen = options(__doc__, patients=1000, compared=200)
    with real_system("validate") as var:
        print(manage("load_hla_release", str(chosen.data / "imgt" / "3580")).strip())
        print(manage("load_mac", str(chosen.data / "mac" / "numer.v3.subset.txt")).strip())
        make_bank()
        print(
            manage(
                "import_units", str(chosen.data / "wmda" / "don.gl.txt.gz"),
                "--bank", BANK, "--invent-counts", "7", "--declare-released", "real typings, to be searched",
            ).strip()
        )  # fmt: skip
        with worker(var):
            runs = search_all(chosen)
        return verdict(runs, chosen.compared)


def search_all(options: argparse.Namespace) -> list[Any]:
    from system import wait_for

    from core.models import Job

    lines = list(gl_lines(options.data / "wmda" / "pat.gl.txt.gz"))[: options.patients]
    started = time.perf_counter()
    patients = make_patients(lines)
    print(f"{len(patients)} patients created: {time.perf_counter() - started:.1f} s")
    started = time.perf_counter()
    runs = submit(patients)
    wait_for(lambda: not Job.objects.open().exists(), seconds=1800, what="all searches", every=0.1)
    spent = time.perf_counter() - started
    print(f"{len(runs)} searches submitted and stored through Celery: {spent:.1f} s")
    return runs


def verdict(runs: list[Any], compared: int) -> int:
    from core.models import Job
    from matching import reference
    from matching.models import SearchResult, SearchRun

    states = Counter(Job.objects.values_list("state", flat=True))
    done = SearchRun.objects.finished().count()
    print(f"searches by state: {dict(states)}; results stored: {SearchResult.objects.count()}")
    chosen = random.Random(SEED).sample([run.pk for run in runs], min(compared, len(runs)))
    started = time.perf_counter()
    found = compare(
        SearchRun.objects.select_related("request").filter(pk__in=chosen).order_by("request__number"),
        inventory_rows(),
        reference.resolver(),
        tell=True,
    )
    print(
        f"{found.searches} random searches compared with the twin ({time.perf_counter() - started:.0f} s): "
        f"{found.candidates} candidates counted, {found.results} stored results, "
        f"{len(found.differences)} differences"
    )
    print("\n".join(found.differences[:20]))
    failed = len(runs) - done
    return 1 if found.differences or failed else 0


if __name__ == "__main__":
    sys.exit(main())
