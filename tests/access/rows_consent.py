"""Addresses of consent, health history and documents: all of the bank's staff look, the donor desk writes."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

from bank.consent_defaults import PROPOSALS
from bank.demo.consent import PDF
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_documents import document_add
from bank.services_versions import version_draft
from core.roles import Role
from tests.access.matrix import HOSPITAL, Row, World
from tests.factories.bank import BankFactory
from tests.factories.consent import SYSTEM, consent_form, consented_unit, declared, questionnaire
from tests.factories.core import PASSWORD

STAFF = frozenset(Role) - HOSPITAL
DECIDERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})
CONTACT = DECIDERS | {Role.COLLECTION}
DESK = CONTACT | {Role.LAB}
DIRECTOR = frozenset({Role.MEDICAL_DIRECTOR})
REASON = {"reason": "because of a test"}
SIGNED = {"password": PASSWORD}


def build(world: World) -> None:
    consent_form()
    world.questionnaire = questionnaire()
    world.donor_unit = consented_unit({"donation": True, "testing": True, "contact": True})
    given = Withdrawal(
        purpose="testing", withdrawn_on=world.questionnaire.valid_from, reported_by="mother", **REASON
    )
    world.withdrawal = consent_withdraw(unit_id=world.donor_unit.pk, given=given, actor=SYSTEM)
    add = {"unit_id": world.donor_unit.pk, "title": "t", "actor": SYSTEM}
    world.curve = document_add(kind="freezing", data=PDF, **add)
    world.signed_form = document_add(kind="consent", data=PDF + b"2", **add)
    world.declaration = declared(BankFactory(), approved_by=None, approved_at=None)
    world.consent_draft = version_draft(kind="consent", title="t", parts=PROPOSALS["consent"], actor=SYSTEM)


def unit(world: World) -> dict[str, object]:
    return {"pk": world.donor_unit.pk}


def draft(world: World) -> dict[str, object]:
    return {"kind": "consent", "pk": world.consent_draft.pk}


ROWS = [
    Row("bank:form-list", STAFF),
    Row("bank:form-detail", STAFF, draft),
    Row("bank:form-approve", DIRECTOR, draft, method="post", data=lambda w: SIGNED),
    Row("bank:form-edit", DECIDERS, lambda w: {"kind": "questions"}),
    Row("bank:form-edit", DECIDERS, lambda w: {"kind": "consent"}, method="post", ok=(409,)),
    Row("bank:declaration-list", DECIDERS),
    Row("bank:declaration-list", DECIDERS, method="post", ok=(400,)),
    Row(
        "bank:declaration-approve",
        DIRECTOR,
        lambda w: {"pk": w.declaration.pk},
        method="post",
        data=lambda w: SIGNED,
    ),
    Row(
        "bank:declaration-end",
        DECIDERS,
        lambda w: {"pk": w.declaration.pk},
        method="post",
        data=lambda w: REASON,
    ),
    Row("bank:unit-consent", STAFF, unit),
    Row(
        "bank:consent-record",
        DESK,
        unit,
        method="post",
        data=lambda w: {"given_on": "2021-01-01", "medium": "paper", "consent_abroad": "yes"},
    ),
    Row(
        "bank:consent-withdraw",
        DESK,
        unit,
        method="post",
        data=lambda w: {
            "purpose": "contact",
            "withdrawn_on": "2021-01-01",
            "reported_by": "mother",
            **REASON,
        },
    ),
    Row("bank:withdrawal-correct", DECIDERS, lambda w: {"pk": w.withdrawal.pk}),
    Row(
        "bank:withdrawal-correct",
        DECIDERS,
        lambda w: {"pk": w.withdrawal.pk},
        method="post",
        data=lambda w: {**REASON, **SIGNED},
    ),
    Row("bank:unit-contact", CONTACT, unit, method="post"),
    Row("bank:unit-contact-edit", CONTACT, unit, method="post", data=lambda w: {"phone": "1"}),
    Row("bank:unit-interview", STAFF, unit),
    Row("bank:unit-interview", DESK, unit, method="post", ok=(400,)),
    Row("bank:unit-documents", STAFF, unit),
    Row(
        "bank:unit-documents",
        DESK,
        unit,
        method="post",
        data=lambda w: {"kind": "other", "file": SimpleUploadedFile("a.pdf", PDF + b"3")},
    ),
    Row("bank:document-file", STAFF, lambda w: {"pk": w.curve.pk}),
    Row(
        "bank:document-file",
        STAFF,
        lambda w: {"pk": w.signed_form.pk},
        hidden_from=STAFF - CONTACT,  # her name stands on it
    ),
    Row("bank:document-withdraw", DESK, lambda w: {"pk": w.curve.pk}),
    Row("bank:document-withdraw", DESK, lambda w: {"pk": w.curve.pk}, method="post", data=lambda w: REASON),
]
