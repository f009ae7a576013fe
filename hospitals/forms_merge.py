"""Two codes and a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import User
from core.roles import Permission
from hospitals.codes import normalise_code
from hospitals.models import Patient
from hospitals.services_merge import MAX_REASON_LENGTH


class MergeForm(forms.Form):
    kept = forms.CharField(label=_("Record that is kept"), max_length=40)
    merged = forms.CharField(
        label=_("Record that leads to it"),
        max_length=40,
        help_text=_("It becomes inactive; its code stays findable, and all of it can be undone."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=MAX_REASON_LENGTH)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_kept(self) -> Patient:
        return self._patient("kept")

    def clean_merged(self) -> Patient:
        return self._patient("merged")

    def _patient(self, name: str) -> Patient:
        code = normalise_code(self.cleaned_data[name])
        rows = Patient.objects.open_for(self.user, Permission.PATIENT_MERGE)
        found: Patient | None = rows.filter(code=code).first() if code else None
        if found is None:
            raise forms.ValidationError(_("No patient has this code."), code="unknown_code")
        return found
