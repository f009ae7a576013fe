"""Reads of lots and of what they were used on. `visible_to` is the only way in for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models import Count, Q, Value
from django.db.models.functions import Concat, Upper

from bank.choices_lots import LotState
from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import Lot, LotUse  # noqa: F401 - named in bases below
    from core.models import User


class LotQuerySet(models.QuerySet["Lot"]):
    def visible_to(self, user: User) -> Self:
        """What the bank works with is its own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def numbered(self, text: str) -> Self:
        """By a part of the number or the manufacturer."""
        plain = " ".join(text.split())
        return (
            self.filter(Q(number__icontains=plain) | Q(manufacturer__icontains=plain))
            if plain
            else self.all()
        )

    def named(self, texts: Iterable[str]) -> Self:
        """Those whose number is one of these, or manufacturer and number together; in any case of the letters."""
        wanted = {text.upper() for text in texts}
        rows = self.annotate(plain=Upper("number"), whole=Upper(Concat("manufacturer", Value(" "), "number")))
        return rows.filter(Q(plain__in=wanted) | Q(whole__in=wanted))

    def blocked(self) -> Self:
        return self.filter(state=LotState.BLOCKED)

    def expired(self, day: dt.date) -> Self:
        return self.filter(expires_on__lt=day)


class LotUseQuerySet(models.QuerySet["LotUse"]):
    def visible_to(self, user: User) -> Self:
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def units_of(self, lot_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Lot -> how many units it was used on; a lot without any is left out."""
        rows = (
            self.order_by()
            .filter(lot__in=list(lot_ids))
            .values("lot")
            .annotate(n=Count("unit", distinct=True))
        )
        return {row["lot"]: row["n"] for row in rows}
