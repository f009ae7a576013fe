"""Input about a unit's quality, its mother's typing and a bank's accreditation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte, HaemoglobinopathyValue, RedCells, Scheme, TimePoint
from bank.forms import ReasonForm
from bank.models import LISTED_LOCI
from bank.processing import MAX_METHOD
from bank.services_mother import MotherInput, MotherReading, read_mother
from core.hla_messages import Remark, remarks, typing_error_text
from hla.typing import LocusTyping

UNKNOWN = ("", _("not known"))
NEEDED = ("", _("choose"))
MAX_VALUE, MAX_GL = 2_000, 20_000


def _date(label: Any, **more: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **more)


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
    measured_on = _date(_("Measured on"), required=False)


class HaemoglobinopathyForm(forms.Form):
    """A result of the haemoglobinopathy screen."""

    result = forms.ChoiceField(label=_("Result"), choices=[NEEDED, *HaemoglobinopathyValue.choices])
    method = forms.CharField(label=_("Method"), required=False, max_length=80)
    laboratory = forms.CharField(label=_("Laboratory"), required=False, max_length=120)
    tested_on = _date(_("Tested on"), required=False)


class AccreditationForm(forms.Form):
    """A certificate or licence of a bank."""

    scheme = forms.ChoiceField(label=_("Scheme"), choices=[NEEDED, *Scheme.choices])
    name = forms.CharField(
        label=_("Given by"), required=False, max_length=120, help_text=_("needed for another scheme")
    )
    number = forms.CharField(label=_("Number"), required=False, max_length=60)
    valid_from = _date(_("Valid from"))
    valid_until = _date(
        _("Valid until"), required=False, help_text=_("the last day; empty where it has no end")
    )


class AccreditationEndForm(ReasonForm):
    """The last day of an accreditation."""

    valid_until = _date(_("Valid until"))
    field_order = ["valid_until", "reason"]


@dataclass(frozen=True)
class Row:
    """One line of the typing grid: two fields, and what was understood of them."""

    locus: str
    first: forms.BoundField
    second: forms.BoundField
    read: LocusTyping | None
    required: bool = False

    @property
    def reading(self) -> str:
        return " + ".join(text or "?" for text in (self.read.first, self.read.second)) if self.read else ""

    @property
    def remarks(self) -> list[Remark]:
        return remarks(self.read.notes) if self.read else []


class MotherForm(forms.Form):
    """The mother's typing: fields `hla_<locus>_<1|2>` of the listed loci, `gl` for others.

    `reason` is asked only where mother and unit share no type at a locus.
    """

    gl = forms.CharField(
        label=_("Or paste a GL string"),
        required=False,
        max_length=MAX_GL,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )
    blank_homozygous = forms.BooleanField(
        label=_("An empty second value means the same as the first (homozygous)"), required=False
    )
    laboratory = forms.CharField(label=_("Laboratory"), required=False, max_length=120)
    typed_on = _date(_("Date of the report"), required=False)
    reason = forms.CharField(
        label=_("Why it is right all the same"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: MotherReading | None = None
        for locus in LISTED_LOCI:
            for position in (1, 2):
                self.fields[f"hla_{locus}_{position}"] = _value_field(locus, position)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.reading = read_mother(self.given())
        for name, error in self.reading.errors:
            self.add_error(name, typing_error_text(error))
        for locus in self.reading.twice:
            text = _("The GL string says something else about HLA-%(locus)s: keep one of the two.")
            self.add_error(f"hla_{locus}_1", str(text) % {"locus": locus})
        if not self.errors and not self.reading.loci:
            self.add_error(None, _("The typing is empty: type at least one locus."))
        return data

    def given(self) -> MotherInput:
        """What was typed, of the fields that could be read at all."""
        data = self.cleaned_data
        return MotherInput(
            values={
                locus: (data.get(f"hla_{locus}_1", ""), data.get(f"hla_{locus}_2", ""))
                for locus in LISTED_LOCI
            },
            gl=data.get("gl", ""),
            blank="homozygous" if data.get("blank_homozygous") else "unknown",
            laboratory=data.get("laboratory", ""),
            typed_on=data.get("typed_on"),
        )

    def rows(self) -> Iterator[Row]:
        loci = self.reading.loci if self.reading else {}
        for locus in LISTED_LOCI:
            yield Row(locus, self[f"hla_{locus}_1"], self[f"hla_{locus}_2"], loci.get(locus))


def _value_field(locus: str, position: int) -> forms.CharField:
    attrs = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return forms.CharField(
        label=f"HLA-{locus} {position}",
        required=False,
        max_length=MAX_VALUE,
        widget=forms.TextInput(attrs=attrs),
    )
