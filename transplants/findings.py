"""The organ findings of a form as they are kept: known names only, numbers within their bounds, nothing blank."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from transplants.choices_outcomes import CHRONIC_SITES

# name -> (least, most), against slips of the pen
ACUTE_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "skin_percent": (0, 100),
    "bilirubin": (0, 2000),
    "stool_ml": (0, 20_000),
    "stool_episodes": (0, 99),
}
YES_OR_NO: Final = ("yes", "no")
ACUTE_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "bullae": YES_OR_NO,
    "gut_severe": YES_OR_NO,
    "upper_gut": YES_OR_NO,
    "bilirubin_unit": ("mg_per_dl", "umol_per_l"),
}
# Of the lung FEV1 is asked, not a score.
SCORED_SITES: Final = tuple(site for site in CHRONIC_SITES if site != "lung")
CHRONIC_SCORES: Final = ("skin_features", *CHRONIC_SITES)
FEV1: Final = (5, 200)
MOST_MG_PER_DL: Final = 100


def checked_findings(acute: Any, chronic: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without what is blank, numbers as text, so that what is kept is what was given. Raises InvalidInput."""
    found = _named(acute, {*ACUTE_NUMBERS, *ACUTE_ANSWERS}, "acute_organs")
    sites = _named(chronic, {*CHRONIC_SCORES, "fev1_percent"}, "chronic_sites")
    kept = {name: _acute(name, value) for name, value in found.items()}
    if "bilirubin" not in kept:
        kept.pop("bilirubin_unit", None)
    elif (
        kept.setdefault("bilirubin_unit", "mg_per_dl") == "mg_per_dl"
        and Decimal(kept["bilirubin"]) > MOST_MG_PER_DL
    ):
        raise InvalidInput(
            "bilirubin_unit", _("So much is not in mg/dL: is it in µmol/L?"), field="bilirubin_unit"
        )
    return kept, {name: _chronic(name, value) for name, value in sites.items()}


def _named(given: Any, known: set[str], field: str) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not set(given) <= known:
        raise InvalidInput(
            "findings_unknown", _("There are findings that the form does not ask."), field=field
        )
    return {name: value for name, value in sorted(given.items()) if value not in (None, "")}


def _acute(name: str, value: Any) -> str:
    if name in ACUTE_ANSWERS:
        if value not in ACUTE_ANSWERS[name]:
            raise InvalidInput("not_in_list", _("Choose a value of the list."), field=name)
        return str(value)
    return _number(name, value, ACUTE_NUMBERS[name], whole=name == "stool_episodes")


def _chronic(name: str, value: Any) -> str | int:
    if name == "fev1_percent":
        return _number(name, value, FEV1)
    try:
        score = int(value)
    except (TypeError, ValueError):
        score = -1
    if not 0 <= score <= 3:
        raise InvalidInput("score", _("A score is 0, 1, 2 or 3."), field=name)
    return score


def _number(name: str, value: Any, bounds: tuple[int, int], *, whole: bool = False) -> str:
    """As text without trailing zeros: 24.50 and 24.5 are one finding."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    least, most = bounds
    if not (number.is_finite() and least <= number <= most) or (whole and number != int(number)):
        text = _("Give a number from %(least)d to %(most)d.")
        raise InvalidInput("out_of_range", text, field=name, params={"least": least, "most": most})
    return f"{number.normalize():f}"
