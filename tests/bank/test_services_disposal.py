"""A unit leaves by two people: proposed, signed, refused, withdrawn; meanwhile it goes no step further."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from bank import services, services_intake
from bank import services_disposal as disposal
from bank.choices import TRANSITIONS, DiscardReason, Source, UnitStatus
from bank.models import CordBloodUnit, DiscardProposal, Slot
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.bank.release_helpers import clean, counted_unit, release
from tests.factories.bank import UnitFactory
from tests.factories.consent import declared
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.stocks import ProposalFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")


def propose(unit: CordBloodUnit, user: User, **more: Any) -> DiscardProposal:
    given = {"to": "DISCARDED", "code": DiscardReason.CLOTS, "reason": "a clot", **more}
    return disposal.discard_propose(unit_id=unit.pk, user=user, **given)


def sign(row: DiscardProposal, user: User, password: str = PASSWORD) -> CordBloodUnit:
    return disposal.discard_carry_out(proposal_id=row.pk, user=user, password=password)


def refuse(row: DiscardProposal, user: User, **more: Any) -> CordBloodUnit:
    given = {"password": PASSWORD, "reason": "it is no clot", **more}
    return disposal.discard_refuse(proposal_id=row.pk, user=user, **given)


def withdraw(row: DiscardProposal, user: User, reason: str = "a slip") -> CordBloodUnit:
    return disposal.discard_withdraw(proposal_id=row.pk, user=user, reason=reason)


def test_two_people_discard_a_unit_and_its_place_is_free(qa: User, director: User) -> None:
    unit = UnitFactory(status="QUARANTINE")
    tank(bank=unit.bank)
    place = slot(1)
    Slot.objects.filter(pk=place.pk).update(unit=unit)

    row = propose(unit, qa)
    unit.refresh_from_db()
    assert (unit.status, row.state, row.proposed_by) == ("QUARANTINE", "open", qa)
    sign(row, director)

    unit.refresh_from_db()
    row.refresh_from_db()
    assert (unit.status, unit.discard_reason) == ("DISCARDED", "clots")
    assert (row.state, row.decided_by, row.signed_by) == ("carried_out", director, director.full_name)
    assert not Slot.objects.filter(unit=unit).exists()
    entries = AuditEntry.objects.exclude(action="storage.create").order_by("at")
    told = list(entries.values_list("action", "actor_id", "reason"))
    assert told == [
        ("unit.discard_propose", str(qa.pk), "a clot"),
        ("unit.discard", str(director.pk), "a clot"),
        ("unit.take_out", str(director.pk), "a clot"),
    ]
    assert AuditEntry.objects.get(action="unit.take_out").before == {"place": place.place}


def test_a_unit_on_offer_is_held_at_once_and_discarded_from_there(qa: User, director: User) -> None:
    unit = UnitFactory()

    row = propose(unit, qa)
    unit.refresh_from_db()
    assert (unit.status, unit.status_before_hold, unit.hold_reason) == ("ON_HOLD", "LISTED", "a clot")
    sign(row, director)

    unit.refresh_from_db()
    assert (unit.status, unit.status_before_hold, unit.hold_reason) == ("DISCARDED", "", "")


def test_a_unit_of_the_quarantine_goes_to_research(qa: User, director: User) -> None:
    unit = UnitFactory(status="QUARANTINE", typing_conflict=True)  # research may find out
    declared(unit.bank, "research")

    sign(propose(unit, qa, to="RESEARCH"), director)

    unit.refresh_from_db()
    assert (unit.status, unit.discard_reason) == ("RESEARCH", "")
    assert AuditEntry.objects.filter(action="unit.research").count() == 1


@pytest.mark.parametrize(
    ("flag", "code"), [("consent_withdrawn", "no_research_consent"), ("recalled", "recalled")]
)
def test_to_research_only_with_consent_and_unrecalled(qa: User, director: User, flag: str, code: str) -> None:
    unit = UnitFactory(status="QUARANTINE")
    declared(unit.bank, "research")
    row = propose(unit, qa, to="RESEARCH")
    CordBloodUnit.objects.filter(pk=unit.pk).update(**{flag: True})

    for act in (
        lambda: propose(UnitFactory(status="QUARANTINE", **{flag: True}), qa, to="RESEARCH"),
        lambda: sign(row, director),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == code
    withdraw(row, qa)
    assert sign(propose(unit, qa), director).status == "DISCARDED"  # thrown away it may be


@pytest.mark.parametrize("here", UnitStatus)
@pytest.mark.parametrize("to", ["DISCARDED", "RESEARCH"])
def test_ways_out_follow_the_table_of_transitions(
    qa: User, director: User, here: UnitStatus, to: str
) -> None:
    more = {"ON_HOLD": {"on_hold": True}, "DISCARDED": {"discarded": True}}.get(here, {"status": here})
    unit = UnitFactory(**more)
    declared(unit.bank, "research")

    if to in TRANSITIONS[here]:
        assert sign(propose(unit, qa, to=to), director).status == to
        return
    with pytest.raises(Conflict) as refused:
        propose(unit, qa, to=to)
    assert refused.value.code == "transition"
    assert not DiscardProposal.objects.exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"reason": " "}, "reason_needed"),
        ({"to": "LISTED"}, "way_unknown"),
        ({"to": ""}, "way_unknown"),
    ],
)
def test_a_proposal_that_cannot_be(qa: User, more: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        propose(UnitFactory(), qa, **more)
    assert refused.value.code == code


def test_a_partner_s_unit_is_the_partner_s(qa: User) -> None:
    with pytest.raises(Conflict, match="partner"):
        propose(UnitFactory(source=Source.PARTNER), qa)


def test_it_is_proposed_once(qa: User, director: User) -> None:
    unit = UnitFactory()
    row = propose(unit, qa)

    with pytest.raises(Conflict) as refused:
        propose(unit, director)
    assert refused.value.code == "proposed_already"
    with pytest.raises(IntegrityError, match="one_open"), transaction.atomic():
        ProposalFactory(unit=unit)
    withdraw(row, qa)
    assert propose(unit, director).state == "open"


# --- who ------------------------------------------------------------------------------------------


def test_who_proposed_signs_neither_yes_nor_no(qa: User) -> None:
    row = propose(UnitFactory(), qa)

    for act in (sign, refuse):
        with pytest.raises(NotAllowed) as refused:
            act(row, qa)
        assert refused.value.code == "own_work"
    row.refresh_from_db()
    assert row.is_open


def test_only_quality_assurance_decides(qa: User, lab: User) -> None:
    row = propose(UnitFactory(), qa)

    for act in (sign, refuse):
        with pytest.raises(NotAllowed) as refused:
            act(row, lab)
        assert refused.value.code == "may_not_decide"


def test_without_the_password_nothing_is_decided(qa: User, director: User) -> None:
    row = propose(UnitFactory(), qa)

    for act in (lambda: sign(row, director, "not it"), lambda: refuse(row, director, password="not it")):
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.code == "wrong_password"


def test_another_one_s_proposal_is_refused_and_not_withdrawn(qa: User, director: User) -> None:
    row = propose(UnitFactory(), qa)

    with pytest.raises(NotAllowed) as refused:
        withdraw(row, director)
    assert refused.value.code == "not_yours"
    with pytest.raises(InvalidInput):
        refuse(row, director, reason="")
    refuse(row, director)

    row.refresh_from_db()
    assert (row.state, row.decision_reason, row.signed_by) == ("refused", "it is no clot", director.full_name)
    unit = CordBloodUnit.objects.get()
    assert unit.status == "ON_HOLD"  # lifted by quality assurance, with a reason of its own
    assert services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason="no clot").status == "LISTED"


@pytest.mark.parametrize("status", ["COLLECTED", "RECEIVED", "PROCESSING", "QUARANTINE", "LISTED"])
def test_collection_staff_and_laboratory_propose_before_the_quarantine(status: str, lab: User) -> None:
    collector = UserFactory(roles=[Role.COLLECTION])
    may = {collector: status == "COLLECTED", lab: status in ("COLLECTED", "RECEIVED", "PROCESSING")}

    for person, allowed in may.items():
        unit = UnitFactory(status=status)
        if allowed:
            assert propose(unit, person).is_open
            continue
        with pytest.raises(NotAllowed) as refused:
            propose(unit, person)
        assert refused.value.code == "may_not_propose"
        unit.refresh_from_db()
        assert unit.status == status


# --- while it is open -----------------------------------------------------------------------------


def test_meanwhile_the_unit_goes_no_step_further(qa: User, director: User, lab: User) -> None:
    waiting = counted_unit(lab, director)
    clean(waiting, director)
    new = UnitFactory(status="COLLECTED")
    held = UnitFactory(on_hold=True)
    for unit in (waiting, new, held):
        propose(unit, qa)

    for act in (
        lambda: release(waiting, director, justification="x"),
        lambda: services.unit_unhold(unit_id=held.pk, actor=SYSTEM, reason="r"),
        lambda: services_intake._guard_step(new, UnitStatus.RECEIVED),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "discard_proposed"


def test_it_may_be_held_and_go_back_to_the_quarantine(qa: User) -> None:
    unit = UnitFactory(status="QUARANTINE")
    propose(unit, qa)

    assert services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="r").status == "ON_HOLD"
    assert services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason="r").status == "QUARANTINE"


def test_what_is_decided_is_decided(qa: User, director: User) -> None:
    row = propose(UnitFactory(status="QUARANTINE"), qa)
    sign(row, director)

    for act in (lambda: sign(row, director), lambda: refuse(row, director), lambda: withdraw(row, qa)):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "decided_already"
    for change in ({"state": "open"}, {"reason": "x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            DiscardProposal.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        DiscardProposal.objects.filter(pk=row.pk)._raw_delete("default")
    with pytest.raises(InvalidInput):
        disposal.discard_withdraw(proposal_id=uuid4(), user=qa, reason="r")


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"to": "LISTED"}, "way_known"),
        ({"reason": ""}, "reasoned"),
        ({"code": "fun"}, "reasoned"),
        ({"state": "carried_out"}, "decided_paired"),
        ({"signed_by": "Lin"}, "decided_paired"),
    ],
)
def test_rows_that_cannot_be(row: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        ProposalFactory(**row)


@pytest.mark.parametrize(
    ("row", "own", "name"),
    [
        ({"state": "carried_out", "signed_by": "Lin"}, True, "second_person"),
        ({"state": "carried_out"}, False, "second_person"),
        ({"state": "refused", "signed_by": "Lin", "decision_reason": "r"}, True, "second_person"),
        ({"state": "withdrawn", "decision_reason": "r"}, False, "second_person"),
        ({"state": "withdrawn"}, True, "no_reasoned"),
    ],
)
def test_no_row_says_that_one_person_did_it(qa: User, row: dict[str, Any], own: bool, name: str) -> None:
    proposer = UserFactory(roles=[Role.QA])
    decided = {"decided_by": proposer if own else qa, "decided_at": "2024-01-01T00:00Z"}

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        ProposalFactory(proposed_by=proposer, **decided, **row)


def test_nothing_changes_where_the_audit_fails(
    qa: User, director: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = propose(UnitFactory(status="QUARANTINE"), qa)
    new = UnitFactory()

    def fail(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("core.audit.record", fail)
    acts = (
        lambda: propose(new, qa),
        lambda: sign(row, director),
        lambda: refuse(row, director),
        lambda: withdraw(row, qa),
    )
    for act in acts:
        with pytest.raises(RuntimeError):
            act()
    assert list(DiscardProposal.objects.values_list("state", flat=True)) == ["open"]
    assert set(CordBloodUnit.objects.values_list("status", flat=True)) == {"QUARANTINE", "LISTED"}
