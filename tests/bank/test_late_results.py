"""What comes to light after a unit was listed holds it at once, and quality assurance is told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bank import services_quality, services_release, services_screening
from bank.models import CordBloodUnit
from bank.services_screening import Drawn
from core import kinds
from core.audit import Actor
from core.models import Notification, User
from core.roles import Role
from tests.factories.bank import DonationFactory, SpecificationFactory, UnitFactory
from tests.factories.consent import SYSTEM
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
DAY = dt.date(2024, 3, 1)
VIABILITY = {
    "kind": "measurement", "time_point": "post_thaw_segment", "analyte": "cd34_viability", "threshold": 70,
    "measure_unit": "percent",
}  # fmt: skip
ASKED = [
    VIABILITY,
    {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]},
    {"kind": "haemoglobinopathy", "allowed": ["not_found", "trait"]},
    {"kind": "segments", "threshold": 99},  # never met here: what was not written now holds nothing
]


def listed(status: str = "LISTED", **more: Any) -> CordBloodUnit:
    row: CordBloodUnit = UnitFactory(status=status, donation=DonationFactory(), **more)
    SpecificationFactory(bank=row.bank, approved=True, criteria=ASKED)
    return row


def viability(unit: CordBloodUnit, value: float, **more: Any) -> None:
    services_quality.measurement_record(
        unit_id=unit.pk,
        time_point="post_thaw_segment",
        analyte="cd34_viability",
        value=value,
        actor=SYSTEM,
        **more,
    )


def state(unit: CordBloodUnit) -> tuple[str, str]:
    unit.refresh_from_db()
    return unit.status, unit.hold_reason


@pytest.mark.parametrize("status", ["LISTED", "RESERVED"])
@pytest.mark.parametrize("decision", ["ineligible", "undetermined"])
def test_a_donor_who_is_not_eligible_any_more(status: str, decision: str, qa: User) -> None:
    unit = listed(status)

    services_release.eligibility_decide(
        unit_id=unit.pk, decision=decision, reason="hepatitis", actor=Actor.user(qa)
    )

    assert state(unit)[0] == "ON_HOLD"
    assert "hepatitis" in state(unit)[1]
    told = Notification.objects.get(user=qa)
    assert told.code == "unit.held"
    for text in (kinds.text_of(told), kinds.subject_of(told), str(told.params)):
        assert "hepatitis" not in text
        assert decision not in text.lower()


def test_an_eligible_donor_or_a_unit_that_is_not_on_offer_holds_nothing(qa: User) -> None:
    good, waiting = listed(), listed("QUARANTINE", bank__code="B2")
    decide = services_release.eligibility_decide

    decide(unit_id=good.pk, decision="eligible", actor=SYSTEM)
    decide(unit_id=waiting.pk, decision="ineligible", reason="r", actor=SYSTEM)

    assert state(good)[0] == "LISTED"
    assert state(waiting)[0] == "QUARANTINE"
    assert not Notification.objects.exists()


@pytest.mark.parametrize(("value", "held"), [(69.9, True), (70, False), (95, False)])
def test_a_viability_after_thaw(value: float, held: bool) -> None:
    unit = listed()
    UserFactory(roles=[Role.QA])

    viability(unit, value)

    assert (state(unit)[0] == "ON_HOLD") is held
    assert Notification.objects.exists() is held


def test_an_older_measurement_that_does_not_come_into_force_holds_nothing() -> None:
    unit = listed()
    viability(unit, 90, measured_on=DAY)

    viability(unit, 10, measured_on=DAY - dt.timedelta(days=1))

    assert state(unit)[0] == "LISTED"


@pytest.mark.parametrize(
    ("kind", "result", "held"),
    [
        ("fungal", "growth", True),
        ("bacterial", "growth", True),  # not asked for, and bad all the same
        ("fungal", "indeterminate", True),
        ("bacterial", "indeterminate", False),
        ("fungal", "no_growth", False),
    ],
)
def test_a_culture(kind: str, result: str, held: bool) -> None:
    unit = listed()

    services_screening.culture_record(
        unit_id=unit.pk, kind=kind, result=result, drawn=Drawn(DAY), actor=SYSTEM
    )

    assert (state(unit)[0] == "ON_HOLD") is held


@pytest.mark.parametrize(("result", "held"), [("disease", True), ("trait", False), ("not_found", False)])
def test_a_haemoglobinopathy(result: str, held: bool) -> None:
    unit = listed()

    services_quality.haemoglobinopathy_record(unit_id=unit.pk, result=result, tested_on=DAY, actor=SYSTEM)

    assert (state(unit)[0] == "ON_HOLD") is held


def test_without_a_specification_only_what_is_bad_in_itself_holds() -> None:
    unit: CordBloodUnit = UnitFactory()

    viability(unit, 1)

    assert state(unit)[0] == "LISTED"
