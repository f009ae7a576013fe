"""The judged list: tabs and their empty states, excluded rows, doses by today's weight, rules under a row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from hospitals.models import Patient
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, cells_needed
from matching.models import SearchRun, SelectionPolicy
from matching.presenters import doses_needed, thaw
from matching.presenters.summary import lighter
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory
from tests.matching.match_list_pages import HTMX, detail_url
from tests.matching.test_pages_requests import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    """At 20 kg the first holds 5.0 and the second 1.5 ×10⁷ TNC per kg."""
    return {
        "good": ListedUnitFactory(unit_no="GOOD", tnc_e7=100, cd34_e6=4),
        "small": ListedUnitFactory(unit_no="SMALL", tnc_e7=30, cd34_e6=4),
    }


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient)


def weigh(run: SearchRun, weight: str | None) -> None:
    patient = run.request.patient
    patient.weight_kg = None if weight is None else Decimal(weight)
    patient.save()


# --- tabs and rows --------------------------------------------------------------------------------


def test_an_excluded_row_says_so_in_a_word_and_names_its_rule_first(client: Client, run: SearchRun) -> None:
    response = client.get(detail_url(run, "?show=excluded"))

    (row,) = response.context["table"]["rows"]
    assert row["excluded"]
    assert row["tags"][0] == {"text": "TNC too low", "tone": "bad"}
    assert '<tr data-open class="excluded">' in text_of(response)
    assert '<span class="excluded-word">Excluded</span>' in text_of(response)


def test_tabs_have_their_numbers(client: Client, run: SearchRun) -> None:
    tabs = client.get(detail_url(run)).context["tabs"]

    assert [(tab["label"], tab["count"], tab["active"]) for tab in tabs] == [
        ("Eligible", 1, True),
        ("Excluded by a rule", 1, False),
        ("All", 2, False),
    ]


@pytest.mark.parametrize(
    ("weight", "query", "title", "way_out"),
    [
        ("5", "?show=excluded", "No rule excludes a unit", "?show=eligible"),
        ("90", "", "Every listed unit is excluded by a rule", "?show=excluded"),
        ("20", "?tnc=900", "No unit passes these filters", "?"),
    ],
)
def test_an_empty_tab_says_why_and_leads_on(
    client: Client, run: SearchRun, weight: str, query: str, title: str, way_out: str
) -> None:
    weigh(run, weight)

    response = client.get(detail_url(run, query))

    assert response.context["empty"]["title"] == title
    assert response.context["empty"]["url"] == way_out
    assert title in text_of(response)


def test_a_row_opens_with_the_rules_that_want_a_look(client: Client, run: SearchRun, units: Any) -> None:
    address = reverse("matching:run-unit", args=[run.pk, units["small"].pk])

    response = client.get(address, **HTMX)

    first, *others = response.context["judged"]["to_look_at"]
    assert first == {
        "verdict": "no",
        "text": "Excludes: TNC per kg, before freezing: 1.50 ×10⁷/kg (at least 2.5 ×10⁷/kg)",
        "refs": [],
    }
    verdicts = [rule["verdict"] for rule in others]
    assert verdicts == sorted(verdicts, key=["no", "na"].index)
    assert "Excluded: TNC per kg, before freezing." in text_of(response)
    assert "By the policy" in text_of(response)


# --- weight ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "then", "wanted"),
    [("5", "6", True), ("6", "5", False), ("6", "6", False), (None, "6", True), ("6", None, False)],
)
def test_only_a_lower_weight_brings_units_back(now: str | None, then: str | None, wanted: bool) -> None:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    assert lighter(number(now), number(then)) is wanted


def notices(client: Client, run: SearchRun) -> list[str]:
    return [str(notice["text"]) for notice in client.get(detail_url(run)).context["notices"]]


def test_another_weight_is_in_the_list_at_once_and_is_told(
    client: Client, patient: Patient, units: Any
) -> None:
    run = searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"))  # leaves the small one out
    assert not [text for text in notices(client, run) if text.startswith("Doses by")]

    weigh(run, "12.5")
    response = client.get(detail_url(run))

    (row,) = response.context["table"]["rows"]
    assert row["tnc"]["text"] == "8.0"
    assert "12.5 kg" in response.context["line"]
    assert (
        "Doses by 12.5 kg (the search knew 20 kg). "
        "1 unit that the search left out for its dose is not in this list: search again."
    ) in notices(client, run)

    weigh(run, "25")
    assert "Doses by 25 kg (the search knew 20 kg)." in notices(client, run)


def test_a_weight_that_came_after_the_search_brings_dose_filters(
    client: Client, patient: Patient, units: Any
) -> None:
    weigh_later = patient
    weigh_later.weight_kg = None
    weigh_later.save()
    run = searched_run(patient)
    assert "tnc" not in client.get(detail_url(run)).context["filter_form"].fields

    weigh(run, "20")
    response = client.get(detail_url(run, "?show=all&tnc=4"))

    assert [row["unit"] for row in response.context["table"]["rows"]] == ["GOOD"]
    assert "Doses by 20 kg (the search knew weight not known)." in notices(client, run)


# --- dose needed ----------------------------------------------------------------------------------


def needed(weight: str) -> list[tuple[str, str, str]]:
    policy = SelectionPolicy.objects.offered().get(is_default=True)
    rows = doses_needed.by_policy(policy, Decimal(weight)).rows
    return [(row.label, row.tnc_e7, row.cd34_e6) for row in rows]


def test_needed_cells_of_one_unit_and_of_two() -> None:
    assert needed("55") == [
        ("one unit", "137.5", "8.25"),
        ("each of two", "82.5", "5.5"),
        ("two together", "> 192.5", ""),
    ]


@pytest.mark.parametrize("weight", ["3.33", "12.4", "60.01", "0.5"])
def test_needed_cells_are_the_fewest_that_pass(weight: str) -> None:
    for least, step in ((Decimal("2.5"), TNC_E4_PER_E7), (Decimal("1.5"), CD34_E3_PER_E5)):
        cells = cells_needed(least, Decimal(weight), step)
        assert Decimal(cells) / step / Decimal(weight) >= least
        assert Decimal(cells - 1) / step / Decimal(weight) < least


def test_head_of_the_list_has_them_or_asks_for_a_weight(client: Client, run: SearchRun) -> None:
    page = text_of(client.get(detail_url(run)))
    assert "Needed at 20 kg" in page
    assert "TNC 50 ×10⁷" in page

    weigh(run, None)
    page = text_of(client.get(detail_url(run)))
    assert "no dose per kg can be told" in page
    assert f"{reverse('hospitals:patient-detail', args=[run.request.patient_id])}#weight" in page


def test_patient_page_goes_by_the_policy_of_the_newest_request(client: Client, run: SearchRun) -> None:
    address = reverse("hospitals:patient-detail", args=[run.request.patient_id])
    assert client.get(address).context["doses"].policy == "Malignant disease, single unit v1"

    run.request.policy = SelectionPolicy.objects.get(name="Non-malignant disease, single unit")
    run.request.save()
    response = client.get(address)

    doses = response.context["doses"]
    assert doses.policy == "Non-malignant disease, single unit v1"
    assert doses.rows[0].tnc_e7 == "> 100"
    assert "<b>&gt; 100</b>" in text_of(response)


def test_patient_page_without_a_weight_asks_for_one(client: Client, run: SearchRun) -> None:
    weigh(run, None)

    page = text_of(client.get(reverse("hospitals:patient-detail", args=[run.request.patient_id])))

    assert "Without a weight no dose per kg can be shown" in page


# --- after thaw -----------------------------------------------------------------------------------


def test_dose_after_thaw_cannot_be_told_without_measurements(
    client: Client, run: SearchRun, units: Any
) -> None:
    page = text_of(client.get(reverse("matching:run-unit", args=[run.pk, units["good"].pk])))

    assert "After thaw: cannot tell, fewer than 20 units were measured." in page


def test_dose_after_thaw_goes_by_what_was_measured(
    client: Client, run: SearchRun, units: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = thaw.Recovery("tnc", "all", "", "", 40, 0.6, 0.7, 0.8, 0.85, 0.95)
    monkeypatch.setattr(thaw, "recovery", lambda bank, method: {"tnc": found, "cd34": None, "cfu": None})

    page = text_of(client.get(reverse("matching:run-unit", args=[run.pk, units["good"].pk])))

    assert "After thaw about 4.00 ×10⁷/kg, nine of ten 3.00 to 4.75 (40 units of all banks)." in page
