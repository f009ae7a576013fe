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
from tests.factories.orders import OrderFactory, papers_made, ready
from tests.factories.shipments import ShipmentFactory, shipping_person
from transplants import services_shipments as services
from transplants.checklist import in_english, kept
from transplants.checks_papers import papers_check
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


@pytest.mark.parametrize(
    ("country", "made", "missing"),
    [
        ("CN", (), ["Summary of records", "Thaw instruction"]),
        ("CN", ("summary",), ["Thaw instruction"]),
        ("CN", ("summary", "thaw"), []),
        ("SG", ("summary", "thaw"), ["Declaration for customs"]),
    ],
)
def test_the_papers_of_the_unit_are_made_before_it_leaves(
    country: str, made: tuple[str, ...], missing: list[str]
) -> None:
    row = ShipmentFactory(checked=True, order__country=country)
    if made:
        papers_made(row.order, *made)

    (found,) = papers_check(row.order)

    assert found.is_passed is (not missing)
    assert all(name in found.says for name in missing)


def test_without_its_papers_a_unit_stays_here(db: None) -> None:
    """Those of before the release, or of another packing, are of something else."""
    row = ShipmentFactory(checked=True)
    ready(row.order)
    type(row.order).objects.update(released_at=timezone.now())
    type(row).objects.update(packed_at=timezone.now())

    with pytest.raises(Conflict) as caught:
        services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert [one["code"] for one in caught.value.details] == ["papers"]


def test_a_declaration_is_of_what_was_packed(db: None) -> None:
    row = ShipmentFactory(checked=True, order__country="SG")
    papers_made(row.order)
    assert papers_check(row.order)[0].is_passed
    row.packed_at = timezone.now()
    row.save()

    (found,) = papers_check(row.order)

    assert (found.outcome, "Declaration" in found.says) == ("open", True)


def test_of_an_order_that_is_not_released_no_papers_are_asked(db: None) -> None:
    assert papers_check(OrderFactory(state="approved")) == []


def test_a_release_of_which_nobody_knows_what_it_went_over_excuses_nothing(db: None) -> None:
    row = ShipmentFactory(checked=True)
    ready(row.order)
    missing(row)
    row.order.release_checks = [{"code": "cultures", "outcome": "open", "excepted": "yes"}]
    row.order.save()

    with pytest.raises(Conflict) as caught:
        services.shipment_dispatch(shipment_id=row.pk, user=shipping_person())

    assert caught.value.code == "changed_since_release"
