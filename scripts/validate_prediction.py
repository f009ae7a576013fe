"""Figures of match prediction on real data, for docs/validation.md.

    python scripts/validate_prediction.py [--data ../shared/data] [--processes 2] [part …]

Parts: twin (500 heavily ambiguous pairs of the CAU and API sets against the slow twin), wmda (all 18,790 rows of the
WMDA's third validation task, with both rules for nulls). Ends with status 1 if one does not come out as expected.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QIDAI_VAR", str(ROOT / "var"))

from scripts.validate_hla import RealData  # noqa: E402
from tests.hla.prediction import full  # noqa: E402
from tests.hla.prediction.compared import Deviation  # noqa: E402
from tests.hla.prediction.wmda import Task  # noqa: E402

AT_MOST = 1e-3  # promised; what is left out by pruning is below it
DIFFERENT_WITHOUT_NULLS = 165


@dataclass(frozen=True)
class Options:
    data: Path
    processes: int


def twin_full(options: Options) -> bool:
    """All pairs of tests/hla/prediction/full.py, in several processes."""
    start = time.perf_counter()
    data, found = RealData(options.data), Deviation()
    with ProcessPoolExecutor(options.processes) as pool:
        runs = [pool.submit(full.part, data, name, number) for name, number in full.parts()]
        for run in runs:
            found.add(run.result())
    print(f"{found.pairs} heavily ambiguous pairs of {', '.join(full.FILES)} enumerated", end=" ")
    print(f"({found.genotypes:,} pairs of genotypes, {time.perf_counter() - start:.0f} s)")
    print(f"  largest difference of a genotype's share {found.shares:.1e}, of P(k) for 6, 8, 10", end=" ")
    print(f"{found.classes:.1e}, of p0, p1, p2 per locus {found.loci:.1e}")
    print(
        f"  different genotypes: {len(found.wrong)}, left out: {found.too_many}", *found.wrong[:5], sep="\n  "
    )
    return not found.wrong and not found.too_many and found.pairs == full.PAIRS and found.largest < AT_MOST


def wmda(options: Options) -> bool:
    """The whole table, with nulls as alleles of their own and as absent."""
    task = Task(RealData(options.data))
    rows = task.data.expected
    counts = {}
    for nulls in ("as-named", "absent"):
        start = time.perf_counter()
        different = task.differences(nulls, rows)  # type: ignore[arg-type]
        counts[nulls] = len(different)
        took = time.perf_counter() - start
        print(
            f"WMDA task 3, nulls {nulls}: {len(rows) - len(different)} of {len(rows)} rows equal, {took:.1f} s"
        )
        with_null = task.people_with_a_null()
        others = [row for row, _ in different if not {row["patient"], row["donor"]} & with_null]
        if different:
            print(
                f"  {len(different)} differ, {len(different) - len(others)} of them of a person who may have",
                end=" ",
            )
            print("A*01:16N or C*05:07N")
        if others:
            counts[nulls] = -1
    return counts == {"as-named": 0, "absent": DIFFERENT_WITHOUT_NULLS}


PARTS: dict[str, Callable[[Options], bool]] = {"twin": twin_full, "wmda": wmda}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    options = Options(chosen.data.resolve(), chosen.processes)
    good = [PARTS[name](options) for name in chosen.parts or PARTS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
