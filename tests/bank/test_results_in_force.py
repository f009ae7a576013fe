"""Of several results the newest by the day of its test is in force; who vouches sees what is vouched for."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.urls import reverse

from bank import services_quality as services
from bank.graft_facts import graft_facts
from bank.models import CordBloodUnit
from bank.querysets import waiting_for
from core.audit import Actor
from core.models import AuditEntry, User
from tests.factories.bank import HaemoglobinopathyFactory, MarkerFactory, MeasurementFactory, UnitFactory

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
EARLY, LATE = dt.date(2020, 5, 1), dt.date(2024, 5, 1)


def screen(unit: CordBloodUnit, result: str, day: dt.date | None, **more: Any) -> None:
    services.haemoglobinopathy_record(
        unit_id=unit.pk, result=result, tested_on=day, **{"actor": SYSTEM, **more}
    )


def viability(unit: CordBloodUnit, value: float, day: dt.date | None, **more: Any) -> None:
    services.measurement_record(
        unit_id=unit.pk, time_point="post_thaw", analyte="viability", value=value, measured_on=day,
        **{"actor": SYSTEM, **more},
    )  # fmt: skip


def counted(unit: CordBloodUnit) -> tuple[str, float | None]:
    facts = graft_facts([unit.pk])[unit.pk]
    return facts.haemoglobinopathy, facts.viability_percent


def test_the_newest_day_counts_in_whatever_order_results_come() -> None:
    for days in ((EARLY, LATE), (LATE, EARLY)):
        unit = UnitFactory()
        for day in days:
            screen(unit, "trait" if day == LATE else "not_found", day)
            viability(unit, 60 if day == LATE else 95, day)

        assert counted(unit) == ("trait", 60)
        assert unit.haemoglobinopathy_results.count() == unit.measurements.count() == 2


def test_of_one_day_and_without_a_day_the_later_entry_counts() -> None:
    unit = UnitFactory()
    screen(unit, "pending", None)
    for result, value in (("not_found", 95), ("trait", 90)):
        screen(unit, result, LATE)
        viability(unit, value, LATE)
    assert counted(unit) == ("trait", 90)

    viability(unit, 70, None)
    assert counted(unit) == ("trait", 70)


def test_a_mistaken_day_is_corrected() -> None:
    unit = UnitFactory()
    screen(unit, "trait", LATE)
    viability(unit, 90, LATE)

    screen(unit, "not_found", EARLY, corrects=True)
    viability(unit, 80, EARLY, corrects=True)

    assert counted(unit) == ("not_found", 80)


def test_an_earlier_result_is_told_not_to_be_in_force(signed_in: Any, lab: User, qa: User) -> None:
    unit = UnitFactory()
    screen(unit, "trait", LATE, actor=Actor.user(lab))
    data = {"result": "not_found", "tested_on": "2020-05-01"}

    response = signed_in(lab).post(reverse("bank:unit-haemoglobinopathy", args=[unit.pk]), data, follow=True)

    assert "the one in force stays" in response.content.decode()
    assert AuditEntry.objects.latest("at").after["in_force"] is False
    assert [str(row) for row in waiting_for(unit, qa.pk)] == ["Trait found"]


def test_the_form_lists_what_its_click_vouches_for_and_nothing_else(
    signed_in: Any, lab: User, qa: User
) -> None:
    unit = UnitFactory()
    rows = [
        MeasurementFactory(unit=unit, entered_by=lab, analyte="cfu", measure_unit="e5", value=12.5),
        HaemoglobinopathyFactory(unit=unit, entered_by=lab, result="trait"),
        MarkerFactory(unit=unit, entered_by=lab),
    ]
    MeasurementFactory(unit=unit, entered_by=qa, analyte="haematocrit", measure_unit="percent", value=33.25)

    page = signed_in(qa).get(reverse("bank:unit-detail", args=[unit.pk])).content.decode()

    form = page[page.index("You vouch for these results") :].partition("</form>")[0]
    found = re.search(r'name="results" value="([^"]+)"', form)
    assert found
    assert set(found[1].split()) == {str(row.pk) for row in rows}
    assert form.count("<li") == len(rows)
    for text in ("12.5", "Trait", "HBsAg", "entered by"):
        assert text in form, text
    assert "33.25" not in form.partition("</ul>")[0]


def test_a_form_that_comes_back_for_another_reason_says_that_results_have_changed(
    signed_in: Any, lab: User, qa: User
) -> None:
    seen = MeasurementFactory(entered_by=lab)
    late = HaemoglobinopathyFactory(unit=seen.unit, entered_by=lab)
    url = reverse("bank:unit-verify", args=[seen.unit_id])

    changed = signed_in(qa).post(url, {"results": str(seen.pk), "reason": ""}).content.decode()
    same = signed_in(qa).post(url, {"results": f"{seen.pk} {late.pk}", "reason": ""}).content.decode()

    assert "have changed since you read them" in changed
    assert "have changed since you read them" not in same
