"""Sums of statements against a slow twin that looks at every charge by itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.bank import UnitFactory
from tests.factories.fees import ChargeFactory
from tests.factories.hospitals import PatientFactory
from transplants import statements
from transplants.models import Charge
from transplants.querysets_fees import next_month

pytestmark = pytest.mark.django_db
DAYS = st.sampled_from(
    [
        dt.date(2026, 1, 31),
        dt.date(2026, 2, 1),
        dt.date(2026, 2, 28),
        dt.date(2026, 3, 1),
        dt.date(2025, 2, 14),
    ]
)
AMOUNTS = st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2)
LINES = st.tuples(st.integers(0, 1), DAYS, AMOUNTS, st.sampled_from(["CNY", "USD", "HKD"]), st.booleans())


def twin(charges: list[Any]) -> dict[Any, Any]:
    """(month, hospital) -> (valid, void, {currency: (amount, number)}), one charge at a time."""
    found: dict[Any, Any] = {}
    for one in charges:
        key = ((one.on.year, one.on.month), one.hospital_id)
        valid, void, sums = found.get(key, (0, 0, {}))
        if one.void_at:
            found[key] = (valid, void + 1, sums)
            continue
        amount, number = sums.get(one.currency, (Decimal(0), 0))
        found[key] = (valid + 1, void, {**sums, one.currency: (amount + one.amount, number + 1)})
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=12))
def test_statements_add_up_as_one_would_by_hand(lines: list[Any]) -> None:
    with transaction.atomic():
        people, unit = [PatientFactory(), PatientFactory()], UnitFactory()
        for whose, on, amount, currency, void in lines:
            ChargeFactory(
                patient=people[whose], unit=unit, on=on, amount=amount, currency=currency, void=void
            )
        wanted = twin(list(Charge.objects.all()))

        listed = statements.month_rows(
            Charge.objects.by_month().order_by("-month", "code"), Charge.objects.all()
        )
        pages = {
            key: statements.statement(
                next(p.hospital for p in people if p.hospital_id == key[1]), dt.date(*key[0], 1)
            )
            for key in wanted
        }
        transaction.set_rollback(True)

    assert {
        ((row.month.year, row.month.month), row.hospital.pk): (
            row.charges,
            row.voided,
            {one.currency: (one.amount, one.charges) for one in row.totals},
        )
        for row in listed
    } == wanted
    for key, page in pages.items():
        valid, void, sums = wanted[key]
        assert {one.currency: (one.amount, one.charges) for one in page.totals} == sums
        assert (len(page.lines), page.voided) == (valid + void, void)


@given(day=st.dates(dt.date(2000, 1, 1), dt.date(2098, 12, 31)))
def test_every_day_is_of_one_month(day: dt.date) -> None:
    first = day.replace(day=1)

    assert first <= day < next_month(first)
    assert next_month(first).day == 1
    assert (next_month(first) - dt.timedelta(days=1)).month == first.month
