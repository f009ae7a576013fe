"""Input about partners."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import DonorType


class PartnerForm(forms.Form):
    """A bank or registry whose lists are taken in."""

    code = forms.CharField(
        label=_("Code"), max_length=12, help_text=_("short, as in its files and beside its units")
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    holds = forms.ChoiceField(
        label=_("Its list holds"),
        choices=[
            (DonorType.CORD, _("cord blood: a cord blood bank")),
            (DonorType.ADULT, _("adult donors: a registry")),
        ],
    )
    country = forms.CharField(
        label=_("Country"), max_length=2, required=False, help_text=_("two letters, ISO 3166-1: CN, JP, DE")
    )
    issuing_organisation = forms.IntegerField(
        label=_("Issuing organisation number"),
        min_value=1000,
        max_value=9999,
        required=False,
        help_text=_("WMDA, 1000–9999"),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    emdis_hub = forms.CharField(
        label=_("EMDIS hub"), max_length=4, required=False, help_text=_("begins the CBU id of its units")
    )
