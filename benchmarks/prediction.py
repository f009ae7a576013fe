"""How long match prediction takes: python benchmarks/prediction.py [--data ../shared/data] [--patients 12]

a  The worst case: patient and 1,000 units all known at A, B, DRB1 by family only (XX), in a set of 50,000 haplotypes
   recombined from NMDP's API and CAU sets (seed 1). The units: the 1,000 of 200,000 simulated ones that share most
   families with the patient; and 1,000 random ones.
b  1,000 ordinary units (one or two fields, lists, some without DQB1), in the same sets; patient ordinary, and XX.
c  Imputation of a person: the WMDA donors with the CAU set.

a and b run as a search does (matching.engine.prediction), imputation of all units included and nothing kept from the
patient before; beside each what comparing all pairs of genotypes alone would take, measured on a part of them (so
that for ordinary units, where imputation is nearly all of the time, it says little). Median and
largest over several patients; code compiled before. The peak is that of the whole process.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402
from simulate import HARDEST, ORDINARY, Population, family_codes, mismatches  # noqa: E402
from validate_hla import RealData  # noqa: E402

from hla.frequencies.files import read_set  # noqa: E402
from hla.frequencies.sets import HaplotypeSet  # noqa: E402
from hla.frequencies.synthetic import recombine  # noqa: E402
from hla.loci import SEARCH_LOCI  # noqa: E402
from hla.prediction import combine_kernels  # noqa: E402
from hla.prediction.combine import CLASS_LOCI, Patient  # noqa: E402
from hla.prediction.fits import locus_fit  # noqa: E402
from hla.prediction.impute import Imputer  # noqa: E402
from hla.prediction.imputed import Basis, Imputed  # noqa: E402
from hla.prediction.table import HaplotypeTable  # noqa: E402
from matching.engine.prediction import Group, predict_list  # noqa: E402

HAPLOTYPES = 50_000
POOL = 200_000
UNITS = 1_000
SEED = 1
WORST_S, ORDINARY_S, PERSON_MS, MEMORY_MB = 10.0, 0.5, 0.05, 1024.0
SAMPLE = 2_000  # genotypes of a side that the plain comparison is measured on


@dataclass
class Measured:
    """Seconds, those of the plain comparison, and the bounds, of several patients."""

    seconds: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    genotypes: list[int] = field(default_factory=list)

    def figures(self, name: str) -> dict[str, float]:
        return {
            f"{name}_s_median": statistics.median(self.seconds),
            f"{name}_s_max": max(self.seconds),
            f"{name}_plain_s_median": statistics.median(self.plain),
            f"{name}_ratio_median": statistics.median(
                plain / own for plain, own in zip(self.plain, self.seconds, strict=True)
            ),
            f"{name}_lost_max": max(self.lost),
            f"{name}_patient_genotypes_max": max(self.genotypes),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--patients", type=int, default=12, help="of each set, for each kind of list")
    options = parser.parse_args()
    real = RealData(options.data)
    figures = persons(real, options.data)
    measured = {
        name: Measured() for name in ("worst_near", "worst_random", "ordinary", "ordinary_patient_xx")
    }
    for source in sources(options.data):
        big = recombine(source, HAPLOTYPES, seed=SEED)
        lists(HaplotypeTable.of(big, real.resolver), options.patients, measured)
    for name, found in measured.items():
        figures |= found.figures(f"predict_{name}")
    figures["predict_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(figures)
    record(figures)
    return verdict(figures)


def sources(data: Path) -> list[HaplotypeSet]:
    folder = data / "frequencies" / "hfx"
    return [
        read_set(folder / f"HEGL_{name}.hfx-metadata.json", name=name, population=name, ignore_checksum=True)[
            0
        ]
        for name in ("API", "CAU")
    ]


def persons(real: RealData, data: Path) -> dict[str, float]:
    """c: milliseconds of an ambiguous person, typings read; by an imputer that has not seen the texts, and by one
    that has; beside them the pairs of haplotypes compared one by one, on some of them."""
    cau, _ = read_set(data / "frequencies" / "CAU.freqs.gz", name="CAU", population="CAU")
    table = HaplotypeTable.of(cau, real.resolver, nulls="as-named")
    typings = [reading.typing for reading in real.donor_lists.values()]
    basis = Imputer(table).impute(typings).basis
    open_ones = [typing for typing, one in zip(typings, basis, strict=True) if one != Basis.TYPING]
    fresh = [timed(lambda: Imputer(replace(table, value_fits={})).impute(open_ones)) for _ in range(5)]
    imputer = Imputer(table)
    imputer.impute(open_ones)
    kept = [timed(lambda: imputer.impute(open_ones)) for _ in range(5)]
    some = open_ones[:20]
    plain = timed(lambda: [pairs_tried(imputer, typing) for typing in some]) / len(some)
    own = statistics.median(fresh) / len(open_ones)
    return {
        "impute_persons": float(len(open_ones)),
        "impute_person_ms": 1e3 * own,
        "impute_person_kept_ms": 1e3 * statistics.median(kept) / len(open_ones),
        "impute_person_plain_ms": 1e3 * plain,
        "impute_person_ratio": plain / own,
    }


def pairs_tried(imputer: Imputer, typing: object) -> float:
    """Mass of the pairs that explain a typing, all pairs of haplotypes tried at once with NumPy."""
    table = imputer.table
    ones, others = [], []
    for place, locus in enumerate(table.loci):
        at = typing.locus(locus)
        bits = locus_fit(table, locus, at.first, at.second).bits[table.codes[:, place]]
        ones.append((bits & 1).astype(bool))
        others.append((bits & 2).astype(bool))
    fits = np.ones((len(table), len(table)), dtype=bool)
    for one, other in zip(ones, others, strict=True):
        fits &= np.logical_or(np.logical_and.outer(one, other), np.logical_and.outer(other, one))
    return float(table.frequencies @ fits @ table.frequencies)


def lists(table: HaplotypeTable, patients: int, measured: dict[str, Measured]) -> None:
    """a and b with one set."""
    rng = np.random.default_rng(SEED)
    population = Population(table)
    pool = population.people(POOL, rng)
    families = family_codes(population, pool)
    people = population.people(patients, rng)
    open_texts = population.reported(people, HARDEST, rng)
    texts = population.reported(people, ORDINARY, rng)
    warm_up(table, open_texts[0])
    for at, own in enumerate(family_codes(population, people)):
        near = pool[np.argsort(mismatches(own, families).sum(axis=1), kind="stable")[:UNITS]]
        anyone = pool[rng.integers(POOL, size=UNITS)]
        cases = {
            "worst_near": (open_texts[at], near, HARDEST),
            "worst_random": (open_texts[at], anyone, HARDEST),
            "ordinary": (texts[at], near, ORDINARY),
            "ordinary_patient_xx": (open_texts[at], near, ORDINARY),
        }
        for name, (patient, units, mix) in cases.items():
            one_list(table, patient, population.reported(units, mix, rng), measured[name])


def warm_up(table: HaplotypeTable, texts: tuple) -> None:
    imputer = Imputer(table)
    predict_list(Patient.of(imputer.impute_pairs([texts])), [Group(imputer, None, [0], [texts])], 1)


def one_list(table: HaplotypeTable, patient: tuple, units: list[tuple], measured: Measured) -> None:
    start = time.perf_counter()
    imputer = Imputer(table)
    own = Patient.of(imputer.impute_pairs([patient]))
    found = predict_list(own, [Group(imputer, None, range(len(units)), units)], len(units))
    measured.seconds.append(time.perf_counter() - start)
    measured.lost.append(float(np.nanmax(found.lost)))
    measured.genotypes.append(len(own.rows))
    measured.plain.append(plain_seconds(imputer, own, units))


def plain_seconds(imputer: Imputer, patient: Patient, units: list[tuple]) -> float:
    """What comparing every genotype of the patient with every one of each unit takes, from a part of them."""
    distinct = list(dict.fromkeys(units))
    total = 0
    some: Imputed | None = None
    for start in range(0, len(distinct), 64):
        portion = imputer.impute_pairs(distinct[start : start + 64])
        total += len(portion.rows) * len(units) // len(distinct)
        some = some or portion
    rows, others = patient.rows[:SAMPLE], some.rows[:SAMPLE]
    slots = np.zeros((len(CLASS_LOCI), len(SEARCH_LOCI)), dtype=np.int64)
    for row, loci in enumerate(CLASS_LOCI.values()):
        slots[row, : len(loci)] = [SEARCH_LOCI.index(locus) for locus in loci]
    sizes = np.array([len(loci) for loci in CLASS_LOCI.values()], dtype=np.int64)
    arguments = (rows, patient.shares[:SAMPLE], others, some.shares[:SAMPLE], slots, sizes)
    combine_kernels.joint_counts(*arguments)
    taken = timed(lambda: combine_kernels.joint_counts(*arguments))
    return taken / (len(rows) * len(others)) * len(patient.rows) * total


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def verdict(figures: dict[str, float]) -> int:
    goals = {
        f"worst case ≤ {WORST_S:g} s": figures["predict_worst_near_s_max"] <= WORST_S,
        f"worst case, random units ≤ {WORST_S:g} s": figures["predict_worst_random_s_max"] <= WORST_S,
        f"ordinary list ≤ {ORDINARY_S:g} s": figures["predict_ordinary_s_max"] <= ORDINARY_S,
        f"ordinary list, open patient ≤ {ORDINARY_S:g} s (median)": figures[
            "predict_ordinary_patient_xx_s_median"
        ]
        <= ORDINARY_S,
        f"a person ≤ {PERSON_MS:g} ms": figures["impute_person_ms"] <= PERSON_MS,
        f"memory ≤ {MEMORY_MB:g} MB": figures["predict_peak_mb"] <= MEMORY_MB,
    }
    for goal, held in goals.items():
        print(f"{goal}: {'held' if held else 'MISSED'}")
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
