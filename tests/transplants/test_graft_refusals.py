"""Reports of infusions that are refused beside a field, and what is asked about again before it is taken."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from hospitals.models import Patient
from tests.factories.grafts import (
    delivered,
    hours_ago,
    order_in,
    report_of,
    status_of,
)
from tests.factories.reservations import in_days
from transplants.graft_reports import Count
from transplants.models import Incident, Infusion, Order, Transplant
from transplants.services_grafts import infusion_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(patient: Patient) -> Order:
    return delivered(patient=patient)


def give(order: Order, user: User, **given: Any) -> Infusion:
    return infusion_report(order_id=order.pk, report=report_of(order, **given), user=user)


def untouched(order: Order) -> bool:
    order.refresh_from_db()
    nothing = not (Infusion.objects.exists() or Transplant.objects.exists() or Incident.objects.exists())
    return nothing and order.state == "delivered" and status_of(order.unit) == "DELIVERED"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"scanned": "U999999"}, "unit_differs", "scanned"),
    ({"scanned": ""}, "unit_differs", "scanned"),
    ({"thawed_at": hours_ago(60)}, "thawed_before_arrival", "thawed_at"),
    ({"began_at": hours_ago(3)}, "began_before_thaw", "began_at"),
    ({"ended_at": hours_ago(1.3)}, "ended_before_beginning", "ended_at"),
    ({"ended_at": hours_ago(-5)}, "ended_in_future", "ended_at"),
    ({"volume_ml": Decimal(0)}, "out_of_range", "volume_ml"),
    ({"volume_ml": Decimal("NaN")}, "out_of_range", "volume_ml"),
    ({"weight_kg": Decimal("0.5")}, "out_of_range", "weight_kg"),
    ({"thaw_method": "fire"}, "not_in_list", "thaw_method"),
    ({"graft_type": "triple"}, "not_in_list", "graft_type"),
    ({"reaction": "odd"}, "not_in_list", "reaction"),
    ({"reaction": "mild"}, "reaction_untold", "reaction_note"),
    ({"counts": (Count("arrival", "viability", 101),)}, "count_out_of_range", "arrival_viability"),
    ({"counts": (Count("arrival", "tnc", -1),)}, "count_out_of_range", "arrival_tnc"),
    ({"counts": (Count("arrival", "tnc", float("nan")),)}, "count_out_of_range", "arrival_tnc"),
    ({"counts": (Count("arrival", "haematocrit", 40),)}, "count_unknown", "values"),
    ({"counts": (Count("later", "tnc", 40),)}, "count_unknown", "values"),
    ({"counts": (Count("arrival", "tnc", 110),) * 2}, "count_unknown", "values"),
]


@pytest.mark.parametrize(("given", "code", "field"), BAD, ids=[code for _, code, _ in BAD])
def test_what_cannot_be_so(given: dict[str, Any], code: str, field: str, order: Order, he_lan: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        give(order, he_lan, **given)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert untouched(order)


DOUBTFUL: list[tuple[dict[str, Any], str]] = [
    ({"thaw_method": "direct", "thawed_at": hours_ago(6)}, "ended_at"),
    ({"volume_ml": Decimal("480.0")}, "volume_ml"),
    ({"weight_kg": Decimal("21.40")}, "weight_kg"),
    ({"counts": (Count("arrival", "tnc", 1.1),)}, "arrival_tnc"),
    ({"counts": (Count("infusion", "cd34", 40),)}, "infusion_cd34"),
    ({"counts": (Count("arrival", "viability", 0.9),)}, "arrival_viability"),
    ({"counts": (Count("arrival", "cfu", 4000),)}, "arrival_cfu"),
    ({"counts": (Count("arrival", "tnc", 45), Count("arrival", "cd34", 15))}, ""),
]


@pytest.mark.parametrize(("given", "field"), DOUBTFUL)
def test_what_is_unusual_is_asked_again_and_never_taken_silently(
    given: dict[str, Any], field: str, order: Order, he_lan: User
) -> None:
    if not field:
        field = "arrival_cd34"
        CordBloodUnit.objects.filter(pk=order.unit_id).update(tnc_e7=100, cd34_e6=30)

    with pytest.raises(Conflict) as refused:
        give(order, he_lan, **given)
    assert refused.value.code == "graft_unconfirmed"
    assert {one["field"] for one in refused.value.details} >= {field}
    assert untouched(order)

    codes = frozenset(one["code"] for one in refused.value.details)
    assert all(" " not in code for code in codes)  # a form sends them in one line
    give(order, he_lan, **given, confirmed=codes)
    kept = AuditEntry.objects.get(action="infusion.report").after or {}
    assert kept["confirmed"] == sorted(codes)


def test_what_was_confirmed_of_one_value_is_asked_of_another(order: Order, he_lan: User) -> None:
    report = report_of(order, volume_ml=Decimal("480.0"))
    with pytest.raises(Conflict) as refused:
        infusion_report(order_id=order.pk, report=report, user=he_lan)
    codes = frozenset(one["code"] for one in refused.value.details)

    changed = replace(report, volume_ml=Decimal("900.0"), confirmed=codes)
    with pytest.raises(Conflict):
        infusion_report(order_id=order.pk, report=changed, user=he_lan)


def test_counts_are_held_against_the_limits_where_nothing_was_frozen(patient: Patient, he_lan: User) -> None:
    order = delivered(patient=patient, unit__tnc_e7=None, unit__cd34_e6=None)

    with pytest.raises(Conflict, match="unusual"):
        give(order, he_lan, counts=(Count("arrival", "tnc", 1.2),))
    give(order, he_lan, counts=(Count("arrival", "tnc", 120),))


def test_a_day_far_from_the_plan_is_asked_about(patient: Patient, he_lan: User) -> None:
    order = order_in("delivered", patient=patient, infusion_on=in_days(60))

    with pytest.raises(Conflict) as refused:
        give(order, he_lan)
    assert [one["field"] for one in refused.value.details] == ["began_at"]
