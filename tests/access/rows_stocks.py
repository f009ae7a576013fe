"""Addresses of samples and of units that leave: all of the bank's staff look, few write."""

from __future__ import annotations

from bank.models import DiscardProposal
from core.roles import Role
from tests.access.matrix import HOSPITAL, Row, World
from tests.factories.bank import UnitFactory
from tests.factories.consent import declared
from tests.factories.stocks import SampleFactory

STAFF = frozenset(Role) - HOSPITAL
TAKERS = frozenset({Role.LAB, Role.QA})
DECIDERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})
VERIFIERS = DECIDERS | {Role.LAB}
REASON = {"reason": "because of a test"}
WAY = {"to": "DISCARDED", "code": "clots", **REASON}


def build(world: World) -> None:
    world.stocked = SampleFactory().unit
    declared(world.stocked.bank, "samples")
    world.raw_units = {
        status: UnitFactory(status=status) for status in ("COLLECTED", "RECEIVED", "PROCESSING", "QUARANTINE")
    }
    world.leaving = DiscardProposal.objects.create(
        unit=UnitFactory(status="QUARANTINE"), to="DISCARDED", code="clots", reason="r",
        proposed_by=world.users[Role.LAB],
    )  # fmt: skip


PROPOSERS = {
    "COLLECTED": DECIDERS | {Role.LAB, Role.COLLECTION},
    "RECEIVED": DECIDERS | {Role.LAB},
    "PROCESSING": DECIDERS | {Role.LAB},
    "QUARANTINE": DECIDERS,
}

ROWS = [
    Row("bank:unit-samples", STAFF, lambda w: {"pk": w.stocked.pk}),
    Row(
        "bank:unit-samples-act",
        TAKERS,
        lambda w: {"pk": w.stocked.pk, "act": "use"},
        method="post",
        data=lambda w: {"sample": "unit-segment", "count": "1", "purpose": "potency"},
    ),
    Row(
        "bank:unit-samples-act",
        TAKERS,
        lambda w: {"pk": w.stocked.pk, "act": "open"},
        method="post",
        data=lambda w: {"sample": "mother-serum", "opening": "2"},
    ),
    Row(
        "bank:unit-samples-act",
        VERIFIERS,
        lambda w: {"pk": w.stocked.pk, "act": "correct"},
        method="post",
        data=lambda w: {"sample": "unit-segment", "counted": "1", "password": "not it", **REASON},
        ok=(403,),  # let in, and told that this is not the password
    ),
    Row("bank:discard-list", STAFF),
    Row("bank:unit-disposal", STAFF, lambda w: {"pk": w.leaving.unit_id}),
    *(
        Row(
            "bank:unit-disposal",
            roles,
            lambda w, s=status: {"pk": w.raw_units[s].pk},
            method="post",
            data=lambda w: WAY,
        )
        for status, roles in PROPOSERS.items()
    ),
    Row(
        "bank:disposal-decide",
        DECIDERS,
        lambda w: {"pk": w.leaving.unit_id},
        method="post",
        data=lambda w: {"proposal": str(w.leaving.pk)},
        ok=(400,),  # let in, and told that the password is missing
    ),
    Row(
        "bank:disposal-withdraw",
        frozenset({Role.LAB}),  # whose proposal it is
        lambda w: {"pk": w.leaving.unit_id},
        method="post",
        data=lambda w: {"proposal": str(w.leaving.pk), **REASON},
    ),
]
