"""Units that were not used or never arrived: told of, taken back, decided on by two people of two roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank import services_disposal
from bank.models import CordBloodUnit, Slot
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import MeasurementFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.grafts import (
    blocked_lot_on,
    decider,
    delivered,
    hours_ago,
    logger_file,
    not_used,
    order_in,
    put_into_a_slot,
    status_of,
)
from tests.factories.hospitals import PatientFactory, member_of
from transplants import services_returns as services
from transplants.choices_orders import OrderState
from transplants.loggers.reading import Asked
from transplants.models import Incident, IncidentUnit, LoggerFile, Receipt, Reservation, UnitReturn
from transplants.relisting import checks_of, open_checks
from transplants.services_loggers import logger_add

pytestmark = pytest.mark.django_db


@pytest.fixture
def qa(db: None) -> User:
    return decider(Role.QA, full_name="Qiu An")


@pytest.fixture
def director(db: None) -> User:
    return decider(Role.MEDICAL_DIRECTOR, full_name="Mo Di")


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).values_list("code", flat=True))


def propose(row: UnitReturn, user: User, decision: str = "discarded", **given: Any) -> UnitReturn:
    plain = {"password": PASSWORD, "reason": "too warm", "decision": decision}
    return services.return_propose(order_id=row.pk, user=user, **{**plain, **given})


def second(row: UnitReturn, user: User, **given: Any) -> UnitReturn:
    row.refresh_from_db()
    plain = {"password": PASSWORD, "seen": services.digest_of(row)}
    return services.return_second(order_id=row.pk, user=user, **{**plain, **given})


def stored(row: UnitReturn) -> UnitReturn:
    put_into_a_slot(row.unit)
    return row


# --- not used


def report(order: Any, user: User, **given: Any) -> UnitReturn:
    plain = {"cause": "patient", "note": "fever", "thawed": False}
    return services.graft_not_used(order_id=order.pk, user=user, **{**plain, **given})


def test_a_unit_that_was_not_used_ends_order_and_promise(
    patient: Patient, he_lan: User, shen_jia: User, qa: User
) -> None:
    order, shipping = delivered(patient=patient), decider(Role.SHIPPING)

    row = report(order, he_lan)

    order.refresh_from_db()
    assert (order.state, status_of(order.unit), order.end_reason) == ("not_used", "NOT_USED", "fever")
    promise = Reservation.objects.get(pk=order.reservation_id)
    assert (promise.state, promise.end_cause) == ("ended", "returned")
    assert (row.cause, row.thawed, row.reported_by) == ("patient", False, he_lan)
    assert [told(one) for one in (shen_jia, qa, shipping)] == [["graft.not_used"]] * 3
    entry = AuditEntry.objects.get(action="return.report")
    assert (entry.target_type, entry.hospital_id) == ("transplants.UnitReturn", order.hospital_id)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"cause": "lost"}, "cause_unknown", "cause"),
        ({"cause": "boredom"}, "cause_unknown", "cause"),
        ({"cause": "thaw"}, "thaw_not_said", "thawed"),
        ({"note": "  \0 "}, "reason_needed", "note"),
    ],
)
def test_what_is_said_of_it_has_to_fit(
    given: dict[str, Any], code: str, field: str, patient: Patient, he_lan: User
) -> None:
    order = delivered(patient=patient)

    with pytest.raises(InvalidInput) as refused:
        report(order, he_lan, **given)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert (status_of(order.unit), UnitReturn.objects.count()) == ("DELIVERED", 0)


@pytest.mark.parametrize("state", [one for one in OrderState if one != OrderState.DELIVERED])
def test_only_a_delivered_unit_is_reported(state: OrderState, patient: Patient, he_lan: User) -> None:
    order = order_in(state, patient=patient)

    with pytest.raises(Conflict) as refused:
        report(order, he_lan)
    assert (refused.value.code, UnitReturn.objects.count()) == ("order_state", 0)


@pytest.mark.parametrize("role", list(Role))
def test_the_hospital_of_the_order_says_so_and_nobody_else(role: Role, patient: Patient) -> None:
    order = delivered(patient=patient)
    with pytest.raises(NotAllowed):
        report(order, member_of(PatientFactory().hospital, role))
    inside = member_of(order.hospital, role)

    if role in (Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN):
        assert report(order, inside).reported_by == inside
    else:
        with pytest.raises(NotAllowed):
            report(order, inside)


# --- back in the house


def arrive(row: UnitReturn, user: User, **given: Any) -> UnitReturn:
    plain = {"scanned": row.unit.unit_no, "returned_at": hours_ago(0.1), "bag_intact": "yes"}
    return services.unit_returned(order_id=row.pk, user=user, **{**plain, **given})


@pytest.mark.parametrize("state", ["not_used", "failed"])
@pytest.mark.parametrize("role", [Role.SHIPPING, Role.QA, Role.MEDICAL_DIRECTOR])
def test_a_unit_that_is_back_is_under_review(state: str, role: Role, qa: User) -> None:
    row, user = not_used(state=state), decider(role)

    row = arrive(row, user)

    assert (status_of(row.unit), row.bag_intact, row.returned_by) == ("RETURNED_QA", "yes", user)
    assert told(qa) == ["graft.returned"]
    with pytest.raises(Conflict) as refused:
        arrive(row, user)
    assert refused.value.code == "back_already"


def test_a_recalled_unit_comes_back_too(qa: User) -> None:
    row = not_used()
    CordBloodUnit.objects.filter(pk=row.unit_id).update(recalled=True)

    arrive(row, qa)

    assert status_of(row.unit) == "RETURNED_QA"


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"scanned": "U999999"}, "unit_differs", "scanned"),
        ({"returned_at": hours_ago(-5)}, "returned_in_future", "returned_at"),
        ({"returned_at": hours_ago(60)}, "returned_before_leaving", "returned_at"),
        ({"bag_intact": ""}, "answer_missing", "bag_intact"),
    ],
)
def test_what_came_back_is_scanned_and_looked_at(
    given: dict[str, Any], code: str, field: str, qa: User
) -> None:
    row = not_used()

    with pytest.raises(InvalidInput) as refused:
        arrive(row, qa, **given)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert status_of(row.unit) == "NOT_USED"


def test_a_unit_of_which_nobody_said_that_it_comes_back(qa: User) -> None:
    with pytest.raises(Conflict) as refused:
        services.unit_returned(
            order_id=delivered().pk, user=qa, scanned="U", returned_at=timezone.now(), bag_intact="yes"
        )
    assert refused.value.code == "no_return"


@pytest.mark.parametrize("role", list(Role))
def test_who_may_take_back_propose_and_second(role: Role) -> None:
    """A role that may not is refused at each of the steps."""
    user = decider(role)
    acts: list[tuple[frozenset[Role], Callable[[], Any]]] = [
        (TAKES, lambda: arrive(not_used(), user)),
        (DECIDES, lambda: propose(not_used(back=True), user)),
        (DECIDES, lambda: second(proposed_by_the_other(role), user)),
        (DECIDES, lambda: services.return_withdraw(order_id=proposed().pk, user=user, reason="r")),
    ]
    for may, act in acts:
        if role in may:
            act()
            continue
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.code == "not_yours"


DECIDES = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})
TAKES = DECIDES | {Role.SHIPPING}


def proposed(role: Role = Role.QA, decision: str = "discarded") -> UnitReturn:
    return propose(not_used(back=True), decider(role), decision)


def proposed_by_the_other(role: Role) -> UnitReturn:
    return proposed(Role.MEDICAL_DIRECTOR if role == Role.QA else Role.QA)


# --- the decision


def test_two_people_of_two_roles_discard_it(qa: User, director: User) -> None:
    row = stored(not_used(back=True, cause="temperature"))

    propose(row, qa)
    assert status_of(row.unit) == "RETURNED_QA"  # nothing moves by one signature
    assert (told(director), told(qa)) == (["graft.proposed"], [])
    row = second(row, director)

    unit = CordBloodUnit.objects.get(pk=row.unit_id)
    assert (unit.status, unit.discard_reason) == ("DISCARDED", "temperature")
    assert not Slot.objects.filter(unit=unit).exists()
    assert (row.decided_by, row.seconded_by) == (qa, director)
    entry = AuditEntry.objects.get(action="return.decide")
    assert (entry.after, entry.reason) == ({"decision": "discarded"}, "too warm")


def test_a_listable_unit_is_on_offer_again(qa: User, director: User) -> None:
    row = stored(not_used(back=True, listable=True))
    assert open_checks(row) == []

    propose(row, director, "listed")
    second(row, qa)

    assert status_of(row.unit) == "LISTED"
    assert AuditEntry.objects.get(action="unit.relist").reason == "too warm"


def test_it_goes_to_research_only_with_the_mothers_consent(qa: User) -> None:
    with pytest.raises(Conflict) as refused:
        propose(not_used(back=True), qa, "research")
    assert refused.value.code == "no_research_consent"


def _break(row: UnitReturn, code: str) -> None:
    """What makes one condition of being listed again fail."""
    unit = CordBloodUnit.objects.filter(pk=row.unit_id)
    shipment = row.order.shipment
    {
        "never_thawed": lambda: UnitReturn.objects.filter(pk=row.pk).update(thawed=True),
        "cause": lambda: UnitReturn.objects.filter(pk=row.pk).update(cause="temperature"),
        "logger_within": lambda: logger_file(shipment, (74, 60, -190), (59.9, 59, -120), (58.9, 0.2, -190)),
        "logger_reaches": lambda: logger_file(shipment, (74, 30, -190), (29.9, 29, -120), (28.9, 0.2, -190)),
        "temperature_at_hospital": lambda: _answered(temperature_held="not_checked"),
        "seals_at_hospital": lambda: _answered(seals_intact="no"),
        "bag_at_hospital": lambda: _answered(bag_intact="no"),
        "bag_at_bank": lambda: UnitReturn.objects.filter(pk=row.pk).update(bag_intact="not_checked"),
        "flags": lambda: unit.update(typing_conflict=True),
        "incidents": lambda: IncidentUnit.objects.create(incident=_incident(), unit=row.unit),
        "lots": lambda: blocked_lot_on(row.unit),
        "results": lambda: MeasurementFactory(unit=row.unit),
        "stored": lambda: Slot.objects.filter(unit=row.unit).update(unit=None),
    }[code]()


def _answered(**answer: str) -> None:
    Receipt.objects.update(acceptance="deviation", deviation="cracked", **answer)


def _incident() -> Incident:
    row: Incident = Incident.objects.create(
        number="IN-2020-0001", kind="deviation", title="t", what="w", happened_on="2026-01-01", opened_by="T"
    )
    return row


CODES = [
    "never_thawed",
    "cause",
    "logger_within",
    "logger_reaches",
    "temperature_at_hospital",
    "seals_at_hospital",
    "bag_at_hospital",
    "bag_at_bank",
    "flags",
    "incidents",
    "lots",
    "results",
    "stored",
]


def test_the_conditions_are_these(db: None) -> None:
    assert sorted(one.code for one in checks_of(not_used(back=True))) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_one_condition_that_is_not_met_keeps_a_unit_from_being_listed(
    code: str, qa: User, director: User
) -> None:
    row = stored(not_used(back=True, listable=True))
    propose(row, qa, "listed")
    if code == "never_thawed":  # the table says so, too
        with pytest.raises(IntegrityError), transaction.atomic():
            _break(row, code)
        services.return_withdraw(order_id=row.pk, user=qa, reason="r")
        _break(row, code)
        with pytest.raises(Conflict) as refused:
            propose(row, qa, "listed")
    else:
        _break(row, code)
        with pytest.raises(Conflict) as refused:
            second(row, director)

    if code == "flags":  # the bank's own guard names the flag first
        assert (refused.value.code, refused.value.details) == ("typing_conflict", [])
    else:
        assert refused.value.code == "not_listable"
        assert [one["code"] for one in refused.value.details] == [code]
    assert [one.code for one in open_checks(UnitReturn.objects.get(pk=row.pk))] == [code]
    assert status_of(row.unit) == "RETURNED_QA"
    row.refresh_from_db()
    assert row.seconded_at is None


@pytest.mark.parametrize("cause", ["temperature", "damaged", "thaw"])
def test_what_was_spoilt_is_not_listed(cause: str, qa: User) -> None:
    row = stored(not_used(back=True, listable=True, cause=cause))

    assert [one.code for one in open_checks(row)] == ["cause"]


THERE = (74.0, 47.9, -190.0)  # from before the loading until after the receipt


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([[(74.0, 0.2, -190.0)]], []),
        ([[THERE], [(48.2, 0.4, -190.0)]], []),  # one file there, another back
        ([[THERE], [(48.2, 20.0, -190.0)], [(20.2, 0.4, -190.0)]], []),  # read out on the way
        ([[THERE]], ["logger_reaches"]),
        ([[THERE], [(48.2, 1.5, -190.0)]], ["logger_reaches"]),  # ends before it was back
        ([[THERE], [(46.0, 0.4, -190.0)]], ["logger_reaches"]),  # begins after it had left
        ([[(74.0, 30.0, -190.0), (29.0, 0.2, -190.0)]], ["logger_reaches"]),  # holed
        ([[(74.0, 30.0, -190.0), (29.9, 29.0, -120.0), (28.9, 0.2, -190.0)]], ["logger_reaches"]),  # warm
        ([[(74.0, 0.2, -190.0)], [(47.0, 46.0, -149.9)]], ["logger_reaches"]),  # one of two was warm
        ([[(74.0, 0.2, -190.0)], [(74.0, 60.0, -149.9)]], ["logger_within"]),
        ([], ["logger_within", "logger_reaches"]),
    ],
)
def test_there_and_back_it_was_cold_at_every_moment(
    files: list[list[tuple[float, float, float]]], found: list[str], qa: User
) -> None:
    row = stored(not_used(back=True))
    for stretches in files:
        logger_file(row.order.shipment, *stretches)

    assert [one.code for one in open_checks(UnitReturn.objects.get(pk=row.pk))] == found


def test_a_warm_record_of_the_way_back_opens_an_incident_even_once_it_is_on_offer(
    qa: User, director: User
) -> None:
    row = stored(not_used(back=True, listable=True))
    propose(row, director, "listed")
    second(row, qa)
    assert status_of(row.unit) == "LISTED"
    lines = ["Time (UTC),Temperature (°C)"]
    lines += [f"{hours_ago(hours):%Y-%m-%d %H:%M:%S},-100" for hours in (20, 19.9)]

    logger_add(
        shipment_id=row.order.shipment.pk,
        name="second.csv",
        data="\n".join(lines).encode(),
        asked=Asked(zone=dt.UTC),
        user=decider(Role.SHIPPING),
    )

    incident = Incident.objects.get()
    assert "-100.0" in incident.what
    assert [one.unit_id for one in incident.units.all()] == [row.unit_id]
    assert "incident.opened" in told(qa)


def test_a_record_that_was_read_wrongly_says_nothing(qa: User) -> None:
    row = stored(not_used(back=True, listable=True))
    wrong = logger_file(row.order.shipment, (74.0, 0.2, -20.0))
    assert len(open_checks(UnitReturn.objects.get(pk=row.pk))) == 2

    LoggerFile.objects.filter(pk=wrong.pk).update(
        voided_at=timezone.now(), voided_by=qa, void_reason="°F, not °C"
    )

    assert open_checks(UnitReturn.objects.get(pk=row.pk)) == []


def test_a_unit_that_no_hospital_received_is_not_listed(qa: User) -> None:
    row = stored(not_used(back=True, listable=True))
    Receipt.objects.all().delete()

    assert [one.code for one in open_checks(UnitReturn.objects.get(pk=row.pk))] == [
        "logger_reaches",
        "temperature_at_hospital",
        "seals_at_hospital",
        "bag_at_hospital",
    ]


def test_nobody_seconds_the_own_proposal(qa: User) -> None:
    both = UserFactory(roles=[Role.QA, Role.MEDICAL_DIRECTOR])
    row = propose(not_used(back=True), both)

    with pytest.raises(NotAllowed) as refused:
        second(row, both)
    assert refused.value.code == "own_work"
    assert second(row, qa).seconded_by == qa  # who proposed is medical director, too


def test_two_of_one_role_are_not_enough(qa: User) -> None:
    row = propose(not_used(back=True), qa)

    with pytest.raises(NotAllowed) as refused:
        second(row, decider(Role.QA))
    assert (refused.value.code, status_of(row.unit)) == ("other_role", "RETURNED_QA")


def test_a_wrong_password_signs_nothing(qa: User, director: User) -> None:
    row = not_used(back=True)
    with pytest.raises(NotAllowed):
        propose(row, qa, password="no")
    row.refresh_from_db()
    assert row.decision == ""

    propose(row, qa)
    with pytest.raises(NotAllowed):
        second(row, director, password="no")
    assert status_of(row.unit) == "RETURNED_QA"


def test_what_was_not_shown_is_not_signed(qa: User, director: User) -> None:
    row = propose(not_used(back=True), qa)
    seen = services.digest_of(row)
    services.return_withdraw(order_id=row.pk, user=qa, reason="another reason")
    propose(row, qa, reason="another reason")

    with pytest.raises(Conflict) as refused:
        second(row, director, seen=seen)
    assert refused.value.code == "proposal_changed"


def test_a_proposal_is_withdrawn_and_another_made(qa: User, director: User) -> None:
    row = propose(not_used(back=True), qa)

    with pytest.raises(Conflict) as refused:
        propose(row, director)
    assert refused.value.code == "proposed_already"
    services.return_withdraw(order_id=row.pk, user=director, reason="let us ask first")
    with pytest.raises(Conflict):
        services.return_withdraw(order_id=row.pk, user=director, reason="again")
    with pytest.raises(Conflict):
        second(row, director)
    propose(row, director, "discarded")

    before = AuditEntry.objects.get(action="return.withdraw").before or {}
    assert before["decision"] == "discarded"


@pytest.mark.parametrize(("decision", "reason"), [("sold", "r"), ("", "r"), ("discarded", " ")])
def test_a_proposal_says_what_and_why(decision: str, reason: str, qa: User) -> None:
    with pytest.raises(InvalidInput):
        propose(not_used(back=True), qa, decision, reason=reason)


def test_nothing_is_decided_before_it_is_back(qa: User) -> None:
    row = not_used()

    with pytest.raises(Conflict) as refused:
        propose(row, qa)
    assert refused.value.code == "not_back"


def test_what_is_decided_stays_decided(qa: User, director: User) -> None:
    row = propose(not_used(back=True), qa)
    second(row, director)

    for act in (
        lambda: propose(row, qa),
        lambda: second(row, director),
        lambda: services.return_withdraw(order_id=row.pk, user=qa, reason="r"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "decided_already"


def test_what_never_comes_back_is_discarded_by_two_people(qa: User, director: User) -> None:
    """As every unit is; the return is settled by it."""
    row = not_used()
    assert UnitReturn.objects.open().get() == row

    proposal = services_disposal.discard_propose(
        unit_id=row.unit_id, user=qa, to="DISCARDED", code="damaged", reason="destroyed at the hospital"
    )
    services_disposal.discard_carry_out(proposal_id=proposal.pk, user=director, password=PASSWORD)

    assert status_of(row.unit) == "DISCARDED"
    assert (UnitReturn.objects.open().count(), UnitReturn.objects.settled().get()) == (0, row)


def test_each_return_stands_in_one_list(qa: User, director: User) -> None:
    away, back, first = not_used(), not_used(back=True), propose(not_used(back=True), qa)
    done = second(propose(not_used(back=True), qa), director)

    rows = UnitReturn.objects
    assert [set(found) for found in (rows.away(), rows.to_decide(), rows.to_second(), rows.settled())] == [
        {away},
        {back},
        {first},
        {done},
    ]
    assert set(rows.open()) == {away, back, first}


# --- the table


@pytest.mark.parametrize(
    "new",
    [
        {"returned_at": timezone.now()},
        {"decision": "discarded"},
        {"seconded_at": timezone.now()},
        {"bag_intact": "yes"},
    ],
)
def test_half_a_return_is_no_row(new: dict[str, Any]) -> None:
    row = not_used()

    with pytest.raises(IntegrityError), transaction.atomic():
        UnitReturn.objects.filter(pk=row.pk).update(**new)


def test_the_table_knows_no_decision_of_one_person(qa: User) -> None:
    row = propose(not_used(back=True), qa)

    with pytest.raises(IntegrityError), transaction.atomic():
        UnitReturn.objects.filter(pk=row.pk).update(seconded_by=qa, seconded_at=timezone.now())
    assert dt.timedelta(0) < timezone.now() - row.decided_at
