"""Two people at once: one wins, the other is told; nothing is doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bank.choices import CountUnit, UpdateMode
from bank.models import CordBloodUnit, ImportMapping, InventoryExport
from bank.services import unit_hold
from bank.services_exchange import export_execute, export_start, mapping_keep
from bank.services_import import units_import
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from hla.mac import EMPTY_MAC
from tests.factories.bank import BankFactory, UnitFactory
from tests.parallel import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SYSTEM = Actor.system("test")
FILE = "unit_no,tnc_e7,A_1,B_1,DRB1_1\n" + "".join(
    f"U{number},130,A*11:01,B*40:01,DRB1*09:01\n" for number in range(60)
)


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


def test_a_mapping_kept_four_times_at_once_is_kept_once() -> None:
    BankFactory(code="TB")
    columns = {"nr": "unit_no"}

    at_once(lambda: mapping_keep(bank_code="TB", name="list", columns=columns, actor=SYSTEM), 4)

    assert ImportMapping.objects.get().columns == columns


def test_of_files_asked_for_at_once_one_is_made() -> None:
    bank = BankFactory(code="TB")
    asked = {
        "bank_id": bank.pk,
        "mode": UpdateMode.FULL,
        "counts": CountUnit.E8,
        "issuing_organisation": 6939,
    }

    outcomes = at_once(lambda: export_start(**asked, actor=SYSTEM), 4)

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert InventoryExport.objects.count() == 1


def test_a_file_is_made_once_whoever_is_rung_how_often(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    UnitFactory.create_batch(5, bank=BankFactory(issuing_organisation=6939))
    asked = {
        "bank_id": BankFactory().pk,
        "mode": UpdateMode.FULL,
        "counts": CountUnit.E8,
        "issuing_organisation": 6939,
    }
    export = export_start(**asked, actor=SYSTEM)

    made = at_once(lambda: export_execute(job_id=export.job_id), 4)

    assert [one for one in made if one is not None] == [export]
    assert [path.name for path in (tmp_path / "exports").iterdir()] == [f"{export.pk}.xml"]
