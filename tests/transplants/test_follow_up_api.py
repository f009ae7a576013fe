"""API of follow-up: draft, hand in, correct, counts, facts, what is due."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from core.models import User
from hospitals.models import Patient
from tests.factories.outcomes import day, transplanted
from transplants.models import BloodCount, FollowUp, Transplant

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(patient: Patient) -> Transplant:
    return transplanted(300, patient=patient)


def post(client: Any, name: str, *args: Any, **given: Any) -> Any:
    return client.post(reverse(f"api:{name}", args=args), given, content_type="application/json")


def test_a_form_by_the_api_from_draft_to_correction(
    row: Transplant, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    client = signed_in(he_lan)
    about = {"transplant": str(row.pk), "visit": "m6"}
    draft = post(client, "follow-up-list", **about, relapse="no").json()
    assert (draft["state"], draft["contact_on"]) == ("draft", None)

    form = post(
        client,
        "follow-up-list",
        **about,
        hand_in=True,
        seen=draft["stamp"],
        contact="alive",
        contact_on=f"{day(row, 180)}",
        acute="yes",
        acute_on=f"{day(row, 30)}",
        acute_organs={"skin_percent": "60", "bilirubin": "1.0", "stool_episodes": 0, "upper_gut": "no"},
        chronic="yes",
        chronic_on=f"{day(row, 150)}",
        chronic_sites={"mouth": 3},
    ).json()

    assert (form["state"], form["acute_grade"], form["chronic_severity"]) == ("final", 2, "severe")
    assert (form["acute_organs"]["skin_percent"], form["chronic_sites"]) == ("60.00", {"mouth": 3})
    again = {name: form[name] for name in ("contact", "contact_on", "seen") if name in form}
    new = post(client, "follow-up-correct", form["id"], **again, reason="r", seen=form["stamp"])
    assert (new.status_code, new.json()["version"], new.json()["acute_grade"]) == (200, 2, None)
    stale = post(client, "follow-up-correct", form["id"], **again, reason="r", seen=form["stamp"])
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "follow_up_replaced")
    listed = signed_in(shen_jia).get(reverse("api:follow-up-list"), {"transplant": str(row.pk)}).json()
    assert {one["state"] for one in listed["results"]} == {"final", "corrected"}


def test_everything_that_cannot_be_so_is_in_the_answer(row: Transplant, he_lan: User, signed_in: Any) -> None:
    answer = post(
        signed_in(he_lan),
        "follow-up-list",
        transplant=str(row.pk),
        visit="d100",
        hand_in=True,
        contact="alive",
        contact_on=f"{day(row, 50)}",
        relapse="yes",
    )

    assert answer.status_code == 400
    assert [one["code"] for one in answer.json()["error"]["details"]] == ["before_the_period", "day_missing"]
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize("given", [{"acute_grade": 4}, {"state": "final"}])
def test_what_is_derived_is_never_given(
    row: Transplant, he_lan: User, signed_in: Any, given: dict[str, Any]
) -> None:
    answer = post(signed_in(he_lan), "follow-up-list", transplant=str(row.pk), visit="d100", **given)

    assert (answer.json()["acute_grade"], answer.json()["state"]) == (None, "draft")


def test_counts_and_what_follows_from_them(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    days = [
        {"counted_on": f"{day(row, at)}", "anc_e9_per_l": anc}
        for at, anc in ((10, "0.1"), (20, "0.5"), (21, "0.6"), (22, "0.7"))
    ]
    assert post(client, "blood-count-list", transplant=str(row.pk), days=days).json() == {"changed": 4}

    found = client.get(reverse("api:transplant-detail", args=[row.pk])).json()
    assert (found["outcome"]["days_to_neutrophils"], found["outcome"]["due_visit"]) == (20, "d100")
    listed = client.get(reverse("api:blood-count-list"), {"transplant": str(row.pk)}).json()["results"]
    assert [one["anc_e9_per_l"] for one in listed] == ["0.100", "0.500", "0.600", "0.700"]
    post(client, "blood-count-list", transplant=str(row.pk), remove=[f"{day(row, 22)}"])
    assert BloodCount.objects.count() == 3


def test_facts_and_a_stale_reader(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    seen = client.get(reverse("api:transplant-detail", args=[row.pk])).json()["updated_at"]

    answer = post(client, "transplant-facts", row.pk, seen=seen, diagnosis="aml", risk_index="high")
    assert (answer.status_code, answer.json()["risk_index"], answer.json()["stage"]) == (
        200,
        "high",
        row.stage,
    )
    assert post(client, "transplant-facts", row.pk, seen=seen, atg="no").status_code == 409


def test_what_is_due(row: Transplant, he_lan: User, tan_xi: User, signed_in: Any) -> None:
    url = reverse("api:follow-up-due-list")
    [found] = signed_in(he_lan).get(url).json()["results"]

    assert (found["transplant"], found["due_visit"], found["is_overdue"]) == (str(row.pk), "d100", True)
    assert signed_in(tan_xi).get(url).json()["results"] == []
