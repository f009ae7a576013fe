"""Matching beside GRMA (py-graph-match 0.0.8): one patient among 100,000 donors, with probabilities.

GRMA runs in an environment of its own under var/grma/ and is no dependency of Qidai (LGPL-3.0). It matches imputed
genotypes, so both sides get ours (which equal those of its own imputation, benchmarks/grim.py): of each donor and
patient the likeliest few. An allele is written as the number of what it expresses, since GRMA reads only four digits
of a name. It finds donors with at most three mismatches of ten and their probabilities. Beside it stand our search of
the same donors, all classes, and the same with the probabilities of the best thousand; imputation is in neither
GRMA's time nor, kept as in a service, in ours.
"""

from __future__ import annotations

import json
import math
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peers import ROOT, environment
from world_engine import KEPT, LISTED, default_floors, some_units, timed

FOLDER = ROOT / "var" / "grma"
PACKAGE = "py-graph-match==0.0.8"
FIRST = ("Cython<3", "numpy", "setuptools<70", "wheel")
DONORS = 100_000
LIKELIEST = 10  # genotypes of a person
PATIENTS = 20
ORDER = ("A", "B", "C", "DQB1", "DRB1")
AT_ONCE = 128
POPULATION = "HAN"

Figures = dict[str, float | str | None]


def figures(snapshot: Any, patients: Sequence[Any], seconds: float) -> Figures:
    """GRMA's median and ours for the same patients.

    seconds: that its graph may take to build, and twice as many the imputation of its donors; what cannot be made
    in them is left out, and said.
    """
    python = environment(FOLDER, PACKAGE, "import grma.match", first=FIRST)
    if python is None:
        return {"grma_100k_ms_median": None, "grma_note": "could not be installed"}
    donors = some_units(snapshot, DONORS)
    imputer = _imputer(snapshot.resolver)
    chosen = patients[:PATIENTS]
    masses = _write(FOLDER / "donors.txt", _typings(donors), imputer, 2 * seconds)
    _write(FOLDER / "patients.txt", [_texts(patient) for patient in chosen], imputer, math.inf)
    config = {"seconds": seconds, "cutoff": KEPT}
    (FOLDER / "config.json").write_text(json.dumps(config))
    command = [str(python), "-I", str(ROOT / "benchmarks" / "grma_runner.py"), str(FOLDER)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:])
        return {"grma_100k_ms_median": None, "grma_note": "ended with an error"}
    found = json.loads((FOLDER / "found.json").read_text())
    shutil.rmtree(FOLDER / "donors", ignore_errors=True)
    return _report(found, masses, _ours(some_units(donors, found["donors"]), chosen))


def _imputer(resolver: Any) -> Any:
    """By the set that serves the demonstration's units."""
    from matching import frequency_sets, predictions

    prepared = predictions.prepared(frequency_sets.choose({POPULATION: 1.0}), resolver)
    assert prepared is not None
    return prepared.imputer


def _typings(snapshot: Any) -> list[tuple[tuple[str, str], ...]]:
    return [snapshot.row(index).typing for index in range(len(snapshot))]


def _texts(patient: Any) -> tuple[tuple[str, str], ...]:
    from hla.loci import SEARCH_LOCI

    return tuple((patient.locus(locus).first, patient.locus(locus).second) for locus in SEARCH_LOCI)


def _write(
    path: Path, people: Sequence[tuple[tuple[str, str], ...]], imputer: Any, seconds: float
) -> list[float]:
    """The likeliest genotypes of each person until the time is over; which share of all of them that is."""
    masses, limit = [], time.monotonic() + seconds
    with path.open("w") as out:
        for number, (states, shares) in enumerate(_imputed(people, imputer), start=1):
            order = np.argsort(-shares, kind="stable")[:LIKELIEST]
            masses.append(float(shares[order].sum()))
            if time.monotonic() > limit:
                break
            for place, at in enumerate(order.tolist()):
                out.write(f"{number},{_genotype(imputer.table.loci, states[at])},{shares[at]:.9g},{place}\n")
    return masses


def _imputed(people: Sequence[tuple[tuple[str, str], ...]], imputer: Any) -> Iterator[tuple[Any, Any]]:
    """States (g, loci, 2) and shares (g,) of each person that has genotypes."""
    slots = imputer.table.slots.tolist()
    for start in range(0, len(people), AT_ONCE):
        found = imputer.impute_pairs(
            [tuple(one[slot] for slot in slots) for one in people[start : start + AT_ONCE]]
        )
        states = found.states()
        for at in range(len(found)):
            part = slice(int(found.starts[at]), int(found.starts[at + 1]))
            if part.stop > part.start:
                yield states[part], found.shares[part]


def _genotype(loci: Sequence[str], states: Any) -> str:
    pairs = dict(zip(loci, states.tolist(), strict=True))
    return "^".join("+".join(f"{locus}*{_digits(state)}" for state in pairs[locus]) for locus in ORDER)


def _digits(state: int) -> str:
    """Four digits, none of them all 0, which is GRMA's own word for a blank."""
    number = state % 9_998 + 1
    return f"{number // 100:02d}:{number % 100:02d}"


def _ours(snapshot: Any, patients: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Milliseconds of each patient: the search; the search and the probabilities of what it keeps."""
    from matching import predictions
    from matching.engine.search import Criteria, search

    criteria = Criteria(statuses=LISTED, floors=default_floors(), limit=KEPT)

    def both(patient: Any) -> None:
        outcome = search(patient, criteria, snapshot)
        predictions.predict_run(patient, POPULATION, snapshot, outcome.ranked)

    both(patients[0])
    engine = [timed(lambda patient=patient: search(patient, criteria, snapshot))[1] for patient in patients]
    return engine, [timed(lambda patient=patient: both(patient))[1] for patient in patients]


def _report(found: dict[str, Any], masses: list[float], ours: tuple[list[float], list[float]]) -> Figures:
    times = [1000 * seconds for seconds in found["seconds"].values()]
    engine, whole = (statistics.median(part) for part in ours)
    middle, donors = statistics.median(times), found["donors"]
    print(
        f"py-graph-match: {donors:,} donors with {found['genotypes']:,} genotypes (at most {LIKELIEST} each, "
        f"mean share {statistics.fmean(masses):.4f}), graph built in {found['build_seconds']:.0f} s; "
        f"{len(times)} patients: median {middle:.0f} ms, max {max(times):.0f}, "
        f"matches median {statistics.median(found['matches'].values()):.0f}; "
        f"ours, the same donors: {engine:.2f} ms, with probabilities {whole:.0f} ms"
    )
    enough = donors >= DONORS * 0.999
    note = (
        "" if enough else f"measured at {donors} donors: more take too long to impute or to build a graph of"
    )
    return {
        "grma_100k_ms_median": middle if enough else None,
        "grma_ms_median": middle,
        "grma_donors": float(donors),
        "grma_build_s": found["build_seconds"],
        "grma_engine_ms_median": engine,
        "grma_ours_ms_median": whole,
        "grma_note": note,
    }
