"""Pages of match requests: they keep what was typed, say what is wrong beside the field, and search."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Job, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchRequest, SearchRun, SelectionPolicy
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, HospitalFactory, PatientFactory, PatientTypingFactory, member_of
from tests.factories.match_list import queued_run, searched_run
from tests.factories.matching import ListedUnitFactory, MatchRequestFactory, typed_patient
from tests.factories.policies import own_policy

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
CRITERIA = {
    "loci": "A,B,C,DRB1,DQB1",
    "floor_antigen6": "5",
    "floor_allele8": "6",
    "min_tnc_e7_per_kg": "3.5",
    "statuses": ["LISTED"],
    "donor_types": ["cord"],
    "urgency": "urgent",
    "notes": "Please call the ward.",
}


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return typed_patient(hospital=hospital, diagnosis="aml", birth_date=date(1990, 1, 1))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def create_url(patient: Patient) -> str:
    return f"{reverse('matching:request-create')}?patient={patient.pk}"


def text_of(response: Any) -> str:
    return response.content.decode()


def test_form_shows_the_typing_and_the_usual_criteria(client: Client, patient: Patient) -> None:
    response = client.get(create_url(patient))

    form = response.context["form"]
    assert form["floor_antigen6"].initial == "3"
    assert form["min_tnc_e7_per_kg"].value() == Decimal("1.5")
    assert "A*11:01" in text_of(response)
    assert "Search now" in text_of(response)


def test_search_now_saves_submits_and_leads_to_the_progress(client: Client, patient: Patient) -> None:
    response = client.post(create_url(patient), {**CRITERIA, "search": "1"})

    run = SearchRun.objects.get()
    assert response.url == reverse("matching:run-progress", args=[run.pk])
    found = run.request
    assert (found.state, found.urgency, found.notes) == ("SUBMITTED", "urgent", "Please call the ward.")
    assert found.floors == {"antigen6": 5, "allele8": 6}
    assert found.min_tnc_e7_per_kg == Decimal("3.5")
    assert run.job.state == Job.State.QUEUED


def test_no_floor_is_said_and_searched_without_one(client: Client, patient: Patient) -> None:
    client.post(create_url(patient), {**CRITERIA, "floor_antigen6": "", "floor_allele8": "", "search": "1"})

    run = SearchRun.objects.get()
    assert run.request.floors == run.criteria["floors"] == {}
    page = text_of(client.get(reverse("matching:request-detail", args=[run.request_id])))
    assert "none" in page


def test_a_floor_of_the_policy_that_the_loci_do_not_allow_is_dropped(
    client: Client, patient: Patient
) -> None:
    own = own_policy(patient.hospital, rules={"floors": {"antigen6": 2, "allele8": 6}})
    given = {"policy": str(own.pk), "floor_antigen6": "2", "floor_allele8": "3"}

    client.post(create_url(patient), {**CRITERIA, **given, "loci": "A,B,DRB1", "draft": "1"})

    assert MatchRequest.objects.get().floors == {"antigen6": 2}


def test_draft_is_kept_without_a_search(client: Client, patient: Patient) -> None:
    response = client.post(create_url(patient), {**CRITERIA, "draft": "1"})

    found = MatchRequest.objects.get()
    assert response.url == reverse("matching:request-detail", args=[found.pk])
    assert found.state == "DRAFT"
    assert not SearchRun.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"min_tnc_e7_per_kg": "-1"}, "min_tnc_e7_per_kg"),
        ({"min_tnc_e7_per_kg": "many"}, "min_tnc_e7_per_kg"),
        ({"statuses": []}, "statuses"),
        ({"donor_types": []}, "donor_types"),
        ({"kept_at_most": "10"}, "kept_at_most"),
        ({"loci": "A"}, "loci"),
        ({"loci": "A,B,DRB1"}, "floor_allele8"),
        ({"floor_antigen6": "7"}, "floor_antigen6"),
        ({"notes": "x" * 2001}, "notes"),
    ],
)
def test_wrong_criteria_stand_beside_their_field_and_what_was_typed_stays(
    client: Client, patient: Patient, change: dict[str, Any], field: str
) -> None:
    response = client.post(create_url(patient), {**CRITERIA, "notes": "keep me", "search": "1", **change})

    assert list(response.context["form"].errors) == [field]
    assert change.get("notes", "keep me") in text_of(response)
    assert not MatchRequest.objects.exists()


def test_dose_needs_a_weight(client: Client, hospital: Hospital) -> None:
    patient = typed_patient(hospital=hospital, weight_kg=None)

    page = client.get(create_url(patient))
    response = client.post(create_url(patient), {**CRITERIA, "search": "1"})

    assert page.context["form"]["min_tnc_e7_per_kg"].value() is None
    assert "weight is not known" in text_of(page)
    assert list(response.context["form"].errors) == ["min_tnc_e7_per_kg"]


@pytest.mark.parametrize("gl", ["", "A*11:01+A*24:02^DRB1*09:01"])
def test_untyped_patient_is_warned_about_and_cannot_be_searched(
    client: Client, hospital: Hospital, gl: str
) -> None:
    patient = typed_patient(gl, hospital=hospital) if gl else PatientFactory(hospital=hospital)

    page = client.get(create_url(patient))
    response = client.post(create_url(patient), {**CRITERIA, "search": "1"})

    assert "HLA-B" in text_of(page)
    assert "cannot be searched yet" in text_of(page)
    assert "Search now" not in text_of(page)
    assert response.context["form"].non_field_errors()
    assert not MatchRequest.objects.exists(), "a refused search leaves no draft behind"


def test_inactive_patient_is_refused_in_words(client: Client, patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(
        state="inactive", inactive_reason="moved", deactivated_at="2026-01-01T00:00Z"
    )

    response = client.post(create_url(patient), {**CRITERIA, "search": "1"})

    assert "not active" in text_of(response)
    assert not MatchRequest.objects.exists()


def test_patient_of_another_hospital_does_not_exist(client: Client) -> None:
    assert client.get(create_url(typed_patient())).status_code == 404
    assert client.post(create_url(typed_patient()), CRITERIA).status_code == 404


@pytest.mark.parametrize("wanted", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_unknown_patient_is_a_404(client: Client, wanted: str) -> None:
    assert client.get(f"{reverse('matching:request-create')}?patient={wanted}").status_code == 404


def test_without_a_patient_one_is_asked_to_choose(client: Client) -> None:
    response = client.get(reverse("matching:request-create"))

    assert response.url == reverse("hospitals:patient-list")


def test_physician_reads_but_does_not_ask(hospital: Hospital, patient: Patient) -> None:
    client = client_of(member_of(hospital, Role.HOSPITAL_PHYSICIAN))
    found = MatchRequestFactory(patient=patient)

    page = client.get(reverse("matching:request-detail", args=[found.pk]))

    assert "Search now" not in text_of(page)
    assert client.get(create_url(patient)).status_code == 403
    assert client.post(reverse("matching:request-submit", args=[found.pk])).status_code == 403


def test_draft_is_changed_and_then_searched(client: Client, patient: Patient) -> None:
    found = MatchRequestFactory(patient=patient, floors={"antigen6": 4, "allele8": 5}, notes="old")
    url = reverse("matching:request-edit", args=[found.pk])

    page = client.get(url)
    response = client.post(url, {**CRITERIA, "search": "1"})

    assert page.context["form"]["floor_allele8"].value() == "5"
    assert page.context["form"]["notes"].value() == "old"
    found.refresh_from_db()
    assert (found.state, found.floors) == ("SUBMITTED", {"antigen6": 5, "allele8": 6})
    assert response.url == reverse("matching:run-progress", args=[found.runs.get().pk])


def test_submitted_request_is_not_changed(client: Client, patient: Patient) -> None:
    found = MatchRequestFactory(patient=patient, submitted=True)

    response = client.post(reverse("matching:request-edit", args=[found.pk]), CRITERIA)

    assert response.status_code == 409
    assert "its criteria stand" in text_of(response)


def test_cancel_wants_a_reason_and_stops_the_search(client: Client, patient: Patient) -> None:
    run = queued_run(patient)
    url = reverse("matching:request-cancel", args=[run.request_id])

    refused = client.post(url, {"reason": "  "})
    accepted = client.post(url, {"reason": "transplanted elsewhere"})

    assert "Give the reason" in text_of(refused)
    assert accepted.status_code == 302
    run.job.refresh_from_db()
    assert run.job.state == Job.State.CANCELLED
    page = client.get(reverse("matching:request-detail", args=[run.request_id]))
    assert "transplanted elsewhere" in text_of(page)
    assert "Cancel this request" not in text_of(page)


def test_list_is_filtered_sorted_and_own(client: Client, user: User, patient: Patient) -> None:
    draft = MatchRequestFactory(patient=patient, number="MR-2026-0001")
    urgent = MatchRequestFactory(patient=patient, number="MR-2026-0002", urgency="urgent", submitted=True)
    MatchRequestFactory()
    url = reverse("matching:request-list")

    def numbers(query: str) -> list[str]:
        return [row.number for row in client.get(url + query).context["page"]]

    assert numbers("?sort=number") == [draft.number, urgent.number]
    assert numbers("?sort=-number") == [urgent.number, draft.number]
    assert numbers("?state=DRAFT") == [draft.number]
    assert numbers("?urgency=urgent") == [urgent.number]
    assert numbers(f"?q={patient.code[-4:]}&sort=number") == [draft.number, urgent.number]
    assert numbers("?q=0002") == [urgent.number]
    assert numbers(f"?patient={patient.pk}&state=DRAFT") == [draft.number]
    assert numbers(f"?patient={typed_patient(hospital=patient.hospital).pk}") == []
    assert numbers("?state=nonsense&sort=nonsense&page=99") == [urgent.number, draft.number]


def test_bank_sees_all_hospitals_and_filters_by_one(patient: Patient) -> None:
    client = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))
    own, other = MatchRequestFactory(patient=patient), MatchRequestFactory()

    everything = client.get(reverse("matching:request-list"))
    one = client.get(reverse("matching:request-list") + f"?hospital={patient.hospital_id}")

    assert {row.pk for row in everything.context["page"]} == {own.pk, other.pk}
    assert [row.pk for row in one.context["page"]] == [own.pk]


def test_member_with_a_role_of_the_bank_sees_no_other_hospital(hospital: Hospital) -> None:
    client = client_of(member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.COLLECTION))
    other = MatchRequestFactory()

    assert list(client.get(reverse("matching:request-list")).context["page"]) == []
    assert client.get(reverse("matching:request-detail", args=[other.pk])).status_code == 404


def test_policies_of_another_hospital_are_not_seen_by_a_member_with_a_role_of_the_bank(
    hospital: Hospital,
) -> None:
    theirs = SelectionPolicy.objects.create(
        name="theirs", hospital=HospitalFactory(), rules={}, created_by="test"
    )
    member = member_of(hospital, Role.HOSPITAL_COORDINATOR, Role.COLLECTION)
    bank, lab = UserFactory(roles=[Role.SEARCH_COORDINATOR]), UserFactory(roles=[Role.LAB])

    assert theirs not in SelectionPolicy.objects.visible_to(member)
    assert theirs in SelectionPolicy.objects.visible_to(bank)
    assert not SelectionPolicy.objects.visible_to(lab).filter(hospital__isnull=False).exists()
    assert SelectionPolicy.objects.visible_to(lab).exists(), "the bank's own"
    assert not SelectionPolicy.objects.visible_to(UserFactory(roles=[Role.SHIPPING])).exists()


def test_export_has_the_rows_of_the_list(client: Client, patient: Patient) -> None:
    MatchRequestFactory(patient=patient, number="MR-2026-0001")
    MatchRequestFactory(patient=patient, number="MR-2026-0002", urgency="urgent")

    response = client.get(reverse("matching:request-export") + "?urgency=urgent")

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].lstrip("\ufeff").startswith("number,patient,hospital,state")
    assert [line.split(",")[0] for line in lines[1:]] == ["MR-2026-0002"]


def test_search_again_makes_a_second_run_and_keeps_the_first(client: Client, patient: Patient) -> None:
    ListedUnitFactory()
    first = searched_run(patient)

    response = client.post(reverse("matching:run-repeat", args=[first.request_id]))

    second = SearchRun.objects.exclude(pk=first.pk).get()
    assert response.url == reverse("matching:run-progress", args=[second.pk])
    assert (second.run_no, first.results.count()) == (2, 1)


def test_search_again_while_one_runs_is_refused_in_words(client: Client, patient: Patient) -> None:
    run = queued_run(patient)

    response = client.post(reverse("matching:run-repeat", args=[run.request_id]), follow=True)

    assert "still running" in text_of(response)
    assert SearchRun.objects.count() == 1


@pytest.mark.parametrize("count", [1, 20])
def test_list_needs_few_queries(
    client: Client, patient: Patient, count: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(count):
        MatchRequestFactory(patient=patient)

    with django_assert_max_num_queries(12):
        response = client.get(reverse("matching:request-list"))

    assert len(response.context["page"]) == count


def test_list_of_one_patient_says_so_and_leads_to_all(client: Client, patient: Patient) -> None:
    response = client.get(reverse("matching:request-list") + f"?patient={patient.pk}&sort=number")

    assert response.context["active"] == [
        {"label": "Patient", "value": patient.code, "remove": "?sort=number"}
    ]
    other = client.get(reverse("matching:request-list") + f"?patient={typed_patient().pk}")
    assert other.context["active"] == [], "another hospital's patient is not named"


def test_a_typing_conflict_of_the_patient_is_shown_and_blocks_no_search(
    client: Client, patient: Patient
) -> None:
    patient.typings.all().delete()
    PatientTypingFactory(patient=patient, gl=f"{GL}^A1+A24")

    asked = text_of(client.get(create_url(patient)))
    sent = client.post(create_url(patient), {**CRITERIA, "search": "1"})

    run = SearchRun.objects.get()
    assert sent.url == reverse("matching:run-progress", args=[run.pk])
    shown = text_of(client.get(reverse("matching:request-detail", args=[run.request_id])))
    for text in (asked, shown):
        assert "Typing conflict." in text
        assert "contradict the DNA typing A*11:01+A*24:02" in text
