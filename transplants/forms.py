"""Forms of reservations. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices import Purpose, ReservationState
from transplants.models import ReservationRules
from transplants.querysets import ReservationQuerySet
from transplants.services_rules import BOUNDS
from transplants.writing import LONGEST_REASON


class AskForm(forms.Form):
    """What the unit is wanted for. The id makes of a double click one wish."""

    reservation_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    purpose = forms.ChoiceField(
        label=_("What the unit is for"),
        choices=Purpose.choices,
        initial=Purpose.GRAFT,
        help_text=_("A backup is kept in case the graft cannot be used or the patient needs a second one."),
    )
    note = forms.CharField(
        label=_("Note to the bank"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("When the transplant is planned, for instance. No name of a patient."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial["reservation_id"] = uuid4()


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write why.")},
    )


class UntilForm(forms.Form):
    """The bank may name any day; empty is what its rules say."""

    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The last day on which the unit is kept."),
    )

    def __init__(self, *args: Any, last: dt.date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].initial = last


class ExtendForm(UntilForm, ReasonForm):
    """Of a hospital only the reason: its extension lasts as long as the rules say."""

    field_order = ("until", "reason")

    def __init__(self, *args: Any, by_bank: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not by_bank:
            del self.fields["until"]


class ConfirmForm(UntilForm):
    """Beside the day what the case asks for: why this patient goes first, or whose the earlier promise was."""

    earlier = forms.BooleanField(
        label=_("The promise with which this unit came into the system was made for this patient"),
        error_messages={
            "required": _("Tick it if it is so. If nobody has that promise any more, free the unit first.")
        },
    )
    reason = forms.CharField(
        label=_("Why this patient goes first"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Somebody else asked for this unit before."),
        error_messages={"required": _("Write why.")},
    )

    def __init__(self, *args: Any, unnamed: bool, first: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not unnamed:
            del self.fields["earlier"]
        if first:
            del self.fields["reason"]


class RulesForm(forms.Form):
    """Each number with its bounds; the reason stands in the trail."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write why.")},
    )

    def __init__(self, *args: Any, rules: ReservationRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in BOUNDS.items():
            label = rules._meta.get_field(name).verbose_name
            self.fields[name] = forms.IntegerField(
                label=label, min_value=least, max_value=most, initial=getattr(rules, name)
            )
        self.order_fields([*BOUNDS, "reason"])


class ReservationFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("state", "open")),
        ("decide", _("to decide")),
        ("ending", _("ending soon")),
        *ReservationState.choices,
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, unit or patient"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)  # from the patient's page

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hospital"].queryset = Hospital.objects.visible_to(user).order_by("code")
        self.fields["hospital"].empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: ReservationQuerySet, today: dt.date) -> ReservationQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            unit = Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            rows = rows.filter(Q(number__icontains=text) | Q(patient__code__icontains=text) | unit)
        for name in ("hospital", "patient"):
            if data.get(name):
                rows = rows.filter(**{name: data[name]})
        return self._of_state(rows, data.get("state", ""), today)

    def _of_state(self, rows: ReservationQuerySet, state: str, today: dt.date) -> ReservationQuerySet:
        if state == "decide":
            return rows.to_decide()
        if state == "ending":
            last = today + dt.timedelta(days=ReservationRules.load().warn_days)
            return rows.active().filter(until__lte=last)
        if state == "all":
            return rows
        return rows.filter(state=state) if state else rows.open()
