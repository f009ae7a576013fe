"""Samples of units and proposals that units leave, for tests."""

from __future__ import annotations

import factory

from bank.choices import DiscardReason, Subject, UnitStatus
from bank.choices_stocks import SampleKind
from bank.models import CordBloodUnit, DiscardProposal, UnitSample
from bank.services_disposal import discard_carry_out, discard_propose
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory


class SampleFactory(factory.django.DjangoModelFactory):
    """The segments of a unit, of which none was used; `unit.segments` says the same."""

    class Meta:
        model = UnitSample

    unit = factory.SubFactory(UnitFactory)
    subject = Subject.UNIT
    kind = SampleKind.SEGMENT
    opening = factory.LazyAttribute(lambda row: row.unit.segments)
    remaining = factory.LazyAttribute(lambda row: row.opening)


class ProposalFactory(factory.django.DjangoModelFactory):
    """Open, of a unit in quarantine."""

    class Meta:
        model = DiscardProposal

    unit = factory.SubFactory(UnitFactory, status=UnitStatus.QUARANTINE)
    to = UnitStatus.DISCARDED
    code = DiscardReason.CLOTS
    reason = "a clot in the bag"
    proposed_by = factory.SubFactory(UserFactory, roles=[Role.QA])


def discard(unit: CordBloodUnit, code: str = "clots") -> CordBloodUnit:
    """Discarded by two people, as everybody does it."""
    first, second = (UserFactory(roles=[Role.QA]) for _ in range(2))
    row = discard_propose(unit_id=unit.pk, user=first, to="DISCARDED", code=code, reason="r")
    return discard_carry_out(proposal_id=row.pk, user=second, password=PASSWORD)
