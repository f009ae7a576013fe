"""Forms of incidents. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models import User
from core.roles import Permission
from core.signing import SignatureForm
from hospitals.codes import normalise_code
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital, Patient
from transplants.choices_incidents import (
    LONGEST_REASON,
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_DAYS,
    OF_HOSPITALS,
    Imputability,
    IncidentKind,
    IncidentState,
    Seriousness,
)
from transplants.forms_units import UnitNumbersField
from transplants.models import IncidentRules, IncidentUnit
from transplants.notices_incidents import INVESTIGATORS
from transplants.querysets_incidents import IncidentQuerySet

_CHOOSE = ("", _("choose"))


def _area(
    label: Any, missing: Any, *, rows: int = 4, longest: int = LONGEST_TEXT, **more: Any
) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=longest,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": missing},
        **more,
    )


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose a day.")},
        **more,
    )


class IncidentReportForm(forms.Form):
    """What happened, to whom, with what. What the page was opened for (an order, a lot) is not asked again."""

    incident_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"))
    seriousness = forms.ChoiceField(
        label=_("Seriousness"),
        choices=Seriousness.choices,
        help_text=_("As far as you know today; the bank assesses it."),
    )
    happened_on = _day(_("Happened on"))
    title = forms.CharField(
        label=_("Title"),
        max_length=LONGEST_TITLE,
        error_messages={"required": _("Say in a few words what it is about.")},
        help_text=_("No names: it stands in lists."),
    )
    what = _area(_("What happened"), _("Write what happened."), rows=6)
    patient = forms.CharField(label=_("Patient (code)"), required=False, max_length=20)
    hospital = HospitalChoiceField(
        label=_("Hospital"),
        queryset=Hospital.objects.none(),
        required=False,
        help_text=_("The hospital sees the incident. Empty: of the bank only."),
    )
    units = UnitNumbersField(label=_("Units"), required=False)

    def __init__(self, *args: Any, user: User, of_bank: bool, about: bool, **kwargs: Any) -> None:
        """about: patient and hospital are known from the page it was opened from."""
        super().__init__(*args, **kwargs)
        self.user = user
        kinds = list(IncidentKind) if of_bank else list(OF_HOSPITALS)
        self._field("kind").choices = [_CHOOSE, *((kind.value, kind.label) for kind in kinds)]
        hospitals = Hospital.objects.visible_to(user).filter(active=True).order_by("code")
        self._field("hospital").queryset = hospitals
        self._field("hospital").empty_label = _("none")
        if about or not of_bank or not hospitals.exists():
            del self.fields["hospital"]
        if about or not user.has_permission(Permission.PATIENT_VIEW):
            del self.fields["patient"]
        if not self.is_bound:
            self.initial.setdefault("incident_id", uuid4())
            self.initial.setdefault("happened_on", timezone.localdate())

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean_patient(self) -> UUID | None:
        text = self.cleaned_data["patient"].replace("\0", "").strip()
        if not text:
            return None
        found = Patient.objects.visible_to(self.user).filter(code=normalise_code(text) or text).first()
        if found is None:
            raise forms.ValidationError(_("There is no patient with this code. Check it, or leave it empty."))
        key: UUID = found.pk
        return key


class IncidentNoteForm(forms.Form):
    note_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = _area(_("Note"), _("Write something first."))
    inner = forms.BooleanField(label=_("For the bank only"), required=False, initial=True)

    def __init__(self, *args: Any, of_bank: bool, shared: bool, **kwargs: Any) -> None:
        """shared: a hospital reads along; where none does, every note is the bank's."""
        super().__init__(*args, **kwargs)
        if not of_bank or not shared:
            del self.fields["inner"]
        self.is_inner = of_bank and not shared
        if not self.is_bound:
            self.initial["note_id"] = uuid4()

    def given(self) -> dict[str, Any]:
        return {"inner": self.is_inner, **self.cleaned_data}


class _PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.full_name or obj.email)


class _SeenForm(forms.Form):
    """Carries what was shown: a step of a stale page is refused."""

    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)


class AssessForm(_SeenForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=IncidentKind.choices)
    seriousness = forms.ChoiceField(label=_("Seriousness"), choices=Seriousness.choices)
    imputability = forms.ChoiceField(
        label=_("Imputability"),
        choices=Imputability.choices,
        help_text=_("How far the unit is the cause. The scale is unconfirmed."),
    )
    rapid_alert = forms.BooleanField(
        label=_("Rapid alert"),
        required=False,
        help_text=_("A recall of what has left the bank, a measure of an authority, the death of a donor."),
    )
    due_on = _day(
        _("To be reported until"),
        required=False,
        help_text=_("Empty: by the rules of the bank, where it is serious or a rapid alert."),
    )
    owner = _PersonField(label=_("Looked after by"), queryset=User.objects.none(), required=False)
    units = UnitNumbersField(label=_("Further units"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        field: Any = self.fields["owner"]
        field.queryset = User.objects.in_roles(INVESTIGATORS).filter(is_active=True).order_by("full_name")
        field.empty_label = _("nobody yet")

    def given(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        owner = data.pop("owner")
        return {**data, "owner_id": owner.pk if owner else None}


class ReportedOutForm(_SeenForm):
    reported_to = forms.CharField(
        label=_("Reported to"),
        max_length=200,
        help_text=_("authority or registry, and the number under which it has it"),
        error_messages={"required": _("Say to whom, and under which number.")},
    )
    at = forms.DateTimeField(
        label=_("Reported outside at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": _("Choose a moment.")},
    )


class CloseForm(SignatureForm, _SeenForm):
    cause = _area(_("Cause"), _("Write why it happened."))
    measures = _area(_("Measures"), _("Write what is done so that it does not happen again."))
    field_order = ("seen", "cause", "measures", "password")


class ReopenForm(forms.Form):
    reason = _area(_("Reason"), _("Write why."), rows=2, longest=LONGEST_REASON)


class IncidentRulesForm(forms.Form):
    serious_days = forms.IntegerField(
        label=_("Days in which a serious incident is reported outside"), min_value=0, max_value=MOST_DAYS
    )
    rapid_days = forms.IntegerField(
        label=_("Days in which a rapid alert is reported outside"), min_value=0, max_value=MOST_DAYS
    )
    hotline = forms.CharField(
        label=_("Telephone that hospitals call on a recall"),
        required=False,
        max_length=40,
        help_text=_("It stands in the warning that a hospital sees."),
    )
    reason = _area(_("Reason"), _("Write why."), rows=2, longest=LONGEST_REASON)

    def __init__(self, *args: Any, rules: IncidentRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("serious_days", "rapid_days", "hotline"):
            self.fields[name].initial = getattr(rules, name)


class IncidentFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("incident", "not closed")),
        ("overdue", _("overdue")),
        *IncidentState.choices,
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, title, unit or patient"), required=False, max_length=60)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("all")), *IncidentKind.choices])
    serious = forms.ChoiceField(
        label=_("Seriousness"), required=False, choices=[("", _("all")), ("yes", _("serious only"))]
    )

    def apply(self, rows: IncidentQuerySet, *, today: dt.date, user: User) -> IncidentQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error.

        user: by whose units they are found; a number that the person does not see finds nothing."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            units = IncidentUnit.objects.visible_to(user).filter(
                Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            )
            words = Q(number__icontains=text) | Q(title__icontains=text) | Q(patient__code__icontains=text)
            rows = rows.filter(words | Q(pk__in=units.order_by().values("incident")))
        if data.get("kind"):
            rows = rows.filter(kind=data["kind"])
        if data.get("serious"):
            rows = rows.serious()
        state = data.get("state", "")
        if state == "overdue":
            return rows.overdue(today)
        if state == "all":
            return rows
        return rows.filter(state=state) if state else rows.open()
