"""Something bad comes to light of a unit that is ordered, on its way or given: it stops, all concerned are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from bank import services_release, services_screening
from bank.choices import MarkerResultValue, MarkerTest, UnitStatus
from bank.models import CordBloodUnit
from bank.services import move
from bank.services_screening import Drawn, MarkerGiven
from core import kinds
from core.audit import Actor
from core.errors import Conflict
from core.kinds import Weight
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import DonationFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.grafts import delivered, report_of
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.incidents import IncidentFactory, order_in
from transplants import services_grafts
from transplants import services_incidents as incidents
from transplants.models import Incident, Order
from transplants.writing_incidents import stamp

pytestmark = pytest.mark.django_db
DAY = dt.date(2024, 3, 1)


@pytest.fixture
def lab(db: None) -> Actor:
    return Actor.user(UserFactory(roles=[Role.LAB]))


@pytest.fixture
def told(patient: Patient) -> dict[str, User]:
    """One person each of those whom it concerns, and two whom it does not."""
    return {
        "qa": UserFactory(roles=[Role.QA]),
        "shipping": UserFactory(roles=[Role.SHIPPING]),
        "coordinator": UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        "hospital": member_of(patient.hospital),
        "other": member_of(HospitalFactory()),
        "collector": UserFactory(roles=[Role.COLLECTION]),
    }


def positive(unit: CordBloodUnit, actor: Actor) -> None:
    given = [MarkerGiven(MarkerTest.HIV_1_NAT, MarkerResultValue.POSITIVE)]
    services_screening.markers_record(
        unit_id=unit.pk, subject="unit", drawn=Drawn(DAY), results=given, actor=actor
    )


def growth(unit: CordBloodUnit, actor: Actor) -> None:
    services_screening.culture_record(
        unit_id=unit.pk, kind="bacterial", result="growth", drawn=Drawn(DAY), actor=actor
    )


def not_eligible(unit: CordBloodUnit, actor: Actor) -> None:
    services_release.eligibility_decide(
        unit_id=unit.pk, decision="ineligible", reason="hepatitis of the father", actor=actor
    )


def order_of(patient: Patient, state: str) -> Order:
    found = order_in(state, patient=patient)
    CordBloodUnit.objects.filter(pk=found.unit_id).update(donation=DonationFactory())
    found.unit.refresh_from_db()
    return found


@pytest.mark.parametrize("found", [positive, growth, not_eligible])
@pytest.mark.parametrize("state", ["approved", "released", "shipped", "delivered", "infused"])
def test_everybody_whom_it_concerns_is_told_at_once(
    patient: Patient, lab: Actor, told: dict[str, User], state: str, found: Callable[..., None]
) -> None:
    order = order_of(patient, state)

    found(order.unit, lab)

    order.unit.refresh_from_db()
    assert order.unit.stopped is (state != "infused")
    incident = Incident.objects.get()
    assert (incident.order, incident.hospital, incident.patient) == (order, order.hospital, patient)
    assert [one.unit for one in incident.units.all()] == [order.unit]
    assert incident.rapid_alert is (state in ("shipped", "delivered", "infused"))
    codes = {
        who: list(Notification.objects.filter(user=user).values_list("code", flat=True))
        for who, user in told.items()
    }
    assert codes == {
        "qa": ["incident.opened"],
        "shipping": ["late.stop"],
        "coordinator": ["late.stop"],
        "hospital": ["late.concerns"],
        "other": [],
        "collector": [],
    }
    for row in Notification.objects.all():
        assert kinds.weight_of(row.code) == Weight.URGENT
        assert "hepatitis" not in f"{kinds.text_of(row)} {kinds.subject_of(row)} {row.params}"


def test_what_was_found_is_the_banks_to_read(patient: Patient, lab: Actor) -> None:
    """The hospital reads the incident: nothing of the mother stands there. The unit's own trail says it."""
    order = order_of(patient, "delivered")

    not_eligible(order.unit, lab)

    incident = Incident.objects.get()
    assert "hepatitis" not in incident.title + incident.what
    assert "hepatitis" in AuditEntry.objects.get(action="unit.stop").reason


@pytest.mark.parametrize(("state", "to"), [("approved", "RELEASED"), ("released", "SHIPPED")])
def test_it_moves_no_further_before_the_incident_is_closed(
    patient: Patient, lab: Actor, state: str, to: str
) -> None:
    order = order_of(patient, state)
    positive(order.unit, lab)
    other = IncidentFactory(units=[order.unit])
    qa = UserFactory(roles=[Role.QA])

    def forward() -> None:
        unit = CordBloodUnit.objects.get(pk=order.unit_id)
        with transaction.atomic():
            move(unit, UnitStatus(to), actor=Actor.user(qa), action="unit.move", reason="", fields={})

    def close(row: Incident) -> None:
        incidents.incident_assess(
            incident_id=row.pk,
            assessment=incidents.Assessment(kind="event", seriousness="not_serious", imputability="na"),
            seen=stamp(row),
            user=qa,
        )
        row.refresh_from_db()
        incidents.incident_close(
            incident_id=row.pk, cause="c", measures="m", seen=stamp(row), user=qa, password=PASSWORD
        )

    with pytest.raises(Conflict) as refused:
        forward()
    assert refused.value.code == "stopped"
    close(Incident.objects.exclude(pk=other.pk).get())
    with pytest.raises(Conflict):
        forward()  # another incident names it still
    close(other)

    forward()

    assert CordBloodUnit.objects.get(pk=order.unit_id).status == to


def test_the_hospital_is_warned_before_it_infuses(patient: Patient, lab: Actor, he_lan: User) -> None:
    order = delivered(patient=patient)
    positive(order.unit, lab)
    given: dict[str, Any] = {"order_id": order.pk, "user": he_lan}

    with pytest.raises(Conflict) as refused:
        services_grafts.infusion_report(report=report_of(order), **given)
    assert refused.value.code == "unit_blocked"
    services_grafts.infusion_report(report=report_of(order, acknowledged=True), **given)

    order.refresh_from_db()
    assert order.state == "infused"


def test_what_is_good_or_concerns_nobody_stops_nothing(patient: Patient, lab: Actor) -> None:
    order, returned = order_of(patient, "delivered"), order_of(patient, "not_used")

    services_screening.culture_record(
        unit_id=order.unit_id, kind="bacterial", result="no_growth", drawn=Drawn(DAY), actor=lab
    )
    positive(returned.unit, lab)

    assert not Incident.objects.exists()
    assert not CordBloodUnit.objects.filter(stopped=True).exists()
