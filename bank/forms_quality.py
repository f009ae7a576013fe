"""Input about a unit's quality, its mother's typing and a bank's accreditation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte, HaemoglobinopathyValue, RedCells, Scheme, TimePoint
from bank.forms import ReasonForm
from bank.models import LISTED_LOCI
from bank.processing import MAX_METHOD
from core.typing_form import TypingForm

UNKNOWN = ("", _("not known"))
NEEDED = ("", _("choose"))
CORRECTS = _("It corrects the one in force, also if its day is earlier")


def date_field(label: Any, **more: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **more)


def lot_reason_field() -> forms.CharField:
    """Beside the lots of every form that has some."""
    return forms.CharField(
        label=_("Why a lot was used all the same"),
        required=False,
        max_length=2000,
        help_text=_("needed where a lot or instrument is expired or blocked"),
    )


class ProcessingForm(ReasonForm):
    """How the unit was processed."""

    red_cells = forms.ChoiceField(label=_("Red cells"), required=False, choices=[UNKNOWN, *RedCells.choices])
    processing_method = forms.CharField(
        label=_("Processing method"),
        required=False,
        max_length=MAX_METHOD,
        help_text=_("AXP, Sepax, HES, PrepaCyte, manual, other, or the bank's own word"),
    )
    field_order = ["red_cells", "processing_method", "reason"]


class MeasurementForm(forms.Form):
    """One measured value."""

    time_point = forms.ChoiceField(label=_("Time point"), choices=[NEEDED, *TimePoint.choices])
    analyte = forms.ChoiceField(
        label=_("Analyte"),
        choices=[NEEDED, *Analyte.choices],
        help_text=_("in the unit of the table: TNC ×10⁷, CD34 ×10⁶, CFU ×10⁵, volume mL, shares %"),
    )
    value = forms.FloatField(label=_("Value"), min_value=0, widget=forms.TextInput)
    method = forms.CharField(label=_("Method"), required=False, max_length=80)
    instrument = forms.CharField(
        label=_("Instrument"),
        required=False,
        max_length=80,
        help_text=_("its serial number, scanned or typed"),
    )
    laboratory = forms.CharField(label=_("Laboratory"), required=False, max_length=120)
    measured_on = date_field(_("Measured on"), required=False)
    corrects = forms.BooleanField(label=CORRECTS, required=False)
    lot_reason = lot_reason_field()


class HaemoglobinopathyForm(forms.Form):
    """A result of the haemoglobinopathy screen."""

    result = forms.ChoiceField(label=_("Result"), choices=[NEEDED, *HaemoglobinopathyValue.choices])
    method = forms.CharField(label=_("Method"), required=False, max_length=80)
    laboratory = forms.CharField(label=_("Laboratory"), required=False, max_length=120)
    tested_on = date_field(_("Tested on"), required=False)
    corrects = forms.BooleanField(label=CORRECTS, required=False)


class AccreditationForm(forms.Form):
    """A certificate or licence of a bank."""

    scheme = forms.ChoiceField(label=_("Scheme"), choices=[NEEDED, *Scheme.choices])
    name = forms.CharField(
        label=_("Given by"), required=False, max_length=120, help_text=_("needed for another scheme")
    )
    number = forms.CharField(label=_("Number"), required=False, max_length=60)
    valid_from = date_field(_("Valid from"))
    valid_until = date_field(
        _("Valid until"), required=False, help_text=_("the last day; empty where it has no end")
    )


class AccreditationEndForm(ReasonForm):
    """The last day of an accreditation."""

    valid_until = date_field(_("Valid until"))
    field_order = ["valid_until", "reason"]


class MotherForm(TypingForm):
    """The mother's typing: fields of the listed loci, `gl` for others.

    `reason` and `confirmed` are asked only where mother and unit share no type at a locus, or antigens and DNA
    contradict one another; `confirmed` holds the codes of what the page showed of that.
    """

    grid = LISTED_LOCI
    reason = forms.CharField(
        label=_("Why it is right all the same"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    confirmed = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def clean_confirmed(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["confirmed"].split())
