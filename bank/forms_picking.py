"""Which units a picking list is about."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bank.services_picking import MAX_PICKED


class PickingForm(forms.Form):
    """Units of a picking list, by their numbers."""

    units = forms.CharField(
        label=_("Units"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("unit numbers or DINs, typed or scanned, one a line or separated by commas"),
    )

    def clean_units(self) -> list[str]:
        text = self.cleaned_data["units"].replace("\0", "")
        parts = [part.strip() for line in text.splitlines() for part in line.replace(";", ",").split(",")]
        numbers = list(dict.fromkeys(part for part in parts if part))
        if len(numbers) > MAX_PICKED:
            raise ValidationError(_("At most %(limit)s values."), params={"limit": MAX_PICKED})
        return numbers


class PickedForm(forms.Form):
    """The units that stood on the page, by their keys."""

    units = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def clean_units(self) -> list[UUID]:
        try:
            return [UUID(text) for text in self.cleaned_data["units"].split()]
        except ValueError:
            raise ValidationError(_("Open the list again."), code="units") from None
