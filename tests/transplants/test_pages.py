"""Pages and API of reservations: what each person sees, what is offered, what is refused and kept."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.urls import reverse

from bank.choices import BLOCKS
from bank.models import CordBloodUnit
from core import panels
from core.audit import Actor
from core.models import User
from core.panels import Place
from core.roles import Role
from hospitals.models import Patient
from matching import services as services_of_requests
from matching.selection.facts import known_of, listed_units
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services
from transplants.models import Reservation
from transplants.providers import work_items
from transplants.services import Wish

pytestmark = pytest.mark.django_db


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:reservation-{name}", args=args)


def test_from_the_list_to_the_reserved_unit(own: Patient, tan_xi: User, signed_in: Any) -> None:
    unit, patient = ListedUnitFactory(), typed_patient(hospital=own.hospital)
    run = stored_run([unit], request__patient=patient)
    client = signed_in(tan_xi)

    page = client.get(reverse("matching:run-unit", args=[run.pk, unit.pk]))
    create = url("create", patient.pk, unit.pk)
    assert f"{create}?request={run.request_id}" in page.content.decode()
    form = client.get(create)
    key = form.context["form"]["reservation_id"].value()
    sent = {"purpose": "graft", "note": "", "reservation_id": str(key)}
    answers = [client.post(f"{create}?request={run.request_id}", sent) for _ in range(2)]

    row = Reservation.objects.get()
    assert [answer.url for answer in answers] == [url("detail", row.pk)] * 2
    assert (row.state, row.request_id) == ("active", run.request_id)
    assert client.get(reverse("bank:unit-detail", args=[unit.pk])).status_code == 200  # still opens for them
    page = client.get(reverse("matching:run-unit", args=[run.pk, unit.pk])).content.decode()
    assert row.number in page
    assert "Reserve this unit" not in page


def test_a_refusal_stands_on_the_page_with_what_was_typed(own: Patient, tan_xi: User, signed_in: Any) -> None:
    row = ReservationFactory(active=True, patient=own)

    answer = signed_in(tan_xi).post(
        url("create", own.pk, row.unit_id), {"purpose": "backup", "note": "in case the first fails"}
    )

    assert answer.status_code == 409
    assert b"in case the first fails" in answer.content
    assert b"already for this patient" in answer.content


def test_a_kept_unit_opens_for_its_hospital_only(
    own: Patient, tan_xi: User, he_lan: User, signed_in: Any
) -> None:
    row = ReservationFactory(active=True, patient=own)
    passport = reverse("bank:unit-detail", args=[row.unit_id])

    assert signed_in(he_lan).get(passport).status_code == 404
    page = signed_in(tan_xi).get(passport)
    assert (page.status_code, row.number in page.content.decode()) == (200, True)
    Reservation.objects.update(
        state="expired", ended_at="2026-01-01T00:00Z", ended_by="s", end_cause="expired"
    )
    assert signed_in(tan_xi).get(passport).status_code == 404


def test_a_hospital_sees_its_own_and_learns_nothing_of_others(
    own: Patient, tan_xi: User, patient: Patient, signed_in: Any
) -> None:
    mine = ReservationFactory(active=True, patient=own)
    theirs = ReservationFactory(unit=mine.unit, patient=patient)
    waiting = ReservationFactory(patient=own, unit=ReservationFactory(active=True, patient=patient).unit)
    client = signed_in(tan_xi)

    listed = client.get(url("list")).content.decode()
    detail = client.get(url("detail", mine.pk)).content.decode()
    waits = client.get(url("detail", waiting.pk)).content.decode()

    for page in (listed, detail, waits):
        assert theirs.number not in page
        assert patient.code not in page
        assert patient.hospital.code not in page
    assert "in line for the unit" in listed
    assert client.get(url("detail", theirs.pk)).status_code == 404


def test_the_bank_sees_who_else_wants_the_unit(shen_jia: User, signed_in: Any) -> None:
    mine = ReservationFactory(active=True)
    other = ReservationFactory(unit=mine.unit)

    assert other.number in signed_in(shen_jia).get(url("detail", mine.pk)).content.decode()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["soon", "active", "asked"]),
        ("?state=decide", ["asked"]),
        ("?state=ending", ["soon"]),
        ("?state=cancelled", ["ended"]),
        ("?state=all", ["soon", "active", "asked", "ended"]),
        ("?q=SOON", ["soon"]),
        ("?state=nonsense", ["soon", "active", "asked"]),
    ],
)
def test_filters_of_the_list(query: str, wanted: list[str], shen_jia: User, signed_in: Any) -> None:
    rows = {
        "soon": ReservationFactory(active=True, until=in_days(2), number="RS-SOON"),
        "active": ReservationFactory(active=True),
        "asked": ReservationFactory(),
        "ended": ReservationFactory(ended=True),
    }

    page = signed_in(shen_jia).get(url("list") + query)
    file = signed_in(shen_jia).get(url("export") + query)

    numbers = {row.number: name for name, row in rows.items()}
    assert {numbers[item["row"].number] for item in page.context["rows"]} == set(wanted)
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert {numbers[line["number"]] for line in lines} == set(wanted)


def test_what_ends_first_stands_first_and_what_is_to_decide_before_it(shen_jia: User, signed_in: Any) -> None:
    late, soon = (ReservationFactory(active=True, until=in_days(n)) for n in (20, 2))
    asked = ReservationFactory()

    page = signed_in(shen_jia).get(url("list"))

    assert [item["row"].pk for item in page.context["rows"]] == [asked.pk, soon.pk, late.pk]


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_asks_the_database_as_often_for_twenty_rows(
    rows: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        ReservationFactory(active=True)
    client = signed_in(shen_jia)

    with django_assert_max_num_queries(14):
        assert client.get(url("list")).status_code == 200


def test_the_bank_decides_on_the_page(he_lan: User, shen_jia: User, patient: Patient, signed_in: Any) -> None:
    row, other = ReservationFactory(patient=patient), ReservationFactory(patient=patient)
    client = signed_in(shen_jia)

    late = client.post(url("confirm", row.pk), {"until": in_days(500).isoformat()})
    assert (late.status_code, b"Choose a day from today" in late.content) == (400, True)
    assert client.post(url("confirm", row.pk), {"until": in_days(40).isoformat()}).status_code == 302
    assert client.post(url("decline", other.pk), {"reason": ""}).status_code == 400
    assert client.post(url("decline", other.pk), {"reason": "too old"}).status_code == 302

    states = Reservation.objects.in_bulk([row.pk, other.pk])
    assert [states[one.pk].state for one in (row, other)] == ["active", "declined"]
    page = signed_in(he_lan).get(url("detail", other.pk)).content.decode()
    assert "too old" in page


def test_a_stale_page_is_told_what_happened(shen_jia: User, signed_in: Any) -> None:
    row = ReservationFactory(ended=True)

    answer = signed_in(shen_jia).post(url("confirm", row.pk), {}, follow=True)

    assert answer.status_code == 409
    assert "has ended already" in answer.content.decode()


def test_a_hospital_extends_and_lets_go_and_is_offered_no_more_than_it_may(
    own: Patient, tan_xi: User, signed_in: Any
) -> None:
    row, client = ReservationFactory(active=True, patient=own), signed_in(tan_xi)

    for _ in range(2):
        assert client.post(url("extend", row.pk), {"reason": "fever"}).status_code == 302
    page = client.get(url("detail", row.pk)).content.decode()
    assert "Ask the bank" in page
    assert url("extend", row.pk) not in page
    assert url("confirm", row.pk) not in page
    assert client.post(url("cancel", row.pk), {"reason": "relapse"}).status_code == 302
    assert CordBloodUnit.objects.get(pk=row.unit_id).status == "LISTED"


def test_a_physician_looks_and_does_not_act(own: Patient, signed_in: Any) -> None:
    row = ReservationFactory(active=True, patient=own)
    client = signed_in(member_of(own.hospital, Role.HOSPITAL_PHYSICIAN))

    assert "What you can do" not in client.get(url("detail", row.pk)).content.decode()
    for act in ("extend", "cancel"):
        assert client.post(url(act, row.pk), {"reason": "r"}).status_code == 403
    row.refresh_from_db()
    assert row.state == "active"


def test_a_unit_on_hold_is_said_loudly(own: Patient, tan_xi: User, signed_in: Any) -> None:
    row = ReservationFactory(active=True, patient=own)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(
        status="ON_HOLD", status_before_hold="RESERVED", hold_reason="a secret of the bank"
    )

    page = signed_in(tan_xi).get(url("detail", row.pk)).content.decode()

    assert "The unit is on hold" in page
    assert "a secret of the bank" not in page


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_hospital_does_not_learn_what_keeps_its_unit_back(
    flag: str, own: Patient, tan_xi: User, signed_in: Any
) -> None:
    row = ReservationFactory(active=True, patient=own)
    CordBloodUnit.objects.filter(pk=row.unit_id).update(**{flag: True})
    label = str(BLOCKS[flag])
    client = signed_in(tan_xi)

    for path in (url("detail", row.pk), reverse("bank:unit-detail", args=[row.unit_id])):
        page = client.get(path).content.decode()
        assert "on hold" in page.lower()
        assert label not in page
    refused = client.post(url("create", own.pk, UnitFactory(**{flag: True}).pk), {"purpose": "graft"})
    assert (refused.status_code, label in refused.content.decode()) == (409, False)


def test_the_bank_is_warned_of_a_promise_made_before(
    patient: Patient, shen_jia: User, signed_in: Any
) -> None:
    unit = UnitFactory(status="RESERVED")
    row, client = ReservationFactory(unit=unit, patient=patient), signed_in(shen_jia)

    page = client.get(url("detail", row.pk)).content.decode()
    assert "came into the system as reserved" in page
    assert client.post(url("confirm", row.pk), {}).status_code == 400
    assert client.post(url("unit-free", unit.pk), {"reason": "the old system says so"}).status_code == 302
    assert CordBloodUnit.objects.get(pk=unit.pk).status == "LISTED"
    assert client.post(url("confirm", row.pk), {}).status_code == 302


def test_an_earlier_promise_gets_its_name(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    row = ReservationFactory(unit=UnitFactory(status="RESERVED"), patient=patient)

    assert signed_in(shen_jia).post(url("confirm", row.pk), {"earlier": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.state == "active"


def test_quality_assurance_sees_that_a_unit_is_promised_and_not_to_whom(signed_in: Any) -> None:
    row = ReservationFactory(active=True)

    page = signed_in(UserFactory(roles=[Role.QA])).get(reverse("bank:unit-detail", args=[row.unit_id]))

    assert "Promised to a patient" in page.content.decode()
    assert row.patient.code not in page.content.decode()


def test_a_list_of_a_request_that_ended_offers_nothing(own: Patient, tan_xi: User, signed_in: Any) -> None:
    unit, patient = ListedUnitFactory(), typed_patient(hospital=own.hospital)
    run = stored_run([unit], request__patient=patient)
    page = reverse("matching:run-unit", args=[run.pk, unit.pk])
    assert "Reserve this unit" in signed_in(tan_xi).get(page).content.decode()

    services_of_requests.request_cancel(request_id=run.request_id, reason="r", actor=Actor.system("test"))

    assert "Reserve this unit" not in signed_in(tan_xi).get(page).content.decode()


def test_the_own_unit_is_not_called_gone(own: Patient, tan_xi: User, signed_in: Any) -> None:
    unit, patient = ListedUnitFactory(), typed_patient(hospital=own.hospital)
    run = stored_run([unit], request__patient=patient)
    services.reservation_ask(wish=Wish(unit.pk, patient.pk), user=tan_xi)

    page = signed_in(tan_xi).get(reverse("matching:run-unit", args=[run.pk, unit.pk])).content.decode()

    assert "reserved for this patient" in page
    assert "reserved since this search" not in page
    (listed,) = listed_units(run, known_of(patient))
    assert listed.facts.offered


def test_pages_in_chinese(own: Patient, tan_xi: User, signed_in: Any) -> None:
    row, client = ReservationFactory(active=True, patient=own), signed_in(tan_xi)
    for path in (url("list"), url("detail", row.pk), url("create", own.pk, UnitFactory().pk)):
        page = client.get(path, HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
        assert "预留" in page


# --- my work, search, panels


def test_what_waits_for_whom(own: Patient, tan_xi: User, shen_jia: User, patient: Patient) -> None:
    ReservationFactory(patient=patient)
    soon = ReservationFactory(active=True, patient=own, until=in_days(3))
    ReservationFactory(active=True, patient=patient, until=in_days(3))

    (mine,) = work_items(tan_xi)
    (theirs,) = work_items(shen_jia)

    assert (mine.url, mine.overdue) == (url("detail", soon.pk), False)
    assert (theirs.count, "?state=decide" in theirs.url) == (1, True)
    assert work_items(UserFactory(roles=[Role.LAB])) == []


def test_the_number_is_found_by_who_may_see_it(
    own: Patient, tan_xi: User, he_lan: User, signed_in: Any
) -> None:
    row = ReservationFactory(active=True, patient=own, number="RS-2026-0777")
    find = reverse("config:find") + "?q=RS-2026-0777"

    answer = signed_in(tan_xi).get(find)
    assert (answer.status_code, answer.headers.get("Location")) == (302, url("detail", row.pk))
    assert row.patient.code not in signed_in(he_lan).get(find).content.decode()


def test_panels_show_nothing_to_who_may_see_no_reservation(own: Patient) -> None:
    row = ReservationFactory(active=True, patient=own)

    assert panels.panels(Place.PATIENT, UserFactory(roles=[Role.LAB]), own) == []
    for place, subject in ((Place.PATIENT, own), (Place.UNIT, row.unit)):
        shown = [one.template for one in panels.panels(place, member_of(own.hospital), subject)]
        assert f"transplants/_{place}_panel.html" in shown


# --- API


def test_the_api_does_what_the_pages_do(own: Patient, tan_xi: User, shen_jia: User, signed_in: Any) -> None:
    unit, client = UnitFactory(), signed_in(tan_xi)
    asked = {"unit": str(unit.pk), "patient": str(own.pk)}

    made = client.post(reverse("api:reservation-list"), asked, content_type="application/json")
    again = client.post(reverse("api:reservation-list"), asked, content_type="application/json")
    key = made.json()["id"]
    longer = client.post(
        reverse("api:reservation-extend", args=[key]), {"reason": "fever"}, content_type="application/json"
    )
    ended = client.post(
        reverse("api:reservation-cancel", args=[key]), {"reason": "r"}, content_type="application/json"
    )
    listed = client.get(reverse("api:reservation-list"), {"state": "cancelled", "patient": str(own.pk)})

    assert (made.status_code, made.json()["state"], again.status_code) == (201, "active", 409)
    assert (longer.json()["until"], ended.json()["state"]) == (in_days(44).isoformat(), "cancelled")
    assert [row["id"] for row in listed.json()["results"]] == [key]
    wait = ReservationFactory(patient=PatientFactory())
    client = signed_in(shen_jia)
    confirmed = client.post(
        reverse("api:reservation-confirm", args=[wait.pk]), {}, content_type="application/json"
    )
    assert confirmed.json()["state"] == "active"
