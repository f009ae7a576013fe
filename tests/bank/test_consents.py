"""Who permits what: answers, withdrawals, consents of before answers were kept, declarations of the bank."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank import consents, services
from bank.choices import UnitStatus
from bank.choices_consent import DECLARABLE, ConsentPurpose
from bank.exports.abroad import may_go_abroad
from bank.models import ConsentGiven, ConsentWithdrawal, CordBloodUnit
from core.errors import Conflict
from tests.factories.bank import BankFactory, DonationFactory, UnitFactory
from tests.factories.consent import ALL, CONSENTED, YES, consented_unit, declared, record
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
P = ConsentPurpose


def permitted(unit: CordBloodUnit) -> set[str]:
    unit.refresh_from_db()
    found = {purpose.value for purpose in P if consents.permits(unit, purpose)}
    assert found == {one.purpose.value for one in consents.standings(unit) if one.permitted}
    return found


def withdrawn(answer: ConsentGiven) -> ConsentWithdrawal:
    """As a row alone, without what follows from it."""
    row: ConsentWithdrawal = ConsentWithdrawal.objects.create(
        donation=answer.donation,
        consent=answer,
        purpose=answer.purpose,
        withdrawn_on=CONSENTED,
        reported_by="mother",
        reason="r",
    )
    return row


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (ALL, set(ALL)),
        (YES, {"donation", "testing"}),
        ({**YES, "abroad": False, "research": True}, {"donation", "testing", "research"}),
        ({**YES, "contact": True, "samples": True}, {"donation", "testing", "contact", "samples"}),
    ],
)
def test_only_a_yes_permits(answers: dict[str, bool], found: set[str]) -> None:
    assert permitted(consented_unit(answers)) == found


def test_a_consent_of_before_items_permits_what_no_kit_went_out_without() -> None:
    assert permitted(UnitFactory(donation=DonationFactory())) == {"donation", "testing"}
    assert permitted(UnitFactory(donation=DonationFactory(consented_on=None))) == set()
    assert permitted(UnitFactory()) == set()


@pytest.mark.parametrize("purpose", P)
def test_what_is_withdrawn_is_permitted_no_more(purpose: ConsentPurpose) -> None:
    unit = consented_unit()
    answer = unit.donation.consents.get(purpose=purpose)
    row = withdrawn(answer)

    assert permitted(unit) == (set() if purpose == P.DONATION else set(P.values) - {purpose})

    row.corrected_at, row.corrected_by, row.correction_reason = (
        timezone.now(),
        UserFactory(),
        "another mother",
    )
    row.save(update_fields=["corrected_at", "corrected_by", "correction_reason"])
    assert permitted(unit) == set(P.values)


def test_a_flag_on_the_unit_permits_nothing() -> None:
    assert permitted(consented_unit(consent_withdrawn=False)) == set(P.values)
    unit = consented_unit()
    CordBloodUnit.objects.filter(pk=unit.pk).update(consent_withdrawn=True)

    assert permitted(unit) == set()


def test_a_new_yes_after_a_withdrawal_counts() -> None:
    unit = consented_unit()
    answer = unit.donation.consents.get(purpose="research")
    withdrawn(answer)

    record(unit, {"research": True}, CONSENTED + dt.timedelta(days=30))

    assert "research" in permitted(unit)


# --- declarations -----------------------------------------------------------------------------------

DAY = dt.date(2020, 5, 17)  # on which UnitFactory collects


@pytest.mark.parametrize(
    ("more", "unit", "covered"),
    [
        ({}, {}, True),
        ({"collected_from": DAY, "collected_until": DAY}, {}, True),
        ({"collected_from": DAY + dt.timedelta(days=1)}, {}, False),
        ({"collected_until": DAY - dt.timedelta(days=1)}, {}, False),
        ({}, {"collected_on": None}, False),
        ({"approved_by": None, "approved_at": None}, {}, False),
        ({"end_reason": "r", "ended_at": "2026-01-01T00:00Z"}, {}, False),
        ({"purpose": "research"}, {}, False),
        ({"bank": "other"}, {}, False),
        ({}, {"source": "partner"}, False),
        ({}, {"consent_withdrawn": True}, False),
    ],
)
def test_a_declaration_covers_older_units(more: dict[str, Any], unit: dict[str, Any], covered: bool) -> None:
    if more.get("bank"):
        more = {**more, "bank": BankFactory(code="OTHER")}
    if more.get("ended_at"):
        more = {**more, "ended_by": UserFactory()}
    declared(**{"bank": BankFactory(), **more})
    row = UnitFactory(**unit)

    assert (row.pk in may_go_abroad([row.pk])) is covered


def test_her_own_answer_counts_whatever_the_bank_declares() -> None:
    declared(BankFactory())
    yes, no = consented_unit(ALL), consented_unit({**YES, "abroad": False})
    silent, old = consented_unit(YES), UnitFactory(donation=DonationFactory())

    found = may_go_abroad([yes.pk, no.pk, silent.pk, old.pk, uuid4()])

    assert found == {yes.pk, silent.pk, old.pk}


def test_without_a_declaration_nothing_that_nobody_said_goes_abroad() -> None:
    units = [UnitFactory(), UnitFactory(donation=DonationFactory()), consented_unit(YES)]

    assert may_go_abroad([unit.pk for unit in units]) == set()


@pytest.mark.parametrize("purpose", sorted(set(P) - set(DECLARABLE)))
def test_nothing_else_is_declared(purpose: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        declared(BankFactory(), purpose=purpose)


@pytest.mark.parametrize("count", [1, 20])
def test_many_are_asked_in_four_queries(count: int, django_assert_num_queries: Any) -> None:
    declared(BankFactory())
    ids = [consented_unit(ALL).pk for _ in range(count)]

    with django_assert_num_queries(4):
        assert may_go_abroad(ids) == set(ids)


# --- the ways of a unit -----------------------------------------------------------------------------


def test_a_unit_goes_to_research_only_with_her_consent() -> None:
    no, yes = (consented_unit({**YES, "research": answer}, status="QUARANTINE") for answer in (False, True))

    with pytest.raises(Conflict) as caught:
        services.guard_move(no, UnitStatus.RESEARCH)
    services.guard_move(yes, UnitStatus.RESEARCH)

    assert caught.value.code == "no_research_consent"
