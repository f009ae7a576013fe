"""Forms of confirmatory typings. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.models import LISTED_LOCI
from core.models import User
from core.typing_form import TypingForm
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_orders import OPEN_TYPINGS, TypingState
from transplants.choices_typings import NEEDED, TypingMethod
from transplants.forms import ReasonForm
from transplants.querysets_orders import ConfirmatoryTypingQuerySet


class AskForm(forms.Form):
    """The id makes of a double click one wish."""

    typing_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Note to the bank"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Until when the result is needed, for instance. No name of a patient."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial["typing_id"] = uuid4()


class SampleForm(forms.Form):
    used_on = forms.DateField(
        label=_("Segment taken on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Empty: today."),
    )


class ResultForm(TypingForm):
    """The typing that the laboratory found; the fields of a unit's typing, and how it was made."""

    grid = LISTED_LOCI
    needed = frozenset(NEEDED)

    method = forms.ChoiceField(
        label=_("Method"),
        choices=[("", _("choose")), *TypingMethod.choices],
        error_messages={"required": _("Choose how the segment was typed.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in (
            ("laboratory", _("Name the laboratory.")),
            ("typed_on", _("Give the day of the report.")),
        ):
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = text


class ShownForm(forms.Form):
    """A step that vouches for what the page showed."""

    shown = forms.CharField(max_length=16, widget=forms.HiddenInput)


class MatchForm(ReasonForm):
    """shown: digest of what fell."""

    shown = forms.CharField(max_length=64, widget=forms.HiddenInput)
    field_order = ("shown", "reason")


class TakeBackForm(ShownForm, ReasonForm):
    field_order = ("shown", "reason")


class TypingFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("state", "open")),
        ("overdue", _("overdue")),
        *TypingState.choices,
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, unit or patient"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["hospital"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Hospital.objects.visible_to(user).order_by("code")
        field.empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(
        self, rows: ConfirmatoryTypingQuerySet, *, today: dt.date, days: int
    ) -> ConfirmatoryTypingQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            unit = Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            rows = rows.filter(Q(number__icontains=text) | Q(patient__code__icontains=text) | unit)
        if data.get("hospital"):
            rows = rows.filter(hospital=data["hospital"])
        state = data.get("state", "")
        if state == "overdue":
            return rows.overdue(today, days)
        if state == "all":
            return rows
        return rows.filter(state=state) if state else rows.filter(state__in=OPEN_TYPINGS)
