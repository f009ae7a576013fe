"""Inventory files: what stands in them, and that they come back as they went."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from typing import Any
from uuid import uuid4

import pytest
from defusedxml import ElementTree
from django.utils import timezone

from bank import services, wmda
from bank.choices import CountUnit
from bank.exports import inventory_file
from bank.exports.abroad import may_go_abroad
from bank.exports.inventory_file import file_of
from bank.models import Bank, CordBloodUnit, HlaTyping
from bank.services_import import units_import
from core.errors import Conflict
from core.models import User
from hla.mac import EMPTY_MAC
from tests.bank.conftest import SYSTEM
from tests.bank.export_helpers import made, told, units_of
from tests.factories.bank import (
    BankFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MarkerFactory,
    MeasurementFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_files", "abroad_declared")]


def test_the_head_says_whose_and_when_and_how_it_is_counted() -> None:
    UnitFactory(synthetic=True)

    export = made()
    text = file_of(export.pk).read_text()
    root = ElementTree.fromstring(text)
    inventory = root[0]

    assert (root.tag, inventory.tag) == ("INVENTORIES", "INVENTORY")
    assert inventory.attrib == {
        "LISTING_ORGANIZATION": "6939", "POOL": "6939", "CONTENT_TYPE": "C", "UPDATE_MODE": "FULL",
        "SNAPSHOT_TIME": f"{export.snapshot_time:%Y-%m-%dT%H:%M:%SZ}", "SCHEMA_VERSION": wmda.SCHEMA_VERSION,
    }  # fmt: skip
    assert root.attrib["CREATION_TIME"] == inventory.attrib["SNAPSHOT_TIME"]
    assert "WMDA-style" in text
    assert "TNC in 10^8" in text
    assert "Synthetic data" in text
    assert export.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert export.size_bytes == len(text.encode())


def test_every_value_has_its_element_in_the_order_of_the_schema(qa: User) -> None:
    unit = UnitFactory(
        unit_no="U1", din="G123498654321", sex="F", abo="AB", rh="-", red_cells="depleted", processing_method="AXP",
        tnc_e7=130.5, volume_ml=24.4, segments=0,
    )  # fmt: skip
    seen: dict[str, Any] = {"verified_by": qa, "verified_at": "2024-01-01T00:00Z"}
    MeasurementFactory(unit=unit, analyte="viability", value=92.4, measure_unit="percent", **seen)
    HaemoglobinopathyFactory(unit=unit, **seen)
    vouched = {"unit": unit, "verified_by": qa, "verified_at": timezone.now()}
    MarkerFactory(test="cmv", result="positive", **vouched)
    MarkerFactory(test="hbs_ag", subject="unit", result="positive", tested_on=dt.date(2020, 1, 1), **vouched)
    MarkerFactory(test="hbs_ag", subject="unit", result="negative", tested_on=dt.date(2020, 2, 1), **vouched)
    MarkerFactory(test="wnv", result="indeterminate", **vouched)
    MarkerFactory(
        test="anti_hcv", subject="unit", retracted_by=qa, retracted_at=timezone.now(), retraction_reason="r",
        **vouched,
    )  # fmt: skip
    MarkerFactory(test="hcv_nat", unit=unit)  # nobody vouches for it

    (element,) = units_of(made()).values()

    assert told(element) == {
        "ID": "U1", "BIRTH_DATE": "2020-05-17", "SEX": "F", "ABO": "AB", "RHESUS": "N", "STATUS": "AV",
        "STAT_REASON": "NS", "LOCAL_ID": "U1", "BAG_ID": "G123498654321H", "COLL_DATE": "2020-05-17",
        "PROC_METH_TYPE": "AXP", "PROD_MOD": "RBR", "HEMO_STATUS": "DN", "VOL_FRZN": "24", "TNC_FRZN": "13.05",
        "CD34PC_FRZN": "4", "VIABILITY": "92", "VIABILITY_CELLS": "TNC", "ATT_SEG": "0",
    }  # fmt: skip
    order = [child.tag for child in element]
    assert order[5:8] == ["HLA", "IDM", "STATUS"]
    assert order[-2:] == ["ATT_SEG", "MAT"]
    assert [(child.tag, child.text) for child in element.find("IDM")] == [
        ("HBS_AG", "P")
    ]  # a later negative one does not outvote it
    assert [(child.tag, child.text) for child in element.find("MAT/IDM")] == [("CMV", "P")]
    assert element.findtext("HLA/A/DNA/FIELD1") == "11:01"
    assert element.find("MAT/HLA") is None


def test_of_cd34_cells_where_that_of_all_is_not_known_and_antigens_where_there_is_a_place() -> None:
    unit = UnitFactory()
    MeasurementFactory(
        unit=unit, analyte="cd34_viability", value=97.6, measure_unit="percent", verified_by=UserFactory(),
        verified_at="2024-01-01T00:00Z",
    )  # fmt: skip
    HlaTypingFactory(unit=unit, canonical_gl="A*11:01+A*24:02^DRB1*09:01^DR52^A24")

    (element,) = units_of(made()).values()

    assert (element.findtext("VIABILITY"), element.findtext("VIABILITY_CELLS")) == ("98", "CD34PC")
    assert [child.tag for child in element.find("HLA")] == ["A", "DRB1"]
    assert [child.tag for child in element.find("HLA/A")] == ["SER", "DNA"]
    assert element.findtext("HLA/A/SER/FIELD1") == "24"


@pytest.mark.parametrize(
    ("counts", "tnc", "cd34"),
    [("e8", "13.05", "4.2"), ("e7", "130.5", "4.2"), ("cells", "1305000000", "4200000")],
)
def test_counts_are_written_as_asked(counts: str, tnc: str, cd34: str) -> None:
    UnitFactory(tnc_e7=130.5, cd34_e6=4.2)

    (element,) = units_of(made(counts=CountUnit(counts))).values()

    assert (element.findtext("TNC_FRZN"), element.findtext("CD34PC_FRZN")) == (tnc, cd34)


def test_invented_counts_of_a_real_unit_are_not_told() -> None:
    UnitFactory(counts_invented=True)

    (element,) = units_of(made()).values()

    assert element.find("TNC_FRZN") is None
    assert element.find("VOL_FRZN") is None


def test_only_what_a_search_may_offer_and_what_may_go_abroad(monkeypatch: pytest.MonkeyPatch) -> None:
    UnitFactory(unit_no="OFFERED")
    UnitFactory(unit_no="RESERVED", status="RESERVED")
    kept = UnitFactory(unit_no="NOCONSENT")
    UnitFactory(unit_no="HELD", on_hold=True)
    UnitFactory(unit_no="UNTYPED", hla_b_1="", hla_b_2="")
    UnitFactory(unit_no="THEIRS", source="partner")
    UnitFactory(unit_no="OTHER", bank=BankFactory(code="ZZ"))
    monkeypatch.setattr(inventory_file, "may_go_abroad", lambda ids: set(ids) - {kept.pk})

    export = made()

    assert sorted(units_of(export)) == ["OFFERED", "RESERVED"]
    assert units_of(export)["RESERVED"].findtext("STATUS") == "RS"
    assert (export.units, export.written, export.kept_back) == (2, 2, 1)


def test_a_withdrawn_consent_keeps_a_unit_at_home() -> None:
    unit, withdrawn = UnitFactory(), UnitFactory(consent_withdrawn=True)

    assert may_go_abroad([unit.pk, withdrawn.pk, uuid4()]) == {unit.pk}


def test_the_hub_stands_before_a_number_that_is_short_enough() -> None:
    Bank.objects.update(emdis_hub="CN")
    UnitFactory(unit_no="1" * 15)
    UnitFactory(unit_no="2" * 16)

    assert sorted(units_of(made())) == ["2" * 16, "CN" + "1" * 15]


def test_texts_are_escaped_and_what_xml_cannot_hold_is_replaced() -> None:
    unit = UnitFactory(unit_no="U<1>&")
    CordBloodUnit.objects.filter(pk=unit.pk).update(unit_no="U<1>&\x01")

    assert list(units_of(made())) == ["U<1>&\ufffd"]


# --- there and back --------------------------------------------------------------------------------

HEAD = (
    "unit_no,collected_on,sex,abo,rh,volume_ml,tnc_e7,cd34_e6,segments,red_cells,processing_method,viability_percent,"
    "haemoglobinopathy,A_1,A_2,A_ser_1,A_ser_2,B_1,B_2,C_1,C_2,DRB1_1,DRB1_2,DRB4_1,DQB1_1,DQB1_2,DPB1_1,DPB1_2\n"
)
KEPT = (
    "unit_no", "collected_on", "sex", "abo", "rh", "volume_ml", "tnc_e7", "cd34_e6", "segments", "red_cells",
    "processing_method", "status", "held_for_confirmation", "hla_a_1", "hla_a_2", "hla_b_1", "hla_b_2", "hla_c_1",
    "hla_c_2", "hla_drb1_1", "hla_drb1_2", "hla_dqb1_1", "hla_dqb1_2", "hla_dpb1_1", "hla_dpb1_2", "hla_tags",
)  # fmt: skip


def own_list(count: int) -> str:
    rng = random.Random(7)
    rows = []
    for number in range(count):
        first = rng.choice(["A*11:01", "A*02:01/A*02:06", "A*24:XX", "A*33:03:01"])
        cells = [
            f"U{number}", rng.choice(["2020-05-17", "2011-01-31"]), rng.choice("FM"), rng.choice(["A", "AB", ""]),
            rng.choice(["pos", "neg"]), rng.randint(18, 30), round(rng.uniform(60, 300), 2),
            round(rng.uniform(1, 4), 3), rng.randint(0, 4), rng.choice(["depleted", "replete", ""]),
            rng.choice(["AXP", "Sepax", "HES", "manual", "other"]), rng.randint(80, 99),
            rng.choice(["not_found", "pending", "trait"]), first, "A*24:02",
            *(("A24", "") if number % 5 == 0 else ("", "")), "B*40:01", rng.choice(["B*46:01", "B60", ""]),
            rng.choice(["C*01:02", ""]), "", "DRB1*09:01", rng.choice(["DRB1*15:01", "DR15"]),
            rng.choice(["DRB4*01:03", "DRB4*NNNN", ""]), "DQB1*03:03", "DQB1*06:01",
            *rng.choice([("DPB1*02:01", "DPB1*05:01"), ("", "")]),
        ]  # fmt: skip
        rows.append(",".join(map(str, cells)))
    return HEAD + "\n".join(rows) + "\n"


def take_in(data: bytes, bank: str, **options: Any) -> Any:
    return units_import(
        data=data,
        file_name="units",
        actor=SYSTEM,
        bank_code=bank,
        mac=EMPTY_MAC,
        today=dt.date(2026, 3, 1),
        declaration="released before",
        **options,
    )


@pytest.mark.parametrize("counts", list(CountUnit))
def test_an_inventory_comes_back_the_same_into_an_empty_bank_of_a_partner(counts: CountUnit) -> None:
    own = BankFactory()
    partner = BankFactory(code="PP", source="partner")
    assert take_in(own_list(60).encode(), own.code).findings == []
    data = file_of(made(counts=counts).pk).read_bytes()

    report = take_in(data, "PP", counts=counts)

    sent = CordBloodUnit.objects.filter(bank=own).searchable().order_by("unit_no")
    arrived = CordBloodUnit.objects.filter(bank=partner).order_by("unit_no")
    assert (report.findings, report.imported) == ([], 60)
    assert list(arrived.values_list(*KEPT)) == list(sent.values_list(*KEPT))
    assert set(arrived.values_list("source", flat=True)) == {"partner"}
    typings = [
        list(
            HlaTyping.objects.filter(unit__bank=bank)
            .order_by("unit__unit_no")
            .values_list("canonical_gl", flat=True)
        )
        for bank in (own, partner)
    ]
    assert typings[0] == typings[1]
    assert take_in(data, "PP", counts=counts).unchanged == 60


def test_what_comes_from_a_partner_nobody_here_changes() -> None:
    BankFactory(code="PP", source="partner")
    take_in(b"unit_no,tnc_e7\nU1,130\n", "PP")

    with pytest.raises(Conflict) as caught:
        services.unit_hold(unit_id=CordBloodUnit.objects.get().pk, actor=SYSTEM, reason="x")
    assert caught.value.code == "not_own"
