"""Before a unit leaves the house, what two people signed is looked at once more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from bank.choices_lots import LotKind, LotStep
from bank.models import CordBloodUnit, Lot, LotUse
from core.errors import Conflict
from tests.factories.bank import CultureFactory
from tests.factories.core import UserFactory
from tests.factories.incidents import IncidentFactory
from tests.factories.orders import ready
from tests.factories.shipments import ShipmentFactory, shipping_person
from transplants import services_shipments as services
from transplants.checklist import in_english, kept
from transplants.models import IncidentUnit, Shipment

pytestmark = pytest.mark.django_db


def blocked_lot(row: Shipment) -> None:
    lot = Lot.objects.create(kind=LotKind.BAG, number="B-1", state="blocked", blocked_reason="leaks")
    LotUse.objects.create(unit=row.order.unit, lot=lot, step=LotStep.PROCESSING)


def grown(row: Shipment) -> None:
    person = UserFactory()
    row.order.unit.cultures.update(result="growth", verified_by=person, verified_at=timezone.now())


def an_incident(row: Shipment) -> None:
    IncidentUnit.objects.create(incident=IncidentFactory(), unit=row.order.unit)


def unsigned(row: Shipment) -> None:
    row.order.signatures.update(void_at=timezone.now(), void_reason="version 1")


@pytest.mark.parametrize(
    ("change", "code"),
    [(blocked_lot, "lots"), (grown, "cultures"), (an_incident, "incidents"), (unsigned, "prescription")],
)
def test_what_has_changed_since_the_release_keeps_the_unit_here(
    change: Callable[[Shipment], None], code: str
) -> None:
    """Nothing of it is a flag of the unit: the checklist is read once more under the locks."""
    row = ShipmentFactory(checked=True)
    ready(row.order)
    change(row)

    with pytest.raises(Conflict) as caught:
        services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert caught.value.code == "changed_since_release"
    assert [one["code"] for one in caught.value.details] == [code]
    row.refresh_from_db()
    assert row.dispatched_at is None
    assert CordBloodUnit.objects.get(pk=row.order.unit_id).status == "RELEASED"


def gone_over(row: Shipment) -> None:
    """What is open now was released all the same, by a medical director who said why."""
    row.order.release_checks = kept(in_english(row.order))
    row.order.save()


def missing(row: Shipment) -> None:
    row.order.unit.cultures.all().delete()


@pytest.mark.parametrize("found", [grown, missing])
def test_what_a_medical_director_went_over_keeps_it_no_more(found: Callable[[Shipment], None]) -> None:
    """The release names it as excepted, with the reason that the hospital reads."""
    row = ShipmentFactory(checked=True)
    ready(row.order)
    found(row)
    gone_over(row)

    services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert CordBloodUnit.objects.get(pk=row.order.unit_id).status == "SHIPPED"


def test_who_went_over_a_missing_culture_went_over_no_growth(db: None) -> None:
    """The same line of the checklist, open when it was signed and failed now: that is new."""
    row = ShipmentFactory(checked=True)
    ready(row.order)
    missing(row)
    gone_over(row)
    CultureFactory(
        unit=row.order.unit, result="growth", verified_by=UserFactory(), verified_at=timezone.now()
    )

    with pytest.raises(Conflict) as caught:
        services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert [(one["code"], one["outcome"]) for one in caught.value.details] == [("cultures", "failed")]


def test_a_release_of_which_nobody_knows_what_it_went_over_excuses_nothing(db: None) -> None:
    row = ShipmentFactory(checked=True)
    ready(row.order)
    missing(row)
    row.order.release_checks = [{"code": "cultures", "outcome": "open", "excepted": "yes"}]
    row.order.save()

    with pytest.raises(Conflict) as caught:
        services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert caught.value.code == "changed_since_release"
