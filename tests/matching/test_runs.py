"""Searches: executed once, stored in one piece, stopped without a trace, failed with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from core import audit, jobs
from core.errors import Conflict, DomainError
from core.models import AuditEntry, Job
from matching import computing, inventory, reference, results, services
from matching.models import SearchRun
from matching.services import RequestData, runs
from tests.factories.match_list import queued_run as submitted
from tests.factories.matching import ACTOR, ListedUnitFactory, SearchRunFactory, typed_patient
from tests.matching.twin import twin_search

OTHER_GL = "A*01:01+A*24:02^B*08:01+B*46:01^C*07:01^DRB1*03:01+DRB1*15:01"
XX_GL = "A*11:XX+A*24:XX^B*40:XX+B*46:XX^DRB1*09:XX+DRB1*15:XX"


def executed(run: SearchRun) -> SearchRun:
    services.run_execute(job_id=run.job_id)
    return SearchRun.objects.select_related("job", "request").get(pk=run.pk)


@pytest.fixture
def units(db: None) -> list[Any]:
    return [
        ListedUnitFactory(tnc_e7=100, cd34_e6=None),
        ListedUnitFactory(tnc_e7=140),
        ListedUnitFactory(tnc_e7=None),
        ListedUnitFactory(gl=XX_GL, tnc_e7=190),
        ListedUnitFactory(gl=OTHER_GL, tnc_e7=200),
        ListedUnitFactory(gl="C*01:02"),
        ListedUnitFactory(status="RESERVED"),
    ]


def test_results_are_those_of_the_twin_with_their_evidence(units: list[Any]) -> None:
    run = executed(submitted())

    resolver = reference.resolver()
    snapshot = inventory.current(resolver)
    rows = [snapshot.row(place) for place in snapshot.rows().tolist()]
    twin = twin_search(
        {locus: tuple(pair) for locus, pair in run.patient_typing.items()},
        rows,
        resolver,
        floors={"antigen6": 4},
        statuses={"LISTED"},
    )
    stored = list(run.results.order_by("rank"))
    order = twin.banded(len(stored), {result.unit_id.bytes: result.p0_of6 for result in stored})
    assert [result.unit_id.bytes for result in stored] == [found.row.unit_id for found in order]
    assert [result.rank for result in stored] == list(range(1, 5))
    for result, found in zip(stored, order, strict=True):
        assert result.classes == found.classes
        assert result.direction == found.direction
        for locus, counts in found.loci.items():
            assert result.evidence[locus]["match"] == [counts.match_min, counts.match_max]
            assert len(result.evidence[locus]["positions"]) == 2
    assert {name: [tuple(row) for row in counts] for name, counts in run.counts.items()} == {
        name: twin.counts(name) for name in run.counts
    }


def test_doses_cells_and_status_stand_with_the_result(units: list[Any]) -> None:
    run = executed(submitted(typed_patient(weight_kg=Decimal(40))))

    by_unit = {result.unit_id: result for result in run.results.all()}
    first, second, third = (by_unit[unit.pk] for unit in units[:3])
    assert (first.tnc_e7, first.tnc_e7_per_kg, first.cd34_e6, first.cd34_e5_per_kg) == (100, 2.5, None, None)
    assert (second.cd34_e6, second.cd34_e5_per_kg, second.status) == (4.5, 1.125, "LISTED")
    assert (third.tnc_e7, third.tnc_e7_per_kg) == (None, None)


def test_the_run_names_everything_that_decided_it(units: list[Any]) -> None:
    run = executed(submitted(loci="A,B,DRB1"))

    assert run.is_finished
    assert run.job.state == Job.State.DONE
    assert run.job.result == {"run": str(run.pk), "candidates": 4, "kept": 4}
    assert run.request.state == "SEARCHED"
    nomenclature = reference.resolver().nomenclature
    assert (run.release, run.nomenclature_checksum) == (nomenclature.release, nomenclature.checksum)
    assert (run.mac_version, run.engine_version, len(run.snapshot_checksum)) == ("none", "2", 64)
    assert run.mac_checksum
    assert set(run.counts) == {"antigen6", "allele6"}
    assert (run.units_considered, run.units_unsearchable, run.candidates, run.cut) == (5, 1, 4, 0)
    assert run.funnel["other_status"] == 1
    assert run.funnel["below_floor"] == 1
    assert run.funnel["not_searchable_at"] == {"A": 1, "B": 1, "DRB1": 1}
    assert set(run.timings) == {
        "snapshot",
        "score",
        "filter",
        "rank",
        "predict",
        "explain",
        "store",
    }
    entry = AuditEntry.objects.get(action="search.complete")
    assert (entry.target_key, entry.actor_id) == (str(run.pk), "system:search")
    assert entry.after["candidates"] == 4


def test_reserved_units_are_found_when_asked_for(units: list[Any]) -> None:
    run = executed(submitted(statuses=("LISTED", "RESERVED")))

    assert "RESERVED" in set(run.results.values_list("status", flat=True))


def test_a_second_execution_does_nothing(units: list[Any]) -> None:
    run = executed(submitted())
    before = list(run.results.values_list("pk", flat=True).order_by("pk"))

    again = services.run_execute(job_id=run.job_id)

    assert again is None
    assert list(run.results.values_list("pk", flat=True).order_by("pk")) == before


def test_a_repeat_sees_patient_and_inventory_as_they_are_now(units: list[Any]) -> None:
    first = executed(submitted())
    patient = first.request.patient
    patient.weight_kg = Decimal(33)
    patient.save()

    second = services.run_repeat(request_id=first.request_id, actor=ACTOR)
    with pytest.raises(Conflict) as caught:
        services.run_repeat(request_id=first.request_id, actor=ACTOR)
    assert caught.value.code == "search_running"
    second = executed(second)

    assert (first.run_no, second.run_no, second.patient_weight_kg) == (1, 2, Decimal(33))
    assert first.results.count() == second.results.count() == 4
    assert second.request.state == "SEARCHED"
    assert set(SearchRun.objects.finished()) == {first, second}


def test_a_draft_or_cancelled_request_cannot_be_searched(db: None) -> None:
    request = services.request_create(patient=typed_patient(), data=RequestData(), actor=ACTOR)

    with pytest.raises(Conflict, match="Draft") as caught:
        services.run_repeat(request_id=request.pk, actor=ACTOR)

    assert caught.value.code == "request_not_searchable"


def test_a_search_cancelled_before_the_end_stores_nothing(
    units: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted()
    honest = results.rows

    def cancelled_meanwhile(*args: Any) -> Any:
        jobs.job_cancel(job=run.job, actor=ACTOR)
        return honest(*args)

    monkeypatch.setattr(results, "rows", cancelled_meanwhile)
    run = executed(run)

    assert (run.is_finished, run.results.count(), run.job.state) == (False, 0, "cancelled")
    assert run.request.state == "SUBMITTED"


def test_progress_is_told_and_is_where_a_cancelled_search_stops(
    units: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TELL_EVERY_SECONDS", 0)
    monkeypatch.setattr(inventory, "TELL_EVERY", 2)
    told: list[tuple[str, dict[str, int]]] = []
    honest = jobs.Claim.progress

    def heard(self: Any, stage: str, share: float, **counts: int) -> None:
        told.append((stage, counts))
        if stage == "rank":
            jobs.job_cancel(job=Job.objects.get(pk=self.job_id), actor=ACTOR)
        honest(self, stage, share, **counts)

    monkeypatch.setattr(jobs.Claim, "progress", heard)
    run = executed(submitted())

    assert [stage for stage, _ in told] == ["snapshot", *["build"] * 8, "score", "filter", "rank"]
    assert told[1][1] == {"units": 2}
    assert run.job.state == "cancelled"
    assert not run.results.exists()


def test_a_patient_that_todays_release_cannot_read_fails_with_a_reason(db: None) -> None:
    run = SearchRunFactory()
    SearchRun.objects.filter(pk=run.pk).update(patient_typing={"A": ["A*02:9999999", ""]})

    run = executed(run)

    assert (run.job.state, run.job.error_code) == ("failed", "patient_typing_unreadable")
    assert "A*02:9999999" in run.job.error
    assert run.request.state == "SUBMITTED"


def test_an_error_inside_the_program_fails_with_words_for_people(
    units: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = submitted()

    def broken(*args: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(results, "rows", broken)
    run = executed(run)

    assert run.job.state == "failed"
    assert "administrator" in run.job.error
    assert "secret detail" not in run.job.error
    assert "secret detail" in caplog.text


def test_a_database_that_is_away_leaves_the_job_to_the_sweep(
    units: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted()

    def away(*args: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(results, "rows", away)
    with pytest.raises(OperationalError):
        services.run_execute(job_id=run.job_id)

    run.job.refresh_from_db()
    assert run.job.state == "running"


def test_a_failure_after_a_cancel_says_nothing(units: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = submitted()

    def broken(*args: Any) -> None:
        jobs.job_cancel(job=run.job, actor=ACTOR)
        raise DomainError("x", "too late")

    monkeypatch.setattr(results, "rows", broken)
    run = executed(run)

    assert (run.job.state, run.job.error) == ("cancelled", "")


def test_nothing_is_stored_when_the_audit_entry_fails(
    units: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted()

    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(audit, "record", broken)
    run = executed(run)

    assert (run.is_finished, run.results.count(), run.request.state) == (False, 0, "SUBMITTED")
    assert run.job.state == "failed"


def test_as_many_are_kept_as_the_request_asks(units: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    honest = computing.search

    def heard(patient: Any, criteria: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(criteria.limit)
        return honest(patient, criteria, *args, **kwargs)

    monkeypatch.setattr(computing, "search", heard)

    run = executed(submitted(kept_at_most=5_000))

    assert asked == [5_000]
    assert run.criteria["kept_at_most"] == 5_000


def test_a_search_of_before_there_was_a_choice_keeps_a_thousand() -> None:
    stored = {"loci": ["A", "B", "DRB1"], "floors": {}, "min_tnc_e7_per_kg": None, "statuses": ["LISTED"]}

    assert runs.criteria_from(stored, None).limit == 1_000
