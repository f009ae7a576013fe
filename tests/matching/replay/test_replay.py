"""A stored search recomputed with the data of then, whatever came to use or changed later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

import bank.services
from bank.models import CordBloodUnit
from core import audit
from core.errors import Conflict
from hospitals.models import Patient
from matching import predictions, reference, services
from matching.models import FrequencySet, MacTableVersion, SearchRun
from matching.replays import recomputed
from matching.replays_today import with_todays_data
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR
from tests.hla import toy_release
from tests.matching.replay.cases import SET, again, forget_all, moved_on, tell

pytestmark = pytest.mark.django_db(transaction=True)  # the ledger is written at commit


def test_a_search_recomputed_at_once_is_identical(found: SearchRun) -> None:
    forget_all()

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.difference_count, outcome.differences, outcome.reason) == (
        "identical",
        0,
        [],
        {},
    )
    assert outcome.compared == {"figures": 15, "rows": 6, "columns": 21}
    assert outcome.remarks == []


def test_it_stays_identical_when_the_inventory_has_moved_on(
    found: SearchRun, some: dict[str, CordBloodUnit]
) -> None:
    moved_on(some)
    forget_all()

    outcome = recomputed(again(found), tell)

    assert (outcome.verdict, outcome.differences, outcome.reason) == ("identical", [], {})


def test_it_says_what_todays_data_would_change(found: SearchRun, some: dict[str, CordBloodUnit]) -> None:
    moved_on(some)

    today = with_todays_data(again(found), tell)

    assert (today["new"], today["gone"], today["kept"]) == (2, 2, 6)
    by_unit = {one["unit"]: one for one in today["listed"]}
    new = CordBloodUnit.objects.get(unit_no="N-1")
    assert by_unit[str(new.pk)]["changes"] == ["new"]
    assert by_unit[str(new.pk)]["now"]["rank"] == 1
    assert by_unit[str(some["six"].pk)]["changes"] == ["gone"]
    # the built-in set serves every population; the others only make way for those that came and went
    assert (today["changed"], today["shifted"], today["same"]) == (0, 4, 0)


def test_todays_data_without_a_change_change_nothing(found: SearchRun) -> None:
    today = with_todays_data(again(found), tell)

    assert (today["new"], today["gone"], today["changed"], today["same"], today["listed"]) == (0, 0, 0, 6, [])


def test_a_reserved_unit_changes_its_status_in_the_list(
    patient: Patient, some: dict[str, CordBloodUnit]
) -> None:
    run = searched_run(patient, statuses=("LISTED", "RESERVED"))
    with transaction.atomic():
        CordBloodUnit.objects.filter(pk=some["reserved"].pk).update(status="LISTED")
        audit.record(
            actor=ACTOR,
            action="unit.free",
            target=some["reserved"],
            before={"status": "RESERVED"},
            after={"status": "LISTED"},
        )
    forget_all()

    outcome, today = recomputed(run, tell), with_todays_data(run, tell)

    assert outcome.verdict == "identical"
    (one,) = today["listed"]
    assert (one["changes"], one["then"]["status"], one["now"]["status"]) == (["status"], "RESERVED", "LISTED")
    assert today["by_change"]["status"] == 1


def test_another_table_of_codes_in_use_today_changes_no_proof(
    found: SearchRun, other_codes: Callable[[], MacTableVersion]
) -> None:
    other_codes()
    forget_all()

    outcome, today = recomputed(again(found), tell), with_todays_data(again(found), tell)

    assert (outcome.verdict, outcome.differences) == ("identical", [])
    assert (found.mac_version, today["mac_version"]) == ("none", "11/20/26")


def test_another_nomenclature_in_use_today_changes_no_proof(
    found: SearchRun, some: dict[str, CordBloodUnit], tmp_path: Path
) -> None:
    services.release_load(path=toy_release.write(tmp_path / "toy"), actor=ACTOR)
    bank.services.unit_hold(unit_id=some["six"].pk, actor=ACTOR, reason="r")
    forget_all()

    outcome, today = recomputed(again(found), tell), with_todays_data(again(found), tell)

    assert (outcome.verdict, outcome.differences) == ("identical", [])
    assert reference.resolver().nomenclature.release == "9.99.0"
    assert today["reason"]["code"] == "patient_typing_unreadable"
    assert "9.99.0" in today["reason"]["text"]


def test_a_search_by_a_table_that_was_in_use_once(
    patient: Patient, some: dict[str, CordBloodUnit], other_codes: Callable[[], MacTableVersion]
) -> None:
    row = other_codes()
    run = searched_run(patient)
    MacTableVersion.objects.update(is_active=False)
    forget_all()

    assert (run.mac_version, recomputed(run, tell).verdict) == ("11/20/26", "identical")

    content = bytes(row.compiled)
    MacTableVersion.objects.update(compiled=content[:-9] + b"otherwise")
    outcome = recomputed(run, tell)
    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "reference_outdated")

    MacTableVersion.objects.update(compiled=content, checksum="another")
    outcome = recomputed(run, tell)
    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", "reference_not_loaded")
    assert "11/20/26" in outcome.reason["text"]
    assert (outcome.compared, outcome.difference_count) == ({}, None)


def test_the_frequency_sets_are_those_of_then(
    patient: Patient, some: dict[str, CordBloodUnit], load_set: Callable[..., FrequencySet]
) -> None:
    load_set(default=True)
    load_set(SET.replace(",0.5", ",0.4").replace(",0.2", ",0.3"), "HAN", as_global=True)
    run = searched_run(patient)
    load_set(SET.replace(",0.5", ",0.45").replace(",0.2", ",0.25"), "TOY")
    load_set(SET.replace(",0.5", ",0.3").replace(",0.2", ",0.4"), "HAN", default=True)
    bank.services.unit_population_change(unit_id=some["named"].pk, populations="", actor=ACTOR, reason="r")
    forget_all()

    outcome, today = recomputed(run, tell), with_todays_data(run, tell)

    assert (outcome.verdict, outcome.differences) == ("identical", [])
    assert [one["step"] for one in run.prediction["sets"]] == ["default", "own"]
    assert today["by_change"]["probability"] > 0
    assert today["sets"] == ["HAN v2"]


def test_a_global_set_and_a_mixed_ancestry_are_chosen_as_then(
    patient: Patient, some: dict[str, CordBloodUnit], load_set: Callable[..., FrequencySet]
) -> None:
    load_set(SET.replace(",0.5", ",0.4").replace(",0.2", ",0.3"), "HAN")
    load_set(as_global=True)
    bank.services.unit_population_change(
        unit_id=some["named"].pk, populations="HAN:1+TOY:3", actor=ACTOR, reason="r"
    )
    run = searched_run(patient)
    services.frequency_set_deactivate(found=FrequencySet.objects.get(population="HAN"), actor=ACTOR)
    bank.services.unit_population_change(unit_id=some["six"].pk, populations="HAN", actor=ACTOR, reason="r")
    forget_all()

    outcome = recomputed(run, tell)

    assert (outcome.verdict, outcome.differences) == ("identical", [])
    steps = [(one["population"], one["step"], one["weight"]) for one in run.prediction["sets"]]
    assert steps == [("TOY", "global", 1.0), ("TOY", "own", 0.75), ("HAN", "own", 0.25)]


def test_the_built_in_set_serves_again_where_it_served(
    found: SearchRun, load_set: Callable[..., FrequencySet]
) -> None:
    load_set(default=True)
    forget_all()

    assert found.prediction["sets"][0]["step"] == "built-in"
    assert recomputed(found, tell).verdict == "identical"


def test_a_search_that_no_set_served_is_served_by_none_again(
    patient: Patient, some: dict[str, CordBloodUnit], load_set: Callable[..., FrequencySet]
) -> None:
    row = load_set(activate=False)
    run = searched_run(patient)
    services.frequency_set_make_global(
        found=services.frequency_set_activate(found=row, actor=ACTOR), actor=ACTOR
    )
    forget_all()

    assert (run.prediction["sets"], run.prediction["patient"]) == ([], None)
    assert recomputed(run, tell).verdict == "identical"


@pytest.mark.parametrize(
    ("damage", "code"),
    [({"checksum": "another"}, "frequency_set_not_loaded"), ({"compiled": b"nothing"}, "reference_outdated")],
)
def test_a_set_that_is_missing_or_damaged_is_said(
    patient: Patient,
    some: dict[str, CordBloodUnit],
    load_set: Callable[..., FrequencySet],
    own_files: Path,
    damage: dict[str, Any],
    code: str,
) -> None:
    load_set(default=True)
    run = searched_run(patient)
    FrequencySet.objects.update(**damage)
    for path in (own_files / "hla").glob("frequencyset*"):
        path.unlink()
    forget_all()

    outcome = recomputed(run, tell)

    assert (outcome.verdict, outcome.reason["code"]) == ("impossible", code)
    assert "TOY v1" in outcome.reason["text"]


def test_a_search_without_probabilities_says_so_and_is_compared_without(
    patient: Patient, some: dict[str, CordBloodUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise Conflict("x", "no probabilities today")

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "predict_run", broken)
        run = searched_run(patient)
    forget_all()

    outcome = recomputed(run, tell)

    assert run.prediction == {"error": "no probabilities today"}
    assert (outcome.verdict, outcome.remarks) == ("identical", ["no_probabilities"])
