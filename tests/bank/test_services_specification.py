"""Versions of the release specification: written by one, approved by another, never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import Error, transaction

from bank.models import (
    CordBloodUnit,
    ReleaseCriterion,
    ReleaseSpecification,
)
from bank.services_specification import specification_approve, specification_draft
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.bank.release_helpers import CULTURE, TNC, counted_unit
from tests.factories.bank import (
    BankFactory,
)
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit(lab: User, qa: User) -> CordBloodUnit:
    return counted_unit(lab, qa)


def draft(bank: Any, actor: Actor, **more: Any) -> ReleaseSpecification:
    given: dict[str, Any] = {
        "title": "Listing",
        "effective_from": dt.date(2024, 1, 1),
        "criteria": [TNC],
        **more,
    }
    return specification_draft(bank_id=bank.pk, actor=actor, **given)


def test_a_version_is_written_by_one_and_approved_by_another(qa: User, director: User) -> None:
    bank = BankFactory()
    first = draft(bank, Actor.user(qa))
    again = draft(bank, Actor.user(director), criteria=[TNC, CULTURE])

    assert (again.version, ReleaseSpecification.objects.count()) == (1, 1)  # the draft was replaced
    assert not ReleaseSpecification.objects.filter(pk=first.pk).exists()
    with pytest.raises(NotAllowed):
        specification_approve(specification_id=again.pk, user=director, password=PASSWORD)
    other = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    with pytest.raises(NotAllowed):
        specification_approve(specification_id=again.pk, user=other, password="wrong")
    approved = specification_approve(specification_id=again.pk, user=other, password=PASSWORD)
    today = approved.effective_from
    assert today >= dt.date(2024, 1, 1)
    assert ReleaseSpecification.objects.in_force(bank.pk, today) == approved
    assert ReleaseSpecification.objects.in_force(bank.pk, today - dt.timedelta(days=1)) is None
    with pytest.raises(Conflict):
        specification_approve(specification_id=again.pk, user=other, password=PASSWORD)
    second = draft(bank, Actor.user(qa), effective_from=today + dt.timedelta(days=30))
    assert second.version == 2
    specification_approve(specification_id=second.pk, user=other, password=PASSWORD)
    assert ReleaseSpecification.objects.in_force(bank.pk, today) == approved
    assert ReleaseSpecification.objects.in_force(bank.pk, today + dt.timedelta(days=30)) == second


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"title": " "}, "title_missing"),
        ({"criteria": []}, "criteria_missing"),
        ({"criteria": [TNC] * 81}, "too_many_criteria"),
    ],
)
def test_a_senseless_version_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        draft(BankFactory(), SYSTEM, **given)

    assert refused.value.code == code


def test_what_an_approved_version_asks_never_changes(unit: CordBloodUnit) -> None:
    rows = ReleaseCriterion.objects.filter(specification__bank=unit.bank)

    for act in (lambda: rows.update(threshold=1), rows.delete):
        with pytest.raises(Error, match="never changed"), transaction.atomic():
            act()
