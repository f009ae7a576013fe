"""Recalls: what is shown is what is signed, nothing moves forward, who is told, how a recall ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bank import services as bank_services
from bank import services_intake, services_lots, services_screening
from bank.choices import HAPPENED, STEPS_BACK, TRANSITIONS, MarkerResultValue, MarkerTest, UnitStatus
from bank.models import CordBloodUnit, Lot
from bank.services_lot_merge import lot_merge
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import ROLE_PERMISSIONS, Permission, Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.incidents import IncidentFactory, RecallFactory, lot_of, order_in
from tests.factories.reservations import ReservationFactory, in_days
from transplants import moving, services_recall
from transplants.affected import affected_by, csv_rows, stakes_of
from transplants.choices_orders import ORDER_TRANSITIONS, UNIT_IN, OrderState
from transplants.models import Incident, Recall, RecallUnit
from transplants.services_recall import Wanted, would_recall

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture
def qa(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Wu Qiang")
    return found


@pytest.fixture
def director(db: None) -> User:
    found: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Ye Hua")
    return found


def told(user: User) -> list[str]:
    rows = Notification.objects.filter(user=user).exclude(code="incident.opened")
    return sorted(rows.values_list("code", flat=True))


def start(user: User, *units: CordBloodUnit, lot: Lot | None = None, **values: Any) -> Recall:
    wanted = Wanted(unit_ids=[unit.pk for unit in units], lot_id=lot.pk if lot else None)
    shown = {
        "seen": would_recall(wanted).digest,
        "password": PASSWORD,
        "reason": "bags leak",
        "title": "bags",
    }
    return services_recall.recall_start(wanted=wanted, user=user, **{**shown, **values})


def is_recalled(unit: CordBloodUnit) -> bool:
    unit.refresh_from_db()
    return unit.recalled


# --- started --------------------------------------------------------------------------------------


def test_units_are_recalled_with_an_incident_of_their_own(qa: User) -> None:
    units = [UnitFactory(), UnitFactory(status="QUARANTINE")]

    row = start(qa, *units)

    assert all(is_recalled(unit) for unit in units)
    assert {one.status_then for one in row.units.all()} == {"LISTED", "QUARANTINE"}
    assert (row.incident.title, row.incident.kind, row.incident.units.count()) == ("bags", "event", 2)
    entries = AuditEntry.objects.filter(action="unit.recall")
    assert {entry.reason for entry in entries} == {f"{row.number}: bags leak"}
    assert [entry.after for entry in entries] == [{"recalled": True}] * 2
    assert AuditEntry.objects.get(action="recall.start").batch_rows == 2


def test_a_lot_is_recalled_with_every_unit_and_is_kept_from_use(qa: User) -> None:
    units = [UnitFactory() for _ in range(3)]
    lot, other = lot_of(*units), lot_of(UnitFactory(), number="B-78")

    row = start(qa, lot=lot)

    lot.refresh_from_db()
    assert {one.unit for one in row.units.all()} == set(units)
    assert (lot.is_blocked, lot.blocked_reason) == (True, f"{row.number}: bags leak")
    other.refresh_from_db()
    assert not other.is_blocked


def test_units_of_a_merged_lot_are_of_the_lot(qa: User) -> None:
    first, second = UnitFactory(), UnitFactory()
    kept, gone = lot_of(first), lot_of(second, number="B 77")
    lot_merge(lot_id=kept.pk, other="B 77", user=qa, password=PASSWORD, reason="a slip of the pen")

    row = start(qa, lot=kept)

    assert {one.unit for one in row.units.all()} == {first, second}
    with pytest.raises((Conflict, InvalidInput)):
        start(qa, lot=gone)


def test_under_an_incident_that_is_open(qa: User) -> None:
    incident, unit = IncidentFactory(units=[UnitFactory()]), UnitFactory()

    row = start(qa, unit, incident_id=incident.pk, title="")

    assert (row.incident, incident.units.count(), Incident.objects.count()) == (incident, 2, 1)
    closed = IncidentFactory(closed=True)
    with pytest.raises(Conflict, match="is closed"):
        start(qa, UnitFactory(), incident_id=closed.pk)


@pytest.mark.parametrize(("state", "rapid"), [("approved", False), ("shipped", True), ("infused", True)])
def test_what_has_left_the_bank_makes_a_rapid_alert(qa: User, state: str, rapid: bool) -> None:
    row = start(qa, order_in(state).unit)

    assert row.incident.rapid_alert is rapid
    assert row.incident.due_on == (in_days(1) if rapid else None)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"password": "wrong"}, "wrong_password"),
        ({"reason": " "}, "reason_needed"),
        ({"title": " "}, "title_missing"),
        ({"seen": "0" * 64}, "recall_changed"),
    ],
)
def test_a_recall_that_is_refused_changes_nothing(qa: User, values: dict[str, Any], code: str) -> None:
    unit = UnitFactory()

    with pytest.raises(DomainError) as refused:
        start(qa, unit, **values)

    assert refused.value.code == code
    assert not is_recalled(unit)
    assert not Recall.objects.exists()
    assert not Incident.objects.exists()


def test_nothing_and_what_is_unknown_and_what_is_a_partners_cannot_be_recalled(qa: User) -> None:
    for units, code in (
        ([], "units_needed"),
        ([UnitFactory.build(pk=uuid4())], "unit_unknown"),
        ([UnitFactory(source="partner")], "not_own"),
    ):
        with pytest.raises(DomainError) as refused:
            start(qa, *units)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        lambda unit: CordBloodUnit.objects.filter(pk=unit.pk).update(status="QUARANTINE"),
        lambda unit: ReservationFactory(unit=unit),
        lambda unit: order_in("approved", unit=unit),
    ],
)
def test_what_changed_meanwhile_is_shown_again(qa: User, change: Callable[[CordBloodUnit], Any]) -> None:
    unit = UnitFactory()
    seen = would_recall(Wanted(unit_ids=[unit.pk])).digest
    change(unit)

    with pytest.raises(Conflict) as refused:
        start(qa, unit, seen=seen)

    assert refused.value.code == "recall_changed"
    assert start(qa, unit).number


def test_a_lot_used_meanwhile_is_shown_again(qa: User) -> None:
    lot = lot_of(UnitFactory())
    seen = would_recall(Wanted(lot_id=lot.pk)).digest
    lot.uses.create(unit=UnitFactory(), step="freezing")

    with pytest.raises(Conflict, match="have changed"):
        start(qa, lot=lot, seen=seen)


def test_a_form_sent_twice_is_one_recall(qa: User) -> None:
    unit, key = UnitFactory(), uuid4()

    rows = {start(qa, unit, recall_id=key).pk for _ in range(2)}

    assert rows == {key}
    assert AuditEntry.objects.filter(action="unit.recall").count() == 1


@pytest.mark.parametrize("role", sorted(Role))
def test_who_may_recall(role: Role) -> None:
    user, unit = UserFactory(roles=[role]), UnitFactory()
    recall = RecallFactory(units=[unit])
    may = Permission.RECALL_START in ROLE_PERMISSIONS[role]

    acts: list[Callable[[], Any]] = [
        lambda: start(user, UnitFactory()),
        lambda: free(user, recall, unit),
    ]
    for act in acts:
        if may:
            act()
        else:
            with pytest.raises(NotAllowed):
                act()


def test_many_units_take_as_many_statements_as_few(qa: User) -> None:
    def statements(n: int) -> int:
        lot = lot_of(*[UnitFactory() for _ in range(n)], number=f"L-{n}")
        wanted = Wanted(lot_id=lot.pk)
        seen = would_recall(wanted).digest
        with CaptureQueriesContext(connection) as found:
            services_recall.recall_start(
                wanted=wanted, user=qa, seen=seen, password=PASSWORD, reason="r", title="t"
            )
        return len(found)

    statements(1)  # what is read once a person
    assert statements(3) == statements(40)


# --- nothing moves forward ------------------------------------------------------------------------

FORWARD = [
    (here, to)
    for here, ways in TRANSITIONS.items()
    for to in sorted(ways)
    if to not in HAPPENED
    and to not in (UnitStatus.ON_HOLD, UnitStatus.DISCARDED, UnitStatus.VOID)
    and (here, to) not in STEPS_BACK
]


@pytest.mark.parametrize(("here", "to"), FORWARD)
def test_no_recalled_unit_moves_forward(here: UnitStatus, to: UnitStatus) -> None:
    hold = {"status_before_hold": "LISTED", "hold_reason": "r"} if here == "ON_HOLD" else {}
    gone = {"discard_reason": "clots"} if here == "DISCARDED" else {}
    unit = UnitFactory(status=here, recalled=True, **hold, **gone)

    with pytest.raises(Conflict) as refused:
        bank_services.move(unit, to, actor=SYSTEM, action="unit.test", reason="r", fields={})

    assert refused.value.code == "recalled"


def test_the_walk_covers_what_it_should() -> None:
    """If the states change, the steps that count are still in it."""
    for step in (
        ("LISTED", "RESERVED"),
        ("RESERVED", "ORDERED"),
        ("ORDERED", "RELEASED"),
        ("RELEASED", "SHIPPED"),
        ("RETURNED_QA", "LISTED"),
        ("QUARANTINE", "LISTED"),
    ):
        assert step in {(str(here), str(to)) for here, to in FORWARD}


@pytest.mark.parametrize(
    ("here", "to"),
    [
        (here, to)
        for here, ways in ORDER_TRANSITIONS.items()
        for to in sorted(ways)
        if UNIT_IN.get(to) in (UnitStatus.ORDERED, UnitStatus.RELEASED, UnitStatus.SHIPPED)
        and (here, to) != (OrderState.RELEASED, OrderState.APPROVED)
    ],
)
def test_no_order_of_a_recalled_unit_moves_forward(here: OrderState, to: OrderState, qa: User) -> None:
    order = order_in(here)
    start(qa, order.unit)

    with pytest.raises(Conflict) as refused:
        moving.step(moving.locked_order(order.pk), to, actor=SYSTEM, action="order.test")

    order.refresh_from_db()
    assert (refused.value.code, order.state) == ("recalled", here)


@pytest.mark.parametrize(
    ("here", "to"),
    [("shipped", "delivered"), ("delivered", "infused"), ("delivered", "not_used"), ("released", "approved")],
)
def test_what_happened_outside_is_recorded_all_the_same(here: str, to: str, qa: User) -> None:
    order = order_in(here)
    start(qa, order.unit)

    with transaction.atomic():
        moving.step(moving.locked_order(order.pk), OrderState(to), actor=SYSTEM, action="order.test")

    order.refresh_from_db()
    assert order.state == to


def test_a_recalled_unit_leaves_what_is_on_offer(qa: User) -> None:
    unit = UnitFactory()
    assert CordBloodUnit.objects.searchable().filter(pk=unit.pk).exists()

    start(qa, unit)

    assert not CordBloodUnit.objects.searchable().filter(pk=unit.pk).exists()


# --- who is told ----------------------------------------------------------------------------------


def test_each_hospital_is_told_of_its_own(
    qa: User, director: User, he_lan: User, patient: Patient, tan_xi: User, own: Patient
) -> None:
    shipping = UserFactory(roles=[Role.SHIPPING])
    infused, kept = order_in("infused", patient=patient), ReservationFactory(active=True, patient=own)
    stranger = member_of(order_in("not_used").hospital)

    row = start(qa, infused.unit, kept.unit)

    assert (told(he_lan), told(tan_xi), told(stranger)) == (["recall.concerns"], ["recall.concerns"], [])
    assert (told(director), told(qa), told(shipping)) == (["recall.started"], [], [])
    params = Notification.objects.get(user=he_lan, code="recall.concerns").params
    assert (params["unit"], params["patient"]) == (infused.unit.public_no, patient.code)
    assert params["number"] == row.number


@pytest.mark.parametrize("state", sorted(OrderState))
def test_whose_stake_is_told(state: OrderState, qa: User) -> None:
    order = order_in(state)
    member, shipping = member_of(order.hospital), UserFactory(roles=[Role.SHIPPING])
    over = state in (OrderState.DECLINED, OrderState.WITHDRAWN)

    start(qa, order.unit)

    assert told(member) == ([] if over else ["recall.concerns"])
    assert told(shipping) == (["recall.stop"] if order.is_open else [])


def test_a_unit_that_came_back_concerns_its_hospital_no_more() -> None:
    order = order_in("not_used")
    assert [one.order for one in stakes_of([order.unit_id])] == [order]

    CordBloodUnit.objects.filter(pk=order.unit_id).update(status="RETURNED_QA")

    assert stakes_of([order.unit_id]) == []


def test_what_is_outside_the_bank_comes_first() -> None:
    orders = {state: order_in(state) for state in ("approved", "shipped", "infused", "delivered")}
    wish = ReservationFactory()
    keys = [order.unit_id for order in orders.values()] + [wish.unit_id]

    found = affected_by(keys)

    numbers = [orders[state].number for state in ("infused", "delivered", "shipped", "approved")]
    assert [one.number for one in found.stakes] == [*numbers, wish.number]
    assert [unit.status for unit in found.outside] == ["INFUSED", "DELIVERED", "SHIPPED"]
    assert sum(n for _status, n in found.by_status) == len(keys)
    assert len(list(csv_rows(found))) == len(keys)


# --- its end --------------------------------------------------------------------------------------


def lift(user: User, row: Recall, **values: Any) -> Recall:
    given = {"password": PASSWORD, "reason": "tested", **values}
    return services_recall.recall_lift(recall_id=row.pk, user=user, **given)


def free(user: User, row: Recall, unit: CordBloodUnit, **values: Any) -> Recall:
    given = {"password": PASSWORD, "reason": "tested", **values}
    return services_recall.recall_free_unit(recall_id=row.pk, unit_id=unit.pk, user=user, **given)


def test_another_person_lifts_it(qa: User, director: User, he_lan: User, patient: Patient) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    row = start(qa, kept.unit, UnitFactory())

    with pytest.raises(NotAllowed) as refused:
        lift(qa, row)
    done = lift(director, row)

    assert refused.value.code == "own_work"
    assert (done.is_on, done.lifted_by, done.lift_reason) == (False, director, "tested")
    assert not CordBloodUnit.objects.filter(recalled=True).exists()
    assert (told(qa), told(he_lan)) == (["recall.lifted"], ["recall.concerns", "recall.over"])
    with pytest.raises(Conflict, match="lifted already"):
        lift(director, row)


def test_a_lot_stays_blocked_when_its_recall_is_lifted(qa: User, director: User) -> None:
    lot = lot_of(UnitFactory())

    lift(director, start(qa, lot=lot))

    lot.refresh_from_db()
    assert lot.is_blocked


def test_a_unit_of_two_recalls_is_free_with_the_last(
    qa: User, director: User, he_lan: User, patient: Patient
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    first, second = start(qa, kept.unit), start(qa, kept.unit, title="another")

    lift(director, first)
    assert is_recalled(kept.unit)
    assert "recall.over" not in told(he_lan)
    lift(director, second)
    assert not is_recalled(kept.unit)
    assert "recall.over" in told(he_lan)


def test_one_unit_is_taken_out_and_the_last_one_lifts_it(qa: User, director: User) -> None:
    first, second = UnitFactory(), UnitFactory()
    row = start(qa, first, second)

    free(director, row, first)
    assert (is_recalled(first), is_recalled(second)) == (False, True)
    taken = RecallUnit.objects.get(recall=row, unit=first)
    assert (taken.freed_by, taken.free_reason) == (director, "tested")
    with pytest.raises(Conflict, match="not held"):
        free(director, row, first)
    with pytest.raises(NotAllowed):
        free(qa, row, second)
    done = free(director, row, second)
    assert (done.is_on, is_recalled(second)) == (False, False)


@pytest.mark.parametrize(
    ("values", "code"), [({"password": "wrong"}, "wrong_password"), ({"reason": ""}, "reason_needed")]
)
def test_an_end_that_is_refused_changes_nothing(
    qa: User, director: User, values: dict[str, Any], code: str
) -> None:
    unit = UnitFactory()
    row = start(qa, unit)

    for act in (lambda: lift(director, row, **values), lambda: free(director, row, unit, **values)):
        with pytest.raises(DomainError) as refused:
            act()
        assert refused.value.code == code
    assert is_recalled(unit)


class TestLaw(TestCase):
    """A unit is recalled as long as one recall holds it, whatever the order in which they begin and end."""

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=12))
    def test_the_flag_says_what_the_recalls_say(self, steps: list[tuple[int, int]]) -> None:
        qa, director = UserFactory(roles=[Role.QA]), UserFactory(roles=[Role.MEDICAL_DIRECTOR])
        units = [UnitFactory() for _ in range(3)]
        on: list[Recall] = []
        for place, act in steps:
            unit = units[place]
            if act < 2:
                on.append(start(qa, unit, units[(place + act) % 3]))
            elif on and act == 2:
                lift_one(director, on[place % len(on)])
            elif on:
                free_one(director, on[place % len(on)], unit)

            held = set(RecallUnit.objects.on().values_list("unit", flat=True))
            flagged = set(CordBloodUnit.objects.filter(recalled=True).values_list("pk", flat=True))
            assert flagged == held


def lift_one(user: User, row: Recall) -> None:
    if Recall.objects.on().filter(pk=row.pk).exists():
        lift(user, row)


def free_one(user: User, row: Recall, unit: CordBloodUnit) -> None:
    if RecallUnit.objects.on().filter(recall=row, unit=unit).exists():
        free(user, row, unit)


# --- a lot reaches further units ------------------------------------------------------------------


def merge(kept: Lot, gone: Lot, user: User) -> None:
    lot_merge(
        lot_id=kept.pk, other=gone.number, user=user, password=PASSWORD, reason="a slip", carry_block=True
    )


@pytest.mark.parametrize("recalled_is_kept", [True, False])
def test_a_lot_merged_under_a_running_recall_is_of_it(
    qa: User, director: User, he_lan: User, patient: Patient, signed_in: Any, recalled_is_kept: bool
) -> None:
    """Whichever of both was recalled: nobody had looked at the units of the other one."""
    of_recalled, infused = UnitFactory(), order_in("infused", patient=patient)
    lot, other = lot_of(of_recalled), lot_of(infused.unit, number="B-7l")
    row = start(qa, lot=lot)
    Notification.objects.all().delete()
    kept, gone = (lot, other) if recalled_is_kept else (other, lot)

    merge(kept, gone, director)

    assert is_recalled(infused.unit)
    assert {one.unit for one in row.units.all()} == {of_recalled, infused.unit}
    assert {one.unit for one in row.incident.units.all()} == {of_recalled, infused.unit}
    entry = AuditEntry.objects.get(action="recall.grow")
    assert (entry.after["outside"], entry.after["hospitals"]) == (1, [patient.hospital.code])
    assert entry.batch_rows == 1
    assert (told(he_lan), told(qa), told(director)) == (
        ["recall.concerns"],
        ["recall.grown"],
        ["recall.grown"],
    )
    row.incident.refresh_from_db()
    assert (row.incident.rapid_alert, row.incident.due_on) == (True, in_days(1))  # one is outside
    page = signed_in(qa).get(reverse("bank:lot-detail", args=[kept.pk])).content.decode()
    assert row.number in page  # also where it was of the name that is no lot any more


def test_a_use_noted_late_is_of_the_running_recall(qa: User, he_lan: User, patient: Patient) -> None:
    lot, kept = lot_of(UnitFactory()), ReservationFactory(active=True, patient=patient)
    row = start(qa, lot=lot)

    for _ in range(2):  # noted twice, it is one
        services_lots.lot_use_record(
            unit_id=kept.unit_id,
            kind="bag",
            number=lot.number,
            step="freezing",
            actor=SYSTEM,
            lot_reason="late",
        )

    assert is_recalled(kept.unit)
    assert row.units.count() == 2
    assert told(he_lan) == ["recall.concerns"]
    assert AuditEntry.objects.filter(action="recall.grow").count() == 1


def test_a_use_of_a_merged_name_is_of_the_recall(qa: User, director: User) -> None:
    """The recall is of the name that the lot had."""
    lot, other, late = lot_of(UnitFactory()), lot_of(UnitFactory(), number="B-7l"), UnitFactory()
    row = start(qa, lot=lot)
    merge(other, lot, director)

    services_lots.lot_use_record(
        unit_id=late.pk, kind="bag", number=other.number, step="freezing", actor=SYSTEM, lot_reason="late"
    )

    assert is_recalled(late)
    assert row.units.count() == 3


def test_a_step_that_was_made_with_a_recalled_lot_is_made(qa: User) -> None:
    """It happened: what is recalled goes no further, but that it was processed so is on record."""
    lot = lot_of(UnitFactory())
    start(qa, lot=lot)
    unit = UnitFactory(status="RECEIVED")

    services_intake.unit_process(
        unit_id=unit.pk,
        started_at=timezone.now(),
        processing_method="",
        bag_lot=lot.number,
        lot_reason="nothing else was there",
        actor=SYSTEM,
    )

    assert is_recalled(unit)
    assert unit.status == "PROCESSING"


def _culture(unit: CordBloodUnit, number: str) -> None:
    services_screening.culture_record(
        unit_id=unit.pk, kind="bacterial", result="growth", kit_lot=number, lot_reason="late", actor=SYSTEM,
        drawn=services_screening.Drawn(tested_on=timezone.localdate()),
    )  # fmt: skip


def _blood_group(unit: CordBloodUnit, number: str) -> None:
    services_screening.blood_group_record(
        unit_id=unit.pk, abo=unit.abo, rh=unit.rh, tested_on=timezone.localdate(), kit_lot=number,
        lot_reason="late", actor=SYSTEM,
    )  # fmt: skip


def _markers(unit: CordBloodUnit, number: str) -> None:
    given = services_screening.MarkerGiven(MarkerTest.HBS_AG, MarkerResultValue.NEGATIVE, kit_lot=number)
    services_screening.markers_record(
        unit_id=unit.pk, subject="unit", results=[given], lot_reason="late", actor=SYSTEM,
        drawn=services_screening.Drawn(tested_on=timezone.localdate()),
    )  # fmt: skip


@pytest.mark.parametrize("record", [_culture, _blood_group, _markers])
def test_a_result_by_a_recalled_kit_is_of_the_recall(
    qa: User, record: Callable[[CordBloodUnit, str], None]
) -> None:
    kit = lot_of(UnitFactory(), number="KIT-1")
    Lot.objects.update(kind="test_kit")
    start(qa, lot=kit)
    unit = UnitFactory()

    record(unit, kit.number)

    assert is_recalled(unit)


def test_a_recall_that_is_over_reaches_nothing(qa: User, director: User) -> None:
    lot, late = lot_of(UnitFactory()), UnitFactory()
    row = start(qa, lot=lot)
    services_recall.recall_lift(recall_id=row.pk, reason="tested", user=director, password=PASSWORD)

    services_lots.lot_use_record(
        unit_id=late.pk, kind="bag", number=lot.number, step="freezing", actor=SYSTEM, lot_reason="late"
    )

    assert not is_recalled(late)


def test_what_was_taken_out_stays_out(qa: User, director: User) -> None:
    first, second = UnitFactory(), UnitFactory()
    lot = lot_of(first, second)
    row = start(qa, lot=lot)
    free(director, row, first)

    services_lots.lot_use_record(
        unit_id=first.pk, kind="bag", number=lot.number, step="storage", actor=SYSTEM, lot_reason="late"
    )

    assert not is_recalled(first)
