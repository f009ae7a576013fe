"""Verdicts of a release specification: each kind of criterion, at its edge, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.models import ReleaseCriterion
from bank.release.defaults import PROPOSAL
from bank.release.judge import Finding, ReleaseFacts, Result, judge, open_findings

TNC = {
    "kind": "measurement", "time_point": "processing", "analyte": "tnc", "comparison": "ge", "threshold": 50,
    "measure_unit": "e7",
}  # fmt: skip
HBS = {"kind": "marker", "subject": "mother", "test": "hbs_ag", "allowed": ["negative"]}
NOTHING = ReleaseFacts()


def verified(value: float | str) -> Result:
    return Result(value, "verified")


def tnc(value: float, standing: Any = "verified") -> ReleaseFacts:
    return ReleaseFacts(measurements={("processing", "tnc"): Result(value, standing)})


def one(criterion: dict[str, Any], facts: ReleaseFacts) -> tuple[str, str]:
    (found,) = judge([ReleaseCriterion(**criterion)], facts)
    return found.verdict, found.why


@pytest.mark.parametrize(
    ("criterion", "facts", "verdict", "why"),
    [
        (TNC, tnc(50), "passed", ""),
        (TNC, tnc(49.99), "failed", ""),
        (TNC, tnc(49.99, "unverified"), "failed", ""),  # a bad result is not waited for
        (TNC, tnc(80, "unverified"), "missing", "unverified"),
        (TNC, tnc(80, "invented"), "missing", "invented"),
        (TNC, NOTHING, "missing", "none"),
        ({**TNC, "comparison": "le"}, tnc(50), "passed", ""),
        ({**TNC, "comparison": "le"}, tnc(50.1), "failed", ""),
        ({**TNC, "comparison": "eq"}, tnc(50.1), "failed", ""),
        (HBS, ReleaseFacts(markers={("mother", "hbs_ag"): verified("negative")}), "passed", ""),
        (HBS, ReleaseFacts(markers={("mother", "hbs_ag"): verified("indeterminate")}), "failed", ""),
        (HBS, ReleaseFacts(markers={("mother", "hbs_ag"): Result("positive", "unverified")}), "failed", ""),
        (HBS, ReleaseFacts(markers={("unit", "hbs_ag"): verified("negative")}), "missing", "none"),
        (
            {**HBS, "allowed": []},
            ReleaseFacts(markers={("mother", "hbs_ag"): verified("positive")}),
            "passed",
            "",
        ),
        (
            {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]},
            ReleaseFacts(cultures={"fungal": verified("no_growth")}),
            "passed",
            "",
        ),
        (
            {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]},
            ReleaseFacts(cultures={"bacterial": verified("no_growth")}),
            "missing",
            "none",
        ),
        (
            {"kind": "haemoglobinopathy", "allowed": ["not_found"]},
            ReleaseFacts(haemoglobinopathy=verified("pending")),
            "missing",
            "none",
        ),
        (
            {"kind": "haemoglobinopathy", "allowed": ["not_found"]},
            ReleaseFacts(haemoglobinopathy=verified("trait")),
            "failed",
            "",
        ),
        (
            {"kind": "blood_group"},
            ReleaseFacts(blood_group=Result("A+", "unverified")),
            "missing",
            "unverified",
        ),
        ({"kind": "blood_group"}, ReleaseFacts(blood_group=verified("A+")), "passed", ""),
        ({"kind": "eligibility"}, ReleaseFacts(eligibility=verified("undetermined")), "failed", ""),
        ({"kind": "eligibility"}, ReleaseFacts(eligibility=verified("eligible")), "passed", ""),
        (
            {"kind": "typing", "test": "DRB1"},
            ReleaseFacts(typed={"A": verified("A*01:01 + ?")}),
            "missing",
            "none",
        ),
        (
            {"kind": "typing", "test": "DRB1"},
            ReleaseFacts(typed={"DRB1": verified("DRB1*09:01 + ?")}),
            "passed",
            "",
        ),
        (
            {"kind": "typing", "test": "A"},
            ReleaseFacts(typed={"A": Result("A*01:01 + ?", "unverified")}),
            "missing",
            "unverified",
        ),
        ({"kind": "consent"}, NOTHING, "missing", "none"),
        ({"kind": "consent"}, ReleaseFacts(consented=True), "passed", ""),
        ({"kind": "stored"}, ReleaseFacts(stored=True), "passed", ""),
        ({"kind": "segments", "threshold": 2}, ReleaseFacts(segments=2), "passed", ""),
        ({"kind": "segments", "threshold": 2}, ReleaseFacts(segments=1), "failed", ""),
        ({"kind": "segments", "threshold": 2}, NOTHING, "missing", "none"),
    ],
)
def test_each_criterion_at_its_edge(
    criterion: dict[str, Any], facts: ReleaseFacts, verdict: str, why: str
) -> None:
    assert one(criterion, facts) == (verdict, why)


def test_of_a_unit_of_which_nothing_is_known_nothing_passes() -> None:
    found = judge([ReleaseCriterion(**row) for row in PROPOSAL], NOTHING)

    assert {one.verdict for one in found} == {"missing"}
    assert open_findings(found) == found


def test_a_criterion_of_an_unknown_kind_is_no_pass() -> None:
    with pytest.raises(ValueError, match="no such criterion"):
        judge([ReleaseCriterion(kind="mood")], NOTHING)


@given(value=st.floats(0, 5000), threshold=st.floats(0, 5000))
def test_more_cells_never_make_a_unit_worse(value: float, threshold: float) -> None:
    order = ["failed", "passed"]
    asked = {**TNC, "threshold": threshold}

    less, more = (order.index(one(asked, tnc(count))[0]) for count in (value / 2, value))

    assert less <= more


@given(standing=st.sampled_from(["unverified", "invented"]), value=st.floats(0, 5000))
def test_what_nobody_vouched_for_never_passes(standing: str, value: float) -> None:
    assert one(TNC, tnc(value, standing))[0] != "passed"


def test_a_finding_comes_back_from_the_record_as_it_was() -> None:
    (found,) = judge([ReleaseCriterion(**HBS)], NOTHING)

    assert Finding.of_json(found.as_json()) == found
    assert replace(found, verdict="passed") != found
