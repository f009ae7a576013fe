"""Planning as people and programs see it: form, progress, figures, units, CSV, API."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from core.models import Job
from core.roles import Role
from matching.engine.numbers import rounded
from matching.engine.planning_plan import GRID
from matching.forms_planning import PlanningForm, planning_initial
from matching.models import PlanningRun
from matching.presenters import planning as words
from matching.presenters import planning_chart
from tests.factories.matching import ListedUnitFactory
from tests.factories.planning import finished_planning, small_plan, started_planning, stored_planning
from tests.matching.snapshots import listed
from tests.matching.test_pages_references import client_of, text_of
from tests.matching.test_planning_job import COMMON

PAGE, DETAIL, UNITS = "matching:planning", "matching:planning-detail", "matching:planning-units"


@pytest.fixture
def director(db: None) -> Client:
    return client_of(Role.DIRECTOR)


@pytest.fixture
def run(ledger_at_once: None) -> PlanningRun:
    listed(2, gl=COMMON)
    ListedUnitFactory(unit_no="SMALL", tnc_e7=30, gl=COMMON)
    ListedUnitFactory(unit_no="UNKNOWN", tnc_e7=None, gl=COMMON)
    return finished_planning()


def shown(client: Client, run: PlanningRun, name: str = DETAIL, query: str = "") -> str:
    return " ".join(text_of(client.get(reverse(name, args=[run.pk]) + query)).split())


def posted(**values: Any) -> dict[str, Any]:
    return {**planning_initial(), "patients": 200, **values}


def test_the_form_starts_a_simulation(director: Client) -> None:
    shown = text_of(director.get(reverse(PAGE)))
    assert "No simulation yet" in shown
    assert 'value="10:0.2, 20:0.2, 40:0.2, 60:0.4"' in shown

    response = director.post(reverse(PAGE), posted(doses="5, 2.5", weights="10:1 60:3"))

    run = PlanningRun.objects.get()
    assert response.url == reverse(DETAIL, args=[run.pk])
    assert run.parameters["doses"] == ["2.5", "5"]
    assert run.parameters["weights"] == [["10", "1"], ["60", "3"]]
    assert "waiting" in text_of(director.get(reverse(PAGE)))
    assert "Waiting for a free worker" in text_of(director.get(response.url))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"patients": 3}, "greater than or equal to 200"),
        ({"weights": "10:x"}, "“x” is no number above 0"),
        ({"weights": ","}, "Give 1 to 8 weights."),
        ({"weights": "10, 10"}, "A weight stands there twice."),
        ({"weights": "0"}, "“0” is no number above 0"),
        ({"doses": "1 2 3 4 5"}, "Give at most 4 doses."),
        ({"doses": "2.555"}, "“2.555” is no number"),
        ({"doses": "NaN"}, "“NaN” is no number"),
        ({"target_dose": "3"}, "Choose one of the doses above."),
        ({"target": "antigen6:1"}, "Select a valid choice"),
    ],
    ids=str,
)
def test_the_form_says_what_is_wrong(director: Client, values: dict[str, Any], said: str) -> None:
    shown = text_of(director.post(reverse(PAGE), posted(**values)))

    assert said in shown
    assert not PlanningRun.objects.exists()


def test_a_refusal_of_the_service_stands_in_the_form(
    director: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        started_planning(seed=seed)

    assert "3 simulations are under way already" in text_of(director.post(reverse(PAGE), posted(seed=9)))


def test_figures_that_are_there_are_shown_again(director: Client, run: PlanningRun) -> None:
    form = PlanningForm(planning_initial(small_plan()))
    assert form.is_valid(), form.errors

    response = director.post(reverse(PAGE), form.data, follow=True)

    assert "Nothing that these figures depend on has changed" in text_of(response)
    assert PlanningRun.objects.count() == 1
    assert words.percent(words.target_rate(run)["possible"] / 200) in text_of(director.get(reverse(PAGE)))


def test_the_page_answers_first_and_shows_every_part(
    director: Client, run: PlanningRun, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        page = shown(director, run)

    assert words.sentence(run) in page
    for part in (
        "Patients with at least one unit", "By weight", "Match likelihood by size of the inventory",
        "Published figures of other populations", "Haplotypes that would add most", "Worth of the units",
        "How this is computed", "demo (synthetic)", "built-in nomenclature", "Inventory as of change", "split",
        "unconfirmed", "Shanghai", "26 %",
    ):  # fmt: skip
        assert part in page, part
    assert "style=" not in page.split("<main")[1]
    assert page.count('<polyline class="curve"') == 3
    assert page.count('<polyline class="curve made-up"') == 3


def test_the_curve_is_drawn_and_tabled_alike(run: PlanningRun) -> None:
    drawn = planning_chart.curve(run)

    assert [line["label"] for line in drawn["lines"]] == ["6/6", "≥5/6", "≥4/6"]
    assert [row["now"] for row in drawn["table"]].count(True) == 1
    assert all(row["simulated"] for row in drawn["table"][-1:])
    assert drawn["lines"][0]["dots"][0]["x"] == planning_chart.LEFT
    assert drawn["lines"][0]["dots"][-1]["x"] == planning_chart.WIDTH - planning_chart.RIGHT
    names = sorted(line["name_y"] for line in drawn["lines"])
    assert all(high - low >= planning_chart.LEAST_GAP for low, high in pairwise(names))


def test_a_curve_of_one_size_is_no_error(db: None) -> None:
    run = stored_planning()
    run.result["curve"] = {
        "sizes": [3],
        "inventory": 3,
        "series": [
            {"class": "antigen6", "floor": floor, "dose": dose, "hits": [40]}
            for floor in GRID["antigen6"]
            for dose in ("0", "2.5")
        ],
    }

    drawn = planning_chart.curve(run)

    assert drawn["lines"][0]["simulated"] == ""
    assert words.published(run)[0]["ours"] == "100.0 % with 3 units"
    assert words.published(run)[4]["ours"] == "–"


def test_few_patients_are_warned_about(director: Client, db: None) -> None:
    assert "Fewer patients were simulated" in shown(director, stored_planning())


def test_progress_is_watched_and_ends_with_a_reload(director: Client, run: PlanningRun) -> None:
    waiting = started_planning(seed=7)
    url = reverse(DETAIL, args=[waiting.pk])
    htmx = {"HX-Request": "true"}

    assert "Waiting for a free worker" in text_of(director.get(url, headers=htmx))
    Job.objects.filter(pk=waiting.job_id).update(
        state="failed", ended_at=timezone.now(), error="The reason stands here."
    )
    assert director.get(url, headers=htmx).headers["HX-Refresh"] == "true"
    assert "The reason stands here." in text_of(director.get(url))
    for name in (UNITS, "matching:planning-export", "matching:planning-units-export"):
        assert director.get(reverse(name, args=[waiting.pk])).status_code == 404
    assert director.get(reverse("api:planning-detail", args=[waiting.pk])).json()["figures"] is None
    assert director.get(reverse("api:planning-units", args=[waiting.pk])).json()["results"] == []
    job = Job(state="running", stage="patients")
    assert words.progress(job)["title"] == "Searching the inventory for each simulated patient"
    assert words.progress(Job(state="running"))["title"] == "Starting"


def test_units_by_worth(director: Client, run: PlanningRun) -> None:
    least, most = shown(director, run, UNITS), shown(director, run, UNITS, "?sort=-worth")

    def order(page: str) -> list[str]:
        return re.findall(r'<a class="mono nowrap" href="[^"]+">([^<]+)</a>', page)

    assert order(least)[0] == "UNKNOWN"
    assert order(least)[1] == "SMALL"
    assert order(most)[:2] == order(least)[2:]
    assert order(shown(director, run, UNITS, "?q=small")) == ["SMALL"]
    assert "No such unit in this simulation" in shown(director, run, UNITS, "?q=zzz")


def test_a_unit_that_is_gone_keeps_its_figures(director: Client, db: None) -> None:
    run = stored_planning()

    assert "no longer there" in shown(director, run, UNITS)
    rows = csv_rows(director, "matching:planning-units-export", run)
    assert rows[1][0] == "00000000-0000-0000-0000-000000000002"


def csv_rows(client: Client, name: str, run: PlanningRun) -> list[list[str]]:
    response = client.get(reverse(name, args=[run.pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return [line.split(",") for line in text.splitlines()]


def test_csv_of_rates_and_units(director: Client, run: PlanningRun) -> None:
    head, *rates = csv_rows(director, "matching:planning-export", run)
    _head, *units = csv_rows(director, "matching:planning-units-export", run)

    assert all(len(row) == len(head) for row in rates)
    known = [row for row in rates if row[3] == "4" and row[:3] == ["antigen6", "5", "2.5"]]
    assert known[0][6] == str(words.target_rate(run)["possible"])
    assert {row[4] for row in rates} == {"no", "yes"}
    assert [row[0] for row in units[:2]] == ["UNKNOWN", "SMALL"]
    assert len(units) == 4


def test_the_api_gives_the_same_figures(director: Client, run: PlanningRun) -> None:
    (brief,) = director.get(reverse("api:planning-list")).json()["results"]
    found = director.get(reverse("api:planning-detail", args=[run.pk])).json()
    least = director.get(reverse("api:planning-units", args=[run.pk])).json()
    most = director.get(reverse("api:planning-units", args=[run.pk]) + "?order=most").json()

    assert (brief["set_version"], "figures" in brief) == ("demo (synthetic)", False)
    assert found["figures"]["rates"] == [
        {**one, "low": rounded(one["low"]), "high": rounded(one["high"])} for one in run.result["rates"]
    ]
    assert found["figures"]["curve"] == run.result["curve"]
    assert found["figures"]["gains"]["unserved"] == run.result["gains"]["unserved"]
    assert (least["count"], least["results"][0]["tnc_e7"]) == (4, None)
    assert most["results"][0]["best"] > 0


def test_in_chinese(director: Client, run: PlanningRun) -> None:
    page = director.get(reverse(DETAIL, args=[run.pk]), headers={"accept-language": "zh-hans"})
    translation.activate("en")

    for word in ("库存规划", "单倍型", "配型", "脐带血"):
        assert word in text_of(page), word


def test_the_inventory_leads_to_planning_for_the_bank_alone(director: Client) -> None:
    assert reverse(PAGE) in text_of(director.get(reverse("bank:unit-list")))
    shipping = client_of(Role.SHIPPING)
    assert reverse(PAGE) not in text_of(shipping.get(reverse("bank:unit-list")))
    assert shipping.get(reverse(PAGE)).status_code == 403


def test_who_only_looks_gets_no_form(run: PlanningRun) -> None:
    auditor = client_of(Role.AUDITOR)

    assert "New simulation" not in text_of(auditor.get(reverse(PAGE)))
    assert auditor.post(reverse(PAGE), posted()).status_code == 403


def test_small_words() -> None:
    assert words.dose_text("0") == "no dose filter"
    assert words.class_text("allele8", 8) == "8/8"
    assert words.per_million(0.00025) == "250"
