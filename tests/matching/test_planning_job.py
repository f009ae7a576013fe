"""Planning as a job: started, cached, watched, its figures stored with their basis, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.celery import app
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Job
from hla.resolve import Resolver
from matching import frequency_sets, planning, services, tasks
from matching.models import FrequencySet, PlanningRun, SelectionPolicy
from matching.planning import PlanData
from matching.services import planning as service
from tests.factories.hospitals import PatientFactory
from tests.factories.matching import ACTOR, ListedUnitFactory, MatchRequestFactory, frequency_set
from tests.factories.planning import finished_planning, started_planning
from tests.matching.snapshots import listed

COMMON = "A*02:07+A*11:01^B*46:01+B*46:01^C*01:02+C*01:02^DRB1*09:01+DRB1*09:01^DQB1*03:03+DQB1*03:03"


@pytest.fixture
def inventory(ledger_at_once: None) -> None:
    listed(3, gl=COMMON)


def test_figures_are_stored_with_job_audit_and_basis(inventory: None, resolver: Resolver) -> None:
    run = finished_planning()

    assert (run.job.kind, run.job.state, run.job.result) == ("planning", "done", {"planning": str(run.pk)})
    assert run.result["units"] == 3
    assert len(run.result["rates"]) == 4 * 3 * 3
    assert (run.set_version, run.population, run.antigen_rule) == ("demo (synthetic)", "HAN", "split")
    assert (run.release, run.ledger_number) == ("built-in", 4)
    assert run.snapshot_checksum
    entry = AuditEntry.objects.get(action="planning.finish")
    assert entry.after == {"ledger_number": 4, "units": 3}
    assert AuditEntry.objects.get(action="planning.start").after["patients"] == 200


def test_a_plan_of_the_same_basis_is_not_simulated_again(inventory: None) -> None:
    first = finished_planning()

    assert started_planning() == first
    assert started_planning(doses=(Decimal("2.50"), Decimal(5))) == first
    assert started_planning(seed=2) != first
    listed(1)
    assert started_planning() != first


def test_one_that_waits_is_given_again_and_one_that_failed_is_not(inventory: None) -> None:
    first = started_planning()

    assert started_planning() == first
    Job.objects.filter(pk=first.job_id).update(state="failed", ended_at=timezone.now())
    assert started_planning() != first


def test_not_too_many_at_once(inventory: None) -> None:
    for seed in range(service.MOST_OPEN):
        started_planning(seed=seed)

    with pytest.raises(Conflict) as error:
        started_planning(seed=99)

    assert error.value.code == "plannings_under_way"


def test_a_worker_is_rung_on_the_queue_of_batches(
    inventory: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(tasks.planning, "delay", rung.append)

    with django_capture_on_commit_callbacks(execute=True):
        run = started_planning()

    assert rung == [str(run.job_id)]
    assert app.conf.task_routes["matching.planning"]["queue"] == "batch"
    tasks.planning(str(run.job_id))
    run.refresh_from_db()
    assert run.is_finished
    assert services.planning_execute(job_id=run.job_id) is None


def test_an_empty_inventory_ends_with_a_reason(db: None) -> None:
    run = finished_planning()

    assert not run.is_finished
    assert (run.job.state, run.job.error_code) == ("failed", "no_units")
    assert "Import units first" in run.job.error


def test_a_set_that_lacks_a_locus_or_went_out_of_use(inventory: None) -> None:
    row = frequency_set(is_active=True)
    frequency_sets.forget()
    data = {"set_checksum": row.checksum}

    lacking = finished_planning(**data)
    late = started_planning(seed=5, **data)
    FrequencySet.objects.update(is_active=False)
    services.planning_execute(job_id=late.job_id)
    late.job.refresh_from_db()

    assert (lacking.job.error_code, late.job.error_code) == ("set_lacks_loci", "set_not_in_use")
    assert "DRB1" in lacking.job.error
    with pytest.raises(InvalidInput) as error:
        started_planning(set_checksum="nothing")
    assert error.value.code == "set_not_in_use"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"patients": 5}, "patients"),
        ({"weights": ()}, "weights"),
        ({"largest": Decimal(11)}, "largest"),
        ({"seed": -1}, "seed"),
        ({"searches_per_year": 0}, "searches_per_year"),
        ({"doses": tuple(map(Decimal, range(1, 6)))}, "doses"),
        ({"target_dose": Decimal(3)}, "target"),
        ({"target": ("allele7", 1)}, "target"),
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_is_refused(db: None, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        started_planning(**wrong)

    assert error.value.field == field
    assert not PlanningRun.objects.exists()
    assert not Job.objects.exists()


def test_without_a_policy_nothing_is_planned(db: None) -> None:
    SelectionPolicy.objects.update(is_default=False)

    with pytest.raises(Conflict) as error:
        started_planning()
    assert error.value.code == "policy_missing"


def test_a_row_is_complete_or_empty(inventory: None) -> None:
    run = started_planning()

    with pytest.raises(IntegrityError), transaction.atomic():
        PlanningRun.objects.filter(pk=run.pk).update(completed_at=timezone.now())


def test_worths_come_back_as_they_were_stored(inventory: None) -> None:
    run = PlanningRun.objects.get(pk=finished_planning().pk)

    worth = planning.worths_of(run)

    assert sorted(worth.best.tolist())[::-1] == pytest.approx([worth.best[0]] * 3)  # equal units share
    assert worth.best.sum() + worth.unserved == pytest.approx(1.0)
    found = planning.units_at(worth, planning.order_of(worth, least_first=True))
    assert [one.unit_id.bytes for one in found] == sorted(one.unit_id.bytes for one in found)
    assert found[0].tnc_e7 == 150.0
    assert found[0].ever == pytest.approx(1 - (1 - found[0].best) ** 200)
    assert planning.places_of(worth, [found[1].unit_id, uuid4()]).tolist() == [1]
    assert planning.places_of(worth, []).tolist() == []
    assert sum(one["units"] for one in run.result["worth"]["by_cells"]) == 3
    run.worths = b"damaged"
    with pytest.raises(ValueError, match="damaged"):
        planning.worths_of(run)


def test_units_are_ordered_by_worth_then_use_then_cells(inventory: None) -> None:
    worth = planning.worths_of(PlanningRun.objects.get(pk=finished_planning().pk))
    worth = replace(
        worth,
        best=np.array([0.0, 0.1, 0.0]),
        useful=np.array([0.2, 0.2, 0.0]),
        cells_e4=np.array([-1, 5, 5], dtype=np.int32),
    )

    assert planning.order_of(worth, least_first=True).tolist() == [2, 0, 1]
    assert planning.order_of(worth, least_first=False).tolist() == [1, 0, 2]
    assert planning.units_at(worth, [0])[0].tnc_e7 is None


def test_what_the_form_proposes_comes_from_the_bank_where_it_can(db: None) -> None:
    assert planning.proposed().searches_per_year == planning.USUAL_SEARCHES
    assert planning.proposed().weights == PlanData("").weights
    for weight in range(1, planning.WEIGHTS_FROM_PATIENTS + 1):
        patient = PatientFactory(weight_kg=Decimal(weight))
    for _ in range(planning.SEARCHES_FROM_REQUESTS):
        MatchRequestFactory(patient=patient, submitted=True, submitted_at=timezone.now())

    found = planning.proposed()

    assert found.searches_per_year == planning.SEARCHES_FROM_REQUESTS
    assert [weight for weight, _share in found.weights] == [6, 16, 26, 36, 46]
    assert sum(share for _weight, share in found.weights) == 1
    assert found.set_checksum == frequency_sets.built_in().checksum


def test_the_banks_default_set_is_proposed(db: None) -> None:
    frequency_set("AAA", is_active=True)
    usual = frequency_set("ZZZ", is_active=True, is_default=True)
    frequency_sets.forget()

    assert planning.proposed().set_checksum == usual.checksum


def test_the_same_inventory_gives_the_same_bytes(inventory: None) -> None:
    ListedUnitFactory(gl=COMMON, tnc_e7=None)

    one = PlanningRun.objects.get(pk=finished_planning().pk)
    PlanningRun.objects.update(basis="other")
    other = PlanningRun.objects.get(pk=finished_planning().pk)

    assert one.pk != other.pk
    assert one.result == other.result
    assert bytes(one.worths) == bytes(other.worths)
    assert one.result["cells_unknown"] == 1


def test_an_actor_is_named(inventory: None) -> None:
    assert started_planning().created_by == ACTOR.label
