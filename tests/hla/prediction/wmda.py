"""WMDA matching validation, task 3: the reference probabilities against ours, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.prediction.combine import Patient, Predictions, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Imputed
from hla.prediction.table import HaplotypeTable, Nulls
from hla.typing import Typing, parse_pair
from scripts.validate_hla import RealData

LACKING = ("D004016", "A*33:01/A*33:05", "A*33:01/A*33:03/A*33:05")  # ../shared/data/README.md
NULLS_OF_CAU = {"A": "A*01:16N", "C": "C*05:07N"}
SURE = 1e-12  # nearer to 0 or 1 than any real probability of the task
HALF_UP = 1e-9  # 12.5 may come out as 12.499999999999998

Row = dict[str, str]


@dataclass
class Task:
    """The persons of task 3 and the set that it uses."""

    data: RealData

    @cached_property
    def frequencies(self) -> HaplotypeSet:
        return read_set(
            self.data.folder / "frequencies" / "CAU.freqs.gz", name="CAU", population="CAU", release="3.58.0"
        )[0]

    @cached_property
    def donors(self) -> dict[str, Typing]:
        """As the published consensus has them: one donor's list lacks an allele in the file."""
        found = {key: reading.typing for key, reading in self.data.donor_lists.items()}
        donor, wrong, right = LACKING
        typing = found[donor]
        at_a = typing.locus("A")
        assert wrong in (at_a.first, at_a.second)
        repaired = parse_pair(
            "A", *(right if text == wrong else text for text in (at_a.first, at_a.second)), self.data.resolver
        )
        found[donor] = replace(typing, loci={**typing.loci, "A": repaired})
        return found

    @cached_property
    def patients(self) -> dict[str, Typing]:
        return {key: reading.typing for key, reading in self.data.patient_lists.items()}

    def imputer(self, nulls: Nulls) -> Imputer:
        return Imputer(HaplotypeTable.of(self.frequencies, self.data.resolver, nulls=nulls))

    def differences(self, nulls: Nulls, rows: list[Row]) -> list[tuple[Row, Row]]:
        """Rows of the reference that come out differently: expected, found. Rows of a patient stand together."""
        imputer = self.imputer(nulls)
        donors = imputer.impute(list(self.donors.values()))
        places = {key: place for place, key in enumerate(self.donors)}
        patients = imputer.impute(list(self.patients.values()))
        numbers = {key: place for place, key in enumerate(self.patients)}
        found = []
        for key, group in groupby(rows, lambda row: row["patient"]):
            expected = list(group)
            units = donors.taken([places[row["donor"]] for row in expected])
            ours = rows_of(Patient.of(patients, numbers[key]), units)
            for row, texts in zip(expected, ours, strict=True):
                made = {"patient": key, "donor": row["donor"], **texts}
                if made != row:
                    found.append((row, made))
        return found

    def people_with_a_null(self) -> frozenset[str]:
        """Persons with a genotype that has one of the two null alleles of the set."""
        imputer = self.imputer("as-named")
        space = imputer.table.space
        found = set()
        for people in (self.donors, self.patients):
            imputed = imputer.impute(list(people.values()))
            has = np.zeros(len(imputed.rows), dtype=bool)
            for locus, null in NULLS_OF_CAU.items():
                at = imputed.loci.index(locus)
                has |= (imputed.states()[:, at] == space.keys(locus).index(null)).any(axis=1)
            counts = np.add.reduceat(has, imputed.starts[:-1])  # nobody is without genotypes
            found |= {key for key, count in zip(people, counts, strict=True) if count}
        return frozenset(found)


def rows_of(patient: Patient, units: Imputed) -> Iterator[Row]:
    """What the reference writes of each unit."""
    found: Predictions = predict(patient, units, upto=1)
    for unit in range(len(units)):
        row = {}
        for locus in SEARCH_LOCI:
            none = float(found.loci[locus][unit, 0])
            row[f"{locus}_grade"] = "A" if none > 1 - SURE else "M" if none < SURE else "P"
            row[f"{locus}_p"] = percent(none)
        row["p9of10"] = percent(float(found.classes[10][unit, 1]))
        row["p10of10"] = percent(float(found.classes[10][unit, 0]))
        yield row


def percent(probability: float) -> str:
    """Whole per cent, half up."""
    return str(math.floor(100 * probability + 0.5 + HALF_UP))
