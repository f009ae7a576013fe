"""Small data with many ties and what R printed for them (cases/r_small.csv says by which version)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CASES = Path(__file__).parent / "cases" / "r_small.csv"
ROWS = ("time", "event", "group", "stratum", "x")


@dataclass(frozen=True)
class Case:
    """rows: columns of whole numbers. told: figures by name."""

    number: int
    rows: dict[str, np.ndarray]
    told: dict[str, float]


def cases() -> list[Case]:
    with CASES.open(encoding="utf-8") as lines:
        table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return [
        Case(
            number,
            {name: np.array(row[name].split(), dtype=np.int64) for name in ROWS},
            {name: float(text) for name, text in row.items() if name not in ROWS},
        )
        for number, row in enumerate(table)
    ]
