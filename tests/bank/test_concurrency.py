"""Two people at once: one wins, the other is told; nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from bank.models import CordBloodUnit
from bank.services import unit_hold, units_import
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from hla.mac import EMPTY_MAC
from tests.factories.bank import BankFactory, UnitFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SYSTEM = Actor.system("test")
FILE = "unit_no,tnc_e7,A_1,B_1,DRB1_1\n" + "".join(
    f"U{number},130,A*11:01,B*40:01,DRB1*09:01\n" for number in range(60)
)


def at_once(work: Callable[[], Any], people: int) -> list[Any]:
    """What each got: a result or the conflict it was told of."""
    barrier = Barrier(people)

    def run() -> Any:
        try:
            barrier.wait()
            return work()
        except Conflict as conflict:
            return conflict
        finally:
            connection.close()

    with ThreadPoolExecutor(people) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(people)]]


def test_the_same_file_four_times_at_once_comes_in_once() -> None:
    BankFactory(code="TB")

    reports = at_once(
        lambda: units_import(data=FILE.encode(), file_name="u.csv", actor=SYSTEM, mac=EMPTY_MAC), 4
    )

    assert sorted(report.imported for report in reports) == [0, 0, 0, 60]
    assert sorted(report.unchanged for report in reports) == [0, 60, 60, 60]
    assert CordBloodUnit.objects.count() == 60
    assert AuditEntry.objects.count() == 1


def test_the_first_import_of_an_installation_may_race_but_never_doubles() -> None:
    outcomes = at_once(
        lambda: units_import(data=FILE.encode(), file_name="u.csv", actor=SYSTEM, mac=EMPTY_MAC), 3
    )

    assert CordBloodUnit.objects.count() == 60
    assert all(isinstance(outcome, Conflict) or outcome.ok == 60 for outcome in outcomes)


def test_one_hold_wins_the_others_get_a_conflict() -> None:
    unit = UnitFactory()

    outcomes = at_once(lambda: unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="tank alarm"), 6)

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 5
    assert AuditEntry.objects.filter(action="unit.hold").count() == 1
