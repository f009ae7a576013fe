"""Input of the steps from the kit to the quarantine, and of a unit's typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import RedCells, Sex
from bank.choices_consent import ConsentMedium
from bank.forms_consent import answers_in, consent_fields
from bank.forms_quality import UNKNOWN, date_field, lot_reason_field
from bank.models import LISTED_LOCI, ConsentItem
from bank.processing import MAX_METHOD
from bank.services_intake import Collection
from bank.services_kits import Kit
from core.typing_form import TypingForm


def moment_field(label: Any, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, widget=widget, **more)


def _text(label: Any, most: int, *, required: bool = False, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=required, max_length=most, **more)


class KitForm(forms.Form):
    """A collection kit for a birth."""

    bank = forms.ChoiceField(label=_("Bank"))
    din = _text(_("DIN"), 40, help_text=_("scanned, or typed with its check character"))
    unit_no = _text(_("Unit number"), 17, help_text=_("the bank's own number; without one the DIN"))
    bag_id = _text(_("Bag"), 40, required=True, help_text=_("scan the bag"))
    mother_code = _text(
        _("Mother's code"), 40, help_text=_("pseudonymous, never a name; empty: a new one is made")
    )
    infant_no = forms.IntegerField(
        label=_("Infant"), min_value=1, max_value=9, initial=1, help_text=_("2 for a second twin")
    )
    consented_on = date_field(_("Mother's consent signed on"), required=False)
    medium = forms.ChoiceField(label=_("How she answered"), choices=ConsentMedium.choices)
    witness = _text(_("Witness"), 40, help_text=_("staff number, never a name"))
    form_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, banks: list[tuple[str, str]], items: Sequence[ConsentItem], **kwargs: Any
    ) -> None:
        """items: what mothers are asked for by the form in force."""
        super().__init__(*args, **kwargs)
        self.fields |= consent_fields(items)
        if items:
            self.fields["form_id"].initial = items[0].form_id
        field = self.fields["bank"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = banks

    def kit(self) -> Kit:
        data = self.cleaned_data
        plain = {name: data[name] for name in data if name != "bank" and not name.startswith("consent_")}
        return Kit(**plain, answers=answers_in(data))

    def about_the_unit(self) -> list[forms.BoundField]:
        return [self[name] for name in ("bank", "din", "unit_no", "bag_id", "mother_code", "infant_no")]

    def about_the_consent(self) -> list[forms.BoundField]:
        return [self[name] for name in ("consented_on", "medium", "witness")]

    def purposes(self) -> list[forms.BoundField]:
        """One for each purpose, a pair of yes and no."""
        return [self[name] for name in self.fields if name.startswith("consent_")]


class CollectForm(forms.Form):
    """What is recorded at the birth."""

    bag_id = _text(_("Bag"), 40, required=True, help_text=_("scan the bag: it has to be that of the kit"))
    born_at = moment_field(_("Born at"), required=False)
    collected_at = moment_field(_("Collected at"))
    sex = forms.ChoiceField(label=_("Sex of the infant"), required=False, choices=[UNKNOWN, *Sex.choices])
    gestation_weeks = forms.IntegerField(
        label=_("Weeks of gestation"), required=False, min_value=20, max_value=45
    )
    site = _text(_("Collection site"), 120)
    anticoagulant = _text(_("Anticoagulant"), 40)
    volume_ml = forms.FloatField(
        label=_("Volume with anticoagulant, mL"), required=False, min_value=1, max_value=500
    )
    kit_lot = _text(_("Lot of the collection kit"), 40)
    anticoagulant_lot = _text(_("Lot of the anticoagulant"), 40)
    lot_reason = lot_reason_field()

    def clean(self) -> dict[str, Any]:
        """All of it is one value, as the service takes it."""
        data = super().clean() or self.cleaned_data
        return {} if self.errors else {"given": Collection(**data)}


class ReceiveForm(forms.Form):
    """The arrival at the bank."""

    received_at = moment_field(_("Received at"))
    temperature_min_c = forms.FloatField(label=_("Lowest temperature, °C"), required=False)
    temperature_max_c = forms.FloatField(label=_("Highest temperature, °C"), required=False)
    deviation = _text(
        _("Deviation"),
        2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("needed after 48 hours, outside 4–30 °C, or where the temperature is not known"),
    )


class ProcessForm(forms.Form):
    """Processing begins."""

    started_at = moment_field(_("Started at"))
    processing_method = _text(_("Processing method"), MAX_METHOD, required=True)
    red_cells = forms.ChoiceField(label=_("Red cells"), required=False, choices=[UNKNOWN, *RedCells.choices])
    kit_lot = _text(_("Kit lot"), 40)
    bag_type = _text(_("Freezing bag"), 60)
    bag_lot = _text(_("Bag lot"), 40)
    lot_reason = lot_reason_field()


class FreezeForm(forms.Form):
    """Frozen and in its slot."""

    frozen_at = moment_field(_("Frozen at"))
    segments = forms.IntegerField(label=_("Segments at the bag"), min_value=0, max_value=20)
    cryoprotectant = _text(_("Cryoprotectant"), 60, initial="DMSO 10 %")
    cryoprotectant_lot = _text(_("Lot of the cryoprotectant"), 40)
    freeze_method = _text(_("Freezing method"), 60)
    freezer = _text(_("Controlled-rate freezer"), 40, help_text=_("its serial number, scanned or typed"))
    lot_reason = lot_reason_field()


class UnitTypingForm(TypingForm):
    """The typing of a unit: fields of the listed loci, `gl` for others."""

    grid = LISTED_LOCI
