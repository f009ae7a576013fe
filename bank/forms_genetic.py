"""Input about files with HLA typings: what one is for, the decision, the limits."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.forms import ReasonForm
from bank.models import ExportApproval, GeneticLimits
from bank.services_genetic import LIMITS, PERMIT_NEEDED, Said, permit_needed
from core.signing import SignatureForm


class AskForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For what, for whom, and by which permit. kind: of the file."""

    class Meta:
        model = ExportApproval
        fields = ("purpose", "purpose_text", "recipient", "recipient_country", "permit_no")
        widgets = {"purpose_text": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "recipient": _("the institution that receives the data"),
            "permit_no": _("needed for anything but the list of a patient for the treatment"),
        }

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        permit = str(given.get("permit_no", "")).strip()
        if "purpose" in given and not permit and permit_needed(self.kind, given["purpose"]):
            self.add_error("permit_no", PERMIT_NEEDED)
        return given

    def said(self) -> Said:
        return Said(**{name: self.cleaned_data[name] for name in self.Meta.fields})


class ApprovalForm(SignatureForm):
    """Approve or refuse; the button says which."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("needed where you refuse"),
    )
    field_order = ["reason", "password"]


class GeneticLimitsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    reason = ReasonForm.base_fields["reason"]
    password = SignatureForm.base_fields["password"]
    field_order = [*LIMITS, "reason", "password"]

    class Meta:
        model = GeneticLimits
        fields = LIMITS
