"""The prognosis: counted by hand in the engine, held against the search, and as people see it."""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from core.models import User
from core.roles import Role
from hla.frequencies.sets import HaplotypeSet
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from hospitals.models import Hospital, Patient
from matching import frequency_sets, inventory, predictions, prognosis
from matching.engine.planning_expected import Expected
from matching.engine.planning_people import Population
from matching.engine.policy import Policy
from matching.engine.prognosis import Genotype
from matching.engine.prognosis import prognosis as counted
from matching.models import FrequencySet, SelectionPolicy
from matching.presenters import prognosis as words
from tests.factories.hospitals import HospitalFactory, PatientFactory
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, frequency_set, typed_patient
from tests.factories.planning import ONE, RESOLVER, TWO, haplotype, toy_set, toy_snapshot, toy_unit
from tests.matching.test_pages_references import client_of, text_of
from tests.matching.test_planning_job import COMMON


def genotype(first: str, second: str, share: float) -> Genotype:
    names = zip(haplotype(first), haplotype(second), strict=True)
    return Genotype(dict(zip(SEARCH_LOCI, names, strict=True)), share)


def test_counts_by_hand() -> None:
    """Twice ONE with three times the share of twice TWO, for whom there is nothing; a fifth was not listed."""
    rows = [
        toy_unit(1, ONE, ONE, 100),
        toy_unit(2, ONE, ONE, 20, A=("A*01:01/A*03:01", "A*01:01")),
        toy_unit(3, ONE, ONE, 300, status="RESERVED"),
    ]
    population = Population.of(toy_set((ONE, 0.5), (TWO, 0.5)), RESOLVER)

    found = counted(
        [genotype(ONE, ONE, 0.6), genotype(TWO, TWO, 0.2)],
        toy_snapshot(rows),
        loci=SEARCH_LOCI,
        policy=Policy(),
        need_e4=50_000,
        expected={"antigen6": Expected(population, RESOLVER, Policy(), "antigen6")},
        new_a_year=1_000,
        enough=0.5,
    )

    best = next(one for one in found.outlooks if (one.class_name, one.floor) == ("antigen6", 6))
    assert (best.any_unit, best.any_certain, best.any_large) == (0.75, 0.75, 0.75)
    assert (best.units, best.certain, best.large) == pytest.approx((1.5, 0.75, 0.75))
    assert best.new_a_year == pytest.approx(250)  # one of four new units is that of either genotype
    assert best.large_a_year == pytest.approx(125)
    assert found.told == pytest.approx(0.8)
    assert found.best("antigen6") == [(6, 0.75), (5, 0.0), (4, 0.0)]
    assert all(math.isnan(one.new_a_year) for one in found.outlooks if one.class_name == "allele8")


def told(patient: Patient) -> prognosis.Told:
    fresh = Patient.objects.with_current_typing().get(pk=patient.pk)
    return prognosis.prognosis_of(fresh)


@pytest.fixture
def snapshot(ledger_at_once: None, resolver: Resolver) -> None:
    for tnc_e7 in (150, 40, None):
        ListedUnitFactory(gl=COMMON, tnc_e7=tnc_e7, collected_on=timezone.localdate())
    ListedUnitFactory(gl=COMMON, tnc_e7=150)  # of years ago
    inventory.current(resolver)


def test_of_a_clear_typing_it_is_what_the_search_counts(snapshot: None) -> None:
    patient = typed_patient(COMMON, weight_kg=Decimal(20))

    found = told(patient)
    run = searched_run(patient)

    assert found.genotypes == 1
    assert found.found.told == 1.0
    assert (found.basis, found.sets, found.new_set) == ("typing", ("demo (synthetic)",), "demo (synthetic)")
    assert (found.new_a_year, found.units) == (3, 4)
    for name, counts in run.counts.items():
        for one in found.found.outlooks:
            if one.class_name == name:
                possible = sum(row[1] for row in counts if row[0] >= one.floor)
                assert one.units == possible, (name, one.floor)
    best = found.found.outlooks[0]
    assert (best.large, best.any_unit) == (2.0, 1.0)  # 50 · 10⁷ are needed
    assert best.large_a_year == pytest.approx(best.new_a_year / 3)
    assert 0 < best.new_a_year < 3


def test_an_open_typing_is_counted_for_its_likely_genotypes(snapshot: None) -> None:
    found = told(typed_patient("A*02:XX+A*11:01^B*46:01+B*46:01^DRB1*09:01+DRB1*09:01", weight_kg=None))

    best = found.found.outlooks[0]
    assert found.genotypes > 3
    assert 0.9 < found.found.told < 1
    assert best.any_unit == 1.0  # A2 is enough for the antigen
    allele = next(one for one in found.found.outlooks if (one.class_name, one.floor) == ("allele6", 6))
    assert 0.2 < allele.any_unit < 1
    assert found.dose is None


def test_it_needs_no_second_inventory_and_builds_none(db: None, resolver: Resolver) -> None:
    ListedUnitFactory(gl=COMMON)

    with pytest.raises(Conflict) as error:
        told(typed_patient(COMMON))

    assert error.value.code == "inventory_not_at_hand"
    assert not inventory.file_path().exists()
    inventory.current(resolver)
    assert told(typed_patient(COMMON)).units == 1
    inventory.forget()
    assert told(typed_patient(COMMON)).units == 1  # the host's file is mapped


def test_what_cannot_be_told_says_why(snapshot: None) -> None:
    with pytest.raises(InvalidInput) as untyped:
        told(PatientFactory())
    with pytest.raises(InvalidInput) as partly:
        told(typed_patient("A*02:07+A*11:01^B*46:01+B*46:01"))
    SelectionPolicy.objects.update(is_default=False, retired_at=timezone.now())
    with pytest.raises(Conflict) as no_policy:
        told(typed_patient(COMMON))

    codes = [one.value.code for one in (untyped, partly, no_policy)]
    assert codes == ["patient_untyped", "patient_untyped", "policy_missing"]
    assert "DRB1" in partly.value.message


def test_without_a_set_that_serves_nothing_is_told(snapshot: None) -> None:
    frequency_set("ELSE", is_active=True)
    frequency_sets.forget()
    predictions.forget()

    with pytest.raises(Conflict) as error:
        told(typed_patient(COMMON))

    assert error.value.code == "no_genotypes"


def in_use(found: HaplotypeSet, population: str) -> None:
    stored = {"loci": list(found.loci), "checksum": found.checksum, "compiled": found.to_bytes()}
    digest = hashlib.sha256(found.to_bytes()).hexdigest()
    frequency_set(population, is_active=True, compiled_sha256=digest, **stored)


def test_new_units_need_the_banks_set(snapshot: None) -> None:
    """The patient has a set of his own; none serves units of unknown population, then one that lacks DRB1 does."""
    mine = "02:07 46:01 01:02 09:01 03:03"
    in_use(toy_set((mine, 0.5), (mine.replace("02:07", "11:01"), 0.5)), "OWN")
    frequency_sets.forget()
    none = told(typed_patient(COMMON, populations="OWN"))
    frequency_set("TOY", is_active=True, is_default=True)
    frequency_sets.forget()

    short = told(typed_patient(COMMON, populations="OWN"))
    with pytest.raises(Conflict) as error:
        told(typed_patient(COMMON))

    assert (none.sets, none.new_set, short.new_set) == (("Toy OWN v1",), "", "Toy TOY v1")
    assert all(math.isnan(one.new_a_year) for one in (*none.found.outlooks, *short.found.outlooks))
    assert error.value.code == "set_lacks_loci"


def test_a_set_that_the_release_cannot_read_tells_nothing_of_new_units(snapshot: None) -> None:
    bad = "02:07 46:01 01:ZZZZ 09:01 03:03"
    in_use(toy_set((bad, 1.0)), "BAD")
    FrequencySet.objects.update(is_default=True)
    in_use(toy_set(("02:07 46:01 01:02 09:01 03:03", 1.0)), "OWN")
    frequency_sets.forget()

    assert told(typed_patient(COMMON, populations="OWN")).new_set == ""


def test_sets_that_are_too_many_are_let_go(snapshot: None, monkeypatch: pytest.MonkeyPatch) -> None:
    prognosis._kept.clear()
    monkeypatch.setattr(prognosis, "MOST_KEPT", 1)

    assert told(typed_patient(COMMON)).found.outlooks[0].new_a_year > 0
    assert len(prognosis._kept) == 1


def test_genotypes_with_nulls() -> None:
    assert prognosis._expressed({"A": ("", "A*02:01P"), "B": ("B*07:02P", "B*08:01P")}) == {
        "A": ("A*02:01P", "A*02:01P"),
        "B": ("B*07:02P", "B*08:01P"),
    }
    assert prognosis._expressed({"A": ("", "")}) is None


# --- pages ---


def url(patient: Patient) -> str:
    return reverse("matching:prognosis", args=[patient.pk])


def test_the_page_and_the_part_of_the_request_form(client: Client, patient: Patient, snapshot: None) -> None:
    part = text_of(client.get(url(patient), headers={"HX-Request": "true"}))
    page = text_of(client.get(url(patient)))
    form = text_of(client.get(reverse("matching:request-create") + f"?patient={patient.pk}"))
    detail = text_of(client.get(reverse("hospitals:patient-detail", args=[patient.pk])))

    assert "<html" not in part
    assert "At least one" in part
    assert "New match request" in page
    for shown in (form, detail):
        assert url(patient) in shown
    assert "style=" not in page.split("<main")[1]


def test_a_page_that_cannot_tell_says_so(client: Client, patient: Patient, db: None) -> None:
    shown = text_of(client.get(url(patient)))

    assert "No prognosis" in shown
    assert "The inventory is being made ready" in shown


def test_an_unforeseen_error_keeps_nobody_from_searching(
    client: Client, patient: Patient, snapshot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(prognosis, "prognosis_of", broken)

    assert "A search does not need it" in text_of(client.get(url(patient)))


def test_another_hospitals_patient_does_not_exist(client: Client, user: User) -> None:
    other: Hospital = HospitalFactory()

    assert client.get(url(typed_patient(hospital=other))).status_code == 404
    assert client_of(Role.LAB).get(url(typed_patient(hospital=other))).status_code == 403


def test_words(snapshot: None) -> None:
    found = words.context(told(typed_patient(COMMON, weight_kg=Decimal(20))))

    assert found["single"]
    assert found["sentences"][0].startswith(
        "A, B antigen, DRB1 allele (of 6): best unit 6/6, probability 100.0 %"
    )
    far = "A*68:01+A*68:01^B*81:01+B*81:01^C*08:01+C*08:01^DRB1*14:03+DRB1*14:03^DQB1*03:01+DQB1*03:01"
    assert "probably no unit at ≥4/6 (100.0 %)" in words.context(told(typed_patient(far)))["sentences"][0]
    three = told(typed_patient(COMMON))
    assert words.sentence(three, "allele6") != ""
    assert words.sentence(three, "allele12") == ""
    assert [words.number(value) for value in (math.nan, 0, 0.001, 0.25, 2.5, 3, 1234.5)] == [
        "–", "0", "<0.01", "0.25", "2.5", "3", "1,234",
    ]  # fmt: skip
