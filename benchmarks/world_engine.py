"""The engine alone, in one process: milliseconds a patient at three sizes of one inventory, and how they grow."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

SIZES = {10_000: "10k", 100_000: "100k", 1_000_000: "1m"}
LISTED = frozenset({"LISTED"})
LOWEST = {"antigen6": 3, "allele8": 4, "allele10": 6}  # the lowest floors that a search must serve
VARIED = 100_000  # distinct typings at B and at DRB1 that an inventory of a million must have
KEPT = 1_000


def some_units(snapshot: Any, count: int) -> Any:
    """A snapshot of `count` units of another, drawn at random: its rows stand sorted by typing."""
    from matching.engine import snapshot as snapshots

    if count >= len(snapshot):
        return snapshot
    drawn = random.Random(f"some {count}").sample(snapshot.rows().tolist(), count)
    rows = [snapshot.row(index) for index in drawn]
    return snapshots.build(rows, resolver=snapshot.resolver, ledger_number=snapshot.origin.ledger_number)


def default_floors() -> dict[str, int]:
    """Those that a request has where nobody changes them."""
    from matching.models import SelectionPolicy

    return dict(SelectionPolicy.objects.get(is_default=True, hospital=None).rules.get("floors", {}))


def figures(snapshot: Any, patients: Sequence[Any], units: int) -> dict[str, float]:
    """Median and p99 at each size up to `units`, with default floors; beside them with the lowest ones."""
    found: dict[str, float] = {}
    for size in [*(size for size in SIZES if size < units), units]:
        part, name = some_units(snapshot, size), SIZES.get(size, f"{size // 1000}k")
        print_dictionaries(part, name)
        for floors, suffix in ((default_floors(), ""), (LOWEST, "_lowest_floors")):
            times, kept, candidates = measured(part, patients, floors)
            found[f"engine_{name}_ms_median{suffix}"] = statistics.median(times)
            found[f"engine_{name}_ms_p99{suffix}"] = float(np.percentile(times, 99))
            found[f"engine_{name}_ms_max{suffix}"] = max(times)
            print(
                f"  floors {floors}: median {statistics.median(times):.2f} ms, p99 {np.percentile(times, 99):.2f}, "
                f"max {max(times):.2f}; candidates median {statistics.median(candidates):,.0f}, "
                f"kept median {statistics.median(kept):,.0f}"
            )
    print_growth(found)
    return found


def measured(
    snapshot: Any, patients: Sequence[Any], floors: Mapping[str, int]
) -> tuple[list[float], list[int], list[int]]:
    """Milliseconds, kept and counted units of each patient; the loops were compiled before."""
    from matching.engine.search import Criteria, search

    criteria = Criteria(statuses=LISTED, floors=dict(floors), limit=KEPT)
    for patient in patients[:3]:
        search(patient, criteria, snapshot)
    times, kept, candidates = [], [], []
    for patient in patients:
        outcome, spent = timed(lambda patient=patient: search(patient, criteria, snapshot))
        times.append(spent)
        kept.append(outcome.funnel.kept)
        candidates.append(outcome.funnel.candidates)
    return times, kept, candidates


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gave, and its milliseconds."""
    started = time.perf_counter()
    result = work()
    return result, 1000 * (time.perf_counter() - started)


def dictionary_sizes(snapshot: Any) -> dict[str, int]:
    """Distinct typings of each locus, untyped included."""
    return {locus: len(book) for locus, book in snapshot.books.items()}


def print_dictionaries(snapshot: Any, name: str) -> None:
    sizes = dictionary_sizes(snapshot)
    print(
        f"{len(snapshot):,} units ({name}), distinct typings: "
        + ", ".join(f"{locus} {size:,}" for locus, size in sizes.items())
    )


def check_varied(snapshot: Any) -> dict[str, float]:
    """Dictionary sizes as figures; of a million units B and DRB1 must be as varied as the issue demands."""
    sizes = dictionary_sizes(snapshot)
    poor = [locus for locus in ("B", "DRB1") if sizes[locus] < VARIED]
    if len(snapshot) >= 0.8 * 1_000_000 and poor:
        print(f"MISSED: fewer than {VARIED:,} distinct typings at {', '.join(poor)}", file=sys.stderr)
    return {f"distinct_{locus}": float(size) for locus, size in sizes.items()}


def print_growth(found: Mapping[str, float]) -> None:
    """How cost a unit grows from one size to the next: at most 1 where it is linear or better."""
    medians = [
        (size, found[f"engine_{name}_ms_median"])
        for size, name in SIZES.items()
        if f"engine_{name}_ms_median" in found
    ]
    for (small, before), (large, after) in pairwise(medians):
        ratio = (after / large) / (before / small)
        verdict = "sub-linear" if ratio < 0.95 else "linear" if ratio <= 1.05 else "WORSE THAN LINEAR"
        print(
            f"growth {small:,} → {large:,}: time × {after / before:.2f}, cost a unit × {ratio:.2f} ({verdict}); "
            f"{1e6 * after / large:.0f} ns a unit"
        )
