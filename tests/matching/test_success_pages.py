"""Match success from stored searches: which count, who sees which figures, pages and CSV."""

from __future__ import annotations

import importlib
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from core.roles import Role
from hospitals.models import Hospital, Patient
from matching import success
from matching.models import SearchRun
from matching.presenters import success as presenter
from matching.reach import reach_of
from matching.success import Definition, LeftOut, judged
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory
from tests.factories.match_list import searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.conftest import BACKEND
from tests.matching.match_list_pages import FOUR, csv_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def others() -> list[SearchRun]:
    """Two patients of another hospital: one with a unit of 7.5 ×10⁷/kg, one without any."""
    hospital = HospitalFactory(code="ELSE")
    with_unit = typed_patient(hospital=hospital, weight_kg=Decimal(20), diagnosis="aml")
    without = typed_patient(hospital=hospital, weight_kg=Decimal(20), diagnosis="aml")
    return [
        stored_run([ListedUnitFactory()], request__patient=with_unit),
        stored_run([], request__patient=without),
    ]


@pytest.fixture
def mine(patient: Patient) -> SearchRun:
    return stored_run([ListedUnitFactory()], request__patient=patient)


def page(client: Client, query: str = "") -> Any:
    return client.get(reverse("matching:success") + query).context


def staff(role: Role = Role.DIRECTOR) -> Client:
    client = Client()
    client.force_login(UserFactory(roles=[role]), backend=BACKEND)
    return client


def test_only_the_first_finished_search_in_the_period_counts(mine: SearchRun) -> None:
    later = stored_run([], request=mine.request, run_no=2)
    SearchRun.objects.filter(pk=mine.pk).update(completed_at=datetime(2024, 3, 1, tzinfo=UTC))
    SearchRun.objects.filter(pk=later.pk).update(completed_at=datetime(2025, 3, 1, tzinfo=UTC))

    def shares(**period: Any) -> tuple[int, int]:
        asked = Definition(5, Decimal("2.5"), **period)
        share = success.count(judged(success.firsts(asked), asked))
        return share.n, share.possible

    assert shares() == (1, 1)
    assert shares(since=date(2025, 1, 1)) == (1, 0)
    assert shares(until=date(2024, 3, 1)) == (1, 1)
    assert shares(since=date(2025, 3, 2)) == (0, 0)


def test_the_bank_sees_every_hospital(mine: SearchRun, others: list[SearchRun]) -> None:
    context = page(staff(), "?by=hospital&floor=6&dose=7.5")

    assert (context["total"]["n"], context["total"]["possible"]["found"]) == (3, 2)
    assert {row["label"].split()[0]: row["all"]["possible"]["text"] for row in context["rows"]} == {
        mine.request.hospital.code: "100.0 %", "ELSE": "50.0 %",
    }  # fmt: skip
    assert all(row["all"]["small"] for row in context["rows"])
    assert context["published"] == {"class": "6/6", "percent": 26}


@pytest.fixture
def many(others: list[SearchRun], monkeypatch: pytest.MonkeyPatch) -> None:
    """As if two patients of others were enough to be shown together."""
    monkeypatch.setattr(success, "FEWEST", 2)


def test_a_hospital_sees_its_own_figure_beside_that_of_all(
    client: Client, hospital: Hospital, mine: SearchRun, many: None
) -> None:
    by_hospital, by_disease = page(client, "?by=hospital"), page(client, "?by=disease")

    assert [row["label"].split()[0] for row in by_hospital["rows"]] == [hospital.code]
    assert (by_hospital["own"]["n"], by_hospital["total"]["n"]) == (1, 3)
    assert [
        (row["label"], row["own"]["n"], row["all"] and row["all"]["n"]) for row in by_disease["rows"]
    ] == [
        ("Blood cancer", 0, 2), ("Inherited metabolic disorder", 1, None),
    ]  # fmt: skip
    exported = csv_rows(client.get(reverse("matching:success-export") + "?by=hospital"))
    assert {row["group"] for row in exported} == {"", hospital.code}
    assert "not shown" in client.get(reverse("matching:success") + "?by=disease").content.decode()


@pytest.mark.parametrize("by", ["year", "hospital", "disease", "population"])
def test_a_hospital_learns_nothing_of_single_patients_of_others(
    client: Client, mine: SearchRun, others: list[SearchRun], by: str
) -> None:
    SearchRun.objects.filter(pk=others[1].pk).update(patient_weight_kg=None)
    context = page(client, f"?by={by}")

    assert (context["total"], context["own"]["n"], context["left_out"]) == (None, 1, [])
    if by != "hospital":
        assert [(row["own"]["n"], row["all"]) for row in context["rows"]] == [(1, None)]
    exported = csv_rows(client.get(reverse("matching:success-export") + f"?by={by}"))
    assert {row["whose"] for row in exported} == {"own"}


def test_a_hospital_cannot_find_others_by_halving(client: Client, mine: SearchRun) -> None:
    """Any dose and any day would: what it asks is of a list, or the usual."""
    odd = page(client, "?dose=2.51&since=2024-03-01&until=2024-03-01")

    assert "at least 2.5 " in odd["definition"]
    assert odd["own"]["n"] == 1
    assert not {"since", "until"} & set(odd["form"].fields)
    assert "at least 3.5 " in page(client, "?dose=3.5")["definition"]
    assert "at least 2.51 " in page(staff(), "?dose=2.51")["definition"]


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 40)))
def test_no_sum_and_no_difference_tells_of_few(others: dict[str, int]) -> None:
    hidden = success.hidden(others)

    assert all(others[key] >= success.FEWEST for key in others if key not in hidden)
    together = sum(others[key] for key in hidden)  # total less what is shown
    assert together == 0 or together >= success.FEWEST or sum(others.values()) < success.FEWEST


def test_csv_has_shares_and_intervals(mine: SearchRun, others: list[SearchRun]) -> None:
    rows = csv_rows(staff().get(reverse("matching:success-export") + "?by=hospital&floor=5"))

    total, *groups = rows
    assert (total["n"], total["possible"], total["possible_share"]) == ("3", "2", "0.666667")
    assert float(total["possible_low"]) < 0.666 < float(total["possible_high"])
    assert [row["group"] for row in groups] == ["ELSE", mine.request.hospital.code]


def test_what_is_left_out_is_printed(mine: SearchRun, others: list[SearchRun]) -> None:
    SearchRun.objects.filter(pk=mine.pk).update(patient_weight_kg=None)
    SearchRun.objects.filter(pk=others[1].pk).update(
        criteria={**others[1].criteria, "floors": {"allele8": 5}}
    )

    answer = staff().get(reverse("matching:success"))

    assert [str(row["label"]) for row in answer.context["left_out"]] == [
        LeftOut.NO_WEIGHT.label, LeftOut.FLOOR.label,
    ]  # fmt: skip
    assert "a floor of another class" in answer.content.decode()
    assert "TNC of at least 2.5" in answer.content.decode()


def test_nobody_searched_yet() -> None:
    answer = staff().get(reverse("matching:success"))

    assert "No patient was searched" in answer.content.decode()
    assert answer.context["total"]["possible"]["text"] == "–"


@pytest.mark.parametrize("query", ["?floor=9&dose=x&by=luck&since=never", "?dose=", "?floor=&by="])
def test_a_senseless_address_shows_the_usual_question(mine: SearchRun, query: str) -> None:
    context = page(staff(), query)

    assert (context["by"], "4/6 or better" in context["definition"]) == ("Year", True)
    assert "2.5" in context["definition"]


def test_any_dose(mine: SearchRun) -> None:
    assert "whatever its dose" in page(staff(), "?dose=0")["definition"]


# --- what is kept with a search


def test_a_search_keeps_how_far_its_list_reaches(patient: Patient) -> None:
    ListedUnitFactory(tnc_e7=100)
    ListedUnitFactory(tnc_e7=140, status="RESERVED")
    ListedUnitFactory(gl=FOUR, tnc_e7=160)

    run = searched_run(patient, statuses=("LISTED", "RESERVED"))

    assert run.reach["possible"] == {"6": 5.0, "4": 8.0}
    assert run.reach == reach_of([run.pk])[run.pk]


def test_older_searches_are_filled_by_the_migration_as_new_ones_are(patient: Patient) -> None:
    """And before it ran, the page computes the same."""
    run = stored_run([ListedUnitFactory(), ListedUnitFactory(gl=FOUR)], request__patient=patient)
    unweighed = stored_run([ListedUnitFactory()], request__patient=typed_patient(weight_kg=None))
    empty = stored_run([], request=run.request, run_no=2)
    (path,) = (Path(success.__file__).parent / "migrations").glob("*_reach.py")
    migration = importlib.import_module(f"matching.migrations.{path.stem}")
    assert SearchRun.objects.get(pk=run.pk).reach is None

    with connection.cursor() as cursor:
        cursor.execute(migration.FILL)

    computed = reach_of([run.pk, unweighed.pk, empty.pk])
    assert {one.pk: one.reach for one in SearchRun.objects.all()} == computed
    assert computed[unweighed.pk]["possible"] == {"6": None}


def test_the_page_is_quick_with_thousands_of_patients(
    mine: SearchRun, django_assert_max_num_queries: Any
) -> None:
    """3,000 patients; every figure of theirs stands in one row each."""
    with connection.cursor() as cursor:
        for table, values in (
            ("hospitals_patient", {"id": "gen_random_uuid()", "code": "'P' || n"}),
            ("core_job", {"id": "gen_random_uuid()", "key": "'many' || n"}),
        ):
            cursor.execute(_many(table, values))
        cursor.execute(
            "CREATE TEMP TABLE pairs ON COMMIT DROP AS"
            " SELECT p.id AS patient, j.id AS job, gen_random_uuid() AS request, p.code"
            " FROM hospitals_patient p JOIN core_job j ON j.key = 'many' || substr(p.code, 2)"
        )
        request = {"id": "pairs.request", "patient_id": "pairs.patient", "number": "'MR' || pairs.code"}
        cursor.execute(_many("matching_matchrequest", request, "pairs"))
        run = {
            "id": "gen_random_uuid()",
            "request_id": "pairs.request",
            "job_id": "pairs.job",
            "reach": "'{}'",
        }
        run["reach"] = """'{"possible": {"6": 3.0, "5": 4.0}, "certain": {"5": 4.0}}'::jsonb"""
        cursor.execute(_many("matching_searchrun", run, "pairs"))
        cursor.execute("ANALYZE matching_searchrun, matching_matchrequest, hospitals_patient")
    client = staff()
    page(client)

    with django_assert_max_num_queries(12):
        begin, cpu = time.perf_counter(), time.process_time()
        context = page(client, "?by=disease")
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu

    assert context["total"]["n"] == 3001
    assert cpu < 1, f"{cpu:.3f} s"  # of this process: other work of the machine does not count
    print(f"3,000 patients: {seconds * 1000:.0f} ms, of which {cpu * 1000:.0f} of this process")


def _many(table: str, values: dict[str, str], source: str = "generate_series(1, 3000) AS n") -> str:
    """INSERT of copies of the only row of a table, with other values in some columns."""
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    chosen = ", ".join(values.get(name, f"model.{name}") for name in columns)
    rows = f"(SELECT * FROM {table} LIMIT 1) AS model"
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {rows}, {source}"


def test_figures_of_the_presenter_never_leave_the_drawing() -> None:
    shown = presenter.shown(success.Share(n=3, possible=3, certain=0))

    for figure in (shown["possible"], shown["certain"]):
        assert 0 <= figure["low"] <= figure["low"] + figure["width"] <= 100
