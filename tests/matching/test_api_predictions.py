"""Match probabilities as programs see them: API and CSV."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from matching.models import SearchRun
from matching.presenters import probabilities
from tests.matching.match_list_pages import csv_rows
from tests.matching.prediction_cases import bases, change


def test_export_has_probabilities_and_leaves_the_unknown_empty(
    client: Client, run: SearchRun, units: Any
) -> None:
    run.results.filter(unit=units["four"]).update(prediction={"basis": "none", "set": -1})
    run.results.filter(unit=units["five"]).update(prediction={})

    response = client.get(reverse("matching:run-export", args=[run.pk]))
    rows = {row["unit"]: row for row in csv_rows(response)}

    stored = run.results.get(unit=units["unlinked"]).prediction
    unlinked, four, five = (rows[units[name].unit_no] for name in ("unlinked", "four", "five"))
    assert [float(unlinked[f"p{at}_of8"]) for at in range(3)] == stored["8"]
    assert (unlinked["p_basis"], unlinked["p_relaxed_loci"]) == ("loci", " ".join(stored["relaxed"]))
    assert unlinked["p_weaker_basis"] == "loci"
    assert (unlinked["p_lost_at_most"], unlinked["frequency_set"]) == ("0", "demo (synthetic)")
    assert float(unlinked["c_p0"]) == stored["C"][0]
    assert (four["p0_of8"], four["p_basis"], four["frequency_set"], four["c_p0"]) == ("", "none", "", "")
    assert (five["p0_of8"], five["p_basis"]) == ("", "")


def test_api_answers_the_probabilities_of_results(client: Client, run: SearchRun, units: Any) -> None:
    run.results.filter(unit=units["four"]).update(prediction={"basis": "none", "set": -1})
    run.results.filter(unit=units["five"]).update(prediction={})

    found = client.get(reverse("api:run-results", args=[run.pk])).json()["results"]

    by_unit = {one["unit"]["unit_no"]: one["prediction"] for one in found}
    stored = run.results.get(unit=units["unlinked"]).prediction
    assert by_unit[units["unlinked"].unit_no] == {
        "of6": stored["6"],
        "of8": stored["8"],
        "of10": stored["10"],
        "loci": {locus: stored[locus] for locus in ("A", "B", "DRB1", "DQB1")}
        | {"C": [*stored["C"][:2], 1e-6]},  # two mismatches are possible
        "basis": "loci",
        "weaker_basis": "loci",
        "estimate": True,
        "why": probabilities.unit_basis_text(run, run.results.get(unit=units["unlinked"])),
        "relaxed": stored["relaxed"],
        "lost": 0.0,
        "frequency_set": "demo (synthetic)",
    }
    unknown = by_unit[units["four"].unit_no]
    assert (unknown["of8"], unknown["loci"]["A"], unknown["basis"]) == (None, None, "none")
    assert unknown["frequency_set"] is None
    assert by_unit[units["five"].unit_no] is None


def test_api_answers_what_the_probabilities_of_a_search_rest_on(client: Client, run: SearchRun) -> None:
    address = reverse("api:run-detail", args=[run.pk])

    found = client.get(address).json()["prediction"]
    change(run, error="broken", sets=[], patient=None, next=None, counts={})
    failed = client.get(address).json()["prediction"]
    SearchRun.objects.filter(pk=run.pk).update(prediction={})
    old = client.get(address).json()["prediction"]

    assert set(found) == {"error", "sets", "patient", "units_by_basis", "next_typing"}
    assert (found["error"], found["sets"][0]["step"], found["next_typing"]["size"]) == (None, "built-in", 8)
    assert found["patient"]["likely"][0]["alleles"]["A"] == ["A*11:01", "A*24:02"]
    assert found["units_by_basis"]["loci"] == 1
    assert failed == {
        "error": "broken",
        "sets": [],
        "patient": None,
        "units_by_basis": {},
        "next_typing": None,
    }
    assert old is None


def test_api_and_export_tell_what_is_open_as_the_page_does(
    client: Client, narrow: SearchRun, units: Any
) -> None:
    bases(narrow, units["six"], "set", "set")

    found = client.get(reverse("api:run-results", args=[narrow.pk])).json()["results"]
    page = client.get(reverse("matching:run-export", args=[narrow.pk]))

    (told,) = [one["prediction"] for one in found if one["unit"]["unit_no"] == units["six"].unit_no]
    (row,) = [row for row in csv_rows(page) if row["unit"] == units["six"].unit_no]
    assert (told["of6"], told["of10"]) == ([1, 0, 0], [0.999999, 0.000001, 0.000001])
    assert (told["loci"]["A"], told["loci"]["C"]) == ([1, 0, 0], [0.999999, 0.000001, 0.000001])
    assert [float(row[f"p{at}_of10"]) for at in range(3)] == told["of10"]
    assert (float(row["p0_of6"]), float(row["a_p0"])) == (1, 1)
