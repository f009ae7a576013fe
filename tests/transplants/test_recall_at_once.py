"""A recall and a step of the same unit at the same moment: no unit is unnoticed; two recalls and their ends agree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from bank.models import CordBloodUnit
from bank.services_lots import lot_use_record
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, User
from core.roles import Role
from hla.resolve import Resolver
from matching import inventory, reference
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.incidents import RecallFactory, lot_of, order_in
from tests.factories.matching import ListedUnitFactory
from tests.matching.snapshots import afresh
from tests.parallel import all_at_once, at_once
from transplants import moving, services_recall
from transplants.choices_orders import OrderState
from transplants.models import Incident, Recall, RecallUnit
from transplants.services_recall import Wanted, would_recall

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 6
SYSTEM = Actor.system("test")


def person(role: Role = Role.QA) -> User:
    found: User = UserFactory(roles=[role])
    return found


def recall(wanted: Wanted, user: User, **values: Any) -> Any:
    """What a person does: look, then sign what was shown."""
    given = {"reason": "r", "title": "t", "password": PASSWORD, "seen": would_recall(wanted).digest, **values}
    return partial(services_recall.recall_start, wanted=wanted, user=user, **given)


@transaction.atomic
def step(order_id: Any, to: OrderState) -> None:
    moving.step(moving.locked_order(order_id), to, actor=SYSTEM, action="order.test")


@pytest.mark.parametrize(("here", "to"), [("asked", "approved"), ("released", "shipped")])
def test_a_recall_and_a_step_forward(here: str, to: str) -> None:
    """Either the step is refused, or the recall sees that its page is old and lists the unit as it is now."""
    outcomes = set()
    for _ in range(ROUNDS):
        user, order = person(), order_in(here)
        wanted = Wanted(unit_ids=[order.unit_id])

        recalled, moved = all_at_once([recall(wanted, user), partial(step, order.pk, OrderState(to))])

        order.refresh_from_db()
        unit = CordBloodUnit.objects.get(pk=order.unit_id)
        if isinstance(moved, Conflict):  # the recall came first
            assert (moved.code, order.state, unit.recalled) == ("recalled", here, True)
            assert isinstance(recalled, Recall)
        else:  # the step came first: what was shown is not what is, and is shown again
            assert isinstance(recalled, Conflict)
            assert (recalled.code, order.state, unit.recalled) == ("recall_changed", to, False)
            again = recall(wanted, user)()
            assert again.units.get().status_then == unit.status
        outcomes.add(type(moved))
    assert outcomes <= {Conflict, type(None)}


def test_a_lot_and_a_use_of_it() -> None:
    """A unit on which it is used at that moment is in the recall, or the lot is blocked for it."""
    for turn in range(ROUNDS):
        user, unit = person(), UnitFactory(status="PROCESSING")
        lot = lot_of(UnitFactory(), number=f"AT-ONCE-{turn}")
        use = partial(
            lot_use_record, unit_id=unit.pk, kind="bag", number=lot.number, step="freezing", actor=SYSTEM
        )

        recalled, used = all_at_once([recall(Wanted(lot_id=lot.pk), user), use])

        lot.refresh_from_db()
        if isinstance(recalled, Conflict):
            assert recalled.code == "recall_changed"
            assert not lot.is_blocked
            assert recall(Wanted(lot_id=lot.pk), user)().units.count() == 2
        else:
            assert lot.is_blocked
            assert isinstance(used, Conflict)
            assert used.code == "lot_deviation"


def test_two_lifts_are_one() -> None:
    unit = UnitFactory()
    row = RecallFactory(units=[unit])
    people = [person() for _ in range(8)]

    found = all_at_once(
        [
            partial(
                services_recall.recall_lift, recall_id=row.pk, user=user, password=PASSWORD, reason="tested"
            )
            for user in people
        ]
    )

    assert [one.code for one in found if isinstance(one, Conflict)] == ["recall_lifted"] * 7
    assert AuditEntry.objects.filter(action="recall.lift").count() == 1


def test_the_end_of_one_recall_and_the_start_of_another() -> None:
    """The unit stays back whichever comes first."""
    for _ in range(ROUNDS):
        unit = UnitFactory()
        row = RecallFactory(units=[unit])
        lift = partial(
            services_recall.recall_lift, recall_id=row.pk, user=person(), password=PASSWORD, reason="tested"
        )

        lifted, started = all_at_once([lift, recall(Wanted(unit_ids=[unit.pk]), person())])

        assert isinstance(lifted, Recall)
        assert isinstance(started, Recall)
        assert CordBloodUnit.objects.get(pk=unit.pk).recalled
        assert RecallUnit.objects.on().filter(unit=unit).count() == 1


def test_the_ends_of_two_recalls_of_a_unit() -> None:
    for _ in range(ROUNDS):
        unit = UnitFactory()
        rows = [RecallFactory(units=[unit]) for _ in range(2)]

        found = all_at_once(
            [
                partial(
                    services_recall.recall_free_unit,
                    recall_id=row.pk,
                    unit_id=unit.pk,
                    user=person(),
                    password=PASSWORD,
                    reason="tested",
                )
                for row in rows
            ]
        )

        assert all(isinstance(one, Recall) for one in found)
        assert not CordBloodUnit.objects.get(pk=unit.pk).recalled


def test_recalls_of_overlapping_units_wait_for_one_another() -> None:
    """Whatever order the units are named in; with incidents of their own and an existing one, people told of all."""
    units = [UnitFactory() for _ in range(6)]
    keys = [unit.pk for unit in units]
    known = person()  # told of each
    incident = Incident.objects.create(
        number="IN-2020-9999", kind="event", title="t", what="w", happened_on="2020-01-01", opened_by="x"
    )
    works = [
        recall(Wanted(unit_ids=chosen), person(), **more)
        for chosen in (keys, keys[::-1], keys[2:], keys[:4][::-1])
        for more in ({}, {"incident_id": incident.pk, "title": ""})
    ]

    found = all_at_once(works)

    assert [one for one in found if not isinstance(one, Recall)] == []
    assert RecallUnit.objects.on().count() == 2 * (6 + 6 + 4 + 4)
    assert known.notifications.filter(code="recall.started").count() == len(works)
    numbers = sorted(Recall.objects.values_list("number", flat=True))
    assert [int(number[-4:]) for number in numbers] == list(range(1, len(works) + 1))


def test_a_form_sent_by_ten_clicks_is_one_recall_and_one_incident() -> None:
    unit, key = UnitFactory(), uuid4()

    found = at_once(recall(Wanted(unit_ids=[unit.pk]), person(), recall_id=key), 10)

    assert {one.pk for one in found} == {key}
    assert (Recall.objects.count(), Incident.objects.count()) == (1, 1)


@pytest.fixture
def resolver(settings: Any, tmp_path: Path) -> Iterator[Resolver]:
    """With a snapshot file of its own."""
    settings.VAR_DIR = tmp_path
    inventory.forget()
    yield reference.resolver()
    inventory.forget()


def test_a_recalled_unit_leaves_the_searches_and_comes_back(resolver: Resolver) -> None:
    """The snapshot of the searches follows the ledger."""
    unit = ListedUnitFactory()
    assert inventory.current(resolver).find(unit.pk.bytes) is not None

    row = recall(Wanted(unit_ids=[unit.pk]), person())()
    assert inventory.current(resolver).find(unit.pk.bytes) is None

    services_recall.recall_lift(recall_id=row.pk, user=person(), password=PASSWORD, reason="tested")
    found = inventory.current(resolver)
    assert found.find(unit.pk.bytes) is not None
    assert found.checksum == afresh(resolver).checksum
