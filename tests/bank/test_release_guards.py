"""What nobody gets around: own work, what was not read, what changed under a hold, something bad on offer."""

from __future__ import annotations

import datetime as dt

import pytest

from bank import services_release as services
from bank.choices import MarkerResultValue, MarkerTest
from bank.models import (
    CordBloodUnit,
    ProcessingRecord,
)
from bank.querysets import waiting_for
from bank.services import unit_hold, unit_unhold
from bank.services_quality import haemoglobinopathy_record, measurement_record
from bank.services_screening import (
    Drawn,
    MarkerGiven,
    culture_record,
    markers_record,
    result_retract,
)
from core.audit import Actor
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Role
from tests.bank.release_helpers import clean, counted_unit, release
from tests.factories.bank import (
    CultureFactory,
    DonationFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MarkerFactory,
    MeasurementFactory,
    UnitFactory,
)
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit(lab: User, qa: User) -> CordBloodUnit:
    return counted_unit(lab, qa)


def test_whoever_had_a_hand_in_it_does_not_sign(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)
    hands = [UserFactory(roles=[Role.QA]) for _ in range(4)]
    typed, retracted, started, frozen = hands
    HlaTypingFactory(unit=unit, entered_by=typed, is_current=False)  # loci are kept from it
    MarkerFactory(
        unit=unit, retracted_by=retracted, retracted_at="2024-01-01T00:00Z", retraction_reason="swapped"
    )
    ProcessingRecord.objects.create(
        unit=unit, started_at="2024-01-01T00:00Z", entered_by=started, frozen_by=frozen
    )

    for person in hands:
        with pytest.raises(NotAllowed) as refused:
            release(unit, person)
        assert refused.value.code == "own_work"


def test_who_entered_an_earlier_typing_does_not_vouch_for_the_later_one(
    unit: CordBloodUnit, lab: User, qa: User
) -> None:
    first, second = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.LAB])
    HlaTypingFactory(unit=unit, entered_by=first, is_current=False)
    row = HlaTypingFactory(unit=unit, entered_by=second)

    assert [row in waiting_for(unit, person.pk) for person in (first, second, qa)] == [False, False, True]


def test_what_was_not_read_is_not_signed(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)
    seen = services.judged([unit])[unit.pk].digest
    CultureFactory(unit=unit, kind="fungal", result="indeterminate")

    with pytest.raises(Conflict) as refused:
        release(unit, qa, seen=seen)
    with pytest.raises(Conflict):
        services.unit_release_refuse(
            unit_id=unit.pk, user=qa, password=PASSWORD, justification="why", seen=seen
        )

    assert refused.value.code == "results_changed"


@pytest.mark.parametrize("change", ["measurement", "typing", "retraction", "none"])
def test_a_unit_that_changed_while_it_was_held_is_released_again(qa: User, lab: User, change: str) -> None:
    unit = UnitFactory(donation=DonationFactory())
    wrong = MarkerFactory(unit=unit)
    unit_hold(unit_id=unit.pk, actor=Actor.user(qa), reason="check")
    if change == "measurement":
        measurement_record(
            unit_id=unit.pk, time_point="processing", analyte="tnc", value=90, actor=Actor.user(lab)
        )
    if change == "typing":
        HlaTypingFactory(unit=unit)
    if change == "retraction":
        result_retract(
            unit_id=unit.pk, kind="marker", result_id=wrong.pk, actor=Actor.user(qa), reason="swapped"
        )

    back = unit_unhold(unit_id=unit.pk, actor=Actor.user(qa), reason="done")

    assert back.status == ("LISTED" if change == "none" else "QUARANTINE")


def test_a_promised_unit_that_changed_stays_held(qa: User) -> None:
    unit = UnitFactory(status="RESERVED")
    unit_hold(unit_id=unit.pk, actor=Actor.user(qa), reason="check")
    CultureFactory(unit=unit)

    with pytest.raises(Conflict) as refused:
        unit_unhold(unit_id=unit.pk, actor=Actor.user(qa), reason="done")

    assert refused.value.code == "changed_while_held"


def test_something_bad_holds_a_unit_on_offer_at_once(lab: User) -> None:
    bad, grown, common, waiting = (
        UnitFactory(),
        UnitFactory(status="RESERVED"),
        UnitFactory(),
        UnitFactory(status="QUARANTINE"),
    )
    day = Drawn(dt.date(2024, 1, 1))

    def positive(unit: CordBloodUnit, test: str) -> None:
        given = [MarkerGiven(MarkerTest(test), MarkerResultValue.POSITIVE)]
        markers_record(unit_id=unit.pk, subject="mother", drawn=day, results=given, actor=Actor.user(lab))

    positive(bad, "hbs_ag")
    positive(common, "cmv")
    positive(waiting, "hbs_ag")
    culture_record(unit_id=grown.pk, kind="fungal", result="growth", drawn=day, actor=Actor.user(lab))

    for unit, status in ((bad, "ON_HOLD"), (grown, "ON_HOLD"), (common, "LISTED"), (waiting, "QUARANTINE")):
        unit.refresh_from_db()
        assert unit.status == status
    assert "HBsAg" in bad.hold_reason


def test_what_was_vouched_for_of_a_unit_on_offer_is_not_replaced_by_one_word(lab: User, qa: User) -> None:
    unit = UnitFactory()
    HaemoglobinopathyFactory(unit=unit, result="disease", verified_by=qa, verified_at="2024-01-01T00:00Z")
    MeasurementFactory(
        unit=unit, analyte="viability", measure_unit="percent", value=60, verified_by=qa,
        verified_at="2024-01-01T00:00Z",
    )  # fmt: skip

    with pytest.raises(Conflict):
        haemoglobinopathy_record(
            unit_id=unit.pk, result="not_found", tested_on=dt.date(2024, 1, 1), actor=Actor.user(lab)
        )
    with pytest.raises(Conflict):
        measurement_record(
            unit_id=unit.pk, time_point="processing", analyte="viability", value=95, actor=Actor.user(lab)
        )
    haemoglobinopathy_record(unit_id=unit.pk, result="pending", actor=Actor.user(lab))

    assert unit.haemoglobinopathy_results.in_force().get().result == "disease"
