"""All patients against all units with probabilities: rows as the WMDA's validation of match prediction has them.

`patient;unit;A;A_p;…;p9of10;p10of10`: per locus A (certainly two matches), P (possible) or M (none), and the
probability of two matches in whole per cent, rounded half up; then of exactly one mismatch, and of none, over all
loci. A genotype that several units may have is compared with a patient once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.matrix import MatrixError
from hla.people import People
from hla.prediction import combine_kernels, matrix_kernels
from hla.prediction.combine import BINOMIALS, Patient
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed, Part, joined, pairs_in
from hla.prediction.table import HaplotypeTable

Array = NDArray[Any]

CERTAIN, POSSIBLE, NEVER, UNKNOWN = (ord(letter) for letter in "APM?")
OF_LOCUS: Final = len(";A;100")
OF_WHOLE: Final = len(";100")
AT_ONCE: Final = 256  # distinct typings imputed together
MOST_GENOTYPES: Final = 20_000_000  # of all persons of a file; some 100 bytes each
EXACT_PAIRS: Final = 4_000_000  # no pruning: grades ask whether something is possible at all


@dataclass(frozen=True)
class LocusColumn:
    """The distinct pairs of states of all units at one locus, and who has them with which share.

    pairs: uint32, sorted; states: int64 (pairs, 2), the same. ids, shares: of unit i from starts[i]. only: int64
    (units,), the one pair of a unit, -1 of one that may have several. of_genotype: int64 (genotypes,), pair of each
    distinct genotype.
    """

    pairs: Array
    ids: Array
    shares: Array
    starts: Array
    only: Array
    of_genotype: Array
    states: Array

    @classmethod
    def of(cls, slot: int, units: Imputed, genotypes: Array) -> "LocusColumn":
        column = pairs_in(units.rows)[:, slot]
        pairs, ids = np.unique(column, return_inverse=True)
        person = np.repeat(np.arange(len(units)), np.diff(units.starts))
        keys, places = np.unique(person * len(pairs) + ids, return_inverse=True)
        shares = np.bincount(places, weights=units.shares, minlength=len(keys))
        counts = np.bincount(keys // max(len(pairs), 1), minlength=len(units))
        starts = np.concatenate([[0], np.cumsum(counts)])
        pair_ids = keys % max(len(pairs), 1)
        only = np.full(len(units), -1, dtype=np.int64)
        single = np.flatnonzero(counts == 1)
        only[single] = pair_ids[starts[single]]
        states = np.column_stack([pairs & 0xFFFF, pairs >> 16]).astype(np.int64)
        return cls(pairs, pair_ids, shares, starts, only, ids[genotypes], states)


@dataclass
class PredictedMatrix:
    """Patients and units with their genotypes; `block` gives the rows of one patient."""

    patients: People
    units: People
    imputed_patients: Imputed
    imputed_units: Imputed
    columns: list[LocusColumn]
    genotypes: Array
    holders: tuple[Array, Array, Array]
    _names: tuple[Array, Array]
    _out: Array
    _pair_ids: Array

    @classmethod
    def of(cls, patients: People, units: People, table: HaplotypeTable) -> "PredictedMatrix":
        """Both read at loci that the table has; others count as untyped there."""
        imputer = Imputer(table, exact_pairs=EXACT_PAIRS)
        of_patients, of_units = (imputed(imputer, people) for people in (patients, units))
        numbers, firsts = matrix_kernels.distinct_rows(of_units.rows)
        columns = [LocusColumn.of(int(slot), of_units, firsts) for slot in table.slots]
        person = np.repeat(np.arange(len(of_units)), np.diff(of_units.starts))
        order = np.argsort(numbers, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(firsts)))])
        texts = [name.encode() for name in units.ids]
        width = max(map(len, (name.encode() for name in patients.ids)), default=0)
        size = sum(map(len, texts)) + len(texts) * (width + 2 + OF_LOCUS * len(table.loci) + 2 * OF_WHOLE)
        return cls(
            patients,
            units,
            of_patients,
            of_units,
            columns,
            np.ascontiguousarray(of_units.rows[firsts]),
            (person[order], of_units.shares[order], starts),
            (np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)])),
            np.empty(size, dtype=np.uint8),
            pair_ids(columns),
        )

    @property
    def pairs(self) -> int:
        return len(self.patients) * len(self.units)

    @property
    def loci(self) -> tuple[str, ...]:
        return self.imputed_units.loci

    def header(self) -> bytes:
        at_loci = [name for locus in self.loci for name in (locus, f"{locus}_p")]
        positions = 2 * len(self.loci)
        whole = [f"p{positions - 1}of{positions}", f"p{positions}of{positions}"]
        return (";".join(["patient", "unit", *at_loci, *whole]) + "\n").encode()

    def block(self, patient: int) -> bytearray:
        """The rows of one patient."""
        found = Patient.of(self.imputed_patients, patient)
        grades, matched = self._at_loci(patient)
        whole = self._over_all(found)
        unknown = self._unknown(len(found.rows) == 0)
        grades[:, unknown] = UNKNOWN
        name = np.frombuffer(self.patients.ids[patient].encode(), np.uint8)
        size = matrix_kernels.written(name, *self._names, grades, matched, whole, unknown, self._out)
        return bytearray(self._out[:size])

    def _unknown(self, all_of_them: bool) -> Array:
        nothing: Array = np.diff(self.imputed_units.starts) == 0
        return nothing | all_of_them

    def _at_loci(self, patient: int) -> tuple[Array, Array]:
        """Grade and probability of two matches at each locus: uint8, float64 (loci, units)."""
        rows, shares = self.imputed_patients.of(patient)
        own = pairs_in(rows)
        pruned = self.imputed_units.lost + self.imputed_patients.lost[patient] > 0
        grades = np.empty((len(self.columns), len(self.units)), dtype=np.uint8)
        matched = np.empty(grades.shape)
        for at, (slot, column) in enumerate(zip(self.imputed_units.table.slots, self.columns, strict=True)):
            pairs, places = np.unique(own[:, slot], return_inverse=True)
            expressed = np.bincount(places, weights=shares, minlength=len(pairs))
            expressed[pairs == 0] = 0.0  # two alleles that are not expressed match nothing
            where = np.minimum(np.searchsorted(column.pairs, pairs), max(len(column.pairs) - 1, 0))
            there = (
                column.pairs[where] == pairs if len(column.pairs) else np.zeros(len(pairs), dtype=np.bool_)
            )
            of_pair = np.zeros(len(column.pairs))
            of_pair[where[there]] = expressed[there]
            matrix_kernels.locus_matched(column.starts, column.ids, column.shares, of_pair, matched[at])
            only = where[0] if len(pairs) == 1 and there.all() and pairs[0] else -2
            certain = column.only == only
            grades[at] = np.where((matched[at] > 0) | pruned, np.where(certain, CERTAIN, POSSIBLE), NEVER)
        return grades, matched

    def _over_all(self, patient: Patient) -> Array:
        """P(0), P(1) mismatches over all loci: float64 (units, 2)."""
        slots = self.imputed_units.table.slots
        local = patient.seen(self.imputed_units)
        keys, values = combine_kernels.indexed(
            patient.rows,
            patient.shares,
            slots,
            local,
            patient.radices,
            patient.counts,
            matrix_kernels.TOLD_APART,
        )
        absent = [
            (local[slot][column.states] == 0).sum(axis=1, dtype=np.uint8)
            for slot, column in zip(slots, self.columns, strict=True)
        ]
        result = np.zeros((len(self.units), 2))
        matrix_kernels.whole_shares(
            self.genotypes,
            self._pair_ids,
            np.cumsum([0, *map(len, absent[:-1])]),
            np.concatenate(absent),
            *self.holders,
            slots,
            local,
            patient.radices,
            patient.counts,
            keys,
            values,
            BINOMIALS,
            result,
        )
        return result

    def notes(self) -> list[str]:
        """How many persons the set does not explain, and what was left out."""
        found = []
        for side, people in (("patients", self.imputed_patients), ("units", self.imputed_units)):
            weak = int((people.basis >= Basis.BLOCKS).sum())
            none = int((people.basis == Basis.NONE).sum())
            if weak:
                found.append(
                    f"{weak:,} of {len(people):,} {side} are not explained by two haplotypes of the set, or too open "
                    f"to be: {weak - none:,} estimated with less linkage, {none:,} without an estimate (?)."
                )
            if len(people) and people.lost.max() > 0:
                found.append(f"Of {side} at most {people.lost.max():.2g} of a probability was left out.")
        return found


def pair_ids(columns: Sequence[LocusColumn]) -> Array:
    """Pair of each distinct genotype at each locus, as narrow as it can be: uint16 or uint32 (genotypes, loci)."""
    narrow = all(len(column.pairs) <= 1 << 16 for column in columns)
    stacked = np.column_stack([column.of_genotype for column in columns])
    return stacked.astype(np.uint16 if narrow else np.uint32)


def imputed(imputer: Imputer, people: People) -> Imputed:
    """Genotypes of all persons. Raises MatrixError where they are more than memory should hold."""
    each = pairs_of(people, imputer.table.loci)
    counts = Counter(each)
    distinct = list(counts)
    parts: dict[tuple[tuple[str, str], ...], Part] = {}
    total = 0
    for start in range(0, len(distinct), AT_ONCE):
        portion = distinct[start : start + AT_ONCE]
        found = imputer.impute_pairs(portion)
        parts |= {one: found.part(at) for at, one in enumerate(portion)}
        total += sum(counts[one] * len(parts[one].shares) for one in portion)
        if total > MOST_GENOTYPES:
            name = people.ids[each.index(max(portion, key=lambda one: len(parts[one].shares)))]
            raise MatrixError(
                f"These persons have more than {MOST_GENOTYPES:,} genotypes in all: give fewer at a time, or leave "
                f"out the most open ones, such as {name}."
            )
    return joined(imputer.table, [parts[one] for one in each])


def pairs_of(people: People, loci: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """The two texts of each person at each locus."""
    columns = []
    for locus in loci:
        column = people.columns[locus]
        texts = [(typing.first, typing.second) for typing in column.typings]
        columns.append([texts[code] for code in column.codes])
    return list(zip(*columns, strict=True))
