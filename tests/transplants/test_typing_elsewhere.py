"""Confirmatory typings on other pages: panels, my work, search, dossier, notices, API, demonstration."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from bank.services_dossier import read as read_dossier
from core import find, nav, panels, work
from core.audit import Actor
from core.models import Notification, User
from core.panels import Place
from core.roles import Role
from hospitals import merging
from tests.factories.core import UserFactory
from tests.factories.enquiries import EnquiryFactory
from tests.factories.hospitals import GL, PatientFactory, member_of
from tests.factories.orders import OrderFactory
from tests.factories.reservations import ReservationFactory
from tests.factories.typings import (
    OTHER_A,
    ConfirmatoryTypingFactory,
    promised,
    shown,
)
from transplants import demo_typings
from transplants import services_typings as services
from transplants.choices_orders import TypingState
from transplants.models import ConfirmatoryTyping, EnquiryDeadline, Reservation
from transplants.notices_typings import KINDS

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(db: None) -> User:
    return UserFactory(roles=[Role.LAB], full_name="Lin Yue")


@pytest.fixture
def qa(db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Qian Wei")


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:typing-{name}", args=args)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def verified(gl: str = GL, row: Reservation | None = None) -> ConfirmatoryTyping:
    found = ConfirmatoryTypingFactory(reservation=row or promised(), reported_now=True, gl=gl)
    qa = UserFactory(roles=[Role.QA])
    return services.typing_verify(typing_id=found.pk, user=qa, shown=shown(found))


# --- elsewhere ------------------------------------------------------------------------------------


def shown_at(place: Place, user: User, subject: Any) -> str:
    return " ".join(str(panel.values) for panel in panels.panels(place, user, subject))


def test_panels_of_unit_patient_and_order(qa: User) -> None:
    row = ConfirmatoryTypingFactory()
    he_lan, stranger = member_of(row.hospital), member_of(PatientFactory().hospital)

    order = OrderFactory(reservation=row.reservation, unit=row.unit)

    for place, subject in ((Place.UNIT, row.unit), (Place.PATIENT, row.patient), (Place.ORDER, order)):
        assert row.number in shown_at(place, he_lan, subject)
        assert row.number not in shown_at(place, stranger, subject)
    director = UserFactory(roles=[Role.DIRECTOR])
    assert row.number not in shown_at(Place.UNIT, director, row.unit)


def test_a_wish_has_no_list_before_an_order(qa: User, shen_jia: User, signed_in: Any) -> None:
    wish = ReservationFactory()

    page = text(signed_in(shen_jia).get(reverse("transplants:reservation-detail", args=[wish.pk])))

    assert "Before it is ordered" not in page


def test_it_is_not_offered_where_it_would_be_refused(shen_jia: User, signed_in: Any) -> None:
    under_way, done, none_left = promised(), promised(), promised(segments=0)
    ConfirmatoryTypingFactory(reservation=under_way)
    verified(row=done)

    for row in (under_way, done, none_left):
        page = text(signed_in(shen_jia).get(reverse("transplants:reservation-detail", args=[row.pk])))
        assert "Have the unit typed anew" not in page


def test_the_enquiry_of_that_kind_leads_to_the_reservation(signed_in: Any) -> None:
    row = promised()
    he_lan = member_of(row.hospital)
    ask = reverse("transplants:enquiry-create-unit", args=[row.patient_id, row.unit_id])
    asked = EnquiryFactory(patient=row.patient, kind="ct", unit=row.unit)
    other = EnquiryFactory(patient=row.patient, kind="markers", unit=row.unit)

    client = signed_in(he_lan)

    assert url("create", row.pk) in text(client.get(ask))
    detail = "transplants:enquiry-detail"
    assert url("create", row.pk) in text(client.get(reverse(detail, args=[asked.pk])))
    assert url("create", row.pk) not in text(client.get(reverse(detail, args=[other.pk])))


def test_it_is_found_by_its_number(qa: User) -> None:
    row = ConfirmatoryTypingFactory(number="CT-2026-0077")
    stranger = member_of(PatientFactory().hospital)

    assert [hit.url for hit in find.find(qa, "ct-2026-0077") if hit.exact] == [url("detail", row.pk)]
    assert [hit.label for hit in find.find(qa, "0077")] == ["CT-2026-0077"]
    assert find.find(stranger, "CT-2026-0077") == []


def typing_work(user: User) -> list[Any]:
    return [item for item in work.items_for(user) if item.kind == "typing"]


def test_my_work_of_the_laboratory_and_of_the_second_person(lab: User, qa: User, shen_jia: User) -> None:
    asked, cut = ConfirmatoryTypingFactory(), ConfirmatoryTypingFactory(sampled=True)
    entered = ConfirmatoryTypingFactory(reported_now=True, reported_by=lab)
    ConfirmatoryTypingFactory(cancelled=True)

    assert {item.url for item in typing_work(lab)} == {url("detail", asked.pk), url("detail", cut.pk)}
    assert {item.url for item in typing_work(qa)} == {url("detail", entered.pk)}
    assert typing_work(shen_jia) == []
    assert typing_work(member_of(asked.hospital)) == []


def test_what_takes_longer_than_the_bank_wants_is_overdue(lab: User, signed_in: Any) -> None:
    ConfirmatoryTypingFactory(asked_at=timezone.now() - dt.timedelta(days=8))
    assert [item.overdue for item in typing_work(lab)] == [False]

    EnquiryDeadline.objects.create(kind="ct", days=7)

    assert [item.overdue for item in typing_work(lab)] == [True]
    assert "overdue since 1 day" in text(signed_in(lab).get(url("list")))


def test_the_laboratory_finds_them_in_its_row_others_from_reservations(
    lab: User, shen_jia: User, signed_in: Any
) -> None:
    names = {user.pk: {item.url_name for item in nav.items_for(user)} for user in (lab, shen_jia)}

    assert "transplants:typing-list" in names[lab.pk]
    assert "transplants:typing-list" not in names[shen_jia.pk]
    assert url("list") in text(signed_in(shen_jia).get(reverse("transplants:reservation-list")))


def test_a_patient_with_one_under_way_is_not_merged_away() -> None:
    row, ended = ConfirmatoryTypingFactory(), ConfirmatoryTypingFactory(cancelled=True)

    assert row.number in merging.open_work(row.patient)
    assert ended.number not in merging.open_work(ended.patient)


def test_the_dossier_of_the_unit_tells_of_it() -> None:
    row = verified(OTHER_A)

    told = read_dossier(row.unit_id, Actor.system("test")).as_json()["sections"]["confirmatory_typings"]

    assert [(one["number"], one["state"], one["differing"]) for one in told] == [
        (row.number, "discrepant", ["A"])
    ]


def test_every_notice_says_codes_and_leads_to_its_page() -> None:
    params = {
        "id": "0b0e8f0e-0000-4000-8000-000000000001",
        "reservation": "0b0e8f0e-0000-4000-8000-000000000002",
        "number": "CT-2026-0001",
        "unit": "U1",
        "patient": "P1",
        "hospital": "H1",
    }
    for kind in KINDS:
        said = kind.text(params) + kind.subject(params)
        assert "%(" not in said
        assert set(kind.shared) == set(params)
        of_unit = {name: value for name, value in params.items() if name != "id"}
        of_typing = {name: value for name, value in params.items() if name != "reservation"}
        assert kind.url(of_unit) == reverse("transplants:reservation-detail", args=[params["reservation"]])
        assert kind.url(of_typing) == url("detail", params["id"])


def test_the_notice_stands_on_the_page_of_notices(signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(reported_now=True, gl=GL)
    he_lan, qa = member_of(row.hospital), UserFactory(roles=[Role.QA])
    services.typing_verify(typing_id=row.pk, user=qa, shown=shown(row))

    page = text(signed_in(he_lan).get(reverse("core:notification-list")))

    assert Notification.objects.filter(user=he_lan).count() == 1
    assert row.number in page


# --- api ------------------------------------------------------------------------------------------


def test_the_api_does_what_the_pages_do(lab: User, qa: User, signed_in: Any) -> None:
    row = promised()
    he_lan = member_of(row.hospital)

    def post(user: User, address: str, data: dict[str, Any]) -> Any:
        return signed_in(user).post(address, data, content_type="application/json")

    made = post(he_lan, reverse("api:confirmatory-typing-list"), {"reservation": str(row.pk), "note": "soon"})
    assert (made.status_code, made.json()["state"], made.json()["comparison"]) == (201, "asked", [])
    key = made.json()["id"]
    step = lambda name: reverse(f"api:confirmatory-typing-{name}", args=[key])  # noqa: E731
    assert post(lab, step("sample"), {}).json()["state"] == "sampled"
    result = {"gl": OTHER_A, "laboratory": "L", "method": "sbt", "typed_on": timezone.localdate().isoformat()}
    bad = post(lab, step("report"), {**result, "gl": "A*11:01+A*24:02"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "loci_needed")
    entered = post(lab, step("report"), result).json()
    assert entered["comparison"][0] == {
        "locus": "A",
        "listed": "A*11:01+A*24:02",
        "found": "A*02:01+A*24:02",
        "agreement": "differs",
    }
    assert (
        post(qa, step("take-back"), {"shown": entered["shown"], "reason": "slip"}).json()["state"]
        == "sampled"
    )
    assert post(lab, step("report"), {**result, "gl": GL}).status_code == 200
    assert post(qa, step("verify"), {"shown": entered["shown"]}).status_code == 409
    now = signed_in(qa).get(step("detail")).json()["shown"]
    assert post(qa, step("verify"), {"shown": now}).json()["state"] == "confirmed"
    listed = signed_in(he_lan).get(reverse("api:confirmatory-typing-list") + "?state=confirmed").json()
    assert [one["id"] for one in listed["results"]] == [key]
    assert post(he_lan, step("cancel"), {"reason": "r"}).status_code == 409


# --- the demonstration ----------------------------------------------------------------------------


def test_the_demonstration_has_one_in_each_state() -> None:
    people = {role: UserFactory(roles=[role]) for role in (Role.SEARCH_COORDINATOR, Role.LAB, Role.QA)}
    for _ in range(7):
        promised()
    promised(GL.replace("A*11:01+A*24:02", "A*11:01"))  # half typed: left alone

    assert demo_typings.load(person=people.__getitem__) == 6

    assert set(ConfirmatoryTyping.objects.values_list("state", flat=True)) == set(TypingState.values)
