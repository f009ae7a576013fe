"""Filters of core's lists; what they say stays in the URL."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.roles import Role


class AuditFilterForm(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    action = forms.CharField(label=_("Action"), required=False, max_length=80)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def apply(self, rows: Any) -> Any:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if data.get("q"):
            text = data["q"].replace("\0", "")
            rows = rows.filter(
                Q(target_label__icontains=text) | Q(actor_label__icontains=text) | Q(target_key=text)
            )
        if data.get("action"):
            rows = rows.filter(action__startswith=data["action"].replace("\0", ""))
        if data.get("since"):
            rows = rows.filter(at__date__gte=data["since"])
        if data.get("until"):
            rows = rows.filter(at__date__lte=data["until"])
        return rows


class UserFilterForm(forms.Form):
    q = forms.CharField(label=_("Name or e-mail"), required=False, max_length=100)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("all")), *Role.choices])

    def apply(self, rows: Any) -> Any:
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if data.get("q"):
            text = data["q"].replace("\0", "")
            rows = rows.filter(Q(full_name__icontains=text) | Q(email__icontains=text))
        if data.get("role"):
            rows = rows.filter(role_grants__role=data["role"])
        return rows


class UserRolesForm(forms.Form):
    roles = forms.TypedMultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        coerce=Role,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class UserCreateForm(UserRolesForm):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    full_name = forms.CharField(label=_("Name"), max_length=120)

    field_order = ("email", "full_name", "roles")
