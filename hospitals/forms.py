"""Forms of hospitals and patients. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.errors import InvalidInput
from core.models import User
from core.populations import FORM_HELP, MAX_INPUT, canonical_populations
from core.posting import show_error
from core.roles import Permission
from hospitals import choices, plausibility
from hospitals.data import EnzymeData, HospitalData, IdentityData, PatientData, WeightData
from hospitals.fields import HospitalChoiceField
from hospitals.guards import (
    guard_birth_date,
    guard_event_day,
    guard_patient_data,
    guard_qualification,
    guard_weight,
    latest_birth_date,
)
from hospitals.models import Hospital, Patient
from hospitals.querysets import hospitals_open_to

NOT_CHOSEN = [("", "–")]


def date_input(**attrs: Any) -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attrs})


class HospitalForm(forms.ModelForm):
    """Carries the version that was shown: a page that is stale overwrites nothing."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Hospital
        fields = [
            "code",
            "name",
            "name_zh",
            "city",
            "province",
            "country",
            "active",
            "qualification_no",
            "qualification_authority",
            "qualified_from",
            "qualified_until",
            "self_service_reservation",
            "time_zone",
            "shipping_contact",
            "shipping_phone",
            "shipping_address",
        ]
        widgets = {
            "qualified_from": date_input(),
            "qualified_until": date_input(),
            "shipping_address": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {
            "code": _("Capital letters, digits and hyphens, for example H014."),
            "active": _("An inactive hospital enters no new patients and submits no requests."),
            "self_service_reservation": _("Takes effect while the qualification is valid."),
            "time_zone": _(
                "By whose clock its people write moments, for example Europe/Berlin. Empty: the clock of the bank."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = self.instance.version

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip().upper()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "qualified_from" in data and "qualified_until" in data:
            _guarded(self, guard_qualification, data["qualified_from"], data["qualified_until"])
        return data

    def data_for_service(self) -> HospitalData:
        return HospitalData(**{name: self.cleaned_data[name] for name in HospitalData.__dataclass_fields__})


class WeightForm(forms.Form):
    """One weighing; `birth_date` is set where the patient exists already."""

    weight_kg = forms.DecimalField(
        label=_("Weight"),
        max_digits=7,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
    )
    measured_on = forms.DateField(label=_("Weighed on"), widget=date_input(), initial=timezone.localdate)

    def __init__(self, *args: Any, birth_date: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.birth_date = birth_date

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "weight_kg" in data and "measured_on" in data:
            _guarded(self, guard_weight, self.data_for_service(), self.birth_date)
        return data

    def data_for_service(self) -> WeightData:
        return WeightData(
            weight_kg=self.cleaned_data["weight_kg"], measured_on=self.cleaned_data["measured_on"]
        )

    def doubts(self) -> list[plausibility.Doubt]:
        data = self.data_for_service()
        return plausibility.weight_doubts(data.weight_kg, self.birth_date, data.measured_on)


class PatientForm(forms.Form):
    """What people may edit of a patient, without typing, weight and identity."""

    sex = forms.ChoiceField(label=_("Sex"), choices=[*NOT_CHOSEN, *choices.Sex.choices])
    birth_date = forms.DateField(
        label=_("Date of birth"),
        widget=date_input(min="1900-01-01"),
        help_text=_("For an unborn patient the expected date, at most ten months ahead."),
    )
    diagnosis = forms.ChoiceField(label=_("Diagnosis"), required=False)
    diagnosis_text = forms.CharField(label=_("Diagnosis in words"), max_length=200, required=False)
    stage = forms.ChoiceField(label=_("Stage"), choices=[*NOT_CHOSEN, *choices.Stage.choices], required=False)
    urgency = forms.ChoiceField(
        label=_("Urgency"), choices=choices.Urgency.choices, initial=choices.Urgency.ROUTINE
    )
    abo = forms.ChoiceField(
        label=_("Blood group"), choices=[*NOT_CHOSEN, *choices.Abo.choices], required=False
    )
    rh = forms.ChoiceField(label=_("Rh(D)"), choices=[*NOT_CHOSEN, *choices.Rh.choices], required=False)
    cmv = forms.ChoiceField(
        label=_("CMV antibodies"), choices=[*NOT_CHOSEN, *choices.Cmv.choices], required=False
    )

    populations = forms.CharField(
        label=_("Population"), required=False, max_length=MAX_INPUT, help_text=FORM_HELP
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["diagnosis"].choices = [*NOT_CHOSEN, *choices.diagnosis_groups()]
        self.fields["birth_date"].widget.attrs["max"] = latest_birth_date().isoformat()

    def clean_birth_date(self) -> datetime.date:
        value: datetime.date = self.cleaned_data["birth_date"]
        try:
            guard_birth_date(value)
        except InvalidInput as error:
            raise forms.ValidationError(error.message, code=error.code) from None
        return value

    def clean_populations(self) -> str:
        try:
            return canonical_populations(self.cleaned_data["populations"])
        except InvalidInput as error:
            raise forms.ValidationError(error.message, code=error.code) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            _guarded(self, guard_patient_data, self.data_for_service())
        return data

    def data_for_service(self) -> PatientData:
        names = PatientData.__dataclass_fields__
        return PatientData(**{name: self.cleaned_data[name] for name in names})

    def doubts(self) -> list[plausibility.Doubt]:
        data = self.data_for_service()
        return [
            *plausibility.birth_doubts(data.birth_date, timezone.localdate()),
            *plausibility.stage_doubts(data.diagnosis, data.stage),
        ]


class NewPatientForm(PatientForm):
    """A patient with the first weight. `patient_id` makes a form that is sent twice harmless."""

    hospital = HospitalChoiceField(
        label=_("Hospital"), queryset=Hospital.objects.none(), empty_label=None, to_field_name="pk"
    )
    weight_kg = forms.DecimalField(
        label=_("Weight"),
        required=False,
        max_digits=7,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        help_text=_("Of an unborn patient: the expected weight at transplant, if known."),
    )
    measured_on = forms.DateField(
        label=_("Weighed on"), required=False, widget=date_input(), initial=timezone.localdate
    )
    patient_id = forms.CharField(widget=forms.HiddenInput, initial=uuid4, required=False)
    field_order = ["hospital", "sex", "birth_date", "weight_kg", "measured_on"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = hospitals_open_to(user, Permission.PATIENT_EDIT)
        hospitals = Hospital.objects.visible_to(user).filter(active=True)
        self.fields["hospital"].queryset = hospitals if allowed is None else hospitals.filter(pk__in=allowed)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("weight_kg") is not None and "birth_date" in data and "measured_on" in data:
            _guarded(self, guard_weight, self._weight(), data["birth_date"])
        return data

    def clean_patient_id(self) -> UUID | None:
        return uuid_or_none(self.cleaned_data["patient_id"])

    def _weight(self) -> WeightData:
        measured_on = self.cleaned_data["measured_on"] or timezone.localdate()
        return WeightData(weight_kg=self.cleaned_data["weight_kg"], measured_on=measured_on)

    def weight_for_service(self) -> WeightData | None:
        return self._weight() if self.cleaned_data["weight_kg"] is not None else None

    def doubts(self) -> list[plausibility.Doubt]:
        weight = self.weight_for_service()
        found = super().doubts()
        if weight:
            found += plausibility.weight_doubts(
                weight.weight_kg, self.cleaned_data["birth_date"], weight.measured_on
            )
        return found


class IdentityForm(forms.Form):
    """Who the patient is; shown to people with the permission only, stored encrypted."""

    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    document_no = forms.CharField(label=_("Identity document number"), max_length=60, required=False)
    contact = forms.CharField(label=_("Contact"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"

    def data_for_service(self) -> IdentityData:
        return IdentityData(**{name: self.cleaned_data[name].strip() for name in self.fields})


class DeactivateForm(forms.Form):
    reason = forms.ChoiceField(label=_("Why"), choices=[*NOT_CHOSEN, *choices.CHOSEN_REASONS])
    on = forms.DateField(
        label=_("Day of the event"),
        required=False,
        widget=date_input(),
        help_text=_("Of the transplant, the move or the death."),
    )
    note = forms.CharField(label=_("Note"), max_length=400, required=False)

    def __init__(self, *args: Any, birth_date: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.birth_date = birth_date

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("reason") in choices.REASONS_WITH_DAY and "on" in data and data["on"] is None:
            self.add_error("on", forms.ValidationError(_("State the day."), code="event_day_missing"))
        _guarded(self, guard_event_day, data.get("on"), self.birth_date)
        return data


class EnzymeForm(forms.Form):
    """One measurement of an enzyme."""

    enzyme = forms.CharField(label=_("Enzyme"), max_length=80)
    value = forms.DecimalField(label=_("Level"), max_digits=10, decimal_places=3)
    unit = forms.CharField(
        label=pgettext_lazy("enzyme level", "Unit"),
        max_length=30,
        help_text=_("As the report writes it, for example nmol/h/mg."),
    )
    lower_limit = forms.DecimalField(
        label=_("Lower limit of reference"), max_digits=10, decimal_places=3, required=False
    )
    measured_on = forms.DateField(label=_("Measured on"), widget=date_input(), initial=timezone.localdate)

    def data_for_service(self) -> EnzymeData:
        return EnzymeData(**self.cleaned_data)


def patient_initial(patient: Patient) -> dict[str, Any]:
    return {name: getattr(patient, name) for name in PatientData.__dataclass_fields__}


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _guarded(form: forms.Form, guard: Any, *args: Any) -> None:
    try:
        guard(*args)
    except InvalidInput as error:
        show_error(form, error)
