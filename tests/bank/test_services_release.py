"""Release of units: by the specification in force, signed; and the decision on the donor."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from bank import services_release as services
from bank.choices import ReleaseOutcome
from bank.models import (
    CordBloodUnit,
    Release,
)
from bank.querysets import waiting_for
from bank.release.defaults import PROPOSAL
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.bank.release_helpers import clean, counted_unit, release
from tests.factories.bank import (
    CultureFactory,
    DonationFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MarkerFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit(lab: User, qa: User) -> CordBloodUnit:
    return counted_unit(lab, qa)


def test_a_unit_that_meets_everything_is_listed_by_a_signature(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)

    row = release(unit, qa)

    unit.refresh_from_db()
    assert (unit.status, row.outcome, row.signed_by) == ("LISTED", "passed", Actor.user(qa).label)
    assert [one["verdict"] for one in row.findings] == ["passed"] * 3  # two criteria, and the lots
    entry = AuditEntry.objects.get(action="unit.release")
    assert (entry.before["status"], entry.after["status"]) == ("QUARANTINE", "LISTED")


def test_what_is_open_keeps_it_back_and_is_named(unit: CordBloodUnit, qa: User, director: User) -> None:
    for user, justification in ((qa, ""), (director, "urgent")):  # no culture: no exception
        with pytest.raises(Conflict) as refused:
            release(unit, user, justification=justification)
        assert refused.value.code == "not_released"
        assert [one["kind"] for one in refused.value.details] == ["measurement", "culture"]

    unit.refresh_from_db()
    assert unit.status == "QUARANTINE"
    assert not Release.objects.exists()


def test_an_exception_is_justified_and_the_medical_directors(
    unit: CordBloodUnit, qa: User, director: User
) -> None:
    clean(unit, qa)

    with pytest.raises(Conflict) as unjustified:
        release(unit, director)
    with pytest.raises(NotAllowed) as not_qa:
        release(unit, qa, justification="the only match")
    row = release(unit, director, justification="the only match")

    assert (unjustified.value.field, not_qa.value.code) == ("justification", "may_not_except")
    assert (row.outcome, row.justification) == (ReleaseOutcome.EXCEPTIONAL, "the only match")


def test_who_entered_a_result_signs_neither_release_nor_refusal(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)
    person = UserFactory(roles=[Role.QA])
    MarkerFactory(unit=unit, entered_by=person)

    with pytest.raises(NotAllowed) as refused:
        release(unit, person)
    with pytest.raises(NotAllowed):
        services.unit_release_refuse(
            unit_id=unit.pk, user=person, password=PASSWORD, justification="contaminated"
        )
    assert refused.value.code == "own_work"
    assert release(unit, qa).outcome == ReleaseOutcome.PASSED


def test_a_wrong_password_signs_nothing(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)

    with pytest.raises(NotAllowed) as refused:
        release(unit, qa, password="not it at all")

    assert (refused.value.code, refused.value.field) == ("wrong_password", "password")
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "LISTED"}, "not_in_quarantine"),
        ({"source": "partner"}, "not_own"),
        ({"held_for_confirmation": True}, "to_confirm"),
        ({"recalled": True}, "recalled"),
        ({"consent_withdrawn": True}, "consent_withdrawn"),
        ({"typing_conflict": True}, "typing_conflict"),
    ],
)
def test_only_a_free_unit_of_the_quarantine_is_released(
    unit: CordBloodUnit, qa: User, change: dict[str, Any], code: str
) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)
    CordBloodUnit.objects.filter(pk=unit.pk).update(**change)

    with pytest.raises(DomainError) as refused:
        release(unit, qa)

    assert refused.value.code == code
    assert not Release.objects.exists()


def test_without_a_specification_nothing_is_released(qa: User) -> None:
    unit = UnitFactory(status="QUARANTINE")
    SpecificationFactory(bank=unit.bank)  # a draft

    for act in (
        lambda: release(unit, qa),
        lambda: services.unit_release_refuse(
            unit_id=unit.pk, user=qa, password=PASSWORD, justification="why"
        ),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "no_specification"


def test_a_refusal_is_signed_and_the_unit_stays(unit: CordBloodUnit, qa: User) -> None:
    row = services.unit_release_refuse(
        unit_id=unit.pk, user=qa, password=PASSWORD, justification="too few cells"
    )

    unit.refresh_from_db()
    assert (row.outcome, unit.status) == ("refused", "QUARANTINE")
    with pytest.raises(InvalidInput):
        services.unit_release_refuse(unit_id=unit.pk, user=qa, password=PASSWORD, justification=" ")


def test_growth_counts_until_it_is_retracted(unit: CordBloodUnit, qa: User) -> None:
    unit.measurements.update(value=50)
    clean(unit, qa)
    grown = CultureFactory(unit=unit, kind="fungal", result="growth")

    assert [one.verdict for one in services.judged([unit])[unit.pk].findings] == [
        "passed",
        "failed",
        "passed",
    ]
    type(grown).objects.filter(pk=grown.pk).update(
        retracted_at="2024-02-01T00:00Z", retracted_by=qa, retraction_reason="another bag"
    )
    assert not services.judged([unit])[unit.pk].open


def test_everything_that_is_recorded_is_seen_by_the_proposal(lab: User, qa: User) -> None:
    """A unit of which every row of the proposal is recorded and verified has nothing open but its place."""
    unit = UnitFactory(status="QUARANTINE", donation=DonationFactory(), segments=2)
    SpecificationFactory(bank=unit.bank, approved=True, criteria=list(PROPOSAL))
    seen: dict[str, Any] = {"entered_by": lab, "verified_by": qa, "verified_at": "2024-01-01T00:00Z"}
    for row in PROPOSAL:
        if row["kind"] == "measurement":
            given = {name: row[name] for name in ("time_point", "analyte", "measure_unit")}
            MeasurementFactory(unit=unit, value=row["threshold"], **given, **seen)
        if row["kind"] == "marker":
            MarkerFactory(unit=unit, subject=row["subject"], test=row["test"], result="negative", **seen)
        if row["kind"] == "culture":
            CultureFactory(unit=unit, kind=row["test"], **seen)
    HaemoglobinopathyFactory(unit=unit, **seen)
    HlaTypingFactory(unit=unit, canonical_gl="A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01", **seen)
    unit.blood_groups.create(abo="A", rh="+", tested_on=dt.date(2024, 1, 1), **seen)
    unit.donation.eligibility.create(decision="eligible", **seen)

    found = services.judged([unit])[unit.pk]

    assert [one.kind for one in found.open] == ["stored"]
    assert found.facts.performers == {str(lab.pk)}


def test_units_are_judged_in_a_few_queries(unit: CordBloodUnit, django_assert_max_num_queries: Any) -> None:
    more = [UnitFactory(status="QUARANTINE", donation=DonationFactory()) for _ in range(20)]

    with django_assert_max_num_queries(17):
        found = services.judged([unit, *more])

    assert len(found) == 21


# --- the donor -----------------------------------------------------------------------------------


def test_a_decision_on_the_donor_supersedes_and_waits_for_a_second_person(
    unit: CordBloodUnit, qa: User, director: User
) -> None:
    decide = services.eligibility_decide
    decide(unit_id=unit.pk, decision="undetermined", reason="history incomplete", actor=Actor.user(qa))
    decide(unit_id=unit.pk, decision="eligible", questionnaire="Q3", actor=Actor.user(qa))

    assert [row.decision for row in unit.donation.eligibility.in_force()] == ["eligible"]
    unit.refresh_from_db()
    assert "Donor: Eligible" in [row.told for row in waiting_for(unit, director.pk)]
    with pytest.raises(InvalidInput) as refused:
        decide(unit_id=unit.pk, decision="ineligible", actor=SYSTEM)
    assert refused.value.field == "reason"
    with pytest.raises(Conflict):
        decide(unit_id=UnitFactory().pk, decision="eligible", actor=SYSTEM)


def test_the_application_may_neither_change_nor_delete_a_release(unit: CordBloodUnit, qa: User) -> None:
    services.unit_release_refuse(unit_id=unit.pk, user=qa, password=PASSWORD, justification="why")

    for sql in ("UPDATE bank_release SET justification = 'x'", "DELETE FROM bank_release"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
