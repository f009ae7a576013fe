"""What the page of match success asks; it stays in the address."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from matching.success import By, Definition

MATCHES = (6, 5, 4, 3)
DEFAULT_MATCHES = 4
# Smallest dose of a single unit for blood cancer (ASH-SAP, Eurocord-style table; domain notes 4.1).
DEFAULT_DOSE = Decimal("2.5")
# What a hospital may ask: of any dose, one could find the best unit of another hospital's patient by halving.
DOSES = ("0", "1.5", "2", "2.5", "3", "3.5", "4", "5")


class SuccessForm(forms.Form):
    """What is not given or senseless has its usual value."""

    use_required_attribute = False

    by = forms.ChoiceField(label=pgettext_lazy("patients grouped", "By"), required=False, choices=By.choices)
    floor = forms.TypedChoiceField(
        label=_("Antigen class at least"),
        required=False,
        coerce=int,
        choices=[(value, f"{value}/6") for value in MATCHES],
    )
    dose = forms.DecimalField(
        label=_("TNC ×10⁷/kg at least (0: any)"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    since = forms.DateField(
        label=_("Searched from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, for_hospital: bool = False) -> None:
        """for_hospital: doses of a list, and no period, since two of them differ by single patients of others."""
        usual = {"by": By.YEAR.value, "floor": str(DEFAULT_MATCHES), "dose": str(DEFAULT_DOSE)}
        super().__init__({**usual, **{name: value for name, value in data.items() if value != ""}})
        if for_hospital:
            del self.fields["since"], self.fields["until"]
            self.fields["dose"] = forms.TypedChoiceField(
                label=self.fields["dose"].label,
                required=False,
                coerce=Decimal,
                choices=[(value, value) for value in DOSES],
            )
        self.full_clean()

    @property
    def by_what(self) -> By:
        return By(self.cleaned_data.get("by") or By.YEAR)

    @property
    def definition(self) -> Definition:
        data = self.cleaned_data
        dose = data.get("dose")
        return Definition(
            matches=data.get("floor") or DEFAULT_MATCHES,
            min_tnc_e7_per_kg=dose if isinstance(dose, Decimal) else DEFAULT_DOSE,
            since=data.get("since"),
            until=data.get("until"),
        )
