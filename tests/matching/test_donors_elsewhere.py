"""Adult donors in new units, nights and recomputed searches; and left out of what counts the stock."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction

import bank.services
from bank.codes import grid
from bank.models import CordBloodUnit
from bank.services_import import units_import
from hospitals.models import Patient
from matching import inventory, reference
from matching.models import NewUnitFinding, SearchRun
from matching.presenters.rule_words import OUTCOMES
from matching.reach import reach_of
from matching.replays import recomputed
from matching.services import comparing
from matching.success import Definition, LeftOut, firsts, left_out
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient
from tests.matching.batches import follow, found, night, of_request
from tests.matching.donors import BOTH, donor, registry
from tests.matching.match_list_pages import FIVE
from tests.matching.replay.cases import again, forget_all, imported, tell

pytestmark = pytest.mark.django_db


def listed(run: SearchRun) -> list[CordBloodUnit]:
    return [row.unit for row in run.results.with_unit().order_by("rank")]


def test_a_donor_is_new_only_for_who_asked_for_donors(ledger_at_once: None, patient: Patient) -> None:
    alone = searched_run(patient)
    both = searched_run(typed_patient(hospital=patient.hospital), donor_types=BOTH)
    follow()

    new = donor(7)
    follow()

    assert found() == {(both.request_id, new.pk)}
    assert NewUnitFinding.objects.get().tnc_e7 is None
    assert alone.request.new_units.count() == 0


def test_donors_for_whom_nobody_waits_are_not_compared(ledger_at_once: None, patient: Patient) -> None:
    searched_run(patient)

    assert comparing._donors_awaited() == ("cord",)
    searched_run(typed_patient(hospital=patient.hospital), donor_types=("adult",))
    assert comparing._donors_awaited() == ("cord", "adult")


def test_the_night_searches_with_the_donors_of_the_request(ledger_at_once: None, patient: Patient) -> None:
    first = searched_run(patient, donor_types=BOTH)
    new = donor(8)

    night()

    last = of_request(first)[-1]
    assert last.pk != first.pk
    assert last.criteria["donor_types"] == ["cord", "adult"]
    assert listed(last) == [new]


def test_figures_of_success_are_of_cord_blood(patient: Patient) -> None:
    donor()
    ListedUnitFactory(gl=FIVE, tnc_e7=120)
    run = searched_run(patient, donor_types=BOTH)
    only = searched_run(typed_patient(hospital=patient.hospital), donor_types=("adult",))
    asked = Definition(6, Decimal(0))

    # how far down a joint list went is a matter of all donors, what it found of cord blood
    listed = {"5": None, "6": None}
    assert run.reach == {"possible": {"5": 6.0}, "certain": {"5": 6.0}, "listed": listed}
    assert reach_of([only.pk])[only.pk] == {"possible": {}, "certain": {}, "listed": {"6": None}}
    reasons = {
        left_out(first, asked) for first in firsts(asked) if first.criteria.get("donor_types") == ["adult"]
    }
    assert reasons == {LeftOut.DONORS}


def test_counts_of_the_stock_and_the_checksum_of_old_searches_know_no_donors(
    ledger_at_once: None, patient: Patient
) -> None:
    ListedUnitFactory(tnc_e7=100)
    before = searched_run(patient)

    donor(9)
    after = searched_run(patient)

    assert before.snapshot_checksum == after.snapshot_checksum
    assert before.funnel == after.funnel
    assert CordBloodUnit.objects.offered().count() == 1
    assert CordBloodUnit.objects.offered(BOTH).count() == len(inventory.current(reference.resolver())) == 2


def registry_lists(*numbers: int) -> None:
    """The whole list of a registry, taken in as its lists are; donors typed as the patient."""
    bank_code = registry().code
    head = "unit_no,grid,A_1,A_2,B_1,B_2,DRB1_1,DRB1_2\n"
    rows = [
        f"L{one},{grid.build('9999', f'LIST{one:09d}').code},11:01,24:02,40:01,46:01,09:01,15:01\n"
        for one in numbers
    ]
    report = units_import(
        data=(head + "".join(rows)).encode(), file_name="list.csv", actor=ACTOR, bank_code=bank_code
    )
    assert report.findings == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("donors", [("cord",), BOTH, ("adult",)], ids="+".join)
def test_searches_are_recomputed_whatever_donors_they_asked_for(
    patient: Patient, donors: tuple[str, ...]
) -> None:
    registry_lists(1, 2)
    with transaction.atomic():
        held = ListedUnitFactory(tnc_e7=100)
        donor(50, gl=FIVE)
    run = searched_run(patient, donor_types=donors)

    registry_lists(2, 3)  # the first donor is gone, another one is new
    bank.services.unit_hold(unit_id=held.pk, actor=ACTOR, reason="r")
    imported()
    forget_all()
    outcome = recomputed(again(run), tell)

    assert run.kept == {("cord",): 1, ("adult",): 3}.get(donors, 4)
    assert (outcome.verdict, outcome.differences, outcome.reason) == ("identical", [], {})


def test_every_outcome_has_a_word() -> None:
    assert set(OUTCOMES) == {"passed", "failed", "unknown", "not_applicable"}
