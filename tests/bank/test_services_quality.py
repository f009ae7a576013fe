"""Writes about quality: guarded, in one transaction with their audit entry, seen by a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from bank import services_quality as services
from bank.choices import Source
from bank.models import Accreditation, CordBloodUnit, HaemoglobinopathyResult, Measurement
from bank.processing import canonical_method
from bank.querysets import waiting_for
from core import audit
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from tests.factories.bank import (
    AccreditationFactory,
    BankFactory,
    MarkerFactory,
    MeasurementFactory,
    UnitFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 3, 1)  # a day on which things were done


def process(unit: CordBloodUnit, red_cells: str = "depleted", method: str = "sepax") -> CordBloodUnit:
    return services.unit_processing_record(
        unit_id=unit.pk, red_cells=red_cells, processing_method=method, actor=SYSTEM, reason="batch record"
    )


def measure(unit: CordBloodUnit, value: float = 12.5, **more: Any) -> Measurement:
    given = {"time_point": "processing", "analyte": "cfu", "actor": SYSTEM, **more}
    return services.measurement_record(unit_id=unit.pk, value=value, **given)


def screen(unit: CordBloodUnit, result: str = "not_found", **more: Any) -> HaemoglobinopathyResult:
    given = {"tested_on": TODAY, "method": "HPLC", "actor": SYSTEM, **more}
    return services.haemoglobinopathy_record(unit_id=unit.pk, result=result, **given)


WRITES: list[Callable[[CordBloodUnit], Any]] = [process, measure, screen]


def test_processing_is_written_in_our_spelling() -> None:
    unit = process(UnitFactory())

    assert (unit.red_cells, unit.processing_method) == ("depleted", "Sepax")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_key) == ("unit.processing", str(unit.pk))
    assert entry.before == {"red_cells": "", "processing_method": ""}
    assert entry.after == {"red_cells": "depleted", "processing_method": "Sepax"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [(" axp ", "AXP"), ("MANUAL", "manual"), ("Macopress  smart", "Macopress smart"), ("", "")],
)
def test_methods_are_spelled_one_way(text: str, kept: str) -> None:
    assert canonical_method(text) == kept


def test_a_long_method_is_refused() -> None:
    with pytest.raises(InvalidInput, match="At most 40"):
        canonical_method("x" * 41)


def test_the_same_processing_again_writes_nothing() -> None:
    unit = process(UnitFactory())

    process(unit)

    assert AuditEntry.objects.count() == 1


def test_a_measurement_supersedes_the_former() -> None:
    unit = UnitFactory()
    measure(unit, 12.5)
    row = measure(unit, 13.5)

    assert [(m.value, m.superseded) for m in unit.measurements.order_by("value")] == [
        (12.5, True),
        (13.5, False),
    ]
    assert row.measure_unit == "e5"
    entry = AuditEntry.objects.latest("at")
    assert (entry.before, entry.after["value"]) == ({"value": 12.5}, 13.5)


@pytest.mark.parametrize("analyte", ["tnc", "cd34", "volume"])
def test_a_listed_value_is_not_changed_behind_the_list(analyte: str) -> None:
    unit = UnitFactory()

    with pytest.raises(Conflict) as refusal:
        measure(unit, analyte=analyte)
    assert refusal.value.code == "listed_value"
    assert measure(unit, 90, analyte=analyte, time_point="post_thaw").value == 90


@pytest.mark.parametrize(
    ("analyte", "value"), [("viability", 100.1), ("cfu", -1), ("cfu", 5_001), ("cfu", float("nan"))]
)
def test_an_impossible_value_is_refused(analyte: str, value: float) -> None:
    unit = UnitFactory()

    with pytest.raises(InvalidInput) as refusal:
        measure(unit, value, analyte=analyte)
    assert refusal.value.code == "value_range"
    assert not Measurement.objects.exists()


@pytest.mark.parametrize(("analyte", "value"), [("viability", 100), ("viability", 0), ("cfu", 0)])
def test_values_at_the_edge_are_taken(analyte: str, value: float) -> None:
    assert measure(UnitFactory(), value, analyte=analyte).value == value


def test_a_screen_supersedes_a_pending_one() -> None:
    unit = UnitFactory()
    screen(unit, "pending", tested_on=None)
    screen(unit, "trait")

    rows = unit.haemoglobinopathy_results.order_by("superseded")
    assert [(row.result, row.superseded) for row in rows] == [("trait", False), ("pending", True)]
    assert AuditEntry.objects.latest("at").before == {"result": "pending"}


def test_a_result_needs_its_day() -> None:
    with pytest.raises(InvalidInput, match="day of the test"):
        screen(UnitFactory(), tested_on=None)


@pytest.mark.parametrize("write", [screen, measure])
def test_nothing_is_measured_tomorrow(write: Callable[..., Any]) -> None:
    day = {screen: "tested_on", measure: "measured_on"}[write]

    with pytest.raises(InvalidInput, match="future"):
        write(UnitFactory(), **{day: timezone.localdate() + DAY})


@pytest.mark.parametrize("write", WRITES)
def test_each_write_stamps_the_unit(write: Callable[[CordBloodUnit], Any]) -> None:
    unit = UnitFactory()
    before = CordBloodUnit.objects.get(pk=unit.pk).updated_at

    write(unit)

    assert CordBloodUnit.objects.get(pk=unit.pk).updated_at > before


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_without_its_entry(
    write: Callable[[CordBloodUnit], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_given: Any) -> None:
        raise RuntimeError

    unit = UnitFactory()
    monkeypatch.setattr(audit, "record", broken)

    with pytest.raises(RuntimeError):
        write(unit)

    unit.refresh_from_db()
    assert (unit.red_cells, unit.measurements.count(), unit.haemoglobinopathy_results.count()) == ("", 0, 0)


@pytest.mark.parametrize("write", WRITES)
def test_a_partners_unit_is_the_partners(write: Callable[[CordBloodUnit], Any]) -> None:
    with pytest.raises(Conflict) as refusal:
        write(UnitFactory(source=Source.PARTNER))
    assert refusal.value.code == "not_own"


def verify(unit: CordBloodUnit, person: User) -> CordBloodUnit:
    shown = {row.pk for row in waiting_for(unit, person.pk)}
    return services.unit_results_verify(
        unit_id=unit.pk, results=shown, actor=Actor.user(person), reason="seen the sheets"
    )


def test_a_second_person_verifies_what_others_entered(qa: User, lab: User) -> None:
    unit = UnitFactory()
    theirs = measure(unit, actor=Actor.user(lab))
    screened = screen(unit, actor=Actor.user(lab))
    own = measure(unit, 5, analyte="nrbc", actor=Actor.user(qa))

    verify(unit, qa)

    for row in (theirs, screened, own):
        row.refresh_from_db()
    assert theirs.verified_by == screened.verified_by == qa
    assert own.verified_by is None
    ids = sorted([str(theirs.pk), str(screened.pk)])
    assert AuditEntry.objects.latest("at").after == {"verified": 2, "results": ids}


def test_nobody_vouches_for_what_came_after_they_looked(qa: User, lab: User) -> None:
    unit = UnitFactory()
    seen = measure(unit, actor=Actor.user(lab))
    shown = {row.pk for row in waiting_for(unit, qa.pk)}
    late = measure(unit, 40, analyte="haematocrit", actor=Actor.user(lab))

    with pytest.raises(Conflict) as refusal:
        services.unit_results_verify(unit_id=unit.pk, results=shown, actor=Actor.user(qa), reason="seen")

    assert refusal.value.code == "results_changed"
    for row in (seen, late):
        row.refresh_from_db()
        assert row.verified_by is None


def test_markers_are_verified_with_the_rest(qa: User) -> None:
    marker = MarkerFactory()

    verify(marker.unit, qa)

    marker.refresh_from_db()
    assert marker.verified_by == qa


def test_nobody_verifies_what_they_entered(lab: User) -> None:
    unit = UnitFactory()
    measure(unit, actor=Actor.user(lab))

    with pytest.raises(NotAllowed, match="Somebody else"):
        verify(unit, lab)


def test_verifying_nothing_and_by_nobody(qa: User) -> None:
    with pytest.raises(Conflict, match="No result"):
        verify(UnitFactory(), qa)
    with pytest.raises(NotAllowed, match="Only a person"):
        services.unit_results_verify(
            unit_id=MeasurementFactory().unit_id, results=(), actor=SYSTEM, reason="x"
        )


def record(**given: Any) -> Accreditation:
    values = {"bank_id": BankFactory().pk, "scheme": "aabb", "valid_from": TODAY, "actor": SYSTEM, **given}
    return services.accreditation_record(**values)


def test_an_accreditation_is_recorded_and_ended() -> None:
    row = record(number=" 77 ")
    assert (str(row), row.is_valid_on(TODAY)) == ("AABB 77", True)

    ended = services.accreditation_end(
        accreditation_id=row.pk, valid_until=TODAY, actor=SYSTEM, reason="given back"
    )

    assert ended.is_valid_on(TODAY)
    assert not ended.is_valid_on(TODAY + DAY)
    assert [entry.action for entry in AuditEntry.objects.order_by("at")] == [
        "accreditation.record",
        "accreditation.end",
    ]


def test_the_row_and_the_query_say_the_same_of_a_day() -> None:
    days = [TODAY + dt.timedelta(days=number) for number in (-2, -1, 0, 1, 2)]
    for number, until in enumerate([None, *days[2:]]):
        AccreditationFactory(number=str(number), valid_from=days[1], valid_until=until)

    for day in days:
        valid = {row.pk for row in Accreditation.objects.all() if row.is_valid_on(day)}
        assert {row.pk for row in Accreditation.objects.valid_on(day)} == valid


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"scheme": "other"}, "name_needed"),
        ({"valid_until": TODAY - dt.timedelta(days=1)}, "period"),
        ({"bank_id": uuid4()}, "bank_unknown"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        record(**given)
    assert refusal.value.code == code
    assert not Accreditation.objects.exists()


def test_an_accreditation_is_recorded_once() -> None:
    record(number="1")

    with pytest.raises(Conflict, match="already"):
        record(number="1")
    with pytest.raises(InvalidInput, match="no such"):
        services.accreditation_end(accreditation_id=uuid4(), valid_until=TODAY, actor=SYSTEM, reason="x")
