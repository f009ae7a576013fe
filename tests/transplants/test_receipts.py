"""What happens on the way and at its end: events, temperature records, the checklist of the hospital."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank.models import CordBloodUnit
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.shipments import (
    ASKED,
    HOUR,
    ShipmentFactory,
    away_to,
    found_well,
    in_hours,
    logger_csv,
    record_of,
    shipping_person,
)
from transplants import services_loggers, services_shipments
from transplants import services_receipts as services
from transplants.models import (
    Incident,
    LoggerFile,
    Order,
    Receipt,
    Shipment,
    ShipmentEvent,
    ShippingRules,
    UnitReturn,
)
from transplants.services_receipts import ANSWERS, Happened

pytestmark = pytest.mark.django_db


@pytest.fixture
def xu_hai(db: None) -> User:
    return shipping_person("Xu Hai")


@pytest.fixture
def row(hospital: Hospital) -> Shipment:
    """Under way to the hospital of He Lan."""
    return away_to(hospital)


def refused(work: Any, code: str, kind: type[DomainError] = DomainError, field: str | None = None) -> None:
    with pytest.raises(kind) as found:
        work()
    assert found.value.code == code
    assert found.value.message
    if field:
        assert found.value.field == field


# --- events ---------------------------------------------------------------------------------------


def add(row: Shipment, user: User, kind: str, **values: Any) -> ShipmentEvent:
    happened = Happened(kind=kind, **{"at": timezone.now(), **values})
    return services.event_add(shipment_id=row.pk, happened=happened, user=user)


def test_a_handover_says_who_gave_it_to_whom(row: Shipment, xu_hai: User) -> None:
    key = uuid4()

    events = [
        add(row, xu_hai, "handover", handed_by="Xu", taken_by="Pilot", place="PVG", event_id=key)
        for _ in "12"
    ]

    assert {event.pk for event in events} == {key}
    assert row.events.count() == 1
    assert AuditEntry.objects.get(action="shipment.event").after["taken_by"] == "Pilot"


@pytest.mark.parametrize(
    ("kind", "values", "code", "field"),
    [
        ("handover", {"handed_by": "Xu"}, "person_needed", "taken_by"),
        ("handover", {"taken_by": "Xu"}, "person_needed", "handed_by"),
        ("delayed", {}, "note_needed", "note"),
        ("other", {}, "note_needed", "note"),
        ("packed", {}, "kind_closed", "kind"),
        ("dispatched", {}, "kind_closed", "kind"),
        ("arrived", {}, "kind_closed", "kind"),
        ("returned", {}, "kind_closed", "kind"),
        ("nonsense", {}, "kind_closed", "kind"),
        ("customs", {"at": timezone.now() + HOUR}, "moment_future", "at"),
        ("customs", {"at": timezone.now() - 5 * HOUR}, "moment_before", "at"),
        ("delayed", {"note": "fog", "expected_at": timezone.now() - HOUR}, "expected_range", "expected_at"),
    ],
)
def test_an_event_that_cannot_be(
    kind: str, values: dict[str, Any], code: str, field: str, row: Shipment, xu_hai: User
) -> None:
    refused(lambda: add(row, xu_hai, kind, **values), code, InvalidInput, field)
    assert not ShipmentEvent.objects.exists()


def test_the_minute_of_the_dispatch_is_not_before_it(row: Shipment, xu_hai: User) -> None:
    assert row.dispatched_at is not None
    event = add(row, xu_hai, "customs", at=row.dispatched_at.replace(second=0, microsecond=0))

    assert event.at == row.dispatched_at


def test_before_it_left_nothing_happens_on_the_way(xu_hai: User) -> None:
    refused(lambda: add(ShipmentFactory(checked=True), xu_hai, "customs"), "not_dispatched", Conflict)


def test_a_delay_moves_the_arrival_and_the_hospital_is_told(
    row: Shipment, xu_hai: User, he_lan: User
) -> None:
    later = in_hours(72)

    add(row, xu_hai, "delayed", note="fog", expected_at=later)

    row.refresh_from_db()
    assert row.expected_at == later
    assert Notification.objects.get(user=he_lan).code == "shipment.delayed"
    entry = AuditEntry.objects.get(action="shipment.event")
    assert set(entry.before) == {"expected_at"}


@pytest.mark.parametrize("hours", [24 * 6, 24 * 12])  # after the conditioning began; after the infusion
def test_a_delay_past_the_days_of_the_order_is_asked_about_and_told_by_a_notice_of_its_own(
    hours: int, row: Shipment, xu_hai: User, he_lan: User
) -> None:
    later = in_hours(hours)
    given = {"note": "fog", "expected_at": later}

    refused(lambda: add(row, xu_hai, "delayed", **given), "arrives_late", InvalidInput, "late_confirmed")
    assert not Notification.objects.filter(user=he_lan).exists()
    add(row, xu_hai, "delayed", **given, late_confirmed=True)

    row.refresh_from_db()
    assert row.expected_at == later
    assert Notification.objects.get(user=he_lan).code == "shipment.late"


def test_another_kind_moves_no_arrival(row: Shipment, xu_hai: User) -> None:
    before = row.expected_at

    add(row, xu_hai, "customs", expected_at=in_hours(99))

    row.refresh_from_db()
    assert row.expected_at == before


def test_after_its_end_the_shipper_comes_back_and_no_delay_any_more(hospital: Hospital, xu_hai: User) -> None:
    row = away_to(hospital, delivered_at=timezone.now())

    assert add(row, xu_hai, "returned").kind == "returned"
    refused(lambda: add(row, xu_hai, "delayed", note="n"), "kind_closed", InvalidInput, "kind")


def test_the_database_keeps_both_names_of_a_handover(row: Shipment, xu_hai: User) -> None:
    with pytest.raises(IntegrityError, match="shipment_handed_from_to"), transaction.atomic():
        ShipmentEvent.objects.create(shipment=row, kind="handover", at=timezone.now(), entered_by=xu_hai)


# --- temperature records --------------------------------------------------------------------------


def keep(row: Shipment, user: User, data: bytes, name: str = "log.csv") -> LoggerFile:
    return services_loggers.logger_add(shipment_id=row.pk, name=name, data=data, asked=ASKED, user=user)


def test_a_record_is_read_judged_and_kept_encrypted(row: Shipment, xu_hai: User) -> None:
    data = record_of(row, [-190.0, -185.5])

    first, second = keep(row, xu_hai, data), keep(row, xu_hai, data, "other name.csv")

    assert first == second
    assert (first.verdict, first.min_c, first.max_c, first.minutes_above) == ("within", -190.0, -185.5, 0)
    assert (first.form, first.limit_c, first.name) == ("Elitech", -150.0, "log.csv")
    assert first.read_as["zone"] == "Asia/Shanghai"
    assert data not in bytes(LoggerFile.objects.get().content)
    assert services_loggers.logger_open(file=first, user=xu_hai)[1] == data
    assert AuditEntry.objects.filter(action="shipment.logger").count() == 1
    assert AuditEntry.objects.filter(action="shipment.logger_open").count() == 1


@pytest.mark.parametrize(
    ("start", "end", "temperatures", "verdict"),
    [
        (-1, 0, [-190.0, -140.0], "above"),
        (-1, 0, [-190.0], "within"),
        (0.7, 0, [-190.0], "incomplete"),  # begins too late
        (-3, -2, [-190.0], "incomplete"),  # another way
        (-3, -2, [-10.0], "incomplete"),  # warm, and not of this way
        (-1, -0.2, [20.0, 20.0, 20.0, 20.0, 20.0], "above"),
        (-0.2, 0, [-190.0], "incomplete"),  # not of the hour in which it stood packed
        (-1, 0, [-120.0, *[-190.0] * 19], "above"),  # while it stood packed
    ],
)
def test_verdicts(
    start: float, end: float, temperatures: list[float], verdict: str, hospital: Hospital, xu_hai: User
) -> None:
    left = timezone.now() - 2 * HOUR
    row = away_to(hospital, dispatched_at=left, packed_at=left - HOUR, checked_at=left)
    data = logger_csv(left + start * HOUR, timezone.now() + end * HOUR, temperatures)
    if verdict == "incomplete" and start == -3:
        data = logger_csv(left + start * HOUR, left - 2 * HOUR, temperatures)

    assert keep(row, xu_hai, data).verdict == verdict


def test_the_rules_of_the_bank_are_kept_with_the_file(row: Shipment, xu_hai: User) -> None:
    ShippingRules.objects.create(limit_c=-120.0)

    file = keep(row, xu_hai, record_of(row, [-140.0]))
    ShippingRules.objects.update(limit_c=-150.0)

    assert (file.verdict, file.limit_c) == ("within", -120.0)


def test_hospital_and_shipping_bring_records_and_nobody_else(row: Shipment, he_lan: User) -> None:
    assert keep(row, he_lan, record_of(row)).uploaded_by == he_lan
    others = [member_of(HospitalFactory()), UserFactory(roles=[Role.QA])]

    for user in others:
        refused(partial(keep, row, user, record_of(row, note="2")), "not_yours", NotAllowed)


def test_a_record_before_the_way_began(xu_hai: User) -> None:
    row, data = ShipmentFactory(checked=True), logger_csv(timezone.now() - HOUR, timezone.now())

    refused(lambda: keep(row, xu_hai, data), "not_dispatched", Conflict)


def test_what_is_wrong_in_a_file_names_line_and_cure(row: Shipment, xu_hai: User) -> None:
    data = b"Time,Temperature (C)\n2026-11-01 10:00,-190\nsoon,-190\n2026-11-01 10:20,cold\n"

    with pytest.raises(InvalidInput) as found:
        keep(row, xu_hai, data)

    assert "Line 3: “soon” is no moment." in found.value.message
    assert "Line 4: “cold” is no temperature." in found.value.message
    assert [one["line"] for one in found.value.details] == [3, 4]
    assert not LoggerFile.objects.exists()


def test_of_many_wrong_lines_the_first_are_named(row: Shipment, xu_hai: User) -> None:
    data = "Time,Temperature (C)\n" + "\n".join(f"2026-11-01 10:{n:02d},cold" for n in range(9))

    with pytest.raises(InvalidInput, match=r"And 4 lines more\."):
        keep(row, xu_hai, data.encode())


def test_a_file_that_was_changed_in_the_store_is_not_given_out(row: Shipment, xu_hai: User) -> None:
    file = keep(row, xu_hai, record_of(row))
    LoggerFile.objects.update(sha256="0" * 64)

    refused(lambda: services_loggers.logger_open(file=file, user=xu_hai), "file_changed", Conflict)


# --- receipt --------------------------------------------------------------------------------------


def receive(row: Shipment, user: User, **values: Any) -> Receipt:
    return services.shipment_receive(shipment_id=row.pk, received=found_well(row, **values), user=user)


def state_of(row: Shipment) -> tuple[str, str]:
    order = Order.objects.get(pk=row.order_id)
    return order.state, CordBloodUnit.objects.get(pk=order.unit_id).status


def test_all_is_well(row: Shipment, he_lan: User, xu_hai: User) -> None:
    receipts = [receive(row, he_lan) for _ in "12"]

    row.refresh_from_db()
    assert receipts[0] == receipts[1]
    assert state_of(row) == ("delivered", "DELIVERED")
    assert row.delivered_at == receipts[0].received_at
    assert [event.kind for event in row.events.all()] == ["arrived"]
    assert Notification.objects.get(user=xu_hai).code == "shipment.delivered"
    assert AuditEntry.objects.filter(action="shipment.receive").count() == 1
    assert not Incident.objects.exists()


def test_a_deviation_is_taken_and_opens_an_incident(row: Shipment, he_lan: User, xu_hai: User) -> None:
    qa = UserFactory(roles=[Role.QA])

    receive(row, he_lan, acceptance="deviation", seals_intact="no", deviation="seal S-1 was broken")

    assert state_of(row) == ("delivered", "DELIVERED")
    incident = Incident.objects.get()
    assert (incident.kind, incident.what) == ("deviation", "seal S-1 was broken")
    codes = set(Notification.objects.filter(user=xu_hai).values_list("code", flat=True))
    assert codes == {"shipment.deviation"}
    assert Notification.objects.get(user=qa).code == "incident.opened"


def test_a_refused_unit_has_failed_and_comes_back(row: Shipment, he_lan: User, xu_hai: User) -> None:
    receive(row, he_lan, acceptance="refused", bag_intact="no", deviation="the bag is torn")

    row.refresh_from_db()
    assert state_of(row) == ("failed", "SHIPMENT_FAILED")
    assert (row.failure, row.delivered_at) == ("refused", None)
    back = UnitReturn.objects.get()
    assert (back.cause, back.note, back.reported_by) == ("refused", "the bag is torn", he_lan)
    assert Incident.objects.count() == 1
    assert "shipment.failed" in Notification.objects.filter(user=xu_hai).values_list("code", flat=True)


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"scanned": "U999999"}, "unit_differs", "scanned"),
        ({"scanned": ""}, "unit_differs", "scanned"),
        ({"identity_right": "no"}, "identity_open", "identity_right"),
        (
            {"identity_right": "not_checked", "acceptance": "deviation", "deviation": "d"},
            "identity_open",
            None,
        ),
        ({"acceptance": "deviation"}, "deviation_needed", "deviation"),
        ({"acceptance": "refused", "deviation": " \0"}, "deviation_needed", "deviation"),
        ({"deviation": "all well"}, "deviation_named", "acceptance"),
        ({"acceptance": "maybe"}, "acceptance_needed", "acceptance"),
        ({"bag_intact": "perhaps"}, "answer_needed", "bag_intact"),
        ({"received_at": timezone.now() + HOUR}, "moment_future", "received_at"),
        ({"received_at": timezone.now() - 9 * HOUR}, "moment_before", "received_at"),
        *(
            ({name: answer}, "not_all_yes", "acceptance")
            for name in ANSWERS
            if name != "identity_right"
            for answer in ("no", "not_checked")
        ),
    ],
)
def test_a_checklist_that_contradicts_itself(
    values: dict[str, Any], code: str, field: str | None, row: Shipment, he_lan: User
) -> None:
    refused(lambda: receive(row, he_lan, **values), code, InvalidInput, field)

    assert not Receipt.objects.exists()
    assert state_of(row) == ("shipped", "SHIPPED")


def test_another_unit_is_refused_and_what_was_read_is_on_record(row: Shipment, he_lan: User) -> None:
    receive(
        row,
        he_lan,
        identity_right="no",
        acceptance="refused",
        scanned="U-OTHER",
        deviation="another bag",
    )

    assert AuditEntry.objects.get(action="shipment.receive").after["scanned"] == "U-OTHER"


@pytest.mark.parametrize("reads", ["din", "spaced", "scanner"])
def test_the_code_may_be_scanned_or_typed(reads: str, row: Shipment, he_lan: User) -> None:
    CordBloodUnit.objects.filter(pk=row.order.unit_id).update(din="A999914123458")
    text = {"din": "A999914123458J", "spaced": "A9999 14 123458 J", "scanner": "]C0=A99991412345800"}[reads]

    assert receive(row, he_lan, scanned=text).acceptance == "accepted"


def test_a_record_above_the_limit_forbids_to_accept_without_deviation(
    row: Shipment, he_lan: User, xu_hai: User
) -> None:
    keep(row, xu_hai, record_of(row, [-190.0, -120.0]))

    refused(lambda: receive(row, he_lan), "logger_above", Conflict, "temperature_held")
    assert not Receipt.objects.exists()
    given = {"acceptance": "deviation", "deviation": "too warm", "temperature_held": "no"}
    assert receive(row, he_lan, **given).acceptance == "deviation"


@pytest.mark.parametrize("acceptance", ["deviation", "refused"])
def test_no_other_deviation_hides_what_a_record_shows(
    acceptance: str, row: Shipment, he_lan: User, xu_hai: User
) -> None:
    keep(row, xu_hai, record_of(row, [-190.0, -120.0]))
    given = {"acceptance": acceptance, "deviation": "papers missing", "papers_complete": "no"}

    refused(lambda: receive(row, he_lan, **given), "logger_above", Conflict, "temperature_held")
    receive(row, he_lan, **given, temperature_held="not_checked")

    incident = Incident.objects.get()
    (note,) = incident.notes.all()
    assert "papers missing" in note.text
    assert "-120.0" in note.text
    assert not note.inner


def test_a_warm_record_on_the_way_opens_an_incident_at_once(
    row: Shipment, he_lan: User, xu_hai: User
) -> None:
    qa = UserFactory(roles=[Role.QA])

    keep(row, xu_hai, record_of(row, [-190.0, -120.0]))

    incident = Incident.objects.get()
    assert (incident.kind, incident.order_id, incident.hospital_id) == (
        "deviation",
        row.order_id,
        row.hospital_id,
    )
    assert "-120.0" in incident.what
    told = [set(Notification.objects.filter(user=one).values_list("code", flat=True)) for one in (he_lan, qa)]
    assert told == [{"incident.opened", "shipment.deviation"}, {"incident.opened"}]


def test_a_record_is_judged_anew_once_the_end_is_known(
    hospital: Hospital, he_lan: User, xu_hai: User
) -> None:
    """Warm before dispatch and after receipt is not the way; a record that ended early covers it no more."""
    left = timezone.now() - 5 * HOUR
    row = away_to(hospital, dispatched_at=left, packed_at=left - HOUR, checked_at=left)
    until_now = record_of(row)
    warm = logger_csv(timezone.now() - HOUR * 0.3, timezone.now(), [20.0]).split(b"\n", 2)[2]
    arrived = timezone.now() - HOUR
    early = keep(row, xu_hai, logger_csv(left - HOUR, left + 2 * HOUR))
    whole = keep(row, xu_hai, logger_csv(left - HOUR, arrived) + b"\n" + warm)
    assert until_now
    assert (early.verdict, whole.verdict) == ("within", "above")

    receive(row, he_lan, received_at=arrived - dt.timedelta(minutes=10))

    verdicts = {file.pk: file.verdict for file in LoggerFile.objects.all()}
    assert (verdicts[early.pk], verdicts[whole.pk]) == ("incomplete", "within")


def test_a_record_that_comes_later_and_was_too_warm_opens_an_incident(
    row: Shipment, he_lan: User, xu_hai: User
) -> None:
    receive(row, he_lan)
    data = record_of(row, [-100.0])

    for _ in "12":
        assert keep(row, he_lan, data).verdict == "above"

    incident = Incident.objects.get()
    assert "-100" in incident.what
    assert "had confirmed" in incident.what
    assert not incident.notes.exists()  # the second click
    assert "shipment.deviation" in Notification.objects.filter(user=xu_hai).values_list("code", flat=True)


@pytest.mark.parametrize("acceptance", ["deviation", "refused"])
def test_a_warm_record_of_what_had_a_deviation_is_noted_in_its_incident_and_both_sides_are_told(
    acceptance: str, row: Shipment, he_lan: User, xu_hai: User
) -> None:
    qa = UserFactory(roles=[Role.QA])
    receive(row, he_lan, acceptance=acceptance, deviation="ice on the lid")
    Notification.objects.all().delete()

    keep(row, xu_hai, record_of(row, [-100.0]))

    (note,) = Incident.objects.get().notes.all()
    assert "-100.0" in note.text
    told = [set(Notification.objects.filter(user=one).values_list("code", flat=True)) for one in (he_lan, qa)]
    assert told == [{"incident.noted", "shipment.deviation"}, {"incident.noted"}]


def test_where_the_incident_is_closed_a_warm_record_opens_another(row: Shipment, he_lan: User) -> None:
    receive(row, he_lan, acceptance="deviation", deviation="ice on the lid")
    closed = {
        "state": "closed",
        "closed_by": he_lan,
        "closed_at": timezone.now(),
        "cause": "c",
        "measures": "m",
    }
    Incident.objects.update(**closed)

    keep(row, he_lan, record_of(row, [-100.0]))

    assert Incident.objects.open().count() == 1


@pytest.mark.parametrize("role", list(Role))
def test_only_the_own_hospital_receives(role: Role, row: Shipment, hospital: Hospital) -> None:
    is_hospital = role.value.startswith("hospital")
    user = member_of(HospitalFactory(), role) if is_hospital else UserFactory(roles=[role])

    refused(lambda: receive(row, user), "not_yours", NotAllowed)
    if is_hospital:
        assert receive(row, member_of(hospital, role)).pk


def test_what_has_not_left_or_has_ended_is_not_received(
    hospital: Hospital, he_lan: User, xu_hai: User
) -> None:
    failed = away_to(hospital)
    services_shipments.shipment_fail(shipment_id=failed.pk, cause="lost", note="n", user=xu_hai)
    delivered = away_to(hospital)
    receive(delivered, member_of(hospital))

    for row in (failed, delivered):
        refused(partial(receive, row, he_lan), "order_state", Conflict)


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn"])
def test_what_has_happened_is_recorded_whatever_flag_the_unit_has(
    flag: str, row: Shipment, he_lan: User
) -> None:
    CordBloodUnit.objects.update(**{flag: True})

    refused(lambda: receive(row, he_lan), "unit_blocked", Conflict, "acknowledged")
    assert not Receipt.objects.exists()
    receive(row, he_lan, acknowledged=True)

    assert state_of(row) == ("delivered", "DELIVERED")
    incident = Incident.objects.get()
    assert (incident.kind, incident.order_id) == ("event", row.order_id)
    assert "must not be used" in incident.title


def test_a_blocked_unit_is_refused_without_more(row: Shipment, he_lan: User) -> None:
    CordBloodUnit.objects.update(recalled=True)

    receive(row, he_lan, acceptance="refused", deviation="it is recalled")

    assert state_of(row) == ("failed", "SHIPMENT_FAILED")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"acceptance": "accepted", "bag_intact": "no"}, "receipt_accepted_whole"),
        ({"acceptance": "deviation"}, "receipt_deviation_named"),
        ({"acceptance": "accepted", "deviation": "d"}, "receipt_deviation_named"),
        ({"acceptance": "deviation", "identity_right": "no", "deviation": "d"}, "receipt_of_the_ordered"),
    ],
)
def test_the_database_keeps_the_promises_of_a_receipt(
    values: dict[str, Any], name: str, row: Shipment, he_lan: User
) -> None:
    answers: dict[str, Any] = dict.fromkeys(ANSWERS, "yes")

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Receipt.objects.create(
            shipment=row, received_by=he_lan, received_at=timezone.now(), **answers | values
        )


@pytest.mark.parametrize("broken", ["incident", "notices", "step"])
def test_nothing_is_half_written(
    broken: str, row: Shipment, he_lan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no")

    where = {
        "incident": "transplants.incidents.opened",
        "notices": "core.notifications.notifications_create",
        "step": "transplants.moving.step",
    }
    monkeypatch.setattr(where[broken], fail)

    with pytest.raises(RuntimeError), transaction.atomic():
        receive(row, he_lan, acceptance="deviation", deviation="ice")

    assert not Receipt.objects.exists()
    assert not ShipmentEvent.objects.exists()
    assert state_of(row) == ("shipped", "SHIPPED")
