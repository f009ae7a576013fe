"""The synthetic transplants: the same for the same seed, in range, and consistent as a list of a hospital must be."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from statistics import median
from typing import Any

import pytest

from core.audit import Actor
from core.models import AuditEntry
from hospitals.choices import DIAGNOSIS, DiagnosisGroup
from tests.factories.hospitals import HospitalFactory
from tests.transplants.test_list_ebmt import survival
from transplants.demo_outcomes.load import load, rows_of
from transplants.importing.columns import EVENTS, OF_TRANSPLANT
from transplants.importing.rows import HistoricRow
from transplants.models import FollowUp, Outcome, Transplant, TransplantUnit

TODAY = dt.date(2026, 11, 30)
CODES = [f"H{number:03d}" for number in range(1, 111)]
BY = Actor.system("demo_data")
PUBLISHED = 0.6035


def drawn(count: int = 7_240, seed: int = 1, codes: list[str] = CODES) -> list[HistoricRow]:
    return list(rows_of(codes, count=count, seed=seed, today=TODAY))


@pytest.fixture(scope="module")
def whole() -> list[HistoricRow]:
    return drawn()


def value(row: HistoricRow, name: str) -> Any:
    return row.values[OF_TRANSPLANT.index(name)]


def days(row: HistoricRow, name: str) -> int | None:
    day = row.answer(name)
    return None if day is None else (day - row.day_0).days


def followed(row: HistoricRow) -> float:
    return float(days(row, "contact_on") or 0)


def died(row: HistoricRow) -> bool:
    return bool(row.answer("contact") == "dead")


def primary(rows: list[HistoricRow]) -> list[HistoricRow]:
    """First transplants of one or two units for blood cancers."""
    return [
        row
        for row in rows
        if row.sequence == 1
        and DIAGNOSIS[value(row, "diagnosis")].group == DiagnosisGroup.MALIGNANT
        and value(row, "graft_type") in ("single", "double")
    ]


def incidence(rows: list[HistoricRow], event: str, at: int) -> float:
    """Of those not censored before `at`: whether it happened by then. Enough for a range."""
    known = [row for row in rows if died(row) or followed(row) >= at or (days(row, event) or at + 1) <= at]
    return sum((days(row, event) or at + 1) <= at for row in known) / len(known)


def test_the_same_seed_gives_identical_rows_and_another_one_others() -> None:
    assert drawn(300) == drawn(300)
    assert drawn(300) != drawn(300, seed=2)


@pytest.mark.slow
def test_five_year_survival_lies_near_the_published_figure(whole: list[HistoricRow]) -> None:
    """Within two points, for seeds of which none was looked at when the figures were chosen."""
    for rows in (whole, drawn(seed=101), drawn(seed=102)):
        cohort = primary(rows)
        estimate, low, high, _risk = survival(
            [followed(row) for row in cohort], [died(row) for row in cohort], 5 * 365.25
        )
        assert abs(estimate - PUBLISHED) < 0.02
        assert low < PUBLISHED < high


@pytest.mark.slow
def test_the_course_looks_as_published_for_cord_blood(whole: list[HistoricRow]) -> None:
    engrafted = [day for row in whole if (day := days(row, "neutrophils_on")) is not None]
    acute = [row for row in whole if row.answer("acute")]

    assert 0.88 < incidence(whole, "neutrophils_on", 42) < 0.93
    assert 18 <= median(engrafted) <= 20
    assert 0.7 < incidence([row for row in whole if row.answer("platelets")], "platelets_on", 180) < 0.85
    assert 0.30 < sum((row.answer("acute_grade") or 0) >= 2 for row in acute) / len(acute) < 0.45
    assert 0.20 < incidence([row for row in whole if row.answer("chronic")], "chronic_on", 730) < 0.40
    assert 0.14 < incidence(primary(whole), "relapse_on", 1826) < 0.30
    causes = Counter(row.answer("primary_cause") for row in whole if died(row))
    assert causes["relapse"] == max(causes.values())
    assert len(causes) > 15
    assert any(not row.answer("platelets") for row in whole)  # missing is not no


def test_more_each_year_and_combined_grafts_in_late_years(whole: list[HistoricRow]) -> None:
    by_year = Counter(row.day_0.year for row in whole)
    late = [row for row in whole if row.day_0.year >= 2022]
    early = [row for row in whole if row.day_0.year <= 2011]

    assert min(by_year) == 1998
    assert by_year[2003] < by_year[2010] < by_year[2016] < by_year[2024]
    for graft in ("cord_haplo", "supportive"):
        shares = [
            sum(value(row, "graft_type") == graft for row in rows) / len(rows) for rows in (early, late)
        ]
        assert shares[0] == 0 < shares[1]
    assert len({row.hospital for row in whole}) == 110
    assert 60 < sum(row.sequence == 2 for row in whole) < 300


def test_inherited_disorders_say_whether_there_were_symptoms_and_measure_the_enzyme(
    whole: list[HistoricRow],
) -> None:
    rows = [row for row in whole if DIAGNOSIS[value(row, "diagnosis")].group == DiagnosisGroup.METABOLIC]

    assert {value(row, "symptomatic") for row in rows} == {"yes", "no"}
    assert sum(row.answer("enzyme_percent") is not None for row in rows) > len(rows) / 3
    assert {value(row, "symptomatic") for row in whole if row not in rows} == {""}


def test_hospitals_differ_in_how_well_they_follow_their_patients(whole: list[HistoricRow]) -> None:
    """Clark's completeness at one year: time observed of the time that could have been."""
    seen: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    for row in whole:
        most = min((TODAY - row.day_0).days, 365)
        until = min(followed(row), most)
        seen[row.hospital] += int(until)
        possible[row.hospital] += int(until if died(row) else most)
    shares = sorted(seen[code] / possible[code] for code in possible)

    assert shares[0] < 0.85
    assert 0.93 < median(shares) < 1
    assert 5 < sum(share < 0.9 for share in shares) < 40


def test_nothing_happens_before_day_0_after_the_last_contact_or_in_the_future(
    whole: list[HistoricRow],
) -> None:
    for row in whole:
        contact = row.answer("contact_on")
        assert dt.date(1998, 1, 1) <= row.day_0 <= contact <= TODAY
        for name in (*EVENTS, "acute_severe"):
            day = row.answer(f"{name}_on")
            assert day is None or row.day_0 <= day <= contact, (row.line, name)
            if day is not None and name != "acute_severe":
                assert row.answer(name) not in ("", "no", "unknown")
        assert bool(row.answer("primary_cause")) == died(row)
        assert len(row.units) == (2 if value(row, "graft_type") == "double" else 1)
    keys = [row.key for row in whole]
    assert len(set(keys)) == len(keys) == 7_240
    numbers = [unit[0] for row in whole for unit in row.units]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.django_db
def test_they_are_loaded_marked_and_their_outcomes_derived() -> None:
    for code in ("H001", "H002", "H003"):
        HospitalFactory(code=code)

    assert load(count=60, seed=1, by=BY, today=TODAY) == 60

    assert set(Transplant.objects.values_list("source", flat=True)) == {"synthetic"}
    assert Outcome.objects.count() == FollowUp.objects.filter(visit="import", state="final").count() == 60
    rows = drawn(60, codes=["H001", "H002", "H003"])
    for row in rows:
        made = Transplant.objects.get(
            hospital__code=row.hospital, registry_code=row.patient, sequence=row.sequence
        )
        assert made.outcome.days_followed == followed(row)
        assert made.outcome.is_dead == died(row)
        assert made.outcome.days_to_neutrophils == days(row, "neutrophils_on")
        assert made.outcome.days_to_relapse == days(row, "relapse_on")
    assert TransplantUnit.objects.count() == sum(len(row.units) for row in rows)
    entry = AuditEntry.objects.get(action="transplants.import")
    assert (entry.batch_rows, entry.after) == (60, {"synthetic": True, "imported": 60, "seed": 1})


@pytest.mark.django_db
def test_without_hospitals_there_is_nothing() -> None:
    assert load(count=5, seed=1, by=BY, today=TODAY) == 0
    assert not AuditEntry.objects.filter(action="transplants.import").exists()
