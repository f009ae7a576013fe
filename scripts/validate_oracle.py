"""Figures of the kernel against its oracles, for docs/validation.md.

    python scripts/validate_oracle.py [--data ../shared/data] [--pairs 200000] [--processes 2]

Expansions over release 3.58.0 against py-ard (test-only), complete but for lists and GL texts, which are random;
then random pairs of typings of mixed resolution, the kernel against its slow twin. Ends with status 1 if a
difference stands in no line of tests/hla/cases/pyard_differences.csv, a line is stale, or kernel and twin differ.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hla.loci import LOCI  # noqa: E402
from scripts.validate_hla import RealData  # noqa: E402
from tests.hla.oracle import expansions as asked  # noqa: E402
from tests.hla.oracle.differences import Compared, Ledger  # noqa: E402
from tests.hla.oracle.expansions import Expansions  # noqa: E402
from tests.hla.oracle.pyard_build import codes  # noqa: E402
from tests.hla.oracle.pyard_oracle import database  # noqa: E402
from tests.hla.oracle.twin import Source, Tally, compared  # noqa: E402

CODES_A_TASK = 500
LISTS = GENOTYPES = 20  # tasks
LISTS_A_TASK, GENOTYPES_A_TASK = 1000, 250
SHOWN, WIDTH = 20, 300
SIDE = 20  # typings on either side of a batch of pairs

Task = tuple[str, tuple[Any, ...]]
_data: RealData
_expansions: Expansions | None = None
_source: Source | None = None


def started(folder: Path) -> None:
    """In each process: both sides are read when they are first asked."""
    global _data
    _data = RealData(folder)


def expanded(task: Task) -> tuple[Counter[str], list[Compared]]:
    """How many inputs of each kind were compared, and those on which the two differ."""
    global _expansions
    if _expansions is None:
        _expansions = Expansions(_data)
    what, arguments = task
    counts: Counter[str] = Counter()
    different: dict[tuple[str, str], Compared] = {}
    for found in getattr(_expansions, what)(*arguments):
        counts[found.what] += 1
        if not found.equal:
            different[found.what, found.text] = found
    return counts, list(different.values())


def paired(task: tuple[str, int]) -> Tally:
    """One batch of pairs."""
    global _source
    if _source is None:
        _source = Source(_data)
    locus, number = task
    return compared(_source, locus, f"validate {number} {locus}", SIDE, SIDE)


def tasks(folder: Path) -> Iterator[Task]:
    """The complete comparison in pieces, the long ones first."""
    yield from (("genotypes", (GENOTYPES_A_TASK, part)) for part in range(GENOTYPES))
    yield from (("lists", (LISTS_A_TASK, part)) for part in range(LISTS))
    yield from (
        ("codes", (part,)) for part in batches(sorted(code for code, _ in codes(folder)), CODES_A_TASK)
    )
    yield ("families", ())
    yield ("antigens", ())
    yield from ((what, (locus,)) for what in ("names", "groups") for locus in asked.LOCI)


def batches(items: list[str], size: int) -> list[list[str]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def against_pyard(folder: Path, pool: ProcessPoolExecutor) -> bool:
    """Print what was compared; whether every difference is explained and every line still needed."""
    start = time.perf_counter()
    database(folder)
    print(f"py-ard's database: {time.perf_counter() - start:.1f} s", flush=True)
    start = time.perf_counter()
    ledger = Ledger(Expansions(RealData(folder)).facts)
    counted: Counter[str] = Counter()
    for counts, different in pool.map(expanded, tasks(folder)):
        counted += counts
        for found in different:
            ledger.take(found)
    print(f"{counted.total()} expansions compared in {time.perf_counter() - start:.0f} s: {dict(counted)}")
    print(f"explained one by one: {len(ledger.met)}; by rules: {ledger.covered.total()}")
    for (what, name), number in sorted(ledger.covered.items()):
        print(f"  {what} {name}: {number}")
    stale = ledger.stale(complete=True)
    print(f"Unexplained: {len(ledger.unexplained)}", *shown(ledger.unexplained), sep="\n  ")
    print(f"Stale lines: {len(stale)}", *shown(stale), sep="\n  ", flush=True)
    return not ledger.unexplained and not stale


def shown(found: list[str]) -> list[str]:
    """The first few, not longer than a line or two."""
    return [text[:WIDTH] for text in found[:SHOWN]]


def against_twin(pairs: int, pool: ProcessPoolExecutor) -> bool:
    """Print what was compared; whether kernel and twin agree on every pair."""
    start = time.perf_counter()
    number = -(-pairs // (SIDE * SIDE * len(LOCI)))
    tally = Tally()
    for found in pool.map(paired, [(locus, part) for part in range(number) for locus in LOCI], chunksize=4):
        tally.add(found)
    print(f"{tally.pairs} pairs at {len(LOCI)} loci in {time.perf_counter() - start:.0f} s", end=", ")
    print(f"{tally.explained} of them explained, {tally.enumerated} also by the third matcher")
    print(f"values by kind: {dict(tally.kinds.most_common())}")
    print(f"(min, max) matches: {dict(sorted(tally.outcomes.items()))}")
    print(f"Differences: {len(tally.differences)}", *shown(tally.differences), sep="\n  ", flush=True)
    return not tally.differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    folder = chosen.data.resolve()
    with ProcessPoolExecutor(chosen.processes, initializer=started, initargs=(folder,)) as pool:
        good = [against_pyard(folder, pool), against_twin(chosen.pairs, pool)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
