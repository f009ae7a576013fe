"""Input of markers, cultures and blood groups, and of what is wrong of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import Abo, CultureKind, CultureValue, MarkerResultValue, MarkerTest, Rh, Subject
from bank.forms_quality import CORRECTS, NEEDED, date_field, lot_reason_field
from bank.services_screening import Drawn, MarkerGiven

NOT_TESTED = ("", _("not tested"))
MAX_METHOD, MAX_LOT, MAX_LABORATORY = 80, 40, 120


def _text(label: Any, most: int, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=most, **more)


class DrawnForm(forms.Form):
    """What the tests of one sample have in common."""

    sampled_on = date_field(_("Sampled on"), required=False)
    tested_on = date_field(_("Tested on"))
    specimen = _text(_("Specimen"), 80, help_text=_("serum, plasma, whole blood"))
    laboratory = _text(_("Laboratory"), MAX_LABORATORY)
    lot_reason = lot_reason_field()

    def drawn(self) -> Drawn:
        data = self.cleaned_data
        return Drawn(data["tested_on"], data["sampled_on"], data["specimen"], data["laboratory"])


@dataclass(frozen=True)
class PanelRow:
    """One test of the panel and its fields."""

    test: MarkerTest
    result: forms.BoundField
    method: forms.BoundField
    lot: forms.BoundField


class PanelForm(DrawnForm):
    """All markers of one sample: fields result_<test>, method_<test>, lot_<test>. A test without result is left out."""

    subject = forms.ChoiceField(label=_("Of"), choices=Subject.choices, widget=forms.RadioSelect)
    field_order = ["subject", "sampled_on", "tested_on", "specimen", "laboratory", "lot_reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for test in MarkerTest:
            label = str(test.label)
            self.fields[f"result_{test}"] = forms.ChoiceField(
                label=_("Result of %(test)s") % {"test": label},
                required=False,
                choices=[NOT_TESTED, *MarkerResultValue.choices],
            )
            self.fields[f"method_{test}"] = _text(_("Method of %(test)s") % {"test": label}, MAX_METHOD)
            self.fields[f"lot_{test}"] = _text(_("Kit lot of %(test)s") % {"test": label}, MAX_LOT)

    def rows(self) -> Iterator[PanelRow]:
        for test in MarkerTest:
            yield PanelRow(test, self[f"result_{test}"], self[f"method_{test}"], self[f"lot_{test}"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not any(data.get(f"result_{test}") for test in MarkerTest):
            self.add_error(None, _("Give at least one result."))
        return data

    def results(self) -> list[MarkerGiven]:
        data = self.cleaned_data
        return [
            MarkerGiven(
                test,
                MarkerResultValue(data[f"result_{test}"]),
                data[f"method_{test}"],
                data[f"lot_{test}"],
            )
            for test in MarkerTest
            if data[f"result_{test}"]
        ]

    @staticmethod
    def initial_of(kits: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """kits: test -> method and lot with which the form begins."""
        pairs = {f"method_{test}": kit[0] for test, kit in kits.items()}
        return pairs | {f"lot_{test}": kit[1] for test, kit in kits.items()}


class CultureForm(DrawnForm):
    """The final reading of a culture."""

    kind = forms.ChoiceField(label=_("Culture"), choices=[NEEDED, *CultureKind.choices])
    result = forms.ChoiceField(label=_("Result"), choices=[NEEDED, *CultureValue.choices])
    organism = _text(_("Organism"), 120, help_text=_("if something grew"))
    method = _text(_("Method"), MAX_METHOD)
    kit_lot = _text(_("Lot"), MAX_LOT)
    field_order = [
        "kind", "result", "organism", "sampled_on", "tested_on", "specimen", "laboratory", "method", "kit_lot",
        "lot_reason",
    ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tested_on"].label = _("Final reading on")

    def clean(self) -> dict[str, Any]:
        """The common part becomes one value, as the service takes it."""
        data = super().clean() or self.cleaned_data
        if not self.errors:
            data["drawn"] = self.drawn()
        return {name: data[name] for name in (*_OWN, "drawn") if name in data}


_OWN = ("kind", "result", "organism", "method", "kit_lot", "lot_reason")


class BloodGroupForm(forms.Form):
    """A determination of the blood group."""

    abo = forms.ChoiceField(label="ABO", choices=[NEEDED, *Abo.choices])
    rh = forms.ChoiceField(label="Rh", choices=[NEEDED, *Rh.choices])
    tested_on = date_field(_("Tested on"))
    method = _text(_("Method"), MAX_METHOD)
    kit_lot = _text(_("Lot"), MAX_LOT)
    laboratory = _text(_("Laboratory"), MAX_LABORATORY)
    lot_reason = lot_reason_field()
    corrects = forms.BooleanField(label=CORRECTS, required=False)
