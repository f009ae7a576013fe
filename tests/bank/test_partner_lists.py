"""Lists of partners: taken over whole or in part, read only, beside the own inventory."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command

from bank import services, services_partners
from bank.choices import DonorType, Source
from bank.codes import grid
from bank.imports.report import ImportReport
from bank.models import Bank, CordBloodUnit, ImportBatch
from bank.services_disposal import discard_propose
from bank.services_import import units_import
from bank.services_quality import measurement_record
from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import AuditEntry, User
from core.roles import Role
from hla.mac import EMPTY_MAC
from tests.bank.exchange_files import inventory
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
HEADER = "unit_no,status,abo,tnc_e7,cd34_e6,A_1,A_2,B_1,DRB1_1,viability_percent\n"
ONE = "P1,LISTED,A,130,4,A*11:01,A*24:02,B*40:01,DRB1*09:01,95\n"
TWO = "P2,LISTED,O,150,5,A*11:01,A*24:02,B*40:01,DRB1*09:01,\n"
THREE = "P3,QUARANTINE,O,150,5,A*11:01,A*24:02,B*40:01,DRB1*09:01,\n"
GRID = "6939DKM001392612726"


@pytest.fixture
def partner() -> Bank:
    UnitFactory(unit_no="P1", tnc_e7=99)  # an own unit of the same number is another unit
    return services_partners.partner_create(code="tcb", name="Tokyo Bank", holds=DonorType.CORD, actor=SYSTEM)


@pytest.fixture
def registry() -> Bank:
    return services_partners.partner_create(
        code="REG", name="A Registry", holds=DonorType.ADULT, issuing_organisation=6939, actor=SYSTEM
    )


def take(text: str | bytes, code: str = "TCB", **more: Any) -> ImportReport:
    data = text.encode() if isinstance(text, str) else text
    given = {"actor": SYSTEM, "mac": EMPTY_MAC, "today": dt.date(2026, 3, 1), **more}
    return units_import(data=data, file_name="list.csv", bank_code=code, **given)


def states() -> dict[str, str]:
    rows = CordBloodUnit.objects.filter(source=Source.PARTNER).order_by("unit_no")
    return dict(rows.values_list("unit_no", "status"))


def figures(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.imported, report.unchanged, report.changed, report.gone, report.failed


def test_a_list_comes_in_as_the_partners_and_is_offered_without_anybodys_declaration(partner: Bank) -> None:
    report = take(HEADER + ONE + TWO + THREE)

    assert figures(report) == (3, 0, 0, 0, 0)
    assert states() == {"P1": "LISTED", "P2": "LISTED", "P3": "QUARANTINE"}
    unit = CordBloodUnit.objects.get(bank=partner, unit_no="P1")
    assert (unit.source, unit.donor_type) == ("partner", "cord")
    assert unit in CordBloodUnit.objects.searchable()
    assert ImportBatch.objects.get().undeclared == 0


def test_a_newer_full_list_changes_adds_and_takes_away(partner: Bank) -> None:
    take(HEADER + ONE + TWO)
    changed = ONE.replace(",130,4,A*11:01", ",140,,A*33:03").replace(",95", ",")

    report = take(HEADER + changed + THREE)

    assert figures(report) == (1, 0, 1, 1, 0)
    assert states() == {"P1": "LISTED", "P2": "VOID", "P3": "QUARANTINE"}
    unit = CordBloodUnit.objects.get(bank=partner, unit_no="P1")
    assert (unit.tnc_e7, unit.cd34_e6, unit.hla_a_1) == (140, None, "A*33:03")
    assert "A*33:03" in unit.hla_tags
    assert set(unit.measurements.in_force().values_list("analyte", "value")) == {("tnc", 140.0)}
    assert (
        unit.measurements.filter(superseded=True).count() == 3
    )  # what an earlier list said stays to be seen
    assert unit.typings.get(is_current=True).canonical_gl.startswith("A*33:03+A*24:02")
    assert unit.typings.filter(is_current=False).count() == 1
    gone = CordBloodUnit.objects.get(unit_no="P2")
    assert gone.gone_at is not None
    assert gone not in CordBloodUnit.objects.offered()
    assert CordBloodUnit.objects.get(source=Source.OWN).tnc_e7 == 99
    batch = ImportBatch.objects.newest()
    assert batch is not None
    assert (batch.rows, batch.imported, batch.changed, batch.gone, batch.full_list) == (2, 1, 1, 1, True)


def test_each_change_says_in_the_ledger_what_was_there_before(partner: Bank) -> None:
    take(HEADER + ONE + TWO)
    take(HEADER + ONE.replace(",130,", ",140,"))

    update = AuditEntry.objects.get(action="unit.partner_update")
    assert (update.before, update.after) == ({"tnc_e7": 130.0}, {"tnc_e7": 140.0})
    gone = AuditEntry.objects.get(action="unit.partner_gone")
    assert (gone.before, gone.after) == ({"status": "LISTED"}, {"status": "VOID"})
    assert CordBloodUnit.objects.get(unit_no="P2").import_batch != ImportBatch.objects.newest()


def test_a_unit_that_is_named_again_is_back(partner: Bank) -> None:
    take(HEADER + ONE + TWO)
    take(HEADER + ONE)

    report = take(HEADER + ONE + TWO)

    assert figures(report) == (0, 1, 1, 0, 0)
    assert states()["P2"] == "LISTED"
    assert CordBloodUnit.objects.get(unit_no="P2").gone_at is None


def test_the_same_list_again_changes_nothing(partner: Bank) -> None:
    take(HEADER + ONE + THREE)

    assert figures(take(HEADER + THREE + ONE)) == (0, 2, 0, 0, 0)
    assert ImportBatch.objects.count() == 1


def test_changes_only_take_nothing_away_but_what_they_call_gone(partner: Bank) -> None:
    take(HEADER + ONE + TWO + THREE)

    report = take(HEADER + TWO.replace("LISTED", "GONE") + "P9,GONE,,,,,,,,\n", full=False)

    assert figures(report) == (0, 1, 1, 1, 0)
    assert states() == {"P1": "LISTED", "P2": "VOID", "P3": "QUARANTINE"}


def test_a_list_with_errors_takes_nothing_away(partner: Bank) -> None:
    take(HEADER + ONE + TWO)

    assert not take(HEADER + ONE.replace(",130,", ",-1,")).written
    report = take(HEADER + ONE.replace(",130,", ",-1,") + THREE, skip_bad=True)
    assert figures(report) == (1, 0, 0, 0, 1)
    assert states() == {"P1": "LISTED", "P2": "LISTED", "P3": "QUARANTINE"}


def test_a_status_alone_is_a_change(partner: Bank) -> None:
    take(HEADER + ONE)

    assert figures(take(HEADER + ONE.replace("LISTED", "QUARANTINE"))) == (0, 0, 1, 0, 0)
    assert states() == {"P1": "QUARANTINE"}


def test_implausible_values_wait_for_the_partners_next_list_not_for_us(partner: Bank, qa: User) -> None:
    take(HEADER + ONE.replace(",130,4,", ",12,,"))
    unit = CordBloodUnit.objects.get(bank=partner)

    assert unit.held_for_confirmation
    assert not CordBloodUnit.objects.to_confirm().exists()
    with pytest.raises(Conflict) as caught:
        services.unit_confirm_values(unit_id=unit.pk, shown="", actor=Actor.user(qa), reason="r")
    assert caught.value.code == "not_own"
    take(HEADER + ONE)
    unit.refresh_from_db()
    assert (unit.status, unit.held_for_confirmation, unit.held_reasons) == ("LISTED", False, [])


def test_a_din_of_the_own_inventory_is_not_taken_over(partner: Bank) -> None:
    UnitFactory(din="G123498654321", unit_no="OURS")

    report = take("unit_no,din,tnc_e7\nP1,G123498654321H,130\n")

    assert [(one.column, one.code) for one in report.findings] == [("din", "din_taken")]


# --- registries -----------------------------------------------------------------------------------

DONORS = "unit_no,grid,sex,A_1,B_1,DRB1_1\n"


def test_donors_come_with_their_grid_and_without_counts(registry: Bank) -> None:
    report = take(DONORS + f"D1,{GRID},F,A*11:01,B*40:01,DRB1*09:01\n", "REG")

    assert figures(report) == (1, 0, 0, 0, 0)
    donor = CordBloodUnit.objects.get()
    assert (donor.donor_type, donor.grid, donor.status) == ("adult", GRID, "LISTED")
    assert not donor.held_for_confirmation


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("D1,,F,A*11:01,B*40:01,DRB1*09:01\n", "grid", "required"),
        ("D1,6939DKM001392612727,F,A*11:01,B*40:01,DRB1*09:01\n", "grid", "grid_check_wrong"),
        ("D1,nonsense,F,A*11:01,B*40:01,DRB1*09:01\n", "grid", "grid_form"),
    ],
)
def test_a_grid_is_needed_and_checked(registry: Bank, row: str, column: str, code: str) -> None:
    report = take(DONORS + row, "REG")

    assert [(one.column, one.code) for one in report.findings] == [(column, code)]


def test_a_wrong_check_value_is_told_with_the_right_one(registry: Bank) -> None:
    report = take(DONORS + "D1,6939DKM001392612727,F,,,\n", "REG")

    assert "26" in report.findings[0].text


def test_what_is_of_cord_blood_is_refused_of_a_donor_and_a_grid_of_cord_blood(
    registry: Bank, partner: Bank
) -> None:
    donors = take(f"unit_no,grid,tnc_e7,mother_A_1\nD1,{GRID},130,A*11:01\n", "REG")
    cord = take(f"unit_no,grid,tnc_e7\nP1,{GRID},130\n")

    assert [(one.column, one.code) for one in donors.findings] == [
        ("tnc_e7", "not_of_donors"),
        ("mother_A_1", "not_of_donors"),
    ]
    assert [(one.column, one.code) for one in cord.findings] == [("grid", "grid_of_cord")]


def test_a_grid_stands_once(registry: Bank) -> None:
    row = f"D1,{GRID},F,A*11:01,B*40:01,DRB1*09:01\n"
    twice = take(DONORS + row + row.replace("D1", "D2"), "REG")
    take(DONORS + row, "REG")
    other = take(DONORS + row.replace("D1", "D2"), "REG", full=False)

    assert [one.code for one in twice.findings] == ["grid_duplicate_in_file"]
    assert [one.code for one in other.findings] == ["grid_taken"]


def test_a_registry_s_inventory_xml_and_its_donor_json(registry: Bank) -> None:
    donor = (
        f"<DONOR><ID>D1</ID><GRID>{GRID}</GRID><STATUS>AV</STATUS><BIRTH_DATE>1990-01-01</BIRTH_DATE>"
        "<HLA><A><DNA><FIELD1>11:01</FIELD1></DNA></A></HLA></DONOR>"
    )
    second = grid.build("6939", "DKM0000000001").code
    atlas = (
        f'{{"donors": [{{"recordId": "{second}", "donorType": "D", "hla": {{"a": {{"dna": {{"field1": "*11:01"}}}}}}}},'
        ' {"recordId": "C1", "donorType": "C", "hla": {}}, {"recordId": "D1", "changeType": "D", "donorType": "D"}]}'
    )

    xml = take(inventory(donor, "<CBU><ID>U1</ID><STATUS>AV</STATUS></CBU>"), "REG", skip_bad=True)
    json = take(atlas, "REG", skip_bad=True, full=False)

    assert [one.code for one in (*xml.findings, *json.findings)] == ["cord_in_registry"] * 2
    first = CordBloodUnit.objects.get(unit_no="D1")
    assert (first.grid, first.hla_a_1, first.collected_on, first.status) == (GRID, "A*11:01", None, "VOID")
    assert CordBloodUnit.objects.get(grid=second).unit_no == second[:17]


# --- nothing here changes them --------------------------------------------------------------------


@pytest.mark.parametrize(
    "refused",
    [
        lambda unit: services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="r"),
        lambda unit: discard_propose(
            unit_id=unit.pk, user=UserFactory(roles=["qa"]), to="DISCARDED", code="clots", reason="r"
        ),
        lambda unit: services.unit_population_change(
            unit_id=unit.pk, populations="HAN", actor=SYSTEM, reason="r"
        ),
        lambda unit: measurement_record(
            unit_id=unit.pk, time_point="processing", analyte="tnc", value=1, actor=SYSTEM
        ),
    ],
)
def test_what_is_done_with_own_units_is_refused(partner: Bank, refused: Any) -> None:
    take(HEADER + ONE)
    unit = CordBloodUnit.objects.get(bank=partner)

    with pytest.raises(Conflict) as caught:
        refused(unit)
    assert caught.value.code == "not_own"


def test_the_passport_says_why_and_offers_nothing(signed_in: Any, qa: User, partner: Bank) -> None:
    take(HEADER + ONE)
    unit = CordBloodUnit.objects.get(bank=partner)

    response = signed_in(qa).get(f"/units/{unit.pk}/")

    assert response.context["actions"] == []
    assert response.context["label_url"] == response.context["release_url"] == ""
    page = response.content.decode()
    assert "read from the partner&#x27;s list" in page
    assert "Tokyo Bank" in page
    take(HEADER + TWO)
    assert (
        "no longer on the partner&#x27;s newest" in signed_in(qa).get(f"/units/{unit.pk}/").content.decode()
    )


def test_the_inventory_shows_and_filters_where_each_comes_from(
    signed_in: Any, qa: User, partner: Bank, registry: Bank
) -> None:
    take(HEADER + TWO)
    take(DONORS + f"D1,{GRID},F,A*11:01,B*40:01,DRB1*09:01\n", "REG")
    client = signed_in(qa)

    def numbers(query: str) -> set[str]:
        return {unit.unit_no for unit in client.get(f"/units/?{query}").context["page"]}

    assert numbers("") == {"P1", "P2", "D1"}
    assert numbers("bank=own") == {"P1"}
    assert numbers("bank=partner") == {"P2", "D1"}
    assert numbers("bank=TCB") == {"P2"}
    text = client.get("/units/").content.decode()
    assert "TCB · P2" in text
    assert "Partner&#x27;s list</span>" in text
    assert "Adult donor</span>" in text


# --- partners -------------------------------------------------------------------------------------


def test_a_partner_is_added_on_a_page_and_by_command(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)
    given = {"code": "jp-1", "name": "Bank of Japan", "holds": "cord", "country": "jp"}

    assert client.get("/units/banks/new/").status_code == 200
    assert client.post("/units/banks/new/", given).status_code == 302
    again = client.post("/units/banks/new/", given)
    assert again.status_code == 409
    assert "has this code already" in again.content.decode()
    call_command("add_partner", "DKM", "German registry", "--adult", "--ion", "6939")
    assert list(Bank.objects.values_list("code", "source", "holds", "country")) == [
        ("DKM", "partner", "adult", ""),
        ("JP-1", "partner", "cord", "JP"),
    ]
    assert AuditEntry.objects.filter(action="bank.partner_create").count() == 2
    assert "Partner&#x27;s list · Adult donor" in client.get("/units/banks/").content.decode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "=1"}, "code_form"),
        ({"name": " "}, "name_needed"),
        ({"country": "Germany"}, "country_form"),
        ({"issuing_organisation": 12}, "ion_form"),
        ({"emdis_hub": "toolong"}, "cbu_hub"),
    ],
)
def test_what_a_partner_must_have(change: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"code": "X", "name": "X", "holds": "cord", "actor": SYSTEM} | change

    with pytest.raises(DomainError) as caught:
        services_partners.partner_create(**given)
    assert caught.value.code == code
    assert not Bank.objects.exists()


def test_only_quality_assurance_and_search_coordinators_add_partners(signed_in: Any) -> None:
    for role, status in ((Role.SEARCH_COORDINATOR, 200), (Role.LAB, 403), (Role.HOSPITAL_COORDINATOR, 403)):
        assert signed_in(UserFactory(roles=[role])).get("/units/banks/new/").status_code == status
