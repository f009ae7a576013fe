"""A match list ordered and filtered by probability, and the next typing it proposes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from hospitals.models import Hospital
from matching.models import SearchResult, SearchRun
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import detail_url, shown
from tests.matching.prediction_cases import OPEN, change, unit_url
from tests.matching.test_pages_requests import text_of

# --- order and filters ---------------------------------------------------------------------------


def test_orders_and_filters_by_probability(client: Client, run: SearchRun, units: Any) -> None:
    found = {size: dict(run.results.values_list("unit__unit_no", f"p0_of{size}")) for size in (6, 8, 10)}
    for size, known in found.items():
        wanted = sorted(known.values(), reverse=True)
        assert [known[name] for name in shown(client, run, f"?sort=p{size}")] == wanted
        for percent in (1, 30, 50, 100):
            passed = {name for name, share in known.items() if share >= percent / 100}
            assert set(shown(client, run, f"?p{size}={percent}")) == passed


def test_unknown_probabilities_come_last_and_pass_no_filter(
    client: Client, run: SearchRun, units: Any
) -> None:
    SearchResult.objects.filter(run=run, unit=units["six"]).update(p0_of6=None, p0_of8=None)

    assert shown(client, run, "?sort=p8")[-1] == units["six"].unit_no
    assert units["six"].unit_no not in shown(client, run, "?p8=1")
    assert shown(client, run, "?sort=class_cd34")[2] == units["six"].unit_no, "the last band of its class"


def test_labels_say_how_probabilities_order_the_list(client: Client, run: SearchRun) -> None:
    context = client.get(detail_url(run)).context

    assert [chip.label for chip in context["order"].chips()] == [
        "class",
        "P(6/6) in steps of 10 %",
        "certain matches",
        "TNC/kg",
        "quality",
    ]
    assert [item["label"] for item in context["order"].presets()][3:6] == [
        "P(6/6) alone",
        "P(8/8) alone",
        "P(10/10) alone",
    ]
    (chip,) = [chip for chip in context["chips"] if chip.name == "p8"]
    assert (chip.label, chip.count) == ("P(8/8) ≥ 50 %", len(shown(client, run, chip.url)))


def test_list_by_class_and_cd34_keeps_the_bands(client: Client, run: SearchRun, units: Any) -> None:
    """All of one class: 64 % and 58 % are two bands, and cells decide only within one."""
    run.results.filter(unit=units["unlinked"]).update(cd34_e6=99)

    in_order = shown(client, run, "?sort=class_cd34")

    assert in_order.index(units["open"].unit_no) < in_order.index(units["unlinked"].unit_no)


def test_three_locus_search_speaks_of_six_positions(client: Client, hospital: Hospital, units: Any) -> None:
    run = searched_run(typed_patient(hospital=hospital, weight_kg=Decimal(20)), loci="A,B,DRB1")

    response = client.get(detail_url(run))

    row = response.context["table"]["rows"][1]
    assert [(one["label"], one["lead"]) for one in row["probability"]["lines"]] == [("6/6", True)]
    assert [chip.label for chip in response.context["chips"] if chip.name.startswith("p")] == [
        "P(6/6) ≥ 50 %"
    ]
    assert set(response.context["filter_form"].fields) >= {"p6"}
    assert not set(response.context["filter_form"].fields) & {"p8", "p10"}


# --- the next typing -----------------------------------------------------------------------------


def test_next_typing_names_units_loci_and_gains(client: Client, run: SearchRun, units: Any) -> None:
    values = [
        {"unit": str(units["open"].pk), "locus": "B", "gain": 0.082, "reached": 0.62},
        {"unit": str(units["four"].pk), "locus": "C", "gain": 0.0004, "reached": 0.3},
    ]
    change(run, next={"size": 8, "best": 0.62, "values": values})

    response = client.get(detail_url(run))

    found = response.context["next_typings"]
    assert (found["class"], found["best"]) == ("7/8", "62 %")
    first, second = found["rows"]
    assert (first["unit"], first["locus"], first["gain"]) == (units["open"].unit_no, "B", "8.2")
    assert first["url"] == unit_url(run, units["open"])
    assert "62 % becomes 70 % on average" in first["why"]
    assert second["why"].startswith("It reaches 7/8 or better with 30 % now. Knowing C may put it ahead")
    assert f"best: B of {units['open'].unit_no}, +8.2 points" in text_of(response)


@pytest.mark.parametrize(("certain", "text"), [(False, ">99 %"), (True, "100 %")])
def test_next_typing_claims_no_certainty(
    client: Client, run: SearchRun, units: Any, certain: bool, text: str
) -> None:
    if not certain:
        run.results.update(allele8_min=4)
    values = [{"unit": str(units["open"].pk), "locus": "B", "gain": 0.01, "reached": 1.0}]
    run.results.filter(unit=units["open"]).update(allele8_min=4, allele8_max=8)
    change(run, next={"size": 8, "best": 1.0, "values": values})

    found = client.get(detail_url(run)).context["next_typings"]

    assert (found["best"], found["rows"][0]["reached"]) == (text, ">99 %")


def test_next_typing_without_use_says_so(client: Client, run: SearchRun) -> None:
    response = client.get(detail_url(run))

    assert response.context["next_typings"]["rows"] == []
    assert "No typing of a single locus would change which unit is best" in text_of(response)


@pytest.mark.parametrize("count", [1, 20])
def test_predicted_list_needs_few_queries(
    client: Client, hospital: Hospital, count: int, django_assert_max_num_queries: Any
) -> None:
    made = [ListedUnitFactory(gl=OPEN) for _ in range(count)]
    run = searched_run(typed_patient(hospital=hospital))
    change(
        run,
        next={
            "size": 8,
            "best": 0.5,
            "values": [{"unit": str(unit.pk), "locus": "B", "gain": 0.1, "reached": 0.5} for unit in made],
        },
    )

    client.get(detail_url(run))  # judges the list

    with django_assert_max_num_queries(29):
        response = client.get(detail_url(run))

    assert len(response.context["next_typings"]["rows"]) == count
