"""Figures of the HLA kernel on real data, for docs/validation.md.

    python scripts/validate_hla.py [--data ../shared/data]

Reads IPD-IMGT/HLA 3.58.0, the subset of multiple allele codes and the set with which the WMDA validates
registries (task 3). The functions are also the tests' (tests/hla/test_real_data.py).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hla.loci import SEARCH_LOCI  # noqa: E402
from hla.mac import MacTable  # noqa: E402
from hla.matching import LocusTable, score_locus  # noqa: E402
from hla.nomenclature import Nomenclature  # noqa: E402
from hla.release import compile_release  # noqa: E402
from hla.resolve import Resolver, resolver_for  # noqa: E402
from hla.typing import LocusTyping, Reading, read_gl  # noqa: E402


@dataclass
class RealData:
    """The files below `folder` (../shared/data), read when they are asked for."""

    folder: Path

    @cached_property
    def nomenclature(self) -> Nomenclature:
        return compile_release(self.folder / "imgt" / "3580")

    @cached_property
    def mac(self) -> MacTable:
        return MacTable.from_file(self.folder / "mac" / "numer.v3.subset.txt")

    @property
    def resolver(self) -> Resolver:
        return resolver_for(self.nomenclature, self.mac)

    def read(self, name: str) -> dict[str, Reading]:
        """Readings of one file of `wmda/` by the person's id."""
        path = self.folder / "wmda" / name
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("ascii")
        rows = (line.split("%", 1) for line in text.splitlines())
        return {key: read_gl(gl, self.resolver) for key, gl in rows}

    @cached_property
    def donors(self) -> dict[str, Reading]:
        return self.read("WMDA_Phase3_donor.in")

    @cached_property
    def patients(self) -> dict[str, Reading]:
        return self.read("WMDA_Phase3_patient.in")

    @cached_property
    def donor_lists(self) -> dict[str, Reading]:
        return self.read("don.gl.txt.gz")

    @cached_property
    def patient_lists(self) -> dict[str, Reading]:
        return self.read("pat.gl.txt.gz")

    @cached_property
    def expected(self) -> list[dict[str, str]]:
        """Rows of wmda3_expected.csv."""
        with (self.folder / "reference" / "wmda3_expected.csv").open() as lines:
            return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@dataclass(frozen=True)
class ReadCounts:
    """How many persons of a file read without error, how many not, and the codes of the errors."""

    good: int
    bad: int
    codes: frozenset[str]
    unknown_macs: int


def read_counts(readings: dict[str, Reading]) -> ReadCounts:
    errors = [error for reading in readings.values() for error in reading.errors]
    bad = sum(bool(reading.errors) for reading in readings.values())
    macs = {error.params["mac"] for error in errors if error.code == "unknown_mac"}
    return ReadCounts(len(readings) - bad, bad, frozenset(error.code for error in errors), len(macs))


def is_resolved(typing: LocusTyping, resolver: Resolver) -> bool:
    """Whether both values of a typing are one P group each."""
    values = (resolver.position(typing.locus, text) for text in (typing.first, typing.second))
    return all(len(value.p_groups) == 1 for value in values)


class Scores:
    """match_min and match_max of any patient and donor, each distinct patient typing scored once."""

    def __init__(self, donors: dict[str, Reading], resolver: Resolver) -> None:
        self.tables = {}
        self.codes = {}
        for locus in SEARCH_LOCI:
            table = self.tables[locus] = LocusTable(locus, resolver)
            typings = (reading.typing.locus(locus) for reading in donors.values())
            self.codes[locus] = table.extend((typing.first, typing.second) for typing in typings)
        self.places = {key: place for place, key in enumerate(donors)}
        self.known: dict[LocusTyping, tuple[object, object]] = {}

    def matches(self, patient: LocusTyping, donor: str) -> tuple[int, int]:
        if patient not in self.known:
            scores = score_locus(patient, self.tables[patient.locus])
            self.known[patient] = (scores.match_min, scores.match_max)
        low, high = self.known[patient]
        code = self.codes[patient.locus][self.places[donor]]
        return int(low[code]), int(high[code])  # type: ignore[index]


def grades_of_resolved(data: RealData) -> Counter[tuple[str, int, int]]:
    """(expected grade, match_min, match_max) of all values where both sides are one P group each."""
    scores = Scores(data.donors, data.resolver)
    counts: Counter[tuple[str, int, int]] = Counter()
    for row in data.expected:
        patient, donor = data.patients[row["patient"]].typing, data.donors[row["donor"]].typing
        for locus in SEARCH_LOCI:
            mine, theirs = patient.locus(locus), donor.locus(locus)
            if is_resolved(mine, data.resolver) and is_resolved(theirs, data.resolver):
                counts[row[f"{locus}_grade"], *scores.matches(mine, row["donor"])] += 1
    return counts


def grades_of_lists(data: RealData) -> tuple[Counter[tuple[str, int, int]], list[str]]:
    """The same over all values of the GL files, and the values that contradict the expected grade.

    A certain 2/2 must be graded A, at most 1/2 must be graded M; the expected grades also know haplotypes, so
    that nothing is asked of the rest. The file counts a null as an allele of its own.
    """
    scores = Scores(data.donor_lists, data.resolver)
    counts: Counter[tuple[str, int, int]] = Counter()
    contradictions = []
    for row in data.expected:
        patient = data.patient_lists[row["patient"]].typing
        for locus in SEARCH_LOCI:
            grade = row[f"{locus}_grade"]
            low, high = scores.matches(patient.locus(locus), row["donor"])
            counts[grade, low, high] += 1
            if (low == 2 and grade != "A") or (high < 2 and grade != "M"):
                donor = data.donor_lists[row["donor"]].typing.locus(locus).gl()
                contradictions.append(
                    f"{row['patient']} {patient.locus(locus).gl()} {row['donor']} {donor} {grade}"
                )
    return counts, contradictions


def pair_counts(data: RealData) -> dict[str, Counter[tuple[int, int]]]:
    """(match_min, match_max) -> number of pairs, per locus, over all patients and donors of the GL files."""
    scores = Scores(data.donor_lists, data.resolver)
    totals: dict[str, Counter[tuple[int, int]]] = {}
    for locus in SEARCH_LOCI:
        donors = Counter(scores.codes[locus].tolist())
        total = totals[locus] = Counter()
        patients = Counter(reading.typing.locus(locus) for reading in data.patient_lists.values())
        for patient, persons in patients.items():
            found = score_locus(patient, scores.tables[locus])
            for code, units in donors.items():
                total[int(found.match_min[code]), int(found.match_max[code])] += persons * units
    return totals


def report(data: RealData) -> None:
    start = time.perf_counter()
    nomenclature = data.nomenclature
    print(f"Release {nomenclature.release}: {nomenclature.size} alleles, {time.perf_counter() - start:.2f} s")
    print(f"checksum {nomenclature.checksum}")
    start = time.perf_counter()
    print(f"Multiple allele codes: {len(data.mac)}, {time.perf_counter() - start:.2f} s")
    for name in ("donors", "patients", "donor_lists", "patient_lists"):
        start = time.perf_counter()
        counts = read_counts(getattr(data, name))
        took = time.perf_counter() - start
        print(f"{name}: {counts.good} read, {counts.bad} not {sorted(counts.codes)}, ", end="")
        print(f"{counts.unknown_macs} distinct unknown codes, {took:.2f} s")
    print("Grade, min, max where both are one P group each:", dict(sorted(grades_of_resolved(data).items())))
    counts, contradictions = grades_of_lists(data)
    print(f"Grade, min, max of the lists ({sum(counts.values())} values):", dict(sorted(counts.items())))
    print(f"Contradictions: {len(contradictions)}", *contradictions[:10], sep="\n  ")
    start = time.perf_counter()
    totals = pair_counts(data)
    print(f"All pairs of the lists ({time.perf_counter() - start:.1f} s), (min, max): pairs")
    for locus, total in totals.items():
        print(f"  {locus}:", dict(sorted(total.items())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    report(RealData(parser.parse_args().data))


if __name__ == "__main__":
    main()
