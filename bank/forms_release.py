"""Input of releases and of release specifications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import Eligibility
from bank.forms_quality import NEEDED, date_field
from core.signing import SignatureForm


class ReleaseForm(SignatureForm):
    """Release or refuse; the button says which."""

    justification = forms.CharField(
        label=_("Justification"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("needed for an exceptional release and for a refusal"),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    field_order = ["justification", "password"]

    def show(self, digest: str) -> None:
        """What the page shows now is what the next signature is about."""
        if self.is_bound:
            self.data = {**{name: self.data.get(name) for name in self.data}, "seen": digest}
        else:
            self.initial = {**self.initial, "seen": digest}


class EligibilityForm(forms.Form):
    """The decision on a donor."""

    decision = forms.ChoiceField(label=_("Decision"), choices=[NEEDED, *Eligibility.choices])
    questionnaire = forms.CharField(
        label=_("Questionnaire"), required=False, max_length=60, help_text=_("its version, as on the form")
    )
    interviewed_on = date_field(_("Interviewed on"), required=False)
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("needed unless she is eligible"),
    )


class SpecificationForm(forms.Form):
    """Title, first day and the criteria, a line each: numbers are edited in place, a line may be left out."""

    title = forms.CharField(label=_("Title"), max_length=120)
    effective_from = date_field(_("In force from"))
    base = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rows: list[dict[str, Any]], **kwargs: Any) -> None:
        """rows: values of the criteria (services_specification.COLUMNS) that the form begins with."""
        super().__init__(*args, **kwargs)
        self.rows = rows
        for place, row in enumerate(rows):
            self.fields[f"keep_{place}"] = forms.BooleanField(required=False, initial=row.get("chosen", True))
            self.fields[f"excepted_{place}"] = forms.BooleanField(
                required=False, initial=row.get("may_be_excepted", False)
            )
            if row.get("threshold") is not None:
                self.fields[f"threshold_{place}"] = forms.FloatField(
                    initial=row["threshold"], min_value=0, max_value=5000, widget=forms.TextInput
                )

    def criteria(self) -> list[dict[str, Any]]:
        """The rows that are kept; an edited number is the bank's own, without a reference."""
        found = []
        for place, row in enumerate(self.rows):
            if not self.cleaned_data[f"keep_{place}"]:
                continue
            threshold = self.cleaned_data.get(f"threshold_{place}", row.get("threshold"))
            changed = threshold != row.get("threshold")
            found.append(
                {
                    **{name: value for name, value in row.items() if name != "chosen"},
                    "threshold": threshold,
                    "may_be_excepted": self.cleaned_data[f"excepted_{place}"],
                    "reference": "" if changed else row.get("reference", ""),
                    "unconfirmed": row.get("unconfirmed", False) and not changed,
                }
            )
        return found
