#!/usr/bin/env python3
"""Import of a file of 100,000 units by job: python benchmarks/importing.py [--rows 100000] [--runs 3] [--data DIR]

A synthetic file, one row of a hundred wrong, made in the run; a system of its own. A real worker checks and writes it,
as in the browser: seconds from the choice of the file to the last row, and how often its progress moved. Then the same
in this process, for what the work itself costs (processor time, median of runs), as a ratio to the least that it could
be: reading the same file with csv and copying its cells into a table of texts. Exit status 1 where the goal is missed
or other rows than the bad ones are named.
"""

from __future__ import annotations

import csv
import io
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402
from system import load_reference, options, real_system, wait_for, worker  # noqa: E402

GOAL_S = 120.0  # to check and to write, a person's reading of the preview apart
PATIENCE_S = 1_800.0
WARMING = 6  # small files first: an installation at work has its reference data in memory


def main() -> int:
    chosen = options(__doc__, rows=100_000, runs=3)
    with real_system("importing") as var:
        print(load_reference(chosen.data))
        import import_file

        data, wrong = import_file.make(chosen.rows)
        print(f"{chosen.rows:,} rows, {len(data) / 1e6:.1f} MB, {len(wrong):,} of them wrong")
        user = somebody()
        figures = plain(data, chosen.runs) | checking(data, chosen.runs)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with worker(var):
            figures |= by_job(data, wrong, user)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # with its start; without the database's
        figures["worker_cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures["ratio"] = figures["check_cpu_s"] / figures["plain_cpu_s"]
    figures["rows"] = float(chosen.rows)
    show(figures)
    record({f"importing_{name}": value for name, value in figures.items()}, part="importing")
    seconds = figures["check_s"] + figures["write_s"]
    if seconds > GOAL_S:
        print(f"{seconds:.0f} s to check and write, the goal is {GOAL_S:.0f} s.")
    return 1 if seconds > GOAL_S else 0


def somebody() -> Any:
    from core.audit import Actor
    from core.roles import Role
    from core.services import user_create

    return user_create(
        email="importer@qidai.example",
        full_name="Importer",
        password="only-for-proofs-7!",
        roles=[Role.QA],
        by=Actor.system("benchmark"),
    )


def plain(data: bytes, runs: int) -> dict[str, float]:
    """The least: csv, and COPY into a table that knows nothing."""
    from django.db import connection

    def work() -> None:
        rows = list(csv.reader(io.StringIO(data.decode())))
        text = io.StringIO()
        csv.writer(text).writerows(rows[1:])
        text.seek(0)
        columns = ", ".join(f"c{place} text" for place in range(len(rows[0])))
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS plain_rows")
            cursor.execute(f"CREATE TEMP TABLE plain_rows ({columns})")
            cursor.copy_expert("COPY plain_rows FROM STDIN WITH (FORMAT csv)", text)

    return {"plain_cpu_s": median(work, runs)}


def checking(data: bytes, runs: int) -> dict[str, float]:
    """Reading and checking every row, in this process."""
    from bank.services_import import Asked, units_read

    def work() -> None:
        units_read(data=data, file_name="units.csv", asked=Asked())

    return {"check_cpu_s": median(work, runs)}


def median(work: Callable[[], None], runs: int) -> float:
    """Of processor time: other work on the machine does not count."""
    times = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times)


def by_job(data: bytes, wrong: list[tuple[int, str]], user: Any) -> dict[str, float]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from bank import uploads
    from bank.choices_files import FilePurpose
    from bank.models import CordBloodUnit, ImportFile
    from bank.services_files import file_confirm, file_start, findings_of
    from core.audit import Actor

    def start(content: bytes) -> Any:
        return file_start(
            file=SimpleUploadedFile("units.csv", content),
            purpose=FilePurpose.UNITS,
            choices=uploads.Choices(),
            user=user,
        )

    for job_id in [start(data[:100_000]).job_id for _ in range(WARMING)]:
        watch(job_id)
    begun = time.perf_counter()
    file = start(data)
    moved = watch(file.job_id)
    check_s = time.perf_counter() - begun
    lines = list(csv.reader(io.StringIO(findings_of(file).read_text("utf-8-sig"))))[1:]
    if sorted((int(line[0]), line[1]) for line in lines) != sorted(wrong):
        sys.exit(f"{len(lines)} findings, and not those of the {len(wrong)} bad rows")
    begun = time.perf_counter()
    file = file_confirm(
        file_id=file.pk, actor=Actor.user(user), skip_bad=True, declaration="Made for a benchmark."
    )
    moved += watch(file.job_id)
    write_s = time.perf_counter() - begun
    written = ImportFile.objects.select_related("batch").get(pk=file.pk)
    if written.batch is None or CordBloodUnit.objects.count() != written.batch.imported:
        sys.exit("not all of the good rows are there")
    return {"check_s": check_s, "write_s": write_s, "progress_moves": float(moved)}


def watch(job_id: Any) -> int:
    """Until the job is over; how many different shares of its progress were seen."""
    from core.models import Job

    seen: set[float] = set()

    def over() -> bool:
        job = Job.objects.get(pk=job_id)
        seen.add(job.share)
        return not job.is_open

    wait_for(over, seconds=PATIENCE_S, what="the job of the file", every=0.2)
    job = Job.objects.get(pk=job_id)
    if job.state != Job.State.DONE:
        sys.exit(f"the job ended as {job.state}: {job.error}")
    return len(seen)


if __name__ == "__main__":
    sys.exit(main())
