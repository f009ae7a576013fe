"""Forms of fees. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_incidents import CURRENCIES, FeeKind
from transplants.querysets_fees import ChargeQuerySet
from transplants.services_fees import MOST_AMOUNT

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


class MonthField(forms.CharField):
    """2026-11, as its first day; None for nothing."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2026-11"})

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        if not (found := _MONTH.fullmatch(text)):
            raise forms.ValidationError(_("Write the month as 2026-11."), code="month_form")
        return dt.date(int(found[1]), int(found[2]), 1)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%Y-%m}" if isinstance(value, dt.date) else value


class FeeFilterForm(forms.Form):
    """Filters of the list of statements; what they say stays in the URL."""

    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    month = MonthField(label=_("Month"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hospitals: Any = self.fields["hospital"]
        hospitals.queryset = Hospital.objects.visible_to(user).order_by("code")
        hospitals.empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: ChargeQuerySet) -> ChargeQuerySet:
        """The charges that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if data.get("hospital"):
            rows = rows.filter(hospital=data["hospital"])
        return rows.of_month(data["month"]) if data.get("month") else rows


class PriceForm(forms.Form):
    """A price from a day on; the one before holds until then."""

    kind = forms.ChoiceField(label=_("Fee"), choices=FeeKind.choices)
    amount = forms.DecimalField(
        label=_("Amount"),
        min_value=0,
        max_value=MOST_AMOUNT,
        max_digits=12,
        decimal_places=2,
        help_text=_("0 ends the fee from that day on."),
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    valid_from = forms.DateField(
        label=_("Valid from"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Tomorrow or later; the first price of a fee may begin today."),
    )
