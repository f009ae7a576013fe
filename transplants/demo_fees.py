"""Synthetic prices of the demonstration: round numbers, invented, no bank's fees. Charges then come by themselves."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from django.db import transaction

from core import audit
from core.audit import Actor
from core.models import User
from transplants.choices_incidents import FeeKind
from transplants.models import Price

# kind, last year's price, this year's; in CNY, but what goes abroad
INVENTED: Final = (
    (FeeKind.RESERVATION, 400, 500),
    (FeeKind.EXTENSION, 200, 250),
    (FeeKind.TYPING, 1_800, 2_000),
    (FeeKind.UNIT, 20_000, 21_000),
    (FeeKind.SHIPMENT, 3_000, 3_200),
    (FeeKind.SHIPMENT_ABROAD, 4_000, 4_500),
)
DOLLARS: Final = frozenset({FeeKind.SHIPMENT_ABROAD})


@transaction.atomic
def load(*, director: User, today: dt.date) -> int:
    """A list of two years. Written past the service, which sets no price for days that are gone."""
    years = [dt.date(today.year - 1, 1, 1), dt.date(today.year, 1, 1)]
    rows = [
        Price(
            kind=kind,
            valid_from=day,
            amount=Decimal(amount),
            currency="USD" if kind in DOLLARS else "CNY",
            entered_by=director,
        )
        for kind, *amounts in INVENTED
        for day, amount in zip(years, amounts, strict=True)
    ]
    Price.objects.bulk_create(rows)
    for row in rows:
        audit.record(
            actor=Actor.user(director),
            action="price.set",
            target=(row._meta.label, str(row.pk), str(row)),
            after={"amount": str(row.amount), "currency": row.currency, "valid_from": row.valid_from},
        )
    return len(rows)
