"""Every filtered read of prices and charges. `visible_to` is the only way for a person to a hospital's charges."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from core.roles import Permission
from hospitals.querysets import OfHospital

if TYPE_CHECKING:
    from transplants.models import Price


class PriceQuerySet(models.QuerySet[Any]):
    def in_force(self, kind: str, day: dt.date) -> Price | None:
        """The price of a kind on a day; None where the bank asks nothing."""
        rows = self.filter(kind=kind, valid_from__lte=day).order_by("-valid_from")
        found: Price | None = rows.first()
        return found


class ChargeQuerySet(OfHospital):
    _view = Permission.FEE_VIEW

    def valid(self) -> Self:
        return self.filter(void_at__isnull=True)
