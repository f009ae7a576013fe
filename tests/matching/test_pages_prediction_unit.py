"""Match probabilities of one unit: why, and the whole distribution."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bank.models import CordBloodUnit
from hospitals.models import Hospital
from matching import frequency_sets
from matching.models import FrequencySet, SearchRun
from matching.pair_details import pair_details
from matching.presenters import probabilities
from tests.factories.match_list import searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, frequency_set, typed_patient
from tests.matching.match_list_pages import HTMX
from tests.matching.prediction_cases import OPEN, change, unit_url
from tests.matching.test_pages_requests import text_of


def test_why_has_tables_of_classes_and_loci(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(unit_url(run, units["open"]))

    found = response.context["why"]["prediction"]
    result = run.results.get(unit=units["open"])
    assert [line["label"] for line in found["classes"]] == ["6/6", "8/8", "10/10"]
    assert found["classes"][1]["cells"][:3] == [
        probabilities.percent_text(share) for share in result.prediction["8"]
    ]
    assert [line["label"] for line in found["loci"]] == ["A", "B", "C", "DRB1", "DQB1"]
    assert found["loci"][0]["cells"][2] == "0 %", "24:02 matches whatever 11:XX is"
    assert found["reasons"] == [
        "Unit: Explained by haplotypes of demo (synthetic).",
        "Patient: The typing leaves one genotype: no frequencies are needed.",
    ]
    assert "Likeliest genotypes of the patient" not in text_of(response), "there is but one"
    assert unit_url(run, units["open"], "run-pair") in text_of(response)


def test_why_of_a_search_without_probabilities_has_no_tables(client: Client, hospital: Hospital) -> None:
    unit = ListedUnitFactory()
    run = stored_run([unit], request__patient=typed_patient(hospital=hospital))

    response = client.get(unit_url(run, unit))
    asked = text_of(client.get(unit_url(run, unit, "run-pair")))

    assert response.context["why"]["prediction"] is None
    assert "Whole distribution" not in text_of(response)
    assert "This search computed no probabilities" in asked


def test_genotypes_of_an_open_patient_are_listed_with_shares(
    client: Client, hospital: Hospital, units: Any
) -> None:
    run = searched_run(typed_patient(OPEN, hospital=hospital))

    response = client.get(unit_url(run, units["open"]))

    found = response.context["genotypes"]
    share = run.prediction["patient"]["likely"][0]["share"]
    assert found["rows"][0]["share"] == f"{share * 100:.1f} %"
    assert found["loci"] == ["A", "B", "C", "DRB1", "DQB1"]
    assert found["rows"][0]["pairs"][0]["names"] == ["11:01", "24:02"]
    assert "Likeliest genotypes of the patient" in text_of(response)


def test_whole_distribution_agrees_with_what_the_search_stored(run: SearchRun, units: Any) -> None:
    for name in ("open", "unlinked", "five"):
        result = run.results.get(unit=units[name])

        found = pair_details(run, result.unit_id)

        assert found.changed == ()
        assert found.unit.basis == result.prediction["basis"]
        for size in (6, 8, 10):
            known = list(found.classes[size])
            assert len(known) == size + 1
            assert sum(known) == pytest.approx(1, abs=1e-9)
            assert known[:3] == pytest.approx(result.prediction[str(size)], abs=2e-6)
        assert 0 < sum(one["share"] for one in found.unit.likely) <= 1 + 1e-9


def test_whole_distribution_ends_where_nothing_is_left_and_keeps_what_is_open(
    run: SearchRun, units: Any
) -> None:
    """A count that the set excludes but the typings do not is small, not impossible."""
    result = run.results.get(unit=units["four"])

    found = probabilities.details(run, pair_details(run, result.unit_id), result)

    assert result.classes["allele8"] == (4, 6)
    texts = [row["cells"][1]["text"] for row in found["rows"]]
    assert texts[:2] == ["0 %", "0 %"]
    assert texts[2] == "<0.01 %"
    assert len(found["rows"]) == 7, "of 10 there may be up to 6 mismatches"
    assert found["rows"][5]["cells"][0]["text"] == "0 %"


def test_whole_distribution_is_a_part_or_a_page(client: Client, run: SearchRun, units: Any) -> None:
    part = text_of(client.get(unit_url(run, units["open"], "run-pair"), **HTMX))
    page = text_of(client.get(unit_url(run, units["open"], "run-pair")))

    for text in (part, page):
        assert "Probability of each number of mismatches" in text
        assert "Likeliest genotypes of the unit: 10 of " in text
        assert "may differ" not in text
    assert "<html" not in part
    assert "<html" in page


def test_whole_distribution_says_what_changed_since(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["open"].pk).update(hla_a_1="A*24:02", hla_a_2="A*24:02")
    SearchRun.objects.filter(pk=run.pk).update(nomenclature_checksum="0" * 64)
    run.prediction["patient"]["sets"] = ["other"]
    change(run)

    page = text_of(client.get(unit_url(run, units["open"], "run-pair")))

    assert "Computed now: these figures may differ from those of the search." in page
    assert "Other frequency sets are in use than at the search." in page
    assert "Another nomenclature or code table is in use than at the search." in page
    assert "The typing of the unit was changed since the search." in page


def test_whole_distribution_without_a_set_is_an_error_in_words(
    client: Client, run: SearchRun, units: Any
) -> None:
    frequency_set(is_active=False)
    assert FrequencySet.objects.exists()
    frequency_sets.forget()

    page = client.get(unit_url(run, units["open"], "run-pair"))

    assert page.status_code == 200
    assert "No frequency set in use serves the patient or the unit." in text_of(page)


def test_two_that_are_too_open_are_said_to_be(
    client: Client, run: SearchRun, units: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.whole.PAIRS_AT_MOST", 3)

    assert "would take minutes" in text_of(client.get(unit_url(run, units["open"], "run-pair")))


def test_unreadable_patient_is_an_error_in_words(client: Client, run: SearchRun, units: Any) -> None:
    SearchRun.objects.filter(pk=run.pk).update(patient_typing=run.patient_typing | {"A": ["A*99:ZZZZ", ""]})
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(hla_c_1="C*01:ZZZZ")

    page = text_of(client.get(unit_url(run, units["five"], "run-pair")))

    assert "typing cannot be read by release" in page


def test_unit_that_cannot_be_read_now_counts_as_untyped(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(hla_c_1="C*01:ZZZZ")

    found = pair_details(run, units["five"].pk)

    assert found.unit.basis == "set"
    assert found.changed == ("unit",)


def test_whole_distribution_of_a_changed_unit_claims_nothing(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(hla_c_1="C*01:02", hla_c_2="C*07:XX")
    result = run.results.get(unit=units["six"])

    found = probabilities.details(run, pair_details(run, result.unit_id), result)

    texts = [cell["text"] for row in found["rows"] for cell in row["cells"] if cell]
    assert not {"0 %", "100 %"} & {*texts}
