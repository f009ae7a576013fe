"""Health history and documents: what is kept, what is refused, what speaks against a donor."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from bank import services, services_release
from bank.demo.consent import PDF
from bank.models import Answer, CordBloodUnit, Interview, UnitDocument
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_documents import (
    MOST_BYTES,
    content_type_of,
    document_add,
    document_open,
    document_withdraw,
)
from bank.services_interview import deferring_answers, deferring_counts, interview_record
from core.audit import Actor
from core.crypto import decrypt_bytes, encrypt_bytes
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry, Notification, User
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.consent import SYSTEM, YES, consented_unit, questionnaire, record, version_in_force
from tests.parallel import at_once

pytestmark = pytest.mark.django_db
DAY = dt.date(2024, 3, 1)
PARTS = [
    {"kind": "yes_no", "defers_on": "yes", "text_en": "Malaria?", "text_zh": "疟疾？"},
    {"kind": "yes_no", "defers_on": "no", "text_en": "Well?", "text_zh": "健康？"},
    {"kind": "yes_no", "defers_on": "", "text_en": "Vitamins?", "text_zh": "维生素？"},
    {"kind": "text", "defers_on": "", "text_en": "Else?", "text_zh": "其他？"},
]


@pytest.fixture
def unit(db: None) -> CordBloodUnit:
    version_in_force("questions", PARTS)
    made: CordBloodUnit = UnitFactory(donation=DonationFactory(), status="QUARANTINE")
    return made


def interview(unit: CordBloodUnit, *values: str, day: dt.date = DAY, **more: Any) -> Interview:
    form = questionnaire()
    answers = {one.pk: (value, "") for one, value in zip(form.questions.all(), values, strict=False)}
    given = {"questionnaire_id": form.pk, "interviewed_on": day, "answers": answers, "actor": SYSTEM, **more}
    return interview_record(unit_id=unit.pk, **given)


@pytest.mark.parametrize(
    ("values", "deferring"),
    [
        (("no", "yes", "yes", "nothing"), 0),
        (("yes", "yes", "no", ""), 1),
        (("yes", "no", "no", "yes"), 2),
        (("no", "no", "yes", ""), 1),
    ],
)
def test_the_answer_says_whether_it_speaks_against_the_donor(
    unit: CordBloodUnit, values: tuple[str, ...], deferring: int
) -> None:
    row = interview(unit, *values)

    assert row.answers.count() == 4
    assert len(deferring_answers(unit.donation)) == deferring
    assert deferring_counts([unit.donation_id]) == {unit.donation_id: deferring}
    assert AuditEntry.objects.get(action="unit.interview").after["deferring"] == deferring


def test_answers_against_the_donor_hold_a_unit_on_offer_and_name_nothing(qa: User) -> None:
    version_in_force("questions", PARTS)
    good, bad = (UnitFactory(donation=DonationFactory()) for _ in range(2))

    interview(good, "no", "yes", "no", "")
    interview(bad, "yes", "yes", "no", "in Hainan")

    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, bad.status) == ("LISTED", "ON_HOLD")
    assert "Malaria" not in bad.hold_reason
    assert Notification.objects.get(user=qa).params["unit_id"] == str(bad.pk)
    assert services.unit_unhold(unit_id=bad.pk, actor=SYSTEM, reason="r").status == "QUARANTINE"


def test_what_the_mother_says_while_a_unit_is_held_leads_through_the_quarantine() -> None:
    version_in_force("questions", PARTS)
    asked, answered, withdrew, silent = (consented_unit(YES) for _ in range(4))
    for unit in (asked, answered, withdrew, silent):
        services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="tank")

    interview(asked, "no", "yes", "no", "")
    record(answered, {"research": True}, DAY)
    given = Withdrawal(purpose="testing", withdrawn_on=DAY, reported_by="mother", reason="r")
    consent_withdraw(unit_id=withdrew.pk, given=given, actor=SYSTEM)

    for unit in (asked, answered, withdrew):
        assert services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason="r").status == "QUARANTINE"
    assert services.unit_unhold(unit_id=silent.pk, actor=SYSTEM, reason="r").status == "LISTED"


def test_the_newest_day_counts_and_the_others_stay(unit: CordBloodUnit) -> None:
    interview(unit, "no", "yes", "no", "", day=DAY)
    interview(unit, "yes", "no", "no", "", day=DAY - dt.timedelta(days=9))

    assert deferring_answers(unit.donation) == []
    assert deferring_counts([unit.donation_id]) == {unit.donation_id: 0}
    assert Interview.objects.count() == 2


@pytest.mark.parametrize(
    ("values", "more", "code"),
    [
        (("yes",), {}, "answer_missing"),
        (("maybe", "yes", "no", ""), {}, "answer_missing"),
        (("no", "yes", "no", ""), {"interviewed_on": dt.date(2999, 1, 1)}, "date_future"),
        (("no", "yes", "no", ""), {"questionnaire_id": None}, "questionnaire_changed"),
    ],
)
def test_interviews_that_cannot_be(
    unit: CordBloodUnit, values: tuple[str, ...], more: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as caught:
        interview(unit, *values, **more)

    assert caught.value.code == code
    assert not Answer.objects.exists()
    assert not Interview.objects.exists()


def test_whoever_finds_her_eligible_all_the_same_writes_why(unit: CordBloodUnit, qa: User) -> None:
    interview(unit, "yes", "yes", "no", "")
    decide = {"unit_id": unit.pk, "decision": "eligible", "actor": Actor.user(qa)}

    with pytest.raises(InvalidInput) as caught:
        services_release.eligibility_decide(**decide)
    row = services_release.eligibility_decide(**decide, reason="transit in the airport only")

    assert (caught.value.code, caught.value.field) == ("reason_needed", "reason")
    assert row.decision == "eligible"


# --- documents --------------------------------------------------------------------------------------

PNG, JPEG = b"\x89PNG\r\n\x1a\n....", b"\xff\xd8\xff\xe0...."


def add(unit: CordBloodUnit, data: bytes = PDF, **more: Any) -> UnitDocument:
    return document_add(
        unit_id=unit.pk, data=data, actor=SYSTEM, **{"kind": "result", "title": "Report", **more}
    )


@pytest.mark.parametrize(
    ("data", "kind"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")]
)
def test_a_file_is_kept_as_it_came_and_encrypted(unit: CordBloodUnit, data: bytes, kind: str) -> None:
    row = add(unit, data)

    opened = document_open(document=row, actor=SYSTEM)

    assert (row.content_type, row.size_bytes) == (kind, len(data))
    assert row.sha256 == hashlib.sha256(data).hexdigest()
    assert opened.content == data
    assert data not in bytes(UnitDocument.objects.get().content)
    assert AuditEntry.objects.get(action="unit.document_open").after["document"] == str(row.pk)
    assert "Report" not in opened.file_name


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>",
        b"MZ\x90",
        b"PK\x03\x04",
        b"%!PS",
        b" %PDF-1.4",
        b"GIF89a",
        b"<svg xmlns=",
        b"\xff\xd8",
    ],
)
def test_what_a_file_is_is_read_in_it(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        content_type_of(data)

    assert caught.value.code == "file_kind"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "file_missing"), (PDF + b"x" * MOST_BYTES, "file_large"), (PDF, "document_exists")],
)
def test_files_that_are_refused(unit: CordBloodUnit, data: bytes, code: str) -> None:
    add(unit)

    with pytest.raises(DomainError) as caught:
        add(unit, data)

    assert caught.value.code == code
    assert UnitDocument.objects.count() == 1


def test_the_largest_file_is_kept(unit: CordBloodUnit) -> None:
    assert add(unit, PDF + b"x" * (MOST_BYTES - len(PDF))).size_bytes == MOST_BYTES


def test_a_document_is_withdrawn_once_and_stays(unit: CordBloodUnit, qa: User) -> None:
    row = add(unit)
    take = {"document_id": row.pk, "actor": Actor.user(qa)}
    with pytest.raises(InvalidInput):
        document_withdraw(**take, reason=" ")

    document_withdraw(**take, reason="of another unit")

    with pytest.raises(Conflict) as caught:
        document_withdraw(**take, reason="r")
    assert caught.value.code == "withdrawn_already"
    assert document_open(document=row, actor=SYSTEM).content == PDF
    assert add(unit).pk != row.pk  # the right one, though it is the same file


def test_a_changed_document_is_told(unit: CordBloodUnit) -> None:
    row = UnitDocument.objects.create(
        unit=unit,
        kind="result",
        title="t",
        content_type="application/pdf",
        size_bytes=9,
        sha256="0" * 64,
        content=encrypt_bytes(b"%PDF-other"),
    )
    with pytest.raises(Conflict) as caught:
        document_open(document=row, actor=SYSTEM)
    assert caught.value.code == "document_changed"
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        UnitDocument.objects.update(content=b"")
    with pytest.raises(ValueError, match="cannot decrypt"):
        decrypt_bytes(encrypt_bytes(b"a")[:-1] + b"\0\0")
    with pytest.raises(ValueError, match="not an encrypted value"):
        decrypt_bytes(b"plain")


def test_a_list_of_documents_reads_no_content(unit: CordBloodUnit, qa: User) -> None:
    add(unit)
    with connection.execute_wrapper(_no_content):
        assert [row.title for row in unit.documents.visible_to(qa)] == ["Report"]


def _no_content(execute: Any, sql: str, *rest: Any) -> Any:
    assert '"content"' not in sql
    return execute(sql, *rest)


def test_the_database_keeps_one_of_a_file(unit: CordBloodUnit) -> None:
    row = add(unit)
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        UnitDocument(
            **{f.attname: getattr(row, f.attname) for f in row._meta.fields if f.name != "id"}
        ).save()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_adds_a_file_the_rest_are_told() -> None:
    unit = UnitFactory()

    found = at_once(lambda: add(unit), 20)

    assert [one.code for one in found if isinstance(one, DomainError)] == ["document_exists"] * 19
    assert UnitDocument.objects.count() == 1
