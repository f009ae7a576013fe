"""Pages and API of recalls: shown before signed, what hospitals see, look-back of units and lots, the dossier."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bank.dossier.registry import covered
from bank.models import CordBloodUnit
from core.models import AuditEntry, Notification, User
from core.panels import Place, panels
from core.roles import Permission, Role
from hospitals.models import Patient
from hospitals.querysets import reached_by
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.incidents import IncidentFactory, RecallFactory, lot_of, order_in
from tests.factories.reservations import ReservationFactory
from transplants.models import Incident, IncidentRules, Order, Recall

pytestmark = pytest.mark.django_db


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:recall-{name}", args=args)


@pytest.fixture
def qa(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Wu Qiang")
    return found


@pytest.fixture
def director(db: None) -> User:
    found: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Ye Hua")
    return found


def signature(page: Any, **values: Any) -> dict[str, Any]:
    """What the form on the page carries, and what a person adds."""
    form = page.context["form"]
    hidden = {name: form[name].value() for name in ("recall_id", "seen", "units") if form[name].value()}
    return {**hidden, "title": "bags", "reason": "bags leak", "password": PASSWORD, **values}


# --- shown, then signed ---------------------------------------------------------------------------


def test_from_the_page_of_a_lot_to_the_recall(
    qa: User, director: User, he_lan: User, patient: Patient, signed_in: Any
) -> None:
    order, listed = order_in("infused", patient=patient), UnitFactory()
    lot = lot_of(order.unit, listed)
    client = signed_in(qa)
    page = client.get(reverse("bank:lot-detail", args=[lot.pk])).content.decode()
    start = f"{url('create')}?lot={lot.pk}"
    assert start in page
    assert patient.code in page

    preview = client.get(start)
    shown = preview.content.decode()
    assert not Recall.objects.exists()
    assert shown.index(order.unit.public_no) < shown.index("Units by their state")
    for said in (order.number, patient.code, "Outside the bank", "2 units would move no step forward"):
        assert said in shown
    answers = [client.post(start, signature(preview)) for _ in range(2)]
    row = Recall.objects.get()
    assert [answer.url for answer in answers] == [url("detail", row.pk)] * 2
    assert CordBloodUnit.objects.filter(recalled=True).count() == 2

    other = signed_in(director)
    assert url("lift", row.pk) in other.get(url("detail", row.pk)).content.decode()
    answer = other.post(url("lift", row.pk), {"reason": "tested", "password": PASSWORD})
    assert answer.url == url("detail", row.pk)
    assert not CordBloodUnit.objects.filter(recalled=True).exists()


def test_units_are_named_by_their_numbers(qa: User, signed_in: Any) -> None:
    units = [UnitFactory() for _ in range(3)]
    client = signed_in(qa)

    wrong = client.post(url("create"), {"units": f"{units[0].unit_no}, U-NOBODY"})
    assert (wrong.status_code, "U-NOBODY" in wrong.content.decode()) == (400, True)
    assert client.post(url("create"), {"units": " "}).status_code == 400
    preview = client.post(url("create"), {"units": "\n".join(unit.unit_no.lower() for unit in units)})
    assert preview.status_code == 200
    assert client.post(url("create"), signature(preview)).status_code == 302
    assert Recall.objects.get().units.count() == 3


def test_what_changed_meanwhile_is_shown_again(qa: User, signed_in: Any) -> None:
    unit = UnitFactory()
    client = signed_in(qa)
    start = f"{url('create')}?unit={unit.pk}"
    preview = client.get(start)
    kept = ReservationFactory(active=True, unit=unit)
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="RESERVED")

    answer = client.post(start, signature(preview, reason="typed once"))

    page = answer.content.decode()
    assert answer.status_code == 409
    for said in ("have changed since you read this page", kept.number, "typed once"):
        assert said in page
    assert not Recall.objects.exists()
    again = signature(answer)
    assert again["seen"] != signature(preview)["seen"]
    assert client.post(start, again).status_code == 302


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"password": "wrong"}, 403, "This is not your password."),
        ({"reason": ""}, 400, "Write why."),
        ({"title": ""}, 400, "Choose an incident, or give the new one a title."),
        ({"units": "no key"}, 400, "Open the page again."),
    ],
)
def test_a_refused_signature_changes_nothing(
    qa: User, signed_in: Any, values: dict[str, str], status: int, said: str
) -> None:
    unit = UnitFactory()
    client = signed_in(qa)
    preview = client.get(f"{url('create')}?unit={unit.pk}")

    answer = client.post(url("create"), signature(preview, **values))

    assert (answer.status_code, said in answer.content.decode()) == (status, True)
    assert not Recall.objects.exists()
    refused = AuditEntry.objects.filter(action="recall.sign_refused")
    assert refused.exists() == ("password" in values)


def test_under_the_incident_from_which_one_came(qa: User, signed_in: Any) -> None:
    incident, unit = IncidentFactory(), UnitFactory()
    client = signed_in(qa)
    assert (
        f"{url('create')}?incident={incident.pk}"
        in client.get(reverse("transplants:incident-detail", args=[incident.pk])).content.decode()
    )

    preview = client.post(f"{url('create')}?incident={incident.pk}", {"units": unit.unit_no})
    assert preview.context["form"]["incident"].value() == incident.pk
    client.post(url("create"), signature(preview, incident=str(incident.pk), title=""))

    assert Recall.objects.get().incident == incident


def test_a_lot_that_was_used_on_nothing_has_nothing_to_recall(qa: User, signed_in: Any) -> None:
    lot = lot_of()
    client = signed_in(qa)

    assert "No unit" in client.get(f"{url('create')}?lot={lot.pk}").content.decode()
    assert url("create") not in client.get(reverse("bank:lot-detail", args=[lot.pk])).content.decode()


# --- one recall -----------------------------------------------------------------------------------


def test_whoever_started_it_is_told_that_somebody_else_ends_it(qa: User, signed_in: Any) -> None:
    unit = UnitFactory()
    row = RecallFactory(units=[unit], started_by=qa)
    client = signed_in(qa)

    page = client.get(url("detail", row.pk)).content.decode()
    assert "Somebody else ends it" in page
    assert url("lift", row.pk) not in page
    for path in (url("lift", row.pk), url("free-unit", row.pk, unit.pk)):
        answer = client.post(path, {"reason": "r", "password": PASSWORD})
        assert (answer.status_code, "Somebody else must end it" in answer.content.decode()) == (403, True)
    assert AuditEntry.objects.filter(action="recall.sign_refused").count() == 2


def test_one_unit_is_taken_out_on_its_page(director: User, signed_in: Any) -> None:
    units = [UnitFactory(), UnitFactory()]
    row = RecallFactory(units=units)
    client, free = signed_in(director), url("free-unit", row.pk, units[0].pk)
    assert free in client.get(url("detail", row.pk)).content.decode()

    assert client.post(free, {"reason": "tested", "password": "wrong"}).status_code == 403
    assert client.post(free, {"reason": "tested", "password": PASSWORD}).status_code == 302

    page = client.get(url("detail", row.pk)).content.decode()
    assert (free in page, "taken out" in page) == (False, True)
    assert client.get(url("free-unit", row.pk, UnitFactory().pk)).status_code == 404


def test_whom_it_concerns_as_csv(qa: User, patient: Patient, signed_in: Any) -> None:
    order, listed = order_in("infused", patient=patient), UnitFactory()
    lot = lot_of(order.unit, listed)
    row = RecallFactory(units=[order.unit, listed], lot=lot)
    client = signed_in(qa)

    for path in (url("export", row.pk), url("lot-export", lot.pk)):
        text = b"".join(client.get(path).streaming_content).decode("utf-8-sig")
        lines = {line["unit"]: line for line in csv.DictReader(io.StringIO(text))}
        told = lines[order.unit.public_no]
        assert (told["patient"], told["order"], told["shipment"][:3], told["transplant"][:3]) == (
            patient.code, order.number, "SH-", "TX-",
        )  # fmt: skip
        assert (lines[listed.public_no]["patient"], lines[listed.public_no]["status"]) == ("", "LISTED")


def queries(client: Any, path: str) -> int:
    """The fewest of three: what the frame of a page keeps for some seconds is read anew now and then."""
    counted = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).status_code == 200
        counted.append(len(found))
    return min(counted)


@pytest.mark.parametrize("name", ["list", "detail", "create"])
def test_pages_take_as_many_queries_for_many_rows(name: str, director: User, signed_in: Any) -> None:
    client = signed_in(director)

    def count(n: int) -> int:
        units = [order_in("shipped").unit for _ in range(n)]
        lot = lot_of(*units, number=f"L-{n}")
        rows = [RecallFactory(units=units if place == 0 else []) for place in range(n)]
        paths = {
            "list": url("list"),
            "detail": url("detail", rows[0].pk),
            "create": f"{url('create')}?lot={lot.pk}",
        }
        return queries(client, paths[name])

    assert count(1) == count(20)


def test_those_that_are_on_stand_first(director: User, signed_in: Any) -> None:
    from django.utils import timezone

    lifted = RecallFactory(lifted_at=timezone.now(), lifted_by=director, lift_reason="tested")
    on = RecallFactory()
    Recall.objects.filter(pk=on.pk).update(started_at=timezone.now().replace(year=2020))

    rows = signed_in(director).get(url("list")).context["rows"]

    assert [item["row"] for item in rows] == [on, lifted]
    Recall.objects.all().delete()
    assert "Nothing was ever recalled" in signed_in(director).get(url("list")).content.decode()


def test_a_number_opens_its_recall(director: User, he_lan: User, signed_in: Any) -> None:
    row = RecallFactory(units=[UnitFactory()])
    find = f"{reverse('config:find')}?q={row.number}"

    assert signed_in(director).get(find).url == url("detail", row.pk)
    assert row.reason not in signed_in(he_lan).get(find).content.decode()


# --- what hospitals see ---------------------------------------------------------------------------


def warned(user: User, place: Place, subject: Any) -> list[dict[str, Any]]:
    found = [one for one in panels(place, user, subject) if one.template.endswith("_recall_warning.html")]
    return [row for one in found for row in one.values["rows"]]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("approved", "The bank keeps it back"),
        ("shipped", "on its way"),
        ("delivered", "Do not infuse it"),
        ("infused", "It was infused"),
    ],
)
def test_a_hospital_reads_what_to_do_now(
    state: str, said: str, he_lan: User, patient: Patient, signed_in: Any
) -> None:
    IncidentRules.objects.create(id=1, hotline="+86 21 5555 0100")
    order = order_in(state, patient=patient)
    row = RecallFactory(units=[order.unit], reason="bags leak")

    page = signed_in(he_lan).get(reverse("hospitals:patient-detail", args=[patient.pk])).content.decode()

    for one in (f"RECALL: {order.unit.public_no}", said, row.number, "bags leak", "+86 21 5555 0100"):
        assert one in page
    assert url("detail", row.pk) not in page  # a hospital has no page of the recall
    order.unit.refresh_from_db()
    assert [one["number"] for one in warned(he_lan, Place.ORDER, order)] == [order.number]


def test_the_reservation_says_it_too(he_lan: User, patient: Patient, signed_in: Any) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    RecallFactory(units=[kept.unit])

    page = signed_in(he_lan).get(reverse("transplants:reservation-detail", args=[kept.pk])).content.decode()

    assert f"RECALL: {kept.unit.public_no}" in page
    assert "The unit is on hold" not in page  # said once, and louder


def test_nobody_reads_of_anothers_patient(he_lan: User, patient: Patient, own: Patient) -> None:
    """The unit of a recall that two hospitals wanted: each reads of its own patient."""
    unit = UnitFactory()
    first = ReservationFactory(active=True, patient=own, unit=unit)
    wish = ReservationFactory(patient=patient, unit=unit)
    RecallFactory(units=[unit])

    assert [one["patient"] for one in warned(he_lan, Place.ALERT, patient)] == [patient.code]
    for row in (first, wish):
        row.refresh_from_db()
        assert [one["number"] for one in warned(he_lan, Place.ALERT, row)] == [row.number]


def test_who_has_no_recalled_unit_is_told_nothing_and_little_is_read(
    he_lan: User, patient: Patient, django_assert_num_queries: Any
) -> None:
    ReservationFactory(active=True, patient=patient)
    he_lan.has_permission("incident.view")  # type: ignore[arg-type]

    with django_assert_num_queries(1):
        assert warned(he_lan, Place.ALERT, patient) == []


def test_every_notice_leads_to_a_page(qa: User, he_lan: User, patient: Patient, signed_in: Any) -> None:
    from core import kinds

    shipping = UserFactory(roles=[Role.SHIPPING])
    director = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    order = order_in("released", patient=patient)
    client = signed_in(qa)
    client.post(url("create"), signature(client.get(f"{url('create')}?unit={order.unit_id}")))
    signed_in(director).post(url("lift", Recall.objects.get().pk), {"reason": "r", "password": PASSWORD})

    for user in (he_lan, shipping, director, qa):
        rows = Notification.objects.filter(user=user)
        assert rows.exists(), user
        for row in rows:
            assert signed_in(user).get(kinds.url_of(row)).status_code == 200, row.code
            assert "%" not in kinds.text_of(row) + kinds.subject_of(row)
            assert kinds.known()


# --- look-back ------------------------------------------------------------------------------------


def test_a_unit_leads_to_everybody_whom_it_concerns(director: User, patient: Patient, signed_in: Any) -> None:
    order = order_in("infused", patient=patient)
    row = IncidentFactory(units=[order.unit], title="bag leaks")
    recall = RecallFactory(incident=row, units=[order.unit])

    page = signed_in(director).get(reverse("bank:unit-lookback", args=[order.unit_id])).content.decode()

    for said in (
        order.number,
        patient.code,
        order.hospital.code,
        order.shipment.number,
        "bag leaks",
        recall.number,
    ):
        assert said in page


def test_whoever_may_not_see_patients_reads_of_none(patient: Patient, signed_in: Any) -> None:
    order = order_in("infused", patient=patient)
    collection = UserFactory(roles=[Role.COLLECTION])

    page = signed_in(collection).get(reverse("bank:unit-lookback", args=[order.unit_id])).content.decode()
    lot = signed_in(collection).get(reverse("bank:lot-detail", args=[lot_of(order.unit).pk])).content.decode()

    assert patient.code not in page + lot


def test_incidents_and_recalls_stand_in_the_dossier(qa: User) -> None:
    from bank.dossier.registry import Subject, sections

    unit = UnitFactory()
    recall = RecallFactory(incident=IncidentFactory(units=[unit]), units=[unit])
    subject = Subject(unit)

    found = {
        one.key: one.records(subject) for one in sections() if one.key.startswith(("incident", "recall"))
    }

    assert {key: len(rows) for key, rows in found.items()} == {
        "incidents": 1, "incident_units": 1, "incident_notes": 0, "recalls": 1, "recall_units": 1,
    }  # fmt: skip
    assert found["recalls"][0].id == str(recall.pk)
    models = {model._meta.label for model in (Incident, Recall)}
    assert models <= set(covered())


# --- API ------------------------------------------------------------------------------------------


def test_the_api_reads_recalls(director: User, he_lan: User, signed_in: Any) -> None:
    units = [UnitFactory(), UnitFactory()]
    row = RecallFactory(units=units)
    client = signed_in(director)

    [found] = client.get("/api/v1/recalls/").json()["results"]
    assert (found["number"], found["units"], found["held"]) == (row.number, 2, 2)
    listed = client.get(f"/api/v1/recalls/{row.pk}/units/").json()["results"]
    assert {one["number"] for one in listed} == {unit.public_no for unit in units}
    assert client.post("/api/v1/recalls/", {}, content_type="application/json").status_code == 405
    assert client.get(f"/api/v1/recalls/{uuid4()}/").status_code == 404
    assert signed_in(he_lan).get("/api/v1/recalls/").status_code == 403


# --- whom somebody has to call --------------------------------------------------------------------


@pytest.mark.parametrize("reached", [True, False])
def test_a_hospital_in_which_nobody_can_be_told_is_called(
    qa: User, patient: Patient, signed_in: Any, reached: bool
) -> None:
    """A notice to nobody is no notice: who recalls a unit must know whom to call, and under which number."""
    order = order_in("delivered", patient=patient)
    Order.objects.update(contact="Gu Wen", contact_phone="+86 21 5555")
    member = member_of(patient.hospital)
    User.objects.filter(pk=member.pk).update(is_active=reached)
    client = signed_in(qa)
    page = client.get(f"{url('create')}?unit={order.unit_id}")
    marks = ("Call these hospitals", "nobody here to be told")

    done = client.post(f"{url('create')}?unit={order.unit_id}", signature(page), follow=True)

    for shown in (page.content.decode(), done.content.decode()):
        assert "Gu Wen" in shown
        assert "+86 21 5555" in shown
        assert [mark in shown for mark in marks] == [not reached] * 2
    [said] = [str(one) for one in done.context["messages"]]
    assert ("nobody could be told" in said) == (not reached)
    assert (patient.hospital.code in said) == (not reached)
    assert Notification.objects.filter(user=member).exists() == reached


def test_a_reservation_has_the_contact_of_its_hospital(qa: User, patient: Patient, signed_in: Any) -> None:
    patient.hospital.shipping_contact, patient.hospital.shipping_phone = "Front desk", "+86 21 7777"
    patient.hospital.save()
    kept = ReservationFactory(active=True, patient=patient)

    page = signed_in(qa).get(f"{url('create')}?unit={kept.unit_id}").content.decode()

    assert "Front desk" in page
    assert "+86 21 7777" in page


def test_who_may_not_read_of_incidents_is_nobody_to_be_told(patient: Patient) -> None:
    person = UserFactory(roles=[Role.COLLECTION])
    patient.hospital.memberships.create(user=person)
    assert reached_by(Permission.INCIDENT_VIEW, {patient.hospital_id}) == set()

    member_of(patient.hospital)

    assert reached_by(Permission.INCIDENT_VIEW, {patient.hospital_id}) == {patient.hospital_id}
