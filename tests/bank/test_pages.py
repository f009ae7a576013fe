"""The inventory: list, filters and export, as each kind of reader sees them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from bank import lists
from bank.forms import hla_tag
from bank.services_import import units_import
from core.audit import Actor
from core.models import User
from hla.mac import EMPTY_MAC
from tests.factories.bank import (
    HlaTypingFactory,
    ImportBatchFactory,
    UnitFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/units/"


def numbers(response: Any) -> list[str]:
    return [unit.unit_no for unit in response.context["page"]]


def test_staff_see_every_unit_and_hospitals_the_listed_ones(
    signed_in: Any, qa: User, coordinator: User
) -> None:
    UnitFactory(unit_no="L1")
    UnitFactory(unit_no="Q1", waiting=True)
    UnitFactory(unit_no="H1", on_hold=True)

    assert numbers(signed_in(qa).get(LIST)) == ["H1", "L1", "Q1"]
    assert numbers(signed_in(coordinator).get(LIST)) == ["L1"]


def test_a_person_without_a_role_sees_no_inventory(signed_in: Any) -> None:
    from tests.factories.core import UserFactory

    assert signed_in(UserFactory()).get(LIST).status_code == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["A1", "B2", "C3"]),
        ("q=B2", ["B2"]),
        ("q=b", ["B2"]),
        ("q=G1234 98 654321 H", ["A1"]),
        ("q=%3DG12349865432177", ["A1"]),
        ("q=g12349", ["A1"]),
        ("q=%00", ["A1", "B2", "C3"]),
        ("q=%3D", []),
        ("status=QUARANTINE", ["C3"]),
        ("waiting=on", ["C3"]),
        ("abo=A", ["B2"]),
        ("rh=-", ["B2"]),
        ("tnc=150", ["B2"]),
        ("cd34=9", ["B2"]),
        ("year=2019", ["B2"]),
        ("loci=5", ["A1", "C3"]),
        ("loci=3", ["A1", "B2", "C3"]),
        ("hla=A*24", ["A1", "C3"]),
        ("hla=a24+B*46:01", ["A1", "C3"]),
        ("hla=A*30:01", ["B2"]),
        ("hla=A*24,+A*30:01", []),
        ("sort=-tnc", ["B2", "A1", "C3"]),
        ("sort=tnc", ["C3", "A1", "B2"]),
        ("sort=-no", ["C3", "B2", "A1"]),
        ("sort=collected", ["B2", "C3", "A1"]),
        ("sort=--tnc", ["A1", "B2", "C3"]),
        ("sort=nonsense&page=99&per_page=25", ["A1", "B2", "C3"]),
    ],
)
def test_filters_and_order_live_in_the_address(
    signed_in: Any, qa: User, query: str, expected: list[str]
) -> None:
    UnitFactory(unit_no="A1", pk="00000000-0000-4000-8000-000000000001", din="G123498654321")
    UnitFactory(
        unit_no="B2", abo="A", rh="-", tnc_e7=200, cd34_e6=9, collected_on="2019-02-03",
        hla_dqb1_1="", hla_dqb1_2="", hla_tags=["A*30", "A*30:01"],
    )  # fmt: skip
    UnitFactory(unit_no="C3", pk="00000000-0000-4000-8000-000000000003", waiting=True)

    assert numbers(signed_in(qa).get(f"{LIST}?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [("hla=rubbish", "hla"), ("tnc=many", "tnc"), ("abo=Z", "abo"), ("year=1", "year"), ("batch=x", "batch"),
     ("hla=" + "A*01+" * 11, "hla")],
)  # fmt: skip
def test_a_wrong_filter_filters_nothing_and_says_so(signed_in: Any, qa: User, query: str, field: str) -> None:
    UnitFactory()

    response = signed_in(qa).get(f"{LIST}?{query}")

    assert response.status_code == 200
    assert len(numbers(response)) == 1
    assert field in response.context["form"].errors


def test_hospitals_cannot_filter_by_what_they_do_not_see(signed_in: Any, coordinator: User) -> None:
    UnitFactory(unit_no="L1")

    response = signed_in(coordinator).get(f"{LIST}?status=QUARANTINE&waiting=on")

    assert numbers(response) == ["L1"]
    assert not {"status", "waiting", "batch"} & set(response.context["form"].fields)


def test_units_of_a_batch(signed_in: Any, qa: User) -> None:
    batch = ImportBatchFactory()
    UnitFactory(unit_no="X1", import_batch=batch)
    UnitFactory(unit_no="X2")

    response = signed_in(qa).get(f"{LIST}?batch={batch.pk}&abo=O")

    assert numbers(response) == ["X1"]
    assert len(response.context["active"]) == 2
    assert "batch" not in response.context["active"][1]["remove"]


def test_an_empty_inventory_and_an_empty_selection_say_what_to_do(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)

    assert "No units yet" in client.get(LIST).content.decode()
    assert "No unit matches" in client.get(f"{LIST}?q=zzz").content.decode()


def test_a_long_list_is_counted_to_its_cap_only(
    signed_in: Any, qa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists.CappedPaginator, "most", 3)
    for _ in range(5):
        UnitFactory()

    response = signed_in(qa).get(LIST)

    assert response.context["page"].paginator.count == 3
    assert "The first 3 units" in response.content.decode()


@pytest.mark.parametrize("units", [1, 20])
def test_queries_of_the_list_do_not_grow(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any, units: int
) -> None:
    UnitFactory.create_batch(units)
    client = signed_in(qa)

    with django_assert_max_num_queries(9):
        client.get(LIST)


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("A*24:02", "A*24:02"), ("a*24", "A*24"), ("HLA-B*46:01:01", "B*46:01"), ("DRB1*09:01:02:01", "DRB1*09:01"),
        ("A24", "A24"), ("b62", "B62"), ("cw7", "Cw7"), ("DR15", "DR15"), ("dq6", "DQ6"), ("DPw4", "DPw4"),
        ("A*24:02N", "A*24:02"), ("24:02", ""), ("X24", ""), ("", ""), ("A*2", ""),
    ],
)  # fmt: skip
def test_words_of_the_hla_filter(word: str, tag: str) -> None:
    assert hla_tag(word) == tag


def read_csv(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_export_holds_the_selection_in_the_columns_of_the_import(signed_in: Any, qa: User) -> None:
    UnitFactory(unit_no="A1", din="G123498654321", rh="-", counts_invented=True)
    UnitFactory(unit_no="B2", abo="B", tnc_e7=None, collected_on=None)

    rows = read_csv(signed_in(qa).get("/units/export.csv?abo=O"))

    assert [row["unit_no"] for row in rows] == ["A1"]
    assert (rows[0]["din"], rows[0]["rh"], rows[0]["counts_invented"]) == ("G123498654321H", "neg", "yes")
    assert (rows[0]["A_1"], rows[0]["DQB1_2"], rows[0]["DPB1_1"]) == ("A*11:01", "DQB1*06:01", "")
    assert list(rows[0]) == list(lists.CSV_HEADER)


def test_an_export_can_be_imported_again(signed_in: Any, qa: User) -> None:
    header = "unit_no,tnc_e7,cd34_e6,rh,population,A_1,A_2,B_1,DRB1_1"
    text = f"{header}\nU1,130,4,neg,HAN:0.6+UIG:0.4,A*11:01,A*24:02,B*40:01,DRB1*09:01\n"
    system = Actor.system("test")
    units_import(data=text.encode(), file_name="a.csv", actor=system, mac=EMPTY_MAC)
    exported = b"".join(signed_in(qa).get("/units/export.csv").streaming_content)

    report = units_import(data=exported, file_name="b.csv", actor=system, mac=EMPTY_MAC)

    assert (report.unchanged, report.findings) == (1, [])


def test_an_export_keeps_the_antigens_beside_dna(signed_in: Any, qa: User) -> None:
    data = (
        b"unit_no,tnc_e7,A_1,A_2,A_ser_1,A_ser_2,B_1\nS1,150,02:01,24:02,A1,A24,B60\nS2,150,02:01,24:02,,,\n"
    )
    system = Actor.system("test")
    report = units_import(
        data=data, file_name="a.csv", actor=system, mac=EMPTY_MAC, declaration="released before"
    )
    assert report.imported == 2

    first, second = read_csv(signed_in(qa).get("/units/export.csv"))
    found = [row["unit_no"] for row in read_csv(signed_in(qa).get("/units/export.csv?hla=B40+B60"))]

    assert (first["A_1"], first["A_ser_1"], first["A_ser_2"], first["B_1"]) == ("A*02:01", "A1", "A24", "B60")
    assert first["status"] == "TYPING_CONFLICT"
    assert second["A_ser_1"] == ""
    assert found == ["S1"]


def test_the_export_of_a_hospital_has_nothing_of_the_mother(
    signed_in: Any, coordinator: User, qa: User
) -> None:
    HlaTypingFactory(unit=UnitFactory(), subject="mother", canonical_gl="A*11:01+A*33:03")

    (seen,), (whole,) = (read_csv(signed_in(one).get("/units/export.csv")) for one in (coordinator, qa))

    assert not [name for name in seen if name.startswith("mother")]
    assert "A*33:03" not in seen.values()
    assert whole["mother_A_2"] == "A*33:03"


def test_the_export_of_a_hospital_holds_listed_units_only(signed_in: Any, coordinator: User) -> None:
    UnitFactory(unit_no="L1")
    UnitFactory(unit_no="H1", on_hold=True)

    assert [row["unit_no"] for row in read_csv(signed_in(coordinator).get("/units/export.csv"))] == ["L1"]
