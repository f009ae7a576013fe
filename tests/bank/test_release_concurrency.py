"""Fifty hands at one unit: released once, retracted once, a kit given out once; the others are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from bank import lots, services_lots, services_release, services_screening
from bank.choices_lots import LotKind, LotStep
from bank.lot_use import LotGiven, use_lots
from bank.models import Bank, CordBloodUnit, MarkerResult, Release
from bank.services_kits import Kit, kit_issue
from core import audit
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from tests.factories.bank import (
    BankFactory,
    CultureFactory,
    MarkerFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.consent import ALL, consent_form
from tests.factories.core import PASSWORD, UserFactory
from tests.parallel import all_at_once, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PEOPLE = 50


def told(work: Callable[[], Any]) -> list[str]:
    """Codes of the conflicts of all but those who won."""
    return [one.code for one in at_once(work, PEOPLE) if isinstance(one, Conflict)]


def test_one_releases_a_unit_the_rest_are_told() -> None:
    qa = UserFactory(roles=[Role.QA])
    unit: CordBloodUnit = UnitFactory(status="QUARANTINE")
    asked = [{"kind": "culture", "test": "fungal", "allowed": ["no_growth"]}]
    SpecificationFactory(bank=unit.bank, approved=True, criteria=asked)
    CultureFactory(unit=unit, kind="fungal", verified_by=qa, verified_at="2024-01-01T00:00Z")

    codes = told(lambda: services_release.unit_release(unit_id=unit.pk, user=qa, password=PASSWORD))

    assert codes == ["not_in_quarantine"] * (PEOPLE - 1)
    assert Release.objects.count() == AuditEntry.objects.filter(action="unit.release").count() == 1


def test_one_retracts_a_result_the_rest_are_told() -> None:
    row: MarkerResult = MarkerFactory(result="positive")
    actor = Actor.user(UserFactory(roles=[Role.QA]))

    codes = told(
        lambda: services_screening.result_retract(
            unit_id=row.unit_id, kind="marker", result_id=row.pk, actor=actor, reason="swapped"
        )
    )

    assert codes == ["retracted_already"] * (PEOPLE - 1)


def test_one_number_is_given_to_one_kit() -> None:
    bank: Bank = BankFactory()
    consent_form()
    kit = Kit(din="A999914123458 J", bag_id="B1", consented_on=bank.created_at.date(), answers=ALL)

    codes = told(lambda: kit_issue(bank_id=bank.pk, kit=kit, actor=Actor.system("test")))

    assert codes == ["bag_taken"] * (PEOPLE - 1)
    assert CordBloodUnit.objects.count() == 1


def test_a_release_and_a_block_of_its_lot_see_one_another() -> None:
    """A unit is never listed as passed after a lot that was used on it was blocked."""
    people = [UserFactory(roles=[Role.QA]) for _ in range(2)]
    for n in range(8):
        unit: CordBloodUnit = UnitFactory(status="QUARANTINE", segments=2)
        asked = [{"kind": "segments", "threshold": 1}]
        SpecificationFactory(bank=unit.bank, approved=True, criteria=asked)
        with transaction.atomic():
            given = LotGiven(LotKind.BAG, f"B-{n}", LotStep.FREEZING)
            [lot] = use_lots(unit, [given], on=None, actor=Actor.system("test"))
        start = audit.ledger_head()
        signed: dict[str, Any] = {"password": PASSWORD}
        release = partial(services_release.unit_release, unit_id=unit.pk, user=people[0], **signed)
        block = partial(
            services_lots.lot_block,
            lot_id=lot.pk,
            user=people[1],
            reason="seam leaks",
            hold_units=[],
            seen=lots.digest(lot),
            **signed,
        )

        all_at_once([release, block])

        done = [row.action for row in audit.ledger_since(start)]
        unit.refresh_from_db()
        listed = unit.status == "LISTED"
        # the block that comes second is refused where it was signed for other states than it finds
        wanted = (["unit.release"], ["unit.release", "lot.block"]) if listed else (["lot.block"],)
        assert done in wanted, (n, done, unit.status)
