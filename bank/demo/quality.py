"""What is known of a synthetic unit beside its counts: potency, viability, screens, its mother. Pure.

Shares and spreads are ASSUMED, near what banks report: viable CD34 after thaw with a median of 92 % and 8 % of units
below 75 % (Purtill 2014, Blood 124:2905); recovery of nucleated cells after thaw of some 85 %.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from typing import Any

from bank.choices import ANALYTE_UNIT, Analyte, TimePoint, UnitStatus
from bank.demo import population
from bank.demo.population import Draw
from bank.imports.origin import Origin
from bank.imports.rows import UnitRow
from bank.imports.typings import BadPair, TypingReader

Genotype = Mapping[str, tuple[str, str]]

MOTHER_TYPED = 0.3
MOTHER_LOCI = ("A", "B", "C", "DRB1", "DQB1")
CFU_KNOWN, VIABILITY_KNOWN, SEGMENT_THAWED = 0.85, 0.95, 0.12
# Hetastarch by hand until the machines came.
AUTOMATED_SINCE = dt.date(2012, 1, 1)
_EARLY = Draw({"HES": 80.0, "manual": 12.0, "": 8.0})
_LATE = Draw({"Sepax": 62.0, "AXP": 30.0, "PrepaCyte": 5.0, "": 3.0})
_RED_CELLS = Draw({"depleted": 94.0, "replete": 3.5, "": 2.5})
_SCREENS = Draw({"not_found": 92.0, "trait": 3.0, "disease": 0.05, "pending": 1.0, "": 3.95})
_SCREEN_METHODS = ("HPLC", "capillary electrophoresis")
# Units that never go to a patient are thawed to check the process.
THAWED_OF_DISCARDED = 0.8
# Median share and its spread (of the logarithm) after thaw.
_RECOVERED = {Analyte.TNC: (0.85, 0.08), Analyte.CD34: (0.82, 0.14), Analyte.CFU: (0.62, 0.28)}
_BY_METHOD = {"HES": 0.96, "manual": 0.92, "Sepax": 1.02, "AXP": 1.0}
_BEFORE = {Analyte.TNC: "tnc_e7", Analyte.CD34: "cd34_e6", Analyte.CFU: "cfu_e5"}
Thawed = list[tuple[str, float]]


def add(row: UnitRow, genotype: Genotype, rng: random.Random, reader: TypingReader) -> None:
    """Put it all onto a row; `thawed` of its values holds what was measured when the whole unit was thawed."""
    row.values |= _processing(row.values["collected_on"], rng)
    row.values |= _potency(row.values, rng)
    row.values |= _screen(row.values["collected_on"], rng)
    row.values["thawed"] = _thawed(row, rng)
    if rng.random() < MOTHER_TYPED:
        pairs = mother(genotype, rng)
        read = {locus: reader.pair(locus, *pair) for locus, pair in pairs.items()}
        row.mother_as_typed = pairs
        row.mother = {locus: pair for locus, pair in read.items() if not isinstance(pair, BadPair)}


def mother(genotype: Genotype, rng: random.Random) -> dict[str, tuple[str, str]]:
    """One haplotype of the child and another one, as a laboratory reports it in two fields."""
    inherited, other = rng.randrange(2), population.haplotype(rng)
    return {locus: (genotype[locus][inherited], f"{locus}*{other.alleles[locus]}") for locus in MOTHER_LOCI}


def _processing(collected: dt.date, rng: random.Random) -> dict[str, Any]:
    method = (_LATE if collected >= AUTOMATED_SINCE else _EARLY).one(rng)
    return {"processing_method": method, "red_cells": _RED_CELLS.one(rng)}


def _potency(values: Mapping[str, Any], rng: random.Random) -> dict[str, float]:
    found: dict[str, float] = {}
    replete = values["red_cells"] == "replete"
    found["haematocrit_percent"] = _percent(rng.gauss(52, 5) if replete else rng.gauss(36, 7))
    if rng.random() < CFU_KNOWN:  # about one colony for four CD34+ cells
        found["cfu_e5"] = round(values["cd34_e6"] * 2.6 * rng.lognormvariate(0, 0.3), 2)
    if rng.random() < VIABILITY_KNOWN:
        found["viability_percent"] = _percent(rng.gauss(93, 3.5))
        found["cd34_viability_percent"] = _percent(100 - rng.lognormvariate(0.9, 0.7))
    if rng.random() < SEGMENT_THAWED:
        found["segment_viability_percent"] = _percent(rng.gauss(74, 8))
        found["segment_cd34_viability_percent"] = _percent(100 - rng.lognormvariate(2.08, 0.81))
    return found


def _percent(value: float) -> float:
    return round(min(max(value, 1.0), 99.8), 1)


def _screen(collected: dt.date, rng: random.Random) -> dict[str, Any]:
    result = _SCREENS.one(rng)
    if not result:
        return {}
    day = None if result == "pending" else collected + dt.timedelta(days=rng.randint(3, 20))
    return {
        "haemoglobinopathy": result,
        "haemoglobinopathy_method": rng.choice(_SCREEN_METHODS),
        "haemoglobinopathy_on": day,
    }


def _thawed(row: UnitRow, rng: random.Random) -> Thawed:
    if row.status != UnitStatus.DISCARDED or rng.random() >= THAWED_OF_DISCARDED:
        return []
    better = _BY_METHOD.get(row.values["processing_method"], 1.0)
    return [
        (analyte.value, round(row.values[name] * better * share * rng.lognormvariate(0, spread), 2))
        for analyte, (share, spread) in _RECOVERED.items()
        if (name := _BEFORE[analyte]) in row.values
    ]


def thawed_lines(row: UnitRow, unit_id: object, origin: Origin) -> Iterator[list[Any]]:
    """As bank.imports.write.measurement_lines."""
    for analyte, value in row.values["thawed"]:
        unit = str(ANALYTE_UNIT[analyte])
        yield [unit_id, TimePoint.POST_THAW.value, analyte, value, unit, "", False, origin.user_id]
