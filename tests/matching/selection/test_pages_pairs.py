"""Pages, CSV and API of double units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import ConnectionError as NoRedis

from bank.models import CordBloodUnit, HaemoglobinopathyResult
from hospitals.models import Hospital, Patient
from matching import services
from matching.engine.selection.catalogue import RULES
from matching.engine.selection.rules import parse
from matching.models import SearchRun, SelectionPolicy
from matching.selection import pairs as run_pairs_module
from matching.selection.pairs import SINGLE_DOSES, run_pairs, unit_rules
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import queued_run, searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE, FOUR, csv_rows
from tests.matching.test_pages_requests import client_of, text_of

WEIGHT = Decimal(60)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return typed_patient(hospital=hospital, abo="O", weight_kg=WEIGHT)


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    """Doses of 2, 2, 1.9, 1.5 and 1.4 ×10⁷/kg for 60 kg; of one the CD34 cells are unknown."""
    return {
        "six": ListedUnitFactory(tnc_e7=120, cd34_e6=9, abo="O", segments=2),
        "five": ListedUnitFactory(gl=FIVE, tnc_e7=120, cd34_e6=9, abo="A", segments=3),
        "open": ListedUnitFactory(gl=FIVE, tnc_e7=114, cd34_e6=None, abo="B", segments=1),
        "edge": ListedUnitFactory(gl=FOUR, tnc_e7=90, cd34_e6=9, abo="", segments=2),
        "small": ListedUnitFactory(tnc_e7=84, cd34_e6=9, segments=2),
    }


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    judged_by_what_is_known(searched_run(patient))
    return SearchRun.objects.with_request().get(request__patient=patient)


def judged_by_what_is_known(run: SearchRun) -> None:
    """A policy that does not ask for the patient's antibodies and the units' markers, which nobody has tested here."""
    policy = run.policy
    for code in ("dsa", "markers", "haemoglobinopathy"):
        policy.rules["selection"]["rules"][code]["action"] = "off"
    policy.pk, policy.name, policy.is_default = uuid4(), "By what is known", False
    policy.proposed_for = ""
    policy.save(force_insert=True)
    SearchRun.objects.filter(pk=run.pk).update(policy=policy)


def list_url(run: SearchRun, query: str = "") -> str:
    return reverse("matching:pair-list", args=[run.pk]) + query


def detail_url(run: SearchRun, one: CordBloodUnit, other: CordBloodUnit) -> str:
    return reverse("matching:pair-detail", args=[run.pk, one.pk, other.pk])


def shown(response: Any, units: dict[str, CordBloodUnit]) -> list[tuple[str, ...]]:
    names = {unit.public_no: name for name, unit in units.items()}
    return [tuple(names[unit["unit"]] for unit in row["units"]) for row in response.context["rows"]]


def test_the_best_pairs_stand_first_with_what_cannot_be_told(
    client: Client, run: SearchRun, units: Any
) -> None:
    response = client.get(list_url(run))

    # six + edge and five + edge are exactly 3.5: not above the line
    assert shown(response, units) == [("six", "five"), ("six", "open"), ("five", "open")]
    first, second, third = response.context["rows"]
    assert [str(row["verdict"]["text"]) for row in (first, second, third)] == [
        "passes",
        "cannot tell",
        "cannot tell",
    ]
    assert (first["open"], second["open"]) == ([], ["CD34 of each"])
    assert first["tnc"] == {"value": 4.0, "text": "4.0", "needed": 3.5, "scale": 14.0, "unit": "×10⁷/kg"}
    assert (second["cd34"]["text"], second["cd34"]["value"]) == ("≥ 1.5", 1.5)
    assert third["unit_unit"] == {
        "antigen6": {"min": 6, "max": 6, "of": 6},
        "allele8": {"min": 8, "max": 8, "of": 8},
    }
    assert (first["between"], third["between"]) == (
        "blood groups differ one way",
        "blood groups differ both ways",
    )
    assert "CD34 of each" in text_of(response)


def test_the_figures_say_where_all_pairs_went(client: Client, run: SearchRun) -> None:
    response = client.get(list_url(run))

    counts = response.context["counts"]
    assert (counts.units, counts.units_failing, counts.units_cut) == (5, 1, 0)
    assert (counts.pairs, counts.passed, counts.cannot_tell, counts.failed) == (10, 1, 2, 7)
    assert counts.failed_by["tnc_each"] == 4
    assert counts.failed_only_by["tnc_total"] == 3  # the edge with each of those that have their dose
    table = {line["label"]: line for line in response.context["by_rule"]}
    assert table["TNC of each"]["failed"] == 4
    assert "Where the pairs went" in text_of(response)


def test_only_those_that_pass(client: Client, run: SearchRun, units: Any) -> None:
    assert shown(client.get(list_url(run, "?passed=1")), units) == [("six", "five")]
    assert len(shown(client.get(list_url(run, "?passed=maybe")), units)) == 3


def test_no_pair_that_passes_leads_back_to_all(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(cd34_e6=None)
    touched(units["five"])

    text = text_of(client.get(list_url(run, "?passed=1")))

    assert "No pair certainly passes" in text
    assert "Show all listed pairs" in text


def touched(unit: CordBloodUnit) -> None:
    """As every service of a unit does."""
    CordBloodUnit.objects.filter(pk=unit.pk).update(updated_at=timezone.now())


def test_where_all_fail_the_page_says_which_rule_did_it(client: Client, run: SearchRun) -> None:
    run.request.patient.weight_kg = Decimal(90)
    run.request.patient.save()

    text = text_of(client.get(list_url(run)))

    assert "No two units together fulfil the rules" in text
    assert "Most fail by: TNC of each (10 of 10 pairs)." in text


def test_without_a_weight_the_page_says_what_is_missing(client: Client, run: SearchRun) -> None:
    run.request.patient.weight_kg = None
    run.request.patient.save()

    response = client.get(list_url(run))

    assert "The patient's weight is not known" in text_of(response)
    assert reverse("hospitals:patient-detail", args=[run.request.patient_id]) in response.content.decode()
    answer = client.get(reverse("api:run-pairs", args=[run.pk])).json()
    assert (answer["weight_kg"], answer["counts"]["passed"]) == (None, 0)


def test_another_weight_is_another_list_at_once(client: Client, run: SearchRun, units: Any) -> None:
    before = client.get(list_url(run)).context["counts"].passed
    run.request.patient.weight_kg = Decimal(50)
    run.request.patient.save()

    after = client.get(list_url(run)).context["counts"].passed

    assert (before, after) == (1, 5)


def test_fewer_than_two_units(client: Client, patient: Patient) -> None:
    ListedUnitFactory()

    text = text_of(client.get(list_url(searched_run(patient))))

    assert "A pair needs two units" in text


def test_a_search_that_left_small_units_out_says_so(client: Client, patient: Patient, units: Any) -> None:
    run = searched_run(patient, min_tnc_e7_per_kg=Decimal("2"))

    text = text_of(client.get(list_url(run)))

    assert "The search left out 3 units below 2 ×10⁷/kg. In a pair 1.5 is enough" in text


def test_untested_antibodies_leave_every_pair_open(client: Client, patient: Patient, units: Any) -> None:
    response = client.get(list_url(searched_run(patient)))

    assert response.context["counts"].passed == 0
    assert "Cannot be told of any pair: antibodies of the patient, " in text_of(response)


def test_a_unit_that_is_gone_is_in_no_pair(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(
        status="ON_HOLD", status_before_hold="LISTED", hold_reason="deviation"
    )
    touched(units["six"])

    response = client.get(list_url(run))

    assert shown(response, units) == [("five", "open")]
    pair = client.get(detail_url(run, units["six"], units["five"])).context["pair"]
    assert (pair["failed"], pair["rules"][0]["found"]) == (
        ["both on offer"],
        ["no longer on offer", "Listed"],
    )


def test_what_cannot_be_told_of_one_unit_passes_nowhere(client: Client, run: SearchRun, units: Any) -> None:
    """By an excluding rule of quality: in the list, the page of the pair, the file and the API alike."""
    six, five = units["six"], units["five"]
    rules = run.policy.rules
    rules["selection"]["rules"]["haemoglobinopathy"]["action"] = "exclude"
    policy = SelectionPolicy.objects.create(name="With a screen", rules=rules, created_by="t")
    for unit in units.values():
        if unit is not five:
            screened(unit)
    query = f"?policy={policy.pk}"

    page = client.get(list_url(run, query))
    rows = {frozenset(unit["unit"] for unit in row["units"]): row for row in page.context["rows"]}
    row = rows[frozenset({six.public_no, five.public_no})]

    wanted = ["No disease in the haemoglobinopathy screen"]
    assert (str(row["verdict"]["text"]), row["open"]) == ("cannot tell", wanted)
    pair = client.get(detail_url(run, six, five) + query).context["pair"]
    assert str(pair["verdict"]["text"]) == "cannot tell"
    (rule,) = (one for one in pair["rules"] if one["verdict"] == "na")
    assert rule["missing"]
    lines = csv_rows(client.get(reverse("matching:pair-export", args=[run.pk]) + query))
    assert {line["verdict"] for line in lines} == {"cannot_tell"}
    found = client.get(reverse("api:run-pairs", args=[run.pk]), {"policy": str(policy.pk)}).json()
    assert not any(one["verdict"] == "passed" for one in found["pairs"])


def screened(unit: CordBloodUnit) -> None:
    """Free of haemoglobin disease, seen by two people."""
    HaemoglobinopathyResult.objects.create(
        unit=unit,
        result="not_found",
        tested_on=timezone.localdate(),
        verified_by=UserFactory(),
        verified_at=timezone.now(),
    )
    touched(unit)


@pytest.mark.parametrize("code", [code for code in RULES if code not in SINGLE_DOSES])
def test_both_must_pass_every_rule_by_which_the_policy_excludes(run: SearchRun, code: str) -> None:
    rules = parse({"rules": {code: {"action": "exclude"}}})

    assert code in unit_rules(rules)
    assert not SINGLE_DOSES & {*unit_rules(rules)}


def test_a_unit_that_a_rule_of_quality_excludes_is_in_no_pair(
    client: Client, run: SearchRun, units: Any
) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(red_cells="replete")
    rules = run.policy.rules
    rules["selection"]["rules"]["red_cells"]["action"] = "exclude"
    strict = SelectionPolicy.objects.create(name="Depleted only", rules=rules, created_by="t")

    response = client.get(list_url(run, f"?policy={strict.pk}"))

    assert not any("six" in pair for pair in shown(response, units))


def test_one_pair_side_by_side_in_either_order(client: Client, run: SearchRun, units: Any) -> None:
    one, other = units["open"], units["five"]

    response = client.get(detail_url(run, one, other))
    turned = client.get(detail_url(run, other, one))

    assert response.context["pair"] == turned.context["pair"]
    rules = {rule["name"]: rule for rule in response.context["pair"]["rules"]}
    assert rules["TNC of each"]["found"] == ["2.00 ×10⁷/kg", "1.90 ×10⁷/kg"]
    assert rules["TNC of both together"]["found"] == ["3.90 ×10⁷/kg"]
    assert rules["TNC of both together"]["threshold"] == "> 3.5 ×10⁷/kg"
    assert rules["CD34 of each"]["found"] == ["1.50 ×10⁵/kg", "?"]
    assert [rules[name]["verdict"] for name in ("TNC of each", "CD34 of each")] == ["ok", "na"]
    assert rules["Class by antigen (A, B) and allele (DRB1)"]["found"] == ["5/6", "5/6"]
    assert rules["Attached segment for confirmatory typing"]["found"] == ["3", "1"]
    assert "Politikos 2020" in text_of(response)
    assert "unconfirmed" in text_of(response)
    loci = {row["locus"]: row for row in response.context["pair"]["loci"]}
    assert loci["A"]["each_other"] == {"antigen": "2/2", "allele": "2/2"}
    assert loci["DRB1"]["each_other"] == {"allele": "2/2"}


def test_a_failing_pair_can_be_looked_at(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(detail_url(run, units["six"], units["small"]))

    assert str(response.context["pair"]["verdict"]["text"]) == "fails"
    assert response.context["pair"]["failed"] == ["TNC of each", "TNC of both together"]


@pytest.mark.parametrize("wrong", ["same", "not_listed"])
def test_what_is_no_pair_of_the_list_is_not_found(
    client: Client, run: SearchRun, units: Any, wrong: str
) -> None:
    other = units["six"] if wrong == "same" else ListedUnitFactory()

    assert client.get(detail_url(run, units["six"], other)).status_code == 404


def test_another_hospital_finds_nothing(run: SearchRun, units: Any) -> None:
    stranger = client_of(member_of(HospitalFactory()))

    for url in (list_url(run), detail_url(run, units["six"], units["five"])):
        assert stranger.get(url).status_code == 404


def test_a_search_that_is_not_done_leads_to_its_progress(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    assert client.get(list_url(run)).url == reverse("matching:run-progress", args=[run.pk])
    assert client.get(reverse("matching:pair-export", args=[run.pk])).status_code == 302
    assert client.get(reverse("api:run-pairs", args=[run.pk])).status_code == 409


def test_the_file_has_the_pairs_of_the_page(client: Client, run: SearchRun, units: Any) -> None:
    lines = csv_rows(client.get(reverse("matching:pair-export", args=[run.pk])))

    assert [(line["unit_1"], line["unit_2"]) for line in lines] == [
        (units[one].unit_no, units[other].unit_no)
        for one, other in (("six", "five"), ("six", "open"), ("five", "open"))
    ]
    first, second, _third = lines
    assert (first["verdict"], second["verdict"], second["cannot_tell"]) == (
        "passed",
        "cannot_tell",
        "cd34_each",
    )
    assert (first["tnc_e7_per_kg_both"], second["cd34_e5_per_kg_both"]) == ("4.0", "")
    assert (first["abo_between"], first["abo_to_patient_1"], first["abo_to_patient_2"]) == (
        "one_way",
        "identical",
        "major",
    )
    assert first["weight_kg"] == "60.00"


def test_the_api_has_the_pairs_of_the_page(client: Client, run: SearchRun, units: Any) -> None:
    answer = client.get(reverse("api:run-pairs", args=[run.pk])).json()
    passed = client.get(reverse("api:run-pairs", args=[run.pk]), {"passed": "true"}).json()

    assert [[unit["id"] for unit in pair["units"]] for pair in answer["pairs"]] == [
        [str(units[one].pk), str(units[other].pk)]
        for one, other in (("six", "five"), ("six", "open"), ("five", "open"))
    ]
    assert answer["rules"]["tnc_e7_total_above"] == "3.50"
    assert answer["pairs"][1]["rules"]["cd34_each"] == "cannot_tell"
    assert answer["pairs"][1]["cd34_e5_per_kg"] is None
    assert answer["pairs"][2]["unit_unit"] == {"antigen6": [6, 6], "allele8": [8, 8]}
    assert [pair["place"] for pair in passed["pairs"]] == [1]
    assert passed["counts"] == answer["counts"]


def test_pairs_are_kept_until_something_changes(
    run: SearchRun, units: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    first = run_pairs(run, services.evaluation_of(run=run, policy=run.policy))
    asked: list[Any] = []
    best_pairs = run_pairs_module.best_pairs
    monkeypatch.setattr(
        run_pairs_module, "best_pairs", lambda *args, **more: asked.append(1) or best_pairs(*args, **more)
    )

    again = run_pairs(run, services.evaluation_of(run=run, policy=run.policy))
    assert not asked
    assert again.found.units.tolist() == first.found.units.tolist()
    assert again.found.counts == first.found.counts

    CordBloodUnit.objects.filter(pk=units["small"].pk).update(tnc_e7=200)
    touched(units["small"])
    assert (
        run_pairs(run, services.evaluation_of(run=run, policy=run.policy)).found.counts != first.found.counts
    )
    assert asked == [1]


def test_without_the_cache_pairs_are_computed(run: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any, **kwargs: Any) -> None:
        raise NoRedis("no cache")

    monkeypatch.setattr(run_pairs_module.cache, "get", gone)
    monkeypatch.setattr(run_pairs_module.cache, "set", gone)

    assert run_pairs(run, services.evaluation_of(run=run, policy=run.policy)).found.counts.passed == 1


def test_a_page_needs_few_queries(
    client: Client, patient: Patient, django_assert_max_num_queries: Any
) -> None:
    run = stored_run(
        [ListedUnitFactory(tnc_e7=200, cd34_e6=9, segments=2) for _ in range(12)], request__patient=patient
    )
    client.get(list_url(run))  # judged and paired

    with django_assert_max_num_queries(20):
        response = client.get(list_url(run))
    assert len(response.context["rows"]) == 50


def test_another_policy_judges_the_pairs(client: Client, run: SearchRun, units: Any) -> None:
    rules = run.policy.rules
    rules["selection"]["pairs"]["tnc_e7_total_above"] = "3.4"
    lower = SelectionPolicy.objects.create(name="Lower line", rules=rules, created_by="t")
    query = f"?policy={lower.pk}"

    response = client.get(list_url(run, query))

    assert ("six", "edge") in shown(response, units)
    assert f"{query}&amp;passed=1" in response.content.decode()
    assert response.context["rows"][0]["url"].endswith(query)
    assert len(client.get(reverse("api:run-pairs", args=[run.pk]) + query).json()["pairs"]) == 5
    assert client.get(list_url(run, "?policy=nonsense")).status_code == 404


def test_the_match_list_leads_to_the_pairs(client: Client, run: SearchRun) -> None:
    response = client.get(reverse("matching:run-detail", args=[run.pk]))

    assert list_url(run) in response.content.decode()


def test_cells_that_are_made_up_pass_no_pair(client: Client, run: SearchRun, units: Any) -> None:
    before = shown(client.get(list_url(run, "?passed=1")), units)
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(counts_invented=True)
    touched(units["six"])

    found = client.get(detail_url(run, units["six"], units["five"])).context["pair"]

    assert any("six" in pair for pair in before)
    assert {"TNC of each", "CD34 of each"} <= set(found["open"])
    assert not found["failed"]
