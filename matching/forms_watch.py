"""The form by which one watches a patient."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from matching.choices import WatchFor

MINE, HOSPITAL = "mine", "hospital"


class WatchForm(forms.Form):
    counts = forms.ChoiceField(
        label=_("Tell me of"), choices=WatchFor.choices, initial=WatchFor.BAND, widget=forms.RadioSelect
    )
    whose = forms.ChoiceField(
        label=_("Who is told"),
        choices=[(MINE, _("only me")), (HOSPITAL, _("everybody of the hospital who may see the request"))],
        initial=MINE,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, for_hospital: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not for_hospital:
            del self.fields["whose"]

    @property
    def whole_hospital(self) -> bool:
        return self.cleaned_data.get("whose") == HOSPITAL
