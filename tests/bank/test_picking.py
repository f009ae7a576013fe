"""The picking list: order, codes that can be scanned, two signatures, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from bank import services_storage
from bank.codes import scan
from bank.labels import picking
from bank.models import CordBloodUnit, Slot
from bank.services_picking import MAX_PICKED, picking_list_made
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from tests.bank.conftest import SYSTEM
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.storage import slot, tank
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
URL = "/storage/picking/print/"
DIN = "G123498654321"


def placed(position: int, tank_code: str = "T1", **values: Any) -> CordBloodUnit:
    unit: CordBloodUnit = UnitFactory(**values)
    services_storage.unit_place(unit_id=unit.pk, slot_id=slot(position, tank_code).pk, actor=SYSTEM)
    return unit


def texts(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as found:
        return "\n".join(page.get_textpage().get_text_range() for page in found)


def scanned(pdf: bytes) -> list[tuple[str, str]]:
    with pypdfium2.PdfDocument(pdf) as found:
        images = [page.render(scale=4, grayscale=True).to_numpy().squeeze() for page in found]
    return [(code.format.name, code.text) for image in images for code in zxingcpp.read_barcodes(image)]


def form_of(units: list[CordBloodUnit]) -> dict[str, str]:
    return {"units": " ".join(str(unit.pk) for unit in units)}


def test_the_paper_leads_the_shortest_way_and_can_be_scanned(signed_in: Any, lab: User) -> None:
    tank()
    tank("T2")
    far = placed(2, "T2", unit_no="FAR")
    near = placed(1, unit_no="NEAR", din=DIN, recalled=True)

    answer = signed_in(lab).post(URL, form_of([far, near]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    text = texts(answer.content)
    assert re.findall(r"T\d-R1-C1-0\d", text) == ["T1-R1-C1-01", "T2-R1-C1-02"]
    for shown in (
        "2 units",
        "recalled",
        "Picked by",
        "Checked by a second person",
        "Page 1 of 1",
        "NEAR",
        str(lab),
    ):
        assert shown in text, shown
    codes = scanned(answer.content)
    assert sorted(name for name, _text in codes) == ["Code128", "Code128", "DataMatrix", "DataMatrix"]
    assert {scan.read(text).donation or text for _name, text in codes} == {DIN, "FAR"}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("many", [1, 8, 9, 11, 12, 30])
def test_every_unit_is_on_it_once_and_the_signatures_once(many: int, language: str) -> None:
    tank(slots=many)
    units = [placed(number, unit_no=f"CB-{number:03d}") for number in range(1, many + 1)]
    slots = list(Slot.objects.with_place().select_related("unit__bank").filter(unit__in=units).in_order())

    text = texts(picking.picking_pdf(slots, "Wang Fang", language))
    assert re.findall(r"CB-\d{3}", text) == [unit.unit_no for unit in units]
    assert text.count({"en": "Checked by a second person", "zh-hans": "第二人核对"}[language]) == 1


def test_a_unit_that_lies_nowhere_stops_the_list(signed_in: Any, lab: User) -> None:
    tank()
    here, nowhere = placed(1), UnitFactory(unit_no="LOST-1")

    answer = signed_in(lab).post(URL, form_of([here, nowhere]))
    assert answer.status_code == 409
    assert "these units lie in no place: LOST-1" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="unit.picking_list").exists()


def test_each_unit_knows_that_a_list_led_to_it(lab: User, signed_in: Any) -> None:
    tank()
    units = [placed(2), placed(1)]
    signed_in(lab).post(URL, form_of(units))

    entries = AuditEntry.objects.filter(action="unit.picking_list", actor_id=str(lab.pk)).order_by(
        "after__number"
    )
    assert [entry.target_key for entry in entries] == [str(unit.pk) for unit in units[::-1]]
    assert entries[0].after == {"place": "T1-R1-C1-01", "number": 1, "of": 2}


@pytest.mark.parametrize("given", ["", "x", "00000000-0000-0000-0000-000000000000", " ".join(["x"] * 300)])
def test_senseless_forms_are_told(signed_in: Any, lab: User, given: str) -> None:
    answer = signed_in(lab).post(URL, {"units": given})

    assert answer.status_code in (400, 409, 422)
    assert "Picking list" in answer.content.decode()


def test_a_list_has_an_end() -> None:
    units = [UnitFactory().pk for _ in range(MAX_PICKED + 1)]

    with pytest.raises(InvalidInput, match="At most"):
        picking_list_made(unit_ids=units, actor=SYSTEM)


def test_units_of_the_inventory_s_filter_are_chosen(signed_in: Any, lab: User) -> None:
    tank()
    placed(1, unit_no="AB-1", abo="AB", din=DIN)
    placed(2, unit_no="O-1", abo="O")

    page = signed_in(lab).get("/storage/picking/", {"abo": "AB"})
    assert [row["unit"].unit_no for row in page.context["rows"]] == ["AB-1"]
    assert DIN in page.content.decode()  # and stands in the field, to be changed
    assert signed_in(lab).get("/units/", {"abo": "AB"}).context["picking_url"] == "/storage/picking/?abo=AB"
    assert signed_in(lab).get("/storage/picking/").context["rows"] == []


def test_sites_are_walked_one_after_the_other(lab: User) -> None:
    tank("T2", bank=BankFactory(code="B2"))
    tank("T1", bank=BankFactory(code="B1"))
    tank("T3", bank=BankFactory(code="B2"))
    units = [
        placed(1, code, bank=BankFactory(code=bank))
        for code, bank in (("T1", "B1"), ("T2", "B2"), ("T3", "B2"))
    ]
    StorageSite = Slot.objects.with_place().get(unit=units[0]).canister.parent.parent.parent
    type(StorageSite).objects.filter(pk=StorageSite.pk).update(position=9)

    slots = picking_list_made(unit_ids=[unit.pk for unit in units], actor=SYSTEM)
    assert [slot.canister.parent.parent.code for slot in slots] == ["T2", "T3", "T1"]


@pytest.mark.django_db(transaction=True)
def test_a_move_and_a_list_at_once_agree() -> None:
    """The paper says where the unit lay when it was written: before the move or after, and nothing is lost."""
    tank()
    unit = placed(1)
    free = slot(3).pk

    listed, moved = all_at_once(
        [
            lambda: picking_list_made(unit_ids=[unit.pk], actor=SYSTEM),
            lambda: services_storage.unit_put(unit_id=unit.pk, slot_id=free, actor=SYSTEM),
        ]
    )
    assert moved.position == 3
    # between taking a unit from one slot and putting it into another there is no moment that others see
    assert not isinstance(listed, Conflict)
    assert listed[0].place in {"T1-R1-C1-01", "T1-R1-C1-03"}
    assert Slot.objects.get(unit=unit).position == 3


@pytest.mark.parametrize("many", [1, 20])
def test_the_paper_asks_no_more_for_more_units(
    many: int, django_assert_max_num_queries: Any, signed_in: Any, lab: User
) -> None:
    tank(slots=20)
    units = [placed(number) for number in range(1, many + 1)]
    client = signed_in(lab)
    client.get("/storage/picking/", {"abo": "O"})
    with django_assert_max_num_queries(30):
        assert len(client.get("/storage/picking/", {"abo": "O"}).context["rows"]) == len(units)
