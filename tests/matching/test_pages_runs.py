"""Pages of searches: the ranked list with its filters, the why, the CSV."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import SearchRun
from matching.presenters.requests import class_summary
from tests.factories.core import UserFactory
from tests.factories.match_list import searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE, FOUR, HTMX, csv_rows, detail_url, shown
from tests.matching.test_pages_requests import client_of, text_of

THREE = "A*11:01+A*30:01^B*40:01+B*13:01^DRB1*09:01+DRB1*07:01"


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    """A unit of each class, and one that cannot be searched."""
    return {
        "six": ListedUnitFactory(tnc_e7=100, cd34_e6=2, abo="O", collected_on=datetime.date(2001, 1, 1)),
        "five": ListedUnitFactory(gl=FIVE, tnc_e7=120, cd34_e6=9, abo="A"),
        "four": ListedUnitFactory(gl=FOUR, tnc_e7=160, cd34_e6=None, abo=""),
        "three": ListedUnitFactory(gl=THREE, tnc_e7=200),
        "small": ListedUnitFactory(tnc_e7=30),
        "untyped": ListedUnitFactory(gl="A*11:01"),
    }


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"))


# --- the list ------------------------------------------------------------------------------------


def names(units: dict[str, CordBloodUnit], *wanted: str) -> list[str]:
    return [units[name].unit_no for name in wanted]


def test_list_is_ranked_and_says_what_is_left_out(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(detail_url(run))

    assert shown(client, run) == names(units, "six", "five", "four")
    figures = {figure["label"]: figure["value"] for figure in response.context["figures"]}
    assert figures["6/6 antigen"] == figures["5/6 antigen"] == figures["4/6 antigen"] == "1"
    assert figures["8/8 · 7/8 allele"] == "1 · 1"
    assert figures["below the floor"] == "1"
    assert figures["below the dose asked"] == "1"
    assert figures["not typed at A, B or DRB1"] == "1"
    assert figures["6 units searched"].endswith("s")


def test_row_has_class_ranges_doses_marks_and_words(client: Client, run: SearchRun) -> None:
    six, five, four = client.get(detail_url(run)).context["table"]["rows"]

    assert six["antigen6"] == {"min": 6, "max": 6, "of": 6}
    assert four["allele8"] == {"min": 4, "max": 6, "of": 8}
    assert six["tnc"] == {"value": 5.0, "text": "5.0", "needed": 2.5, "scale": 10.0, "unit": "×10⁷/kg"}
    assert (six["cd34"]["text"], four["cd34"]["value"]) == ("1.0", None)
    assert [str(row["direction"]) for row in (six, five, four)] == ["–", "both", "both"]
    marks = [[cell["first"]["mark"], cell["second"]["mark"]] for cell in five["cells"]]
    assert marks[:2] == [["allele", "allele"], ["allele", "mismatch"]]
    assert [cell["locus"] for cell in five["cells"]] == ["A", "B", "C", "DRB1", "DQB1"]
    assert four["cells"][2]["first"] == {"text": "", "mark": "potential"}
    assert [
        [tag["text"] for tag in row["tags"] if "check" not in tag["text"]] for row in (six, five, four)
    ] == [
        ["identical ABO"],
        ["major ABO"],
        [],
    ]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?antigen6=5", ["five"]),
        ("?allele8=8", ["six"]),
        ("?tnc=6", ["five", "four"]),
        ("?cd34=2", ["five"]),
        ("?abo=on", ["six"]),
        ("?years=10", ["five", "four"]),
        ("?locus=A", ["six", "five"]),
        ("?locus=A&locus=B", ["six"]),
        ("?locus=C", ["six", "five"]),
        ("?tnc=6&locus=A", ["five"]),
        ("?antigen6=9&tnc=much&locus=X&years=-3&sort=x&page=z", ["six", "five", "four"]),
        ("?sort=tnc", ["four", "five", "six"]),
        ("?sort=cd34", ["five", "six", "four"]),
        ("?sort=class_cd34", ["six", "five", "four"]),
    ],
)
def test_filters_and_orders_of_the_address(
    client: Client, run: SearchRun, units: Any, query: str, wanted: list[str]
) -> None:
    assert shown(client, run, query) == names(units, *wanted)


def test_chip_counts_are_the_rows_one_gets(client: Client, run: SearchRun) -> None:
    for query in ("", "?locus=A", "?tnc=6", "?abo=on&years=10"):
        for chip in client.get(detail_url(run, query)).context["chips"]:
            if not chip.on:
                assert chip.count == len(shown(client, run, chip.url)), (query, chip)


def test_chip_that_is_on_takes_itself_away(client: Client, run: SearchRun) -> None:
    chips = client.get(detail_url(run, "?locus=A&locus=B&sort=tnc&page=1")).context["chips"]

    on = [chip for chip in chips if chip.on]
    assert [(chip.name, chip.value, chip.url) for chip in on] == [
        ("locus", "A", "?locus=B&sort=tnc"),
        ("locus", "B", "?locus=A&sort=tnc"),
    ]


def test_filters_that_leave_nothing_say_so(client: Client, run: SearchRun) -> None:
    assert "No unit passes these filters" in text_of(client.get(detail_url(run, "?tnc=900")))


def test_search_without_a_candidate_says_where_the_units_went(client: Client, patient: Patient) -> None:
    ListedUnitFactory(gl=THREE)
    run = searched_run(patient, floors={"antigen6": 6})

    page = text_of(client.get(detail_url(run)))

    assert "No unit reaches the floor" in page
    assert "below the floor" in page


def test_unit_that_changed_since_is_marked_and_filtered(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(status="RESERVED")
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(status="DISCARDED", discard_reason="OTHER")

    assert shown(client, run) == names(units, "four")
    four, six, five = client.get(detail_url(run, "?show=all")).context["table"]["rows"]

    # the rule that excludes comes first, then what became of the unit
    assert [tag["text"] for tag in six["tags"][:2]] == ["not on offer", "reserved since this search"]
    assert six["unit_url"] == ""
    assert [tag["text"] for tag in five["tags"][:2]] == ["not on offer", "no longer on offer"]
    assert [row["excluded"] for row in (four, six, five)] == [False, True, True]
    assert four["unit_url"]
    assert shown(client, run, "?free=on") == names(units, "four")


def test_bank_staff_see_what_became_of_a_unit(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(status="DISCARDED", discard_reason="OTHER")
    client = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))

    (row,) = client.get(detail_url(run, "?show=excluded")).context["table"]["rows"]

    assert "now: Discarded" in [tag["text"] for tag in row["tags"]]
    assert row["unit_url"]


def test_units_that_the_nomenclature_in_use_cannot_read_are_counted_and_shown_raw(
    client: Client, patient: Patient, units: Any
) -> None:
    """As after a switch of the release: the inventory keeps what it was given."""
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(hla_c_1="C*01:ZZZZ", hla_c_2="")
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(hla_b_1="B*40:ZZZZ", hla_b_2="")
    run = searched_run(patient)

    response = client.get(detail_url(run))
    why_page = text_of(client.get(reverse("matching:run-unit", args=[run.pk, units["six"].pk])))

    figures = {figure["label"]: figure for figure in response.context["figures"]}
    assert figures["with a typing that the nomenclature in use cannot read"] == {
        "value": "2",
        "label": "with a typing that the nomenclature in use cannot read",
        "note": "B 1, C 1",
        "tone": "warn",
    }
    assert figures["not typed, or not readable, at A, B or DRB1"]["value"] == "2"
    cells = {row["key"]: row["cells"] for row in response.context["table"]["rows"]}[str(units["six"].pk)]
    assert cells[2]["first"] == {"text": "01:ZZZZ", "mark": "potential"}
    assert "The nomenclature in use cannot read C*01:ZZZZ" in why_page


def test_another_order_says_that_it_sorts_the_kept_units_only(client: Client, run: SearchRun) -> None:
    text = "further candidates are not among them"
    assert text not in text_of(client.get(detail_url(run, "?sort=cd34")))
    SearchRun.objects.filter(pk=run.pk).update(cut=7, candidates=10)

    assert text not in text_of(client.get(detail_url(run)))
    assert f"7 {text}" in text_of(client.get(detail_url(run, "?sort=cd34")))


def test_a_search_in_the_table_says_possible_and_certain(run: SearchRun) -> None:
    run.counts = {"antigen6": [[6, 3, 2], [5, 1214, 60]]}

    assert class_summary(run, "antigen6") == "6/6: 3 (2 certain), 5/6: 1,214 (60 certain)"


def test_without_a_weight_whole_units_are_shown(client: Client, hospital: Hospital, units: Any) -> None:
    run = searched_run(typed_patient(hospital=hospital, weight_kg=None))

    response = client.get(detail_url(run, "?tnc=3"))

    assert response.context["table"]["totals"]
    assert response.context["table"]["rows"][0]["tnc"]["unit"] == "×10⁷"
    assert "×10⁷/kg" not in text_of(response).split("<thead>")[1].split("</thead>")[0]
    assert len(response.context["table"]["rows"]) == 4, "a dose filter without a dose filters nothing"


def test_typed_dpb1_is_shown_without_a_mark(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(hla_dpb1_1="DPB1*05:01", hla_dpb1_2="DPB1*02:01")

    table = client.get(detail_url(run)).context["table"]

    assert table["loci"][-1] == {"locus": "DPB1", "patient": "not typed"}
    assert table["rows"][0]["cells"][-1] == {
        "locus": "DPB1",
        "first": {"text": "05:01", "mark": ""},
        "second": {"text": "02:01", "mark": ""},
        "probability": "",
    }


def test_three_locus_search_shows_c_and_dqb1_without_marks(
    client: Client, patient: Patient, units: Any
) -> None:
    run = searched_run(patient, loci="A,B,DRB1")

    response = client.get(detail_url(run))

    cells = response.context["table"]["rows"][0]["cells"]
    assert [cell["locus"] for cell in cells] == ["A", "B", "C", "DRB1", "DQB1"]
    assert [bool(cell["first"]["mark"]) for cell in cells] == [True, True, False, True, False]
    assert response.context["table"]["rows"][0]["allele8"] is None


@pytest.mark.parametrize("count", [1, 20, 50])
def test_list_needs_few_queries(
    client: Client, patient: Patient, count: int, django_assert_max_num_queries: Any
) -> None:
    run = stored_run([ListedUnitFactory() for _ in range(count)], request__patient=patient)

    client.get(detail_url(run))  # judges the list

    with django_assert_max_num_queries(28):
        response = client.get(detail_url(run))

    assert len(response.context["table"]["rows"]) == count


def test_second_page_goes_on_where_the_first_ended(client: Client, patient: Patient) -> None:
    run = stored_run([ListedUnitFactory() for _ in range(51)], request__patient=patient)

    rows = client.get(detail_url(run, "?page=2")).context["table"]["rows"]

    assert [row["rank"] for row in rows] == [51]


# --- why -----------------------------------------------------------------------------------------


def why_of(client: Client, run: SearchRun, unit: CordBloodUnit, **extra: Any) -> Any:
    return client.get(reverse("matching:run-unit", args=[run.pk, unit.pk]), **extra)


def test_why_names_rules_positions_and_sums(client: Client, run: SearchRun, units: Any) -> None:
    response = why_of(client, run, units["five"])

    why = response.context["why"]
    verdicts = {rule["text"]: rule["verdict"] for rule in why["rules"]}
    assert verdicts["5/6 by antigen, floor 4/6"] == "ok"
    assert verdicts["TNC 6.00 ×10⁷/kg, asked ≥ 2.5"] == "ok"
    assert verdicts["A, C, DRB1, DQB1: both positions match"] == "ok"
    differs = (
        "B differs: patient B*46:01, unit B*13:01. B46 and B13 are different antigens. Both sides can see it."
    )
    assert verdicts[differs] == "no"
    assert why["arithmetic"][0] == {
        "label": "A, B antigen, DRB1 allele (of 6)",
        "parts": "A 2 + B 1 + DRB1 2",
        "sum": "5/6",
        "note": "certain",
    }
    locus_b = why["loci"][1]
    assert locus_b["positions"][1] == {"patient": "B*46:01", "unit": "B*13:01", "mark": "mismatch"}
    assert locus_b["notes"][-1] == "Types absent on the other side: patient's 1 (GvH), unit's 1 (HvG)."
    assert "Malignant disease, single unit v1" in why["basis"]
    assert "built-in nomenclature" in why["basis"]


def test_why_of_an_untyped_locus_cannot_tell(client: Client, run: SearchRun, units: Any) -> None:
    why = why_of(client, run, units["four"]).context["why"]

    texts = [rule["text"] for rule in why["rules"] if rule["verdict"] == "na"]
    assert texts == [
        "C is not typed in the unit: 0 to 2 matches are possible",
        "DQB1 is not typed in the unit: 0 to 2 matches are possible",
    ]
    assert why["arithmetic"][2]["note"] == "2 positions are open"


def test_why_opens_under_its_row_or_as_a_page(client: Client, run: SearchRun, units: Any) -> None:
    part = text_of(why_of(client, run, units["six"], **HTMX))
    page = text_of(why_of(client, run, units["six"]))

    assert "<html" not in part
    assert "Why rank 1" in part
    assert "<html" in page
    assert "Why rank 1" in page


def test_why_of_a_unit_that_is_not_in_the_list_is_a_404(client: Client, run: SearchRun, units: Any) -> None:
    assert why_of(client, run, units["three"]).status_code == 404


# --- CSV -----------------------------------------------------------------------------------------


def exported(client: Client, run: SearchRun, query: str = "") -> list[dict[str, str]]:
    response = client.get(reverse("matching:run-export", args=[run.pk]) + query)
    assert f"{run.request.number}-search-1.csv" in response["Content-Disposition"]
    return csv_rows(response)


def test_export_has_every_stored_result(client: Client, run: SearchRun, units: Any) -> None:
    rows = exported(client, run)

    assert [row["unit"] for row in rows] == names(units, "six", "five", "four")
    five = rows[1]
    assert (five["antigen6_min"], five["antigen6_max"], five["tnc_e7_per_kg"]) == ("5", "5", "6.0")
    assert (five["b_1"], five["b_2"], five["b_verdict_2"]) == ("B*40:01", "B*13:01", "mismatch")
    assert (five["hla_release"], five["policy"]) == ("built-in", "Malignant disease, single unit v1")
    assert rows[2]["cd34_e6"] == ""


def test_export_goes_with_the_filters(client: Client, run: SearchRun, units: Any) -> None:
    assert [row["unit"] for row in exported(client, run, "?antigen6=5")] == names(units, "five")


def test_export_tells_a_hospital_no_state_that_is_not_its_own(
    client: Client, run: SearchRun, units: Any
) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(status="DISCARDED", discard_reason="OTHER")
    bank = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))

    assert exported(client, run)[-1]["status_now"] == "NOT_OFFERED"
    assert exported(bank, run)[-1]["status_now"] == "DISCARDED"
    assert exported(client, run)[-1]["rule_offer"] == "failed no longer on offer"
    assert exported(bank, run)[-1]["rule_offer"] == "failed Discarded"


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_flag_set_since_the_search_is_shown_everywhere(
    client: Client, run: SearchRun, units: Any, flag: str
) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(**{flag: True})
    bank = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))
    passport = reverse("bank:unit-detail", args=[units["six"].pk])

    six, other = (
        viewer.get(detail_url(run, "?show=excluded")).context["table"]["rows"][0] for viewer in (client, bank)
    )

    assert (six["tags"][1]["text"], six["unit_url"]) == ("no longer on offer", "")
    assert other["tags"][1] == {"text": f"now: {flag.replace('_', ' ')}", "tone": "bad"}
    assert exported(client, run)[-1]["status_now"] == "NOT_OFFERED"
    assert exported(bank, run)[-1]["status_now"] == flag.upper()
    assert flag.replace("_", " ") not in text_of(
        client.get(reverse("matching:run-unit", args=[run.pk, units["six"].pk]))
    )
    assert client.get(passport).status_code == 404
    assert "No search offers this unit" in text_of(bank.get(passport))
    assert shown(client, run, "?free=on") == names(units, "five", "four")
    address = reverse("api:run-results", args=[run.pk])
    assert [found["on_offer"] for found in client.get(address).json()["results"]] == [True, True, False]
