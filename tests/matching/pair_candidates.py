"""Made-up units of which pairs are judged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
from hypothesis import HealthCheck, settings

from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from matching.engine import abo
from matching.engine.columns import as_ids
from matching.engine.pairs import (
    CANNOT_TELL,
    FAILED,
    PASSED,
    VERDICTS,
    Candidates,
    Pairs,
    best_pairs,
)
from tests.hla.reference import Counts
from tests.matching.inventories import NAMES, Pool, pool

RESOLVER: Resolver = resolver_for(Nomenclature.builtin(), EMPTY_MAC)
LOCI: Final = ("A", "B", "C", "DRB1")
# Few typings, so that the slow twin can remember its comparisons from one example to the next.
POOL: Final = pool(random.Random(4), size=12)
PLAIN: Final = {
    locus: [(f"{locus}*{one}", f"{locus}*{NAMES[locus][0]}") for one in NAMES[locus]] for locus in LOCI
}
KNOWN: Final[dict[Any, Counts]] = {}
WEIGHT: Final = Decimal(20)
LOOKED_AT: Final = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def spans(rng: random.Random, count: int, size: int) -> np.ndarray[Any, Any]:
    return np.array(
        [sorted((rng.randint(size - 3, size), rng.randint(size - 3, size))) for _ in range(count)],
        dtype=np.int8,
    ).reshape(-1, 2)


def some(seed: int, count: int = 8, loci: Sequence[str] = LOCI, typings: Pool = PLAIN) -> Candidates:
    """Candidates with doses near the lines for WEIGHT, here and there with something unknown."""
    rng = random.Random(seed)
    verdicts = [PASSED] * 8 + [FAILED, CANNOT_TELL]
    tnc = [-1, 0, 29_999, 30_000, 30_001, 35_000, 40_000, 70_000, 70_001, 120_000]
    cd34 = [-1, 1_999, 2_000, 2_001, 5_000, 9_000]
    return Candidates(
        ids=as_ids(rng.randbytes(16) for _ in range(count)),
        ranks=np.array(rng.sample(range(1, count + 1), count), dtype=np.int64),
        classes={"antigen6": spans(rng, count, 6), "allele8": spans(rng, count, 8)},
        typings={locus: [rng.choice(typings[locus]) for _ in range(count)] for locus in loci},
        tnc_e4=np.array([rng.choice(tnc) for _ in range(count)], dtype=np.int64),
        cd34_e3=np.array([rng.choice(cd34) for _ in range(count)], dtype=np.int64),
        invented=np.array([rng.random() < 0.2 for _ in range(count)], dtype=np.bool_),
        abo=np.array([rng.randrange(5) for _ in range(count)], dtype=np.uint8),
        passes={
            name: np.array([rng.choice(verdicts) for _ in range(count)], dtype=np.uint8)
            for name in ("offer", "dsa")
        },
    )


def found(candidates: Candidates, weight_kg: Decimal | None = WEIGHT, **options: Any) -> Pairs:
    return best_pairs(candidates, **{"resolver": RESOLVER, "weight_kg": weight_kg, "failed": True, **options})


def two(**values: Any) -> Candidates:
    """Two units that make a good pair of the same blood group, but for what is given."""
    base = some(1, 2)
    good = {
        "tnc_e4": np.array([80_000, 80_000]),
        "cd34_e3": np.array([8_000, 8_000]),
        "invented": np.zeros(2, dtype=np.bool_),
        "abo": np.array([abo.O, abo.O], dtype=np.uint8),
        "passes": {},
        "typings": {
            "A": [("A*02:01", "A*11:01")] * 2,
            "B": [("B*40:01", "B*46:01")] * 2,
            "C": [("C*01:02", "C*07:02")] * 2,
            "DRB1": [("DRB1*09:01", "DRB1*15:01")] * 2,
        },
    }
    return replace(base, **{**good, **values})


def verdict_of(found: Pairs, rule: str = "") -> str:
    return VERDICTS[int((found.rules[rule] if rule else found.verdicts)[0])]
