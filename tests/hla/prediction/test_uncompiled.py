"""The loops as plain Python give what the compiled ones give, on all paths."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from hla.loci import SEARCH_LOCI
from hla.people import Column, People
from hla.prediction import combine, combine_kernels, factored_kernels, kernels
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed
from hla.prediction.matrix import PredictedMatrix
from hla.prediction.next_typing import typing_values
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import whole_distribution
from hla.typing import Typing
from tests.hla.prediction.compared import compare, made_set, shares_of
from tests.hla.prediction.twin import Twin
from tests.hla.prediction.uncompiled import modules, plain_python
from tests.hla.prediction.world import Chance, Haplotype, resolver, typing

Found = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    loci: tuple[str, ...]
    haplotypes: list[Haplotype]
    nulls: str
    patient: Typing
    units: list[Typing]

    @classmethod
    def drawn(cls, seed: object, loci: tuple[str, ...] | None = None) -> Case:
        chance = Chance(seed)
        chosen = loci or chance.loci()
        haplotypes = chance.haplotypes(chosen, 10)
        patient, *units = (chance.typing(chosen, haplotypes) for _ in range(4))
        return cls(chosen, haplotypes, chance.random.choice(("absent", "as-named")), patient, units)

    def table(self) -> HaplotypeTable:
        return HaplotypeTable.of(made_set(self.loci, self.haplotypes), resolver(), nulls=self.nulls)  # type: ignore[arg-type]


def everything(case: Case) -> Found:
    """All that the package says of a case, by name."""
    found: Found = {}
    for name, imputer in (
        ("exact", Imputer(case.table())),
        ("pruned", Imputer(case.table(), bound=0.1, exact_pairs=2)),
    ):
        units, own = imputer.impute(case.units), imputer.impute([case.patient])
        for what, imputed in (("units", units), ("own", own)):
            found |= {f"{name} {what} {field}": getattr(imputed, field) for field in IMPUTED}
        found |= {f"{name} {key}": value for key, value in predicted(own, units).items()}
    return found


IMPUTED = ("rows", "shares", "starts", "lost", "basis")


def predicted(own: Imputed, units: Imputed) -> Found:
    patient = Patient.of(own)
    found: Found = {}
    for upto in (0, 2, 10):
        answer = predict(patient, units, upto=upto)
        found |= {f"P {upto} {size}": shares for size, shares in answer.classes.items()}
        found |= {f"P {upto} {locus}": shares for locus, shares in answer.loci.items()}
    if 8 in answer.classes:
        found["gains"] = typing_values(patient, units, allowed=3).gains
    for unit in range(len(units)):
        whole = whole_distribution(patient, units, unit)
        found |= {f"whole {unit} {size}": shares for size, shares in (whole.classes if whole else {}).items()}
    return found


def same(compiled: Found, plain: Found) -> None:
    assert compiled.keys() == plain.keys()
    for name, values in compiled.items():
        assert values.shape == plain[name].shape, name
        assert np.allclose(values, plain[name], rtol=0, atol=1e-11, equal_nan=True), name


@pytest.mark.slow
@pytest.mark.parametrize("number", range(8))
def test_small_cases_are_equal(number: int) -> None:
    for part in range(5):
        case = Case.drawn(f"plain {number} {part}", SEARCH_LOCI if part < 2 else None)
        compiled = everything(case)
        with plain_python():
            plain = everything(case)

        same(compiled, plain)


def test_every_loop_is_replaced_wherever_it_is_named(plain: int) -> None:
    left = [
        f"{module.__name__}.{name}"
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    ]

    assert left == []
    assert plain >= 40


@pytest.mark.slow
def test_plain_loops_equal_the_twin(plain: int) -> None:
    for number in range(10):
        chance = Chance(f"plain twin {number}")
        loci = chance.loci()
        haplotypes = chance.haplotypes(loci, 8)
        people = [chance.typing(loci, haplotypes) for _ in range(3)]
        found = compare(Twin(loci, haplotypes, resolver()), people[0], people[1:])

        assert found.wrong == []
        assert found.largest < 1e-10


def open_case(size: int, *, loci: tuple[str, ...] = SEARCH_LOCI) -> Case:
    """Many haplotypes of few alleles, and typings that allow them all: every array has to grow."""
    chance = random.Random(5)
    names = [f"{family}:{member}" for family in ("01", "02") for member in ("01", "02", "03")]
    combinations = list(product(names, repeat=len(loci)))
    haplotypes = [
        (tuple(f"{locus}*{name}" for locus, name in zip(loci, names, strict=True)), chance.random())
        for names in chance.sample(combinations, size)
    ]
    return Case(loci, haplotypes, "absent", Typing({}), [Typing({})])


@pytest.mark.slow
def test_imputed_arrays_that_grow_are_equal() -> None:
    def answer() -> Found:
        case = open_case(70)
        found = Imputer(case.table()).impute([case.patient])
        return {field: getattr(found, field) for field in IMPUTED}

    compiled = answer()
    with plain_python():
        plain = answer()

    assert len(compiled["shares"]) > 1_024
    same(compiled, plain)


@pytest.mark.slow
def test_predicted_arrays_that_grow_are_equal() -> None:
    case = open_case(45)
    own = Imputer(case.table()).impute([case.patient])

    def answer() -> Found:
        result = predict(Patient.of(own), own)
        gains = typing_values(Patient.of(own), own).gains
        return {"gains": gains} | {f"{size}": shares for size, shares in result.classes.items()}

    compiled = answer()
    with plain_python():
        plain = answer()

    assert len(own.rows) > 512
    same(compiled, plain)


@pytest.mark.parametrize("upto", [1, 4, 10])
def test_all_sub_genotypes_fit_in_their_table(upto: int) -> None:
    """A row may enter 1,024 keys at once: a table of that size would be full and searched without end."""
    case = open_case(12 if upto == 10 else 30)
    imputed = Imputer(case.table()).impute([case.patient])
    patient = Patient.of(imputed)
    arguments = (patient.rows, patient.shares, np.arange(5), patient.local, patient.radices, patient.counts)
    keys, values = combine_kernels.indexed(*arguments, upto)
    with plain_python():
        plain_keys, plain_values = combine_kernels.indexed(*arguments, upto)

    used = int((keys[:, 0] != combine_kernels.FREE).sum())
    assert 512 < used <= len(keys) // 2
    assert values.sum() == pytest.approx(sum(comb(10, left) for left in range(upto + 1)))
    assert np.array_equal(keys, plain_keys)
    assert np.array_equal(values, plain_values)


def test_a_genotype_list_that_only_seems_to_fit_is_equal() -> None:
    """Of each alternative one allele comes with B*01, but no two of the same."""
    names = (("01:01", "01:01"), ("03:01", "01:01"), ("02:01", "02:01"), ("01:03", "02:01"))
    haplotypes = [((f"A*{one}", f"B*{other}"), 0.25) for one, other in names]
    person = typing({"A": ("01:01|03:01", "02:01|01:03"), "B": ("01:XX", "01:XX")})
    case = Case(("A", "B"), haplotypes, "absent", person, [person, typing({})])

    compiled = everything(case)
    with plain_python():
        plain = everything(case)

    same(compiled, plain)
    assert compiled["exact own basis"].tolist() == [Basis.LOCI]


def matrix(patients: dict[str, Typing], units: dict[str, Typing], table: HaplotypeTable) -> PredictedMatrix:
    return PredictedMatrix.of(people(patients, table.loci), people(units, table.loci), table)


def people(typings: dict[str, Typing], loci: tuple[str, ...]) -> People:
    columns = {
        locus: Column([one.locus(locus) for one in typings.values()], list(range(len(typings))))
        for locus in loci
    }
    return People(list(typings), columns)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_rows_of_the_matrix_are_equal(number: int) -> None:
    for part in range(4):
        case = Case.drawn(f"matrix {number} {part}", SEARCH_LOCI if part < 2 else None)
        patients = {"P1": case.patient, "P": case.units[0]}
        units = {f"U{place}": unit for place, unit in enumerate(case.units)}

        def blocks(case: Case = case, patients: Any = patients, units: Any = units) -> list[bytes]:
            found = matrix(patients, units, case.table())
            return [bytes(found.block(patient)) for patient in range(2)]

        compiled = blocks()
        with plain_python():
            assert blocks() == compiled


def test_a_pruned_genotype_list_is_equal() -> None:
    """Pairs that no alternative allows count neither for what is kept nor for what is lost."""
    case = open_case(30, loci=("A", "B"))
    person = typing({"A": ("01:XX|02:01", "02:XX|02:02")})

    def answer(bound: float) -> Found:
        found = Imputer(case.table(), bound=bound, exact_pairs=5).impute([person])
        return {field: getattr(found, field) for field in IMPUTED}

    exact = shares_of(Imputer(case.table()).impute([person]))
    for bound in (0.3, 0.05, 0.0):
        compiled = answer(bound)
        with plain_python():
            plain = answer(bound)

        same(compiled, plain)
        assert 0 <= compiled["lost"][0] <= bound + 1e-9
        assert compiled["shares"].sum() == pytest.approx(1 - compiled["lost"][0])
        assert len(compiled["shares"]) <= len(exact)
    assert compiled["shares"] == pytest.approx(list(exact.values()))


def test_more_pairs_than_can_be_held_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    case = open_case(30)
    people = [typing({}), typing({"A": ("01:01", "01:XX")}), typing({"A": ("01:01", "03:XX")})]
    with plain_python():
        monkeypatch.setattr(kernels, "PAIRS_AT_MOST", 200)
        found = Imputer(case.table()).impute(people)

    assert [Basis(basis).name for basis in found.basis] == ["NONE", "SET", "NONE"]
    assert np.diff(found.starts).tolist()[::2] == [0, 0]


def test_rows_of_persons_without_an_estimate_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hla.prediction.fits.MAX_PAIRS_LISTED", 0)
    table = Case(("A",), [(("A*01:01",), 1.0)], "absent", Typing({}), []).table()
    people = {"known": typing({"A": ("01:XX", "")}), "unknown": typing({"A": ("03:XX", "03:01")})}

    def blocks() -> list[str]:
        found = matrix(people, people, table)
        return [bytes(found.block(patient)).decode() for patient in range(2)]

    compiled = blocks()
    with plain_python():
        assert blocks() == compiled

    assert compiled == [
        "known;known;A;100;0;100\nknown;unknown;?;;;\n",
        "unknown;known;?;;;\nunknown;unknown;?;;;\n",
    ]


def test_many_genotypes_of_units_are_equal() -> None:
    """More class I and class II parts than the first tables hold."""
    rows = np.zeros((1_300, 3), dtype=np.uint64)
    states = rows.view(np.uint16).reshape(len(rows), 6, 2)
    chance = np.random.default_rng(3)
    states[:, :5] = np.sort(chance.integers(1, 40, (len(rows), 5, 2)), axis=2)
    shares = chance.random(len(rows))
    local = np.tile(np.arange(40, dtype=np.int32), (5, 1))
    arguments = (rows, shares, np.array([0, 600, len(rows)]), np.arange(5), local, 2)

    compiled = factored_kernels.parted(*arguments)
    with plain_python():
        plain = factored_kernels.parted(*arguments)

    assert len(compiled[4]) > 1_024
    assert len(compiled[5]) > 512
    for one, other in zip(compiled, plain, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("size", [1, 32, 33, 1000])
def test_a_table_is_at_least_half_empty(size: int, plain: int) -> None:
    found = kernels.table_size(size)

    assert found >= 2 * size
    assert found & (found - 1) == 0


def test_words_of_a_hash_depend_on_each_other() -> None:
    words = [np.uint64(word) for word in (1, 2, 3)]
    hashes = {int(kernels.mixed(*order)) for order in product(words, repeat=3)}

    assert len(hashes) == 27
    with plain_python():
        assert {int(kernels.mixed(*order)) for order in product(words, repeat=3)} == hashes


def test_tiles_in_threads_give_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case.drawn("tiles", SEARCH_LOCI)
    imputer = Imputer(case.table())
    own, units = imputer.impute([case.patient]), imputer.impute(case.units * 3)
    alone = predict(Patient.of(own), units, threads=1)
    monkeypatch.setattr(combine, "ALONE_BELOW", 0)
    together = predict(Patient.of(own), units, threads=3)

    same({"10": alone.classes[10]}, {"10": together.classes[10]})
    assert len(combine.split(units, 3)) > 1
