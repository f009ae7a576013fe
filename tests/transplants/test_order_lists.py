"""Orders in lists, my work, search, calendar, panels and dossier, and by the API."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.urls import reverse

from bank.dossier import registry
from bank.dossier.registry import Subject
from bank.models import CordBloodUnit
from core import find
from core.models import User
from core.roles import Role
from hospitals import merging
from hospitals.models import Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants import calendars
from transplants.models import ExportPermit, Order, Reservation
from transplants.providers_orders import infusions, work_items

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


@pytest.fixture
def wu_min(patient: Patient) -> User:
    return member_of(patient.hospital, Role.HOSPITAL_PHYSICIAN, full_name="Wu Min")


@pytest.fixture
def qa(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Qian Yu")
    return found


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:order-{name}", args=args)


def typed(**values: Any) -> dict[str, Any]:
    """What somebody fills in."""
    return {
        "weight_kg": "12.4",
        "conditioning": "Bu/Cy",
        "conditioning_on": f"{in_days(20):%Y-%m-%d}",
        "deliver_on": f"{in_days(18):%Y-%m-%d}",
        "infusion_on": f"{in_days(27):%Y-%m-%d}",
        "ship_to": "Ward 7, Shanghai",
        "country": "CN",
        "contact": "Gu Wen",
        "contact_phone": "+86 21 0",
        "note": "",
    } | values


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["asked", "signed", "approved", "abroad"]),
        ("?state=sign", ["asked", "abroad"]),
        ("?state=approve", ["signed"]),
        ("?state=release", ["approved"]),
        ("?state=declined", ["declined"]),
        ("?state=all", ["asked", "signed", "approved", "abroad", "declined"]),
        ("?q=OR-ABROAD", ["abroad"]),
        ("?state=nonsense", ["asked", "signed", "approved", "abroad"]),
    ],
)
def test_filters_of_the_list(query: str, wanted: list[str], shen_jia: User, signed_in: Any) -> None:
    rows = {
        "asked": OrderFactory(),
        "signed": ready(OrderFactory()),
        "approved": ready(OrderFactory(state="approved")),
        "abroad": OrderFactory(number="OR-ABROAD"),
        "declined": OrderFactory(state="declined"),
    }

    page = signed_in(shen_jia).get(url("list") + query)
    file = signed_in(shen_jia).get(url("export") + query)

    numbers = {row.number: name for name, row in rows.items()}
    assert {numbers[item["row"].number] for item in page.context["rows"]} == set(wanted)
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert {numbers[line["number"]] for line in lines} == set(wanted)


def test_of_a_patient_and_of_a_hospital(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    mine = OrderFactory(for_patient=patient)
    OrderFactory()
    client = signed_in(shen_jia)

    for query in (f"?patient={patient.pk}", f"?hospital={patient.hospital_id}"):
        rows = client.get(url("list") + query).context["rows"]
        assert [item["row"] for item in rows] == [mine]


def test_a_hospital_sees_its_own(patient: Patient, he_lan: User, signed_in: Any) -> None:
    mine, other = OrderFactory(for_patient=patient), OrderFactory()
    client = signed_in(he_lan)

    listed = client.get(url("list")).content.decode()

    assert mine.number in listed
    assert other.number not in listed
    assert client.get(url("detail", other.pk)).status_code == 404


def test_an_empty_list_says_what_to_do(he_lan: User, signed_in: Any) -> None:
    assert b"No order here" in signed_in(he_lan).get(url("list")).content


@pytest.mark.parametrize("sort", ["number", "-unit", "patient", "hospital", "state", "deliver", "-infusion"])
def test_every_column_sorts(sort: str, shen_jia: User, signed_in: Any) -> None:
    OrderFactory()

    assert signed_in(shen_jia).get(f"{url('list')}?sort={sort}").status_code == 200


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_asks_the_database_as_often_for_twenty_rows(
    rows: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        OrderFactory()
    client = signed_in(shen_jia)

    with django_assert_max_num_queries(12):
        assert len(client.get(url("list")).context["rows"]) == rows


def test_the_page_of_an_order_asks_a_bounded_number_of_times(
    patient: Patient, qa: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    client = signed_in(qa)
    client.get(url("detail", order.pk))

    with django_assert_max_num_queries(39):
        client.get(url("detail", order.pk))


# --- my work, search, calendar, panels, dossier ---------------------------------------------------


def test_whose_turn_it_is(patient: Patient, he_lan: User, wu_min: User, shen_jia: User, qa: User) -> None:
    asked = OrderFactory(for_patient=patient)
    signed = ready(OrderFactory(for_patient=patient))
    approved = ready(OrderFactory(state="approved", for_patient=patient, deliver_on=in_days(0)))
    OrderFactory()  # of another hospital

    def titles(user: User) -> list[str]:
        return [item.title for item in work_items(user)]

    assert titles(wu_min) == [f"Sign the prescription of {asked.number}"]
    assert titles(shen_jia) == [f"Decide on order {signed.number}"]
    assert titles(qa) == [f"Release order {approved.number}"]
    assert titles(he_lan) == []
    assert titles(UserFactory(roles=[Role.LAB])) == []
    assert work_items(qa)[0].overdue  # wanted today, and still in the house


def test_found_by_number(patient: Patient, he_lan: User) -> None:
    mine, other = OrderFactory(for_patient=patient), OrderFactory()

    hits = find.find(he_lan, "OR-")

    assert mine.number in str(hits)
    assert other.number not in str(hits)


def test_a_calendar_names_the_planned_infusion_by_codes(patient: Patient, he_lan: User) -> None:
    order = OrderFactory(for_patient=patient)
    OrderFactory(state="infused", for_patient=patient)
    OrderFactory()

    (entry,) = infusions(he_lan)

    assert (entry.day, patient.code in entry.summary) == (order.infusion_on, True)
    assert f"order-{order.pk}" in calendars.calendar_of(he_lan).decode().replace("\r\n ", "")
    assert list(infusions(UserFactory(roles=[Role.LAB]))) == []


def test_patient_and_unit_show_their_order(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    order = OrderFactory(state="approved", for_patient=patient)
    pages = [
        reverse("hospitals:patient-detail", args=[patient.pk]),
        reverse("bank:unit-detail", args=[order.unit_id]),
    ]

    for user in (he_lan, shen_jia):
        for page in pages:
            assert order.number in signed_in(user).get(page).content.decode()


def test_patient_and_unit_offer_to_order_what_is_kept(
    patient: Patient, he_lan: User, shen_jia: User, qa: User, signed_in: Any
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    pages = [
        reverse("hospitals:patient-detail", args=[patient.pk]),
        reverse("bank:unit-detail", args=[kept.unit_id]),
    ]

    def offered(user: User) -> list[bool]:
        client = signed_in(user)
        return [url("create", kept.pk) in client.get(page).content.decode() for page in pages]

    assert offered(he_lan) == offered(shen_jia) == [True, True]
    assert url("create", kept.pk) not in signed_in(qa).get(pages[1]).content.decode()
    OrderFactory(reservation=kept, unit=kept.unit)
    assert offered(he_lan) == [False, False]


def test_an_open_order_keeps_a_record_from_being_merged(patient: Patient) -> None:
    order = OrderFactory(for_patient=patient)

    assert order.number in merging.open_work(patient)


def test_the_dossier_holds_orders_signatures_and_permits(patient: Patient) -> None:
    order = ready(OrderFactory(for_patient=patient, country="SG"))
    ExportPermit.objects.create(
        order=order,
        permit_no="P-1",
        authority="A",
        country="SG",
        valid_until=in_days(60),
        recorded_by=UserFactory(),
    )
    subject = Subject(CordBloodUnit.objects.get(pk=order.unit_id))
    sections = {section.key: section for section in registry.sections()}

    found = {key: sections[key].records(subject) for key in ("orders", "order_signatures", "export_permits")}

    assert {key: len(rows) for key, rows in found.items()} == dict.fromkeys(found, 1)
    told = str(found)
    assert order.number in told
    assert patient.code in told


# --- API ------------------------------------------------------------------------------------------


def api(name: str, *args: Any) -> str:
    return reverse(f"api:order-{name}", args=args)


def test_the_api_orders_changes_and_withdraws(patient: Patient, he_lan: User, signed_in: Any) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    client = signed_in(he_lan)
    sent = typed(reservation=str(kept.pk), id="5b2c7a4e-8d1f-4a34-9c56-0c6f1a2b3c4d")

    made = [client.post(api("list"), sent, content_type="application/json") for _ in range(2)]
    order = Order.objects.get()
    changed = client.post(api("amend", order.pk), typed(version=1, note="x"), content_type="application/json")
    stale = client.post(api("amend", order.pk), typed(version=1), content_type="application/json")
    gone = client.post(api("withdraw", order.pk), {"reason": "r"}, content_type="application/json")

    assert [one.status_code for one in made] == [201, 201]
    assert (changed.json()["version"], stale.status_code) == (2, 409)
    assert gone.json()["state"] == "withdrawn"
    assert Reservation.objects.get().state == "active"


def test_the_api_says_what_is_open(patient: Patient, he_lan: User, shen_jia: User, signed_in: Any) -> None:
    order = OrderFactory(for_patient=patient)

    shown = signed_in(he_lan).get(api("detail", order.pk)).json()
    refused = signed_in(shen_jia).post(api("approve", order.pk), {}, content_type="application/json")

    checks = {one["code"]: one for one in shown["checks"]}
    assert checks["weight"]["outcome"] == "open"
    assert checks["slot"]["says"] == "The bank looks after it."
    assert refused.status_code == 409
    assert "weight" in refused.content.decode()


def test_the_api_lists_by_state_and_patient(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    mine = OrderFactory(state="approved", for_patient=patient)
    OrderFactory()
    client = signed_in(shen_jia)

    for query in ("?state=approved", f"?patient={patient.pk}"):
        rows = client.get(api("list") + query).json()["results"]
        assert [row["number"] for row in rows] == [mine.number]
    assert client.get(api("list") + "?state=nonsense").status_code == 400
