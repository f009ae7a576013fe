"""Which waiting patients a new unit is for: what their next search would list, and nobody else."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from bank import confirming
from bank import services as bank
from bank.models import CordBloodUnit
from core import audit
from core.errors import InvalidInput
from hla.loci import SEARCH_LOCI
from hospitals.models import Patient, PatientHlaTyping
from matching import computing, predictions, shares
from matching.models import MatchRequest, NewUnitFinding, SearchRun, SelectionPolicy
from matching.services import (
    comparing,
    request_cancel,
    run_execute,
)
from matching.unit_patients import patients_of_unit
from tests.factories.bank import ImportBatchFactory, UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL
from tests.factories.match_list import queued_run, searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory, noted, typed_patient
from tests.matching import inventories
from tests.matching.batches import failed, follow, found, repeated, searched

FAR = "A*01:01+A*30:01^B*08:01+B*13:01^DRB1*03:01+DRB1*07:01"

pytestmark = pytest.mark.usefixtures("ledger_at_once")


def test_a_new_unit_is_found_for_whom_it_matches_and_for_nobody_else(waiting: SearchRun) -> None:
    other = searched(gl=FAR)
    unit = ListedUnitFactory(tnc_e7=160)

    follow()

    assert found() == {(waiting.request_id, unit.pk)}
    finding = NewUnitFinding.objects.get()
    result = repeated(waiting).results.get(unit=unit)
    assert {name: tuple(span) for name, span in finding.classes.items()} == result.classes
    assert (finding.class_name, finding.class_max, finding.tnc_e7_per_kg) == ("antigen6", 6, 8.0)
    shares = {"6": result.p0_of6, "8": result.p0_of8, "10": result.p0_of10}
    assert finding.probabilities == shares
    assert finding.ledger_number <= audit.ledger_head()
    assert other.request.new_units.count() == 0


def test_what_a_typing_leaves_open_is_never_told_as_certain(
    client: Client, waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set may say 1 of what a typing leaves open; in the list of the unit's patients it reads the same."""
    honest = predictions.predict_run

    def sure(*args: Any, **others: Any) -> Any:
        predicted = honest(*args, **others)
        for values in predicted.rows.classes.values():
            values[:, 0] = 1.0
        return predicted

    monkeypatch.setattr(predictions, "predict_run", sure)
    unit = ListedUnitFactory(gl=GL.rpartition("^DQB1")[0], tnc_e7=160)
    follow()

    [finding] = NewUnitFinding.objects.filter(unit=unit)
    assert (finding.classes["allele6"], finding.probabilities["6"]) == ([6, 6], 1.0)
    assert finding.classes["allele10"][0] < 10
    assert finding.probabilities["10"] == 1.0  # as it was computed
    assert shares.of_finding(finding)["10"] == 1 - 1e-6
    [answer] = client.get(reverse("api:new-unit-list"), {"unit": str(unit.pk)}).json()["results"]
    assert (answer["probabilities"]["6"], answer["probabilities"]["10"]) == (1.0, 1 - 1e-6)
    [before] = patients_of_unit(unit)
    repeated(waiting)
    [after] = patients_of_unit(unit)
    assert before.probabilities == after.probabilities
    assert after.run is not None


@pytest.mark.parametrize("how", ["import", "confirm", "unhold"])
def test_every_way_onto_the_list_is_noticed(waiting: SearchRun, how: str) -> None:
    if how == "import":
        batch = ImportBatchFactory()
        unit = UnitFactory(import_batch=batch)
        with transaction.atomic():
            audit.record(actor=ACTOR, action="units.import", target=batch)
    elif how == "confirm":
        declared = ImportBatchFactory(declaration="released before", user=UserFactory())
        unit = UnitFactory(waiting=True, tnc_e7=120.0, import_batch=declared, status_when_confirmed="LISTED")
        follow()
        assert found() == set()
        seen = confirming.shown(unit).digest
        bank.unit_confirm_values(unit_id=unit.pk, shown=seen, actor=ACTOR, reason="measured again")
    else:
        unit = UnitFactory()
        bank.unit_hold(unit_id=unit.pk, actor=ACTOR, reason="label")
        follow()
        assert found() == set()
        bank.unit_unhold(unit_id=unit.pk, actor=ACTOR, reason="label printed anew")

    follow()

    assert found() == {(waiting.request_id, unit.pk)}


def test_what_a_list_holds_already_is_no_news_unless_better(waiting: SearchRun) -> None:
    unit = waiting.results.get().unit
    noted(unit)
    follow()
    assert found() == set()

    CordBloodUnit.objects.filter(pk=unit.pk).update(hla_a_2="A*24:02")
    noted(unit)
    follow()

    assert found() == {(waiting.request_id, unit.pk)}


@pytest.mark.parametrize("over", ["cancelled", "inactive"])
def test_who_does_not_wait_gets_no_finding(waiting: SearchRun, over: str) -> None:
    if over == "cancelled":
        request_cancel(request_id=waiting.request_id, reason="r", actor=ACTOR)
    else:
        patient = waiting.request.patient
        Patient.objects.filter(pk=patient.pk).update(
            state="inactive", inactive_reason="died", deactivated_at=waiting.created_at
        )
    ListedUnitFactory()

    follow()

    assert found() == set()


def test_a_search_that_was_later_makes_comparing_needless(waiting: SearchRun) -> None:
    """The unit stands in the list already; nothing is told twice."""
    unit = ListedUnitFactory()
    again = repeated(waiting)

    job = follow()

    assert job is not None
    assert job.result["requests"] == 0
    assert found() == set()
    [row] = patients_of_unit(unit)
    assert (row.run, row.rank) == (again, 1)


def test_a_request_whose_search_failed_is_compared_too_one_whose_search_waits_is_not() -> None:
    waiting, queued = queued_run(), queued_run()
    failed(waiting)
    unit = ListedUnitFactory()

    follow()

    assert found() == {(waiting.request_id, unit.pk)}
    run_execute(job_id=queued.job_id)  # it reads an inventory with the unit
    assert queued.results.get().unit_id == unit.pk


def test_what_is_cut_is_counted(waiting: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "MOST_PER_REQUEST", 2)
    units = [ListedUnitFactory(tnc_e7=100 + number) for number in range(5)]

    job = follow()

    assert job is not None
    assert job.result == {"units": 5, "requests": 1, "found": 2, "cut": 3}
    assert found() == {(waiting.request_id, unit.pk) for unit in units[3:]}  # the best


def test_probabilities_that_cannot_be_had_keep_no_unit_back(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = ListedUnitFactory()

    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(predictions, "predict_run", broken)
    follow()

    finding = NewUnitFinding.objects.get()
    assert (finding.unit_id, finding.probabilities) == (unit.pk, {})


@pytest.mark.parametrize("seed", [2, 6, 10, 13])
def test_a_unit_is_found_exactly_if_the_next_search_lists_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random inventories, full lists of five: one unit after the other, each beside a real search."""

    limited_to(5, monkeypatch)
    rng = random.Random(seed)
    pool = inventories.pool(rng, size=6)
    for _ in range(30):
        entered(inventories.unit(rng, choice=pool))
    run = searched_run(typed_patient(GL), floors={"antigen6": 0}, statuses=("LISTED", "RESERVED"))
    listed = []
    for _ in range(10):
        unit = entered(inventories.unit(rng, choice=pool))
        follow()
        in_time = NewUnitFinding.objects.filter(request=run.request, unit=unit).exists()
        run = repeated(run)
        listed.append(run.results.filter(unit=unit).exists())
        assert in_time == listed[-1]
    assert run.cut > 0
    assert 0 < sum(listed) < len(listed)  # both happened
    assert NewUnitFinding.objects.count() == sum(listed)


def limited_to(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of so many units, for the search and for the comparison alike."""

    def few(*args: Any, honest: Any = computing.criteria_from) -> Any:
        return replace(honest(*args), limit=limit)

    for module in (computing, comparing):
        monkeypatch.setattr(module, "criteria_from", few)


@pytest.mark.parametrize(("number", "fits"), [(45, True), (55, False)])
def test_of_units_alike_the_one_that_the_list_would_prefer_is_found(
    number: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited_to(5, monkeypatch)
    for other in range(10, 70, 10):
        ListedUnitFactory(id=UUID(int=other))
    run = searched_run()
    unit = ListedUnitFactory(id=UUID(int=number))

    follow()

    assert (run.kept, run.cut) == (5, 1)
    assert found() == ({(run.request_id, unit.pk)} if fits else set())
    assert repeated(run).results.filter(unit=unit).exists() == fits


def entered(row: Any) -> CordBloodUnit:
    """A unit of the engine's tests as a row of the bank."""
    columns = {
        f"hla_{locus.lower()}_{position}": text
        for locus, pair in zip(SEARCH_LOCI, row.typing, strict=True)
        for position, text in enumerate(pair, start=1)
    }
    cells = {
        "tnc_e7": None if row.tnc_e4 < 0 else row.tnc_e4 / 1000,
        "cd34_e6": None if row.cd34_e3 < 0 else row.cd34_e3 / 1000,
    }
    return ListedUnitFactory(gl="C*01:02", status=row.status, **columns, **cells)


def test_a_patient_whose_typing_cannot_be_read_is_left_out(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable(*args: Any) -> Any:
        raise InvalidInput("typing_unreadable", "It cannot be read.")

    monkeypatch.setattr(computing, "readable", unreadable)
    ListedUnitFactory()

    with caplog.at_level("INFO", logger="qidai.new_units"):
        job = follow()

    assert job is not None
    assert (job.state, NewUnitFinding.objects.count()) == ("done", 0)
    assert "is not compared with new units" in caplog.text


@pytest.mark.parametrize("why", ["typed at A only", "rules unknown"])
def test_one_patient_that_cannot_be_searched_keeps_no_other_back(
    waiting: SearchRun, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = searched()
    if why == "typed at A only":
        PatientHlaTyping.objects.filter(patient=waiting.request.patient_id).update(
            canonical={"A": ["A*02:01", "A*24:02"]}
        )
    else:
        policy = SelectionPolicy.objects.create(
            name="By the moon", rules={"by_the_moon": True}, created_by="t"
        )
        MatchRequest.objects.filter(pk=waiting.request_id).update(policy=policy)
    unit = ListedUnitFactory()

    with caplog.at_level("INFO", logger="qidai.new_units"):
        job = follow()

    assert job is not None
    assert job.state == "done"
    assert found() == {(other.request_id, unit.pk)}
    assert f"{waiting.request.number} is not compared with new units" in caplog.text


def test_probabilities_are_computed_for_those_that_are_named(
    waiting: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_PER_REQUEST", 2)
    honest, counts = predictions.predict_run, []

    def counted(patient: Any, populations: Any, small: Any, chosen: Any) -> Any:
        counts.append(len(chosen))
        return honest(patient, populations, small, chosen)

    monkeypatch.setattr(predictions, "predict_run", counted)
    for number in range(5):
        ListedUnitFactory(tnc_e7=100 + number)

    follow()

    assert counts == [2]
