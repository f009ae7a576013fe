"""Units side by side: which may be compared, what differs, what is best, and the way from the list and back."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Patient
from matching.models import SearchRun
from matching.presenters.comparison import class_cells, number_row, row_of
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory
from tests.matching.match_list_pages import FIVE, FOUR, detail_url, shown
from tests.matching.test_pages_requests import client_of, text_of

UNITS = {"six": {"tnc_e7": 100, "cd34_e6": 4}, "five": {"gl": FIVE, "tnc_e7": 140}, "four": {"gl": FOUR}}


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    made = {name: ListedUnitFactory(unit_no=name.upper(), **fields) for name, fields in UNITS.items()}
    return {**made, "twin": ListedUnitFactory(unit_no="TWIN", tnc_e7=30, cd34_e6=4)}


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient)


def compare_url(run: SearchRun, *units: CordBloodUnit, more: str = "") -> str:
    query = "&".join(f"unit={unit.pk}" for unit in units)
    return f"{reverse('matching:run-compare', args=[run.pk])}?{query}{more}"


def rows_of(response: Any) -> dict[str, dict[str, Any]]:
    return {row["label"]: row for group in response.context["table"]["groups"] for row in group["rows"]}


# --- which ----------------------------------------------------------------------------------------


def test_columns_stand_in_the_order_of_the_list(client: Client, run: SearchRun, units: Any) -> None:
    asked = (units["four"], units["six"], units["five"])

    usual = client.get(compare_url(run, *asked)).context["table"]["columns"]
    by_dose = client.get(compare_url(run, *asked, more="&sort=tnc")).context["table"]["columns"]

    assert [column["unit"] for column in usual] == ["SIX", "FIVE", "FOUR"]
    assert [column["unit"] for column in by_dose] == shown(client, run, "?sort=tnc")[:3]
    assert [column["rank"] for column in usual] == [1, 3, 4]


@pytest.mark.parametrize(("names", "text"), [([], "0 units are chosen"), (["six"], "1 unit is chosen")])
def test_too_few_units_say_what_to_do(
    client: Client, run: SearchRun, units: Any, names: list[str], text: str
) -> None:
    response = client.get(compare_url(run, *(units[name] for name in names)))

    page = text_of(response)
    assert response.status_code == 400
    assert text in page
    assert "Tick two to four units" in page
    assert detail_url(run) in page


def test_five_units_have_no_room(client: Client, patient: Patient, units: Any) -> None:
    fifth = ListedUnitFactory()
    run = searched_run(patient)

    response = client.get(compare_url(run, *units.values(), fifth))

    assert response.status_code == 400
    assert "5 units are chosen" in text_of(response)
    assert client.get(compare_url(run, *units.values())).status_code == 200


def test_a_unit_named_twice_counts_once(client: Client, run: SearchRun, units: Any) -> None:
    assert client.get(compare_url(run, units["six"], units["six"])).status_code == 400


def test_unknown_units_are_a_404(client: Client, run: SearchRun, units: Any) -> None:
    elsewhere = ListedUnitFactory()  # came after the search
    nobody = f"&unit={uuid4()}"

    assert client.get(compare_url(run, units["six"], elsewhere)).status_code == 404
    assert client.get(compare_url(run, units["six"], more=nobody)).status_code == 404
    assert client.get(compare_url(run, units["six"], more="&unit=SIX")).status_code == 404


def test_another_hospitals_list_is_a_404(run: SearchRun, units: Any) -> None:
    other = client_of(member_of(HospitalFactory()))

    assert other.get(compare_url(run, units["six"], units["five"])).status_code == 404


# --- differences ----------------------------------------------------------------------------------


def test_rows_that_differ_are_marked_and_can_stand_alone(client: Client, run: SearchRun, units: Any) -> None:
    pair = (units["six"], units["twin"])

    whole = client.get(compare_url(run, *pair))
    differing = client.get(compare_url(run, *pair, more="&differences=1"))

    rows = rows_of(whole)
    assert rows["TNC per kg"]["differs"]
    assert not rows["CD34 per kg"]["differs"]
    assert not rows["HLA-B"]["differs"]
    assert rows_of(differing) == {label: row for label, row in rows.items() if row["differs"]}
    table = whole.context["table"]
    assert table["differences"] == sum(row["differs"] for row in rows.values()) < table["rows"]
    assert text_of(whole).count(">≠<") == table["differences"]


def test_a_typing_differs_by_text_and_mark(client: Client, run: SearchRun, units: Any) -> None:
    rows = rows_of(client.get(compare_url(run, units["six"], units["five"], units["four"])))

    assert rows["HLA-B"]["differs"]
    assert rows["HLA-B"]["note"] == "40:01 46:01"
    assert [cell["second"]["mark"] for cell in rows["HLA-B"]["cells"]] == ["allele", "mismatch", "mismatch"]
    assert rows["HLA-C"]["cells"][2]["first"] == {"text": "", "mark": "potential"}
    assert not rows["HLA-DRB1"]["differs"]


def test_units_that_are_alike_say_so(client: Client, patient: Patient) -> None:
    alike = [ListedUnitFactory(tnc_e7=100, collected_on=datetime.date(2020, 1, 1)) for _ in range(2)]
    run = searched_run(patient)

    page = text_of(client.get(compare_url(run, *alike, more="&differences=1")))

    assert "These units are alike in every row." in page


def test_every_rule_of_the_policy_is_a_row(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(compare_url(run, units["six"], units["twin"]))

    dose = rows_of(response)["TNC per kg, before freezing"]
    assert dose["note"] == "at least 2.5 ×10⁷/kg"
    assert [(cell["verdict"], cell["value"], cell["excludes"]) for cell in dose["cells"]] == [
        ("ok", "5.00 ×10⁷/kg", False),
        ("no", "1.50 ×10⁷/kg", True),
    ]
    assert rows_of(response)["No antibody of the patient against the unit"]["cells"][0]["verdict"] == "na"
    assert response.context["table"]["columns"][1]["excluded"]


def test_a_hospital_learns_no_state_of_the_bank(client: Client, run: SearchRun, units: Any) -> None:
    later = timezone.now()
    rows = CordBloodUnit.objects.filter(pk=units["six"].pk)
    rows.update(status="DISCARDED", discard_reason="OTHER", status_changed_at=later, updated_at=later)
    bank = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))
    address = compare_url(run, units["six"], units["five"])

    told = [rows_of(one.get(address))["On offer"]["cells"][1]["value"] for one in (client, bank)]

    assert told == ["no longer on offer", "Discarded"]


def test_without_a_weight_cells_of_the_unit_are_compared(client: Client, run: SearchRun, units: Any) -> None:
    run.request.patient.weight_kg = None
    run.request.patient.save()

    rows = rows_of(client.get(compare_url(run, units["six"], units["five"])))

    assert "TNC per kg" not in rows
    assert [cell["best"] for cell in rows["TNC of the unit"]["cells"]] == [False, True]


# --- best -----------------------------------------------------------------------------------------


def best(cells: list[dict[str, Any]]) -> list[bool]:
    return [cell["best"] for cell in cells]


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ([(6, 6), (5, 5)], [True, False]),
        ([(6, 6), (6, 6)], [False, False]),  # nothing to choose between
        ([(6, 6), (6, 6), (4, 4)], [True, True, False]),
        ([(4, 6), (5, 5)], [False, False]),  # either may be better
        ([(5, 6), (4, 5)], [True, False]),  # at worst they are equal
        ([(6, 6), (4, 6)], [True, False]),  # nothing surpasses it
        ([(5, 6), (5, 6), (4, 4)], [False, False, False]),
        ([(6, 6), None], [False, False]),
    ],
)
def test_the_best_class_is_one_that_nothing_can_surpass(spans: Any, wanted: list[bool]) -> None:
    assert best(class_cells(spans, 6)) == wanted


def test_the_best_number_is_the_highest_as_it_is_shown() -> None:
    def text(value: float) -> str:
        return f"{value:.1f}"

    assert best(number_row("", [2.51, 2.0, None], text)["cells"]) == [True, False, False]
    assert best(number_row("", [2.51, 2.54, 1.0], text)["cells"]) == [True, True, False]
    assert best(number_row("", [2.51, 2.54], text)["cells"]) == [False, False]
    assert best(number_row("", [2.5, None], text)["cells"]) == [False, False]


def test_a_mark_of_the_best_is_no_difference() -> None:
    assert not row_of("", [{"text": "a", "best": True}, {"text": "a", "best": False}])["differs"]


# --- from the list and back ------------------------------------------------------------------------


def test_ticked_units_survive_the_page_without_script(client: Client, run: SearchRun, units: Any) -> None:
    picked = [units["six"], units["four"]]
    query = f"?antigen6=6&unit={picked[0].pk}&unit={picked[1].pk}&unit=nonsense"

    response = client.get(detail_url(run, query))

    bar = response.context["chosen"]
    assert [(one["unit"], one["on_page"]) for one in bar["units"]] == [("SIX", True), ("FOUR", False)]
    page = text_of(response)
    assert f'value="{picked[0].pk}" form="compare" checked' in page
    for chip in response.context["chips"]:
        assert f"unit={picked[0].pk}" in chip.url
    assert f"unit={picked[1].pk}" in response.context["clear_url"]
    assert ("antigen6", "6") in bar["kept"]


def test_the_way_back_has_filters_and_ticks(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(
        compare_url(run, units["six"], units["twin"], more="&sort=tnc&show=all&differences=1")
    )

    back = response.context["list_url"]
    assert back.startswith(f"{detail_url(run)}?unit={units['six'].pk}&unit={units['twin'].pk}")
    assert back.endswith("&sort=tnc&show=all")
    assert client.get(back).status_code == 200


def test_a_column_can_be_taken_away_until_two_are_left(client: Client, run: SearchRun, units: Any) -> None:
    three = client.get(compare_url(run, units["six"], units["five"], units["four"]))
    first = three.context["table"]["columns"][0]

    two = client.get(f"{reverse('matching:run-compare', args=[run.pk])}{first['remove_url']}")

    columns = two.context["table"]["columns"]
    assert [column["unit"] for column in columns] == ["FIVE", "FOUR"]
    assert [column["remove_url"] for column in columns] == ["", ""]


def test_few_queries_whatever_the_number(
    client: Client, run: SearchRun, units: Any, django_assert_max_num_queries: Any
) -> None:
    client.get(detail_url(run))  # judges the list

    with django_assert_max_num_queries(24):
        client.get(compare_url(run, *units.values()))
