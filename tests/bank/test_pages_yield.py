"""The yield page and its files: what they say, and that each number leads to just its units."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import random
import re
from typing import Any

import pytest
from django.test import Client

from bank.forms_yield import YieldForm
from bank.models import CordBloodUnit
from core.models import User
from tests.bank.yield_helpers import random_unit
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.storage import tank

URL = "/units/yield/"
TABLES = ("funnel", "sites", "reasons", "counts", "times", "stock", "tanks")


def linked(page: str) -> dict[str, int]:
    """Address in the inventory → the number that links to it."""
    found = re.findall(r'<a href="(/units/\?[^"]+)">([\d,]+)</a>', page)
    return {html.unescape(url): int(number.replace(",", "")) for url, number in found}


def test_every_number_leads_to_its_units(qa: User, signed_in: Any) -> None:
    rng = random.Random(3)
    for _ in range(60):
        random_unit(rng)
    client = signed_in(qa)
    links = linked(client.get(URL, {"year": "all"}).content.decode())
    links |= linked(
        client.get(URL, {"year": "2024", "first": "2", "last": "9", "site": "North"}).content.decode()
    )

    assert len(links) > 35
    for url, number in links.items():
        assert client.get(url).context["page"].paginator.count == number, url


def test_the_period_is_what_was_asked(qa: User, signed_in: Any) -> None:
    for day in (dt.date(2023, 1, 31), dt.date(2023, 2, 1), dt.date(2023, 4, 30), dt.date(2023, 5, 1)):
        UnitFactory(collected_on=day)

    page = signed_in(qa).get(URL, {"year": "2023", "first": "2", "last": "4"})
    assert page.context["found"].collected == 2
    assert "from 2023-02-01 to 2023-04-30" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"year": "1066"}, {"year": "x", "first": "13"}, {"first": "11", "last": "2"}, {"site": "\0nowhere"},
        {"site": "'; DROP TABLE"},
    ],
)  # fmt: skip
def test_senseless_questions_are_no_error(qa: User, signed_in: Any, query: dict[str, str]) -> None:
    UnitFactory()

    assert signed_in(qa).get(URL, query).status_code == 200
    assert signed_in(qa).get(f"{URL}funnel.csv", query).status_code == 200


def test_a_last_month_before_the_first_is_the_first() -> None:
    asked = YieldForm({"year": "2024", "first": "2", "last": "1"}, years=[2024], usual=2024).cohort

    assert (asked.since, asked.until) == (dt.date(2024, 2, 1), dt.date(2024, 2, 29))


def test_files_say_what_the_page_says(qa: User, signed_in: Any) -> None:
    tank()
    rng = random.Random(4)
    for _ in range(30):
        random_unit(rng)
    client: Client = signed_in(qa)
    page = client.get(URL, {"year": "all"}).context
    files = {}
    for table in TABLES:
        answer = client.get(f"{URL}{table}.csv", {"year": "all"})
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        files[table] = list(csv.DictReader(io.StringIO(text)))

    assert [int(row["reached"]) for row in files["funnel"]] == [row["n"] for row in page["funnel"]]
    assert sum(int(row["units"]) for row in files["stock"]) == page["stock"]["whole"]
    assert sum(int(row["units"]) for row in files["reasons"]) == page["reasons"]["whole"]
    assert sum(int(row["collected"]) for row in files["sites"]) == page["found"].collected
    assert [row["tank"] for row in files["tanks"]] == ["T1"]
    assert {row["quantity"] for row in files["counts"]} >= {"tnc-after", "recovery"}
    assert len(files["times"]) == 3
    assert client.get(f"{URL}secrets.csv").status_code == 404


def test_a_site_that_begins_as_a_formula_is_text_in_the_file(qa: User, signed_in: Any) -> None:
    UnitFactory(donation=DonationFactory(collection_site="=1+1"))

    text = b"".join(signed_in(qa).get(f"{URL}sites.csv", {"year": "all"}).streaming_content).decode()
    assert "'=1+1" in text


def test_what_is_not_known_is_said(qa: User, signed_in: Any) -> None:
    UnitFactory(collected_on=None)
    UnitFactory(collected_on=None, source="partner")
    UnitFactory(synthetic=True)

    page = signed_in(qa).get(URL).content.decode()
    assert "1 own unit has no day of collection" in page
    assert "with synthetic units" in page
    assert "PMC4340371" in page


def test_an_empty_bank_has_a_page(qa: User, signed_in: Any) -> None:
    assert "No unit was collected in this period" in signed_in(qa).get(URL).content.decode()


@pytest.mark.parametrize("many", [1, 20])
def test_the_page_has_a_fixed_number_of_queries(
    qa: User, signed_in: Any, many: int, django_assert_max_num_queries: Any
) -> None:
    rng = random.Random(5)
    for _ in range(many):
        random_unit(rng)
    client = signed_in(qa)
    client.get(URL)
    with django_assert_max_num_queries(34):
        client.get(URL, {"year": "all"})
    assert CordBloodUnit.objects.count() == many


def test_a_hospital_may_not_ask_by_the_inside(coordinator: User, signed_in: Any) -> None:
    UnitFactory(status="QUARANTINE", donation=DonationFactory(collection_site="North"))
    listed = UnitFactory(donation=DonationFactory(collection_site="South"))

    for query in ({"site": "North"}, {"reached": "6"}, {"task": "kits"}, {"reason": "clots"}):
        page = signed_in(coordinator).get("/units/", query).context["page"]
        assert [unit.pk for unit in page] == [listed.pk]
