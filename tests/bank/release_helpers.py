"""A unit in quarantine and what is asked of it, for tests of releases."""

from __future__ import annotations

from typing import Any

from bank import services_release as services
from bank.models import CordBloodUnit, Release
from core.models import User
from tests.factories.bank import (
    CultureFactory,
    DonationFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import PASSWORD

TNC = {
    "kind": "measurement", "time_point": "processing", "analyte": "tnc", "threshold": 50, "measure_unit": "e7",
    "may_be_excepted": True,
}  # fmt: skip
CULTURE = {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]}
SEEN = "2024-01-01T00:00Z"


def counted_unit(lab: User, qa: User) -> CordBloodUnit:
    """In quarantine; TNC of 40 entered by lab and verified by qa, of 50 and a culture that are asked."""
    row: CordBloodUnit = UnitFactory(status="QUARANTINE", donation=DonationFactory())
    SpecificationFactory(bank=row.bank, approved=True, criteria=[TNC, CULTURE])
    MeasurementFactory(unit=row, value=40, entered_by=lab, verified_by=qa, verified_at=SEEN)
    return row


def clean(unit: CordBloodUnit, qa: User) -> None:
    CultureFactory(unit=unit, kind="fungal", verified_by=qa, verified_at="2024-01-01T00:00Z")


def release(unit: CordBloodUnit, user: User, **more: Any) -> Release:
    return services.unit_release(unit_id=unit.pk, user=user, **{"password": PASSWORD, **more})
