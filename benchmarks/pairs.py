"""How long the pairs of a list take: python benchmarks/pairs.py [--data ../shared/data] [--patients 5] [--units 20000]

Patients drawn from the demo's population are searched in a demo inventory (typings of every resolution), and all pairs
of the best 500 units are judged. Beside it the readable twin of the tests on a sample of these pairs, whose order must
be the same; the ratio is per pair. Median and largest of several patients, compiled before.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402
from validate_hla import RealData  # noqa: E402

from bank.demo import population  # noqa: E402
from bank.demo.reporting import Reporter  # noqa: E402
from hla.loci import SEARCH_LOCI  # noqa: E402
from hla.mac import EMPTY_MAC  # noqa: E402
from hla.nomenclature import Nomenclature  # noqa: E402
from hla.resolve import Resolver, resolver_for  # noqa: E402
from hla.typing import Typing, parse_pair  # noqa: E402
from matching.engine import abo  # noqa: E402
from matching.engine.columns import UNTYPED, UnitRow  # noqa: E402
from matching.engine.pairs import MOST_UNITS, Candidates, best_pairs  # noqa: E402
from matching.engine.search import Criteria, search  # noqa: E402
from matching.engine.snapshot import Snapshot, build  # noqa: E402
from tests.matching.pairs_twin import twin_pairs  # noqa: E402

SEED = 6
WEIGHT_KG = Decimal("52.5")
GOAL_S = 1.0
SAMPLE = 30  # units of the twin: 435 pairs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--patients", type=int, default=5)
    parser.add_argument("--units", type=int, default=20_000)
    options = parser.parse_args()
    resolver = _resolver(options.data)
    rng = random.Random(SEED)
    snapshot = build(_units(options.units, resolver, rng), resolver=resolver, ledger_number=1)
    seconds, ratios = [], []
    for _ in range(options.patients):
        patient = _typed(population.genotype(rng), resolver)
        candidates = _candidates(patient, snapshot)
        started = time.perf_counter()
        found = best_pairs(candidates, weight_kg=WEIGHT_KG, resolver=resolver)
        seconds.append(time.perf_counter() - started)
        ratios.append(_twin_per_pair(candidates, resolver) / (seconds[-1] / found.counts.pairs))
    figures = {
        "pairs_s_median": statistics.median(seconds),
        "pairs_s_max": max(seconds),
        "pairs_twin_ratio_median": statistics.median(ratios),
        "pairs_units": float(found.counts.units),
    }
    show(figures)
    record(figures)
    if max(seconds) > GOAL_S:
        print(f"The slowest list took {max(seconds):.2f} s, the goal is {GOAL_S} s.")
        return 1
    return 0


def _resolver(folder: Path) -> Resolver:
    """A real release where there is one."""
    if (folder / "imgt").is_dir():
        return RealData(folder).resolver
    return resolver_for(Nomenclature.builtin(), EMPTY_MAC)


def _typed(values: Any, resolver: Resolver) -> Typing:
    return Typing.of(parse_pair(locus, *values[locus], resolver) for locus in SEARCH_LOCI if locus in values)


def _units(count: int, resolver: Resolver, rng: random.Random) -> list[UnitRow]:
    reporter, found = Reporter(resolver), []
    for _ in range(count):
        typing = _typed(reporter.report(population.genotype(rng), rng), resolver)
        loci = [typing.locus(locus) for locus in SEARCH_LOCI]
        found.append(
            UnitRow(
                unit_id=UUID(int=rng.getrandbits(128)).bytes,
                typing=tuple(UNTYPED if one.untyped else (one.first, one.second) for one in loci),
                tnc_e4=-1 if rng.random() < 0.02 else int(rng.lognormvariate(11.7, 0.35)),
                cd34_e3=-1 if rng.random() < 0.1 else int(rng.lognormvariate(8.3, 0.6)),
                year=2020,
                status="LISTED",
                abo=rng.choice(("O", "A", "B", "AB")),
                rh="+",
            )
        )
    return found


def _candidates(patient: Typing, snapshot: Snapshot) -> Candidates:
    ranked = search(patient, Criteria(limit=MOST_UNITS), snapshot).ranked
    rows = ranked.rows
    typings = snapshot.typings(rows)
    return Candidates(
        ids=snapshot.unit_ids(rows),
        ranks=np.arange(1, len(rows) + 1),
        classes=ranked.classes,
        typings={
            locus: [typing[place] for typing in typings]
            for place, locus in enumerate(SEARCH_LOCI)
            if locus != "DQB1"
        },
        tnc_e4=snapshot.numbers("tnc_e4", rows).astype(np.int64),
        cd34_e3=snapshot.numbers("cd34_e3", rows).astype(np.int64),
        invented=np.zeros(len(rows), dtype=np.bool_),
        abo=np.array([abo.code(text) for text in snapshot.words("abo", rows)], dtype=np.uint8),
        passes={name: np.ones(len(rows), dtype=np.uint8) for name in ("offer", "segments", "class6", "dsa")},
    )


def _twin_per_pair(candidates: Candidates, resolver: Resolver) -> float:
    """Seconds of a pair in the twin, which must find the same."""
    few = candidates.taken(np.arange(min(SAMPLE, len(candidates))))
    started = time.perf_counter()
    twin = twin_pairs(few, weight_kg=WEIGHT_KG, resolver=resolver)
    took = time.perf_counter() - started
    mine = best_pairs(few, weight_kg=WEIGHT_KG, resolver=resolver, keep=len(twin), failed=True)
    if mine.units.tolist() != [[unit.place for unit in pair.units] for pair in twin]:
        sys.exit("The pairs are not those of the twin.")
    return took / len(twin)


if __name__ == "__main__":
    sys.exit(main())
