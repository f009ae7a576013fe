"""Pages and API of orders: what each person sees, what is offered, what is refused and kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bank.models import CordBloodUnit
from core import panels
from core.models import AuditEntry, Notification, User
from core.panels import Panel, Place
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import OrderFactory, ready
from tests.factories.reservations import ReservationFactory, in_days
from transplants.models import Order, OrderSignature, PermitFile

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


def test_from_the_reservation_to_the_release(
    patient: Patient, he_lan: User, wu_min: User, shen_jia: User, signed_in: Any
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    client = signed_in(he_lan)
    reservation = reverse("transplants:reservation-detail", args=[kept.pk])
    assert url("create", kept.pk) in client.get(reservation).content.decode()
    form = client.get(url("create", kept.pk))
    assert form.context["form"]["weight_kg"].value() == patient.weight_kg
    key = form.context["form"]["order_id"].value()
    answers = [client.post(url("create", kept.pk), typed(order_id=str(key))) for _ in range(2)]

    order = Order.objects.get()
    page = url("detail", order.pk)
    assert [answer.url for answer in answers] == [page] * 2
    assert order.number in client.get(reservation).content.decode()
    ready(order, signed=False)
    assert b"Sign the prescription" in signed_in(wu_min).get(page).content
    signed_in(wu_min).post(url("sign", order.pk), {"version": 1, "password": PASSWORD})
    assert b"Approve the order" in signed_in(shen_jia).get(page).content
    signed_in(shen_jia).post(url("approve", order.pk), {"version": 1})
    for role in (Role.QA, Role.MEDICAL_DIRECTOR):
        client = signed_in(UserFactory(roles=[role]))
        seen = client.get(page).context["forms"]["release"]["seen"].value()
        client.post(url("release", order.pk), {"seen": seen, "password": PASSWORD})

    order.refresh_from_db()
    assert order.state == "released"
    for user in (he_lan, wu_min, shen_jia):
        assert signed_in(user).get(page).status_code == 200


# --- ordering -------------------------------------------------------------------------------------


def test_the_form_begins_with_what_the_hospital_says(patient: Patient, he_lan: User, signed_in: Any) -> None:
    hospital = patient.hospital
    hospital.shipping_address, hospital.shipping_contact = "Gate 3", "Gu Wen"
    hospital.shipping_phone, hospital.country = "+86 1", "SG"
    hospital.save()
    kept = ReservationFactory(active=True, patient=patient)

    form = signed_in(he_lan).get(url("create", kept.pk)).context["form"]

    names = ("ship_to", "contact", "contact_phone", "country")
    assert [form[name].value() for name in names] == ["Gate 3", "Gu Wen", "+86 1", "SG"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"infusion_on": ""}, "This field is required"),
        ({"weight_kg": "300"}, "less than or equal to 250"),
        ({"deliver_on": 28}, "at the latest"),
        ({"country": "1"}, "at least 2"),
    ],
)
def test_a_refusal_stands_beside_its_field_with_what_was_typed(
    patient: Patient, he_lan: User, signed_in: Any, values: dict[str, Any], text: str
) -> None:
    days = {name: f"{in_days(one):%Y-%m-%d}" for name, one in values.items() if isinstance(one, int)}
    kept = ReservationFactory(active=True, patient=patient)

    answer = signed_in(he_lan).post(
        url("create", kept.pk), typed(note="through the back door", **values | days)
    )

    (field,) = values
    assert answer.status_code == 400
    assert text in str(answer.context["form"].errors[field])
    assert b"through the back door" in answer.content


def test_what_cannot_be_ordered_is_said_before_anybody_types(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    CordBloodUnit.objects.update(recalled=True)
    client = signed_in(he_lan)

    page = client.get(url("create", kept.pk))
    reservation = client.get(reverse("transplants:reservation-detail", args=[kept.pk]))

    assert b"It cannot be ordered now" in page.content
    assert url("create", kept.pk) not in reservation.content.decode()
    assert client.post(url("create", kept.pk), typed()).status_code == 409


def test_another_hospitals_order_is_not_named_to_who_waits(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    other = OrderFactory(number="OR-2026-0042")
    waiting = ReservationFactory(patient=patient, unit=other.unit)
    client = signed_in(he_lan)

    answers = [client.get(url("create", waiting.pk)), client.post(url("create", waiting.pk), typed())]

    for answer in answers:
        assert "OR-2026-0042" not in answer.content.decode()
        assert "only a unit that is kept for the patient" in answer.content.decode()


def test_ones_own_order_is_named(patient: Patient, he_lan: User, signed_in: Any) -> None:
    order = OrderFactory(for_patient=patient, number="OR-2026-0043")

    page = signed_in(he_lan).get(url("create", order.reservation.pk)).content.decode()

    assert "This unit is ordered already: OR-2026-0043." in page


# --- the page of an order -------------------------------------------------------------------------

OFFERS = {
    "he_lan": {"asked": {"amend", "withdraw"}, "approved": {"amend", "withdraw"}},
    "wu_min": {"asked": {"amend", "withdraw", "sign"}, "approved": {"amend", "withdraw", "sign"}},
    "shen_jia": {"asked": {"amend", "approve", "decline"}, "approved": {"amend", "withdraw"}},
    "qa": {"approved": {"release"}, "released": {"revoke"}},
}


@pytest.mark.parametrize("who", list(OFFERS))
@pytest.mark.parametrize("state", ["asked", "approved", "released", "shipped", "infused", "declined"])
def test_only_what_is_possible_is_offered(
    patient: Patient, state: str, who: str, signed_in: Any, request: pytest.FixtureRequest
) -> None:
    order = OrderFactory(state=state, for_patient=patient)
    client = signed_in(request.getfixturevalue(who))

    page = client.get(url("detail", order.pk))

    offered = {act for act, may in page.context["may"].items() if may}
    assert offered == OFFERS[who].get(state, set())
    posts = {act for act in offered if f"/{order.pk}/{act}/" in page.content.decode()}
    # approving and releasing are offered once the checklist is done
    assert offered - posts <= {"approve", "release"}


def test_an_approval_is_offered_once_the_first_part_is_done(
    patient: Patient, shen_jia: User, signed_in: Any
) -> None:
    order = OrderFactory(for_patient=patient)
    client = signed_in(shen_jia)

    assert b">Approve the order<" not in client.get(url("detail", order.pk)).content
    refused = client.post(url("approve", order.pk), {"version": 1})
    ready(order)
    offered = client.get(url("detail", order.pk)).content

    assert (refused.status_code, b"Not everything is there yet" in refused.content) == (409, True)
    assert b">Approve the order<" in offered


def test_a_stale_page_says_where_the_order_stands(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    order = OrderFactory(state="approved", for_patient=patient)

    for act in ("approve", "decline"):
        answer = signed_in(shen_jia).post(url(act, order.pk), {"version": 1, "reason": "r"})
        assert answer.status_code == 409
        assert "“Approved” now" in answer.content.decode()


def test_a_wrong_password_is_told_and_kept_in_the_trail(
    patient: Patient, wu_min: User, qa: User, signed_in: Any
) -> None:
    asked = OrderFactory(for_patient=patient)
    approved = ready(OrderFactory(state="approved", for_patient=patient))
    client = signed_in(qa)
    seen = client.get(url("detail", approved.pk)).context["forms"]["release"]["seen"].value()

    answers = [
        client.post(url("release", approved.pk), {"seen": seen, "password": "wrong"}),
        signed_in(wu_min).post(url("sign", asked.pk), {"version": 1, "password": "wrong"}),
    ]

    for answer in answers:
        assert answer.status_code == 403
        assert b"not your password" in answer.content
        assert b'value="wrong"' not in answer.content
    refused = AuditEntry.objects.filter(action="order.sign_refused")
    assert {row.target_key for row in refused} == {str(asked.pk), str(approved.pk)}
    assert OrderSignature.objects.filter(meaning="release").count() == 0


def test_who_had_a_hand_in_it_is_told_before_the_password(patient: Patient, qa: User, signed_in: Any) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient, approved_by_user=qa))

    page = signed_in(qa).get(url("detail", order.pk)).content.decode()

    assert "Two others release it" in page
    assert f"/{order.pk}/release/" not in page


def test_an_exceptional_release_asks_why_and_the_hospital_reads_it(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    order.unit.cultures.all().delete()
    client = signed_in(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))
    form = client.get(url("detail", order.pk)).context["forms"]["release"]
    sent = {"seen": form["seen"].value(), "password": PASSWORD, "justification": ""}

    silent = client.post(url("release", order.pk), sent)
    client.post(url("release", order.pk), sent | {"justification": "no other unit fits"})

    assert "justification" in silent.context["forms"]["release"].errors
    assert b"no other unit fits" in signed_in(he_lan).get(url("detail", order.pk)).content
    qa = signed_in(UserFactory(roles=[Role.QA]))
    seen = qa.get(url("detail", order.pk)).context["forms"]["release"]["seen"].value()
    qa.post(url("release", order.pk), {"seen": seen, "password": PASSWORD})
    assert [one.code for one in Notification.objects.filter(user=he_lan)] == ["order.released_excepted"]


@pytest.mark.parametrize("state", ["asked", "approved", "released"])
def test_what_cannot_go_on_is_said_loudly_and_not_why(
    patient: Patient, he_lan: User, state: str, signed_in: Any
) -> None:
    order = OrderFactory(state=state, for_patient=patient)
    CordBloodUnit.objects.update(recalled=True)
    client = signed_in(he_lan)

    page, listed = (client.get(url(*to)).content.decode() for to in (("detail", order.pk), ("list",)))

    assert "Do not begin the conditioning" in page
    assert "cannot go on" in listed
    assert "recalled" not in page


def test_a_released_order_says_what_has_changed_since(patient: Patient, qa: User, signed_in: Any) -> None:
    order = ready(OrderFactory(state="released", for_patient=patient))
    client = signed_in(qa)
    assert b"Since the release something has changed" not in client.get(url("detail", order.pk)).content

    order.unit.cultures.update(result="growth")

    assert b"Since the release something has changed" in client.get(url("detail", order.pk)).content


def test_arrival_after_conditioning_is_warned_of(patient: Patient, he_lan: User, signed_in: Any) -> None:
    order = OrderFactory(for_patient=patient, deliver_on=in_days(24))

    page = signed_in(he_lan).get(url("detail", order.pk)).content

    assert b"Wanted after the conditioning begins" in page


def test_a_permit_is_asked_for_abroad_only(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    at_home, abroad = (OrderFactory(for_patient=patient, country=one) for one in ("CN", "SG"))
    client = signed_in(shen_jia)

    assert b"Record the permit" not in client.get(url("detail", at_home.pk)).content
    assert b"Record the permit" in client.get(url("detail", abroad.pk)).content
    wrong = client.post(
        url("permit", abroad.pk), {"permit_no": "", "authority": "A", "valid_until": "2020-01-01"}
    )
    assert wrong.status_code == 400
    sent = {"permit_no": "P-77", "authority": "A", "country": "SG", "valid_until": f"{in_days(60):%Y-%m-%d}"}
    file = SimpleUploadedFile("permit.pdf", b"%PDF-1.7 permit", content_type="application/pdf")
    client.post(url("permit", abroad.pk), {**sent, "document": file})
    page = client.get(url("detail", abroad.pk)).content.decode()
    assert "P-77" in page
    fetched = url("permit-file", PermitFile.objects.get().pk)
    assert fetched in page
    answer = client.get(fetched)
    assert answer.content == b"%PDF-1.7 permit"
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_change_is_told_in_the_trail(patient: Patient, he_lan: User, signed_in: Any) -> None:
    order = OrderFactory(for_patient=patient, ship_to="Ward 7, Shanghai", contact_phone="+86 21 0")
    client = signed_in(he_lan)
    form = client.get(url("amend", order.pk)).context["form"]
    assert form["version"].value() == 1

    same = client.post(url("amend", order.pk), typed(version=1), follow=True)
    other = client.post(url("amend", order.pk), typed(version=1, note="door 3"), follow=True)
    stale = client.post(url("amend", order.pk), typed(version=1, note="door 4"))

    assert b"Nothing was changed" in same.content
    assert "– → door 3" in other.content.decode()
    assert (stale.status_code, b"door 4" in stale.content) == (409, True)


def test_other_parts_show_what_hangs_on_an_order(
    patient: Patient, he_lan: User, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = OrderFactory(for_patient=patient)
    seen = []

    def provider(user: User, subject: Any) -> Panel | None:
        seen.append((user, subject))
        return Panel("transplants/_enquiry_ask.html", {"url": "/somewhere/"})

    monkeypatch.setitem(panels._providers, Place.ORDER, [provider])

    page = signed_in(he_lan).get(url("detail", order.pk)).content

    assert seen == [(he_lan, order)]
    assert b'href="/somewhere/"' in page
