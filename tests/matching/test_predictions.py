"""What a search stores of match probabilities."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.errors import Conflict
from hla.frequencies.sets import HaplotypeSet
from hla.prediction import next_typing
from hla.prediction.imputed import Basis
from matching import frequency_sets, inventory, predictions, reference
from matching.engine import prediction, ranking
from matching.engine.prediction import NO_BAND, ListPredictions, nothing_known
from matching.frequency_sets import Choice, SetInfo
from matching.models import SearchRun
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.test_runs import OTHER_GL, XX_GL, executed, submitted

FULL = "A*11:01+A*24:02^B*40:01+B*46:01^C*07:02+C*01:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"
HAPLOTYPES = [
    ("A*11:01", "B*40:01", "C*07:02", "DRB1*09:01", "DQB1*03:03"),
    ("A*24:02", "B*46:01", "C*01:02", "DRB1*15:01", "DQB1*06:01"),
    ("A*11:02", "B*40:01", "C*07:02", "DRB1*09:01", "DQB1*03:03"),
]
LOCI = ("A", "B", "C", "DRB1", "DQB1")


def small_set(name: str, *shares: float) -> HaplotypeSet:
    rows = [(names, share) for names, share in zip(HAPLOTYPES, shares, strict=True) if share]
    return HaplotypeSet.of(rows, name=name, population=name, loci=LOCI)


def served(monkeypatch: pytest.MonkeyPatch, **sets: HaplotypeSet) -> None:
    """Each population has the set of its name, and nobody else any."""

    def choose(populations: dict[str, float], **_: Any) -> list[Choice]:
        return [
            Choice(code, weight, "own", SetInfo(None, code, code, sets[code].checksum), sets[code])
            if code in sets
            else Choice(code, weight, "none", None, None)
            for code, weight in (populations or {"": 1.0}).items()
        ]

    monkeypatch.setattr(frequency_sets, "choose", choose)


@pytest.mark.django_db
def test_probabilities_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Haplotype 1 (0.6) or 3 (0.2) with haplotype 2: the unit has A*11:01 with 0.6 / 0.8, else one mismatch at A."""
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2))
    ListedUnitFactory(gl=FULL.replace("A*11:01", "A*11:XX"), populations="HAN")
    patient = typed_patient(gl=FULL, populations="HAN")

    run = executed(submitted(patient, loci="A,B,C,DRB1,DQB1"))

    (result,) = run.results.all()
    assert (result.p0_of6, result.p0_of8, result.p0_of10) == (0.75, 0.75, 0.75)
    assert result.prediction["10"] == [0.75, 0.25, 0.0]
    assert result.prediction["A"] == [0.75, 0.25, 0.0]
    assert result.prediction["B"] == [1.0, 0.0, 0.0]
    assert (result.prediction["basis"], result.prediction["set"]) == ("set", 0)
    assert run.prediction["patient"]["basis"] == "typing"
    assert run.prediction["patient"]["likely"][0]["share"] == 1.0
    assert run.prediction["counts"]["set"] == 1
    assert run.prediction["sets"][0]["population"] == "HAN"


@pytest.mark.django_db
def test_patient_and_units_by_their_own_populations(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2), UIG=small_set("UIG", 0.1, 0.2, 0.7))
    open_gl = FULL.replace("A*11:01", "A*11:XX")
    for populations in ("HAN", "UIG", "HAN:0.5+UIG:0.5", "ZZ"):
        ListedUnitFactory(gl=open_gl, populations=populations)

    run = executed(submitted(typed_patient(gl=FULL, populations="UIG"), loci="A,B,C,DRB1,DQB1"))

    found = {result.unit.populations: result for result in run.results.select_related("unit")}
    assert found["HAN"].p0_of10 == 0.75
    assert found["UIG"].p0_of10 == 0.125
    assert found["HAN:0.5+UIG:0.5"].p0_of10 == pytest.approx(0.35 / 0.8, abs=1e-6)
    assert found["ZZ"].p0_of10 is None
    assert (found["ZZ"].prediction["basis"], found["ZZ"].prediction["set"]) == ("none", -1)
    assert [one["population"] for one in run.prediction["sets"]] == ["UIG", "HAN"]


@pytest.mark.django_db
def test_without_any_set_the_search_is_made_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch)
    ListedUnitFactory(gl=XX_GL)

    run = executed(submitted())

    assert run.is_finished
    assert run.prediction["sets"] == []
    assert run.prediction["counts"]["none"] == run.kept == 1


@pytest.mark.django_db
def test_a_damaged_set_leaves_the_list_without_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise Conflict("reference_outdated", "HAN must be loaded again.")

    monkeypatch.setattr(predictions, "predict_run", broken)
    ListedUnitFactory(gl=XX_GL)

    run = executed(submitted())

    assert run.prediction == {"error": "HAN must be loaded again."}
    assert [result.p0_of6 for result in run.results.all()] == [None]


@pytest.mark.django_db
def test_within_a_class_the_band_comes_before_the_dose(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.1, 0.2, 0.7))
    likely = ListedUnitFactory(gl=FULL.replace("A*24:02", "A*24:XX"), tnc_e7=90, populations="HAN")
    unlikely = ListedUnitFactory(gl=FULL.replace("A*11:01", "A*11:XX"), tnc_e7=200, populations="HAN")

    run = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci="A,B,C,DRB1,DQB1"))

    assert [result.unit_id for result in run.results.order_by("rank")] == [likely.pk, unlikely.pk]


@pytest.mark.django_db
def test_typings_that_nobody_would_see_are_not_valued_and_the_rest_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.4, 0.2, 0.4))
    rest = "^B*40:01+B*40:01^C*07:02+C*07:02^DRB1*09:01+DRB1*09:01^DQB1*03:03+DQB1*03:03"
    for at_a in ("A*11:XX+A*11:XX", "A*11:01+A*11:XX", "A*11:01+A*11:01"):
        for _ in range(3):
            ListedUnitFactory(gl=at_a + rest, populations="HAN")
    patient = typed_patient(gl="A*11:02+A*11:02" + rest, populations="HAN")
    valued: list[int] = []
    value = next_typing.typing_values
    monkeypatch.setattr(next_typing, "typing_values", lambda *a, **o: valued.append(1) or value(*a, **o))

    def told() -> tuple[int, Any]:
        valued.clear()
        monkeypatch.setattr(predictions, "VALUES_SHOWN", 4)
        run = executed(submitted(patient, floors={"antigen6": 3}))
        return len(valued), run.prediction["next"]

    quickly, found = told()
    monkeypatch.setattr(next_typing, "most_gained", lambda *_: 1.0)
    fully, all_valued = told()

    assert quickly < fully == 9
    assert found == all_valued
    assert len(found["values"]) == 4


@pytest.mark.parametrize(
    ("gains", "least"), [([0.0] * 12, 1e-4), ([0.2] * 11, 1e-4), ([0.2] * 12 + [0.1], 0.2), ([], 1e-4)]
)
def test_the_least_gain_that_is_shown(gains: list[float], least: float) -> None:
    assert predictions._least_shown([(gain, at, "A") for at, gain in enumerate(gains)]) == least


@pytest.mark.django_db
def test_what_is_spent_on_next_typings_ends_also_where_none_is_valued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.4, 0.2, 0.4))
    for gl in (FULL, FULL.replace("A*11:01", "A*11:XX"), FULL.replace("B*40:01", "B*40:XX")):
        ListedUnitFactory(gl=gl, populations="HAN")
    looked_at: list[int] = []
    each = prediction.each_imputed

    def counted(*args: Any) -> Iterator[Any]:
        for unit in each(*args):
            looked_at.append(len(unit.shares))
            yield unit

    monkeypatch.setattr(prediction, "each_imputed", counted)
    monkeypatch.setattr(next_typing, "most_gained", lambda *_: 0.0)
    monkeypatch.setattr(predictions, "VALUED_GENOTYPES", 1)

    executed(submitted(typed_patient(gl=FULL, populations="HAN")))

    assert len(looked_at) == 1


@pytest.mark.django_db
def test_the_next_typing_is_the_one_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both loci leave open whether the unit has two mismatches; typing A alone tells whether it fits."""
    served(monkeypatch, HAN=small_set("HAN", 0.1, 0.2, 0.7))
    other = FULL.replace("B*46:01", "B*13:01").replace("A*11:01", "A*11:XX")
    unit = ListedUnitFactory(gl=other, populations="HAN")
    ListedUnitFactory(gl=OTHER_GL, populations="HAN")

    run = executed(submitted(typed_patient(gl=FULL, populations="HAN"), floors={"antigen6": 3}))

    assert run.prediction["next"]["size"] == 8
    assert all(row["gain"] >= 0 for row in run.prediction["next"]["values"])
    assert unit.pk is not None


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [ValueError, OSError, RuntimeError])
def test_a_fault_in_prediction_does_not_take_the_list(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise fault("cannot cache function")

    monkeypatch.setattr(predictions, "predict_run", broken)
    ListedUnitFactory(gl=XX_GL)

    run = executed(submitted())

    assert (run.kept, run.prediction["error"][:11]) == (1, "They failed")


@pytest.mark.django_db
def test_what_is_certain_needs_no_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No set serves the second unit; it is the patient's twin, and stands before one of 75 %."""
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2))
    possible = ListedUnitFactory(gl=FULL.replace("A*11:01", "A*11:XX"), tnc_e7=200, populations="HAN")
    certain = ListedUnitFactory(gl=FULL, tnc_e7=90, populations="ZZ")
    mismatched = ListedUnitFactory(gl=FULL.replace("B*46:01", "B*13:01"), populations="ZZ")
    open_one = ListedUnitFactory(gl=FULL.replace("A*11:01", "A*11:XX"), tnc_e7=80, populations="ZZ")

    run = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci="A,B,C,DRB1,DQB1"))

    results = list(run.results.order_by("rank"))
    assert [result.unit_id for result in results] == [certain.pk, possible.pk, open_one.pk, mismatched.pk]
    found = {result.unit_id: result for result in results}
    assert found[certain.pk].p0_of10 == 1.0
    assert found[certain.pk].prediction["basis"] == "typing"
    assert found[mismatched.pk].prediction["10"] == [0.0, 1.0, 0.0]
    assert found[mismatched.pk].prediction["B"] == [0.0, 1.0, 0.0]
    assert found[open_one.pk].p0_of10 is None
    assert found[open_one.pk].prediction["basis"] == "none"
    assert found[open_one.pk].prediction["B"] == [1.0, 0.0, 0.0]
    assert run.prediction["counts"]["none"] == 1


@pytest.mark.django_db
def test_what_is_certain_needs_no_set_for_the_patient_either(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch)
    ListedUnitFactory(gl=FULL)

    run = executed(submitted(typed_patient(gl=FULL), loci="A,B,C,DRB1,DQB1"))

    assert [result.p0_of10 for result in run.results.all()] == [1.0]


def random_list(rng: random.Random, n: int) -> ListPredictions:
    found = nothing_known(n)
    for size in (6, 8, 10):
        found.classes[size][:] = np.array([[rng.random(), 0, 0] for _ in range(n)])
    return found


def test_bands_are_steps_of_ten_per_cent() -> None:
    found = nothing_known(6)
    found.classes[6][:5, 0] = [0.0, 0.0999, 0.1, 0.95, 1.0]

    assert found.bands(6).tolist() == [0, 0, 1, 9, 9, NO_BAND]


def test_taken_keeps_rows_together() -> None:
    found = random_list(random.Random(1), 5)
    found.basis[:] = [Basis.SET, Basis.TYPING, Basis.BLOCKS, Basis.NONE, Basis.LOCI]
    order = np.array([3, 1, 0, 4, 2])

    taken = found.taken(order)

    assert taken.classes[8][:, 0].tolist() == found.classes[8][order, 0].tolist()
    assert taken.basis.tolist() == found.basis[order].tolist()
    assert taken.counts() == found.counts() == {**dict.fromkeys(taken.counts(), 1), "listed": 0}


def test_the_order_of_kept_units() -> None:
    class_max = np.array([5, 6, 6, 6, 6])
    class_min = np.array([5, 4, 6, 4, 4])
    bands = np.array([9, 2, 2, 5, 2])
    tnc = np.array([900, 100, 100, 50, 300])

    assert ranking.banded(class_max, class_min, bands, tnc).tolist() == [3, 2, 4, 1, 0]


@pytest.mark.django_db
def test_tables_are_kept_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MAX_TABLES", 2)
    resolver = reference.resolver()
    for number in range(4):
        sets = small_set(f"S{number}", 0.5, 0.3, 0.2 - number / 100)
        choice = Choice("S", 1.0, "own", SetInfo(None, "S", "S", sets.checksum), sets)
        first, again = (predictions.prepared([choice], resolver) for _ in range(2))
        assert first is not None
        assert again is not None
        assert first.imputer is again.imputer
        assert len(predictions._held) <= 2


@pytest.mark.django_db
def test_one_set_for_two_reasons_is_named_by_each() -> None:
    found = small_set("HAN", 0.5, 0.3, 0.2)
    info = SetInfo(None, "HAN", "HAN", found.checksum)
    resolver = reference.resolver()

    own = predictions.prepared([Choice("HAN", 1.0, "own", info, found)], resolver)
    default = predictions.prepared([Choice("", 1.0, "default", info, found)], resolver)

    assert own is not None
    assert default is not None
    assert (own.sets[0]["step"], default.sets[0]["step"]) == ("own", "default")
    assert own.imputer is default.imputer


@pytest.mark.django_db
def test_a_typing_that_todays_reference_cannot_read_counts_as_untyped() -> None:
    ListedUnitFactory(gl=FULL)
    snapshot = inventory.current(reference.resolver())
    book = snapshot.books["A"]
    unread = replace(book, unreadable=np.arange(len(book)) > 0)

    (found,) = replace(snapshot, books={**snapshot.books, "A": unread}).typings(np.array([0]))

    assert found[0] == ("", "")
    assert found[1][0].startswith("B*")
    assert SearchRun.objects.count() == 0
