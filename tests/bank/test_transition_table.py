"""Every move × state × role through the real addresses: what workflow 1.2 allows happens, the rest changes nothing.

A unit is prepared so that nothing but its state and the person can be in the way.
"""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from bank import confirming
from bank.choices import TAKEN, TRANSITIONS, UnitStatus
from bank.models import (
    CordBloodUnit,
    DiscardProposal,
    MarkerResult,
    ProcessingRecord,
    Reception,
    Release,
    Slot,
    StorageNode,
    UnitSample,
)
from bank.services_release import judged
from core.models import AuditEntry, User
from core.roles import HOSPITAL_ROLES, Role
from hospitals.models import Patient
from tests.factories.bank import DonationFactory, ImportBatchFactory, SpecificationFactory, UnitFactory
from tests.factories.consent import declared
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import MembershipFactory, PatientFactory
from tests.factories.reservations import ReservationFactory, trusted_hospital
from transplants.models import Reservation

BIRTH = dt.datetime(2024, 5, 6, 3, 0, tzinfo=dt.UTC)
DAY = "2024-05-06"
STATES = [
    *(one.value for one in UnitStatus if one != UnitStatus.ON_HOLD),
    "ON_HOLD<LISTED", "ON_HOLD<QUARANTINE", "ON_HOLD<RESERVED",
]  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Move:
    """What one address does to a unit.

    to: state -> the one it leads to; roles: who may (per state where it is a dict). recorded: elsewhere it is recorded
    and moves nothing. prepare: makes of the unit what this move needs beside its state. url: of an address that names
    something else than the unit.
    """

    to: dict[str, str]
    roles: str | dict[str, str]
    address: str
    data: Callable[[CordBloodUnit], dict[str, str]]
    prepare: Callable[[CordBloodUnit, People], object] = lambda unit, people: None
    recorded: bool = False
    url: Callable[[CordBloodUnit, People], str] | None = None

    def may(self, state: str, role: Role) -> bool:
        roles = self.roles if isinstance(self.roles, str) else self.roles.get(state, self.roles["else"])
        return role.value in roles.split()


def reason(unit: CordBloodUnit) -> dict[str, str]:
    return {"reason": "because of a test"}


def as_shown(unit: CordBloodUnit) -> dict[str, str]:
    return {**reason(unit), "shown": confirming.shown(unit).digest}


def counted_and_placed(unit: CordBloodUnit, people: People) -> None:
    for analyte, measure in (("volume", "ml"), ("tnc", "e7"), ("cd34", "e6")):
        unit.measurements.create(time_point="processing", analyte=analyte, value=20, measure_unit=measure)
    site = StorageNode.objects.create(bank=unit.bank, kind="site", code="S")
    node = StorageNode.objects.create(bank=unit.bank, kind="canister", code="C", parent=site)
    Slot.objects.create(canister=node, position=1, unit=unit)


def specified(unit: CordBloodUnit, people: People) -> None:
    SpecificationFactory(bank=unit.bank, approved=True, criteria=[{"kind": "consent"}])


def to_confirm(unit: CordBloodUnit, people: People) -> None:
    if unit.status not in ("LISTED", "RESERVED", "ORDERED"):  # the database refuses that
        held = [{"code": "tnc_implausible", "params": {"value": "12", "low": "20", "high": "500"}}]
        batch = ImportBatchFactory(bank=unit.bank, declaration="released before")
        wanted = {"import_batch": batch, "status_when_confirmed": "LISTED"}
        CordBloodUnit.objects.filter(pk=unit.pk).update(
            held_for_confirmation=True, held_reasons=held, **wanted
        )


def proposed(to: str) -> Callable[[CordBloodUnit, People], object]:
    def prepare(unit: CordBloodUnit, people: People) -> object:
        return DiscardProposal.objects.create(
            unit=unit, to=to, code="clots", reason="r", proposed_by=people.other
        )

    return prepare


def proposed_to_research(unit: CordBloodUnit, people: People) -> object:
    declared(unit.bank, "research")
    return proposed("RESEARCH")(unit, people)


def signature(unit: CordBloodUnit) -> dict[str, str]:
    return {"password": PASSWORD, "proposal": str(unit.discard_proposals.get().pk)}


def proposal(unit: CordBloodUnit) -> dict[str, str]:
    return {"to": "DISCARDED", "code": "clots", "reason": "r"}


def each(states: str, to: str) -> dict[str, str]:
    return dict.fromkeys(states.split(), to)


def kept(unit: CordBloodUnit, people: People) -> Reservation:
    """The promise that a unit in this state has; elsewhere a wish for it."""
    promised = unit.status in TAKEN or "RESERVED" in (unit.status, unit.status_before_hold)
    row: Reservation = ReservationFactory(active=promised, unit=unit, patient=people.patient)
    return row


def asked(unit: CordBloodUnit, people: People) -> Reservation:
    row: Reservation = ReservationFactory(unit=unit, patient=people.patient)
    return row


def promised_and_specified(unit: CordBloodUnit, people: People) -> None:
    """It was held while a patient had its promise."""
    specified(unit, people)
    ReservationFactory(active=True, unit=unit, patient=people.patient)


def of_reservation(address: str) -> Callable[[CordBloodUnit, People], str]:
    return lambda unit, people: reverse(f"transplants:{address}", args=[unit.reservations.get().pk])


def reserve_url(unit: CordBloodUnit, people: People) -> str:
    return reverse("transplants:reservation-create", args=[people.patient.pk, unit.pk])


HELD = "ON_HOLD<LISTED ON_HOLD<QUARANTINE ON_HOLD<RESERVED"
QUALITY = "qa medical_director"
FREE = f"COLLECTED RECEIVED PROCESSING QUARANTINE SHIPMENT_FAILED NOT_USED RETURNED_QA {HELD}"
# --- the table of workflow 1.2 --------------------------------------------------------------------
MOVES: dict[str, Move] = {
    "collect": Move(
        {"PLANNED": "COLLECTED"}, "collection lab", "unit-collect",
        lambda unit: {"bag_id": "BAG-1", "collected_at": f"{DAY}T12:00", "born_at": f"{DAY}T11:00"},
    ),
    "void": Move({"PLANNED": "VOID"}, "collection lab", "unit-void", reason),
    "receive": Move(
        {"COLLECTED": "RECEIVED"}, "lab", "unit-receive",
        lambda unit: {"received_at": f"{DAY}T20:00", "temperature_min_c": "15", "temperature_max_c": "20"},
    ),
    "process": Move(
        {"RECEIVED": "PROCESSING"}, "lab", "unit-process",
        lambda unit: {"started_at": f"{DAY}T21:00", "processing_method": "Sepax"},
    ),
    "freeze": Move(
        {"PROCESSING": "QUARANTINE"}, "lab", "unit-freeze",
        lambda unit: {"frozen_at": f"{DAY}T23:00", "segments": "3"}, counted_and_placed,
    ),
    "confirm": Move({"QUARANTINE": "LISTED"}, QUALITY, "unit-confirm", as_shown, to_confirm),
    "release": Move(
        {"QUARANTINE": "LISTED"}, QUALITY, "unit-release",
        lambda unit: {"password": PASSWORD, "release": "", "seen": judged([unit])[unit.pk].digest}, specified,
    ),
    "release to a patient": Move(
        {"QUARANTINE": "RESERVED"}, QUALITY, "unit-release",
        lambda unit: {"password": PASSWORD, "release": "", "seen": judged([unit])[unit.pk].digest},
        promised_and_specified,
    ),
    "hold": Move(each("QUARANTINE LISTED RESERVED", "ON_HOLD"), QUALITY, "unit-hold", reason),
    "unhold": Move({held: held[8:] for held in HELD.split()}, QUALITY, "unit-unhold", reason),
    # A proposal moves a unit only off offer; that it is there is tested with the pages.
    "propose": Move(
        {"LISTED": "ON_HOLD", **{state: state.split("<")[0] for state in FREE.split()}},
        {"COLLECTED": f"{QUALITY} lab collection", "RECEIVED": f"{QUALITY} lab",
         "PROCESSING": f"{QUALITY} lab", "else": QUALITY},
        "unit-disposal", proposal,
    ),
    "discard": Move(
        each(f"{FREE} LISTED", "DISCARDED"), QUALITY, "disposal-decide", signature, proposed("DISCARDED")
    ),
    "research": Move(
        each("QUARANTINE RETURNED_QA", "RESEARCH"), QUALITY, "disposal-decide", signature, proposed_to_research
    ),
    # A bad result holds what is on offer; elsewhere it is a result.
    "positive marker": Move(
        each("LISTED RESERVED", "ON_HOLD"), "lab qa search_coordinator", "unit-markers",
        lambda unit: {"subject": "unit", "tested_on": DAY, "result_hbs_ag": "positive"}, recorded=True,
    ),
    "growth": Move(
        each("LISTED RESERVED", "ON_HOLD"), "lab qa search_coordinator", "unit-culture",
        lambda unit: {"kind": "fungal", "result": "growth", "tested_on": DAY}, recorded=True,
    ),
    # Of a unit that entered as reserved it is a wish.
    "reserve": Move(
        each("LISTED RESERVED", "RESERVED"), "search_coordinator hospital_coordinator", "reservation-create",
        lambda unit: {"purpose": "graft"}, url=reserve_url,
    ),
    "confirm reservation": Move(
        each("LISTED", "RESERVED"), "search_coordinator medical_director", "reservation-confirm",
        lambda unit: {}, asked, url=of_reservation("reservation-confirm"),
    ),
    "cancel reservation": Move(
        {**{state: state.split("<")[0] for state in STATES if state not in TAKEN}, "RESERVED": "LISTED"},
        "search_coordinator medical_director hospital_coordinator", "reservation-cancel",
        reason, kept, url=of_reservation("reservation-cancel"),
    ),
}  # fmt: skip
# The steps of an order move its unit with it: who may make them in which state is tested with the orders.
_OF = "tests/transplants/"
ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        ("RESERVED>ORDERED", "ORDERED>RESERVED", "ORDERED>RELEASED", "RELEASED>ORDERED"),
        f"{_OF}test_order_matrix.py::test_who_may_do_what_when",
    ),
    "RELEASED>SHIPPED": f"{_OF}test_shipments.py::test_no_other_role_ships",
    "SHIPPED>DELIVERED": f"{_OF}test_receipts.py::test_only_the_own_hospital_receives",
    "SHIPPED>SHIPMENT_FAILED": f"{_OF}test_shipments.py::test_no_other_role_ships",
    "DELIVERED>INFUSED": f"{_OF}test_grafts.py::test_the_hospital_of_the_order_reports_and_nobody_else",
    "DELIVERED>NOT_USED": f"{_OF}test_returns.py::test_the_hospital_of_the_order_says_so_and_nobody_else",
    **dict.fromkeys(
        ("SHIPMENT_FAILED>RETURNED_QA", "NOT_USED>RETURNED_QA"),
        f"{_OF}test_returns.py::test_a_unit_that_is_back_is_under_review",
    ),
    "RETURNED_QA>LISTED": f"{_OF}test_returns.py::test_who_may_take_back_propose_and_second",
}  # fmt: skip
# A withdrawn order leaves the unit reserved, and the end of the reservation frees it.
NOT_BUILT = ("ORDERED>LISTED",)
# Who calls what moves a unit: a new service has to stand in the table above.
MOVERS = {
    "move": {
        "unit_unhold", "unit_confirm_values", "hold", "unit_collect", "unit_void", "unit_receive", "unit_process",
        "unit_freeze", "unit_release", "leave", "_block", "_unblock", "promise", "unpromise",
        "_move_unit", "unit_returned", "_carry_out",
    },
    "hold": {"unit_hold", "discard_propose", "hold_and_tell"},
    "hold_all": {"_hold"},  # units of a blocked lot, many at once
    # bad results and donors, late; their tests are in test_late_results
    "hold_and_tell": {
        "markers_record", "culture_record", "eligibility_decide", "interview_record", "hold_if_failed",
    },
    "hold_if_failed": {"measurement_record", "haemoglobinopathy_record", "culture_record"},
    "leave": {"discard_carry_out", "_carry_out"},
}  # fmt: skip


@dataclass
class People:
    """One person a role, signed in, and one who proposed what they decide on."""

    users: dict[Role, User]
    clients: dict[Role, Client]
    other: User
    patient: Patient


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: Any) -> Iterator[People]:
    """Built once and never committed: every call below is undone by its own savepoint."""
    with django_db_blocker.unblock(), transaction.atomic():
        users = {role: UserFactory(roles=[role]) for role in Role}
        clients = {role: Client() for role in Role}
        for role, user in users.items():
            clients[role].force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        hospital = trusted_hospital()
        for role in HOSPITAL_ROLES:
            MembershipFactory(user=users[role], hospital=hospital)
        patient = PatientFactory(hospital=hospital)
        yield People(users, clients, UserFactory(roles=[Role.QA]), patient)
        transaction.set_rollback(True)


def unit_in(state: str) -> CordBloodUnit:
    """With all that came before it: a bag, an arrival, a processing."""
    status, _mark, before = state.partition("<")
    donation = DonationFactory(bag_id="BAG-1", born_at=BIRTH, collected_at=BIRTH + dt.timedelta(hours=1))
    more: dict[str, Any] = {"status": status, "donation": donation}
    if before:
        more |= {"status_before_hold": before, "hold_reason": "tank alarm"}
    if status == "DISCARDED":
        more["discard_reason"] = "clots"
    unit: CordBloodUnit = UnitFactory(**more)
    if status not in ("PLANNED", "COLLECTED", "VOID"):
        Reception.objects.create(unit=unit, received_at=BIRTH + dt.timedelta(hours=2))
    if status not in ("PLANNED", "COLLECTED", "RECEIVED", "VOID"):
        ProcessingRecord.objects.create(unit=unit, started_at=BIRTH + dt.timedelta(hours=3))
    return unit


def everything(unit: CordBloodUnit) -> list[Any]:
    """What a refused move must leave alone."""
    tables = (AuditEntry, DiscardProposal, MarkerResult, ProcessingRecord, Reception, Release, UnitSample)
    return [
        CordBloodUnit.objects.values().get(pk=unit.pk),
        list(DiscardProposal.objects.values()),
        list(Slot.objects.filter(unit=unit).values()),
        list(Reservation.objects.filter(unit=unit).values()),
        unit.measurements.count(),
        unit.cultures.count(),
        *(model._default_manager.count() for model in tables),
    ]


def rows_written() -> int:
    """By this transaction so far, into any table: those whom the address turns away write not even something that is
    taken back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", MOVES)
def test_a_move_by_each_role(people: People, name: str, state: str) -> None:
    one = MOVES[name]
    found, wanted = {}, {}
    with transaction.atomic():
        unit = unit_in(state)
        one.prepare(unit, people)
        unit.refresh_from_db()
        before, data = everything(unit), one.data(unit)
        url = one.url(unit, people) if one.url else reverse(f"bank:{one.address}", args=[unit.pk])
        cache.clear()  # tries to sign are counted
        for role, client in people.clients.items():
            if not one.may(state, role):
                written = rows_written()
                what, right = (client.post(url, data).status_code, rows_written()), (403, written)
                if what != right:
                    found[role.value], wanted[role.value] = what, right
                continue
            with transaction.atomic():
                answer = client.post(url, data)
                after = everything(unit)
                transaction.set_rollback(True)
            status = after[0]["status"]
            if state in one.to or one.recorded:
                target = one.to.get(state, unit.status)
                what, right = (answer.status_code, status, after == before), (302, target, False)
            else:
                what, right = (
                    (answer.status_code in ((400, 404, 409) if one.url else (400, 409)), after == before),
                    (True, True),
                )
            if what != right:
                found[role.value], wanted[role.value] = what, right
        transaction.set_rollback(True)

    assert found == {}, f"wanted {wanted}"


def test_no_page_is_left_out_of_the_table() -> None:
    """Every arrow of workflow 1.2 is a move of the table, or is named as tested elsewhere or not built."""
    arrows = {f"{here.value}>{to.value}" for here, targets in TRANSITIONS.items() for to in targets}
    # a proposal alone is no arrow
    drawn = {
        f"{state.split('<')[0]}>{to}"
        for move in MOVES.values()
        for state, to in move.to.items()
        if state.split("<")[0] != to
    }

    assert drawn & {*NOT_BUILT, *ELSEWHERE} == set()
    assert drawn | {*NOT_BUILT, *ELSEWHERE} == arrows


def test_what_is_tested_elsewhere_is_there() -> None:
    for test in set(ELSEWHERE.values()):
        path, _colons, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(), test


@pytest.mark.parametrize("arrow", NOT_BUILT)
def test_what_is_not_built_leads_nowhere(arrow: str) -> None:
    """No service that moves a unit goes there from here (see MOVERS)."""
    here, to = (UnitStatus(name) for name in arrow.split(">"))
    reached = {target for move in MOVES.values() for state, target in move.to.items() if state == here}

    assert to not in reached


def calls(tree: ast.AST, names: set[str]) -> Iterator[tuple[str, str]]:
    """(called, calling) for functions of these names."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                path = ast.unparse(node.func).split(".")  # `move`, `services.move`, `bank_services.move`
                if path[-1] in names and (path[0] == path[-1] or path[0].endswith("services")):
                    yield path[-1], function.name


def test_every_service_that_moves_a_unit_stands_in_the_table() -> None:
    found: dict[str, set[str]] = {name: set() for name in MOVERS}
    for app in ("bank", "hospitals", "matching", "transplants", "config"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            if "from bank" in text:
                for called, calling in calls(ast.parse(text), set(MOVERS)):
                    found[called].add(calling)

    assert found == MOVERS


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_api_moves_no_unit(people: People, method: str) -> None:
    with transaction.atomic():
        unit = unit_in("LISTED")
        before = everything(unit)
        for client in people.clients.values():
            for url in (reverse("api:unit-detail", args=[unit.pk]), reverse("api:unit-list")):
                body = {"status": "DISCARDED"}
                answer = getattr(client, method)(url, body, content_type="application/json")
                assert answer.status_code in (403, 404, 405)
        assert everything(unit) == before
        transaction.set_rollback(True)
