"""What the synthetic mothers consented to, their health histories, and two who withdrew.

Answers by purpose for the units that wait in quarantine; older units stand by a declaration of the bank, except for a
few mothers who said no to sending abroad. In SQL, so that a million units cost seconds. Shares are ASSUMED.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import connection
from django.utils import timezone

from bank.choices import UnitStatus
from bank.choices_consent import DECLARABLE, ConsentPurpose, DocumentKind, ReportedBy
from bank.consent_defaults import PROPOSALS
from bank.models import (
    Answer,
    Bank,
    ConsentDeclaration,
    CordBloodUnit,
    Interview,
    MotherContact,
    Questionnaire,
)
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_documents import document_add
from bank.services_versions import KINDS, version_draft
from core.audit import Actor

TITLES = {"consent": "Consent to the donation of cord blood", "questions": "Health history of the mother"}
# Of a hundred mothers so many say no to a purpose for which a unit can do without her yes.
NO_OF_100 = {
    ConsentPurpose.SAMPLES: 2,
    ConsentPurpose.RESEARCH: 8,
    ConsentPurpose.CONTACT: 15,
    ConsentPurpose.ABROAD: 12,
}
NO_ABROAD_BEFORE = 4  # of a hundred older units
INTERVIEWED = 40
ANSWERS = """
INSERT INTO bank_consentgiven
    (id, donation_id, item_id, purpose, given, given_on, medium, witness, recorded_at, superseded)
SELECT gen_random_uuid(), d.id, i.id, i.purpose, chance.of_100 >= %(no)s, d.consented_on, 'paper', '', now(), false
FROM bank_consentitem i
    CROSS JOIN bank_donation d
    JOIN bank_cordbloodunit u ON u.donation_id = d.id
    CROSS JOIN LATERAL (SELECT abs(hashtext(d.mother_code || i.purpose)) %% 100 AS of_100) chance
WHERE d.bank_id = %(bank)s AND i.form_id = %(form)s AND i.purpose = %(purpose)s AND d.consented_on IS NOT NULL
    AND (u.status = 'QUARANTINE' OR (%(older)s AND chance.of_100 < %(no_before)s))
"""
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def fill(bank: Bank, today: dt.date, actor: Actor, approved_by_id: UUID | None) -> None:
    """The texts; with somebody who approves them, everything that rests on them."""
    since = dt.date(today.year - 1, 1, 1)
    for kind, parts in PROPOSALS.items():
        row = version_draft(kind=kind, title=TITLES[kind], parts=parts, actor=actor)
        if approved_by_id is not None:
            row.approved_by_id, row.approved_at = approved_by_id, timezone.now()
            row.valid_from, row.is_current = since, True
            row.save(update_fields=["approved_by", "approved_at", "valid_from", "is_current"])
    if approved_by_id is None:
        return
    _declare(bank, today, approved_by_id)
    _answers(bank)
    _interviews(bank, today)
    _withdrawals(bank, today, actor)


def _declare(bank: Bank, today: dt.date, approved_by_id: UUID) -> None:
    for purpose in DECLARABLE:
        ConsentDeclaration.objects.create(
            bank=bank,
            purpose=purpose,
            collected_from=dt.date(2008, 1, 1),
            collected_until=today,
            reason="Synthetic: the signed forms of these years ask for it; archive DEMO, looked through by two people.",
            approved_by_id=approved_by_id,
            approved_at=timezone.now(),
        )


def _answers(bank: Bank) -> None:
    form = KINDS["consent"].model.objects.in_force()
    with connection.cursor() as cursor:
        for purpose in ConsentPurpose:
            older = purpose == ConsentPurpose.ABROAD
            values = {
                "bank": bank.pk,
                "form": form.pk,
                "purpose": purpose.value,
                "no": NO_OF_100.get(purpose, 0),
                "older": older,
                "no_before": NO_ABROAD_BEFORE,
            }
            cursor.execute(ANSWERS, values)


def _interviews(bank: Bank, today: dt.date) -> None:
    """Of some units in quarantine; every fifth mother gives an answer that somebody has to judge."""
    questionnaire: Questionnaire = Questionnaire.objects.in_force()
    questions = list(questionnaire.questions.all())
    waiting = CordBloodUnit.objects.filter(bank=bank, status=UnitStatus.QUARANTINE, donation__isnull=False)
    for number, unit in enumerate(waiting.order_by("status_changed_at", "unit_no")[:INTERVIEWED]):
        row: Interview = Interview.objects.create(
            donation_id=str(unit.donation_id),
            questionnaire=questionnaire,
            interviewed_on=min(unit.collected_on or today, today),
        )
        made = []
        for place, question in enumerate(questions):
            value = {"yes": "no", "no": "yes"}.get(
                question.defers_on, "no" if question.kind == "yes_no" else ""
            )
            defers = bool(question.defers_on) and number % 5 == 2 and place == 1 + number % 7
            made.append(
                Answer(
                    interview=row,
                    question=question,
                    value=question.defers_on if defers else value,
                    defers=defers,
                )
            )
        Answer.objects.bulk_create(made)


def _withdrawals(bank: Bank, today: dt.date, actor: Actor) -> None:
    """One mother withdrew the donation, one her consent to research; a third can be reached, and left a document."""
    units = CordBloodUnit.objects.filter(bank=bank, donation__isnull=False)
    listed = list(units.filter(status=UnitStatus.LISTED).order_by("unit_no")[:2])
    for unit, purpose in zip(listed, (ConsentPurpose.DONATION, ConsentPurpose.RESEARCH), strict=False):
        given = Withdrawal(
            purpose=purpose.value,
            withdrawn_on=today,
            reported_by=ReportedBy.MOTHER.value,
            reason="The mother telephoned the collection site; a signed letter follows.",
        )
        consent_withdraw(unit_id=unit.pk, given=given, actor=actor)
    reached = units.filter(
        donation__consents__purpose=ConsentPurpose.CONTACT, donation__consents__given=True
    ).order_by("unit_no")
    shown = reached.first()
    if shown is not None and shown.donation_id:
        MotherContact.objects.create(
            donation_id=shown.donation_id, name="示例 (synthetic)", phone="000 0000 0000"
        )
        document_add(
            unit_id=shown.pk,
            kind=DocumentKind.FREEZING,
            title="Synthetic freezing curve",
            data=PDF,
            actor=actor,
        )
