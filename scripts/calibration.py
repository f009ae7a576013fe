"""Do predicted match probabilities come true? Calibration as registries check it, for docs/validation.md.

    python scripts/calibration.py [--data ../shared/data] [--patients 1000] [--units 5000]

Patients and units are drawn from a haplotype set and their typings made as coarse as real registries have them
(scripts/simulate.py). What is predicted for every pair is compared with what the two people truly are, in bins of 1 %:
the city-block distance of predicted and observed shares, weighted by the pairs in each bin, is to be ≤ 0.01.

Two samples. "all": every patient with every unit; nearly all pairs are hopeless, so the higher bins are thin. "listed":
more patients, each with the 50 units of a larger pool that a search would list first, picked by their reported
typings alone (most families shared at A, B and DRB1), which leaves right predictions right; relatives or units
picked by their true type would not. Pairs with one patient or unit fall together, so that chance moves the curves
more than the column "by chance" says, which takes them as independent. Patients are taken one after another; only
sums by bin are kept. Writes docs/img/calibration.svg.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from simulate import MIX, Population, broad_codes, mismatches  # noqa: E402
from validate_hla import RealData  # noqa: E402

from hla.frequencies.files import read_set  # noqa: E402
from hla.loci import SEARCH_LOCI  # noqa: E402
from hla.prediction.calibration import FINE, Reliability, wilson  # noqa: E402
from hla.prediction.combine import CLASS_LOCI, Patient, Predictions, predict  # noqa: E402
from hla.prediction.impute import Imputer  # noqa: E402
from hla.prediction.table import HaplotypeTable  # noqa: E402

Array = NDArray[Any]
Event = tuple[str, int]  # "6", "8", "10" or a locus; so many mismatches

GOAL = 0.01
POOL = 100_000
LISTED_PATIENTS = 10_000
LISTED = 50
SEED = 4
SHOWN_FROM = 20  # pairs in a bin that is drawn
PLOT = ROOT / "docs" / "img" / "calibration.svg"
EVENTS: tuple[Event, ...] = (
    *((str(size), k) for size in CLASS_LOCI for k in range(3)),
    *((locus, 0) for locus in SEARCH_LOCI),
)


@dataclass
class Bins:
    """Sums of predictions and of what happened, by bin of 1 %."""

    n: Array = field(default_factory=lambda: np.zeros(FINE, dtype=np.int64))
    predicted: Array = field(default_factory=lambda: np.zeros(FINE))
    happened: Array = field(default_factory=lambda: np.zeros(FINE, dtype=np.int64))

    def add(self, predicted: Array, happened: Array) -> None:
        at = np.minimum((predicted * FINE + 1e-9).astype(np.int64), FINE - 1)
        self.n += np.bincount(at, minlength=FINE)
        self.predicted += np.bincount(at, weights=predicted, minlength=FINE)
        self.happened += np.bincount(at[happened], minlength=FINE)

    def reliability(self, first: int = 0) -> Reliability:
        """The curve, from the bin that begins at `first` per cent."""
        there = np.flatnonzero(self.n)
        there = there[there >= first]
        n, happened = self.n[there], self.happened[there]
        lower, upper = wilson(happened, n, 0.95)
        means = self.predicted[there] / n
        return Reliability(there / FINE, (there + 1) / FINE, n, means, happened / n, lower, upper, 0.95)


def by_chance(curve: Reliability) -> float:
    """City-block distance that right predictions have on average with so many pairs, were these independent."""
    spread = np.sqrt(2 / np.pi * curve.predicted * (1 - curve.predicted) / curve.n)
    return float((curve.n * spread).sum() / curve.n.sum())


@dataclass
class Sample:
    """Bins of each event, and how far P(0) + … and the bounds went."""

    bins: dict[Event, Bins] = field(default_factory=lambda: {event: Bins() for event in EVENTS})
    pairs: int = 0
    unknown: int = 0
    lost: float = 0.0

    def add(self, found: Predictions, truth: Array) -> None:
        """truth: mismatches at each locus, (n, loci)."""
        known = ~found.unknown
        self.pairs += len(known)
        self.unknown += int((~known).sum())
        self.lost = max(self.lost, float(found.lost[known].max(initial=0.0)))
        for (where, k), bins in self.bins.items():
            if where in SEARCH_LOCI:
                predicted, sums = found.loci[where][:, k], truth[:, SEARCH_LOCI.index(where)]
            else:
                loci = CLASS_LOCI[int(where)]
                predicted = found.classes[int(where)][:, k]
                sums = truth[:, [SEARCH_LOCI.index(locus) for locus in loci]].sum(axis=1)
            bins.add(np.clip(predicted[known], 0.0, 1.0), (sums == k)[known])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=5_000)
    parser.add_argument("--listed-patients", type=int, default=LISTED_PATIENTS)
    parser.add_argument("--set", default="API", help="one of the HFX sets")
    parser.add_argument("--plot", type=Path, default=PLOT)
    options = parser.parse_args()
    start = time.perf_counter()
    table = table_of(options.data, options.set)
    samples = {"all": Sample(), "listed": Sample()}
    for found, truth in all_pairs(table, options.patients, options.units):
        samples["all"].add(found, truth)
    for found, truth in listed_pairs(table, options.listed_patients):
        samples["listed"].add(found, truth)
    held = [print_sample(name, sample) for name, sample in samples.items()]
    options.plot.parent.mkdir(parents=True, exist_ok=True)
    options.plot.write_text(drawn(samples["listed"], options.set))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - start:.0f} s, peak {peak:.0f} MB; plot {options.plot.name}")
    print(f"every city-block distance ≤ {GOAL}: {'held' if all(held) else 'MISSED'}")
    return 0 if all(held) else 1


def table_of(data: Path, name: str) -> HaplotypeTable:
    path = data / "frequencies" / "hfx" / f"HEGL_{name}.hfx-metadata.json"
    found, _ = read_set(path, name=name, population=name, ignore_checksum=True)
    return HaplotypeTable.of(found, RealData(data).resolver)


def all_pairs(table: HaplotypeTable, patients: int, count: int) -> Iterator[tuple[Predictions, Array]]:
    """For each patient: predictions of all units, and the true mismatches at each locus."""
    rng = np.random.default_rng(SEED)
    population, imputer = Population(table), Imputer(table)
    people, units = population.people(patients, rng), population.people(count, rng)
    imputed, imputed_units = (
        imputer.impute_pairs(population.reported(one, MIX, rng)) for one in (people, units)
    )
    own, true = population.states(people), population.states(units)
    for at in range(patients):
        yield predict(Patient.of(imputed, at), imputed_units), mismatches(own[at], true)


def listed_pairs(table: HaplotypeTable, patients: int) -> Iterator[tuple[Predictions, Array]]:
    """The same of the units of a pool that a patient's list begins with; other patients than those of all_pairs."""
    rng = np.random.default_rng(SEED + 1)
    population, imputer = Population(table), Imputer(table)
    people, pool = population.people(patients, rng), population.people(POOL, rng)
    texts, pool_texts = (population.reported(one, MIX, rng) for one in (people, pool))
    own, true = population.states(people), population.states(pool)
    codes, pool_codes = broad_codes(population, people), broad_codes(population, pool)
    for at in range(patients):
        shared = mismatches(codes[at], pool_codes).sum(axis=1)
        listed = np.argsort(shared, kind="stable")[:LISTED]
        patient = Patient.of(imputer.impute_pairs([texts[at]]))
        found = imputer.impute_pairs([pool_texts[one] for one in listed])
        yield predict(patient, found), mismatches(own[at], true[listed])


def print_sample(name: str, sample: Sample) -> bool:
    """One line an event; whether all distances are small enough."""
    print(f"\n{name}: {sample.pairs:,} pairs, {sample.unknown} without prediction, lost ≤ {sample.lost:.1e}")
    print("event        mean predicted   observed   distance  by chance   from 1 %  R²       pairs from 1 %")
    distances = []
    for (where, k), bins in sample.bins.items():
        curve, upper = bins.reliability(), bins.reliability(first=1)
        distances.append(curve.city_block)
        total = int(curve.n.sum())
        print(
            f"{where:>5} k={k}   {float((curve.n * curve.predicted).sum()) / total:14.6f} "
            f"{float((curve.n * curve.observed).sum()) / total:10.6f}   {curve.city_block:.5f}   "
            f"{by_chance(curve):.5f}    {upper.city_block:.5f}   {curve.r_squared:.5f}  {int(upper.n.sum()):>12,}"
        )
    return max(distances) <= GOAL


# --- the plot: nine small panels, SVG by hand -----------------------------------------------------------------------
SIDE, GAP, LEFT, TOP = 200, 34, 46, 64


def drawn(sample: Sample, name: str) -> str:
    """Observed against predicted shares of 0, 1 and 2 mismatches over 6, 8 and 10 positions."""
    width = LEFT + 3 * SIDE + 2 * GAP + 14
    height = TOP + 3 * SIDE + 2 * GAP + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">Predicted and observed shares, set {name}</text>',
        f'<text x="{LEFT}" y="38">{sample.pairs:,} simulated pairs as a search lists them; bins of 1 % with '
        f"{SHOWN_FROM} pairs or more; bars: 95 % intervals</text>",
    ]
    for row, size in enumerate(CLASS_LOCI):
        for k in range(3):
            x, y = LEFT + k * (SIDE + GAP), TOP + row * (SIDE + GAP)
            parts.append(panel(sample.bins[(str(size), k)].reliability(), f"{size - k}/{size}", x, y))
    parts.append(f'<text x="{width // 2}" y="{height - 8}" text-anchor="middle">predicted probability</text>')
    parts.append(
        f'<text transform="rotate(-90)" x="{-height // 2}" y="12" text-anchor="middle">observed share</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def panel(curve: Reliability, title: str, x: int, y: int) -> str:
    shown = curve.n >= SHOWN_FROM

    def places(values: Array) -> list[str]:
        return [f"{SIDE * value:.1f}".removesuffix(".0") for value in values[shown]]

    across = places(curve.predicted)
    observed, lower, upper = (places(1 - one) for one in (curve.observed, curve.lower, curve.upper))
    bars = "".join(f"M{a} {b}V{c}" for a, b, c in zip(across, lower, upper, strict=True))
    dots = "".join(f"M{a} {b}h0" for a, b in zip(across, observed, strict=True))
    ticks = "".join(
        f'<text x="{SIDE * share:.0f}" y="{SIDE + 15}" text-anchor="middle" font-size="10">{share:g}</text>'
        f'<text x="-5" y="{SIDE - SIDE * share + 4:.0f}" text-anchor="end" font-size="10">{share:g}</text>'
        for share in (0.0, 0.5, 1.0)
    )
    return (
        f'<g transform="translate({x} {y})"><text x="6" y="16" font-weight="bold">{title}</text>'
        f'<path d="M0 0V{SIDE}H{SIDE}" fill="none" stroke="#888"/>'
        f'<path d="M0 {SIDE}L{SIDE} 0" fill="none" stroke="#bbb" stroke-dasharray="4 3"/>'
        f'<path d="{bars}" fill="none" stroke="#9ab6d6"/>'
        f'<path d="{dots}" fill="none" stroke="#1f5a99" stroke-width="4" stroke-linecap="round"/>{ticks}</g>'
    )


if __name__ == "__main__":
    sys.exit(main())
