"""Moving a unit: guarded, with a reason, in one transaction with its audit entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bank import confirming, services, services_quality
from bank.choices import BLOCKS, TRANSITIONS, Source, UnitStatus
from bank.models import CordBloodUnit, PlausibilityLimits
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from tests.factories.bank import ImportBatchFactory, MeasurementFactory, UnitFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")


def hold(unit: CordBloodUnit, reason: str = "tank alarm") -> CordBloodUnit:
    return services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason=reason)


def unhold(unit: CordBloodUnit, reason: str = "all is well") -> CordBloodUnit:
    return services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason=reason)


def confirm(unit: CordBloodUnit, actor: Actor = SYSTEM, reason: str = "seen the report") -> CordBloodUnit:
    seen = confirming.shown(CordBloodUnit.objects.filter(pk=unit.pk).first() or unit).digest
    return services.unit_confirm_values(unit_id=unit.pk, shown=seen, actor=actor, reason=reason)


SERVICES: list[Callable[..., CordBloodUnit]] = [hold, unhold, confirm]


@pytest.mark.parametrize("status", ["LISTED", "RESERVED", "QUARANTINE"])
def test_hold_remembers_and_unhold_returns(status: str) -> None:
    unit = UnitFactory(status=status)

    held = hold(unit)
    assert (held.status, held.status_before_hold, held.hold_reason) == ("ON_HOLD", status, "tank alarm")
    assert unit not in CordBloodUnit.objects.searchable()

    back = unhold(unit)
    assert (back.status, back.status_before_hold, back.hold_reason) == (status, "", "")


def test_each_move_leaves_one_entry_with_the_change_and_the_reason() -> None:
    unit = UnitFactory()
    hold(unit)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_type, entry.target_key) == (
        "unit.hold",
        "bank.CordBloodUnit",
        str(unit.pk),
    )
    assert entry.reason == "tank alarm"
    assert entry.before == {"status": "LISTED", "status_before_hold": "", "hold_reason": ""}
    assert entry.after["status"] == "ON_HOLD"


def change_population(unit: CordBloodUnit, populations: str = "uig:1+han:3") -> CordBloodUnit:
    return services.unit_population_change(
        unit_id=unit.pk, populations=populations, actor=SYSTEM, reason="the mother was asked"
    )


@pytest.mark.django_db(transaction=True)  # the ledger is written at commit
def test_a_changed_population_enters_the_ledger() -> None:
    unit = UnitFactory(populations="HAN")
    head = audit.ledger_head()

    changed = change_population(unit)

    assert changed.populations == "HAN:0.75+UIG:0.25"
    (row,) = audit.ledger_since(head, target_types=("bank.CordBloodUnit",))
    assert (row.action, row.target_key) == ("unit.populations", str(unit.pk))
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"populations": "HAN"}, {"populations": "HAN:0.75+UIG:0.25"})
    assert entry.reason == "the mother was asked"


@pytest.mark.parametrize("flag", [*BLOCKS, "on_hold"])
def test_a_population_can_be_corrected_in_any_state(flag: str) -> None:
    unit = UnitFactory(**({"waiting": True} if flag == "held_for_confirmation" else {flag: True}))

    assert change_population(unit).status == unit.status


def test_the_same_population_again_writes_nothing() -> None:
    unit = UnitFactory(populations="HAN")

    change_population(unit, "han")

    assert not AuditEntry.objects.exists()


def test_a_population_that_cannot_be_recorded() -> None:
    unit, partners = UnitFactory(), UnitFactory(source=Source.PARTNER)

    with pytest.raises(InvalidInput, match="is no code"):
        change_population(unit, "H")
    with pytest.raises(InvalidInput, match="Write why"):
        services.unit_population_change(unit_id=unit.pk, populations="HAN", actor=SYSTEM, reason=" ")
    with pytest.raises(Conflict, match="partner"):
        change_population(partners)
    assert not CordBloodUnit.objects.exclude(populations="").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_changes_where_the_audit_fails(
    service: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    traits: dict[Any, dict[str, Any]] = {unhold: {"on_hold": True}, confirm: {"waiting": True}}
    unit = UnitFactory(**traits.get(service, {}))
    before = CordBloodUnit.objects.values().get(pk=unit.pk)

    def fail(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("core.audit.record", fail)

    with pytest.raises(RuntimeError):
        service(unit)
    assert CordBloodUnit.objects.values().get(pk=unit.pk) == before


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("reason", ["", "  ", "\0"])
def test_no_move_without_a_reason(service: Callable[..., Any], reason: str) -> None:
    unit = UnitFactory()

    with pytest.raises(InvalidInput) as caught:
        service(unit, reason=reason)
    assert caught.value.field == "reason"


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_unit(service: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInput, match="no such unit"):
        service(UnitFactory.build(pk=uuid4()))


@pytest.mark.parametrize("start", [state for state in UnitStatus if state not in ("ON_HOLD", "DISCARDED")])
def test_hold_follows_the_table_of_transitions(start: UnitStatus) -> None:
    unit = UnitFactory(status=start)
    if UnitStatus.ON_HOLD in TRANSITIONS[start]:
        assert hold(unit).status == "ON_HOLD"
    else:
        with pytest.raises(Conflict) as caught:
            hold(unit)
        assert str(start.label) in caught.value.message


def test_hold_twice_and_unhold_of_a_free_unit_are_conflicts() -> None:
    with pytest.raises(Conflict, match="on hold already"):
        hold(UnitFactory(on_hold=True))
    with pytest.raises(Conflict, match="not on hold"):
        unhold(UnitFactory())


def test_a_recalled_unit_moves_to_hold_only() -> None:
    unit = UnitFactory(on_hold=True, recalled=True)

    with pytest.raises(Conflict, match="recalled"):
        unhold(unit)
    assert hold(UnitFactory(recalled=True)).status == "ON_HOLD"


@pytest.mark.parametrize("flag", ["consent_withdrawn", "typing_conflict"])
def test_a_blocked_unit_moves_away_from_use_only(flag: str) -> None:
    held = UnitFactory(on_hold=True, **{flag: True})
    declared = ImportBatchFactory(declaration="released before", user=UserFactory())
    waiting = UnitFactory(waiting=True, import_batch=declared, status_when_confirmed="LISTED", **{flag: True})

    for service, unit in ((unhold, held), (confirm, waiting)):
        with pytest.raises(Conflict) as caught:
            service(unit)
        assert caught.value.code == flag
    assert unhold(hold(waiting)).status == "QUARANTINE"
    assert hold(UnitFactory(**{flag: True})).status == "ON_HOLD"


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_flag_wins_over_the_state(flag: str, qa: User, coordinator: User) -> None:
    unit = UnitFactory(**{flag: True})
    units = CordBloodUnit.objects

    assert not unit.is_listed
    assert unit.plain_status == flag.upper()
    assert UnitFactory(on_hold=True, **{flag: True}).plain_status == "ON_HOLD"
    assert not units.listed().union(units.offered(), units.visible_to(coordinator)).exists()
    assert unit in units.visible_to(qa)


def test_rows_and_a_unit_agree_on_what_is_listed() -> None:
    UnitFactory()
    UnitFactory(status="RESERVED")
    UnitFactory(waiting=True)
    for flag in BLOCKS.keys() - {"held_for_confirmation"}:
        UnitFactory(**{flag: True})

    listed = set(CordBloodUnit.objects.listed())

    assert {unit for unit in CordBloodUnit.objects.all() if unit.is_listed} == listed
    assert len(listed) == 1


def test_an_adult_donor_is_no_unit_to_offer() -> None:
    UnitFactory(donor_type="adult")

    assert not CordBloodUnit.objects.offered().exists()


def test_a_partner_s_unit_is_not_ours_to_move() -> None:
    with pytest.raises(Conflict, match="partner"):
        hold(UnitFactory(source=Source.PARTNER))


def test_confirm_lists_the_unit_and_verifies_its_counts(qa: User, lab: User) -> None:
    batch = ImportBatchFactory(user=lab, declaration="released before")
    unit = UnitFactory(waiting=True, import_batch=batch, status_when_confirmed="LISTED")
    measured = MeasurementFactory(unit=unit, value=12, entered_by=lab)

    confirm(unit, Actor.user(qa))

    unit.refresh_from_db()
    measured.refresh_from_db()
    assert (unit.status, unit.held_for_confirmation, unit.held_reasons) == ("LISTED", False, [])
    assert (measured.verified_by, measured.verified_at is not None) == (qa, True)
    assert unit in CordBloodUnit.objects.searchable()


def test_confirm_by_the_system_verifies_nothing() -> None:
    unit = UnitFactory(waiting=True)
    measured = MeasurementFactory(unit=unit)

    confirm(unit)

    measured.refresh_from_db()
    assert measured.verified_by is None


def test_confirm_leaves_a_unit_where_its_file_wanted_it() -> None:
    assert confirm(UnitFactory(waiting=True, status_when_confirmed="QUARANTINE")).status == "QUARANTINE"


def test_who_imported_may_not_confirm(qa: User) -> None:
    unit = UnitFactory(waiting=True, import_batch=ImportBatchFactory(user=qa))

    with pytest.raises(NotAllowed, match="Somebody else"):
        confirm(unit, Actor.user(qa))


def test_who_typed_a_listed_value_after_the_import_may_not_confirm_and_nobody_lists_it(
    qa: User, lab: User
) -> None:
    batch = ImportBatchFactory(user=lab, declaration="released before", written_at=timezone.now())
    unit = UnitFactory(waiting=True, import_batch=batch, status_when_confirmed="LISTED")
    services_quality.measurement_record(
        unit_id=unit.pk, time_point="processing", analyte="tnc", value=900, actor=Actor.user(qa)
    )
    CordBloodUnit.objects.filter(pk=unit.pk).update(held_for_confirmation=True)

    with pytest.raises(NotAllowed) as caught:
        confirm(unit, Actor.user(qa))
    assert caught.value.code == "second_person"

    assert confirm(unit, Actor.user(UserFactory())).status == "QUARANTINE"


@pytest.mark.parametrize("code", sorted(services.NOT_CONFIRMABLE))
def test_a_missing_value_cannot_be_confirmed(code: str) -> None:
    unit = UnitFactory(waiting=True, held_reasons=[{"code": code, "params": {}}])

    with pytest.raises(Conflict, match="missing"):
        confirm(unit)


def test_confirm_where_nothing_waits() -> None:
    with pytest.raises(Conflict, match="No value"):
        confirm(UnitFactory())
    held = UnitFactory(waiting=True)
    hold(held)
    with pytest.raises(Conflict, match="No value"):
        confirm(held)


VALUES = {"tnc_e7_min": 30, "tnc_e7_max": 400, "cd34_percent_min": 0.05, "cd34_percent_max": 2}


def test_limits_are_changed_with_a_reason_and_an_entry() -> None:
    services.limits_update(values=VALUES, actor=SYSTEM, reason="new counter")

    assert services.load_limits().tnc_e7_min == 30
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["tnc_e7_max"]) == ("limits.update", 400)


@pytest.mark.parametrize(
    "change", [{"tnc_e7_min": 500}, {"tnc_e7_min": 0}, {"cd34_percent_min": 3}, {"cd34_percent_min": -1}]
)
def test_limits_must_be_ordered(change: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        services.limits_update(values=VALUES | change, actor=SYSTEM, reason="slip")
    assert not PlausibilityLimits.objects.exists()


def test_limits_without_a_row_are_the_defaults() -> None:
    limits = services.load_limits()

    assert (limits.tnc_e7_min, limits.tnc_e7_max) == (20, 500)
    assert (limits.cd34_percent_min, limits.cd34_percent_max) == (0.02, 3)
