"""A consent form and a questionnaire in force, answers and declarations, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from bank.choices_consent import REQUIRED, ConsentPurpose
from bank.consent_defaults import PROPOSALS
from bank.models import Bank, ConsentDeclaration, ConsentForm, ConsentGiven, CordBloodUnit, Questionnaire
from bank.services_consent import Answers, consent_record
from bank.services_versions import KINDS, Version
from core.audit import Actor
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.core import UserFactory

SYSTEM = Actor.system("test")
# What a mother has to say yes to before a kit is given out.
YES = {purpose.value: True for purpose in REQUIRED}
ALL = {purpose.value: True for purpose in ConsentPurpose}
CONSENTED = dt.date(2020, 4, 1)


def version_in_force(kind: str, parts: Any = None) -> Version:
    """Written straight into the tables: other tests read an audit trail without it."""
    what = KINDS[kind]
    row: Version = what.model.objects.create(version=(what.model.objects.count() + 1), title="Test")
    for place, part in enumerate(parts or PROPOSALS[kind]):
        what.part.objects.create(**{what.link: row}, position=place, **part)
    row.approved_by, row.approved_at = UserFactory(), timezone.now()
    row.valid_from, row.is_current = CONSENTED, True
    row.save()
    return row


def consent_form() -> ConsentForm:
    """The one in force; made where there is none."""
    found: ConsentForm | None = KINDS["consent"].model.objects.in_force()
    made = found or version_in_force("consent")
    assert isinstance(made, ConsentForm)
    return made


def questionnaire() -> Questionnaire:
    found: Questionnaire | None = Questionnaire.objects.in_force()
    made = found or version_in_force("questions")
    assert isinstance(made, Questionnaire)
    return made


def consented_unit(answers: dict[str, bool] | None = None, **more: Any) -> CordBloodUnit:
    """A listed unit whose mother answered (None: yes to everything)."""
    consent_form()
    unit: CordBloodUnit = UnitFactory(**{"donation": DonationFactory(consented_on=None), **more})
    record(unit, ALL if answers is None else answers)
    return unit


def record(unit: CordBloodUnit, answers: dict[str, bool], day: dt.date = CONSENTED) -> list[ConsentGiven]:
    given = Answers(given_on=day, answers=answers)
    return consent_record(unit_id=unit.pk, given=given, actor=SYSTEM)


def declared(bank: Bank, purpose: str = "abroad", **more: Any) -> ConsentDeclaration:
    """A signed declaration that covers every unit collected so far."""
    values = {
        "bank": bank,
        "purpose": purpose,
        "collected_from": dt.date(1980, 1, 1),
        "collected_until": timezone.localdate(),
        "reason": "the archive",
        "approved_by": UserFactory(),
        "approved_at": timezone.now(),
        **more,
    }
    row: ConsentDeclaration = ConsentDeclaration.objects.create(**values)
    return row
