"""A stored search recomputed after somebody touched it, or what it was made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

import bank.services
from bank.models import CordBloodUnit
from core import audit
from core.models import Ledger
from core.ownership import as_owner
from matching import replays, results
from matching.engine.search import ENGINE_VERSION
from matching.models import SearchResult, SearchRun
from matching.replays import recomputed, unlike
from tests.factories.matching import ACTOR
from tests.factories.policies import own_policy
from tests.matching.replay.cases import again, at, tell, touch

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit


def test_a_touched_row_is_named_by_rank_and_column(found: SearchRun) -> None:
    touch(found, 2, tnc_e7=1.5, p0_of6=None)

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.difference_count) == ("different", 2)
    assert at(outcome) == [("rows", 2, "p0_of6"), ("rows", 2, "tnc_e7")]
    assert outcome.differences[1]["stored"] == 1.5
    assert outcome.differences[1]["recomputed"] == found.results.get(rank=2).unit.tnc_e7


@pytest.mark.parametrize(
    "name", sorted({*results.COLUMNS} - {"run_id", "rank", "unit_id", "evidence", "prediction"})
)
def test_every_column_is_compared(found: SearchRun, name: str) -> None:
    old = getattr(found.results.get(rank=6), name)
    values: dict[str, Any] = {
        "direction": "unknown",
        "status": "RESERVED",
        "min": 0,
        "max": (old, 1),
        "p0": 0.123457,
    }
    new = values.get(name, values.get(name[-3:], values.get(name[:2], 0.125)))
    touch(found, 6, **{name: sum(new) if isinstance(new, tuple) else new})

    assert at(recomputed(again(found), tell)) == [("rows", 6, name)]


def test_no_column_and_no_figure_is_left_out(found: SearchRun) -> None:
    """A column that is added later has to be compared, or named here as what goes into a search."""
    inputs = {
        "id", "request", "run_no", "job", "patient_typing", "patient_weight_kg", "patient_populations",
        "criteria", "policy", "policy_label", "origin", "created_by", "created_at",
    }  # fmt: skip
    told_apart = {"engine_version", "timings", "completed_at"}
    of_later = {
        "basis",
        "checked_at",
        "checked_ledger_number",
        "changes",
        "seen_at",
        "seen_by",
        "reach",
    }  # no part of the list

    assert {field.attname for field in SearchResult._meta.concrete_fields} - {"id"} == {*results.COLUMNS}
    figures = {field.name for field in SearchRun._meta.concrete_fields} - inputs - told_apart - of_later
    assert len(figures) == recomputed(found, tell).compared["figures"]


def test_evidence_and_predictions_are_compared_to_their_ends(found: SearchRun) -> None:
    row = found.results.get(rank=3)
    row.evidence["B"]["positions"][1]["verdict"] = "touched"
    row.prediction["8"][0] = 0.123457
    del row.prediction["basis"]
    row.save()
    summary = found.prediction
    summary["counts"]["set"] += 1
    SearchRun.objects.filter(pk=found.pk).update(prediction=summary)

    outcome = recomputed(again(found), tell)

    assert at(outcome) == [
        ("figures", None, "prediction.counts.set"),
        ("rows", 3, "prediction.8.0"),
        ("rows", 3, "prediction.basis"),
        ("rows", 3, "evidence.B.positions.1.verdict"),
    ]


def test_rows_that_are_missing_or_changed_places(found: SearchRun) -> None:
    SearchResult.objects.filter(run=found, rank=6).delete()
    for old, new in ((1, 99), (2, 1), (99, 2)):
        touch(found, old, rank=new)

    outcome = recomputed(again(found), tell)

    assert at(outcome) == [("rows", 1, "unit"), ("rows", 2, "unit"), ("rows", 6, "rank")]
    assert outcome.compared["rows"] == 6


def test_figures_are_held_against_the_ledger_too(found: SearchRun) -> None:
    criteria = found.criteria | {"floors": {"antigen6": 4, "allele6": 0}}
    SearchRun.objects.filter(pk=found.pk).update(criteria=criteria, funnel=found.funnel | {"below_floor": 7})

    outcome = recomputed(again(found), tell)

    assert at(outcome) == [
        ("figures", None, "funnel.below_floor"),
        ("ledger", None, "search.start.criteria.floors.allele6"),
        ("ledger", None, "search.start.inputs_sha256"),
        ("ledger", None, "search.complete.below_floor"),
    ]


def test_a_unit_changed_behind_the_ledgers_back_is_noticed(
    found: SearchRun, some: dict[str, CordBloodUnit]
) -> None:
    CordBloodUnit.objects.filter(pk=some["five"].pk).update(tnc_e7=151)

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "inventory_not_restored")
    assert outcome.reason["params"]["units"] == outcome.reason["params"]["found"] == 8
    assert found.snapshot_checksum[:12] in outcome.reason["text"]
    assert (outcome.compared, outcome.difference_count, outcome.differences) == ({}, None, [])


def test_a_forged_ledger_restores_another_inventory(found: SearchRun, some: dict[str, CordBloodUnit]) -> None:
    bank.services.unit_hold(unit_id=some["six"].pk, actor=ACTOR, reason="r")
    with as_owner(), transaction.atomic():
        Ledger.objects.filter(number=audit.ledger_head())._raw_delete("default")

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "inventory_not_restored")
    assert (outcome.reason["params"]["units"], outcome.reason["params"]["found"]) == (8, 7)


def test_a_ledger_that_ends_before_the_search(found: SearchRun) -> None:
    SearchRun.objects.filter(pk=found.pk).update(ledger_number=9_999)

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "ledger_behind")
    assert "9999" in outcome.reason["text"]


@pytest.mark.parametrize("what", ["unit", "batch"])
def test_a_change_that_does_not_say_what_was_there_before(
    found: SearchRun, some: dict[str, CordBloodUnit], what: str
) -> None:
    target = some["six"] if what == "unit" else ("bank.ImportBatch", str(found.pk), "a batch")
    with transaction.atomic():
        audit.record(actor=ACTOR, action="units.reprice", target=target, after={"tnc_e7": 3})

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "history_incomplete")
    assert str(audit.ledger_head()) in outcome.reason["text"]


def test_rules_that_this_version_does_not_know(found: SearchRun) -> None:
    strange = own_policy(found.request.hospital, rules={"by_the_moon": True})
    SearchRun.objects.filter(pk=found.pk).update(policy=strange)

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "policy_unknown")
    assert "by_the_moon" in outcome.reason["text"]


def test_a_checksum_of_an_earlier_version_is_no_proof(found: SearchRun) -> None:
    checksum = found.snapshot_checksum[:32]
    SearchRun.objects.filter(pk=found.pk).update(engine_version="1", snapshot_checksum=checksum)

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "inventory_other_checksum")
    assert "engine 1" in outcome.reason["text"]


def test_another_engine_is_said_and_held_to_the_same_rows(found: SearchRun) -> None:
    SearchRun.objects.filter(pk=found.pk).update(engine_version="0")

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.remarks, outcome.engine) == (
        "identical",
        ["other_engine"],
        ENGINE_VERSION,
    )


def test_a_search_that_the_ledger_does_not_know(found: SearchRun) -> None:
    with as_owner(), transaction.atomic():
        Ledger.objects.filter(target_key=str(found.pk), row__contains="search.complete")._raw_delete(
            "default"
        )

    outcome = recomputed(again(found), tell)

    assert at(outcome) == [("ledger", None, "search.complete")]


def test_the_first_entry_counts_whoever_adds_another(found: SearchRun) -> None:
    SearchRun.objects.filter(pk=found.pk).update(policy_label="another v9")
    with transaction.atomic():
        after = {"run_no": 1, "criteria": found.criteria, "policy": "another v9"}
        audit.record(actor=ACTOR, action="search.start", target=found, after=after)

    assert at(recomputed(again(found), tell)) == [("ledger", None, "search.start.policy")]


def test_of_many_differences_the_first_are_kept_and_all_counted(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "SHOWN", 4)
    SearchResult.objects.filter(run=found).update(tnc_e7=None)

    outcome = recomputed(again(found), tell)

    assert (outcome.difference_count, len(outcome.differences)) == (6, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("patient_weight_kg", Decimal("20.01")), ("patient_populations", "UIG"), ("patient_gl", "A*01:01")],
)
def test_a_patient_that_is_touched_is_noticed(found: SearchRun, name: str, value: Any) -> None:
    SearchRun.objects.filter(pk=found.pk).update(**{name: value})

    outcome = recomputed(again(found), tell)

    where = (
        ("figures", None, name) if name == "patient_gl" else ("ledger", None, "search.start.inputs_sha256")
    )
    assert outcome.verdict == "different"
    assert where in at(outcome)


def test_a_list_made_anew_with_all_that_belongs_to_it_is_not_the_one_of_the_ledger(found: SearchRun) -> None:
    """Whoever writes into the database can make run and rows agree; the ledger still says what they were."""
    heavier = again(found)
    heavier.patient_weight_kg = Decimal(40)
    for result in found.results.all():
        touch(
            found,
            result.rank,
            tnc_e7_per_kg=result.tnc_e7_per_kg and round(result.tnc_e7 / 40, 6),
            cd34_e5_per_kg=result.cd34_e5_per_kg and round(result.cd34_e6 * 10 / 40, 6),
        )
    SearchRun.objects.filter(pk=found.pk).update(patient_weight_kg=40)

    outcome = recomputed(again(found), tell)

    assert at(outcome) == [
        ("ledger", None, "search.start.inputs_sha256"),
        ("ledger", None, "search.complete.rows_sha256"),
    ]


def test_probabilities_cannot_be_taken_away_unnoticed(found: SearchRun) -> None:
    """A search that says it has none is compared without; the ledger knows that it had some."""
    empty = dict.fromkeys(("p0_of6", "p0_of8", "p0_of10"))
    SearchResult.objects.filter(run=found).update(prediction={}, **empty)
    SearchRun.objects.filter(pk=found.pk).update(prediction={"error": "none today"})

    outcome = recomputed(again(found), tell)

    assert outcome.verdict == "different"
    assert ("ledger", None, "search.complete.prediction_sha256") in at(outcome)


def test_of_a_search_of_an_earlier_version_it_is_said_that_the_ledger_has_no_digests(
    found: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = replays._told

    def earlier(run: SearchRun) -> Any:
        entries = honest(run).items()
        return {
            action: {name: value for name, value in after.items() if name not in replays.DIGESTS}
            for action, after in entries
        }

    monkeypatch.setattr(replays, "_told", earlier)
    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.remarks) == ("identical", ["no_digests"])


def test_the_ledger_is_read_by_key(found: SearchRun) -> None:
    names = {index.name: index.fields for index in Ledger._meta.indexes}

    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'ledger_target_key'")
        assert "(target_type, target_key)" in cursor.fetchone()[0]
    assert names["ledger_target_key"] == ["target_type", "target_key"]


def test_long_values_are_cut_for_the_reader() -> None:
    plain = replays.Difference("rows", "evidence", {"a": "x" * 999}, True, 3).plain()

    assert len(plain["stored"]) == replays.TEXT + 1
    assert plain["recomputed"] is True


@pytest.mark.parametrize(
    ("stored", "again_", "paths"),
    [
        ({"a": [1, 2]}, {"a": [1, 2]}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["x.a.1"]),
        ({"a": [1, 2]}, {"a": [1]}, ["x.a"]),
        ({"a": 1}, {"b": 1}, ["x.a", "x.b"]),
        ({"a": None}, {}, ["x.a"]),
        (True, 1, ["x"]),
        (0.1, 0.1000001, ["x"]),
    ],
)
def test_where_two_values_differ(stored: Any, again_: Any, paths: list[str]) -> None:
    assert [path for path, _, _ in unlike(stored, again_, "x")] == paths
