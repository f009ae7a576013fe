"""What a match list says of probabilities: rows, head, notices of what changed since."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from matching import frequency_sets
from matching.models import SearchResult, SearchRun
from matching.presenters import probabilities
from tests.factories.matching import frequency_set
from tests.matching.match_list_pages import detail_url
from tests.matching.prediction_cases import change, notices, rows_of, unit_url
from tests.matching.test_pages_requests import text_of

# --- the list ------------------------------------------------------------------------------------


def test_row_has_a_line_per_class_and_says_what_is_certain_or_estimated(
    client: Client, run: SearchRun, units: Any
) -> None:
    rows = rows_of(client, run, units)

    cells = {name: row["probability"] for name, row in rows.items()}
    assert [one["label"] for one in cells["open"]["lines"]] == ["6/6", "8/8", "10/10"]
    assert [one["lead"] for one in cells["open"]["lines"]] == [False, True, False]
    assert cells["open"]["mark"] is None
    assert [one["text"] for one in cells["six"]["lines"]] == ["100 %"] * 3
    assert [one["text"] for one in cells["five"]["lines"]] == ["0 %"] * 3
    assert cells["five"]["lines"][1]["rest"] == ["7/8 100 %", "6/8 0 %"]
    assert cells["six"]["mark"]["text"] == cells["five"]["mark"]["text"] == "certain"
    assert cells["unlinked"]["mark"]["text"] == "estimate"
    assert (
        "Not explained by demo (synthetic): estimated without linkage at" in cells["unlinked"]["mark"]["why"]
    )
    texts = [cell["probability"] for cell in rows["open"]["cells"]]
    assert texts[0].startswith("A: no mismatch ")
    assert [cell["probability"] for cell in rows["six"]["cells"]] == [""] * 5, (
        "nothing to say where it is certain"
    )


def test_numbers_are_words_of_the_page(client: Client, run: SearchRun, units: Any) -> None:
    page = text_of(client.get(detail_url(run)))
    result = run.results.get(unit=units["open"])

    text = probabilities.percent_text(result.p0_of8)
    assert f'title="8/8 {text}, 7/8 ' in page
    assert f"<small>8/8</small><b>{text}</b>" in page


def test_unexplained_unit_is_no_estimate_and_not_zero(client: Client, run: SearchRun, units: Any) -> None:
    rows = run.results.filter(unit=units["open"])
    rows.update(prediction={"basis": "none", "set": 0}, p0_of6=None, p0_of8=None, p0_of10=None)

    cell = rows_of(client, run, units)["open"]["probability"]
    why = text_of(client.get(unit_url(run, units["open"])))

    assert (cell["lines"], cell["none"]) == ([], "no estimate")
    assert cell["why"] == "No estimate: the typing is not explained by demo (synthetic)."
    assert cell["why"] in why
    assert cell["why"] in text_of(client.get(detail_url(run)))


@pytest.mark.parametrize(
    ("prediction", "basis", "text"),
    [
        ({"patient": None}, {}, "No estimate: no frequency set in use serves the patient."),
        ({}, {"set": -1}, "No estimate: no frequency set in use serves this unit."),
    ],
)
def test_reasons_for_no_estimate(
    run: SearchRun, units: Any, prediction: dict[str, Any], basis: dict[str, Any], text: str
) -> None:
    run.prediction |= prediction
    result = run.results.get(unit=units["open"])
    result.prediction = {"basis": "none", "set": 0} | basis

    assert probabilities.unit_basis_text(run, result) == text


def test_head_names_sets_and_counts_the_unexplained(client: Client, run: SearchRun) -> None:
    context = client.get(detail_url(run)).context

    head = {item["label"]: item["value"] for item in context["criteria"]}
    figures = {figure["label"]: (figure["value"], figure["note"]) for figure in context["figures"]}
    assert head["Haplotype frequencies"] == "demo (synthetic) (built-in demonstration)"
    assert head["Patient"] == "population not known · 1 genotype · demo (synthetic)"
    assert "Left out of a probability, at most" not in head
    assert figures["not explained by the frequency set"] == ("1", "1 estimated")
    assert [tone for tone, text in notices(client, run) if "synthetic" in text] == ["warn"]


def test_head_says_own_populations_coverage_and_what_was_left_out(client: Client, run: SearchRun) -> None:
    one = {
        "version": "HAN v2",
        "population": "HAN",
        "checksum": "x",
        "step": "own",
        "weight": 0.75,
        "coverage": 0.93,
    }
    two = one | {"version": "UIG v1", "population": "UIG", "checksum": "y", "weight": 0.25, "coverage": 1}
    patient = run.prediction["patient"]
    change(
        run,
        sets=[one, two, one | {"step": "default"}],
        patient=patient | {"sets": ["x", "y"], "populations": "HAN:0.75+UIG:0.25", "genotypes": 1200},
    )
    result = run.results.first()
    result.prediction["lost"] = 0.00051
    result.save()

    response = client.get(detail_url(run))

    head = {item["label"]: item["value"] for item in response.context["criteria"]}
    assert head["Haplotype frequencies"] == (
        "HAN v2 (own population, coverage 93.0 %), UIG v1 (own population), "
        "HAN v2 (the bank's default, coverage 93.0 %)"
    )
    assert head["Patient"] == "HAN 75 % + UIG 25 % · 1,200 genotypes · HAN v2 75.0 % + UIG v1 25.0 %"
    assert head["Left out of a probability, at most"] == "0.05 %"
    texts = [text for _tone, text in notices(client, run)]
    assert "The frequency set HAN v2 is no longer in use. Search again to use another." in texts
    assert not any("synthetic" in text for text in texts)


@pytest.mark.parametrize(
    ("prediction", "tone", "text"),
    [
        ({}, "info", "before probabilities were computed"),
        ({"error": "HAN v2 is damaged."}, "warn", "No probabilities were computed: HAN v2 is damaged."),
        (
            {"sets": [], "patient": None, "counts": {}, "next": None},
            "warn",
            "only what the typings make certain",
        ),
    ],
)
def test_list_without_probabilities_says_why_and_has_no_column(
    client: Client, run: SearchRun, prediction: dict[str, Any], tone: str, text: str
) -> None:
    SearchRun.objects.filter(pk=run.pk).update(prediction=prediction)
    SearchResult.objects.filter(run=run).update(prediction={}, p0_of6=None, p0_of8=None, p0_of10=None)

    response = client.get(detail_url(run, "?p8=50&sort=p8"))

    assert [one["tone"] for one in response.context["notices"] if text in str(one["text"])] == [tone]
    assert not response.context["table"]["probabilities"]
    assert response.context["next_typings"] is None
    assert "P(" not in " ".join(response.context["order"].labels().values())
    assert len(response.context["table"]["rows"]) == 5, "a filter by what is not known filters nothing"
    assert [item["label"] for item in response.context["order"].presets()] == [
        "the policy's order",
        "as searched",
        "class, then CD34",
        "TNC/kg alone",
        "CD34/kg alone",
    ]


def test_patient_whom_the_set_does_not_explain_is_said_above_the_list(client: Client, run: SearchRun) -> None:
    patient = run.prediction["patient"]
    change(run, patient=patient | {"basis": "loci", "relaxed": ["A", "C"]})
    weak = notices(client, run)
    change(run, patient=patient | {"basis": "none", "genotypes": 0})
    none = client.get(detail_url(run))

    sentence = "Patient: Not explained by demo (synthetic): estimated without linkage at A, C."
    assert ("warn", sentence) in weak
    assert "Patient: Not explained by demo (synthetic): no estimate." in text_of(none)
    assert none.context["next_typings"] is None


# --- what changed since --------------------------------------------------------------------------


def test_notice_of_another_population_of_the_patient(client: Client, run: SearchRun) -> None:
    text = "The patient's population was changed since this search: other probabilities. Search again."
    assert ("warn", text) not in notices(client, run)

    type(run.request.patient).objects.filter(pk=run.request.patient_id).update(populations="HAN")

    assert ("warn", text) in notices(client, run)
    SearchRun.objects.filter(pk=run.pk).update(prediction={})
    assert ("warn", text) not in notices(client, run), "there are no probabilities"


def test_notice_of_another_set_for_the_patient(client: Client, run: SearchRun) -> None:
    """The set of the search is still in use, but one of the patient's own population was loaded."""
    general = frequency_set("ALL", is_active=True, is_global=True)
    one = {
        "version": general.version,
        "population": "ALL",
        "checksum": general.checksum,
        "step": "global",
        "weight": 1.0,
        "coverage": 1.0,
    }
    SearchRun.objects.filter(pk=run.pk).update(patient_populations="HAN")
    change(run, sets=[one], patient=run.prediction["patient"] | {"sets": [general.checksum]})
    frequency_sets.forget()
    before = [text for _tone, text in notices(client, run)]

    own = frequency_set("HAN", is_active=True)
    frequency_sets.forget()
    after = notices(client, run)
    general.is_active = general.is_global = False
    general.save()
    frequency_sets.forget()
    gone = [text for _tone, text in notices(client, run)]

    sentence = (
        f"For the patient this list used the frequency set {general.version}; {own.version} serves now."
    )
    assert not any("frequency set" in text for text in before)
    assert ("warn", f"{sentence} Search again to use it.") in after
    assert not any(sentence in text for text in gone), "said once: it is no longer in use"
    assert any(f"{general.version} is no longer in use" in text for text in gone)


def test_notice_of_a_set_where_none_served(client: Client, run: SearchRun) -> None:
    change(run, sets=[], patient=None, counts={}, next=None)

    texts = [text for _tone, text in notices(client, run)]

    assert "The frequency set demo (synthetic) serves the patient now. Search again to use it." in texts
