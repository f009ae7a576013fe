"""Pages of consent, contact data, health history, documents, forms and declarations."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bank.consent_defaults import PROPOSALS
from bank.demo.consent import PDF
from bank.models import (
    ConsentDeclaration,
    ConsentForm,
    ConsentWithdrawal,
    CordBloodUnit,
    Interview,
    MotherContact,
    Question,
    Questionnaire,
    UnitDocument,
)
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_contact import contact_update
from bank.services_documents import document_add
from bank.services_interview import interview_record
from bank.services_versions import version_approve, version_draft
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.bank import BankFactory, DonationFactory, SpecificationFactory, UnitFactory
from tests.factories.consent import ALL, SYSTEM, YES, consent_form, consented_unit, declared, questionnaire
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
DAY = dt.date(2024, 3, 1)
TOLD = {
    "purpose": "donation",
    "withdrawn_on": "2024-03-01",
    "reported_by": "mother",
    "reason": "she telephoned",
}


@pytest.fixture
def collector(db: None) -> User:
    return UserFactory(roles=[Role.COLLECTION])


def at(name: str, unit: CordBloodUnit) -> str:
    return reverse(f"bank:{name}", args=[unit.pk])


def text_of(client: Any, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return str(answer.content.decode())


def withdrawn(unit: CordBloodUnit, purpose: str = "donation") -> ConsentWithdrawal:
    given = Withdrawal(purpose=purpose, withdrawn_on=DAY, reported_by="mother", reason="r")
    return consent_withdraw(unit_id=unit.pk, given=given, actor=SYSTEM)


# --- consent ----------------------------------------------------------------------------------------


def test_the_page_says_what_holds_for_each_purpose(signed_in: Any, collector: User) -> None:
    unit = consented_unit({**YES, "research": False})

    page = text_of(signed_in(collector), at("unit-consent", unit))

    for shown in (
        unit.donation.mother_code,
        "permitted",
        "refused",
        "not recorded",
        "Signed on paper",
        "Test v1",
    ):
        assert shown in page, shown
    assert PROPOSALS["consent"][0]["text_en"].replace("'", "&#x27;") in page


@pytest.mark.parametrize("unit", [{}, {"donation": "old"}])
def test_the_page_of_a_unit_without_answers(signed_in: Any, collector: User, unit: dict[str, Any]) -> None:
    consent_form()
    declared(BankFactory())
    row = UnitFactory(donation=DonationFactory()) if unit else UnitFactory()

    page = text_of(signed_in(collector), at("unit-consent", row))

    assert "by a declaration of the bank" in page
    assert ("before answers were kept by purpose" in page) is bool(unit)
    assert ("without a donation" in page) is not bool(unit)


def test_answers_are_recorded_on_the_page(signed_in: Any, collector: User) -> None:
    unit = consented_unit(YES)
    client = signed_in(collector)
    given = {
        "given_on": "2024-01-01",
        "medium": "electronic",
        "consent_research": "yes",
        "consent_abroad": "no",
    }

    assert client.post(at("consent-record", unit), given).status_code == 302
    again = client.post(at("consent-record", unit), given)

    assert again.status_code == 409
    assert "is recorded already" in again.content.decode()
    assert set(unit.donation.consents.in_force().filter(given=True).values_list("purpose", flat=True)) == {
        "donation", "testing", "research",
    }  # fmt: skip


def test_answers_are_filed_under_no_other_version_than_was_read(signed_in: Any, collector: User) -> None:
    unit, read = consented_unit(YES), consent_form()
    client = signed_in(collector)
    assert f'name="form_id" value="{read.pk}"' in client.get(at("unit-consent", unit)).content.decode()
    newer = version_draft(kind="consent", title="T", parts=PROPOSALS["consent"], actor=SYSTEM)
    director = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    version_approve(kind="consent", version_id=newer.pk, user=director, password=PASSWORD)
    given = {"given_on": "2024-01-01", "medium": "paper", "consent_research": "yes", "form_id": str(read.pk)}

    refused = client.post(at("consent-record", unit), given)

    assert refused.status_code == 409
    assert "Another version of the consent form" in refused.content.decode()
    assert client.post(at("consent-record", unit), {**given, "form_id": str(newer.pk)}).status_code == 302


def test_a_withdrawal_on_the_page_takes_effect_at_once(signed_in: Any, collector: User) -> None:
    unit = consented_unit()
    client = signed_in(collector)

    done = client.post(at("consent-withdraw", unit), TOLD, follow=True).content.decode()

    assert "The withdrawal is recorded: Donation and storage for public use. It is on hold." in done
    for shown in (
        "Consent withdrawn",
        "she telephoned",
        "The mother herself",
        "30 years: Directive 2006/86/EC",
    ):
        assert shown in done, shown
    assert "It was a mistake" not in done  # collection staff do not sign
    unit.refresh_from_db()
    assert unit.status == "ON_HOLD"
    passport = text_of(client, at("unit-detail", unit))
    assert "Consent of the mother withdrawn." in passport
    assert "Consent withdrawn" in passport


@pytest.mark.parametrize(
    ("more", "status", "shown"),
    [
        ({"reason": ""}, 400, "This field is required."),
        ({"purpose": "nothing"}, 400, "Select a valid choice"),
        ({"withdrawn_on": "2999-01-01"}, 400, "The date lies in the future."),
        ({"withdrawn_on": "2019-01-01"}, 400, "she cannot have withdrawn it before"),
    ],
)
def test_what_is_wrong_with_a_withdrawal_stands_beside_it(
    signed_in: Any, collector: User, more: dict[str, str], status: int, shown: str
) -> None:
    unit = consented_unit()

    answer = signed_in(collector).post(at("consent-withdraw", unit), {**TOLD, **more})

    assert answer.status_code == status
    assert shown in answer.content.decode()
    assert not ConsentWithdrawal.objects.exists()


def test_units_of_the_same_mother_are_named(signed_in: Any, qa: User) -> None:
    first = consented_unit(ALL)
    twin = UnitFactory(
        unit_no="TWIN", donation=DonationFactory(mother_code=first.donation.mother_code, infant_no=2)
    )

    assert "TWIN" in text_of(signed_in(qa), at("unit-consent", first))
    assert first.unit_no in text_of(signed_in(qa), at("unit-consent", twin))


def test_a_mistake_is_signed_by_somebody_else(signed_in: Any, qa: User) -> None:
    unit = consented_unit()
    row = withdrawn(unit)
    address = reverse("bank:withdrawal-correct", args=[row.pk])
    client = signed_in(qa)
    assert "It was a mistake" in text_of(client, at("unit-consent", unit))
    assert "Sign: it was a mistake" in text_of(client, address)

    wrong = client.post(address, {"reason": "another mother", "password": "x"})
    done = client.post(address, {"reason": "another mother", "password": PASSWORD}, follow=True)

    assert wrong.status_code == 403
    assert AuditEntry.objects.filter(action="unit.consent_sign_refused").count() == 1
    assert "A mistake:" in done.content.decode()
    unit.refresh_from_db()
    assert unit.status == "QUARANTINE"
    assert "was corrected already" in text_of(client, address)
    assert client.get(reverse("bank:withdrawal-correct", args=[uuid4()])).status_code == 404


def test_who_recorded_a_withdrawal_is_not_asked_to_sign(signed_in: Any, qa: User) -> None:
    unit = consented_unit()
    client = signed_in(qa)
    client.post(at("consent-withdraw", unit), TOLD)
    address = reverse("bank:withdrawal-correct", args=[ConsentWithdrawal.objects.get().pk])

    assert "Somebody else must correct it" in text_of(client, address)
    assert client.post(address, {"reason": "r", "password": PASSWORD}).status_code == 403


def test_a_partner_s_unit_has_no_such_pages(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(source="partner")
    client = signed_in(qa)

    for name in ("unit-consent", "unit-interview", "unit-documents"):
        assert client.get(at(name, unit)).status_code == 404
    for name in ("consent-record", "consent-withdraw", "unit-contact", "unit-contact-edit"):
        assert client.post(at(name, unit)).status_code == 404
    assert "Health history" not in text_of(client, at("unit-detail", unit))


# --- contact data -----------------------------------------------------------------------------------


def test_contact_data_are_shown_on_a_wish_that_is_recorded(signed_in: Any, collector: User) -> None:
    unit = consented_unit()
    client = signed_in(collector)
    assert client.post(at("unit-contact-edit", unit), {"name": "Wang Fang", "phone": ""}).status_code == 302
    assert "Wang Fang" not in text_of(client, at("unit-consent", unit))

    shown = client.post(at("unit-contact", unit))
    form = client.post(at("unit-contact", unit), {"edit": "1"}).content.decode()

    assert "Wang Fang" in shown.content.decode()
    assert shown["Cache-Control"].startswith("max-age=0")
    assert 'value="Wang Fang"' in form
    assert AuditEntry.objects.filter(action="unit.contact_viewed").count() == 2
    assert client.get(at("unit-contact", unit)).status_code == 405


def test_contact_data_are_hidden_from_others_and_gone_with_the_consent(
    signed_in: Any, lab: User, collector: User
) -> None:
    unit = consented_unit()
    contact_update(unit_id=unit.pk, values={"name": "Wang Fang"}, actor=SYSTEM)
    client = signed_in(lab)
    assert "How she is reached" not in text_of(client, at("unit-consent", unit))
    assert client.post(at("unit-contact", unit)).status_code == 403

    withdrawn(unit, "contact")

    signed_in(collector)
    page = text_of(client, at("unit-consent", unit))
    assert "nothing is kept of how she is reached" in page
    assert not MotherContact.objects.exists()
    assert client.post(at("unit-contact-edit", unit), {"name": "Wang"}).status_code == 409


# --- health history ---------------------------------------------------------------------------------


def answered(**more: str) -> dict[str, str]:
    """What a form sends in which nothing speaks against the donor."""
    form = questionnaire()
    given = {"interviewed_on": "2024-03-01", "questionnaire": str(form.pk)}
    for one in form.questions.filter(kind="yes_no"):
        given[f"answer_{one.pk}"] = "yes" if one.defers_on == "no" else "no"
    return {**given, **more}


def test_an_interview_is_recorded_and_what_speaks_against_her_is_shown(
    signed_in: Any, lab: User, qa: User
) -> None:
    unit = consented_unit(ALL, status="QUARANTINE")
    SpecificationFactory(bank=unit.bank, approved=True, criteria=[{"kind": "eligibility"}])
    malaria = questionnaire().questions.get(text_en__contains="malaria")
    client = signed_in(lab)

    done = client.post(
        at("unit-interview", unit),
        answered(**{f"answer_{malaria.pk}": "yes", f"remark_{malaria.pk}": "Yunnan"}),
    )

    assert done.status_code == 302
    assert "Yunnan" in text_of(client, at("unit-interview", unit))
    signed_in(qa)
    for address in (at("unit-detail", unit), at("unit-release", unit)):
        page = text_of(client, address)
        assert "Answers of the mother speak against the donor" in page
        assert "Yunnan" in page
    assert "1 answer against the donor" in text_of(client, reverse("bank:release-desk"))
    refused = client.post(at("unit-eligibility", unit), {"decision": "eligible"})
    assert "Write why she is eligible all the same." in refused.content.decode()


def test_an_unanswered_question_is_asked_for_and_a_new_version_told(signed_in: Any, lab: User) -> None:
    unit = consented_unit()
    client = signed_in(lab)
    first = questionnaire().questions.first()
    assert first is not None

    missing = client.post(at("unit-interview", unit), answered(**{f"answer_{first.pk}": ""}))
    stale = client.post(at("unit-interview", unit), answered(questionnaire=str(uuid4())))

    assert missing.status_code == stale.status_code == 400
    assert "Answer every question with yes or no." in missing.content.decode()
    assert "Another version of the questionnaire is in force" in stale.content.decode()
    assert not Interview.objects.exists()


def test_without_a_questionnaire_the_page_says_so(signed_in: Any, lab: User, director: User) -> None:
    unit = consented_unit()

    assert "No questionnaire is in force." in text_of(signed_in(lab), at("unit-interview", unit))
    assert signed_in(lab).post(at("unit-interview", unit), {}).status_code == 200
    reader = UserFactory(roles=[Role.AUDITOR])
    assert "No interview is recorded." in text_of(signed_in(reader), at("unit-interview", unit))


@pytest.mark.parametrize("count", [1, 5])
def test_queries_of_the_history(
    count: int, signed_in: Any, qa: User, django_assert_max_num_queries: Any
) -> None:
    unit = consented_unit()
    form = questionnaire()
    answers = {one.pk: ("no", "") for one in form.questions.all()}
    for number in range(count):
        interview_record(
            unit_id=unit.pk, questionnaire_id=form.pk, interviewed_on=DAY + dt.timedelta(days=number), answers=answers,
            actor=SYSTEM,
        )  # fmt: skip
    client = signed_in(qa)

    with django_assert_max_num_queries(13):
        client.get(at("unit-interview", unit))


# --- documents --------------------------------------------------------------------------------------


def file(data: bytes = PDF, name: str = "Wang Fang.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="text/html")


def test_a_document_is_added_opened_and_withdrawn(signed_in: Any, lab: User) -> None:
    unit = consented_unit()
    client = signed_in(lab)

    assert client.post(
        at("unit-documents", unit), {"kind": "result", "title": "Report", "file": file()}
    ).status_code == 302  # fmt: skip
    row = UnitDocument.objects.get()
    opened = client.get(reverse("bank:document-file", args=[row.pk]))
    withdraw = reverse("bank:document-withdraw", args=[row.pk])
    assert "Withdraw this document" in text_of(client, withdraw)
    assert client.post(withdraw, {"reason": ""}).status_code == 400
    assert client.post(withdraw, {"reason": "of another unit"}).status_code == 302

    assert opened.content == PDF
    assert opened["Content-Type"] == "application/pdf"
    assert opened["Content-Disposition"].startswith("attachment; filename=")
    assert "Wang" not in opened["Content-Disposition"]
    assert opened["X-Content-Type-Options"] == "nosniff"
    page = text_of(client, at("unit-documents", unit))
    for shown in ("Report", "of another unit", row.sha256):
        assert shown in page, shown
    timeline = text_of(client, at("unit-detail", unit))
    for shown in ("Document added", "Document opened", "Document withdrawn"):
        assert shown in timeline, shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b"<script>alert(1)</script>", "Only PDF, PNG and JPEG"), (b"", "The submitted file is empty.")],
)
def test_other_files_are_refused(data: bytes, shown: str, signed_in: Any, lab: User) -> None:
    answer = signed_in(lab).post(
        at("unit-documents", consented_unit()), {"kind": "result", "file": file(data)}
    )

    assert answer.status_code == 400
    assert shown in answer.content.decode()
    assert not UnitDocument.objects.exists()


def test_a_document_with_her_name_is_for_whoever_may_see_contact_data(
    signed_in: Any, lab: User, collector: User
) -> None:
    unit = consented_unit()
    row = document_add(unit_id=unit.pk, kind="consent", title="Signed form", data=PDF, actor=SYSTEM)
    address = reverse("bank:document-file", args=[row.pk])
    client = signed_in(lab)

    page = text_of(client, at("unit-documents", unit))
    assert "Signed form" not in page
    assert "1 document bears the mother&#x27;s name" in page or "1 document bears the mother's name" in page
    assert client.get(address).status_code == 404
    assert client.post(reverse("bank:document-withdraw", args=[row.pk]), {"reason": "r"}).status_code == 404
    assert signed_in(collector).get(address).status_code == 200
    reader = UserFactory(roles=[Role.AUDITOR])
    assert signed_in(reader).post(at("unit-documents", unit), {}).status_code == 403


# --- forms and declarations -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["consent", "questions"])
def test_a_form_begins_with_the_proposal_and_is_approved_by_another(
    kind: str, signed_in: Any, qa: User, director: User
) -> None:
    client = signed_in(qa)
    assert "Begin with the proposal" in text_of(client, reverse("bank:form-list"))
    address = reverse("bank:form-edit", args=[kind])
    page = text_of(client, address)
    assert "Lay it before your authority" in page

    done = client.post(address, {**filled(kind), "title": "Ours", "base": ""}, follow=True)

    assert "A draft: nobody is asked by it" in done.content.decode()
    row = (ConsentForm if kind == "consent" else Questionnaire).objects.get()
    approve = reverse("bank:form-approve", args=[kind, row.pk])
    assert client.post(approve, {"password": PASSWORD}).status_code == 403
    signed_in(director)
    assert client.post(approve, {"password": "x"}).status_code == 403
    assert AuditEntry.objects.filter(action=f"{kind}.sign_refused").count() == 1
    assert "In force from" in client.post(approve, {"password": PASSWORD}, follow=True).content.decode()
    assert "New version" in text_of(client, reverse("bank:form-list"))
    assert client.post(address, {**filled(kind), "title": "T", "base": ""}).status_code == 409
    assert client.get(reverse("bank:form-edit", args=["other"])).status_code == 404
    assert client.get(reverse("bank:form-detail", args=["other", row.pk])).status_code == 404


def filled(kind: str) -> dict[str, str]:
    data = {}
    for place, part in enumerate(PROPOSALS[kind]):
        data |= {f"en_{place}": part["text_en"], f"zh_{place}": part["text_zh"]}
        if kind == "questions":
            data |= {f"kind_{place}": part["kind"], f"defers_{place}": part["defers_on"]}
    for place in range(len(data), len(data)):
        data[f"kind_{place}"] = "yes_no"
    blanks = range(len(PROPOSALS[kind]), len(PROPOSALS[kind]) + 3)
    return data | ({f"kind_{place}": "yes_no" for place in blanks} if kind == "questions" else {})


def test_a_question_is_added_in_a_blank_line(signed_in: Any, qa: User) -> None:
    last = len(PROPOSALS["questions"])
    new = {f"en_{last}": "Bitten by a bat?", f"zh_{last}": "被蝙蝠咬过？", f"defers_{last}": "yes"}

    signed_in(qa).post(
        reverse("bank:form-edit", args=["questions"]),
        {**filled("questions"), "title": "T", "base": "", **new},
    )

    row = Question.objects.get(position=last + 1)
    assert (row.text_en, row.defers_on, row.kind) == ("Bitten by a bat?", "yes", "yes_no")


def test_half_a_question_is_refused(signed_in: Any, qa: User) -> None:
    answer = signed_in(qa).post(
        reverse("bank:form-edit", args=["questions"]),
        {**filled("questions"), "title": "T", "base": "", "zh_0": ""},
    )

    assert answer.status_code == 400
    assert "Give each text in both languages." in answer.content.decode()


def test_a_declaration_is_written_signed_by_another_and_ended(
    signed_in: Any, qa: User, director: User
) -> None:
    client, address = signed_in(qa), reverse("bank:declaration-list")
    given = {
        "bank": str(BankFactory().pk),
        "purpose": "abroad",
        "collected_from": "2010-01-01",
        "collected_until": "2015-01-01",
        "reason": "archive 3",
    }
    assert client.post(address, {**given, "collected_until": "2009-01-01"}).status_code == 400
    assert "it counts once another person" in client.post(address, given, follow=True).content.decode()
    row = ConsentDeclaration.objects.get()
    assert "Sign the declaration" not in text_of(client, address)
    signed_in(director)
    sign = reverse("bank:declaration-approve", args=[row.pk])
    assert client.post(sign, {"password": "x"}).status_code == 403
    assert AuditEntry.objects.filter(action="declaration.sign_refused").count() == 1

    assert "signed by" in client.post(sign, {"password": PASSWORD}, follow=True).content.decode()
    end = reverse("bank:declaration-end", args=[row.pk])
    assert client.post(end, {"reason": ""}).status_code == 400
    assert "ended by" in client.post(end, {"reason": "no such item"}, follow=True).content.decode()
    assert client.post(end, {"reason": "again"}).status_code == 409


@pytest.mark.parametrize("count", [1, 20])
def test_queries_of_the_declarations(
    count: int, signed_in: Any, director: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(count):
        declared(BankFactory(), approved_by=None, approved_at=None)
    client = signed_in(director)

    with django_assert_max_num_queries(9):
        client.get(reverse("bank:declaration-list"))
