"""The dose to expect after thaw stands beside the dose rule, by as many units as were measured, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from bank.recovery import AT_LEAST
from core.roles import Role
from tests.factories.bank import MeasurementFactory
from tests.factories.core import UserFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory
from tests.matching.test_pages_requests import client_of

pytestmark = pytest.mark.django_db


def thawed(unit: CordBloodUnit, share: float) -> None:
    """Another unit of the same bank and method that kept this share of its cells."""
    other = ListedUnitFactory(bank=unit.bank, processing_method=unit.processing_method)
    for point, value in (("processing", 100.0), ("post_thaw", 100.0 * share)):
        MeasurementFactory(unit=other, analyte="tnc", measure_unit="e7", time_point=point, value=value)


@pytest.mark.parametrize(("measured", "shown"), [(AT_LEAST, True), (AT_LEAST - 1, False)])
def test_beside_the_dose(measured: int, shown: bool) -> None:
    unit = ListedUnitFactory(tnc_e7=200, processing_method="sepax")
    for place in range(measured):
        thawed(unit, 0.80 if place % 2 else 0.90)
    run = stored_run([unit])
    run.request.patient.weight_kg = Decimal(50)
    run.request.patient.save()
    bank: Client = client_of(UserFactory(roles=[Role.SEARCH_COORDINATOR]))

    page = bank.get(reverse("matching:run-unit", args=[run.pk, unit.pk])).content.decode()

    told = f"After thaw about 3.40 ×10⁷/kg, nine of ten 3.20 to 3.60 ({AT_LEAST} units of"
    assert (told in page) == shown
    assert "After thaw: cannot tell" in page  # of CD34 nothing was measured
