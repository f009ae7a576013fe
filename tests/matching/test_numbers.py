"""Numbers as text: one way, exact, whatever the language; and no tails of binary fractions in what leaves us."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.urls import reverse
from django.utils import translation

from bank.models import CordBloodUnit
from core.roles import Role
from matching.engine.numbers import plain_number, rounded
from matching.models import SearchRun
from matching.presenters.rule_words import threshold_text
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.factories.planning import stored_planning
from tests.matching.report_pages import text_of
from tests.matching.test_pages_references import client_of

TAIL = re.compile(rb"\d\.\d*(?:0{7,}|9{7,})\d*")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2.50", "2.5"),
        ("10", "10"),
        ("1E+2", "100"),
        ("0.0", "0"),
        ("0.30", "0.3"),
        ("1234567.80", "1234567.8"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_decimal_has_no_idle_zeros_exponent_or_comma(value: str, text: str, language: str) -> None:
    with translation.override(language):
        assert plain_number(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "figures"), [(0.1 + 0.2, 0.3), (1 / 3, 0.333333), (1.23456789e-7, 1.23457e-7), (12, 12.0)]
)
def test_a_computed_figure_keeps_six_places_that_count(value: float, figures: float) -> None:
    assert rounded(value) == figures


@pytest.mark.parametrize("least", ["2.50", "2.5"])
def test_a_threshold_reads_the_same_however_it_was_written(least: str) -> None:
    values = {"least": Decimal(least), "bound": "at_least"}

    assert threshold_text("tnc_dose", values) == "at least 2.5 ×10⁷/kg"


@pytest.fixture
def run(db: None) -> SearchRun:
    """Doses that no binary fraction holds: 0.3 of a third."""
    units: list[CordBloodUnit] = [
        ListedUnitFactory(unit_no=f"U{n}", tnc_e7=cells, cd34_e6=round(cells / 30, 3), volume_ml=25.1)
        for n, cells in enumerate((90.3, 100.1, 110.7))
    ]
    return stored_run(units, request__patient=typed_patient(weight_kg=Decimal("32.7")))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("matching:run-detail", "?show=all"),
        ("matching:run-export", ""),
        ("matching:pair-list", ""),
        ("matching:pair-export", ""),
        ("api:run-results", ""),
        ("api:run-pairs", ""),
    ],
)
def test_a_list_has_no_tails(run: SearchRun, name: str, query: str, language: str) -> None:
    found = _read(reverse(name, args=[run.pk]) + query, language)

    assert TAIL.findall(found) == []


def test_a_spreadsheet_has_no_tails(run: SearchRun) -> None:
    found = _read(reverse("matching:run-export-xlsx", args=[run.pk]), "en")
    with ZipFile(BytesIO(found)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")

    assert b"<v>" in sheet
    assert TAIL.findall(sheet) == []


def test_a_report_has_no_tails(run: SearchRun) -> None:
    found = _read(reverse("matching:run-report-pdf", args=[run.pk]) + "?n=3&lang=en", "en")

    text = str(text_of(found))
    assert "kg" in text
    assert TAIL.findall(text.encode()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["planning-detail", "planning-export", "planning-units", "planning-units-export"],
)
def test_a_simulation_has_no_tails(name: str) -> None:
    run = stored_planning()

    addresses = [reverse(f"matching:{name}", args=[run.pk])]
    if name in ("planning-detail", "planning-units"):
        addresses.append(reverse(f"api:{name}", args=[run.pk]))
    for address in addresses:
        assert _long(_read(address, "en")) == []


def _read(address: str, language: str) -> bytes:
    client = client_of(Role.MEDICAL_DIRECTOR)
    response = client.get(address, headers={"accept-language": language})
    assert response.status_code == 200
    found: bytes = response.getvalue()
    return found


def _long(found: bytes) -> list[bytes]:
    """Numbers with more figures than any of the data have."""
    return re.findall(rb"(?<![\w.-])\d+\.\d{9,}", found)
