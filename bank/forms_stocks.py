"""Input about samples and about units that shall leave the inventory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import DiscardReason
from bank.choices_stocks import ENTERED, WAY_LABELS, SamplePurpose
from bank.forms import ReasonForm
from bank.forms_quality import NEEDED, date_field
from bank.models import UnitSample
from bank.services_samples import MOST, Use, Which
from bank.stock_pages import name_of
from core.signing import SignatureForm


class _OfStock(forms.Form):
    """A form about one of the stocks of a unit; those with something left are offered."""

    sample = forms.ChoiceField(label=_("Sample"))

    def __init__(self, *args: Any, stock: Iterable[UnitSample], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["sample"]
        assert isinstance(field, forms.ChoiceField)
        rows = [(f"{row.subject}-{row.kind}", row) for row in stock if row.remaining]
        field.choices = [(key, f"{name_of(row.subject, row.kind)} ({row.remaining})") for key, row in rows]

    @property
    def which(self) -> Which:
        return Which.of(self.cleaned_data["sample"])


class UseForm(_OfStock):
    """What is taken out of a stock, and for what."""

    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=MOST, initial=1)
    purpose = forms.ChoiceField(
        label=_("Purpose"), choices=[NEEDED, *((one.value, one.label) for one in ENTERED)]
    )
    for_what = forms.CharField(
        label=_("For what"),
        required=False,
        max_length=200,
        help_text=_("request, laboratory or project; research needs it"),
    )
    used_on = date_field(_("Taken on"), required=False)
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=2000, help_text=_("needed where lost or destroyed")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["used_on"].initial = timezone.localdate

    def use(self) -> Use:
        given = {name: value for name, value in self.cleaned_data.items() if name != "sample"}
        return Use(**{**given, "purpose": SamplePurpose(given["purpose"])})


class OpenForm(forms.Form):
    """What is laid aside of a kind of which nothing is in the stock yet."""

    sample = forms.ChoiceField(label=_("Sample"))
    opening = forms.IntegerField(label=_("How many"), min_value=1, max_value=MOST)
    place = forms.CharField(
        label=_("Note on the place"),
        required=False,
        max_length=80,
        help_text=_("the place itself is scanned afterwards"),
    )

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["sample"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = kinds

    @property
    def which(self) -> Which:
        return Which.of(self.cleaned_data["sample"])


class PlaceForm(_OfStock):
    """Where a sample lies now, typed or scanned; nothing written: it is taken out of its place."""

    place = forms.CharField(
        label=pgettext_lazy("storage", "Place"),
        required=False,
        max_length=60,
        help_text=_("scan or type it; empty: it is taken out, with a reason"),
        widget=forms.TextInput(
            attrs={"placeholder": "F1-R3-C2-07", "autocapitalize": "characters", "autocomplete": "off"}
        ),
    )
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=2000, help_text=_("needed where it is taken out")
    )


class CorrectForm(_OfStock, SignatureForm):
    """A count that is lower than the stock says; signed."""

    counted = forms.IntegerField(label=_("Counted"), min_value=0, max_value=MOST)
    reason = ReasonForm.base_fields["reason"]
    field_order = ["sample", "counted", "reason", "password"]


class ProposeForm(forms.Form):
    """What shall become of a unit, and why."""

    to = forms.ChoiceField(label=_("What becomes of it"))
    code = forms.ChoiceField(label=_("Reason code"), choices=[NEEDED, *DiscardReason.choices])
    reason = ReasonForm.base_fields["reason"]

    def __init__(self, *args: Any, ways: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way, WAY_LABELS[way]) for way in ways]


class DecideForm(SignatureForm):
    """Carry out or refuse; the button says which. proposal: the one that the person has read."""

    proposal = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("needed where you refuse"),
    )
    field_order = ["reason", "password"]


class WithdrawForm(ReasonForm):
    """One's own proposal taken back."""

    proposal = forms.UUIDField(widget=forms.HiddenInput)
