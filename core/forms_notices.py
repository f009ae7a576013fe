"""Forms of notifications: what a person or another system is told, and how."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import kinds
from core.models import User
from core.preferences import Way, Wishes


class PreferencesForm(forms.Form):
    """A field for each group of kinds (`way_<group>`), then the quiet hours."""

    quiet_from = forms.TimeField(
        label=_("No e-mails from"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=_("No e-mails until"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    urgent_anyway = forms.BooleanField(
        label=_("Urgent ones come at any hour"),
        required=False,
        help_text=_("Such as: a unit that is reserved or was on offer is on hold, an alarm of a tank."),
    )

    def __init__(self, *args: Any, person: User, wishes: Wishes, **kwargs: Any) -> None:
        quiet = wishes.quiet
        initial = {name: getattr(quiet, name) for name in ("quiet_from", "quiet_until", "urgent_anyway")}
        super().__init__(*args, **{"initial": initial, **kwargs})
        for group, of_group in kinds.choosable(person.permissions).items():
            self.fields[f"way_{group.code}"] = forms.ChoiceField(
                label=str(group.label),
                choices=Way.choices,
                initial=wishes.ways.get(group.code, Way.NOW),
                widget=forms.RadioSelect,
                help_text=" · ".join(kind.name for kind in of_group),
            )

    def way_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("way_")]

    def preferences(self) -> dict[str, Any]:
        """Arguments of preferences.preferences_set."""
        data = dict(self.cleaned_data)
        ways = {name.removeprefix("way_"): data.pop(name) for name in list(data) if name.startswith("way_")}
        return {"ways": ways, **data}


class HookForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("It begins with https://. Elsewhere only its host is shown: what follows may be a key."),
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language of the texts"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["codes"] = forms.MultipleChoiceField(
            label=_("What it is told"),
            choices=[(kind.code, kind.name) for kind in kinds.known()],
            widget=forms.CheckboxSelectMultiple,
        )
