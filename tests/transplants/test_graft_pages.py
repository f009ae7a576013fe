"""Pages and API of infusions, transplants and units that came back: what each person sees, is offered, is told."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from bank.models import CordBloodUnit
from core import work
from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.grafts import (
    TransplantFactory,
    decider,
    delivered,
    hours_ago,
    infused,
    not_used,
    order_in,
    shipped,
    status_of,
)
from tests.factories.hospitals import member_of
from tests.factories.reservations import in_days
from transplants.models import Infusion, Order, UnitReturn

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(patient: Patient) -> Order:
    return delivered(patient=patient)


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def local(hours: float) -> str:
    return f"{timezone.localtime(hours_ago(hours)):%Y-%m-%dT%H:%M}"


def sent(order: Order, **given: Any) -> dict[str, Any]:
    plain = {
        "infusion_id": str(uuid4()),
        "scanned": order.unit.unit_no,
        "thaw_method": "washed",
        "thawed_at": local(1.9),
        "began_at": local(1.2),
        "ended_at": local(0.8),
        "volume_ml": "48.0",
        "all_given": "yes",
        "weight_kg": "12.40",
        "graft_type": "single",
        "reaction": "none",
        "arrival_tnc": "110",
        "arrival_method": "counter",
        "infusion_viability": "81",
    }
    return {**plain, **given}


# --- the report


def test_from_my_work_to_the_transplant(order: Order, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    [item] = [one for one in work.items_for(he_lan) if one.kind == "infusion"]

    form = client.get(item.url)
    answers = [client.post(item.url, sent(order, infusion_id=KEY)) for _ in range(2)]  # a double click

    assert str(order.unit.public_no) in form.content.decode()
    assert form.context["form"]["weight_kg"].value() == order.weight_kg
    row = Infusion.objects.get()
    assert [answer.url for answer in answers] == [url("transplant-detail", row.transplant_id)] * 2
    kept = set(row.measurements.values_list("point", "analyte", "value", "method"))
    assert kept == {("arrival", "tnc", 110, "counter"), ("infusion", "viability", 81, "")}
    page = client.get(answers[0].url).content.decode()
    for text in (row.transplant.number, order.unit.public_no, "10.48", "110", "81", "presymptomatic".title()):
        assert text in page
    assert [one for one in work.items_for(he_lan) if one.kind == "infusion"] == []


KEY = str(uuid4())


def test_what_is_unusual_is_asked_and_what_was_typed_stays(
    order: Order, he_lan: User, signed_in: Any
) -> None:
    client, given = signed_in(he_lan), sent(order, arrival_tnc="1.1", volume_ml="480")

    asked = client.post(url("infusion-create", order.pk), given)

    text = asked.content.decode()
    assert asked.status_code == 409
    assert "are value and unit right?" in text
    assert 'value="480"' in text
    codes = re.search(r'name="confirmed" value="([^"]+)"', text)
    assert codes
    done = client.post(url("infusion-create", order.pk), {**given, "confirmed": codes[1]})
    assert done.status_code == 302


def test_a_wrong_code_stands_beside_its_field(order: Order, he_lan: User, signed_in: Any) -> None:
    answer = signed_in(he_lan).post(url("infusion-create", order.pk), sent(order, scanned="U000000"))

    assert (answer.status_code, status_of(order.unit)) == (400, "DELIVERED")
    assert "This is not the code of" in str(answer.context["form"].errors["scanned"])


def test_an_empty_form_says_what_is_missing(order: Order, he_lan: User, signed_in: Any) -> None:
    answer = signed_in(he_lan).post(url("infusion-create", order.pk), {})

    assert answer.status_code == 400
    for name in ("scanned", "thaw_method", "thawed_at", "volume_ml", "all_given", "reaction"):
        assert name in answer.context["form"].errors


def test_a_recalled_unit_is_loud_and_has_to_be_acknowledged(
    order: Order, he_lan: User, signed_in: Any
) -> None:
    client = signed_in(he_lan)
    plain = client.get(url("infusion-create", order.pk)).content.decode()
    CordBloodUnit.objects.filter(pk=order.unit_id).update(recalled=True)

    page = client.get(url("infusion-create", order.pk)).content.decode()
    refused = client.post(url("infusion-create", order.pk), sent(order))
    done = client.post(url("infusion-create", order.pk), sent(order, acknowledged="on"))

    assert ("must not be used" in plain, "must not be used" in page) == (False, True)
    assert (refused.status_code, "acknowledged" in refused.context["form"].errors) == (409, True)
    assert (done.status_code, status_of(order.unit)) == (302, "INFUSED")


def test_the_second_unit_is_offered_the_transplant_of_the_first(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    begun = TransplantFactory(patient=patient, infused_on=in_days(-2))
    order, client = delivered(patient=patient), signed_in(he_lan)

    page = client.get(url("infusion-create", order.pk))
    wrong = client.post(url("infusion-create", order.pk), sent(order, join=str(uuid4())))
    done = client.post(url("infusion-create", order.pk), sent(order, join=str(begun.pk), graft_type="double"))

    assert (begun.number in page.content.decode(), page.context["form"]["graft_type"].value()) == (
        True,
        "double",
    )
    assert (wrong.status_code, "join" in wrong.context["form"].errors) == (400, True)
    assert done.url == url("transplant-detail", begun.pk)


@pytest.mark.parametrize("name", ["infusion-create", "order-not-used"])
@pytest.mark.parametrize("state", ["shipped", "infused", "not_used", "withdrawn"])
def test_a_stale_page_says_where_the_order_stands(
    name: str, state: str, patient: Patient, he_lan: User, signed_in: Any
) -> None:
    order = infused(patient=patient).order if state == "infused" else order_in(state, patient=patient)
    client = signed_in(he_lan)
    given = sent(order) if name == "infusion-create" else {"cause": "patient", "thawed": "no", "note": "n"}

    looked = client.get(url(name, order.pk))
    answer = client.post(url(name, order.pk), given)

    assert (looked.status_code, answer.status_code) == (200, 409)
    for page in (looked, answer):
        text = page.content.decode()
        assert f"{order.number} is “{order.get_state_display()}”" in text
        assert 'name="scanned"' not in text
        assert 'name="cause"' not in text


def test_not_used_is_told_on_its_page(order: Order, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)

    refused = client.post(url("order-not-used", order.pk), {"cause": "thaw", "thawed": "no", "note": "burst"})
    done = client.post(url("order-not-used", order.pk), {"cause": "thaw", "thawed": "yes", "note": "burst"})

    assert (refused.status_code, "thawed" in refused.context["form"].errors) == (400, True)
    assert done.url == reverse("hospitals:patient-detail", args=[order.patient_id])
    assert UnitReturn.objects.get().thawed
    assert client.get(done.url).status_code == 200


# --- transplants


def test_the_next_step_is_offered_to_whoever_may_and_says_what_is_still_kept(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    row = infused(patient=patient).transplant
    backup = order_in("approved", patient=patient)
    physician = member_of(patient.hospital, Role.HOSPITAL_PHYSICIAN)
    deactivate = url("transplant-deactivate", row.pk)

    pages = {
        user.pk: signed_in(user).get(url("transplant-detail", row.pk)).content.decode()
        for user in (he_lan, physician, shen_jia)
    }
    assert [deactivate in pages[user.pk] for user in (he_lan, physician, shen_jia)] == [True, False, False]
    assert backup.number in pages[he_lan.pk]
    client = signed_in(he_lan)
    assert client.post(deactivate).url == url("transplant-detail", row.pk)
    again = client.post(deactivate, follow=True).content.decode()

    assert "inactive already" in again
    assert Patient.objects.get(pk=patient.pk).inactive_reason == "transplanted"
    assert deactivate not in client.get(url("transplant-detail", row.pk)).content.decode()


def test_two_units_show_their_dose_together(patient: Patient, he_lan: User, signed_in: Any) -> None:
    row = infused(patient=patient).transplant
    infused(transplant=row)

    page = signed_in(he_lan).get(url("transplant-detail", row.pk)).content.decode()

    assert "All units together" in page
    assert "21.00" in page
    assert "6.40" in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["new", "old"]),
        ("?graft=double", ["old"]),
        ("?q=TX-NEW", ["new"]),
        ("?since={}", ["new"]),
        ("?until={}", ["old"]),
        ("?since=nonsense", ["new", "old"]),
        ("?q={unit}", ["old"]),
    ],
)
def test_filters_of_the_list_and_the_file(
    query: str, wanted: list[str], shen_jia: User, signed_in: Any
) -> None:
    infused(of={"number": "TX-NEW", "infused_on": in_days(-1)}, reaction="mild", reaction_note="rigors")
    old = infused(of={"number": "TX-OLD", "infused_on": in_days(-30), "graft_type": "double"})
    query = query.format(in_days(-10), unit=old.unit.unit_no)

    page = signed_in(shen_jia).get(url("transplant-list") + query)
    file = signed_in(shen_jia).get(url("transplant-export") + query)

    names = {"TX-NEW": "new", "TX-OLD": "old"}
    assert [names[item["row"].number] for item in page.context["rows"]] == wanted
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert [names[line["number"]] for line in lines] == wanted
    assert {line["tnc_e7_per_kg"] for line in lines} == {"10.5"}


def test_a_hospital_sees_its_own_transplants_only(order: Order, he_lan: User, signed_in: Any) -> None:
    mine, theirs = infused(patient=order.patient).transplant, infused().transplant
    client = signed_in(he_lan)

    page = client.get(url("transplant-list")).content.decode()

    assert (mine.number in page, theirs.number in page) == (True, False)
    assert client.get(url("transplant-detail", theirs.pk)).status_code == 404
    assert client.get(url("infusion-create", delivered().pk)).status_code == 404


@pytest.mark.parametrize("name", ["transplant-list", "return-list"])
@pytest.mark.parametrize("rows", [1, 20])
def test_the_lists_ask_the_database_as_often_for_twenty_rows(
    name: str, rows: int, qa: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        infused()
        not_used(back=True)
    client = signed_in(qa)

    with django_assert_max_num_queries(14):
        assert len(client.get(url(name)).context["rows"]) == rows


@pytest.fixture
def qa(db: None) -> User:
    return decider(Role.QA)


# --- API


def test_the_api_reports_and_lists(order: Order, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    given = {
        **{
            name: value
            for name, value in sent(order).items()
            if not name.startswith(("arrival", "infusion_"))
        },
        "order": str(order.pk),
        "all_given": True,
        "counts": [{"point": "arrival", "analyte": "tnc", "value": 1.1}],
        "id": KEY,
    }

    asked = client.post(reverse("api:infusion-list"), given, content_type="application/json")
    codes = [one["code"] for one in asked.json()["error"]["details"]]
    body = {**given, "confirmed": codes}
    made = [
        client.post(reverse("api:infusion-list"), body, content_type="application/json") for _ in range(2)
    ]

    assert (asked.status_code, asked.json()["error"]["code"]) == (409, "graft_unconfirmed")
    assert [one.status_code for one in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"] == KEY
    listed = client.get(reverse("api:transplant-list"), {"patient": str(order.patient_id)}).json()["results"]
    assert [one["unit"] for one in listed[0]["infusions"]] == [str(order.unit_id)]
    assert listed[0]["infusions"][0]["measurements"][0]["value"] == 1.1


@pytest.mark.parametrize("rows", [1, 20])
def test_the_api_asks_the_database_as_often_for_twenty_rows(
    rows: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        infused()
        not_used()
    client = signed_in(shen_jia)

    for name in ("transplant", "return"):
        with django_assert_max_num_queries(14):
            assert len(client.get(reverse(f"api:{name}-list")).json()["results"]) == rows


def test_the_api_tells_and_takes_back(order: Order, he_lan: User, signed_in: Any) -> None:
    given = {"order": str(order.pk), "cause": "other_graft", "thawed": False, "note": "a brother"}

    made = signed_in(he_lan).post(reverse("api:return-list"), given, content_type="application/json")
    client = signed_in(decider(Role.SHIPPING))
    arrival = {"scanned": order.unit.unit_no, "returned_at": timezone.now().isoformat(), "bag_intact": "yes"}
    back = client.post(
        reverse("api:return-arrive", args=[order.pk]), arrival, content_type="application/json"
    )

    assert (made.status_code, made.json()["cause"]) == (201, "other_graft")
    assert (back.status_code, back.json()["unit_status"]) == (200, "RETURNED_QA")
    assert "decision_reason" not in back.json()


def test_arrival_is_by_the_shipment_where_there_is_no_receipt(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    order = order_in("delivered", patient=patient)
    shipped(order, delivered_hours=1)

    answer = signed_in(he_lan).post(url("infusion-create", order.pk), sent(order))

    assert "thawed_at" in answer.context["form"].errors
