"""Fifty hands at the last segment, at one proposal, at one signature: one wins, the rest are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bank import services_disposal, services_samples
from bank.choices_stocks import SamplePurpose
from bank.models import CordBloodUnit, DiscardProposal, SampleUse
from bank.services_samples import SEGMENTS, Use, Which
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.stocks import ProposalFactory, SampleFactory
from tests.parallel import all_at_once, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PEOPLE = 50
SEGMENT = Which(*SEGMENTS)


def told(work: Callable[[], Any]) -> list[str]:
    """Codes of the conflicts of all but those who won."""
    return [one.code for one in at_once(work, PEOPLE) if isinstance(one, Conflict)]


@pytest.mark.parametrize("has_row", [True, False], ids=["in the stock", "of an older program"])
def test_one_takes_the_last_segment(has_row: bool) -> None:
    unit: CordBloodUnit = UnitFactory(segments=1)
    if has_row:
        SampleFactory(unit=unit)
    use, actor = Use(purpose=SamplePurpose.CONFIRMATORY), Actor.user(UserFactory(roles=[Role.LAB]))

    codes = told(lambda: services_samples.sample_use(unit_id=unit.pk, which=SEGMENT, use=use, actor=actor))

    assert codes == ["sample_none_left"] * (PEOPLE - 1)
    unit.refresh_from_db()
    assert (unit.segments, unit.samples.get().remaining, SampleUse.objects.count()) == (0, 0, 1)
    assert AuditEntry.objects.filter(action="unit.sample_use").count() == 1


def test_uses_and_corrections_together_take_no_more_than_there_is() -> None:
    unit: CordBloodUnit = SampleFactory(unit__segments=10).unit
    actor = Actor.user(UserFactory(roles=[Role.LAB]))
    people = [UserFactory(roles=[Role.QA]) for _ in range(5)]
    use = Use(purpose=SamplePurpose.POTENCY)

    def correct(user: Any) -> Callable[[], Any]:
        return lambda: services_samples.sample_correct(
            unit_id=unit.pk, which=SEGMENT, counted=4, user=user, password=PASSWORD, reason="r"
        )

    take = [lambda: services_samples.sample_use(unit_id=unit.pk, which=SEGMENT, use=use, actor=actor)] * 15
    all_at_once([*take, *map(correct, people)])

    unit.refresh_from_db()
    row = unit.samples.get()
    assert sum(row.uses.values_list("count", flat=True)) == row.opening - row.remaining == 10
    assert unit.segments == row.remaining == 0


def test_one_proposes_that_a_unit_leave() -> None:
    unit: CordBloodUnit = UnitFactory()
    qa = UserFactory(roles=[Role.QA])

    codes = told(
        lambda: services_disposal.discard_propose(
            unit_id=unit.pk, user=qa, to="DISCARDED", code="clots", reason="r"
        )
    )

    assert codes == ["proposed_already"] * (PEOPLE - 1)
    assert DiscardProposal.objects.count() == 1


def test_one_signs_or_refuses_or_withdraws() -> None:
    row: DiscardProposal = ProposalFactory()
    second = UserFactory(roles=[Role.QA])
    given: dict[str, Any] = {"proposal_id": row.pk, "user": second, "password": PASSWORD}
    acts = [
        lambda: services_disposal.discard_carry_out(**given),
        lambda: services_disposal.discard_refuse(**given, reason="r"),
        lambda: services_disposal.discard_withdraw(proposal_id=row.pk, user=row.proposed_by, reason="r"),
    ]

    found = all_at_once(acts * 10)

    assert [one.code for one in found if isinstance(one, Conflict)] == ["decided_already"] * 29
    row.refresh_from_db()
    unit = CordBloodUnit.objects.get()
    assert unit.status == ("DISCARDED" if row.state == "carried_out" else "QUARANTINE")
