"""Reads of samples and of proposals to discard. `visible_to` is the only way in for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from bank.choices_stocks import ProposalState
from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import DiscardProposal, UnitSample  # noqa: F401 - named in bases below
    from core.models import User


class SampleQuerySet(models.QuerySet["UnitSample"]):
    def visible_to(self, user: User) -> Self:
        """What the bank keeps of a unit beside the bag is its own affair; hospitals read the number of segments."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()


class ProposalQuerySet(models.QuerySet["DiscardProposal"]):
    def visible_to(self, user: User) -> Self:
        """What becomes of a unit is the bank's own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def open(self) -> Self:
        """Nobody has decided on them."""
        return self.filter(state=ProposalState.OPEN)
