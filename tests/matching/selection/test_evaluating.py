"""Evaluations of stored lists: facts of the database, judged, kept until something changes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import timezone

from bank.models import CordBloodUnit
from hospitals.models import Patient
from matching import reference
from matching.engine.selection.evaluate import OF_THE_SEARCH
from matching.engine.selection.rules import parse
from matching.models import EvaluatedUnit, Evaluation, SearchRun, SelectionPolicy
from matching.presenters.policies import differences
from matching.presenters.rule_words import value_text
from matching.selection.policies import SHIPPED, rules_of
from matching.services.evaluating import HOLDS_AT_MOST, READERS_PATIENCE, evaluation_of, evaluations_prune
from tests.factories.bank import HlaTypingFactory, UnitFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.factories.policies import bank_policy, own_policy
from tests.parallel import at_once

pytestmark = pytest.mark.django_db


def list_of(*units: object, **kwargs: object) -> SearchRun:
    run = stored_run(units, **kwargs)  # type: ignore[arg-type]
    return SearchRun.objects.with_request().get(pk=run.pk)


def rows(evaluation: Evaluation) -> dict[str, EvaluatedUnit]:
    found = EvaluatedUnit.objects.filter(evaluation=evaluation).select_related("result__unit")
    return {row.result.unit.unit_no: row for row in found}


def test_shipped_policies_say_everything_themselves() -> None:
    shipped = SelectionPolicy.objects.offered()

    assert {policy.name for policy in shipped} == set(SHIPPED) - {"Qidai default, single unit"}
    for policy in shipped:
        assert rules_of(policy).as_data() == {**policy.rules["selection"]}
    assert rules_of(shipped.get(is_default=True)) == parse(
        {}
    )  # the catalogue's defaults are those of the default


def test_a_list_is_judged_and_says_why() -> None:
    good = UnitFactory(unit_no="GOOD", tnc_e7=200, cd34_e6=10, segments=2, red_cells="depleted")
    small = UnitFactory(unit_no="SMALL", tnc_e7=100, cd34_e6=10, segments=None, red_cells="replete")
    run = list_of(good, small)
    run.request.patient.weight_kg = Decimal(60)
    run.request.patient.save()

    evaluation = evaluation_of(run=run, policy=run.policy)
    found = rows(evaluation)

    assert (evaluation.units, evaluation.excluded, evaluation.excluded_by) == (2, 1, {"tnc_dose": 1})
    assert (found["GOOD"].is_excluded, found["SMALL"].excluded_by) == (False, ["tnc_dose"])
    assert found["GOOD"].findings["tnc_dose"] == ["passed", 3.3333, []]
    assert found["SMALL"].findings["tnc_dose"] == ["failed", 1.6667, []]
    assert found["GOOD"].tnc_e7_per_kg == pytest.approx(10 / 3, abs=1e-6)
    assert {"segments", "red_cells"} <= set(found["SMALL"].warnings)
    assert found["SMALL"].quality_failed == found["GOOD"].quality_failed + 1
    assert found["GOOD"].findings["dsa"] == ["unknown", None, ["antibodies"]]  # nobody was tested


def test_it_is_kept_until_something_changes() -> None:
    unit = UnitFactory(tnc_e7=150)
    run = list_of(unit)
    patient = run.request.patient
    patient.weight_kg = Decimal(60)
    patient.save()
    first = evaluation_of(run=run, policy=run.policy)

    assert evaluation_of(run=run, policy=run.policy) == first
    assert first.excluded == 0  # exactly 2.5

    patient.weight_kg = Decimal("60.01")
    patient.save()
    heavier = evaluation_of(run=run, policy=run.policy)

    assert (heavier.excluded, heavier.weight_kg) == (1, Decimal("60.01"))
    first.refresh_from_db()
    assert first.superseded_at is not None
    assert first.rows.count() == 1  # who reads it this moment reads it to its end

    unit.tnc_e7, unit.updated_at = 160, timezone.now()
    unit.save()
    assert evaluation_of(run=run, policy=run.policy).excluded == 0


def test_policies_stand_beside_each_other() -> None:
    run = list_of(UnitFactory(tnc_e7=200))
    run.request.patient.weight_kg = Decimal(60)
    run.request.patient.save()
    strict = SelectionPolicy.objects.get(name="Non-malignant disease, single unit")

    usual, other = (evaluation_of(run=run, policy=policy) for policy in (run.policy, strict))

    assert (usual.excluded, other.excluded) == (0, 1)
    assert usual.policy_label == "Malignant disease, single unit v1"
    assert Evaluation.objects.in_force(run, run.policy) == usual


def test_a_recalled_unit_is_excluded_with_its_reason() -> None:
    unit = UnitFactory(tnc_e7=200)
    run = list_of(unit)
    unit.recalled, unit.updated_at = True, timezone.now()
    unit.save()

    (row,) = rows(evaluation_of(run=run, policy=run.policy)).values()

    assert row.excluded_by == ["offer"]
    assert row.findings["offer"] == ["failed", ["recalled"], []]
    assert set(row.findings) <= OF_THE_SEARCH  # what was found of it since is told to nobody by this list


def test_age_and_blood_group_of_the_unit() -> None:
    run = list_of(UnitFactory(collected_on=date(2010, 1, 1), abo="O", tnc_e7=200))
    run.request.patient.abo = "A"
    run.request.patient.save()

    (row,) = rows(evaluation_of(run=run, policy=run.policy)).values()

    assert row.findings["age"][0] == "failed"
    assert row.findings["abo"] == ["passed", "minor", []]
    assert row.abo_order == 1


def test_rows_that_nobody_reads_any_more_are_pruned() -> None:
    run = list_of(UnitFactory(tnc_e7=200))
    strict = SelectionPolicy.objects.get(name="Children")
    superseded, in_force = evaluation_of(run=run, policy=run.policy), evaluation_of(run=run, policy=strict)
    run.request.patient.weight_kg = Decimal(60)
    run.request.patient.save()
    newest = evaluation_of(run=run, policy=run.policy)

    assert evaluations_prune() == 0
    hour_ago = timezone.now() - READERS_PATIENCE - timedelta(seconds=1)
    Evaluation.objects.filter(pk=superseded.pk).update(superseded_at=hour_ago)
    Evaluation.objects.filter(pk=in_force.pk).update(created_at=timezone.now() - HOLDS_AT_MOST)

    assert evaluations_prune() == 2
    assert [one.rows.count() for one in (superseded, in_force, newest)] == [0, 0, 1]
    assert evaluations_prune() == 0
    assert evaluation_of(run=run, policy=strict).rows.count() == 1  # made anew when somebody looks


def test_every_unit_counts_not_only_the_newest_change() -> None:
    """A change is stamped before it is committed: one that commits late is older than one judged already."""
    first, second = UnitFactory(tnc_e7=200), UnitFactory(tnc_e7=200)
    run = list_of(first, second)
    run.request.patient.weight_kg = Decimal(60)
    run.request.patient.save()
    now = timezone.now()
    CordBloodUnit.objects.filter(pk=second.pk).update(updated_at=now)
    assert evaluation_of(run=run, policy=run.policy).excluded == 0

    CordBloodUnit.objects.filter(pk=first.pk).update(tnc_e7=10, updated_at=now - timedelta(seconds=5))

    assert evaluation_of(run=run, policy=run.policy).excluded == 1


def test_one_out_and_one_in_is_seen() -> None:
    out, into = UnitFactory(tnc_e7=200), UnitFactory(tnc_e7=200, recalled=True)
    run = list_of(out, into)
    evaluation_of(run=run, policy=run.policy)

    CordBloodUnit.objects.filter(pk=out.pk).update(recalled=True)
    CordBloodUnit.objects.filter(pk=into.pk).update(recalled=False)

    found = rows(evaluation_of(run=run, policy=run.policy))
    assert ("offer" in found[out.unit_no].excluded_by, "offer" in found[into.unit_no].excluded_by) == (
        True,
        False,
    )


def test_another_release_is_another_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    run = list_of(UnitFactory(tnc_e7=200))
    before = evaluation_of(run=run, policy=run.policy)
    resolver = reference.resolver()

    class Other:
        nomenclature = SimpleNamespace(release="9.9.9", checksum="other")
        mac = resolver.mac

        def __getattr__(self, name: str) -> object:
            return getattr(resolver, name)

    monkeypatch.setattr(reference, "resolver", lambda *, look=False: Other())

    assert evaluation_of(run=run, policy=run.policy).pk != before.pk


@pytest.mark.django_db(transaction=True)
def test_many_readers_make_one_evaluation() -> None:
    run = list_of(*(UnitFactory(tnc_e7=200) for _ in range(5)))

    found = at_once(lambda: evaluation_of(run=run, policy=run.policy).pk, people=6)

    assert len(set(found)) == 1
    assert Evaluation.objects.filter(run=run).count() == 1
    assert EvaluatedUnit.objects.filter(evaluation__run=run).count() == 5


@pytest.mark.parametrize(
    ("mother", "notes", "found"),
    [
        ("A*11:01+A*02:01^B*40:01+B*46:01^DRB1*09:01+DRB1*12:02", [], ["passed", 1, []]),
        # she shares nothing with the unit at C, which is no locus of NIMA
        (
            "A*11:01+A*02:01^B*40:01+B*46:01^C*05:01+C*06:02^DRB1*09:01+DRB1*12:02",
            [],
            ["unknown", None, ["mother_excluded"]],
        ),
        (
            "A*11:01+A*02:01^B*40:01+B*46:01",
            [["DQB1", "mother_differs", {}]],
            ["unknown", None, ["mother_excluded"]],
        ),
    ],
)
def test_non_inherited_maternal_antigens(mother: str, notes: list[object], found: list[object]) -> None:
    patient = "A*11:01+A*02:01^B*40:01+B*46:01^DRB1*09:01+DRB1*12:02"
    unit = ListedUnitFactory(
        gl="A*11:01+A*24:02^B*40:01+B*46:01^C*01:02+C*07:02^DRB1*09:01+DRB1*12:02^DQB1*03:03+DQB1*06:01"
    )
    HlaTypingFactory(unit=unit, subject="mother", canonical_gl=mother, notes=notes)
    run = list_of(unit, request__patient=typed_patient(patient))
    run.patient_typing = {part.partition("*")[0]: part.split("+") for part in patient.split("^")}

    (row,) = rows(evaluation_of(run=run, policy=run.policy)).values()

    assert row.findings["nima"] == found


def test_a_policy_with_another_antigen_rule_says_that_it_cannot_tell() -> None:
    run = list_of(UnitFactory(unit_no="ONE", tnc_e7=200))
    broad = own_policy(run.request.hospital, rules={**run.policy.rules, "antigen_rule": "broad"})

    same, other = (rows(evaluation_of(run=run, policy=policy))["ONE"] for policy in (run.policy, broad))

    assert same.findings["class_antigen6"][0] == "passed"
    assert other.findings["class_antigen6"] == ["unknown", None, ["antigen_rule"]]
    assert "class_antigen6" in other.warnings
    assert len(differences(run, broad)) == 1
    assert not differences(run, run.policy)


def test_the_shipped_rule_of_other_diseases_asks_for_more_than_five() -> None:
    rule = rules_of(bank_policy("Non-malignant disease, single unit")).settings["tnc_dose"]

    assert (rule.values["least"], rule.values["bound"]) == (5, "above")


@pytest.mark.parametrize(
    ("patient", "finding", "said"),
    [("F", ["failed", ["F", "M"], []], "patient Female, unit Male"), ("U", ["unknown", None, ["sex"]], "")],
)
def test_a_sex_that_is_not_known_cannot_be_compared(patient: str, finding: list[object], said: str) -> None:
    run = list_of(UnitFactory(unit_no="BOY", sex="M"))
    Patient.objects.filter(pk=run.request.patient_id).update(sex=patient)
    selection = {"selection": {"rules": {"sex": {"action": "warn"}}}}
    policy = own_policy(run.request.patient.hospital, rules={**bank_policy().rules, **selection})

    run = SearchRun.objects.with_request().get(pk=run.pk)
    found = rows(evaluation_of(run=run, policy=policy))["BOY"].findings["sex"]

    assert found == finding
    assert found[1] is None or value_text("sex", found[1]) == said
