"""Forms of the shortlist page. Services check again."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from matching.choices import LONGEST_NOTE, MOST_SHORTLISTED


class ReasonForm(forms.Form):
    """Why a unit is removed, or a note struck."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        error_messages={"required": _("Give the reason.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PlaceForm(forms.Form):
    """Empty: undecided."""

    place = forms.IntegerField(label=_("Choice"), required=False, min_value=1, max_value=MOST_SHORTLISTED)


class NoteForm(forms.Form):
    """A note about the patient's grafts, or with `unit` about one of them. note_id: one form writes one note."""

    text = forms.CharField(
        label=_("Note"), max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_NOTE})
    )  # fmt: skip
    unit = forms.UUIDField(required=False, widget=forms.HiddenInput)
    note_id = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def with_new_id(self) -> NoteForm:
        """The same text as another note."""
        return NoteForm({**{name: self.data[name] for name in self.data}, "note_id": str(uuid4())})
