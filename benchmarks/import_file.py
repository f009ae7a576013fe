"""A synthetic file of units as a bank would send it: typings of every resolution, and one row of a hundred is wrong."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from typing import Any

SEED = "qidai-bench-import-3"
BAD_OF = 100  # one row of so many is wrong
LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")
HEADER = (
    "unit_no", "din", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments", "status",
    "red_cells", "processing_method", "viability_percent",
    *(f"{locus}_{n}" for locus in LOCI for n in (1, 2)),
)  # fmt: skip
# What is wrong with a bad row: a column, and what stands there.
SLIPS = (
    ("din", "A999914000001*"),
    ("collected_on", "2999-01-01"),
    ("abo", "Q"),
    ("tnc_e7", "-4"),
    ("A_1", "A*XY"),
    ("unit_no", "=1+1"),
    ("segments", "many"),
)


def make(rows: int, *, bad_of: int = BAD_OF) -> tuple[bytes, list[tuple[int, str]]]:
    """The file, and line and column of all that is wrong in it. The same numbers of rows give the same file."""
    from bank.codes import din
    from bank.demo import population
    from bank.demo.reporting import Reporter
    from core import reference

    rng, reporter = random.Random(SEED), Reporter(reference.resolver())
    text, wrong = io.StringIO(), []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number in range(1, rows + 1):
        values = _values(
            number, rng, din.compact(f"A9999{number // 1_000_000 + 14:02d}{number % 1_000_000:06d}")
        )
        pairs = reporter.report(population.genotype(rng), rng)
        values |= {f"{locus}_{n}": text for locus, pair in pairs.items() for n, text in enumerate(pair, 1)}
        if bad_of and number % bad_of == 0:
            column, slip = SLIPS[number // bad_of % len(SLIPS)]
            values[column] = slip
            wrong.append((number + 1, column))
        writer.writerow([values.get(name, "") for name in HEADER])
    return text.getvalue().encode(), wrong


def _values(number: int, rng: random.Random, din: str) -> dict[str, Any]:
    return {
        "unit_no": f"B{number:07d}",
        "din": din,
        "collected_on": dt.date(2012, 1, 1) + dt.timedelta(days=rng.randrange(4_000)),
        "sex": rng.choice("FM"),
        "abo": rng.choice(("A", "B", "O", "AB")),
        "rh": "neg" if rng.random() < 0.003 else "pos",
        "volume_ml": f"{rng.uniform(20, 30):.1f}",
        "tnc_e7": f"{rng.uniform(70, 200):.1f}",
        "cd34_e6": f"{rng.uniform(1, 8):.2f}",
        "segments": rng.randint(1, 4),
        "status": "LISTED",
        "red_cells": "depleted",
        "processing_method": rng.choice(("AXP", "Sepax", "HES")),
        "viability_percent": f"{rng.uniform(90, 99):.1f}",
    }
