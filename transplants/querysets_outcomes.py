"""Every filtered read of follow-up, counts and outcomes. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core.roles import Permission
from hospitals.querysets import OfHospital
from transplants.choices_outcomes import Autopsy, FormState, Source

if TYPE_CHECKING:
    from core.models import User


class OfTransplant(OfHospital):
    """Rows of a transplant: members see those of their hospitals, bank staff who may see transplants all of them."""

    _hospital = "transplant__hospital"
    _view = Permission.TRANSPLANT_VIEW


class FollowUpQuerySet(OfTransplant):
    """Forms of follow-up, all versions."""

    def current(self) -> Self:
        """Drafts and what was handed in; not what a correction replaced."""
        return self.exclude(state=FormState.CORRECTED)

    def with_names(self) -> Self:
        return self.select_related(
            "transplant__patient", "transplant__hospital", "entered_by", "handed_in_by"
        )

    def to_complete(self) -> Self:
        """Handed in while the result of an autopsy is pending: the cause of death is still to come."""
        return self.filter(state=FormState.FINAL, autopsy=Autopsy.PENDING)


class OutcomeQuerySet(OfTransplant):
    """What became of transplants, and the first form of each that is missing."""

    def due(self, today: dt.date) -> Self:
        """The window of the missing form has opened and not closed."""
        return self.filter(due_from__lte=today, due_until__gte=today)

    def overdue(self, today: dt.date) -> Self:
        return self.filter(due_until__lt=today)

    def asked(self, today: dt.date) -> Self:
        """Due or overdue."""
        return self.filter(due_from__lte=today)

    def of_people(self) -> Self:
        """Without those of a demonstration: nobody can answer for a patient who was made up."""
        return self.exclude(transplant__source=Source.SYNTHETIC)

    def to_remind(self, today: dt.date, every_days: int) -> Self:
        """Overdue, and nobody was reminded of this very form in the last days."""
        lately = Q(reminded_for=F("due_visit"), reminded_on__gt=today - dt.timedelta(days=every_days))
        return self.of_people().overdue(today).exclude(lately)

    def to_tell_bank(self, today: dt.date, after_days: int) -> Self:
        """Overdue for so long that the bank hears of it, once a form."""
        late = self.of_people().filter(due_until__lt=today - dt.timedelta(days=after_days))
        return late.exclude(bank_told_for=F("due_visit"))

    def with_names(self) -> Self:
        rows = self.select_related("transplant__patient", "transplant__hospital")
        return rows.annotate(known_as=Coalesce("transplant__patient__code", "transplant__registry_code"))


class SavedCohortQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """One's own and those that are shared."""
        return self.filter(Q(owner=user) | Q(is_shared=True))
