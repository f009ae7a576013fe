"""The whole way in one go, hospital and bank side by side: from the new patient to the transplant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from bank.models import CordBloodUnit
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.e2e.browser import TYPING, sign_in
from tests.e2e.test_journey_graft import WORDS as GRAFT
from tests.e2e.test_journey_order import WORDS as ORDER
from tests.e2e.test_journey_order import order_it, sign
from tests.e2e.test_journey_patient_certainty import WORDS as SECOND
from tests.e2e.test_journey_reservation import WORDS as RESERVE
from tests.e2e.test_journey_shipment import WORDS as SHIP
from tests.e2e.test_journey_shipment import fill, soon
from tests.e2e.test_journey_typing import WORDS as TYPE
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import AntibodySerumFactory, member_of
from tests.factories.matching import ListedUnitFactory
from tests.factories.orders import ready_unit
from tests.factories.reservations import in_days
from tests.factories.shipments import ShipperFactory, record_of, shipping_person
from tests.factories.typings import typing_row
from transplants.models import ConfirmatoryTyping, Infusion, Order, Reservation, Shipment

LIST = re.compile(r"/requests/searches/[0-9a-f-]+/$")
WORDS = {
    "en": {
        "new": "New patient",
        "save": "Save patient",
        "request": "New match request",
        "search": "Search now",
        "right": "It is right: save it as it is.",
    },
    "zh-hans": {
        "new": "新建患者",
        "save": "保存患者",
        "request": "新建配型申请",
        "search": "立即检索",
        "right": "无误，按此保存。",
    },
}
# What a refusal of a stale page says, by whichever of the three steps it was.
NOW = {
    "en": re.compile("this step is not open|has ended already"),
    "zh-hans": re.compile("此步骤不可用|已结束："),
}
pytestmark = pytest.mark.usefixtures("own_inventory")


@dataclass
class People:
    """Each at a window of their own, open for the whole way."""

    ward: Page
    physician: Page
    bank: Page
    lab: Page
    qa: Page
    director: Page
    desk: Page
    second: Page
    old: list[tuple[Page, str]] = field(default_factory=list)

    def left_open(self, page: Page, address: str, button: str) -> None:
        """Somebody opens a page in a further window of his and forgets it: its button is pressed at the very end."""
        window = page.context.new_page()
        window.goto(address)
        expect(window.get_by_role("button", name=button, exact=True)).to_be_visible()
        self.old.append((window, button))


@pytest.fixture
def unit(transactional_db: None) -> CordBloodUnit:
    """Listed by the specification in force, in its place, with segments."""
    found: CordBloodUnit = ListedUnitFactory(unit_no="CBU-1", tnc_e7=140, segments=3)
    typing_row(found)
    ready_unit(found)
    return found


def everybody(page_in: Callable[..., Page], hospital: Hospital, lang: str) -> People:
    def of_bank(*roles: Role, **how: Any) -> Page:
        return page_in(user=UserFactory(roles=list(roles)), lang=lang, **how)

    return People(
        ward=page_in(user=member_of(hospital), lang=lang, expected_status=409),
        physician=page_in(user=member_of(hospital, Role.HOSPITAL_PHYSICIAN), lang=lang, width=390),
        bank=of_bank(Role.SEARCH_COORDINATOR, expected_status=409),
        lab=of_bank(Role.LAB),
        qa=of_bank(Role.QA),
        director=of_bank(Role.MEDICAL_DIRECTOR),
        desk=page_in(user=shipping_person("Xu Hai"), lang=lang),
        second=page_in(user=shipping_person("Lin Bo"), lang=lang),
    )


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
def test_from_the_new_patient_to_the_transplant(
    page_in: Callable[..., Page],
    celery_worker: None,
    hospital: Hospital,
    unit: CordBloodUnit,
    tmp_path: Path,
    lang: str,
) -> None:
    hospital.qualification_no, hospital.qualified_until = "Q-1", in_days(400)
    hospital.save()
    people = everybody(page_in, hospital, lang)

    patient = new_patient(people.ward, WORDS[lang])
    listed_for(people.ward, WORDS[lang])
    kept = reserved(people, unit, RESERVE[lang])
    typed_anew(people, kept, TYPE[lang])
    prepared(people.ward, patient, lang)
    order = released(people, kept, ORDER[lang])
    shipment = delivered(people, order, SHIP[lang], tmp_path)
    infused(people, order, GRAFT[lang])

    unit.refresh_from_db()
    order.refresh_from_db()
    kept.refresh_from_db()
    assert (unit.status, order.state, kept.state, kept.end_cause) == (
        "INFUSED",
        "infused",
        "ended",
        "infused",
    )
    assert Infusion.objects.get().transplant.patient == patient
    assert trail(unit) == [
        "unit.reserve", "unit.order", "unit.release_to_ship", "unit.ship", "unit.deliver", "unit.infuse",
    ]  # fmt: skip
    stale_pages(people, kept, order, shipment, lang)


def new_patient(page: Page, say: dict[str, str]) -> Patient:
    page.goto("/patients/")
    page.get_by_role("link", name=say["new"]).first.click()
    page.locator("[name=sex]").select_option("F")
    page.locator("[name=birth_date]").fill("2022-05-01")
    page.locator("[name=weight_kg]").fill("16")
    page.locator("[name=diagnosis]").select_option("mld")
    for locus, values in TYPING.items():
        for name, value in zip(("1", "2"), values, strict=True):
            page.locator(f"[name=hla_{locus}_{name}]").fill(value)
    page.get_by_role("button", name=say["save"]).click()
    doubt = page.get_by_label(say["right"])
    if doubt.is_visible():
        doubt.check()
        page.get_by_role("button", name=say["save"]).click()
    expect(page.get_by_role("link", name=say["request"])).to_be_visible()
    found: Patient = Patient.objects.get()
    return found


def listed_for(page: Page, say: dict[str, str]) -> None:
    page.get_by_role("link", name=say["request"]).click()
    page.get_by_role("button", name=say["search"]).dblclick()
    page.wait_for_url(LIST)
    expect(page.locator("table.match tbody tr")).to_have_count(1)


def reserved(people: People, unit: CordBloodUnit, say: dict[str, str]) -> Reservation:
    """Asked for from the list, kept by the bank; the bank's page of before is stale after that."""
    people.ward.goto(f"{people.ward.url.rstrip('/')}/units/{unit.pk}/")
    people.ward.get_by_role("link", name=say["reserve"], exact=True).click()
    people.ward.get_by_role("button", name=say["send"], exact=True).dblclick()
    people.ward.wait_for_url("**/reservations/**-**/")
    row: Reservation = Reservation.objects.get()
    address = f"/reservations/{row.pk}/"
    people.bank.goto(address)
    people.left_open(people.bank, address, say["confirm"])
    people.bank.get_by_role("button", name=say["confirm"]).dblclick()
    expect(people.bank.get_by_text(say["left"])).to_be_visible()
    row.refresh_from_db()
    assert row.state == "active"
    return row


def typed_anew(people: People, kept: Reservation, say: dict[str, str]) -> None:
    people.ward.goto(f"/reservations/{kept.pk}/")
    people.ward.get_by_role("link", name=say["anew"]).click()
    people.ward.get_by_role("button", name=say["ask"]).dblclick()
    people.ward.wait_for_url(re.compile(r"/confirmatory-typings/[0-9a-f-]{36}/$"))
    row = ConfirmatoryTyping.objects.get()
    people.lab.goto(f"/confirmatory-typings/{row.pk}/")
    people.lab.get_by_role("button", name=say["take"]).click()
    people.lab.get_by_role("link", name=say["enter"]).click()
    people.lab.get_by_label(say["gl"]).fill(row.unit.typings.get(is_current=True).canonical_gl)
    people.lab.get_by_label(say["laboratory"]).fill("HLA laboratory")
    people.lab.get_by_label(say["method"]).select_option("ngs")
    row.refresh_from_db()
    assert row.sampled_on is not None
    people.lab.get_by_label(say["day"]).fill(row.sampled_on.isoformat())
    people.lab.get_by_role("button", name=say["save"]).click()
    people.lab.wait_for_url(re.compile(r"/confirmatory-typings/[0-9a-f-]{36}/$"))
    people.director.goto(f"/confirmatory-typings/{row.pk}/")
    people.director.get_by_role("button", name=say["verify"]).click()
    expect(people.director.get_by_text(say["confirmed"]).first).to_be_visible()


def prepared(page: Page, patient: Patient, lang: str) -> None:
    """A second, independently drawn sample of the patient that agrees, and a serum without antibodies."""
    typing = patient.typings.get(is_current=True)
    page.goto(f"/patients/{patient.pk}/")
    page.get_by_role("link", name=SECOND[lang]["second"], exact=True).click()
    page.get_by_label(SECOND[lang]["first_day"], exact=True).fill(in_days(-40).isoformat())
    page.get_by_label(SECOND[lang]["day"], exact=True).fill(in_days(-10).isoformat())
    page.locator("[name=gl]").fill(typing.canonical_gl)
    page.locator("[name=laboratory]").fill("Another laboratory")
    page.get_by_role("button", name=SECOND[lang]["save"]).dblclick()
    page.wait_for_url(f"**/patients/{patient.pk}/")
    expect(page.get_by_text(SECOND[lang]["not_yet"])).to_have_count(0)

    AntibodySerumFactory(patient=patient, sampled_on=in_days(-5))  # has a journey of its own


def released(people: People, kept: Reservation, say: dict[str, str]) -> Order:
    order_it(people.ward, f"/reservations/{kept.pk}/", say)
    row: Order = Order.objects.get()
    address = f"/orders/{row.pk}/"
    sign(people.physician, address, say["password"], say["sign"])
    people.bank.goto(address)
    people.left_open(people.bank, address, say["approve"])
    people.bank.get_by_role("button", name=say["approve"]).click()
    people.bank.wait_for_load_state()
    sign(people.qa, address, say["password"], say["first"])
    other = releaser(people)
    sign(other, address, say["password"], say["release"])
    expect(other.get_by_text(say["released"]).first).to_be_visible()
    return row


def releaser(people: People) -> Page:
    """The director verified the typing, so the second signature is another's."""
    user: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    page = people.lab
    page.context.clear_cookies(name="sessionid")
    sign_in(page, user.email, PASSWORD)
    return page


def delivered(people: People, order: Order, say: dict[str, str], folder: Path) -> Shipment:
    shipper, code = ShipperFactory(), order.unit.unit_no
    desk, second, ward = people.desk, people.second, people.ward
    desk.goto("/shipments/")
    desk.get_by_role("link", name=say["pack"], exact=True).click()
    fill(desk, {"scanned": code, "charge_weight_kg": "14.2", "logger_serial": "LG-1", "seals": "S-1, S-2"})
    fill(desk, {"courier": "Cold Courier", "waybill": "WB-1", "expected_at": soon()})
    desk.locator("#id_shipper").select_option(value=str(shipper.pk))
    desk.get_by_role("button", name=say["packed"], exact=True).dblclick()
    desk.wait_for_url("**/shipments/*-*/")
    row: Shipment = Shipment.objects.get()
    second.goto(f"/shipments/{row.pk}/")
    second.locator("#check_scanned").fill(code)
    second.get_by_role("button", name=say["is_it"]).click()
    for kind in ("summary", "thaw"):  # enclosed before the lid is locked
        assert second.request.get(f"/orders/{order.pk}/papers/{kind}.pdf?lang=both").ok
    expect(second.get_by_role("button", name=say["dispatch"], exact=True)).to_be_visible()
    people.left_open(second, f"/shipments/{row.pk}/", say["dispatch"])
    second.get_by_role("button", name=say["dispatch"], exact=True).dblclick()
    expect(second.get_by_role("button", name=say["dispatch"], exact=True)).to_have_count(0)
    row.refresh_from_db()
    file = folder / "logger.csv"
    file.write_bytes(record_of(row))
    second.get_by_text(say["add"], exact=True).click()
    second.locator("#logger_file").set_input_files(file)
    second.get_by_role("button", name=say["read"]).click()
    expect(second.get_by_text(say["within"])).to_be_visible()
    ward.goto(f"/shipments/{row.pk}/")
    ward.get_by_role("link", name=say["confirm"]).click()
    ward.locator("#id_scanned").fill(code)
    for name in ("seals_intact", "temperature_held", "bag_intact", "identity_right", "papers_complete"):
        ward.locator(f"input[name={name}][value=yes]").check()
    ward.locator("input[name=acceptance][value=accepted]").check()
    ward.get_by_role("button", name=say["confirm"]).dblclick()
    ward.wait_for_url(f"**/shipments/{row.pk}/")
    expect(ward.get_by_text(say["delivered"]).first).to_be_visible()
    return row


def infused(people: People, order: Order, say: dict[str, str]) -> None:
    page = people.ward
    row = Shipment.objects.get()
    assert row.delivered_at is not None
    now = f"{timezone.localtime(timezone.now()):%Y-%m-%dT%H:%M:%S}"
    page.goto(f"/orders/{order.pk}/infusion/")
    page.locator("[name=scanned]").fill(order.unit.unit_no)
    page.locator("[name=thaw_method]").select_option("washed")
    for name in ("thawed_at", "began_at", "ended_at"):
        page.locator(f"[name={name}]").fill(now)
    page.locator("[name=volume_ml]").fill("48")
    page.locator("[name=all_given]").select_option("yes")
    page.locator("[name=reaction]").select_option("none")
    page.get_by_role("button", name=say["send"]).dblclick()
    doubt = page.get_by_label(say["right"])
    page.wait_for_load_state()
    for box in doubt.all():
        box.check()
    if doubt.count():
        page.get_by_role("button", name=say["send"]).click()
    page.wait_for_url("**/transplants/**")


def trail(unit: CordBloodUnit) -> list[str]:
    """The moves of the unit in the order in which they were made."""
    rows = AuditEntry.objects.filter(target_key=str(unit.pk), after__has_key="status").order_by("at", "pk")
    return list(rows.values_list("action", flat=True))


def stale_pages(people: People, kept: Reservation, order: Order, shipment: Shipment, lang: str) -> None:
    """Back buttons, old addresses, and buttons of pages that are long out of date: each says where it stands now, and
    nothing happens twice."""
    before = AuditEntry.objects.count()
    way = trail(order.unit)
    assert len(people.old) == 3  # confirm the reservation, approve the order, dispatch
    for window, button in people.old:
        with window.expect_response(lambda answer: answer.request.method == "POST") as answered:
            window.get_by_role("button", name=button, exact=True).click()
        window.wait_for_load_state()
        if "/dispatch/" in answered.value.url:  # the same sent twice is one: it is shown as it is by now
            assert answered.value.status == 302
        else:
            assert answered.value.status == 409, (button, answered.value.status)
            expect(window.get_by_text(NOW[lang]).first).to_be_visible()
        expect(window.get_by_role("button", name=button, exact=True)).to_have_count(0)
    assert trail(order.unit) == way
    for page in (people.ward, people.bank, people.second):
        page.go_back()
        page.wait_for_load_state()
    for address in (f"/reservations/{kept.pk}/", f"/orders/{order.pk}/", f"/shipments/{shipment.pk}/"):
        people.bank.goto(address)
        expect(people.bank.locator("main h1")).to_be_visible()
    assert AuditEntry.objects.exclude(action__contains="view").count() <= before
