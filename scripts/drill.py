"""A drill: searches are submitted while processes, servers and files of a whole installation are broken at random.

    python scripts/drill.py [--searches 200] [--units 20000] [--seconds 120] [--seed 1]

Servers, web, workers and beat are those of `make run`, started for this alone under var/ and gone afterwards. Each
submitted search must end once: done with one right set of results and one entry in the audit trail, or failed with a
reason for people. Prints a table, writes docs/reliability.md anew between its marks; exit status 1 if a search was
lost, done twice or came out otherwise than another of the same patient.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from scripts.installation import Installation, wait_until  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- drill: begin -->", "<!-- drill: end -->"
PATIENTS = 40
BURST = 8  # searches submitted together, so that some wait while others are done
FIRST_FAULT, PAUSE = 5.0, (2.0, 6.0)  # seconds; random between the two
HIT_WITHIN = 3.0  # a fault waits so long for a search to be under way
PATIENCE_SECONDS = 120.0  # for what is open when the faults are over
SETTINGS = {
    "QIDAI_JOB_LEASE_SECONDS": "5",
    "QIDAI_JOB_RING_AGAIN_SECONDS": "4",
    "QIDAI_JOB_SWEEP_SECONDS": "2",
    "QIDAI_SEARCH_LIMIT_SECONDS": "60",
}


class Faults:
    """What can go wrong, done to an installation of our own."""

    def __init__(self, it: Installation, dice: random.Random) -> None:
        self.it, self.dice = it, dice
        self.done: Counter[str] = Counter()
        self.kinds: dict[str, Callable[[], None]] = {
            "a worker process killed": self._kill_child,
            "a whole worker killed": lambda: it.parts["worker"].kill(),
            "the batch worker killed": lambda: it.parts["batch worker"].kill(),
            "beat killed": lambda: it.parts["beat"].kill(),
            "Valkey emptied": it.empty_valkey,
            "Valkey killed, its data removed": it.restart_valkey_empty,
            "PostgreSQL crashed": self._crash_database,
            "snapshot file emptied in place": lambda: self._damage(lambda path: os.truncate(path, 0)),
            "snapshot file replaced by rubbish": lambda: self._damage(rubbish),
            "snapshot file removed": lambda: self._damage(Path.unlink),
        }

    def one(self) -> str:
        """Any of those that happened the least so far."""
        fewest = min(self.done[kind] for kind in self.kinds)
        kind = self.dice.choice([kind for kind in self.kinds if self.done[kind] == fewest])
        self.kinds[kind]()
        self.done[kind] += 1
        return kind

    def _kill_child(self) -> None:
        if children := self.it.parts["worker"].children():
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(children), signal.SIGKILL)

    def _crash_database(self) -> None:
        from django.db import connection

        self.it.restart_postgresql()
        connection.close()

    def _damage(self, how: Callable[[Path], None]) -> None:
        from matching import inventory

        with suppress(FileNotFoundError):
            how(inventory.file_path())


def rubbish(path: Path) -> None:
    other = path.with_suffix(".rubbish")
    other.write_bytes(os.urandom(path.stat().st_size))
    other.replace(path)


class Drill:
    def __init__(self, it: Installation, options: argparse.Namespace) -> None:
        self.it, self.options = it, options
        self.dice = random.Random(options.seed)
        self.faults = Faults(it, self.dice)
        self.jobs: list[Any] = []
        self.restarts = 0

    def run(self) -> None:
        from hospitals.models import Patient

        patients = list(Patient.objects.filter(typings__is_current=True, state="active").order_by("code"))
        began = time.monotonic()
        next_fault = began + FIRST_FAULT
        while (passed := time.monotonic() - began) < self.options.seconds:
            bursts = 1 + int(self.options.searches / BURST * passed / self.options.seconds)
            while len(self.jobs) < min(self.options.searches, BURST * bursts):
                self.submit(self.dice.choice(patients))
            late = time.monotonic() - next_fault
            if late >= HIT_WITHIN or (late >= 0 and self.busy()):
                print(f"{passed:6.1f} s  {self.faults.one()}", flush=True)
                next_fault = time.monotonic() + self.dice.uniform(*PAUSE)
            self.supervise()
            time.sleep(0.02)
        wait_until(self.over, "the last searches", seconds=PATIENCE_SECONDS, tail=self.it.tails)

    def submit(self, patient: Any) -> None:
        from core.audit import Actor
        from matching import services

        actor = Actor.system("drill")
        request = services.request_create(patient=patient, data=services.RequestData(), actor=actor)
        self.jobs.append(services.request_submit(request_id=request.pk, actor=actor).job_id)

    def supervise(self) -> None:
        """What died is started again, as by the supervisor or a container's restart policy."""
        for part in self.it.parts.values():
            if not part.lives:
                part.kill()
                part.start()
                self.restarts += 1

    def busy(self) -> bool:
        from core.models import Job

        return Job.objects.filter(state="running").exists()

    def over(self) -> bool:
        from core.models import Job

        self.supervise()
        return not Job.objects.filter(pk__in=self.jobs).open().exists()


def judged(drill: Drill) -> tuple[dict[str, str], bool]:
    """The table of what came out, and whether it is as promised."""
    from matching.models import SearchRun

    runs = list(SearchRun.objects.filter(job_id__in=drill.jobs).select_related("job", "request"))
    done = [run for run in runs if run.job.state == "done"]
    failed = [run for run in runs if run.job.state == "failed"]
    lost = len(drill.jobs) - len(done) - sum(bool(run.job.error) for run in failed)
    double = sum(not stored_once(run) for run in runs)
    wrong = differing(done)
    seconds = sorted((run.job.ended_at - run.job.created_at).total_seconds() for run in done)
    attempts = Counter(run.job.attempts for run in runs)
    table = {
        "Searches submitted": str(len(drill.jobs)),
        "done": str(len(done)),
        "failed with a reason": str(len(failed)) + "".join(f"; {run.job.error_code}" for run in failed),
        "lost": str(lost),
        "stored twice, in part, or after a failure": str(double),
        "other than another search of the same patient": str(wrong),
        "taken by 1, 2, 3 … workers": ", ".join(str(attempts[n]) for n in range(1, max(attempts) + 1)),
        "submitted → done, median and longest": f"{statistics.median(seconds):.1f} s, {seconds[-1]:.1f} s",
        "Faults": str(drill.faults.done.total()),
        **{kind: str(drill.faults.done[kind]) for kind in drill.faults.kinds},
        "processes started again": str(drill.restarts),
    }
    return table, not (lost or double or wrong)


def stored_once(run: Any) -> bool:
    """Done: all of its results, one entry. Otherwise: nothing."""
    from core.models import AuditEntry

    ranks = sorted(run.results.values_list("rank", flat=True))
    entries = AuditEntry.objects.filter(action="search.complete", target_key=str(run.pk)).count()
    if run.job.state == "done":
        return ranks == list(range(1, run.kept + 1)) and entries == 1
    return not ranks and entries == 0


def differing(done: list[Any]) -> int:
    """The inventory does not change, so that all searches of a patient find the same."""
    by_patient: dict[Any, Counter[str]] = defaultdict(Counter)
    for run in done:
        ids = run.results.order_by("rank").values_list("unit_id", flat=True)
        by_patient[run.request.patient_id][repr((run.counts, run.funnel, list(ids)))] += 1
    return sum(found.total() - max(found.values()) for found in by_patient.values())


def written(table: dict[str, str], options: argparse.Namespace) -> str:
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    when = datetime.now(UTC).date().isoformat()
    command = f"--searches {options.searches} --units {options.units} --seconds {options.seconds}"
    rows = "\n".join(f"| {name} | {value} |" for name, value in table.items())
    return (
        f"{BEGIN}\n\nMeasured on {when}, {machine}: `scripts/drill.py {command} --seed {options.seed}`,"
        f" load average at the start {options.load:.1f}.\n\n"
        f"| What | Measured |\n|---|---|\n{rows}\n\n{END}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=120, help="how long there are faults")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.load = os.getloadavg()[0]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (ROOT / "var").mkdir(exist_ok=True)
    var = Path(tempfile.mkdtemp(prefix="drill-", dir=ROOT / "var"))
    it = Installation(var, durable=True, **SETTINGS)
    try:
        table, right = drilled(it, options)
    finally:
        it.close()
        shutil.rmtree(var, ignore_errors=True)
    for name, value in table.items():
        print(f"{name:48} {value}")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + written(table, options) + rest.partition(END)[2], encoding="utf-8")
    print("\nheld" if right else "\nNOT HELD")
    return 0 if right else 1


def drilled(it: Installation, options: argparse.Namespace) -> tuple[dict[str, str], bool]:
    it.manage("migrate", "-v", "0")
    it.manage(
        "demo_data",
        "--units",
        str(options.units),
        "--hospitals",
        "5",
        "--patients",
        str(PATIENTS),
        "--transplants",
        "0",
    )
    os.environ.update(it.env)
    import django

    django.setup()
    drill = Drill(it, options)
    with it.started():
        drill.run()
        return judged(drill)


if __name__ == "__main__":
    sys.exit(main())
