"""Forms of recalls."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from core.signing import SignatureForm
from transplants.choices_incidents import LONGEST_REASON, LONGEST_TITLE
from transplants.forms_units import MOST_CHARACTERS, UnitNumbersField, rebound
from transplants.models import Incident
from transplants.querysets_incidents import IncidentQuerySet


def _reason(**more: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write why.")},
        **more,
    )


class RecallUnitsForm(forms.Form):
    """Which units: the first of two steps, which changes nothing."""

    units = UnitNumbersField(label=_("Units"))


class _IncidentField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.number} {obj.title}"


class RecallForm(SignatureForm):
    """Why, and under which incident; it carries the units and the digest of what was shown."""

    recall_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    units = forms.CharField(required=False, max_length=MOST_CHARACTERS, widget=forms.HiddenInput)
    incident = _IncidentField(label=_("Incident"), queryset=Incident.objects.none(), required=False)
    title = forms.CharField(
        label=_("Title of the new incident"),
        required=False,
        max_length=LONGEST_TITLE,
        help_text=_("where none is chosen above; no names"),
    )
    reason = _reason(help_text=_("The hospitals concerned read it: no names, nothing of other hospitals."))
    field_order = ("recall_id", "seen", "units", "incident", "title", "reason", "password")

    def __init__(self, *args: Any, incidents: IncidentQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["incident"]
        field.queryset = incidents.open().order_by("-opened_at")
        field.empty_label = _("a new incident")
        if not self.is_bound:
            self.initial["recall_id"] = uuid4()

    def clean_units(self) -> list[UUID]:
        try:
            return [UUID(text) for text in self.cleaned_data["units"].split()]
        except ValueError:
            raise forms.ValidationError(_("Open the page again."), code="units") from None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("incident") and not data.get("title", "").strip() and "title" not in self.errors:
            self.add_error("title", _("Choose an incident, or give the new one a title."))
        return data

    def show(self, seen: str) -> None:
        """What the page shows now is what the next signature is of."""
        self.initial["seen"] = seen
        if self.is_bound:
            self.data = rebound(self.data, seen=seen)


class RecallEndForm(SignatureForm):
    reason = _reason()
    field_order = ("reason", "password")
