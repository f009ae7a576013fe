"""Stages, grades and severity: every boundary of the published tables."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from transplants.choices_outcomes import CHRONIC_SITES
from transplants.outcomes import gvhd


def number(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("percent", "stage"),
    [("0", 0), ("0.5", 1), ("24.9", 1), ("25", 2), ("50", 2), ("50.1", 3), ("100", 3)],
)
def test_skin(percent: str, stage: int) -> None:
    assert gvhd.skin_stage(number(percent)) == stage
    assert gvhd.skin_stage(number(percent), bullae=True) == 4


@pytest.mark.parametrize(
    ("bilirubin", "stage"),
    [
        ("0", 0), ("1.9", 0), ("1.99", 0), ("2", 1), ("3", 1), ("3.01", 2), ("3.1", 2), ("6", 2), ("6.1", 3),
        ("15", 3), ("15.1", 4), ("40", 4),
    ],
)  # fmt: skip
def test_liver(bilirubin: str, stage: int) -> None:
    assert gvhd.liver_stage(number(bilirubin)) == stage


@pytest.mark.parametrize(
    ("umol", "stage"),
    [
        ("34.1", 0),
        ("34.2", 1),
        ("51.3", 1),
        ("51.4", 2),
        ("102.6", 2),
        ("102.7", 3),
        ("256.5", 3),
        ("256.6", 4),
    ],
)
def test_liver_in_micromoles(umol: str, stage: int) -> None:
    """17.1 µmol/L are 1 mg/dL; the boundaries fall on the same side to the digit."""
    assert gvhd.acute_stages({"bilirubin": umol, "bilirubin_unit": "umol_per_l"})["liver"] == stage


@pytest.mark.parametrize(
    ("ml", "stage"), [("0", 0), ("499", 0), ("500", 1), ("999", 1), ("1000", 2), ("1500", 2), ("1501", 3)]
)
def test_lower_gut_of_an_adult(ml: str, stage: int) -> None:
    assert gvhd.lower_gut_stage(ml_per_day=number(ml)) == stage
    assert gvhd.lower_gut_stage(ml_per_day=number(ml), severe=True) == 4


@pytest.mark.parametrize(
    ("episodes", "stage"), [(0, 0), (2, 0), (3, 1), (4, 1), (5, 2), (7, 2), (8, 3), (20, 3)]
)
def test_episodes_of_an_adult_as_in_the_table(episodes: int, stage: int) -> None:
    """200 mL an episode give the table's own counts: 3 to 4, 5 to 7, above 7."""
    assert gvhd.lower_gut_stage(episodes=episodes) == stage


@pytest.mark.parametrize(
    ("episodes", "stage"), [(0, 0), (3, 0), (4, 1), (6, 1), (7, 2), (10, 2), (11, 3), (20, 3)]
)
def test_episodes_of_a_child_as_in_the_table(episodes: int, stage: int) -> None:
    """3 mL/kg an episode: 4 to 6, 7 to 10, above 10, whatever the weight."""
    assert gvhd.lower_gut_stage(episodes=episodes, child_kg=number("12.4")) == stage


@pytest.mark.parametrize(
    ("ml", "stage"),
    [("99", 0), ("100", 1), ("199", 1), ("199.9", 1), ("200", 2), ("300", 2), ("301", 3)],
)
def test_lower_gut_of_a_child_of_10_kg(ml: str, stage: int) -> None:
    assert gvhd.lower_gut_stage(ml_per_day=number(ml), child_kg=number("10")) == stage


def test_what_was_measured_speaks_before_episodes() -> None:
    assert gvhd.lower_gut_stage(ml_per_day=number("400"), episodes=9) == 0


@pytest.mark.parametrize(
    ("age", "weight", "kg"),
    [
        ("17.99", "49.9", "49.9"), ("18", "49.9", None), ("17", "50", None), (None, "12", None),
        ("3", None, None),
    ],
)  # fmt: skip
def test_who_is_judged_as_a_child(age: str | None, weight: str | None, kg: str | None) -> None:
    found = gvhd.child_weight(age and number(age), weight and number(weight))

    assert found == (kg and number(kg))


def test_what_nobody_looked_at_has_no_stage() -> None:
    assert set(gvhd.acute_stages({}).values()) == {None}
    assert gvhd.acute_stages({"upper_gut": "no"})["upper_gut"] == 0
    assert gvhd.acute_stages({"upper_gut": "yes"})["upper_gut"] == 1


def table_grade(skin: int, liver: int, lower: int, upper: int) -> int:
    """The table of the publication, row by row from below."""
    rows = {
        4: skin == 4 or liver == 4 or lower == 4,
        3: liver in (2, 3) or lower in (2, 3),
        2: skin == 3 or liver == 1 or upper == 1 or lower == 1,
        1: skin in (1, 2),
    }
    return next((grade for grade, holds in rows.items() if holds), 0)


@pytest.mark.parametrize("skin", range(5))
def test_every_grade_of_the_table(skin: int) -> None:
    for liver, lower, upper in product(range(5), range(5), range(2)):
        stages = {"skin": skin, "liver": liver, "lower_gut": lower, "upper_gut": upper}
        assert gvhd.acute_grade(stages) == table_grade(skin, liver, lower, upper), stages


@pytest.mark.parametrize(
    ("stages", "grade"),
    [
        ({}, None),
        ({"skin": 4}, 4),
        ({"skin": 2, "liver": 0, "lower_gut": 0}, None),  # the upper gut could make it II
        ({"skin": 3, "liver": 0, "lower_gut": 0}, 2),  # the upper gut changes nothing
        ({"liver": 3, "skin": 0, "upper_gut": 0}, None),
        ({"skin": 0, "liver": 0, "lower_gut": 0, "upper_gut": 0}, 0),
    ],
)
def test_a_grade_only_where_what_is_missing_cannot_change_it(
    stages: dict[str, int | None], grade: int | None
) -> None:
    assert gvhd.acute_grade(stages) == grade


def test_a_grade_is_the_same_for_whatever_the_missing_organ_holds() -> None:
    """Law: a grade that is given is the grade of every completion of what is missing."""
    options: list[list[int | None]] = [[None, *range(gvhd.HIGHEST[organ] + 1)] for organ in gvhd.ORGANS]
    for combination in product(*options):
        stages = dict(zip(gvhd.ORGANS, combination, strict=True))
        completed = product(
            *(range(gvhd.HIGHEST[organ] + 1) if stage is None else [stage] for organ, stage in stages.items())
        )
        grades = {table_grade(*whole) for whole in completed}
        assert gvhd.acute_grade(stages) == (grades.pop() if len(grades) == 1 else None)


@pytest.mark.parametrize(
    ("percent", "score"),
    [
        ("100", 0),
        ("80", 0),
        ("79.9", 1),
        ("60", 1),
        ("59.9", 2),
        ("40", 2),
        ("39.9", 3),
        ("39", 3),
        ("10", 3),
    ],
)
def test_lung_by_fev1(percent: str, score: int) -> None:
    assert gvhd.lung_score(number(percent)) == score


def scores(**given: int | None) -> dict[str, int | None]:
    return {**dict.fromkeys(CHRONIC_SITES, 0), **given}


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({}, ""),
        ({"mouth": 1}, "mild"),
        ({"mouth": 1, "eyes": 1}, "mild"),
        ({"mouth": 1, "eyes": 1, "skin": 1}, "moderate"),
        ({"mouth": 2}, "moderate"),
        ({"lung": 1}, "moderate"),
        ({"lung": 2}, "severe"),
        ({"mouth": 3}, "severe"),
        ({"genital": 3}, "severe"),
        ({"genital": None, "mouth": 1}, "mild"),
        ({"eyes": None, "mouth": 1}, ""),
        ({"eyes": None, "mouth": 3}, "severe"),
        ({"lung": None, "mouth": 2}, ""),
    ],
)
def test_severity(given: dict[str, int | None], severity: str) -> None:
    assert gvhd.chronic_severity(scores(**given)) == severity


@pytest.mark.parametrize(
    ("found", "site", "score"),
    [
        ({"skin": 1, "skin_features": 3}, "skin", 3),  # the worse of the two
        ({"skin": 2, "skin_features": 0}, "skin", 2),
        ({"skin_features": 2}, "skin", 2),
        ({"lung": 3, "fev1_percent": "85"}, "lung", 0),  # FEV1, not symptoms
        ({"lung": 1}, "lung", 1),
        ({}, "lung", None),
    ],
)
def test_scores_of_sites(found: dict[str, Any], site: str, score: int | None) -> None:
    assert gvhd.chronic_scores(found)[site] == score
