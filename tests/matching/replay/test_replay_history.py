"""The inventory at an earlier number of the ledger, after each service that changes a unit and while others work."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

import bank.services as units
from bank.choices import BLOCKS, DonorType, UnitStatus
from bank.choices_stocks import SamplePurpose
from bank.confirming import shown
from bank.models import CordBloodUnit
from bank.querysets import OFFERED_BY, is_offered
from bank.services_kits import Kit, kit_issue
from bank.services_quality import measurement_record
from bank.services_samples import SEGMENTS, Use, Which, sample_use
from bank.services_screening import blood_group_record
from bank.services_typing import unit_typing_record
from core import audit
from core.audit import Actor
from core.typings import TypingInput
from matching import history, inventory, reference
from matching.engine.snapshot import Snapshot
from matching.history import Past, inventory_at
from tests.factories.bank import UnitFactory
from tests.factories.consent import ALL, consent_form
from tests.factories.matching import ACTOR, ListedUnitFactory, hla_columns
from tests.factories.stocks import discard
from tests.matching.replay.cases import imported

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit

HELD = {"status_before_hold": UnitStatus.LISTED, "hold_reason": "r"}


def restored(number: int) -> Snapshot:
    return inventory_at(Past.at(number), reference.resolver())


@transaction.atomic
def made(**values: Any) -> CordBloodUnit:
    unit: CordBloodUnit = ListedUnitFactory(**values)
    return unit


def by(**values: Any) -> dict[str, Any]:
    return {"actor": ACTOR, "reason": "r", **values}


SERVICES: dict[str, tuple[dict[str, Any], Callable[[CordBloodUnit], Any]]] = {
    "unit_hold": ({}, lambda unit: units.unit_hold(unit_id=unit.pk, **by())),
    "unit_unhold": (
        {"status": UnitStatus.ON_HOLD, **HELD},
        lambda unit: units.unit_unhold(unit_id=unit.pk, **by()),
    ),
    "unit_confirm_values": (
        {"status": UnitStatus.QUARANTINE, "held_for_confirmation": True, "tnc_e7": 12.25},
        lambda unit: units.unit_confirm_values(unit_id=unit.pk, **by(shown=shown(unit).digest)),
    ),
    "unit_population_change": (
        {"populations": "HAN"},
        lambda unit: units.unit_population_change(unit_id=unit.pk, **by(populations="UIG")),
    ),
}


WAITS = {"status": UnitStatus.QUARANTINE}
DAY = dt.date(2024, 5, 6)
SEGMENT, TYPED = Which(*SEGMENTS), Use(purpose=SamplePurpose.CONFIRMATORY)
OF_THE_LABORATORY: dict[str, tuple[dict[str, Any], Callable[[CordBloodUnit], Any]]] = {
    "units_import": ({}, lambda unit: imported()),
    "blood_group_record": (
        WAITS,
        lambda unit: blood_group_record(unit_id=unit.pk, abo="B", rh="+", tested_on=DAY, actor=ACTOR),
    ),
    "measurement_record": (
        {**WAITS, "counts_invented": True},
        lambda unit: measurement_record(
            unit_id=unit.pk, time_point="processing", analyte="tnc", value=99, actor=ACTOR
        ),
    ),
    "unit_typing_record": (
        WAITS,
        lambda unit: unit_typing_record(
            unit_id=unit.pk, given=TypingInput(values={"A": ("A*02:01", "A*03:01")}), actor=ACTOR
        ),
    ),
    "sample_use": (
        {"segments": 3},
        lambda unit: sample_use(unit_id=unit.pk, which=SEGMENT, use=TYPED, actor=ACTOR),
    ),
    "discard": ({}, discard),
    "kit_issue": (
        {},
        lambda unit: kit_issue(
            bank_id=unit.bank_id,
            kit=Kit(
                unit_no="NEW",
                bag_id="B",
                consented_on=DAY,
                answers=ALL,
                form_id=consent_form().pk,
            ),
            actor=ACTOR,
        ),
    ),
}


def test_every_service_that_changes_units_is_tried_here() -> None:
    """A new service has to show that the ledger lets its change be taken back."""
    services = {
        name
        for name, one in vars(units).items()
        if name.startswith(("unit_", "units_")) and getattr(one, "__module__", "") == "bank.services"
    }

    assert services == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES | OF_THE_LABORATORY)
def test_what_a_service_changed_is_taken_back(name: str) -> None:
    values, service = (SERVICES | OF_THE_LABORATORY)[name]
    unit = made(cd34_e6=3.456, abo="A", rh="-", **values)
    made()
    before = inventory.build(reference.resolver())
    then = CordBloodUnit.objects.filter(pk=unit.pk).values(*history.WATCHED).get()
    number = audit.ledger_head()

    service(unit)

    assert audit.ledger_head() > number
    past = Past.at(number)
    found = inventory_at(past, reference.resolver())
    assert (found.checksum, found.origin.ledger_number) == (before.checksum, number)
    assert found.origin.ledger_mark == before.origin.ledger_mark
    assert [row for row in past.rows() if row["pk"] == unit.pk] in ([then], [])


def test_many_changes_of_one_unit_leave_its_first_values() -> None:
    unit = made(tnc_e7=100)
    before, number = inventory.build(reference.resolver()), audit.ledger_head()

    units.unit_hold(unit_id=unit.pk, **by())
    units.unit_unhold(unit_id=unit.pk, **by())
    middle = audit.ledger_head()
    discard(unit)

    assert restored(number).checksum == before.checksum
    assert restored(middle).checksum == before.checksum
    assert len(restored(audit.ledger_head())) == 0


def test_every_column_of_the_inventory_comes_back() -> None:
    """Also those that no service changes yet."""
    columns = hla_columns("A*02:01+A*01:01^B*07:02+B*08:01^C*07:01^DRB1*03:01+DRB1*15:01^DQB1*02:01")
    new = columns | {
        "tnc_e7": 99.125,
        "cd34_e6": None,
        "collected_on": None,
        "abo": "AB",
        "rh": "+",
        "status": "QUARANTINE",
        "populations": "UIG",
        "donor_type": "adult",
        **dict.fromkeys(BLOCKS, True),
    }
    unit = made(cd34_e6=4.1)
    before, number = inventory.build(reference.resolver()), audit.ledger_head()
    with transaction.atomic():
        old = CordBloodUnit.objects.filter(pk=unit.pk).values(*new).get()
        CordBloodUnit.objects.filter(pk=unit.pk).update(**new)
        audit.record(actor=ACTOR, action="unit.change", target=unit, before=old, after=new)

    assert len(inventory.build(reference.resolver())) == 0
    assert restored(number).checksum == before.checksum


def test_what_commits_while_rows_are_read_is_taken_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = made(), made()
    before, number = inventory.build(reference.resolver()), audit.ledger_head()
    units.unit_hold(unit_id=first.pk, **by())
    honest, waiting = Past.rows, [second]

    def disturbed(self: Past) -> Any:
        while waiting:
            units.unit_hold(unit_id=waiting.pop().pk, **by())
            imported()
        return honest(self)

    monkeypatch.setattr(Past, "rows", disturbed)

    assert restored(number).checksum == before.checksum
    assert waiting == []


def test_the_ledger_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "LEDGER_PAGE", 1)
    monkeypatch.setattr(history, "CHUNK", 1)
    found = [made() for _ in range(3)]
    before, number = inventory.build(reference.resolver()), audit.ledger_head()
    for unit in found:
        units.unit_hold(unit_id=unit.pk, **by())

    assert restored(number).checksum == before.checksum


def test_the_rule_for_values_is_the_rule_for_rows() -> None:
    rng = random.Random(7)
    states = [
        UnitStatus.LISTED,
        UnitStatus.RESERVED,
        UnitStatus.QUARANTINE,
        UnitStatus.SHIPPED,
        UnitStatus.VOID,
    ]
    for _ in range(60):
        blocks = {flag: rng.random() < 0.15 for flag in BLOCKS}
        status = UnitStatus.QUARANTINE if blocks["held_for_confirmation"] else rng.choice(states)
        UnitFactory(status=status, donor_type=rng.choice(DonorType.values), **blocks)

    rows = list(CordBloodUnit.objects.values("pk", *OFFERED_BY))
    offered = {row["pk"] for row in rows if is_offered(row)}

    assert offered == set(CordBloodUnit.objects.offered().values_list("pk", flat=True))
    assert 0 < len(offered) < 60


def test_an_entry_about_a_unit_that_changes_nothing_of_it_is_passed() -> None:
    unit = made()
    before, number = inventory.build(reference.resolver()), audit.ledger_head()
    with transaction.atomic():
        after = {"gl": "A*02:01", "searches": 1}
        audit.record(actor=Actor.system("x"), action="prediction.confirm", target=unit, after=after)

    assert restored(number).checksum == before.checksum
