"""The yield's figures against a twin that counts unit by unit, on random units."""

from __future__ import annotations

import datetime as dt
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank.choices_yield import Fate, Stage
from bank.models import CordBloodUnit, Release
from bank.yields import cohort as cohorts
from bank.yields import funnel as figures
from bank.yields import spread, stock, turnaround
from bank.yields.cohort import Cohort
from core.models import User
from tests.bank import twin_yields as twin
from tests.bank.yield_helpers import random_unit
from tests.factories.bank import (
    DonationFactory,
    ImportBatchFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.stocks import discard

COHORTS = (
    Cohort(),
    Cohort(dt.date(2024, 3, 1), dt.date(2024, 12, 31)),
    Cohort(dt.date(2024, 2, 1), None, "North"),
)
RANDOM = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(seed: int, many: int = 16) -> list[CordBloodUnit]:
    rng = random.Random(seed)
    for _ in range(many):
        random_unit(rng)
    return list(CordBloodUnit.objects.all())


def chosen(units: list[CordBloodUnit], cohort: Cohort) -> list[CordBloodUnit]:
    return [unit for unit in units if twin.in_cohort(unit, cohort.since, cohort.until, cohort.site)]


@RANDOM
@given(seed=st.integers(0, 10_000))
def test_the_funnel_counts_as_its_twin(qa: User, seed: int) -> None:
    units = made(seed)

    for cohort in COHORTS:
        slow = twin.counted(chosen(units, cohort))
        groups = cohorts.groups(cohort, qa)
        fast = figures.funnel(groups)
        assert {int(step.stage): step.reached for step in fast.steps} == slow["reached"]
        for step in fast.steps:
            found = (step.lost, step.research, step.open)
            assert found == tuple(slow["stopped"][step.stage, fate] for fate in ("lost", "research", "open"))
        assert fast.untold == sum(n for (_stage, fate), n in slow["stopped"].items() if fate == "untold")
        assert dict(figures.reasons(groups)) == slow["reasons"]
        assert {site: one.collected for site, one in figures.by_site(groups)} == slow["sites"]


@RANDOM
@given(seed=st.integers(0, 10_000))
def test_the_steps_add_up(qa: User, seed: int) -> None:
    made(seed)
    found = figures.funnel(cohorts.groups(Cohort(), qa))

    reached = [step.reached for step in found.steps] + [0]
    for step, further in zip(found.steps, reached[1:], strict=True):
        rest = step.lost + step.research + step.open
        assert step.reached == further + rest + (found.untold if step.stage == Stage.COLLECTED else 0)
        assert step.reached >= further


@RANDOM
@given(seed=st.integers(0, 10_000))
def test_times_and_spreads_are_those_of_the_twin(qa: User, seed: int) -> None:
    units = made(seed)

    for cohort in COHORTS[:2]:
        mine = chosen(units, cohort)
        for leg in turnaround.legs(cohort, figures.funnel(cohorts.groups(cohort, qa))):
            times = [t for unit in mine if (t := twin.took(unit, leg.key)) is not None]
            end = turnaround.LEGS[leg.key][1]
            missing = [u for u in mine if twin.stage_of(u) >= end and twin.took(u, leg.key) is None]
            assert (leg.n, leg.missing) == (len(times), len(missing))
            for found, fraction in ((leg.median, 0.5), (leg.p90, 0.9)):
                asked = twin.percentile(times, fraction)
                assert found == asked or math.isclose(found.total_seconds(), asked, abs_tol=1e-3)
        for one in spread.spreads(cohort, qa):
            values = [v for unit in mine if (v := twin.amount(unit, one.quantity.key)) is not None]
            width, last = one.quantity.width, one.quantity.bars - 1
            bars = [min(math.floor(v / width), last) for v in values]
            assert one.n == len(values)
            assert one.counts == tuple(bars.count(place) for place in range(last + 1))
            for found, fraction in ((one.p10, 0.1), (one.median, 0.5), (one.p90, 0.9)):
                asked = twin.percentile(values, fraction)
                assert found == asked or math.isclose(found, asked, rel_tol=1e-9)


@RANDOM
@given(seed=st.integers(0, 10_000))
def test_the_stock_is_what_a_search_is_offered_of_the_own_units(qa: User, seed: int) -> None:
    units = [
        unit
        for unit in made(seed)
        if (unit.source, unit.donor_type) == ("own", "cord")
        and unit.status in ("LISTED", "RESERVED")
        and not unit.blocks
    ]
    found = stock.shelves(qa)

    assert stock.total(found) == len(units)
    groups = stock.by_group(found)
    assert sum(groups.values()) == len(units)
    for unit in units:
        assert groups[unit.abo, unit.rh] == sum((o.abo, o.rh) == (unit.abo, unit.rh) for o in units)
    for place, inside, above in stock.by_dose(found)[:-1]:
        floor = stock.DOSES[place]
        top = [*stock.DOSES, math.inf][place + 1]
        assert inside == sum(u.tnc_e7 is not None and floor <= u.tnc_e7 < top for u in units)
        assert above == sum(u.tnc_e7 is not None and u.tnc_e7 >= floor for u in units)
    assert stock.by_dose(found)[-1][1] == sum(unit.tnc_e7 is None for unit in units)
    for level, _just, above in stock.by_typing(found):
        loci = [text.strip() for text in stock.TYPED[level].split(",") if text]
        assert above == sum(all(getattr(u, f"hla_{x.lower()}_1") for x in loci) for u in units)


def test_an_imported_unit_that_was_discarded_is_not_said_to_be_lost_at_once(qa: User) -> None:
    UnitFactory(discarded=True, import_batch=ImportBatchFactory())
    UnitFactory(discarded=True)

    found = figures.funnel(cohorts.groups(Cohort(), qa))
    assert (found.untold, found.steps[0].lost, found.collected) == (1, 1, 2)


def test_an_imported_unit_that_was_released_here_is_lost_after_its_listing(qa: User) -> None:
    unit = UnitFactory(discarded=True, import_batch=ImportBatchFactory())
    specification = SpecificationFactory(bank=unit.bank, criteria=[])
    Release.objects.create(unit=unit, specification=specification, outcome="passed", released_by=qa)

    found = figures.funnel(cohorts.groups(Cohort(), qa))
    listed = found.steps[Stage.LISTED - 1]
    assert (found.untold, listed.reached, listed.lost, twin.fate_of(unit)) == (0, 1, 1, "lost")


@pytest.mark.parametrize(("state", "stage"), [("LISTED", Stage.LISTED), ("QUARANTINE", Stage.BANKED)])
def test_an_import_that_left_by_two_people_counts_as_far_as_it_had_come(
    qa: User, state: str, stage: Stage
) -> None:
    unit = discard(UnitFactory(status=state, import_batch=ImportBatchFactory()))

    [group] = cohorts.groups(Cohort(), qa)
    assert (group.stage, group.fate) == (stage, Fate.LOST)
    assert (twin.stage_of(unit), twin.fate_of(unit)) == (stage, "lost")


def test_a_proposal_from_a_hold_remembers_the_state_before(qa: User) -> None:
    held = UnitFactory(
        status="ON_HOLD", status_before_hold="LISTED", hold_reason="r", import_batch=ImportBatchFactory()
    )
    discard(held)

    [group] = cohorts.groups(Cohort(), qa)
    assert (group.stage, group.fate) == (Stage.LISTED, Fate.LOST)


def test_a_hold_does_not_take_a_unit_back(qa: User) -> None:
    UnitFactory(status="ON_HOLD", status_before_hold="LISTED", hold_reason="tank alarm")

    [group] = cohorts.groups(Cohort(), qa)
    assert (group.stage, group.fate) == (Stage.LISTED, Fate.OPEN)


def test_thresholds_come_from_the_specification_in_force(qa: User) -> None:
    unit = UnitFactory()
    asked = {
        "kind": "measurement", "time_point": "processing", "analyte": "tnc", "threshold": 90, "measure_unit": "e7"
    }  # fmt: skip
    SpecificationFactory(bank=unit.bank, approved=True, criteria=[asked])
    SpecificationFactory(bank=unit.bank, criteria=[{**asked, "threshold": 120}])  # a draft asks nothing
    MeasurementFactory(unit=unit, value=89.9)
    MeasurementFactory(unit=UnitFactory(), value=90)

    [after] = [one for one in spread.spreads(Cohort(), qa) if one.quantity.key == "tnc-after"]
    assert after.thresholds == ((90.0, 1),)


def test_hospitals_get_no_figure(coordinator: User) -> None:
    UnitFactory(status="QUARANTINE", donation=DonationFactory())

    assert cohorts.groups(Cohort(), coordinator) == []
    assert spread.thresholds(coordinator) == {}


@pytest.mark.parametrize("many", [1, 12])
def test_the_number_of_queries_does_not_grow(
    qa: User, many: int, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    made(5, many)
    assert qa.permissions  # read once
    with django_assert_num_queries(4):
        turnaround.legs(Cohort(), figures.funnel(cohorts.groups(Cohort(), qa)))
    with django_assert_num_queries(6):  # and the banks with their specifications
        spread.spreads(Cohort(), qa)
    with django_assert_num_queries(1):
        stock.shelves(qa)
