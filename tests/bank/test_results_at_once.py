"""Files of results at the same moment: none waits for another that waits for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bank.models import CordBloodUnit, Lot, MarkerResult
from bank.services_results_file import results_import
from core.audit import Actor
from core.models import Notification
from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.parallel import all_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FILES, UNITS = 8, 12


def test_files_of_the_same_units_and_new_lots_in_either_order() -> None:
    for _number in range(3):
        UserFactory(roles=[Role.QA])
    for number in range(UNITS):
        UnitFactory(unit_no=f"R{number}")

    def bring(one: int) -> Any:
        order = range(UNITS) if one % 2 else reversed(range(UNITS))
        rows = [f"R{n},hbs_ag,positive,unit,2026-03-{one + 1:02d},L{n}" for n in order]
        text = "\n".join(["unit,test,value,subject,tested_on,kit_lot", *rows])
        return results_import(data=text.encode(), actor=Actor.system("test"), today=dt.date(2026, 3, 20))

    reports = all_at_once([lambda one=one: bring(one) for one in range(FILES)])

    assert [(report.recorded, report.findings) for report in reports] == [(UNITS, [])] * FILES
    assert MarkerResult.objects.count() == FILES * UNITS
    assert Lot.objects.count() == UNITS
    assert set(CordBloodUnit.objects.values_list("status", flat=True)) == {"ON_HOLD"}
    assert Notification.objects.count() == 3 * UNITS  # held once
