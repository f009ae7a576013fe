"""An incident and a shipment of one unit follow one another: none is opened behind the back of who sends it away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from core.models import User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.incidents import IncidentFactory
from tests.factories.orders import OrderFactory
from transplants import services_incidents as services
from transplants.models import Incident, IncidentUnit, Order
from transplants.moving import locked_order
from transplants.services_incidents import Assessment, Report
from transplants.writing_incidents import stamp

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Step = Callable[[Order, Incident, User], Any]


def reported(order: Order, incident: Incident, qa: User) -> None:
    report = Report(
        kind="event", title="t", what="w", happened_on=timezone.localdate(), unit_ids=[order.unit_id]
    )
    services.incident_report(report=report, user=qa)


def named(order: Order, incident: Incident, qa: User) -> None:
    found = Assessment(
        kind="event", seriousness="not_serious", imputability="na", add_unit_ids=[order.unit_id]
    )
    services.incident_assess(incident_id=incident.pk, assessment=found, seen=stamp(incident), user=qa)


def reopened(order: Order, incident: Incident, qa: User) -> None:
    services.incident_reopen(incident_id=incident.pk, user=qa, reason="r")


def in_vain(step: Step, *given: Any) -> bool:
    """On a connection of its own: whether it waits for a row that somebody else holds."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
            step(*given)
    except OperationalError:
        return True
    finally:
        connection.close()
    return False


@pytest.mark.parametrize(("step", "closed"), [(reported, False), (named, False), (reopened, True)])
def test_an_incident_waits_for_who_moves_the_unit(step: Step, closed: bool) -> None:
    qa = UserFactory(roles=[Role.QA])
    order = OrderFactory(state="released")
    incident = IncidentFactory(closed=closed, units=[order.unit] if closed else [])

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            locked_order(order.pk)  # the checklist is read behind this lock
            assert pool.submit(in_vain, step, order, incident, qa).result()
        assert not pool.submit(in_vain, step, order, incident, qa).result()

    assert IncidentUnit.objects.filter(unit=order.unit, incident__in=Incident.objects.open()).exists()
