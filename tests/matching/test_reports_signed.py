"""The copy of a report that shows who signed it: the kept file with a sheet behind it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchReport
from matching.reports.signed import signed_copy
from matching.services import Signing, report_sign
from tests.factories.core import PASSWORD
from tests.factories.hospitals import member_of
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.factories.reports import kept_report
from tests.matching.report_pages import pages_of
from tests.matching.test_pages_requests import text_of


@pytest.fixture
def physician(hospital: Hospital) -> User:
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Wang Fang")


def made(client: Client, patient: Patient, lang: str) -> MatchReport:
    ListedUnitFactory(unit_no="SIX", tnc_e7=100)
    run = searched_run(patient)
    client.post(reverse("matching:run-report", args=[run.pk]), {"n": "5", "lang": lang})
    return MatchReport.objects.with_run().get()


def address(report: MatchReport) -> str:
    return reverse("matching:report-signed-pdf", args=[report.pk])


@pytest.mark.parametrize(
    ("lang", "said", "role", "page"),
    [
        ("en", "I have reviewed this list and choose the units named.", "Hospital physician", "page 1 of 1"),
        ("zh-hans", "我已审阅本清单，并选择所列的脐带血。", "医院医师", "第 1 页，共 1 页"),
    ],
)
def test_the_copy_holds_the_report_and_who_signed_it(
    client: Client, patient: Patient, physician: User, lang: str, said: str, role: str, page: str
) -> None:
    report = made(client, patient, lang)
    chosen = [report.units[0]["unit_no"]]
    report_sign(
        report_id=report.pk,
        signing=Signing("chosen", chosen, "Segment first. 先做确认分型。"),
        password=PASSWORD,
        user=physician,
    )

    answer = client.get(address(report))

    *original, sheet = pages_of(answer.content)
    assert answer["Content-Disposition"].endswith('-signed.pdf"')
    assert original == pages_of(bytes(report.pdf))
    for part in (said, role, page, "Wang Fang", *chosen, "Segment first. 先做确认分型。", report.digest):
        assert part in sheet
    assert hashlib.sha256(bytes(report.pdf)).hexdigest() in sheet
    assert client.get(address(report)).content == answer.content  # the same again, bit for bit
    shown = client.get(reverse("matching:report-detail", args=[report.pk]))
    assert address(report) in shown.content.decode()


def test_every_signature_stands_on_the_sheet(
    client: Client, patient: Patient, hospital: Hospital, physician: User
) -> None:
    report = made(client, patient, "en")
    other = member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Zhao Lei")
    for user in (physician, other):
        report_sign(report_id=report.pk, signing=Signing("reviewed"), password=PASSWORD, user=user)

    sheet = pages_of(client.get(address(report)).content)[-1]

    assert "Wang Fang" in sheet
    assert "Zhao Lei" in sheet
    assert sheet.times("I have reviewed this list.") == 2


def test_without_a_signature_there_is_no_such_copy(client: Client, patient: Patient) -> None:
    report = made(client, patient, "en")

    answer = client.get(address(report), follow=True)

    assert answer.redirect_chain == [(reverse("matching:report-detail", args=[report.pk]), 302)]
    assert "Nobody has signed this report yet." in text_of(answer)
    assert address(report) not in answer.content.decode()
    with pytest.raises(ValueError, match="nobody has signed"):
        signed_copy(report, synthetic=False)


def test_a_file_that_was_changed_is_not_copied(client: Client, hospital: Hospital) -> None:
    report = kept_report(request__patient=typed_patient(hospital=hospital), pdf_sha256="0" * 64)
    sign_by_hand(report)

    answer = client.get(address(report), follow=True)

    assert "The stored file is not the one that was made." in text_of(answer)
    assert address(report) not in answer.content.decode()


def test_a_signature_under_another_file_says_so(client: Client, patient: Patient) -> None:
    report = made(client, patient, "en")
    sign_by_hand(report)

    sheet = pages_of(client.get(address(report)).content)[-1]

    assert "This signature is about another file" in sheet


def sign_by_hand(report: MatchReport) -> Any:
    return report.signatures.create(
        signer="x",
        signed_by="Dr. X",
        role="hospital_physician",
        meaning="reviewed",
        digest=report.digest,
        pdf_sha256="1" * 64,
    )
