"""Every page of matching says where it lies: down from its list, each step to a page that opens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from core.roles import Role
from matching.models import SearchRun
from tests.factories.match_list import queued_run, stored_run
from tests.factories.matching import ListedUnitFactory
from tests.factories.policies import bank_policy
from tests.factories.reports import kept_report
from tests.matching.test_pages_references import client_of

pytestmark = pytest.mark.django_db

CRUMBS = re.compile(r'<nav class="crumbs".*?</nav>', re.DOTALL)
STEP = re.compile(r'<a href="([^"]*)">([^<]*)</a>|<span aria-current="page">([^<]*)</span>')


@pytest.fixture
def client() -> Client:
    return client_of(Role.MEDICAL_DIRECTOR)


@pytest.fixture
def units() -> list[CordBloodUnit]:
    return [ListedUnitFactory(unit_no="ONE"), ListedUnitFactory(unit_no="TWO")]


@pytest.fixture
def run(units: list[CordBloodUnit]) -> SearchRun:
    return stored_run(units)


def way(client: Client, address: str) -> list[str]:
    """The labels of a page's crumbs; every step before the page itself is followed."""
    found = CRUMBS.search(client.get(address).content.decode())
    assert found is not None, f"{address} does not say where it lies"
    steps = STEP.findall(found.group())
    for url, _label, _here in steps[:-1]:
        assert client.get(url).status_code == 200, url
    assert not steps[-1][0]
    return [label or here for _url, label, here in steps]


@pytest.mark.parametrize(
    ("name", "query", "last"),
    [
        ("run-detail", "", []),
        ("run-compare", "?unit={0}&unit={1}", ["Compare"]),
        ("pair-list", "", ["Double units"]),
        ("run-changes", "", ["What changed"]),
        ("run-report", "", ["Report"]),
    ],
)
def test_pages_of_a_search(
    client: Client, run: SearchRun, units: list[Any], name: str, query: str, last: list[str]
) -> None:
    address = reverse(f"matching:{name}", args=[run.pk]) + query.format(*(unit.pk for unit in units))

    assert way(client, address) == ["Requests", run.request.number, "Match list, search 1", *last]


def test_pages_of_a_unit_of_a_list(client: Client, run: SearchRun, units: list[CordBloodUnit]) -> None:
    head = ["Requests", run.request.number, "Match list, search 1"]
    one, two = (unit.pk for unit in units)

    assert way(client, reverse("matching:run-unit", args=[run.pk, one])) == [*head, "ONE"]
    assert way(client, reverse("matching:run-pair", args=[run.pk, one])) == [
        *head, "ONE", "Whole distribution",
    ]  # fmt: skip
    assert way(client, reverse("matching:pair-detail", args=[run.pk, one, two])) == [
        *head, "Double units", "ONE + TWO",
    ]  # fmt: skip


def test_a_search_that_has_no_list_yet(client: Client) -> None:
    run = queued_run()

    assert way(client, reverse("matching:run-progress", args=[run.pk]))[-1] == "Search 1"


def test_reports_lie_below_their_request(client: Client) -> None:
    report = kept_report()
    number = report.run.request.number
    listed = reverse("matching:report-list", args=[report.run.request_id])

    assert way(client, listed) == ["Requests", number, "Reports"]
    assert way(client, reverse("matching:report-detail", args=[report.pk])) == [
        "Requests", number, "Reports", report.digest[:12],
    ]  # fmt: skip


def test_policies_lie_below_the_reference_data(client: Client) -> None:
    policy = bank_policy("Two units")
    detail, edit = (reverse(f"matching:policy-{page}", args=[policy.pk]) for page in ("detail", "edit"))

    assert way(client, reverse("matching:policy-list")) == ["Reference data", "Selection policies"]
    assert way(client, detail) == ["Reference data", "Selection policies", f"Two units v{policy.version}"]
    assert way(client, edit)[2:] == [f"Two units v{policy.version}", "Edit"]


def test_the_form_of_a_request_lies_below_the_patient(run: SearchRun) -> None:
    client = client_of(Role.SEARCH_COORDINATOR)
    patient = run.request.patient

    found = way(client, f"{reverse('matching:request-create')}?patient={patient.pk}")

    assert found == ["Patients", patient.code, "New match request"]
