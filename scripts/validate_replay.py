"""Stored searches recomputed before and after the inventory has changed: each must come out as it was stored.

    python scripts/validate_replay.py [--units 20000] [--searches 25] [--changes 500] [--data ../shared/data]

Searches of a synthetic inventory are made and stored by the services. Each is recomputed with nothing kept from the
search itself, then again after changes made through the services. Exit status 1 unless all are identical.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

SEED = 20265


def main() -> int:
    import system

    options = system.options(__doc__, units=20_000, searches=25, changes=500)
    with system.real_system("replay"):
        print(system.load_reference(options.data))
        counts = ("--hospitals", "5", "--patients", str(2 * options.searches), "--transplants", "0")
        print(system.manage("demo_data", "--units", str(options.units), *counts).splitlines()[0])
        return proved(options)


def proved(options: argparse.Namespace) -> int:
    import inventory_changes

    runs = [searched(patient) for patient in typed_patients(options.searches)]
    print(f"{len(runs)} searches, {sum(run.kept for run in runs):,} stored rows")
    before = replayed(runs, "before")
    rng = random.Random(SEED)
    done = inventory_changes.change(inventory_changes.mixed(options.changes, rng), rng)
    print("changed: " + ", ".join(f"{kind} {len(units)}" for kind, units in sorted(done.items())))
    after = replayed(runs, "after")
    return 0 if before == after == {"identical": len(runs)} else 1


def typed_patients(count: int) -> list[Any]:
    from hospitals.models import Patient

    return list(Patient.objects.filter(typings__is_current=True, state="active").order_by("code")[:count])


def searched(patient: Any) -> Any:
    """One finished search of a patient."""
    from core.audit import Actor
    from matching import services

    actor = Actor.system("replay")
    data = services.RequestData(floors={"antigen6": 3})
    request = services.request_create(patient=patient, data=data, actor=actor)
    run = services.request_submit(request_id=request.pk, actor=actor)
    found = services.run_execute(job_id=run.job_id)
    if found is None:
        run.job.refresh_from_db()
        sys.exit(f"a search failed: {run.job.error}")
    return found


def replayed(runs: list[Any], when: str) -> Counter[str]:
    """How many came out how. Nothing that the searches left in this process takes part."""
    from matching import inventory, predictions, reference
    from matching.models import SearchRun
    from matching.replays import recomputed

    found: Counter[str] = Counter()
    started, compared = time.perf_counter(), 0
    for run in runs:
        inventory.forget()
        predictions.forget()
        reference.forget()
        outcome = recomputed(SearchRun.objects.with_request().get(pk=run.pk), lambda stage, share: None)
        found[str(outcome.verdict)] += 1
        compared += outcome.compared.get("rows", 0)
        if outcome.difference_count or outcome.reason:
            print(f"  {run.pk}: {outcome.verdict} {outcome.reason} {outcome.differences[:2]}")
    seconds = time.perf_counter() - started
    print(f"{when}: {dict(found)}, {compared:,} rows compared, {seconds / len(runs):.2f} s a search")
    return found


if __name__ == "__main__":
    sys.exit(main())
