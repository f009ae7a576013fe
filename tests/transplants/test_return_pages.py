"""Pages of units that came back: from the way back to two signatures, refusals, filters, my work."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from bank.models import CordBloodUnit
from core import work
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.grafts import (
    decider,
    hours_ago,
    not_used,
    put_into_a_slot,
    status_of,
)
from tests.factories.hospitals import member_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def qa(db: None) -> User:
    return decider(Role.QA)


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def local(hours: float) -> str:
    return f"{timezone.localtime(hours_ago(hours)):%Y-%m-%dT%H:%M}"


def test_from_the_way_back_to_the_two_signatures(qa: User, signed_in: Any) -> None:
    shipping, director = decider(Role.SHIPPING), decider(Role.MEDICAL_DIRECTOR)
    row = not_used(listable=True)
    page = url("return-decide", row.pk)
    assert [one.title for one in work.items_for(shipping) if one.kind == "return"] == ["1 unit to take back"]

    client = signed_in(shipping)
    arrived = {"scanned": row.unit.unit_no, "returned_at": local(0.1), "bag_intact": "yes"}
    assert client.post(url("return-arrive", row.pk), arrived).url == page
    assert work.items_for(shipping) == []
    [item] = [one for one in work.items_for(qa) if one.kind == "return"]
    assert item.title == "1 returned unit to decide on"

    client = signed_in(qa)
    offered = [
        value for value, _label in client.get(page).context["forms"]["propose"].fields["decision"].choices
    ]
    assert "listed" not in offered  # it lies in no place yet
    put_into_a_slot(row.unit)
    offered = [
        value for value, _label in client.get(page).context["forms"]["propose"].fields["decision"].choices
    ]
    assert "listed" in offered
    given = {"decision": "listed", "reason": "never warm", "password": PASSWORD}
    assert client.post(url("return-propose", row.pk), given).url == page
    assert "Another person signs" in client.get(page).content.decode()
    assert work.items_for(qa) == []

    [item] = [one for one in work.items_for(director) if one.kind == "return"]
    assert item.url == page
    client = signed_in(director)
    seen = client.get(page).context["forms"]["second"].initial["seen"]
    wrong = client.post(url("return-second", row.pk), {"password": "no", "seen": seen})
    assert (wrong.status_code, status_of(row.unit)) == (403, "RETURNED_QA")
    assert AuditEntry.objects.filter(action="return.sign_refused").count() == 1
    assert client.post(url("return-second", row.pk), {"password": PASSWORD, "seen": seen}).url == page
    assert status_of(row.unit) == "LISTED"
    assert "On offer again" in client.get(page).content.decode()


@pytest.mark.parametrize("seconded", [False, True])
def test_a_hospital_is_told_what_two_have_signed(qa: User, signed_in: Any, seconded: bool) -> None:
    """One person's proposal is not in force: who reads it as decided acts on what may never be."""
    decided: dict[str, Any] = {
        "decision": "listed", "decision_reason": "r", "decided_by": qa, "decided_at": timezone.now(),
    }  # fmt: skip
    if seconded:
        decided |= {"seconded_by": decider(Role.MEDICAL_DIRECTOR), "seconded_at": timezone.now()}
    row = not_used(back=True, **decided)
    member = member_of(row.hospital)

    def read(user: User) -> tuple[dict[str, Any], str]:
        client = signed_in(user)
        api = client.get(f"/api/v1/returns/{row.pk}/").json()
        return api, client.get(url("order-detail", row.order_id)).content.decode()

    api, page = read(member)
    assert (api["decision"], api["decided_at"] is not None) == (("listed", True) if seconded else ("", False))
    assert ("On offer again" in page) == seconded
    assert (api["unit_status"] == "") == seconded  # whose it is by now is not theirs to know
    api, page = read(qa)
    assert (api["decision"], api["unit_status"]) == ("listed", row.unit.status)
    assert "On offer again" in page


def test_a_refusal_of_a_step_stands_on_the_page(qa: User, signed_in: Any) -> None:
    row, client = not_used(back=True), signed_in(qa)

    answer = client.post(
        url("return-propose", row.pk), {"decision": "listed", "reason": "why not", "password": PASSWORD}
    )
    late = client.post(
        url("return-arrive", row.pk),
        {"scanned": row.unit.unit_no, "returned_at": local(0.1), "bag_intact": "yes"},
    )

    assert (answer.status_code, "conditions are not met" in answer.content.decode()) == (409, True)
    assert "why not" in answer.content.decode()
    assert (late.status_code, "back already" in late.content.decode()) == (409, True)


def test_a_changed_proposal_is_read_again_before_it_is_signed(qa: User, signed_in: Any) -> None:
    row, director = not_used(back=True), decider(Role.MEDICAL_DIRECTOR)
    client = signed_in(qa)
    client.post(url("return-propose", row.pk), {"decision": "discarded", "reason": "r", "password": PASSWORD})

    client = signed_in(director)
    stale = client.post(url("return-second", row.pk), {"password": PASSWORD, "seen": "x"})
    fresh = stale.context["forms"]["second"]["seen"].value()
    done = client.post(url("return-second", row.pk), {"password": PASSWORD, "seen": fresh})

    assert (stale.status_code, done.status_code) == (409, 302)


def test_a_withdrawn_proposal(qa: User, signed_in: Any) -> None:
    row, client = not_used(back=True), signed_in(qa)
    client.post(url("return-propose", row.pk), {"decision": "discarded", "reason": "r", "password": PASSWORD})

    assert client.post(url("return-withdraw", row.pk), {"reason": ""}).status_code == 400
    assert client.post(url("return-withdraw", row.pk), {"reason": "wait"}).status_code == 302
    assert "Proposal withdrawn" in client.get(url("return-decide", row.pk)).content.decode()


def test_a_unit_that_never_comes_back_leads_to_the_disposal(qa: User, signed_in: Any) -> None:
    row, client = not_used(state="failed", cause="lost"), signed_in(qa)

    page = client.get(url("return-decide", row.pk)).content.decode()
    assert reverse("bank:unit-disposal", args=[row.unit_id]) in page
    CordBloodUnit.objects.filter(pk=row.unit_id).update(status="DISCARDED", discard_reason="damaged")
    page = client.get(url("return-decide", row.pk)).content.decode()

    assert "left the inventory without coming under review" in page
    assert reverse("bank:unit-disposal", args=[row.unit_id]) not in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"away", "back", "first"}),
        ("?state=away", {"away"}),
        ("?state=decide", {"back"}),
        ("?state=second", {"first"}),
        ("?state=settled", {"done"}),
        ("?state=all", {"away", "back", "first", "done"}),
        ("?state=all&q={}", {"back"}),
    ],
)
def test_filters_of_returned_units(query: str, wanted: set[str], qa: User, signed_in: Any) -> None:
    signed = {"decision": "discarded", "decision_reason": "r", "decided_at": timezone.now()}
    rows = {
        "away": not_used(),
        "back": not_used(back=True),
        "first": not_used(back=True, decided_by=UserFactory(), **signed),
        "done": not_used(
            back=True,
            decided_by=UserFactory(),
            seconded_by=UserFactory(),
            seconded_at=timezone.now(),
            **signed,
        ),
    }

    page = signed_in(qa).get(url("return-list") + query.format(rows["back"].unit.unit_no))

    shown = {item["row"].pk for item in page.context["rows"]}
    assert {name for name, row in rows.items() if row.pk in shown} == wanted
