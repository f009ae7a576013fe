"""Incidents: who reports what, notes, assessment, the clock, close and open again, reminders, rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import BANK_ROLES, ROLE_PERMISSIONS, Permission, Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of
from tests.factories.incidents import IncidentFactory, RecallFactory, lot_of, order_in
from tests.factories.reservations import ReservationFactory, in_days
from transplants import services_incidents as services
from transplants import services_sweep
from transplants.incidents import Found, opened
from transplants.models import Incident, IncidentNote, IncidentRules
from transplants.services_incident_rules import incident_rules_update
from transplants.services_incidents import Assessment, Report
from transplants.writing_incidents import stamp

pytestmark = pytest.mark.django_db


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).values_list("code", flat=True))


def report(**values: Any) -> Report:
    known = {"kind": "event", "title": "bag leaks", "what": "It leaked.", "happened_on": timezone.localdate()}
    return Report(**{**known, **values})


@pytest.fixture
def qa(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Wu Qiang")
    return found


@pytest.fixture
def director(db: None) -> User:
    found: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Ye Hua")
    return found


# --- reported -------------------------------------------------------------------------------------


def test_a_hospital_reports_of_its_order(he_lan: User, patient: Patient, qa: User) -> None:
    order = order_in("delivered", patient=patient)

    row = services.incident_report(report=report(kind="reaction", order_id=order.pk), user=he_lan)

    assert (row.number[:3], row.state, row.hospital, row.patient) == (
        "IN-",
        "open",
        patient.hospital,
        patient,
    )
    assert [one.unit for one in row.units.all()] == [order.unit]
    assert (told(qa), told(he_lan)) == (["incident.opened"], [])
    entry = AuditEntry.objects.get(action="incident.open")
    assert (entry.hospital_id, entry.after["units"]) == (patient.hospital_id, [order.unit.public_no])


def test_a_hospital_reports_of_a_unit_that_is_kept_for_it(he_lan: User, patient: Patient) -> None:
    kept = ReservationFactory(active=True, patient=patient)

    row = services.incident_report(report=report(kind="typing", unit_ids=[kept.unit_id]), user=he_lan)

    assert row.hospital == patient.hospital


def _of_other(he_lan: User) -> Report:
    return report(patient_id=PatientFactory().pk)


def _order_of_other(he_lan: User) -> Report:
    return report(order_id=order_in("delivered").pk)


def _strange_unit(he_lan: User) -> Report:
    patient = PatientFactory(hospital_id=next(iter(he_lan.hospital_ids)))
    return report(patient_id=patient.pk, unit_ids=[UnitFactory().pk])


def _only_asked_for(he_lan: User) -> Report:
    """A wish is no promise, and an order that nobody approved has sent nothing."""
    patient = PatientFactory(hospital_id=next(iter(he_lan.hospital_ids)))
    return report(unit_ids=[ReservationFactory(patient=patient).unit_id])


@pytest.mark.parametrize(
    ("what", "code", "field"),
    [
        (_of_other, "not_yours", None),
        (_order_of_other, "not_yours", None),
        (_strange_unit, "unit_not_yours", "units"),
        (_only_asked_for, "subject_needed", "units"),
        (lambda user: report(), "subject_needed", "units"),
        (lambda user: report(lot_id=lot_of(UnitFactory()).pk), "of_the_bank", "kind"),
        (lambda user: report(kind="deviation", patient_id=PatientFactory().pk), "of_the_bank", "kind"),
    ],
)
def test_a_hospital_reports_of_its_own_only(
    he_lan: User, what: Callable[[User], Report], code: str, field: str | None
) -> None:
    with pytest.raises(DomainError) as refused:
        services.incident_report(report=what(he_lan), user=he_lan)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert not Incident.objects.exists()


def test_the_bank_reports_of_anything(qa: User) -> None:
    lot = lot_of(UnitFactory())
    hospital = HospitalFactory()
    member = member_of(hospital)

    of_lot = services.incident_report(report=report(kind="deviation", lot_id=lot.pk), user=qa)
    of_hospital = services.incident_report(report=report(hospital_id=hospital.pk), user=qa)

    assert (of_lot.hospital, of_lot.lot, of_hospital.hospital) == (None, lot, hospital)
    assert list(Incident.objects.visible_to(member)) == [of_hospital]
    assert told(member) == ["incident.opened"]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"title": " "}, "title_missing", "title"),
        ({"what": "\0 "}, "what_missing", "what"),
        ({"what": "x" * 4001}, "too_long", "what"),
        ({"kind": "flood"}, "choice_unknown", "kind"),
        ({"seriousness": "very"}, "choice_unknown", "seriousness"),
        ({"happened_on": dt.date(2200, 1, 1)}, "in_the_future", "happened_on"),
        ({"unit_ids": [uuid4()]}, "unit_unknown", "units"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(
    qa: User, values: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.incident_report(report=report(**values), user=qa)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_order_patient_and_hospital_fit_together(qa: User) -> None:
    order = order_in("shipped")

    for values, code in (
        ({"order_id": order.pk, "patient_id": PatientFactory().pk}, "patient_of_order"),
        ({"order_id": order.pk, "hospital_id": HospitalFactory().pk}, "hospital_of_patient"),
    ):
        with pytest.raises(InvalidInput) as refused:
            services.incident_report(report=report(**values), user=qa)
        assert refused.value.code == code


def test_a_form_sent_twice_is_one_incident_and_one_number(qa: User) -> None:
    key = uuid4()

    rows = [services.incident_report(report=report(incident_id=key), user=qa) for _ in range(2)]
    later = services.incident_report(report=report(), user=qa)

    assert [row.pk for row in rows] == [key, key]
    assert int(later.number[-4:]) == int(rows[0].number[-4:]) + 1


def test_a_key_of_somebody_else_tells_nothing(qa: User, director: User) -> None:
    row = services.incident_report(report=report(), user=director)

    with pytest.raises(IntegrityError), transaction.atomic():
        services.incident_report(report=report(incident_id=row.pk), user=qa)


@pytest.mark.parametrize("role", sorted(Role))
def test_who_may_report(role: Role) -> None:
    user = UserFactory(roles=[role])
    may = Permission.INCIDENT_REPORT in ROLE_PERMISSIONS[role]

    try:
        services.incident_report(report=report(), user=user)
        code = ""
    except DomainError as error:
        code = error.code

    is_hospital = role not in BANK_ROLES
    assert code == ("subject_needed" if is_hospital else "" if may else "not_yours")


# --- the clock ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "days"),
    [({}, None), ({"seriousness": "hospital"}, 7), ({"seriousness": "fatal"}, 7), ({"rapid_alert": True}, 1)],
)
def test_a_serious_one_has_to_be_reported_outside_in_time(values: dict[str, Any], days: int | None) -> None:
    found = Found(kind="event", title="t", what="w", **values)  # type: ignore[arg-type]
    with transaction.atomic():
        row = opened(found, actor=Actor.system("test"))

    assert row.due_on == (None if days is None else in_days(days))


def test_other_rules_count_from_now_on(qa: User) -> None:
    before = services.incident_report(report=report(seriousness="fatal"), user=qa)
    values = {"serious_days": 3, "rapid_days": 0, "hotline": " +86 21  1 "}
    incident_rules_update(values=values, actor=Actor.user(qa), reason="our authority")
    after = services.incident_report(report=report(seriousness="fatal"), user=qa)

    assert (before.due_on, after.due_on) == (in_days(7), in_days(3))
    assert IncidentRules.load().hotline == "+86 21 1"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"serious_days": 91}, "days", "serious_days"),
        ({"rapid_days": -1}, "days", "rapid_days"),
        ({"serious_days": 1, "rapid_days": 2}, "rapid_is_later", "rapid_days"),
    ],
)
def test_rules_that_make_no_sense(qa: User, values: dict[str, Any], code: str, field: str) -> None:
    given = {"serious_days": 7, "rapid_days": 1, "hotline": "", **values}

    with pytest.raises(InvalidInput) as refused:
        incident_rules_update(values=given, actor=Actor.user(qa), reason="r")

    assert (refused.value.code, refused.value.field) == (code, field)


def sweep() -> int:
    return services_sweep.incidents_sweep()["reminded"]


def test_what_is_overdue_grows_louder(qa: User, director: User) -> None:
    """Its owner first, once a day; from the second day on everybody who could act."""
    row = IncidentFactory(serious=True, due_on=in_days(-1), owner=qa)

    assert (sweep(), sweep()) == (1, 0)
    assert (told(qa), told(director)) == (["incident.overdue"], [])
    Incident.objects.filter(pk=row.pk).update(reminded_on=in_days(-1))
    assert sweep() == 1
    assert (told(qa), told(director)) == (["incident.overdue"] * 2, ["incident.overdue"])


@pytest.mark.parametrize(
    "values",
    [
        lambda: {"due_on": None},
        lambda: {"due_on": in_days(0)},
        lambda: {"reported_out_at": timezone.now(), "reported_to": "the authority"},
        lambda: {"closed": True},
    ],
)
def test_nobody_is_reminded_of_these(qa: User, values: Callable[[], dict[str, Any]]) -> None:
    IncidentFactory(**{"due_on": in_days(-1), **values()})

    assert sweep() == 0


def test_an_owner_who_left_is_not_waited_for(qa: User, director: User) -> None:
    IncidentFactory(due_on=in_days(-1), owner=UserFactory(roles=[Role.QA], is_active=False))

    sweep()

    assert told(qa) == told(director) == ["incident.overdue"]


# --- notes ----------------------------------------------------------------------------------------


def test_a_shared_note_is_told_to_the_other_side(he_lan: User, patient: Patient, qa: User) -> None:
    row = IncidentFactory(patient=patient, owner=qa)

    services.incident_note(incident_id=row.pk, text="what was the seal?", user=qa)
    services.incident_note(incident_id=row.pk, text="number 7", user=he_lan)
    services.incident_note(incident_id=row.pk, text="ours, probably", inner=True, user=qa)

    assert (told(he_lan), told(qa)) == (["incident.noted"], ["incident.noted"])
    texts = [note.text for note in IncidentNote.objects.visible_to(he_lan)]
    assert texts == ["what was the seal?", "number 7"]
    assert IncidentNote.objects.visible_to(qa).count() == 3


def test_what_a_hospital_may_not_write(he_lan: User, tan_xi: User, patient: Patient) -> None:
    row, closed = IncidentFactory(patient=patient), IncidentFactory(patient=patient, closed=True)

    for user, found, inner, code in (
        (he_lan, row, True, "inner"),
        (tan_xi, row, False, "not_yours"),
        (he_lan, closed, False, "incident_closed"),
    ):
        with pytest.raises(DomainError) as refused:
            services.incident_note(incident_id=found.pk, text="t", user=user, inner=inner)
        assert refused.value.code == code
    assert not IncidentNote.objects.exists()


def test_a_note_sent_twice_is_one(qa: User) -> None:
    row, key = IncidentFactory(), uuid4()

    for _ in range(2):
        services.incident_note(incident_id=row.pk, text="t", inner=True, user=qa, note_id=key)

    assert [note.pk for note in row.notes.all()] == [key]


# --- assessed, reported outside -------------------------------------------------------------------


def assessment(**values: Any) -> Assessment:
    return Assessment(**{"kind": "event", "seriousness": "fatal", "imputability": "2", **values})


def assess(row: Incident, user: User, **values: Any) -> Incident:
    row.refresh_from_db()
    return services.incident_assess(
        incident_id=row.pk, assessment=assessment(**values), seen=stamp(row), user=user
    )


def test_it_is_assessed(qa: User, director: User) -> None:
    row, unit = IncidentFactory(), UnitFactory()

    done = assess(row, director, owner_id=qa.pk, add_unit_ids=[unit.pk])

    assert (done.state, done.seriousness, done.due_on, done.owner) == (
        "investigated",
        "fatal",
        in_days(7),
        qa,
    )
    assert [one.unit for one in done.units.all()] == [unit]
    assert told(qa) == ["incident.assigned"]
    entry = AuditEntry.objects.get(action="incident.assess")
    assert entry.after["units_added"] == [unit.public_no]
    assert assess(row, director, owner_id=qa.pk, due_on=in_days(2), add_unit_ids=[unit.pk]).due_on == in_days(
        2
    )
    assert (done.units.count(), told(qa)) == (1, ["incident.assigned"])


def test_who_assesses_a_stale_page_is_told(qa: User) -> None:
    row = IncidentFactory()
    seen = stamp(row)
    services.incident_note(incident_id=row.pk, text="new", inner=True, user=qa)

    with pytest.raises(Conflict, match="has changed since"):
        services.incident_assess(incident_id=row.pk, assessment=assessment(), seen=seen, user=qa)

    row.refresh_from_db()
    assert (row.state, row.seriousness) == ("open", "not_serious")


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"imputability": "9"}, "choice_unknown", "imputability"),
        ({"due_on": dt.date(2200, 1, 1)}, "due_out_of_range", "due_on"),
        ({"due_on": dt.date(2020, 1, 1)}, "due_out_of_range", "due_on"),
        ({"owner_id": uuid4()}, "owner_unknown", "owner"),
    ],
)
def test_an_assessment_that_cannot_be(qa: User, values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        assess(IncidentFactory(), qa, **values)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_only_who_investigates_looks_after_it(qa: User) -> None:
    with pytest.raises(InvalidInput, match="investigates"):
        assess(IncidentFactory(), qa, owner_id=UserFactory(roles=[Role.LAB]).pk)


def report_out(row: Incident, user: User, **values: Any) -> Incident:
    row.refresh_from_db()
    given = {"reported_to": "NMPA 77", "at": timezone.now(), **values}
    return services.incident_reported_out(incident_id=row.pk, seen=stamp(row), user=user, **given)


def test_it_is_noted_to_whom_it_was_reported(qa: User) -> None:
    row = IncidentFactory(serious=True, due_on=in_days(-1))

    assert report_out(row, qa).reported_to == "NMPA 77"
    assert sweep() == 0


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)}, "reported_out_of_range"),
        ({"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "reported_out_of_range"),
        ({"reported_to": " "}, "reported_to_missing"),
    ],
)
def test_a_report_outside_that_cannot_be(qa: User, values: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        report_out(IncidentFactory(), qa, **values)

    assert refused.value.code == code


# --- closed and opened again ----------------------------------------------------------------------


def close(row: Incident, user: User, password: str = PASSWORD, **values: Any) -> Incident:
    row.refresh_from_db()
    words = {"cause": "an old seal", "measures": "new ones", **values}
    return services.incident_close(incident_id=row.pk, seen=stamp(row), user=user, password=password, **words)


def test_it_is_closed_with_cause_and_measures(
    qa: User, director: User, he_lan: User, patient: Patient
) -> None:
    lab = UserFactory(roles=[Role.LAB])
    row = IncidentFactory(patient=patient, opened_by_user=lab)

    done = close(row, qa)

    assert (done.state, done.closed_by, done.cause) == ("closed", qa, "an old seal")
    assert told(director) == told(he_lan) == told(lab) == ["incident.closed"]
    with pytest.raises(Conflict, match="is closed"):
        close(row, qa)


def _with_recall() -> Incident:
    recall = RecallFactory(units=[UnitFactory()])
    found: Incident = recall.incident
    return found


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: IncidentFactory(kind="reaction"), "not_assessed"),
        (lambda: IncidentFactory(serious=True), "not_assessed"),
        (lambda: IncidentFactory(serious=True, imputability="1"), "not_reported"),
        (lambda: IncidentFactory(rapid_alert=True, due_on=in_days(1)), "not_reported"),
        (_with_recall, "recall_on"),
    ],
)
def test_something_has_to_be_done_first(qa: User, made: Callable[[], Incident], code: str) -> None:
    row = made()

    with pytest.raises(Conflict) as refused:
        close(row, qa)

    row.refresh_from_db()
    assert (refused.value.code, row.state, row.cause) == (code, "open", "")


def test_of_what_the_unit_is_not_the_cause_nobody_outside_has_to_know(qa: User) -> None:
    assert close(IncidentFactory(serious=True, imputability="0"), qa).state == "closed"


def test_a_serious_one_is_closed_by_another_person_than_who_reported_it(qa: User, director: User) -> None:
    row = IncidentFactory(serious=True, imputability="1", opened_by_user=qa)
    report_out(row, qa)

    with pytest.raises(NotAllowed) as refused:
        close(row, qa)

    assert refused.value.code == "own_work"
    assert close(row, director).state == "closed"
    assert close(IncidentFactory(opened_by_user=qa), qa).state == "closed"  # nobody was harmed


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"password": "wrong"}, "wrong_password", "password"),
        ({"cause": " "}, "cause_missing", "cause"),
        ({"measures": ""}, "measures_missing", "measures"),
    ],
)
def test_a_close_that_is_refused(qa: User, values: dict[str, Any], code: str, field: str) -> None:
    row = IncidentFactory()

    with pytest.raises(DomainError) as refused:
        close(row, qa, **values)

    row.refresh_from_db()
    assert (refused.value.code, refused.value.field, row.state) == (code, field, "open")


def test_it_is_investigated_again(qa: User, he_lan: User, patient: Patient) -> None:
    row = IncidentFactory(patient=patient, closed=True)

    done = services.incident_reopen(incident_id=row.pk, reason="a second bag", user=qa)

    assert (done.state, done.closed_by, done.cause) == ("investigated", None, "a seal was old")
    assert told(he_lan) == ["incident.reopened"]
    with pytest.raises(Conflict, match="open already"):
        services.incident_reopen(incident_id=row.pk, reason="r", user=qa)
    with pytest.raises(InvalidInput, match="Write why"):
        services.incident_reopen(incident_id=IncidentFactory(closed=True).pk, reason=" ", user=qa)


@pytest.mark.parametrize("state", ["open", "investigated", "closed"])
@pytest.mark.parametrize("role", sorted(Role))
def test_role_and_state(role: Role, state: str) -> None:
    """Who works on an incident may do what its state allows; everybody else is refused before that."""
    user = UserFactory(roles=[role])
    works = Permission.INCIDENT_WORK in ROLE_PERMISSIONS[role]
    row = IncidentFactory(closed=True) if state == "closed" else IncidentFactory(state=state)

    def code(act: Callable[[], Any]) -> str:
        try:
            with transaction.atomic():
                act()
                transaction.set_rollback(True)
        except DomainError as error:
            return error.code
        return ""

    found = {
        "assess": code(lambda: assess(row, user)),
        "report_out": code(lambda: report_out(row, user)),
        "close": code(lambda: close(row, user)),
        "reopen": code(lambda: services.incident_reopen(incident_id=row.pk, reason="r", user=user)),
    }

    wanted = "incident_closed" if state == "closed" else ""
    open_wanted = {"assess": wanted, "report_out": wanted, "close": wanted}
    allowed = {**open_wanted, "reopen": "" if state == "closed" else "incident_open"}
    assert found == (allowed if works else dict.fromkeys(found, "not_yours"))
