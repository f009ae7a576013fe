"""A policy's JSON: what is unknown, missing sense or out of range is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from matching.engine.selection.catalogue import RULES, SORT_KEYS
from matching.engine.selection.rules import BadRules, parse


def test_the_defaults_read_back_the_same() -> None:
    usual = parse({})

    assert parse(usual.as_data()) == usual
    assert usual.settings["tnc_dose"].values == {"least": Decimal("2.5"), "bound": "at_least"}
    assert [setting.code for setting in usual.active] == [code for code in RULES if code != "sex"]
    assert set(usual.sort) < set(SORT_KEYS)
    assert "direction" not in usual.sort  # shown, not sorted by


def test_a_hospital_has_its_own() -> None:
    rules = parse(
        {
            "rules": {
                "tnc_dose": {"action": "warn", "least": "3", "reference": "Protocol 7"},
                "sex": {"action": "sort"},
            },
            "sort": ["tnc", "class"],
            "pairs": {"tnc_e7_each": 2, "unit_unit_least": 4},
        }
    )  # fmt: skip

    own = rules.settings["tnc_dose"]
    assert (own.action, own.values["least"], own.reference) == ("warn", 3, "Protocol 7")
    assert rules.sort == ("tnc", "class")
    assert (rules.pairs.tnc_e7_each, rules.pairs.unit_unit_least) == (2, 4)
    assert parse(rules.as_data()) == rules


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        ({"rule": {}}, "unknown_part", "rule"),
        ({"rules": {"colour": {}}}, "unknown_rule", "colour"),
        ({"rules": {"tnc_dose": {"lest": 1}}}, "unknown_threshold", "tnc_dose"),
        ({"rules": {"tnc_dose": {"action": "delete"}}}, "unknown_action", "tnc_dose"),
        ({"rules": {"offer": {"action": "warn"}}}, "action_fixed", "offer"),
        ({"rules": {"tnc_dose": {"least": "-0.1"}}}, "out_of_range", "tnc_dose.least"),
        ({"rules": {"tnc_dose": {"least": "101"}}}, "out_of_range", "tnc_dose.least"),
        ({"rules": {"tnc_dose": {"least": "much"}}}, "no_number", "tnc_dose.least"),
        ({"rules": {"tnc_dose": {"least": "NaN"}}}, "no_number", "tnc_dose.least"),
        ({"rules": {"tnc_dose": {"least": True}}}, "no_number", "tnc_dose.least"),
        ({"rules": {"tnc_dose": {"least": None}}}, "no_number", "tnc_dose.least"),
        ({"rules": {"segments": {"least": "1.5"}}}, "not_whole", "segments.least"),
        ({"rules": {"class_allele8": {"least": 9}}}, "out_of_range", "class_allele8.least"),
        ({"rules": {"volume": {"least": 30}}}, "least_above_most", "volume.least"),
        ({"rules": {"abo": {"accepted": []}}}, "bad_choice", "abo.accepted"),
        ({"rules": {"abo": {"accepted": "minor"}}}, "bad_choice", "abo.accepted"),
        ({"rules": {"abo": {"accepted": ["green"]}}}, "bad_choice", "abo.accepted"),
        ({"rules": {"tnc_dose": {"bound": "about"}}}, "bad_choice", "tnc_dose.bound"),
        ({"sort": []}, "no_sort", "sort"),
        ({"sort": ["class", "colour"]}, "unknown_sort", "sort"),
        ({"sort": ["class", "class"]}, "sort_twice", "sort"),
        ({"pairs": {"tnc": 1}}, "unknown_threshold", "pairs"),
        ({"pairs": {"tnc_e7_each": -1}}, "out_of_range", "pairs.tnc_e7_each"),
        ({"pairs": {"unit_unit_least": 7}}, "out_of_range", "pairs.unit_unit_least"),
    ],
)
def test_what_cannot_be_is_refused_by_name(data: dict[str, Any], code: str, place: str) -> None:
    with pytest.raises(BadRules) as refused:
        parse(data)

    assert (refused.value.code, refused.value.place) == (code, place)


def test_zero_is_a_threshold() -> None:
    assert parse({"rules": {"tnc_dose": {"least": 0}}}).settings["tnc_dose"].values["least"] == 0
