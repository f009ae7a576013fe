"""Every filtered read of prices and charges. `visible_to` is the only way for a person to a hospital's charges."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth

from core.roles import Permission
from hospitals.querysets import OfHospital

if TYPE_CHECKING:
    from transplants.models import Price

_VALID = Q(void_at__isnull=True)


class PriceQuerySet(models.QuerySet[Any]):
    def in_force(self, kind: str, day: dt.date) -> Price | None:
        """The price of a kind on a day; None where the bank asks nothing."""
        rows = self.filter(kind=kind, valid_from__lte=day).order_by("-valid_from")
        found: Price | None = rows.first()
        return found

    def to_come(self, day: dt.date) -> Self:
        """Those that have not begun on that day."""
        return self.filter(valid_from__gt=day)


class ChargeQuerySet(OfHospital):
    """Members see what their hospitals owe; the bank's people who may see fees all of it."""

    _view = Permission.FEE_VIEW

    def valid(self) -> Self:
        return self.filter(_VALID)

    def of_month(self, first: dt.date) -> Self:
        """By the day of the bank's calendar on which each became due. first: of the month."""
        return self.filter(on__gte=first, on__lt=next_month(first))

    def with_names(self) -> Self:
        return self.select_related("hospital", "patient", "unit__bank", "void_by")

    def by_month(self) -> Self:
        """One row per month and hospital: month (its first day), hospital, code, charges, voided."""
        rows = self.order_by().annotate(month=TruncMonth("on"), code=F("hospital__code"))
        found: Self = rows.values("month", "hospital", "code").annotate(
            charges=Count("pk", filter=_VALID), voided=Count("pk", filter=~_VALID)
        )
        return found

    def sums(self) -> Self:
        """Of what is valid, one row per month, hospital and currency: amount, charges. Currencies never add up."""
        rows = self.valid().order_by().annotate(month=TruncMonth("on"), code=F("hospital__code"))
        found: Self = rows.values("month", "hospital", "code", "currency").annotate(
            amount=Sum("amount"), charges=Count("pk")
        )
        return found

    def totals(self) -> Self:
        """Of what is valid, one row per currency: amount, charges."""
        rows = self.valid().order_by().values("currency")
        found: Self = rows.annotate(amount=Sum("amount"), charges=Count("pk")).order_by("currency")
        return found


def next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)
