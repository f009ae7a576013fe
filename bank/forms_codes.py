"""Input about codes and labels."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from bank.forms import ReasonForm
from bank.labels.formats import PAPERS_OF, PAPERS_OF_PLACES, LabelKind, PaperKind
from bank.labels.selection import MOST


class ProductForm(ReasonForm):
    """Which ISBT 128 product a unit is."""

    product_code = forms.CharField(
        label=_("Product code"),
        required=False,
        max_length=20,
        help_text=_("8 characters as on the bag, typed or scanned; empty where unknown"),
    )
    field_order = ["product_code", "reason"]


class BankCodesForm(ReasonForm):
    """What the codes of a bank's units begin with."""

    country = forms.CharField(
        label=_("Country"), required=False, max_length=2, help_text="ISO 3166-1 alpha-2"
    )
    issuing_organisation = forms.IntegerField(
        label=_("Issuing organisation number"),
        required=False,
        help_text="WMDA ION, 1000–9999",
        widget=forms.TextInput,
    )
    emdis_hub = forms.CharField(
        label=_("EMDIS hub"), required=False, max_length=4, help_text=_("begins the CBU id of each unit")
    )
    tissue_establishment_code = forms.CharField(
        label=_("Tissue establishment code"),
        required=False,
        max_length=6,
        help_text=_("6 characters, of the EU compendium; with the country it begins a Single European Code"),
    )
    field_order = ["country", "issuing_organisation", "emdis_hub", "tissue_establishment_code", "reason"]


def _language() -> str:
    return get_language() or settings.LANGUAGE_CODE


class _Printing(forms.Form):
    """Paper and language of labels."""

    language = forms.ChoiceField(
        label=_("Language of the label"), choices=settings.LANGUAGES, initial=_language
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "label_%s")
        super().__init__(*args, **kwargs)


class LabelForm(_Printing):
    """Which labels of the units that the page shows."""

    units = forms.CharField(required=False, max_length=40 * MOST, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("What is labelled"), choices=LabelKind.choices)
    paper = forms.ChoiceField(label=_("Paper"), choices=PaperKind.choices)
    count = forms.IntegerField(label=_("Labels of each unit"), min_value=1, max_value=50, initial=1)
    field_order = ["units", "kind", "paper", "count", "language"]

    def clean_units(self) -> list[UUID]:
        try:
            return [UUID(text) for text in self.cleaned_data["units"].split()]
        except ValueError:
            raise ValidationError(_("Choose the units again."), code="units") from None

    def clean_kind(self) -> LabelKind:
        return LabelKind(self.cleaned_data["kind"])

    def clean_paper(self) -> PaperKind:
        return PaperKind(self.cleaned_data["paper"])

    def clean(self) -> dict[str, Any]:
        kind, paper = self.cleaned_data.get("kind"), self.cleaned_data.get("paper")
        if kind and paper and paper not in PAPERS_OF[kind]:
            allowed = ", ".join(str(one.label) for one in PAPERS_OF[kind])
            text = _("This label does not go onto this paper; choose one of: %(allowed)s.")
            self.add_error("paper", ValidationError(text, code="paper", params={"allowed": allowed}))
        return self.cleaned_data


class PlaceLabelForm(_Printing):
    """Labels of a canister and its slots, or of all canisters of a rack or tank."""

    place = forms.CharField(
        label=pgettext_lazy("storage", "Place"),
        max_length=60,
        help_text=_("T1-R3-C2: the canister and its slots; T1-R3: the canisters of the rack"),
    )
    paper = forms.ChoiceField(
        label=_("Paper"), choices=[(paper.value, paper.label) for paper in PAPERS_OF_PLACES]
    )
    field_order = ["place", "paper", "language"]

    def clean_paper(self) -> PaperKind:
        return PaperKind(self.cleaned_data["paper"])
