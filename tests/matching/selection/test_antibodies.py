"""Antibodies of a patient against the units of a list, from serum to excluded unit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bank.models import CordBloodUnit
from matching.models import EvaluatedUnit, SearchRun
from matching.selection.policies import rules_of
from matching.services.evaluating import evaluation_of
from tests.factories.bank import HlaTypingFactory
from tests.factories.hospitals import AntibodyBeadFactory, AntibodySerumFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory

pytestmark = pytest.mark.django_db


def judged(run: SearchRun) -> dict[str, EvaluatedUnit]:
    evaluation = evaluation_of(run=run, policy=run.policy)
    rows = EvaluatedUnit.objects.filter(evaluation=evaluation).select_related("result__unit")
    return {row.result.unit.unit_no: row for row in rows}


@pytest.fixture
def run() -> SearchRun:
    """Three units: typed with the antigen, typed without, and at C only partly."""
    carrier = ListedUnitFactory(unit_no="CARRIER", hla_c_1="C*01:02", hla_c_2="C*07:02")
    other = ListedUnitFactory(unit_no="OTHER", hla_c_1="C*03:04", hla_c_2="C*08:01")
    open_one = ListedUnitFactory(unit_no="OPEN", hla_c_1="", hla_c_2="")
    made = stored_run([carrier, other, open_one])
    return SearchRun.objects.with_request().get(pk=made.pk)


def sensitise(run: SearchRun, written: str, mfi: int | None, **serum: Any) -> None:
    AntibodyBeadFactory(
        serum=AntibodySerumFactory(patient=run.request.patient, **serum), written=written, mfi=mfi
    )


def test_allele_antigen_and_untyped(run: SearchRun) -> None:
    assert {row.findings["dsa"][0] for row in judged(run).values()} == {"unknown"}  # nobody tested him

    sensitise(run, "C*01:02", 4200)
    found = judged(run)

    assert found["CARRIER"].findings["dsa"] == ["failed", [["C*01:02", 4200, "allele", "C*01:02"]], []]
    assert found["CARRIER"].excluded_by == ["dsa"]
    assert found["OTHER"].findings["dsa"] == ["passed", [], []]
    assert found["OPEN"].findings["dsa"] == ["unknown", [["C*01:02", 4200, "", ""]], ["typing_C"]]
    assert "dsa" in found["OPEN"].warnings  # never passed, never silently gone


@pytest.mark.parametrize(
    ("mfi", "outcome"), [(1000, "failed"), (999, "passed"), (0, "passed"), (None, "failed")]
)
def test_the_limit_of_the_policy(run: SearchRun, mfi: int | None, outcome: str) -> None:
    assert rules_of(run.policy).settings["dsa"].values["mfi"] == 1000

    sensitise(run, "Cw1", mfi)

    assert judged(run)["CARRIER"].findings["dsa"][0] == outcome


def test_a_negative_serum_clears_all_units_and_an_old_one_is_flagged(run: SearchRun) -> None:
    AntibodySerumFactory(patient=run.request.patient, sampled_on=timezone.localdate() - timedelta(days=181))
    found = judged(run)

    assert {row.findings["dsa"][0] for row in found.values()} == {"passed"}
    assert {tuple(row.findings["serum_age"][:2]) for row in found.values()} == {("failed", 181)}


def test_a_heterodimer_of_an_untyped_chain_cannot_be_told(run: SearchRun) -> None:
    sensitise(run, "DQA1*05:01, DQB1*03:03", 9000)
    found = judged(run)["CARRIER"].findings["dsa"]

    assert found[0] == "unknown"
    assert found[1][0][0] == "DQA1*05:01~DQB1*03:03"


@pytest.mark.parametrize(
    ("written", "unit", "outcome"),
    [
        ("DQA1*05:01, DQB1*02:01", "DQA1*05:01+DQA1*01:03", "failed"),
        ("DQA1*05:01, DQB1*02:01", "DQA1*01:02+DQA1*01:03", "unknown"),  # DQ2 beside another alpha chain
        ("DQA1*05:01, DQB1*05:01", "DQA1*01:02+DQA1*01:03", "passed"),
        ("DQA1*05:01, DQB1*02:01", "", "unknown"),
        ("DRB3*02:02", "DRB3*02:02", "failed"),
        ("DPA1*02:02, DPB1*05:01", "DPA1*02:02+DPA1*01:03", "unknown"),  # DPB1 is not typed
        ("DPA1*02:02, DPB1*05:01", "DPA1*01:03+DPA1*01:03", "unknown"),
    ],
)
def test_loci_that_no_list_shows_are_read_from_the_units_typing(
    run: SearchRun, written: str, unit: str, outcome: str
) -> None:
    carrier = CordBloodUnit.objects.get(unit_no="CARRIER")
    carrier.hla_dqb1_1, carrier.hla_dqb1_2 = "DQB1*02:01", "DQB1*06:01"
    carrier.save()
    HlaTypingFactory(unit=carrier, canonical_gl="DRB3*02:02^DRB1*03:01", is_current=False)
    HlaTypingFactory(unit=carrier, canonical_gl="^".join(filter(None, ["A*11:01+A*24:02", unit])))
    sensitise(run, written, 20_000)

    assert judged(run)["CARRIER"].findings["dsa"][0] == outcome


def test_a_weak_newest_serum_does_not_undo_a_strong_old_one(run: SearchRun) -> None:
    today = timezone.localdate()
    sensitise(run, "C*01:02", 5000, sampled_on=today - timedelta(days=400))
    sensitise(run, "C*01:02", 200, sampled_on=today - timedelta(days=10))

    assert judged(run)["CARRIER"].findings["dsa"][:2] == ["failed", [["C*01:02", 5000, "allele", "C*01:02"]]]


def test_called_positive_outlives_every_number(run: SearchRun) -> None:
    """A report that gives no number does not give a low one."""
    today = timezone.localdate()
    sensitise(run, "C*01:02", None, sampled_on=today - timedelta(days=300))
    sensitise(run, "C*01:02", 300, sampled_on=today)

    assert judged(run)["CARRIER"].findings["dsa"][:2] == ["failed", [["C*01:02", None, "allele", "C*01:02"]]]


def test_a_class_that_was_not_tested_clears_no_unit(run: SearchRun) -> None:
    sensitise(run, "A*02:01", 12_000, classes="I")
    one_class = judged(run)

    AntibodySerumFactory(patient=run.request.patient, classes="II", method="panel")
    by_panel = judged(run)
    AntibodySerumFactory(patient=run.request.patient, classes="II")

    assert {tuple(map(str, row.findings["dsa"])) for row in one_class.values()} == {
        ("unknown", "[]", "['antibodies_II']")
    }
    assert {row.findings["dsa"][0] for row in by_panel.values()} == {
        "unknown"
    }  # the policy takes single antigens
    assert {row.findings["dsa"][0] for row in judged(run).values()} == {"passed"}


def test_a_withdrawn_serum_clears_no_class(run: SearchRun) -> None:
    withdrawn = {"withdrawn_at": timezone.now(), "withdrawn_reason": "sample of another patient"}
    AntibodySerumFactory(patient=run.request.patient, classes="I")
    AntibodySerumFactory(patient=run.request.patient, classes="II", **withdrawn)

    assert judged(run)["CARRIER"].findings["dsa"] == ["unknown", [], ["antibodies_II"]]


@pytest.mark.parametrize(
    ("own", "outcome"),
    [
        (None, "unknown"),  # the unit's own allele was never tested
        ({"mfi": None, "called": "negative"}, "passed"),
        ({"mfi": 0}, "passed"),
        ({"mfi": 999}, "passed"),
        ({"mfi": 1000}, "failed"),
        ({"mfi": None}, "failed"),
        ({"mfi": 0, "serum__method": "panel"}, "unknown"),
    ],
)
def test_another_allele_of_the_antigen_is_open_until_its_own_bead_is_negative(
    run: SearchRun, own: dict[str, Any] | None, outcome: str
) -> None:
    sensitise(run, "C*01:03", 8000)  # CARRIER has C*01:02, of the same antigen Cw1
    if own is not None:
        AntibodyBeadFactory(serum__patient=run.request.patient, written="C*01:02", **own)

    found = judged(run)["CARRIER"].findings["dsa"]

    assert found[0] == outcome
    assert found[2] == (["bead_C*01:02"] if outcome == "unknown" else [])


def test_what_was_negative_before_the_antibody_came_clears_nothing(run: SearchRun) -> None:
    today = timezone.localdate()
    sensitise(run, "C*01:03", 8000, sampled_on=today - timedelta(days=10))
    own = {"serum__patient": run.request.patient, "written": "C*01:02", "mfi": 0}
    AntibodyBeadFactory(**own, serum__sampled_on=today - timedelta(days=11))

    assert judged(run)["CARRIER"].findings["dsa"][0] == "unknown"

    AntibodyBeadFactory(**own, serum__sampled_on=today - timedelta(days=10))
    assert judged(run)["CARRIER"].findings["dsa"][0] == "passed"


def test_a_molecule_of_the_same_beta_chain_is_cleared_by_a_bead_of_its_own(run: SearchRun) -> None:
    carrier = CordBloodUnit.objects.get(unit_no="CARRIER")
    carrier.hla_dqb1_1, carrier.hla_dqb1_2 = "DQB1*02:01", "DQB1*06:01"
    carrier.save()
    HlaTypingFactory(unit=carrier, canonical_gl="DQA1*02:01+DQA1*01:03")
    sensitise(run, "DQA1*05:01, DQB1*02:01", 20_000)
    sensitise(run, "DQA1*02:01, DQB1*02:01", 40)

    found = judged(run)["CARRIER"].findings["dsa"]
    assert (found[0], found[2]) == ("unknown", ["bead_DQB1*02:01"])

    sensitise(run, "DQA1*01:03, DQB1*02:01", 40)
    assert judged(run)["CARRIER"].findings["dsa"][0] == "passed"


def test_an_old_serum_of_one_class_is_flagged_whatever_came_since(run: SearchRun) -> None:
    today = timezone.localdate()
    old = today - timedelta(days=700)
    AntibodySerumFactory(patient=run.request.patient, classes="II", sampled_on=old)
    AntibodySerumFactory(patient=run.request.patient, classes="I", sampled_on=today)
    AntibodySerumFactory(patient=run.request.patient, classes="both", method="panel", sampled_on=today)

    assert judged(run)["CARRIER"].findings["serum_age"][:2] == ["failed", 700]


def test_weak_ones_that_the_unit_carries_are_told_and_hold_nothing_back(run: SearchRun) -> None:
    sensitise(run, "C*01:02", 400)
    sensitise(run, "C*07:02", 249)

    assert judged(run)["CARRIER"].findings["dsa"] == ["passed", [["C*01:02", 400, "allele", "C*01:02"]], []]
