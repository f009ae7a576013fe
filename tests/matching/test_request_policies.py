"""A request is made by a policy: proposed for such patients, chosen by people, and never by one that is retired."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.errors import Conflict, InvalidInput
from hospitals.models import Hospital, Patient
from matching import services
from matching.models import MatchRequest, SelectionPolicy
from matching.selection.policies import proposed, usual_tnc_e7_per_kg
from matching.services import PolicyData, RequestData
from tests.factories.hospitals import HospitalFactory
from tests.factories.matching import ACTOR, MatchRequestFactory
from tests.factories.policies import bank_policy, own_policy

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 28)
CRITERIA = {
    "loci": "A,B,C,DRB1,DQB1",
    "statuses": ["LISTED"],
    "donor_types": ["cord"],
    "urgency": "routine",
    "draft": "1",
}
NON_MALIGNANT = "Non-malignant disease, single unit"


def create_url(patient: Patient) -> str:
    return f"{reverse('matching:request-create')}?patient={patient.pk}"


def text_of(response: Any) -> str:
    return str(response.content.decode())


def revised(policy: SelectionPolicy, **columns: Any) -> SelectionPolicy:
    names = ("rules", "indication", "proposed_for", "population", "author", "references")
    data = {**{name: getattr(policy, name) for name in names}, **columns}
    return services.policy_revise(policy_id=policy.pk, data=PolicyData(**data), actor=ACTOR)


@pytest.mark.parametrize(
    ("diagnosis", "born", "name"),
    [
        ("aml", date(1990, 1, 1), "Malignant disease, single unit"),
        ("aml", date(2008, 11, 28), "Malignant disease, single unit"),  # 18 today
        ("aml", date(2008, 11, 29), "Children"),
        ("aml", date(2027, 1, 1), "Children"),  # unborn
        ("thalassaemia", date(2020, 1, 1), NON_MALIGNANT),
        ("saa", date(1990, 1, 1), NON_MALIGNANT),
        ("other", date(2020, 1, 1), "Malignant disease, single unit"),  # the default
        ("", date(2020, 1, 1), "Malignant disease, single unit"),
    ],
)
def test_a_policy_is_proposed_by_disease_and_age(diagnosis: str, born: date, name: str) -> None:
    patient = Patient(diagnosis=diagnosis, birth_date=born)

    found = proposed(SelectionPolicy.objects.offered(), patient, TODAY)

    assert found is not None
    assert found.name == name


def test_a_hospitals_own_goes_before_the_banks_but_not_before_one_for_children() -> None:
    own = own_policy(HospitalFactory(), proposed_for="malignant")
    policies = SelectionPolicy.objects.offered()

    adult = proposed(policies, Patient(diagnosis="aml", birth_date=date(1990, 1, 1)), TODAY)
    child = proposed(policies, Patient(diagnosis="aml", birth_date=date(2020, 1, 1)), TODAY)

    assert (adult, child) == (own, bank_policy("Children"))
    assert proposed([], Patient(birth_date=TODAY), TODAY) is None


@pytest.mark.parametrize(
    ("rule", "dose"),
    [
        ({"action": "exclude", "least": "1"}, Decimal(1)),
        ({"action": "exclude", "least": "2.5"}, Decimal("1.5")),  # of each of two
        ({"action": "exclude", "least": 0}, None),
        ({"action": "warn", "least": "3"}, None),  # what only warns leaves nothing out
    ],
)
def test_the_dose_asked_is_the_one_below_which_the_policy_excludes(rule: Any, dose: Any) -> None:
    policy = SelectionPolicy(rules={"selection": {"rules": {"tnc_dose": rule}}})

    assert usual_tnc_e7_per_kg(policy) == dose


def test_the_form_starts_with_the_proposed_policy(client: Client, patient: Patient) -> None:
    own = own_policy(patient.hospital)
    own_policy(HospitalFactory(), "Theirs")

    form = client.get(create_url(patient)).context["form"]  # of a metabolic disease

    labels = dict(form.fields["policy"].choices)
    assert form["policy"].value() == str(bank_policy(NON_MALIGNANT).pk)
    assert (form["floor_antigen6"].value(), form["min_tnc_e7_per_kg"].value()) == ("4", Decimal("1.5"))
    assert labels[str(own.pk)] == "Protocol 7 v1"
    assert labels[form["policy"].value()] == f"{NON_MALIGNANT} v1 · proposed for this patient"
    assert len(labels) == 5, "four of the bank, one of the own, none of another hospital"


def test_floors_and_dose_are_taken_over_by_a_button(client: Client, patient: Patient) -> None:
    two = bank_policy("Two units")
    sent = {
        **CRITERIA,
        "policy": str(two.pk),
        "notes": "keep me",
        "loci": "A,B,DRB1",
        "min_tnc_e7_per_kg": "9",
    }
    del sent["draft"]

    response = client.post(create_url(patient), {**sent, "defaults": "1"})

    form = response.context["form"]
    assert (form["floor_antigen6"].value(), form["min_tnc_e7_per_kg"].value()) == ("3", Decimal("1.5"))
    assert (form["policy"].value(), form["loci"].value()) == (str(two.pk), "A,B,DRB1")
    assert form["notes"].value() == "keep me"
    assert not form.errors
    assert f'name="prefilled_by" value="{two.pk}"' in text_of(response)
    assert not MatchRequest.objects.exists()


def test_another_policy_with_the_old_floors_is_asked_about_once(client: Client, patient: Patient) -> None:
    first, two = bank_policy(NON_MALIGNANT), bank_policy("Two units")
    sent = {**CRITERIA, "policy": str(two.pk), "floor_antigen6": "5", "min_tnc_e7_per_kg": "5"}

    asked = client.post(create_url(patient), {**sent, "prefilled_by": str(first.pk)})
    kept = client.post(create_url(patient), {**sent, "prefilled_by": str(two.pk)})

    assert list(asked.context["form"].errors) == ["policy"]
    assert f'name="prefilled_by" value="{two.pk}"' in text_of(asked)
    assert kept.status_code == 302
    made = MatchRequest.objects.get()
    assert (made.policy, made.floors, made.min_tnc_e7_per_kg) == (two, {"antigen6": 5}, 5)


def test_another_hospitals_policy_is_not_taken(client: Client, patient: Patient) -> None:
    theirs = own_policy(HospitalFactory())

    response = client.post(create_url(patient), {**CRITERIA, "policy": str(theirs.pk)})

    assert list(response.context["form"].errors) == ["policy"]
    assert not MatchRequest.objects.exists()


def test_a_draft_of_a_replaced_policy_is_not_submitted_but_edited(client: Client, patient: Patient) -> None:
    old = bank_policy()
    draft = MatchRequestFactory(patient=patient, policy=old)
    new = revised(old, author="Committee")
    edit = reverse("matching:request-edit", args=[draft.pk])

    with pytest.raises(Conflict) as refused:
        services.request_submit(request_id=draft.pk, actor=ACTOR)
    page = client.get(edit)
    client.post(edit, {**CRITERIA, "policy": str(new.pk)})

    assert refused.value.code == "policy_retired"
    assert page.context["form"]["policy"].value() == str(new.pk)
    assert "no longer offered" in text_of(page)
    draft.refresh_from_db()
    assert draft.policy == new


def test_a_retired_policy_makes_no_request(patient: Patient) -> None:
    retired = SelectionPolicy.objects.get(name="Qidai default, single unit")

    with pytest.raises(Conflict) as refused:
        services.request_create(patient=patient, data=RequestData(policy_id=retired.pk), actor=ACTOR)

    assert (refused.value.code, refused.value.field) == ("policy_retired", "policy")


def test_a_policy_that_orders_by_a_class_of_loci_not_chosen_is_refused_at_once(patient: Patient) -> None:
    rules = {**bank_policy().rules, "primary": "allele8"}
    policy = own_policy(patient.hospital, rules=rules)

    with pytest.raises(InvalidInput) as refused:
        services.request_create(
            patient=patient, data=RequestData(policy_id=policy.pk, loci="A,B,DRB1"), actor=ACTOR
        )

    assert (refused.value.code, refused.value.field) == ("primary_class_not_asked", "loci")


def test_the_api_names_and_takes_policies(client: Client, patient: Patient, hospital: Hospital) -> None:
    own, two = own_policy(hospital), bank_policy("Two units")
    own_policy(HospitalFactory(), "Theirs")

    rows = client.get("/api/v1/policies/").json()["results"]
    everything = client.get("/api/v1/policies/?retired=true").json()["results"]
    one = client.get(f"/api/v1/policies/{own.pk}/").json()
    made = client.post(
        "/api/v1/match-requests/",
        {"patient": str(patient.pk), "policy": str(two.pk)},
        content_type="application/json",
    ).json()

    assert rows[0]["name"] == "Protocol 7"
    assert {row["hospital"] for row in rows} == {hospital.code, ""}
    assert len(everything) == len(rows) + 1
    assert one["rules"]["selection"]["rules"]["tnc_dose"]["least"] == "2.5"
    assert (made["policy"], made["policy_id"]) == ("Two units v1", str(two.pk))
    assert client.post(f"/api/v1/policies/{own.pk}/", {}).status_code == 405
