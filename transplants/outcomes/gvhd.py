"""Stages, grade and severity of graft-versus-host disease from what was measured: by code, never by hand.

Acute: MAGIC (10.1016/j.bbmt.2015.09.001; NCI PDQ table 5): a stage of each organ, and a grade of all of them.
Chronic: NIH 2014: a score of each of eight sites, and a severity. Missing is not "no": an organ that nobody looked at
has no stage, and a grade is given only where that organ could not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from transplants.choices_outcomes import CHRONIC_SITES, Severity

UMOL_PER_L_OF_MG_PER_DL: Final = Decimal("17.1")
# Stool that was not measured: so much an episode (Blood 2015;126:3154).
ML_AN_EPISODE: Final = Decimal(200)
ML_PER_KG_AN_EPISODE: Final = Decimal(3)
# Children are judged by mL/kg while they are lighter than this (unconfirmed bound of the MAGIC manual).
CHILD_BELOW_YEARS: Final = 18
CHILD_BELOW_KG: Final = Decimal(50)
ORGANS: Final = ("skin", "liver", "lower_gut", "upper_gut")
HIGHEST: Final = {"skin": 4, "liver": 4, "lower_gut": 4, "upper_gut": 1}
FEV1_PERCENT: Final = (Decimal(80), Decimal(60), Decimal(40))  # from here on lung score 0, 1, 2; below it 3
# NIH forms let this one be "not examined" without leaving the severity open.
MAY_BE_UNEXAMINED: Final = "genital"


def skin_stage(area_percent: Decimal | None, *, bullae: bool = False) -> int | None:
    """area_percent: of the body surface. bullae: erythroderma with blisters or peeling of more than 5 % of it."""
    if bullae:
        return 4
    if area_percent is None:
        return None
    if area_percent <= 0:
        return 0
    return 1 if area_percent < 25 else 2 if area_percent <= 50 else 3


def bilirubin_mg_per_dl(value: Decimal, unit: str) -> Decimal:
    """unit: `mg_per_dl` or `umol_per_l`."""
    return value / UMOL_PER_L_OF_MG_PER_DL if unit == "umol_per_l" else value


def liver_stage(mg_per_dl: Decimal | None) -> int | None:
    """By total bilirubin. What lies between the printed 3 and 3.1 is above 3."""
    if mg_per_dl is None:
        return None
    return (
        0 if mg_per_dl < 2 else 1 if mg_per_dl <= 3 else 2 if mg_per_dl <= 6 else 3 if mg_per_dl <= 15 else 4
    )


def lower_gut_stage(
    *,
    ml_per_day: Decimal | None = None,
    episodes: int | None = None,
    severe: bool = False,
    child_kg: Decimal | None = None,
) -> int | None:
    """By stool a day: measured, else by episodes. severe: great pain, ileus or bloody stool. child_kg: of a child."""
    if severe:
        return 4
    if ml_per_day is None and episodes is None:
        return None
    if child_kg is not None:
        a_kg = ml_per_day / child_kg if ml_per_day is not None else ML_PER_KG_AN_EPISODE * (episodes or 0)
        return 0 if a_kg < 10 else 1 if a_kg < 20 else 2 if a_kg <= 30 else 3
    volume = ml_per_day if ml_per_day is not None else ML_AN_EPISODE * (episodes or 0)
    return 0 if volume < 500 else 1 if volume < 1000 else 2 if volume <= 1500 else 3


def child_weight(age_years: Decimal | None, weight_kg: Decimal | None) -> Decimal | None:
    """The weight by which stool is judged; None of an adult, and where age or weight is not known."""
    if age_years is None or weight_kg is None or age_years >= CHILD_BELOW_YEARS:
        return None
    return weight_kg if weight_kg < CHILD_BELOW_KG else None


def acute_stages(found: Mapping[str, Any], child_kg: Decimal | None = None) -> dict[str, int | None]:
    """Of the findings as they are kept: skin_percent, bullae, bilirubin, bilirubin_unit, stool_ml, stool_episodes,
    gut_severe, upper_gut (the last three of yes/no: "yes", "no" or absent).
    """
    bilirubin = _number(found.get("bilirubin"))
    episodes = _number(found.get("stool_episodes"))
    unit = str(found.get("bilirubin_unit") or "mg_per_dl")
    upper = found.get("upper_gut")
    return {
        "skin": skin_stage(_number(found.get("skin_percent")), bullae=found.get("bullae") == "yes"),
        "liver": liver_stage(None if bilirubin is None else bilirubin_mg_per_dl(bilirubin, unit)),
        "lower_gut": lower_gut_stage(
            ml_per_day=_number(found.get("stool_ml")),
            episodes=None if episodes is None else int(episodes),
            severe=found.get("gut_severe") == "yes",
            child_kg=child_kg,
        ),
        "upper_gut": None if upper not in ("yes", "no") else int(upper == "yes"),
    }


def acute_grade(stages: Mapping[str, int | None]) -> int | None:
    """0 to 4; None where an organ without a stage could change it."""
    least = _grade({organ: stages.get(organ) or 0 for organ in ORGANS})
    known = {organ: stages.get(organ) for organ in ORGANS}
    most = _grade({organ: HIGHEST[organ] if stage is None else stage for organ, stage in known.items()})
    return least if least == most else None


def _grade(stages: Mapping[str, int]) -> int:
    skin, liver, lower, upper = (stages[organ] for organ in ORGANS)
    if 4 in (skin, liver, lower):
        return 4
    if liver >= 2 or lower >= 2:
        return 3
    if skin == 3 or liver == 1 or lower == 1 or upper == 1:
        return 2
    return 1 if skin else 0


def lung_score(fev1_percent: Decimal) -> int:
    """By FEV1 in per cent of the predicted value, not by symptoms."""
    return next((score for score, least in enumerate(FEV1_PERCENT) if fev1_percent >= least), 3)


def chronic_scores(found: Mapping[str, Any]) -> dict[str, int | None]:
    """Score of each site, from the findings as they are kept.

    They are a score 0 to 3 by site, `skin_features` (the second one of the skin: the worse counts) and `fev1_percent`,
    which speaks before a score of the lung.
    """
    scores = {site: _score(found.get(site)) for site in CHRONIC_SITES}
    skin = [score for score in (scores["skin"], _score(found.get("skin_features"))) if score is not None]
    scores["skin"] = max(skin, default=None)
    fev1 = _number(found.get("fev1_percent"))
    if fev1 is not None:
        scores["lung"] = lung_score(fev1)
    return scores


def chronic_severity(scores: Mapping[str, int | None]) -> str:
    """A Severity; "" where no site is concerned, or where one without a score could change it."""
    known = {site: scores.get(site) for site in CHRONIC_SITES}
    known[MAY_BE_UNEXAMINED] = known[MAY_BE_UNEXAMINED] or 0
    least = _severity({site: score or 0 for site, score in known.items()})
    most = _severity({site: 3 if score is None else score for site, score in known.items()})
    return least if least == most else ""


def _severity(scores: Mapping[str, int]) -> str:
    concerned = [score for score in scores.values() if score > 0]
    if not concerned:
        return ""
    if max(concerned) == 3 or scores["lung"] >= 2:
        return Severity.SEVERE
    if max(concerned) == 2 or len(concerned) >= 3 or scores["lung"] == 1:
        return Severity.MODERATE
    return Severity.MILD


def _number(value: Any) -> Decimal | None:
    return None if value is None or value == "" else Decimal(str(value))


def _score(value: Any) -> int | None:
    return None if value is None or value == "" else int(value)
