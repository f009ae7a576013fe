"""The snapshot of an inventory: built in full, mapped by a fresh process, followed after changes.

    python benchmarks/world_inventory.py build|load

As a command it is the fresh process: it measures itself once and prints one line of JSON. The environment names the
database, as benchmarks/world.py sets it up.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import inventory_changes  # noqa: E402

CHANGED = {"import": 250, "hold": 300, "unhold": 150, "discard": 250, "population": 50}


def figures(units: int) -> dict[str, float]:
    """Full build and load, each in a process of its own."""
    from matching import inventory

    folder = inventory.file_path().parent
    shutil.rmtree(folder, ignore_errors=True)
    built = _fresh("build")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    loaded = _fresh("load")
    return {
        "snapshot_full_s": built["seconds"],
        "snapshot_peak_mb": built["peak_mb"],
        "snapshot_units": built["units"],
        "snapshot_bytes_per_unit": size / built["units"],
        "snapshot_load_s": loaded["current_s"] + loaded["first_search_extra_s"],
        "snapshot_load_map_s": loaded["current_s"],
        "snapshot_load_first_search_extra_s": loaded["first_search_extra_s"],
        "snapshot_load_reference_s": loaded["reference_s"],
        "snapshot_load_peak_mb": loaded["peak_mb"],
    }


def _fresh(what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, what], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{what} of the snapshot failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def delta(snapshot: Any, resolver: Any, scale: float = 1.0) -> dict[str, float]:
    """1,000 units changed through the services; seconds until the snapshot of this process has them all.

    scale: below 1 for inventories that are too small for as many.
    """
    from matching import inventory

    counts = {kind: max(1, round(count * scale)) for kind, count in CHANGED.items()}
    started = time.perf_counter()
    changed = inventory_changes.change(counts, random.Random(3))
    made = time.perf_counter() - started
    started = time.perf_counter()
    followed = inventory.current(resolver)
    seconds = time.perf_counter() - started
    missing = _not_there(followed, changed)
    if missing or followed.origin.ledger_number <= snapshot.origin.ledger_number:
        sys.exit(f"the snapshot lacks {len(missing)} of the changes")
    return {
        "snapshot_delta_1000_s": seconds,
        "snapshot_delta_units": float(sum(map(len, changed.values()))),
        "snapshot_delta_made_s": made,
    }


def _not_there(snapshot: Any, changed: dict[str, list[Any]]) -> list[Any]:
    """Changed units that the snapshot does not have as the database has them."""
    from bank.models import CordBloodUnit

    keys = [pk for units in changed.values() for pk in units]
    offered = set(CordBloodUnit.objects.offered().filter(pk__in=keys).values_list("pk", flat=True))
    return [pk for pk in keys if (snapshot.find(pk.bytes) is not None) != (pk in offered)]


def _build() -> dict[str, float]:
    """Reading the inventory in full and saving it, as a worker does that finds no file."""
    from matching import inventory, reference

    resolver = reference.resolver(look=True)
    started = time.perf_counter()
    found = inventory.current(resolver)
    return {"seconds": time.perf_counter() - started, "units": float(len(found))}


def _load() -> dict[str, float]:
    """From a process with Django ready to a snapshot that can be searched.

    What the first search takes longer than the second belongs to it: dictionaries, pages of the file, compiled loops.
    """
    started = time.perf_counter()
    from matching import inventory, reference
    from matching.engine.search import Criteria, search

    resolver = reference.resolver(look=True)
    mark = time.perf_counter()
    found = inventory.current(resolver)
    current = time.perf_counter() - mark
    patient, times = _anybody(resolver), []
    for _ in range(2):
        again = time.perf_counter()
        search(patient, Criteria(statuses=frozenset({"LISTED"}), floors={"antigen6": 4}), found)
        times.append(time.perf_counter() - again)
    return {
        "reference_s": mark - started,
        "current_s": current,
        "first_search_extra_s": max(0.0, times[0] - times[1]),
    }


def _anybody(resolver: Any) -> Any:
    from matching.patient_typings import parsed

    pairs = {"A": ("02:01", "11:01"), "B": ("40:01", "46:01"), "C": ("01:02", "07:02")}
    pairs |= {"DRB1": ("09:01", "15:01"), "DQB1": ("03:03", "06:02")}
    return parsed({locus: [f"{locus}*{name}" for name in names] for locus, names in pairs.items()}, resolver)


def main() -> int:
    import django

    django.setup()
    found = {"build": _build, "load": _load}[sys.argv[1]]()
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
