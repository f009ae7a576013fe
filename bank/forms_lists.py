"""Filters of the inventory that links set and nobody types: of the yield, and of the tasks of the day."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import DiscardReason
from bank.choices_yield import Fate, Stage
from bank.querysets import CordBloodUnitQuerySet
from bank.today import BY_KEY
from bank.yields.cohort import OWN, Cohort, with_stage
from core.models import User

STAGES = [(str(stage.value), stage.label) for stage in Stage]


class InsideFilters(forms.Form):
    """For the bank's staff. Whatever of the yield is asked, only own units collected on a known day are meant."""

    user: User

    since = forms.DateField(label=_("Collected from"), required=False, widget=forms.HiddenInput)
    until = forms.DateField(label=_("Collected until"), required=False, widget=forms.HiddenInput)
    site = forms.CharField(
        label=_("Collection site"), required=False, max_length=120, widget=forms.HiddenInput
    )
    reached = forms.TypedChoiceField(
        label=_("Came at least to"), required=False, choices=STAGES, coerce=int, widget=forms.HiddenInput
    )
    last = forms.TypedChoiceField(
        label=_("Came no further than"), required=False, choices=STAGES, coerce=int, widget=forms.HiddenInput
    )
    fate = forms.ChoiceField(
        label=pgettext_lazy("yield", "Now"), required=False, choices=Fate.choices, widget=forms.HiddenInput
    )
    reason = forms.ChoiceField(
        label=_("Discarded because"),
        required=False,
        choices=DiscardReason.choices,
        widget=forms.HiddenInput,
    )
    offered = forms.ChoiceField(
        label=_("On offer"), required=False, choices=[("own", _("Own inventory"))], widget=forms.HiddenInput
    )
    task = forms.ChoiceField(
        label=_("Task"),
        required=False,
        choices=[(key, task.short) for key, task in BY_KEY.items()],
        widget=forms.HiddenInput,
    )

    def apply_inside(self, units: CordBloodUnitQuerySet) -> CordBloodUnitQuerySet:
        given: dict[str, Any] = self.cleaned_data
        if task := given.get("task"):
            units = BY_KEY[task].waiting(units, self.user)
        if given.get("offered"):
            units = units.offered().filter(OWN)
        if any(given.get(name) for name in ("since", "until", "site", "reached", "last", "fate", "reason")):
            cohort = Cohort(given.get("since"), given.get("until"), given.get("site") or "")
            units = units.filter(cohort.condition())
        if given.get("reason"):
            units = units.filter(discard_reason=given["reason"])
        if any(given.get(name) for name in ("reached", "last", "fate")):
            units = self._at_stage(with_stage(units))
        return units

    def _at_stage(self, units: CordBloodUnitQuerySet) -> CordBloodUnitQuerySet:
        given = self.cleaned_data
        lookups = {"reached": "stage__gte", "last": "stage", "fate": "fate"}
        return units.filter(**{lookups[name]: given[name] for name in lookups if given.get(name)})
