"""Pages and API of enquiries: what each side sees, what is kept of a refused form, files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from core.models import User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.enquiries import PDF, EnquiryFactory, MessageFactory, kept_file
from tests.factories.hospitals import PatientFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.factories.reservations import ReservationFactory, in_days
from transplants import presenters_enquiries
from transplants.models import Enquiry, EnquiryMessage
from transplants.providers_enquiries import work_items

pytestmark = pytest.mark.django_db


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:enquiry-{name}", args=args)


def test_from_the_unit_of_a_list_to_the_answer(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    unit, asked_for = ListedUnitFactory(), typed_patient(hospital=patient.hospital)
    run = stored_run([unit], request__patient=asked_for)
    client = signed_in(he_lan)
    create = url("create-unit", asked_for.pk, unit.pk)
    assert create in client.get(reverse("matching:run-unit", args=[run.pk, unit.pk])).content.decode()

    form = client.get(create).context["form"]
    sent = {
        "kind": "ct",
        "subject": "confirm A and B",
        "text": "before we order",
        "enquiry_id": str(form["enquiry_id"].value()),
        "message_id": str(form["message_id"].value()),
    }
    answers = [client.post(create, {**sent, "attached": SimpleUploadedFile("a.pdf", PDF)}) for _ in range(2)]
    row = Enquiry.objects.get()
    assert [answer.url for answer in answers] == [url("detail", row.pk)] * 2
    assert (row.unit_id, row.messages.get().files.count()) == (unit.pk, 1)

    bank = signed_in(shen_jia)
    assert row.number in bank.get(url("list") + "?state=mine").content.decode()
    page = bank.get(url("detail", row.pk)).content.decode()
    assert "before we order" in page
    assert bank.post(url("answer", row.pk), {"text": "all the same"}).status_code == 302
    assert "all the same" in signed_in(he_lan).get(url("detail", row.pk)).content.decode()


def test_without_a_unit_only_what_concerns_the_patient_is_offered(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    form = signed_in(he_lan).get(url("create", patient.pk)).context["form"]
    assert [value for value, _label in form.fields["kind"].choices] == ["message", "advice"]
    form = signed_in(shen_jia).get(url("create", patient.pk)).context["form"]
    assert [value for value, _label in form.fields["kind"].choices] == ["message"]


def test_a_unit_that_the_hospital_may_not_know_is_not_asked_of(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    client = signed_in(he_lan)
    kept = ReservationFactory(active=True, patient=patient)
    kept.unit.__class__.objects.filter(pk=kept.unit_id).update(
        status="ON_HOLD", status_before_hold="RESERVED", hold_reason="r"
    )

    assert client.get(url("create-unit", patient.pk, UnitFactory(status="QUARANTINE").pk)).status_code == 404
    assert client.get(url("create-unit", patient.pk, kept.unit_id)).status_code == 200


def test_what_was_typed_stays_with_its_error(patient: Patient, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    wrong = SimpleUploadedFile("a.exe", b"MZ a program")

    answer = client.post(
        url("create", patient.pk), {"kind": "message", "subject": "s", "text": "long text", "attached": wrong}
    )

    assert answer.status_code == 400
    assert b"long text" in answer.content
    assert b"Only PDF, PNG and JPEG" in answer.content
    row = EnquiryFactory(patient=patient)
    empty = client.post(url("reply", row.pk), {"text": ""})
    assert (empty.status_code, b"Write something first." in empty.content) == (400, True)


def test_another_hospital_sees_nothing(patient: Patient, tan_xi: User, signed_in: Any) -> None:
    row = EnquiryFactory(patient=patient, subject="of theirs")
    file = kept_file(row)
    client = signed_in(tan_xi)

    for path in (url("detail", row.pk), url("file", file.pk), url("create", patient.pk)):
        assert client.get(path).status_code == 404
    for path in (url("list") + "?state=all", reverse("config:find") + f"?q={row.number}"):
        assert "of theirs" not in client.get(path).content.decode()


def test_a_file_is_a_download_and_never_shown(patient: Patient, he_lan: User, signed_in: Any) -> None:
    file = kept_file(EnquiryFactory(patient=patient))

    answer = signed_in(he_lan).get(url("file", file.pk))

    assert (answer.content, answer["Content-Type"]) == (PDF, "application/pdf")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_what_was_written_is_text(patient: Patient, he_lan: User, signed_in: Any) -> None:
    row = MessageFactory(enquiry__patient=patient, text="<script>alert(1)</script>").enquiry

    page = signed_in(he_lan).get(url("detail", row.pk)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"ours", "late", "theirs"}),
        ("?state=mine", {"ours", "late"}),
        ("?state=overdue", {"late"}),
        ("?state=answered", {"done"}),
        ("?state=all", {"ours", "late", "theirs", "done"}),
        ("?q=late", {"late"}),
        ("?kind=advice", {"theirs"}),
    ],
)
def test_filters_of_the_list(query: str, wanted: set[str], shen_jia: User, signed_in: Any) -> None:
    EnquiryFactory(subject="ours")
    EnquiryFactory(subject="late", due_on=in_days(-2))
    EnquiryFactory(subject="theirs", waits_for="hospital", kind="advice")
    EnquiryFactory(subject="done", answered=True)

    page = signed_in(shen_jia).get(url("list") + query)
    file = signed_in(shen_jia).get(url("export") + query)

    assert {item["row"].subject for item in page.context["rows"]} == wanted
    lines = csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig")))
    assert {line["subject"] for line in lines} == wanted


@pytest.mark.parametrize("rows", [1, 20])
def test_list_and_thread_ask_the_database_as_often_for_twenty_rows(
    rows: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    row = EnquiryFactory()
    for _ in range(rows):
        EnquiryFactory()
        kept_file(row)
    client = signed_in(shen_jia)

    with django_assert_max_num_queries(14):
        assert client.get(url("list")).status_code == 200
    with django_assert_max_num_queries(16):
        assert client.get(url("detail", row.pk)).status_code == 200


def test_what_waits_for_whom_and_what_was_not_read(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    late = EnquiryFactory(patient=patient, due_on=in_days(-2), subject="late")
    EnquiryFactory(patient=patient, waits_for="hospital", asked_from="bank", subject="for them")
    answered = EnquiryFactory(patient=patient, answered=True, subject="answered")

    (bank_item, read_item) = work_items(shen_jia)
    assert (bank_item.url, bank_item.overdue) == (url("detail", late.pk), True)
    assert read_item.url == url("detail", answered.pk)
    titles = [item.title for item in work_items(he_lan)]
    assert any("for them" in title for title in titles)
    assert any(answered.number in title for title in titles)

    signed_in(he_lan).get(url("detail", answered.pk))
    assert not any(answered.number in item.title for item in work_items(he_lan))
    assert work_items(UserFactory(roles=[Role.LAB])) == []


def test_a_stale_page_is_told_what_happened(shen_jia: User, signed_in: Any) -> None:
    row = EnquiryFactory(answered=True)

    answer = signed_in(shen_jia).post(url("answer", row.pk), {"text": "late"})

    assert answer.status_code == 409
    assert "has ended already" in answer.content.decode()
    assert not EnquiryMessage.objects.exists()


def test_deadlines_on_their_page(shen_jia: User, signed_in: Any) -> None:
    client = signed_in(shen_jia)
    days = {"message": 4, "unit_report": 4, "ct": 4, "typing": 4, "markers": 4, "advice": 4}

    assert client.post(url("deadlines"), {**days, "ct": 0, "reason": "r"}).status_code == 400
    assert client.post(url("deadlines"), {**days, "reason": "r"}).status_code == 302
    assert client.get(url("deadlines")).context["form"].fields["ct"].initial == 4


def test_the_api_does_what_the_pages_do(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    client, api = signed_in(he_lan), reverse("api:enquiry-list")
    asked = {"kind": "advice", "subject": "which set?", "text": "unsure", "patient": str(patient.pk)}

    made = client.post(api, asked, content_type="application/json")
    key = made.json()["id"]
    assert (made.status_code, made.json()["waits_for"]) == (201, "bank")
    body = {"text": "the bank's own"}
    bank = signed_in(shen_jia)
    answered = bank.post(reverse("api:enquiry-answer", args=[key]), body, content_type="application/json")
    assert [one["text"] for one in answered.json()["messages"]] == ["unsure", "the bank's own"]
    late = bank.post(
        reverse("api:enquiry-decline", args=[key]),
        {**body, "cause": "other"},
        content_type="application/json",
    )
    assert late.status_code == 409
    listed = signed_in(he_lan).get(api, {"state": "answered", "patient": str(patient.pk)})
    assert [row["id"] for row in listed.json()["results"]] == [key]
    other = client.post(api, {**asked, "patient": str(PatientFactory().pk)}, content_type="application/json")
    assert other.status_code == 404


def test_pages_in_chinese(patient: Patient, he_lan: User, signed_in: Any) -> None:
    row, client = EnquiryFactory(patient=patient), signed_in(he_lan)
    for path in (url("list"), url("detail", row.pk), url("create", patient.pk)):
        assert "询问" in client.get(path, HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()


@pytest.mark.parametrize(("language", "shown"), [("en", "hospital, 2"), ("zh-hans", "医院，2")])
def test_who_asked_and_when_is_said_as_one_writes_it(
    language: str, shown: str, patient: Patient, shen_jia: User
) -> None:
    row = EnquiryFactory(patient=patient)

    with translation.override(language):
        said = [one["value"] for one in presenters_enquiries.facts(row, shen_jia)]

    assert any(shown.casefold() in str(value).casefold() for value in said)
