"""The incidents of the demonstration: one closed, one open, one recall that a hospital sees."""

from __future__ import annotations

import pytest

from bank.models import CordBloodUnit, Lot
from core.panels import Place, panels
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of
from tests.factories.orders import OrderFactory
from tests.factories.reservations import ReservationFactory
from transplants import demo_incidents
from transplants.models import Incident, Order, Recall

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("promised", [0, 1, 2])
def test_the_demonstration_has_incidents_and_a_recall(promised: int) -> None:
    for role in (Role.QA, Role.LAB, Role.MEDICAL_DIRECTOR):
        UserFactory(roles=[role])
    hospital = HospitalFactory()
    member = member_of(hospital)
    kept = [
        ReservationFactory(active=True, patient=PatientFactory(hospital=hospital)) for _ in range(promised)
    ]
    UnitFactory.create_batch(8)

    assert demo_incidents.load(seed=1) == 3

    assert set(Incident.objects.values_list("state", flat=True)) == {"closed", "open"}
    recall = Recall.objects.get()
    assert recall.units.count() == CordBloodUnit.objects.filter(recalled=True).count()
    assert recall.units.count() == demo_incidents.UNITS + (promised > 1)
    assert Lot.objects.get(number=demo_incidents.LOT).is_blocked
    warned = [bool(panels(Place.ALERT, member, row.patient)) for row in kept]
    assert warned.count(True) == (promised > 1)  # one is left to go on with


def test_a_unit_that_another_hospital_ordered_is_recalled_and_its_own_orders_are_left_to_go_on() -> None:
    for role in (Role.QA, Role.LAB, Role.MEDICAL_DIRECTOR):
        UserFactory(roles=[role])
    hospital = HospitalFactory()
    member_of(hospital)
    own = [
        OrderFactory(state=state, for_patient=PatientFactory(hospital=hospital))
        for state in ("asked", "approved")
    ]
    others = [OrderFactory(state="approved") for _ in "12"]
    UnitFactory.create_batch(8)

    demo_incidents.load(seed=1)

    recalled = set(Order.objects.filter(unit__recalled=True))
    assert recalled == {others[-1]}
    assert not recalled & set(own)
