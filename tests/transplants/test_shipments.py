"""Shipments at the bank: packing, the second person, dispatch, failure; every guard, nothing half-written."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank.models import CordBloodUnit, Slot
from bank.services_storage import unit_place
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.consent import declared
from tests.factories.core import UserFactory
from tests.factories.hospitals import member_of
from tests.factories.orders import ready
from tests.factories.reservations import in_days
from tests.factories.shipments import (
    HOUR,
    ReleasedOrderFactory,
    ShipmentFactory,
    ShipperFactory,
    in_hours,
    order_of,
    packing,
    shipping_person,
)
from tests.factories.storage import slot, tank
from transplants import services_shipments as services
from transplants import shipping
from transplants.models import (
    Charge,
    ExportPermit,
    Incident,
    Order,
    Price,
    Reservation,
    Shipment,
    ShipmentEvent,
    Shipper,
    UnitReturn,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


@pytest.fixture
def lin_bo(db: None) -> User:
    return shipping_person("Lin Bo")


def refused(work: Any, code: str, kind: type[DomainError] = DomainError, field: str | None = None) -> None:
    with pytest.raises(kind) as found:
        work()
    assert found.value.code == code
    assert found.value.message
    if field:
        assert found.value.field == field


def pack(order: Order, user: User, **values: Any) -> Shipment:
    shipper = values.pop("shipper", None) or ShipperFactory()
    return services.shipment_pack(order_id=order.pk, packing=packing(order, shipper, **values), user=user)


def test_a_released_unit_is_packed_and_what_was_valid_is_kept(xu_hai: User) -> None:
    order, shipper = ReleasedOrderFactory(), ShipperFactory(hold_hours=120)

    row = pack(order, xu_hai, shipper=shipper, tracking_url="https://courier.example/7")

    assert row.number.startswith(f"SH-{timezone.localdate():%Y}-")
    assert (row.hold_hours, row.validated_on) == (120, shipper.validated_on)
    assert (row.packed_by, row.checked_by, row.dispatched_at) == (xu_hai, None, None)
    assert row.hospital_id == order.hospital_id
    assert [event.kind for event in row.events.all()] == ["packed"]
    entry = AuditEntry.objects.get(action="shipment.pack")
    assert entry.after["waybill"] == "WB-7"
    order.refresh_from_db()
    assert (order.state, order.unit.status) == ("released", "RELEASED")  # it has not left


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"scanned": "ANOTHER-1"}, "unit_differs", "scanned"),
        ({"scanned": " \0 "}, "unit_differs", "scanned"),
        ({"logger_serial": " "}, "value_needed", "logger_serial"),
        ({"seals": ""}, "value_needed", "seals"),
        ({"courier": ""}, "value_needed", "courier"),
        ({"waybill": "\0"}, "value_needed", "waybill"),
        ({"charge_weight_kg": 0}, "weight_range", "charge_weight_kg"),
        ({"tracking_url": "javascript:alert(1)"}, "tracking_form", "tracking_url"),
    ],
)
def test_what_is_wrong_in_a_packing_is_said_beside_its_field(
    values: dict[str, Any], code: str, field: str, xu_hai: User
) -> None:
    order = ReleasedOrderFactory()

    refused(lambda: pack(order, xu_hai, **values), code, InvalidInput, field)

    assert not Shipment.objects.exists()
    assert not ShipmentEvent.objects.exists()


@pytest.mark.parametrize("hours", [-1, 24 * 32])
def test_the_arrival_lies_in_the_next_month(hours: int, xu_hai: User) -> None:
    order = ReleasedOrderFactory()
    refused(
        lambda: pack(order, xu_hai, expected_at=in_hours(hours)),
        "expected_range",
        InvalidInput,
        "expected_at",
    )


@pytest.mark.parametrize(("hold", "hours", "fits"), [(48, 47.5, True), (48, 49, False)])
def test_the_hold_time_is_as_long_as_the_way(hold: int, hours: float, fits: bool, xu_hai: User) -> None:
    order, shipper = ReleasedOrderFactory(), ShipperFactory(hold_hours=hold)

    def work() -> Shipment:
        return pack(order, xu_hai, shipper=shipper, expected_at=in_hours(hours))

    if fits:
        assert work().pk
    else:
        refused(work, "hold_time", InvalidInput, "shipper")


def test_the_hold_time_counts_from_the_charge_whatever_is_corrected(xu_hai: User) -> None:
    charged, shipper = in_hours(-30), ShipperFactory(hold_hours=72)
    order = ReleasedOrderFactory()
    given = {"charged_at": charged, "loaded_at": in_hours(-1), "expected_at": in_hours(41)}
    row = pack(order, xu_hai, shipper=shipper, **given)

    again = services.shipment_repack(
        shipment_id=row.pk, packing=packing(order, shipper, **given, waybill="WB-8"), user=xu_hai
    )

    assert (again.charged_at, again.loaded_at) == (charged, given["loaded_at"])
    assert again.packed_at > given["loaded_at"]
    assert shipping.holds_until(again) == charged + 72 * HOUR
    late = packing(order, shipper, **given | {"expected_at": in_hours(43)})
    refused(
        lambda: services.shipment_repack(shipment_id=row.pk, packing=late, user=xu_hai),
        "hold_time",
        InvalidInput,
        "shipper",
    )


def test_at_the_dispatch_too_the_hold_time_counts_from_the_charge(xu_hai: User) -> None:
    row = ShipmentFactory(checked=True, charged_at=in_hours(-200))  # holds 240 h, expected in 48

    refused(lambda: services.shipment_dispatch(shipment_id=row.pk, user=xu_hai), "hold_time", InvalidInput)


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"charged_at": 1}, "moment_future", "charged_at"),
        ({"loaded_at": 1}, "moment_future", "loaded_at"),
        ({"charged_at": -1, "loaded_at": -2}, "loaded_before", "loaded_at"),
    ],
)
def test_a_shipper_is_charged_then_loaded(
    values: dict[str, int], code: str, field: str, xu_hai: User
) -> None:
    given = {name: in_hours(hours) for name, hours in values.items()}
    refused(lambda: pack(ReleasedOrderFactory(), xu_hai, **given), code, InvalidInput, field)


def test_who_says_nothing_of_the_loading_keeps_what_was_said_of_the_same_shipper(xu_hai: User) -> None:
    order, shipper, loaded = ReleasedOrderFactory(), ShipperFactory(), in_hours(-2)
    row = pack(order, xu_hai, shipper=shipper, charged_at=in_hours(-3), loaded_at=loaded)

    def again(of: Shipper) -> Shipment:
        given = packing(order, of, charged_at=in_hours(-3), loaded_at=None, seals=f"S-{of.serial}")
        return services.shipment_repack(shipment_id=row.pk, packing=given, user=xu_hai)

    assert again(shipper).loaded_at == loaded
    assert again(ShipperFactory()).loaded_at > loaded


@pytest.mark.parametrize("days", [{"deliver_on": 1}, {"conditioning_on": 1, "deliver_on": 5}])
def test_a_late_arrival_is_confirmed(days: dict[str, int], xu_hai: User) -> None:
    order = ReleasedOrderFactory(**{name: in_days(day) for name, day in days.items()})

    refused(lambda: pack(order, xu_hai), "arrives_late", InvalidInput, "late_confirmed")
    assert not Shipment.objects.exists()
    assert pack(order, xu_hai, late_confirmed=True).pk


def test_after_the_day_of_the_infusion_nothing_is_sent(xu_hai: User) -> None:
    days = {"conditioning_on": in_days(0), "deliver_on": in_days(1), "infusion_on": in_days(1)}
    order = ReleasedOrderFactory(**days)

    refused(lambda: pack(order, xu_hai, late_confirmed=True), "after_infusion", InvalidInput, "expected_at")
    row = ShipmentFactory(checked=True, order=order)
    refused(lambda: services.shipment_dispatch(shipment_id=row.pk, user=xu_hai), "after_infusion")


@pytest.mark.parametrize("values", [{"active": False}, {"valid_until": 1}])
def test_a_shipper_is_valid_until_the_arrival(values: dict[str, Any], xu_hai: User) -> None:
    given = {name: in_days(value) if name == "valid_until" else value for name, value in values.items()}
    order, shipper = ReleasedOrderFactory(), ShipperFactory(**given)

    refused(lambda: pack(order, xu_hai, shipper=shipper), "shipper_not_valid", InvalidInput, "shipper")


@pytest.mark.parametrize("state", ["packed", "checked", "away"])
def test_a_shipper_is_packed_once(state: str, xu_hai: User) -> None:
    shipper = ShipperFactory()
    ShipmentFactory(shipper=shipper, **({} if state == "packed" else {state: True}))
    order = ReleasedOrderFactory()

    refused(lambda: pack(order, xu_hai, shipper=shipper), "shipper_in_use", Conflict, "shipper")


def test_a_shipper_is_free_again_once_it_arrived_or_the_release_was_revoked(xu_hai: User) -> None:
    shipper = ShipperFactory()
    ShipmentFactory(away=True, shipper=shipper, delivered_at=timezone.now())
    ShipmentFactory(shipper=shipper, order__state="approved", order__unit__status="ORDERED")

    assert pack(ReleasedOrderFactory(), xu_hai, shipper=shipper).pk


def test_the_database_keeps_a_shipper_from_being_away_twice() -> None:
    shipper = ShipperFactory()
    ShipmentFactory(away=True, shipper=shipper)

    with pytest.raises(IntegrityError, match="shipment_shipper_under_way"), transaction.atomic():
        ShipmentFactory(away=True, shipper=shipper)


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_blocked_unit_is_neither_packed_nor_checked_nor_dispatched(
    flag: str, xu_hai: User, lin_bo: User
) -> None:
    order = ReleasedOrderFactory()
    packed, checked = ShipmentFactory(), ShipmentFactory(checked=True)
    CordBloodUnit.objects.update(**{flag: True})
    code = "typing_conflict" if flag == "typing_conflict" else flag

    refused(lambda: pack(order, xu_hai), code, Conflict)
    refused(
        lambda: services.shipment_check(
            shipment_id=packed.pk, scanned=packed.order.unit.unit_no, user=lin_bo
        ),
        code,
        Conflict,
    )
    refused(lambda: services.shipment_dispatch(shipment_id=checked.pk, user=lin_bo), code, Conflict)
    assert Shipment.objects.filter(dispatched_at__isnull=False).count() == 0


@pytest.mark.parametrize("state", ["asked", "approved", "shipped", "delivered", "infused", "withdrawn"])
def test_only_a_released_order_is_packed(state: str, xu_hai: User) -> None:
    ended = {"ended_at": timezone.now(), "ended_by": "s"} if state in ("infused", "withdrawn") else {}
    order = ReleasedOrderFactory(state=state, **ended)

    refused(lambda: pack(order, xu_hai), "order_state", Conflict)


def test_a_form_that_is_sent_twice_packs_once_and_another_is_told_where_it_stands(
    xu_hai: User, lin_bo: User
) -> None:
    order, shipper = ReleasedOrderFactory(), ShipperFactory()
    at = in_hours(48)

    first, second = (pack(order, xu_hai, shipper=shipper, expected_at=at) for _ in range(2))

    assert first == second
    assert AuditEntry.objects.filter(action="shipment.pack").count() == 1
    refused(lambda: pack(order, lin_bo), "packed_already", Conflict)
    refused(lambda: pack(order, xu_hai, seals="S-9"), "packed_already", Conflict)


def test_a_packing_before_the_release_was_renewed_counts_no_more(xu_hai: User, lin_bo: User) -> None:
    row = ShipmentFactory(checked=True)
    Order.objects.update(released_at=timezone.now() - 0.5 * HOUR)

    refused(
        lambda: services.shipment_dispatch(shipment_id=row.pk, user=lin_bo), "packed_before_release", Conflict
    )
    again = pack(row.order, xu_hai)

    assert again.pk == row.pk
    assert (again.number, again.checked_by, again.packed_by) == (row.number, None, xu_hai)
    assert again.packed_at > row.order.released_at


# --- the second person ----------------------------------------------------------------------------


def test_another_person_reads_the_code_before_it_may_leave(xu_hai: User, lin_bo: User) -> None:
    row = pack(ReleasedOrderFactory(), xu_hai)
    code = row.order.unit.unit_no

    def check(user: User, scanned: str = code) -> Shipment:
        return services.shipment_check(shipment_id=row.pk, scanned=scanned, user=user)

    refused(lambda: check(xu_hai), "second_person", NotAllowed)
    refused(lambda: check(lin_bo, "U000000"), "unit_differs", InvalidInput, "scanned")
    assert check(lin_bo).checked_by == lin_bo
    assert check(lin_bo).checked_by == lin_bo  # the second click
    refused(lambda: check(shipping_person()), "checked_already", Conflict)
    assert AuditEntry.objects.filter(action="shipment.check").count() == 1


def test_the_database_knows_two_persons(xu_hai: User) -> None:
    with pytest.raises(IntegrityError, match="shipment_checked_by_another"), transaction.atomic():
        ShipmentFactory(packed_by=xu_hai, checked_by=xu_hai, checked_at=timezone.now())


def test_what_was_changed_is_looked_at_again(xu_hai: User, lin_bo: User) -> None:
    row, shipper = ShipmentFactory(checked=True), ShipperFactory()
    shown = row.updated_at

    changed = services.shipment_repack(
        shipment_id=row.pk, packing=packing(row.order, shipper, seals="S-90"), user=xu_hai, shown=shown
    )

    assert (changed.seals, changed.shipper, changed.checked_by) == ("S-90", shipper, None)
    refused(lambda: services.shipment_dispatch(shipment_id=row.pk, user=lin_bo), "not_checked", Conflict)
    stale = {"shipment_id": row.pk, "shown": shown, "user": lin_bo}
    refused(
        lambda: services.shipment_check(scanned=row.order.unit.unit_no, **stale), "shipment_changed", Conflict
    )
    refused(
        lambda: services.shipment_repack(packing=packing(row.order, shipper, seals="S-91"), **stale),
        "shipment_changed",
        Conflict,
    )
    refused(lambda: services.shipment_dispatch(**stale), "shipment_changed", Conflict)


def test_a_dispatched_one_is_not_packed_again(xu_hai: User) -> None:
    row = ShipmentFactory(away=True)

    refused(
        lambda: services.shipment_repack(
            shipment_id=row.pk, packing=packing(row.order, ShipperFactory()), user=xu_hai
        ),
        "order_state",
        Conflict,
    )


# --- dispatch -------------------------------------------------------------------------------------


def price(kind: str, amount: int) -> None:
    Price.objects.create(
        kind=kind, valid_from=in_days(-100), amount=amount, currency="CNY", entered_by=UserFactory()
    )


def permit(order: Order, days: int, country: str = "SG") -> None:
    ExportPermit.objects.create(
        order=order,
        permit_no="P-1",
        authority="A",
        country=country,
        valid_until=in_days(days),
        recorded_by=UserFactory(),
    )


@pytest.mark.parametrize(("days", "country"), [(None, "SG"), (-1, "SG"), (1, "SG"), (90, "MY")])
def test_without_a_permit_that_reaches_the_arrival_there_nothing_leaves_the_country(
    days: int | None, country: str, xu_hai: User
) -> None:
    row = ShipmentFactory(checked=True, order__country="SG")  # it arrives in two days
    if days is not None:
        permit(row.order, days, country)

    refused(lambda: services.shipment_dispatch(shipment_id=row.pk, user=xu_hai), "permit_over", Conflict)
    assert Order.objects.get().state == "released"


@pytest.mark.parametrize(("country", "kind"), [("CN", "shipment"), ("SG", "shipment_abroad")])
def test_it_leaves_the_tank_and_the_hospital_is_told_and_charged(
    country: str, kind: str, hospital: Hospital, he_lan: User, xu_hai: User
) -> None:
    tank()
    order = order_of(hospital, country=country, unit=UnitFactory(status="LISTED"))
    unit_place(unit_id=order.unit_id, slot_id=slot().pk, actor=Actor.system("test"))
    CordBloodUnit.objects.update(status="RELEASED")
    for fee in ("unit", "shipment", "shipment_abroad"):
        price(fee, 100)
    row = ShipmentFactory(checked=True, order=order)
    ready(order)
    if country != "CN":
        declared(order.unit.bank)
        permit(order, days=9)

    services.shipment_dispatch(shipment_id=row.pk, user=xu_hai, shown=row.updated_at)

    row.refresh_from_db()
    order.refresh_from_db()
    assert (order.state, CordBloodUnit.objects.get(pk=order.unit_id).status) == ("shipped", "SHIPPED")
    assert row.dispatched_at is not None
    assert slot().unit is None
    assert AuditEntry.objects.get(action="unit.take_out").reason == row.number
    charges = {charge.kind: charge.reference for charge in Charge.objects.all()}
    assert charges == {"unit": row.number, kind: row.number}
    assert Notification.objects.get(user=he_lan).code == "shipment.dispatched"
    assert Reservation.objects.get(pk=order.reservation_id).state == "active"


def test_a_unit_that_lies_nowhere_leaves_too(xu_hai: User) -> None:
    row = ShipmentFactory(checked=True)
    ready(row.order)
    Slot.objects.update(unit=None)

    services.shipment_dispatch(shipment_id=row.pk, user=xu_hai)

    assert not AuditEntry.objects.filter(action="unit.take_out").exists()


def test_two_clicks_dispatch_once_and_another_person_is_told(xu_hai: User, lin_bo: User) -> None:
    row = ShipmentFactory(checked=True)
    ready(row.order)

    for _ in range(2):
        services.shipment_dispatch(shipment_id=row.pk, user=xu_hai, shown=row.updated_at)

    assert AuditEntry.objects.filter(action="shipment.dispatch").count() == 1
    refused(lambda: services.shipment_dispatch(shipment_id=row.pk, user=lin_bo), "order_state", Conflict)


def test_what_was_right_when_it_was_packed_must_be_right_when_it_leaves(xu_hai: User) -> None:
    late, broken = ShipmentFactory(checked=True), ShipmentFactory(checked=True)
    Shipment.objects.filter(pk=late.pk).update(expected_at=timezone.now() - HOUR)
    broken.shipper.active = False
    broken.shipper.save()

    refused(lambda: services.shipment_dispatch(shipment_id=late.pk, user=xu_hai), "expected_past", Conflict)
    refused(lambda: services.shipment_dispatch(shipment_id=broken.pk, user=xu_hai), "shipper_not_valid")
    assert not Shipment.objects.filter(dispatched_at__isnull=False).exists()


def test_the_database_knows_that_it_is_checked_first() -> None:
    with pytest.raises(IntegrityError, match="shipment_checked_first"), transaction.atomic():
        ShipmentFactory(dispatched_at=timezone.now())


# --- failure --------------------------------------------------------------------------------------


def test_a_lost_shipment_ends_order_promise_and_fact_at_once(
    hospital: Hospital, he_lan: User, xu_hai: User
) -> None:
    order = order_of(hospital, state="shipped", unit=UnitFactory(status="SHIPPED"))
    row = ShipmentFactory(away=True, order=order)

    for _ in range(2):
        services.shipment_fail(shipment_id=row.pk, cause="lost", note="fell off the lorry", user=xu_hai)

    row.refresh_from_db()
    order.refresh_from_db()
    assert (order.state, order.end_reason) == ("failed", "Lost")
    assert (row.failure, row.failure_note) == ("lost", "fell off the lorry")
    assert CordBloodUnit.objects.get(pk=order.unit_id).status == "SHIPMENT_FAILED"
    back = UnitReturn.objects.get()
    assert (back.order_id, back.unit_id, back.cause, back.note) == (
        order.pk,
        order.unit_id,
        "lost",
        "fell off the lorry",
    )
    incident = Incident.objects.get()
    assert (incident.kind, incident.order_id, incident.hospital_id) == ("deviation", order.pk, hospital.pk)
    assert incident.units.get().unit_id == order.unit_id
    assert Reservation.objects.get(pk=order.reservation_id).end_cause == "returned"
    assert "shipment.failed" in Notification.objects.filter(user=he_lan).values_list("code", flat=True)
    assert AuditEntry.objects.filter(action="shipment.fail").count() == 1


@pytest.mark.parametrize(
    ("cause", "note", "code"),
    [("lost", " ", "note_needed"), ("refused", "x", "cause_unknown"), ("patient", "x", "cause_unknown")],
)
def test_a_failure_has_a_cause_of_the_bank_and_words(cause: str, note: str, code: str, xu_hai: User) -> None:
    row = ShipmentFactory(away=True)

    refused(
        lambda: services.shipment_fail(shipment_id=row.pk, cause=cause, note=note, user=xu_hai),
        code,
        InvalidInput,
    )
    assert not UnitReturn.objects.exists()


def test_what_has_not_left_or_has_arrived_does_not_fail(xu_hai: User) -> None:
    rows = [ShipmentFactory(checked=True), ShipmentFactory(away=True, order__state="delivered")]

    for row in rows:
        refused(
            lambda row=row: services.shipment_fail(shipment_id=row.pk, cause="lost", note="n", user=xu_hai),
            "order_state",
            Conflict,
        )
    assert not Incident.objects.exists()


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [role for role in Role if role != Role.SHIPPING])
def test_no_other_role_ships(role: Role, hospital: Hospital) -> None:
    user = member_of(hospital, role) if role.value.startswith("hospital") else UserFactory(roles=[role])
    order = order_of(hospital)
    packed, checked, away = ShipmentFactory(), ShipmentFactory(checked=True), ShipmentFactory(away=True)
    works = [
        lambda: pack(order, user),
        lambda: services.shipment_repack(
            shipment_id=packed.pk, packing=packing(packed.order, packed.shipper), user=user
        ),
        lambda: services.shipment_check(shipment_id=packed.pk, scanned=packed.order.unit.unit_no, user=user),
        lambda: services.shipment_dispatch(shipment_id=checked.pk, user=user),
        lambda: services.shipment_fail(shipment_id=away.pk, cause="lost", note="n", user=user),
    ]

    for work in works:
        refused(work, "not_yours", NotAllowed)


@pytest.mark.parametrize("broken", ["audit", "notices", "charge"])
def test_nothing_is_half_written(broken: str, xu_hai: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ShipmentFactory(checked=True)
    tank()
    CordBloodUnit.objects.update(status="LISTED")
    unit_place(unit_id=row.order.unit_id, slot_id=slot().pk, actor=Actor.system("test"))
    CordBloodUnit.objects.update(status="RELEASED")
    ready(row.order)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no")

    where = {
        "audit": "transplants.shipping.record",
        "notices": "core.notifications.notifications_create",
        "charge": "transplants.services_shipments.charge",
    }
    monkeypatch.setattr(where[broken], fail)

    with pytest.raises(RuntimeError), transaction.atomic():
        services.shipment_dispatch(shipment_id=row.pk, user=xu_hai)

    row.refresh_from_db()
    assert row.dispatched_at is None
    assert Order.objects.get(pk=row.order_id).state == "released"
    assert slot().unit_id == row.order.unit_id
