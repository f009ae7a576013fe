"""Cohorts: choices in the address, who is in, what may not group, and figures that other programs give too."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import numpy as np
import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from hospitals.models import Hospital
from tests.factories.outcomes import Given, outcomes
from transplants.cohorts import frame as frames
from transplants.cohorts.definition import HORIZONS, Cohort
from transplants.cohorts.dimensions import DIMENSIONS, FILTERS, GROUPS
from transplants.cohorts.disclosure import EVERYTHING
from transplants.cohorts.figures import survival
from transplants.cohorts.selecting import selected
from transplants.models import Outcome

pytestmark = pytest.mark.django_db

SOME_CHOICE = st.sampled_from(FILTERS).flatmap(
    lambda key: st.tuples(
        st.just(key),
        st.lists(st.sampled_from(DIMENSIONS[key].keys), min_size=1, unique=True).map(
            lambda values: tuple(value for value in DIMENSIONS[key].keys if value in values)
        ),
    )
)
COHORTS = st.builds(
    Cohort,
    group=st.sampled_from((*GROUPS, "all")),
    diagnoses=st.sampled_from(((), ("aml",), ("aml", "mds"))),
    combined=st.booleans(),
    since=st.none() | st.integers(1990, 2000),
    until=st.none() | st.integers(2001, 2030),
    chosen=st.lists(SOME_CHOICE, max_size=4, unique_by=lambda pair: pair[0]).map(
        lambda pairs: tuple(sorted(pairs, key=lambda pair: FILTERS.index(pair[0])))
    ),
    hospital=st.none() | st.uuids(),
    batch=st.none() | st.uuids(),
    split=st.sampled_from(("", *DIMENSIONS)),
    horizon=st.sampled_from(HORIZONS),
)


@given(cohort=COHORTS)
@settings(deadline=None)
def test_a_cohort_stands_whole_in_its_address(cohort: Cohort) -> None:
    assert Cohort.from_query(QueryDict(cohort.query)) == cohort


@pytest.mark.parametrize(
    "query",
    [
        "group=x",
        "split=dead",
        "split=relapse",
        "age=7",
        "years=4",
        "from=12",
        "from=2010&to=2009",
        "hospital=1",
        "dx=zz",
    ],
)
def test_a_value_that_does_not_exist_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        Cohort.from_query(QueryDict(query))


def test_no_dimension_reads_what_happens_after_day_0(hospital: Hospital) -> None:
    """Whoever lived long enough for it would be favoured: the course is not among what a dimension is given."""
    outcomes([Given(hospital), Given(hospital, dead=True, outcome={"days_to_relapse": 3})])
    frame = frames.current_frame()

    after = {field.name for field in Outcome._meta.concrete_fields}
    assert not set(frame.baseline.columns) & (set(frame.course.columns) | after)
    for dimension in DIMENSIONS.values():
        assert len(dimension.codes(frame.baseline)) == 2  # and reads nothing else


def test_who_is_left_out_is_counted_by_the_first_reason(hospital: Hospital) -> None:
    outcomes(
        [
            *(Given(hospital) for _ in range(3)),
            Given(hospital, row={"sequence": 2}),
            Given(hospital, own=False),
            Given(hospital, own=False, row={"sequence": 2}),  # one reason only
            Given(hospital, row={"diagnosis": "saa"}),
            Given(hospital, row={"diagnosis": "not on the list"}),
            Given(hospital, row={"graft_type": "cord_haplo"}),
            Given(hospital, row={"graft_type": "supportive"}),
            Given(hospital, row={"infused_on": dt.date(2001, 5, 5)}),
            Given(hospital, row={"age_years": None}),
            Given(hospital, outcome=None),
            Given(hospital, followed=0),
        ]
    )

    found = selected(frames.current_frame(), Cohort.from_query(QueryDict("from=2005&age=18-39")))

    assert found.n == 3
    assert dict(found.exclusions) == {
        "not_first": 2,
        "no_own_unit": 1,
        "disease": 2,
        "graft": 2,
        "years": 1,
        "age": 1,
        "not_reported": 2,
    }


def test_the_switch_lets_combined_grafts_in(hospital: Hospital) -> None:
    outcomes([Given(hospital), Given(hospital, row={"graft_type": "cord_haplo"})])

    assert selected(frames.current_frame(), Cohort(combined=True)).n == 2
    assert selected(frames.current_frame(), Cohort()).n == 1


def test_two_units_are_one_patient_with_the_dose_of_both_and_the_worse_match(hospital: Hospital) -> None:
    outcomes([Given(hospital, units=2, unit={"tnc_e7_per_kg": 2.6, "antigen6": 4})])
    baseline = frames.current_frame().baseline

    assert baseline.number("dose").tolist() == pytest.approx([5.2])
    assert DIMENSIONS["dose"].keys[DIMENSIONS["dose"].codes(baseline)[0]] == "5-10"
    assert DIMENSIONS["match6"].keys[DIMENSIONS["match6"].codes(baseline)[0]] == "4"


def test_a_unit_of_unknown_dose_leaves_the_dose_open(hospital: Hospital) -> None:
    outcomes([Given(hospital, units=2, unit={"tnc_e7_per_kg": None, "antigen6": None, "allele8": None})])
    baseline = frames.current_frame().baseline

    for key in ("dose", "match6", "match8"):
        assert DIMENSIONS[key].keys[DIMENSIONS[key].codes(baseline)[0]] == "unknown"


def test_a_second_transplant_ends_event_free_survival_and_not_overall_survival(hospital: Hospital) -> None:
    known = {"relapse_known": True, "graft_failure_known": True}
    outcomes([Given(hospital, outcome={**known, "days_to_second": 50.0}) for _ in range(20)])

    overall, event_free, _grfs = survival(frames.current_frame(), Cohort(), EVERYTHING).figures

    assert overall.whole is not None
    assert event_free.whole is not None
    assert (overall.whole.events, event_free.whole.events) == (0, 20)
    assert event_free.whole.days == [50.0]


def test_who_has_no_answer_is_left_out_of_the_endpoint_and_counted(hospital: Hospital) -> None:
    known = {"relapse_known": True, "graft_failure_known": True}
    outcomes(
        [*(Given(hospital, outcome=dict(known)) for _ in range(12)), *(Given(hospital) for _ in range(7))]
    )

    overall, event_free, grfs = survival(frames.current_frame(), Cohort(), EVERYTHING).figures

    assert overall.whole is not None
    assert event_free.whole is not None
    assert (overall.whole.n, overall.whole.missing) == (19, 0)
    assert (event_free.whole.n, event_free.whole.missing) == (12, 7)
    assert grfs.whole is None  # nobody answered about graft-versus-host disease


def test_an_estimate_stops_where_less_than_half_could_have_come_so_far(hospital: Hospital) -> None:
    long_ago, lately = dt.date(2010, 1, 1), dt.date.today() - dt.timedelta(days=900)
    outcomes(
        [
            *(Given(hospital, row={"infused_on": long_ago}) for _ in range(20)),
            *(Given(hospital, followed=800, row={"infused_on": lately}) for _ in range(21)),
        ]
    )

    whole = survival(frames.current_frame(), Cohort(), EVERYTHING).figures[0].whole

    assert whole is not None
    assert [point.value is not None for point in whole.points[:6]] == [True, True, True, True, False, False]
    assert whole.points[5].at_risk == 20


def test_a_curve_ends_where_fewer_than_ten_are_at_risk(hospital: Hospital) -> None:
    outcomes([Given(hospital, followed=400.0 + 50 * place) for place in range(30)])

    whole = survival(frames.current_frame(), Cohort(), EVERYTHING).figures[0].whole

    assert whole is not None
    assert whole.until == 400.0 + 50 * 20  # ten are left
    assert not whole.few


def test_strata_are_compared_and_small_ones_marked(hospital: Hospital) -> None:
    rng = np.random.default_rng(5)
    outcomes(
        Given(
            hospital,
            followed=float(rng.integers(1, 3000)),
            dead=bool(rng.random() < chance),
            row={"sex": sex},
        )
        for sex, count, chance in (("F", 60, 0.2), ("M", 60, 0.9), ("", 7, 0.5))
        for _ in range(count)
    )

    figure = survival(frames.current_frame(), Cohort(split="sex"), EVERYTHING).figures[0]

    assert [(line.key, line.n, line.few) for line in figure.lines] == [
        ("F", 60, False),
        ("M", 60, False),
        ("unknown", 7, True),
    ]
    assert figure.test is not None
    assert figure.test.df == 2
    assert figure.test.p < 0.001


def test_an_empty_cohort_has_no_curve(hospital: Hospital) -> None:
    found = survival(frames.current_frame(), Cohort(hospital=uuid4()), EVERYTHING)

    assert found.summary.n == 0
    assert all(figure.whole is None and not figure.lines for figure in found.figures)


def test_a_change_of_an_outcome_makes_the_frame_anew(hospital: Hospital) -> None:
    outcomes([Given(hospital)])
    first = frames.current_frame()
    assert frames.current_frame() is first

    outcomes([Given(hospital)])

    assert len(frames.current_frame()) == 2
