"""Units over the API: the list's filters and visibility, an explicit shape."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import User
from tests.factories.bank import BankFactory, HlaTypingFactory, MeasurementFactory, UnitFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/units/"


def test_a_unit_says_what_is_listed(signed_in: Any, coordinator: User) -> None:
    unit = UnitFactory(din="G123498654321", populations="HAN", hla_dqb1_1="", hla_dqb1_2="")

    body = signed_in(coordinator).get(f"{LIST}{unit.pk}/").json()

    assert body["public_no"] == "G1234 98 654321 H"
    assert (body["din_check"], body["bank"], body["status"]) == ("H", "TB", "LISTED")
    assert (body["tnc_e7"], body["cd34_e6"], body["volume_ml"]) == (130.0, 4.0, 24.0)
    assert body["populations"] == "HAN"
    assert body["hla"]["A"] == ["A*11:01", "A*24:02"]
    assert "DQB1" not in body["hla"]
    assert not {"held_reasons", "donation", "hold_reason", "import_batch"} & set(body)


def test_hospitals_see_listed_units_only(signed_in: Any, coordinator: User, qa: User) -> None:
    UnitFactory(unit_no="L1")
    held = UnitFactory(unit_no="H1", on_hold=True)

    assert [unit["unit_no"] for unit in signed_in(coordinator).get(LIST).json()["results"]] == ["L1"]
    assert signed_in(coordinator).get(f"{LIST}{held.pk}/").status_code == 404
    assert signed_in(qa).get(f"{LIST}{held.pk}/").status_code == 200
    assert signed_in(qa).get(LIST).json()["count"] == 2


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_blocked_unit_is_the_banks_own_affair(
    signed_in: Any, coordinator: User, qa: User, flag: str
) -> None:
    unit = UnitFactory(**{flag: True})

    assert signed_in(coordinator).get(LIST).json()["count"] == 0
    assert signed_in(coordinator).get(f"{LIST}{unit.pk}/").status_code == 404
    body = signed_in(qa).get(f"{LIST}{unit.pk}/").json()
    assert (body["status"], body["blocks"]) == (flag.upper(), [flag])


def test_filters_and_order(signed_in: Any, qa: User) -> None:
    UnitFactory(unit_no="A1")
    UnitFactory(unit_no="B2", tnc_e7=300)

    body = signed_in(qa).get(f"{LIST}?sort=-tnc&hla=A*24:02&page_size=1").json()

    assert [unit["unit_no"] for unit in body["results"]] == ["B2"]
    assert body["count"] == 2
    assert body["next"]


def test_a_wrong_filter_is_an_error_here(signed_in: Any, qa: User) -> None:
    response = signed_in(qa).get(f"{LIST}?hla=rubbish&tnc=x")

    assert response.status_code == 400
    assert set(response.json()["error"]["fields"]) == {"hla", "tnc"}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written_over_the_api(signed_in: Any, qa: User, method: str) -> None:
    unit = UnitFactory()
    address = LIST if method == "post" else f"{LIST}{unit.pk}/"

    assert getattr(signed_in(qa), method)(address).status_code == 405


@pytest.mark.parametrize("units", [1, 20])
def test_queries_do_not_grow(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any, units: int
) -> None:
    UnitFactory.create_batch(units)
    client = signed_in(qa)

    with django_assert_max_num_queries(11):
        client.get(LIST)


def test_a_unit_says_what_is_known_of_its_quality(signed_in: Any, coordinator: User) -> None:
    unit = UnitFactory(red_cells="depleted", processing_method="AXP")
    MeasurementFactory(unit=unit, analyte="cfu", value=11, measure_unit="e5")
    HlaTypingFactory(unit=unit, subject="mother", canonical_gl="A*11:01+A*33:03^B*40:01")

    body = signed_in(coordinator).get(f"{LIST}{unit.pk}/").json()

    assert (body["red_cells"], body["processing_method"]) == ("depleted", "AXP")
    quality = body["quality"]
    assert (quality["cfu_e5"], quality["cfu_time_point"]) == (11, "processing")
    assert (quality["viability_percent"], quality["viability_time_point"]) == (None, "")
    assert (quality["haemoglobinopathy"], quality["accreditations"]) == ("", [])


def test_a_unit_says_what_others_call_it(signed_in: Any, coordinator: User) -> None:
    bank = BankFactory(emdis_hub="CN")
    unit = UnitFactory(bank=bank, unit_no="U1", product_code="S9999000")

    body = signed_in(coordinator).get(f"{LIST}{unit.pk}/").json()

    assert (body["cbu_id"], body["product_code"], body["grid"]) == ("CNU1", "S9999000", "")


def test_the_mothers_typing_is_for_the_banks_staff(signed_in: Any, coordinator: User, qa: User) -> None:
    unit = UnitFactory()
    HlaTypingFactory(unit=unit, subject="mother", canonical_gl="A*11:01+A*33:03^B*40:01")

    seen = [signed_in(one).get(f"{LIST}{unit.pk}/").json()["quality"] for one in (coordinator, qa)]

    assert not {"mother_hla", "mother_differs"} & set(seen[0])
    assert seen[1]["mother_hla"] == {"A": ["A*11:01", "A*33:03"], "B": ["B*40:01", ""]}


def test_the_quality_of_a_page_is_read_at_once(
    signed_in: Any, coordinator: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        MeasurementFactory(analyte="cfu", value=11, measure_unit="e5")
    client = signed_in(coordinator)

    with django_assert_max_num_queries(13):
        body = client.get(LIST).json()

    assert [unit["quality"]["cfu_e5"] for unit in body["results"]] == [11] * 12
