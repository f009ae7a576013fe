"""Forms of match requests. They check as one types and say what to do; services check again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.choices import UnitStatus
from core.errors import DomainError
from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital, Patient
from matching.choices import CLASS_SIZE, SWITCHED_ON, LociSet, RequestState, Urgency
from matching.engine.search import Criteria
from matching.models import MatchRequest, SelectionPolicy
from matching.services import RequestData

# What a class may be asked for at least: from all matches down to where nobody transplants any more.
FLOOR_CHOICES: dict[str, range] = {
    "antigen6": range(6, 2, -1),
    "allele6": range(6, 1, -1),
    "allele8": range(8, 2, -1),
    "allele10": range(10, 3, -1),
}
FLOOR_LABELS = {
    "antigen6": _("Antigen class, of 6"),
    "allele6": _("Allele class, of 6"),
    "allele8": _("Allele class, of 8"),
    "allele10": _("Allele class, of 10"),
}
FLOOR_HELP = {
    "antigen6": _(
        "A and B by antigen, DRB1 by allele: the classical class of cord blood. It orders the list."
    ),
    "allele6": _("A, B and DRB1 by allele (P group)."),
    "allele8": _("A, B, C and DRB1 by allele."),
    "allele10": _("A, B, C, DRB1 and DQB1 by allele."),
}
# Smallest dose of a single unit for blood cancer (ASH-SAP, Eurocord-style table; domain notes 4.1).
USUAL_TNC_E7_PER_KG = Decimal("2.5")
DOSE_HELP = _(
    "Nucleated cells before freezing. A single unit: 2.5–3.0 for blood cancer, above 5.0 for other diseases; "
    "1.5 where two units may be given. Smaller units leave the list and are counted. Empty: no minimum."
)
STATUS_HELP = _("Reserved units are promised to another patient; ask for them to see what may become free.")


def show_error(form: forms.BaseForm, error: DomainError) -> None:
    """A refusal of a service, beside its field where the form has it, else above the form."""
    field = error.field if error.field in form.fields else None
    form.add_error(field, forms.ValidationError(error.message, code=error.code))


def floor_field(name: str) -> str:
    return f"floor_{name}"


def _floor_choices(name: str, *held: str) -> list[tuple[str, str]]:
    """`held`: values in force already, which a form must be able to show."""
    values = {*FLOOR_CHOICES[name], *(int(value) for value in held if value)}
    text, size = gettext("at least %(n)d/%(of)d"), CLASS_SIZE[name]
    steps = [(str(value), text % {"n": value, "of": size}) for value in sorted(values, reverse=True)]
    return [("", gettext("no floor")), *steps]


class RequestForm(forms.Form):
    """The criteria of a match request. `policy` gives what is prefilled."""

    loci = forms.ChoiceField(
        label=_("Loci that count"),
        choices=LociSet.choices,
        initial=LociSet.FIVE,
        widget=forms.RadioSelect,
        help_text=_("A unit without a typing at C or DQB1 stays in the list; its class is then a range."),
    )
    min_tnc_e7_per_kg = forms.DecimalField(
        label=_("TNC per kg, at least"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        decimal_places=2,
        max_digits=6,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
        help_text=DOSE_HELP,
    )
    statuses = forms.MultipleChoiceField(
        label=_("States of units"),
        choices=[(state.value, state.label) for state in SEARCHABLE_UNITS],
        initial=[UnitStatus.LISTED.value],
        widget=forms.CheckboxSelectMultiple,
        help_text=STATUS_HELP,
        error_messages={"required": _("Choose at least one state of units.")},
    )
    urgency = forms.ChoiceField(
        label=_("Urgency"),
        choices=Urgency.choices,
        initial=Urgency.ROUTINE,
        help_text=_("A label for people; it does not change the search."),
    )
    notes = forms.CharField(
        label=_("Notes for the bank"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("No names: the patient is known by the code only."),
    )

    def __init__(self, *args: Any, policy: SelectionPolicy, weight_known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy
        self.weight_known = weight_known
        for name in FLOOR_CHOICES:
            proposed = self._proposed(name)
            held = str((self.initial or {}).get(floor_field(name), ""))
            self.fields[floor_field(name)] = forms.ChoiceField(
                label=FLOOR_LABELS[name],
                required=False,
                choices=lazy(_floor_choices, list)(name, proposed, held),
                initial=proposed,
                help_text=FLOOR_HELP[name],
            )

    def _proposed(self, name: str) -> str:
        """The policy's floor of a class, "" for none."""
        floors: Mapping[str, int] = self.policy.rules.get("floors", {})
        return str(floors.get(name) or "")

    @property
    def floor_fields(self) -> list[forms.BoundField]:
        return [self[floor_field(name)] for name in FLOOR_CHOICES]

    def clean_min_tnc_e7_per_kg(self) -> Decimal | None:
        dose: Decimal | None = self.cleaned_data["min_tnc_e7_per_kg"]
        if dose is not None and not self.weight_known:
            raise forms.ValidationError(
                _("The patient has no weight: enter the weight first, or leave this empty."),
                code="dose_without_weight",
            )
        return dose

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        asked = Criteria(loci=tuple(data.get("loci", LociSet.FIVE).split(","))).classes
        for name in FLOOR_CHOICES:
            value = data.get(floor_field(name))
            if value and name not in asked and value != self._proposed(name):
                message = _("This class needs a locus that you did not choose above.")
                self.add_error(
                    floor_field(name), forms.ValidationError(message, code="floor_of_class_not_asked")
                )
        return data

    def floors(self) -> dict[str, int]:
        """As chosen, 0 where none is wanted; a class that the form did not ask, or that needs other loci, is out."""
        asked = Criteria(loci=tuple(self.cleaned_data["loci"].split(","))).classes
        given = [name for name in FLOOR_CHOICES if name in asked and floor_field(name) in self.data]
        return {name: int(self.cleaned_data.get(floor_field(name)) or 0) for name in given}

    def data_for_service(self) -> RequestData:
        data = self.cleaned_data
        return RequestData(
            loci=data["loci"],
            floors=self.floors(),
            min_tnc_e7_per_kg=data["min_tnc_e7_per_kg"],
            statuses=tuple(data["statuses"]),
            urgency=data["urgency"],
            notes=data["notes"],
            policy_id=self.policy.pk,
        )


def request_initial(patient: Patient, saved: MatchRequest | None = None) -> dict[str, Any]:
    """What the form shows at first: a draft's criteria, else the usual ones."""
    if saved is None:
        known = patient.weight_kg is not None
        return {"min_tnc_e7_per_kg": USUAL_TNC_E7_PER_KG if known else None, "urgency": patient.urgency}
    floors = {floor_field(name): str(saved.floors.get(name, "")) for name in FLOOR_CHOICES}
    columns = ("loci", "min_tnc_e7_per_kg", "statuses", "urgency", "notes")
    return {**floors, **{name: getattr(saved, name) for name in columns}}


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        error_messages={"required": _("Give the reason for cancelling.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RequestFilterForm(forms.Form):
    """Filters of the request list; what they say stays in the URL."""

    q = forms.CharField(label=_("Request or patient"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), required=False)
    urgency = forms.ChoiceField(label=_("Urgency"), required=False)
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)  # from the patient's page

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states = [(state.value, state.label) for state in RequestState if state in SWITCHED_ON]
        self.fields["state"].choices = [("", _("all")), *states]
        self.fields["urgency"].choices = [("", _("all")), *Urgency.choices]
        hospitals = Hospital.objects.visible_to(user).order_by("code")
        self.fields["hospital"].queryset = hospitals
        self.fields["hospital"].empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: Any) -> Any:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if data.get("q"):
            text = data["q"].replace("\0", "").strip()
            rows = rows.filter(Q(number__icontains=text) | Q(patient__code__icontains=text))
        for name in ("state", "urgency", "hospital", "patient"):
            if data.get(name):
                rows = rows.filter(**{name: data[name]})
        return rows
