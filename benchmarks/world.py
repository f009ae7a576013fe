"""Search at the size of the world: every figure of the table below, in one run, on systems of its own.

    python benchmarks/world.py [--units 1000000] [--quick] [--data ../shared/data]

Two systems, one after the other, each with servers and a database of its own that are gone at the end: one of 20,000
units, for what a single bank sees, and one of `--units`. Real data (IPD-IMGT/HLA 3.58.0, codes, a frequency set) are
used where they are found. Web server, worker and beat run just as `make run` starts them, after the inventory was
imputed, as beat has it done in a bank that lives (`--no-impute`, and of the large one `--quick`: neither that nor beat;
each search imputes what it lists). Peers are measured beside the engine in the same run. A run of a million units
writes benchmarks/results.json; `--quick` (`make bench QUICK=1`) does the same at 100,000 units and only prints. Exit
status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import world_bank  # noqa: E402
import world_end_to_end  # noqa: E402
import world_engine  # noqa: E402
import world_grma  # noqa: E402
import world_inventory  # noqa: E402
import world_sql  # noqa: E402
from recorded import record  # noqa: E402
from system import real_system, whole_system  # noqa: E402
from world_bank import Patients  # noqa: E402
from world_http import HttpError  # noqa: E402
from world_table import KEYS, MILLION, ratios, table  # noqa: E402

SMALL, QUICK = 20_000, 100_000
PATIENTS = 200
PARTS = ("inventory", "engine", "delta", "end_to_end", "concurrent", "other_set", "sql", "grma")
Figures = dict[str, float | str | None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--units", type=int, default=MILLION)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK:,} units, at most three minutes, only printed"
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--small", type=int, default=SMALL, help="units of the small bank, 0 to leave it out")
    parser.add_argument("--parts", default=",".join(PARTS), help="of the large one only these")
    parser.add_argument(
        "--impute", action=argparse.BooleanOptionalAction, help="the inventory before its searches"
    )
    parser.add_argument(
        "--frequencies", default="", help="a set of a file; else that of the units' own population"
    )
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.units = min(options.units, QUICK)
    options.impute_small = options.impute is not False  # seconds, also of a quick run
    if options.impute is None:
        options.impute = not options.quick
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "var" / "numba"))  # compiled once, not once a run
    if options.out:
        options.out.write_text(json.dumps(measured(options)))
        return 0
    return whole(options)


def whole(options: argparse.Namespace) -> int:
    """Both systems, each in a process of its own, since a process knows one database; then the table."""
    started, load = time.perf_counter(), os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs, load average {load:.2f} at the start", flush=True)
    figures: Figures = {"world_load_average_at_start": load}
    if options.small:
        figures |= in_a_process(options, options.small, "end_to_end,sql", impute=options.impute_small)
    figures |= in_a_process(options, options.units, options.parts, impute=options.impute)
    figures["world_bench_s"] = time.perf_counter() - started
    text, held = table(named_after_the_million(figures, options.units), options.units)
    print(f"\n{text}\n\n{ratios(figures)}\n\nthe whole run: {figures['world_bench_s']:.0f} s")
    if options.units >= MILLION and options.parts == ",".join(PARTS) and options.small == SMALL:
        record({**figures, **{key: figures.get(key) for key in KEYS}})
    else:
        print("not recorded: only a whole run of a million units is")
    return 0 if held else 1


def in_a_process(options: argparse.Namespace, units: int, parts: str, *, impute: bool) -> Figures:
    print(f"\n=== {units:,} units ===", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-u", __file__, "--units", str(units), "--parts", parts, "--out", str(out)]
        command += ["--data", str(options.data), "--frequencies", options.frequencies]
        command += ["--impute" if impute else "--no-impute", *["--quick"] * options.quick]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            sys.exit(f"the benchmark of {units:,} units ended with {done.returncode}; see above")
        found: Figures = json.loads(out.read_text())
        return found


def named_after_the_million(figures: Figures, units: int) -> Figures:
    """For the table of a smaller run: its figures under the names that the goals have."""
    name = size_name(units)
    return figures | {
        key.replace(f"_{name}", "_1m", 1): value
        for key, value in figures.items()
        if f"_{name}" in key and key.replace(f"_{name}", "_1m", 1) not in figures
    }


def size_name(units: int) -> str:
    return "1m" if units == MILLION else f"{units // 1000}k"


def measured(options: argparse.Namespace) -> Figures:
    """All parts in one system."""
    parts, name = options.parts.split(","), size_name(options.units)
    figures: Figures = {}
    with real_system("bench") as var:
        logging.getLogger("qidai").setLevel(logging.WARNING)
        figures[f"generate_{name}_s"] = world_bank.make_bank(options.units, options.data, options.frequencies)
        patients = world_bank.make_patients(PATIENTS)
        if "inventory" in parts:
            found = world_inventory.figures(options.units)
            figures |= {f"snapshot_full_{name}_s": found.pop("snapshot_full_s"), **found}
            print(_line(found | {"snapshot_full_s": figures[f"snapshot_full_{name}_s"]}), flush=True)
        in_this_process(options, parts, name, patients, var, figures)
    return figures


def in_this_process(
    options: argparse.Namespace, parts: list[str], name: str, patients: Patients, var: Path, into: Figures
) -> None:
    """Engine, changes, the whole way, peers: this process has the snapshot as a worker has it."""
    from matching import inventory, reference

    resolver = reference.resolver(look=True)
    snapshot = inventory.current(resolver)
    typings = [world_bank.typing_of(patient, resolver) for patient in patients.rows]
    if "engine" in parts:
        into |= world_engine.check_varied(snapshot)
        into |= world_engine.figures(snapshot, typings, options.units)
    if "delta" in parts:
        found = world_inventory.delta(snapshot, resolver, min(1.0, options.units / 20_000))
        into |= found
        print(_line(found), flush=True)
    if {"end_to_end", "concurrent"} & set(parts):
        by_http(options, parts, name, patients, var, into)
    snapshot = inventory.current(resolver)
    if "sql" in parts:
        few = typings[: 40 if options.units <= SMALL else 8]
        into |= world_sql.figures(snapshot, few, name)
    if "grma" in parts:
        into |= world_grma.figures(snapshot, typings, seconds=6 if options.quick else 120)


def by_http(
    options: argparse.Namespace, parts: list[str], name: str, patients: Patients, var: Path, into: Figures
) -> None:
    """What failed is said and not measured; the parts after it are."""
    if options.impute:
        into[f"impute_{name}_s"] = world_end_to_end.impute_beforehand()
    try:
        with whole_system(var, beat=options.impute) as address:
            person = world_end_to_end.coordinator(address)
            if "end_to_end" in parts:
                searches = 8 if options.quick else 40
                world_end_to_end.figures(person, patients, searches, name, into)
            if "concurrent" in parts:
                into |= world_end_to_end.concurrent(person, patients)
            other = options.data / world_bank.FREQUENCIES
            if "other_set" in parts and other.is_file() and not options.quick:
                print(f"with a set of another population: {world_bank.use_frequencies(other)}")
                into |= world_end_to_end.with_other_set(person, patients, name)
    except (world_end_to_end.Failed, HttpError) as failed:
        print(f"FAILED: {failed}")
        for log in sorted((var / "log").glob("*.log")):
            print(f"--- {log.name} ends with:\n{log.read_text(errors='replace')[-1500:]}")


def _line(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:,.4g}" for name, value in figures.items())


if __name__ == "__main__":
    sys.exit(main())
