"""A reader without row access learns of no cell of one to four patients of others, by no combination of pages.

Small worlds in memory: every allowed choice is asked for, everything that is shown is an equation over the patients of
others (the own ones are known), and no small cell may follow from all equations together.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.http import Http404
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.roles import Role
from hospitals.models import Hospital
from tests.factories.core import UserFactory
from tests.factories.figures import Given, outcomes
from tests.factories.hospitals import HospitalFactory, member_of
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS, FILTERS
from transplants.cohorts.disclosure import (
    EVERYTHING,
    FEWEST,
    Scope,
    allowed,
    groups_offered,
    hidden,
    steps_kept,
)
from transplants.cohorts.figures import Line, survival
from transplants.cohorts.frame import Baseline, Course, DataVersion, Frame
from transplants.cohorts.incidences import incidences

OWN, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
SCOPE = Scope(frozenset({OWN}))
DISEASES, SEXES, STAGES = ("aml", "saa"), ("F", "M", ""), ("cr1", "cr2")
GRAFTS = ("single", "double", "cord_haplo", "supportive")
LONG = 6000.0


@dataclass(frozen=True)
class Patient:
    hospital: UUID
    disease: str
    sex: str
    stage: str
    graft: str
    dead: bool
    known: bool
    followed: float
    cause: str = "relapse"


ATOMS = list(product(DISEASES, SEXES, STAGES, GRAFTS, (False, True), (False, True)))
PLACE = {atom: place for place, atom in enumerate(ATOMS)}


def atom(patient: Patient) -> int:
    return PLACE[(patient.disease, patient.sex, patient.stage, patient.graft, patient.dead, patient.known)]


def world(patients: list[Patient]) -> Frame:
    """The columns as the query gives them."""
    n = len(patients)
    keys = tuple(str(key) for key in (OWN, OTHER, THIRD))
    text = {
        name: np.array([getattr(p, name) for p in patients]) for name in ("sex", "stage", "graft", "cause")
    }
    none, yes = np.full(n, np.nan), np.ones(n, dtype=np.bool_)
    dead = np.array([p.dead for p in patients])
    known = np.array([p.known for p in patients])
    baseline = {
        "hospital": np.array([keys.index(str(p.hospital)) for p in patients]),
        "batch": np.zeros(n, dtype=np.int32),
        "day": np.full(n, dt.date(2005, 1, 1).toordinal()),
        "year": np.full(n, 2005.0),
        "sequence": np.ones(n),
        "age": np.full(n, 30.0),
        "diagnosis": np.array([p.disease for p in patients]),
        "own": yes,
        **{name: text[name] for name in ("sex", "stage", "graft")},
        **{name: np.full(n, "", dtype="<U8") for name in ("symptomatic", "risk", "intensity")},
        **dict.fromkeys(("dose", "match6", "match8"), none),
    }
    flags = ("neutrophils_known", "platelets_known", "failure_known", "acute_known", "chronic_known")
    days = (
        "neutrophils",
        "platelets",
        "failure",
        "acute_2",
        "acute_3",
        "chronic",
        "chronic_systemic",
        "relapse",
    )
    course = {
        "reported": yes,
        "followed": np.array([p.followed for p in patients]),
        "dead": dead,
        "lost": ~yes,
        "cause": np.where(dead, text["cause"], ""),
        "relapse_known": known,
        **dict.fromkeys(flags, known),
        **dict.fromkeys((*days, "second"), none),
    }
    version = DataVersion(1, "test", dt.date(2026, 1, 1))
    return Frame(version, Baseline(baseline, {"hospital": keys, "batch": ("",)}), Course(course))


PATIENTS = st.builds(
    Patient,
    hospital=st.sampled_from((OWN, OTHER, OTHER, THIRD)),
    disease=st.sampled_from(DISEASES),
    sex=st.sampled_from(SEXES),
    stage=st.sampled_from(STAGES),
    graft=st.sampled_from(GRAFTS),
    dead=st.booleans(),
    known=st.sampled_from((True, True, True, False)),
    followed=st.sampled_from((50.0, 300.0, 800.0, 2000.0, LONG)),
    cause=st.sampled_from(("relapse", "bacterial", "other")),
)
# So many of one kind, so that cells of all sizes occur.
WORLDS = st.lists(st.tuples(PATIENTS, st.integers(1, 9)), min_size=3, max_size=14).map(
    lambda pairs: [patient for patient, times in pairs for _ in range(times)]
)


def choices(frame: Frame) -> list[Cohort]:
    found = []
    for group, switch in groups_offered(frame, SCOPE).items():
        for combined in (False, True) if switch else (False,):
            for split in ("", *(d.key for d in DIMENSIONS.values() if d.open)):
                cohort = Cohort(group=group, combined=combined, split=split)
                assert allowed(frame, cohort, SCOPE) == cohort
                found.append(cohort)
    return found


def stratum(patient: Patient, split: str) -> str:
    value = {"": "", "sex": patient.sex, "stage": patient.stage, "graft": patient.graft}.get(split)
    return "unknown" if value == "" and split else value or ""


def of_cohort(patient: Patient, cohort: Cohort) -> bool:
    group = "malignant" if patient.disease == "aml" else "marrow_failure"
    return group == cohort.group and (cohort.combined or patient.graft in GRAFTS[:2])


@dataclass
class Equations:
    """rows: over ATOMS; numbers: patients of others."""

    patients: list[Patient]
    rows: list[Any]

    def add(self, cohort: Cohort, key: str, total: int | None, test: Any) -> None:
        """What is shown of all patients for whom `test` holds, in a stratum of a cohort."""
        if total is None or cohort.split not in ("", "sex", "stage", "graft"):
            return
        row = np.zeros(len(ATOMS))
        mine = 0
        for one in {
            p for p in ALL_KINDS if of_cohort(p, cohort) and stratum(p, cohort.split) == key and test(p)
        }:
            row[atom(one)] = 1
        for one in self.patients:
            if of_cohort(one, cohort) and stratum(one, cohort.split) == key and test(one):
                mine += 1
        assert mine == total, "the equation is not what the figure counts"
        self.rows.append(row)

    def small_cells(self) -> list[tuple[Any, int]]:
        """Cells of one to four patients of others that the equations determine."""
        others = np.bincount([atom(p) for p in self.patients if p.hospital != OWN], minlength=len(ATOMS))
        if not self.rows:
            return []
        _u, values, basis = np.linalg.svd(np.unique(np.array(self.rows), axis=0), full_matrices=False)
        basis = basis[values > 1e-9]
        found = []
        for name, cell in CELLS:
            left = cell - basis.T @ (basis @ cell)
            count = int(cell @ others)
            if np.abs(left).max() < 1e-9 and 0 < count < FEWEST:
                found.append((name, count))
        return found


ALL_KINDS = [
    Patient(OTHER, disease, sex, stage, graft, dead, known, 1.0)
    for disease, sex, stage, graft, dead, known in ATOMS
]


def _cells() -> list[tuple[Any, Any]]:
    """Every cell by disease and part, by no, one or two dimensions, by fate or answer."""
    cells = []
    parts = (GRAFTS[:2], GRAFTS[2:], GRAFTS)
    fates = (lambda p: True, lambda p: p.dead, lambda p: not p.dead, lambda p: p.known, lambda p: not p.known)
    for disease, part, sex, stage, graft, (number, fate) in product(
        DISEASES, parts, (None, *SEXES), (None, *STAGES), (None, *GRAFTS), enumerate(fates)
    ):
        row = np.array(
            [
                p.disease == disease
                and p.graft in part
                and sex in (None, p.sex)
                and stage in (None, p.stage)
                and graft in (None, p.graft)
                and fate(p)
                for p in ALL_KINDS
            ],
            dtype=float,
        )
        if row.any():
            cells.append(((disease, part, sex, stage, graft, number), row))
    return cells


CELLS = _cells()


@given(patients=WORLDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_small_cell_follows_from_everything_that_is_shown(patients: list[Patient]) -> None:
    frame = world(patients)
    told = Equations(patients, [])
    at_risk: dict[float, Equations] = {}

    for cohort in choices(frame):
        for figure in survival(frame, cohort, SCOPE).figures:
            whole = (
                [(Cohort(group=cohort.group, combined=cohort.combined), figure.whole)] if figure.whole else []
            )
            for of, line in [*whole, *((cohort, line) for line in figure.lines)]:
                answered = (lambda p: True) if figure.endpoint == "os" else (lambda p: p.known)
                told.add(of, line.key, line.n, answered)
                told.add(of, line.key, line.missing, lambda p, yes=answered: not yes(p))
                if figure.endpoint == "os":
                    told.add(of, line.key, line.events, lambda p: p.dead)
                    _add_at_risk(at_risk, patients, of, line)

    assert told.small_cells() == []
    for day, equations in at_risk.items():
        assert equations.small_cells() == [], day


def _add_at_risk(found: dict[float, Equations], patients: list[Patient], cohort: Cohort, line: Line) -> None:
    """At each time apart, the equations are over who is still at risk."""
    for point in line.points:
        left = [p for p in patients if p.followed >= point.day]
        equations = found.setdefault(point.day, Equations(left, []))
        equations.add(cohort, line.key, point.at_risk, lambda p: True)


@given(patients=WORLDS)
@settings(max_examples=40, deadline=None)
def test_no_curve_steps_for_fewer_than_five_of_others(patients: list[Patient]) -> None:
    frame = world(patients)

    for cohort in choices(frame):
        for line in survival(frame, cohort, SCOPE).figures[0].lines:
            theirs = [
                p.followed
                for p in patients
                if p.hospital != OWN
                and p.dead
                and of_cohort(p, cohort)
                and cohort.split in ("sex", "stage", "graft")
                and stratum(p, cohort.split) == line.key
            ]
            if not theirs:
                continue
            edges = [-1.0, *line.days]
            for before, day in pairwise(edges):
                assert sum(before < death <= day for death in theirs) >= FEWEST


@given(patients=WORLDS)
@settings(max_examples=40, deadline=None)
def test_no_small_cause_of_death_is_told(patients: list[Patient]) -> None:
    frame = world(patients)
    groups = {"relapse": "relapse", "bacterial": "infection", "other": "other"}

    for cohort in choices(frame):
        if cohort.split:
            continue
        shown = {row.cause: row.deaths for row in incidences(frame, cohort, SCOPE).causes}
        others = [p for p in patients if p.hospital != OWN and p.dead and of_cohort(p, cohort)]
        for part in (GRAFTS[:2], GRAFTS[2:]):
            if part == GRAFTS[2:] and not cohort.combined:
                continue
            by_cause = {
                group: sum(groups[p.cause] == group and p.graft in part for p in others)
                for group in groups.values()
            }
            seen = {group for group in by_cause if shown.get(group) is not None or group not in shown}
            assert all(by_cause[group] == 0 or by_cause[group] >= FEWEST for group in seen)
            unseen = sum(count for group, count in by_cause.items() if group not in seen)
            if seen:
                assert unseen == 0 or unseen >= FEWEST


@given(
    counts=st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=2), min_size=1, max_size=7).map(
        np.array
    )
)
def test_what_is_hidden_together_is_nobody_or_at_least_five(counts: Any) -> None:
    out = hidden(counts)

    shown = counts[~out]
    assert ((shown == 0) | (shown >= FEWEST)).all()
    if shown.any():
        together = counts[out].sum(axis=0)
        assert all(
            total == 0 or total >= FEWEST or not counts[~out][:, part].any()
            for part, total in enumerate(together)
        )


def test_steps_wait_for_the_fifth() -> None:
    assert steps_kept(np.array([4, 1, 3, 9, 1, 1])).tolist() == [1, 3]


@pytest.mark.parametrize("key", FILTERS)
def test_a_limited_reader_narrows_by_nothing(key: str) -> None:
    frame = world([Patient(OTHER, "aml", "F", "cr1", "single", False, True, LONG)] * 30)
    value = DIMENSIONS[key].keys[0]
    cohort = Cohort(chosen=((key, (value,)),))

    with pytest.raises(Http404):
        allowed(frame, cohort, SCOPE)
    assert allowed(frame, cohort, EVERYTHING) == cohort
    own = Cohort(chosen=((key, (value,)),), hospital=OWN)
    assert allowed(frame, own, SCOPE) == own


@pytest.mark.parametrize(
    "cohort",
    [
        Cohort(hospital=OTHER),
        Cohort(group="all"),
        Cohort(diagnoses=("aml",)),
        Cohort(since=2000),
        Cohort(batch=OTHER),
        *(Cohort(split=d.key) for d in DIMENSIONS.values() if not d.open),
        Cohort(group="metabolic", combined=True, hospital=THIRD),
    ],
)
def test_what_is_outside_the_family_is_not_there(cohort: Cohort) -> None:
    frame = world([Patient(OTHER, "aml", "F", "cr1", "single", False, True, LONG)] * 30)

    with pytest.raises(Http404):
        allowed(frame, cohort, SCOPE)


def test_a_group_of_three_patients_of_others_cannot_be_chosen() -> None:
    many = [Patient(OTHER, "aml", "F", "cr1", "single", False, True, LONG)] * 30
    few = [Patient(OTHER, "saa", "F", "cr1", "single", False, True, LONG)] * 3
    frame = world(many + few)

    assert "marrow_failure" not in groups_offered(frame, SCOPE)
    assert groups_offered(frame, EVERYTHING)["marrow_failure"]


def test_two_endpoints_cannot_be_subtracted() -> None:
    """At risk of death less at risk of relapse: so many live with a relapse."""
    frame = world([Patient(OTHER, "aml", "F", "cr1", "single", False, True, LONG)] * 30)
    frame.course.columns["relapse"] = np.array([100.0] * 2 + [np.nan] * 28)

    overall, *others = survival(frame, Cohort(), SCOPE).figures
    competing = incidences(frame, Cohort(), SCOPE).figures

    assert overall.whole is not None
    assert overall.whole.points[1].at_risk == 30
    for line in [figure.whole for figure in others] + [line for one in competing for line in one.lines]:
        assert line is not None
        assert line.events is None
        assert all(point.at_risk is None for point in line.points)


# Pages, files and API show what the figures hold, and no more.


def _addresses(query: str) -> list[str]:
    return [
        f"{reverse('transplants:outcome-survival')}?{query}",
        f"{reverse('transplants:outcome-survival-file', args=['os', 'svg'])}?{query}",
        f"{reverse('transplants:outcome-survival-file', args=['os', 'csv'])}?{query}",
        f"{reverse('api:outcome-survival')}?{query}",
    ]


@pytest.mark.django_db
def test_a_small_group_of_others_shows_on_no_page_and_in_no_file(hospital: Hospital, client: Client) -> None:
    other: Hospital = HospitalFactory()
    stages = [("cr1", 40), ("cr2", 30), ("cr3", 3)]
    outcomes(
        Given(place, row={"stage": stage})
        for place, times in ((hospital, 2), (other, 1))
        for stage, count in stages
        for _ in range(count * times)
    )
    client.force_login(member_of(hospital))

    for address in _addresses("split=stage"):
        answer = client.get(address)
        text = answer.getvalue().decode()
        assert answer.status_code == 200
        assert "cr1" in text or "First complete remission" in text
        if "/api/" in address:
            keys = [line["key"] for line in answer.json()["figures"][0]["lines"]]
            assert keys == ["cr1", ""]  # cr2 would tell of cr3 by subtraction
            assert answer.json()["figures"][0]["hidden"] == ["cr2", "cr3"]
        elif "events" not in address and not address.startswith(
            reverse("transplants:outcome-survival") + "?"
        ):
            assert "Third" not in text
            assert "Second" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("place", range(4))
def test_another_hospital_is_not_there(place: int, hospital: Hospital, client: Client) -> None:
    other: Hospital = HospitalFactory()
    outcomes([*(Given(hospital) for _ in range(9)), *(Given(other) for _ in range(30))])
    client.force_login(member_of(hospital))

    assert client.get(_addresses(f"hospital={other.pk}")[place]).status_code == 404
    assert client.get(_addresses(f"hospital={hospital.pk}")[place]).status_code == 200


@pytest.mark.django_db
def test_a_hospital_sees_itself_named_and_the_others_without_names(
    hospital: Hospital, client: Client
) -> None:
    sizes = {
        hospital: (30, 12),
        HospitalFactory(): (40, 15),
        HospitalFactory(): (40, 3),
        HospitalFactory(): (50, 9),
    }
    outcomes(
        Given(
            place,
            followed=5.0 + number if number < dead else 3000.0,
            dead=number < dead,
            row={"age_years": number},
        )
        for place, (alive, dead) in sizes.items()
        for number in range(alive + dead)
    )
    page = f"{reverse('transplants:outcome-hospitals')}?combined=1"
    others = [place for place in sizes if place != hospital]
    client.force_login(member_of(hospital))

    for address in (page, reverse("transplants:outcome-hospitals-csv")):
        text = client.get(address).getvalue().decode()
        assert hospital.name in text
        assert not any(place.name in text for place in others)
    rows = text.splitlines()[1:]
    assert (
        len(rows) == 2
    )  # that with three deaths, and the one from which they could be subtracted, are not there

    client.force_login(UserFactory(roles=[Role.QA]))
    text = client.get(reverse("transplants:outcome-hospitals-csv")).getvalue().decode()
    assert all(place.name in text for place in sizes)


@pytest.mark.django_db
def test_the_director_sees_no_small_group_either(hospital: Hospital, client: Client) -> None:
    outcomes(Given(hospital, row={"sex": sex}) for sex, count in (("F", 30), ("M", 4)) for _ in range(count))
    client.force_login(UserFactory(roles=[Role.DIRECTOR]))

    figure = client.get(_addresses("split=sex")[3]).json()["figures"][0]

    assert [line["key"] for line in figure["lines"]] == [""]  # all together; neither of the two
    assert figure["hidden"] == ["F", "M"]


@pytest.mark.django_db
def test_a_new_form_changes_the_page_at_once(hospital: Hospital, client: Client) -> None:
    outcomes(Given(hospital) for _ in range(30))
    client.force_login(UserFactory(roles=[Role.QA]))
    page = reverse("transplants:outcome-survival")
    assert "30 patients" in client.get(page).content.decode()
    assert "30 patients" in client.get(page).content.decode()  # from the cache

    outcomes([Given(hospital)])

    assert "31 patients" in client.get(page).content.decode()
