"""Forms of match requests. They check as one types and say what to do; services check again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.choices import DonorType, UnitStatus
from bank.querysets import CORD_ONLY
from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital, Patient
from matching.choices import CLASS_SIZE, SWITCHED_ON, Kept, LociSet, RequestState, Urgency
from matching.engine.search import Criteria
from matching.models import MatchRequest, SelectionPolicy
from matching.selection.policies import shown_name, usual_floor, usual_tnc_e7_per_kg
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
DOSE_HELP = _(
    "Nucleated cells before freezing. A single unit: 2.5–3.0 for blood cancer, above 5.0 for other diseases; "
    "1.5 where two units may be given. Smaller units leave the list and are counted. Proposed is the smaller of the "
    "policy's dose of one unit and of each of two, so that units too small alone are listed with the rule that "
    "excludes them, and can be paired. Empty: no minimum."
)
DONORS_HELP = _(
    "Adult donors stand in one list with the units, by the same classes; no dose is asked of them. They are not "
    "reserved here: ask their registry."
)
STATUS_HELP = _("Reserved units are promised to another patient; ask for them to see what may become free.")


def floor_field(name: str) -> str:
    return f"floor_{name}"


def _floor_choices(name: str, *held: str) -> list[tuple[str, str]]:
    """`held`: values in force already, which a form must be able to show."""
    values = {*FLOOR_CHOICES[name], *(int(value) for value in held if value)}
    text, size = gettext("at least %(n)d/%(of)d"), CLASS_SIZE[name]
    steps = [(str(value), text % {"n": value, "of": size}) for value in sorted(values, reverse=True)]
    return [("", gettext("no floor")), *steps]


def _policy_label(policy: SelectionPolicy, proposal: SelectionPolicy | None) -> str:
    name = shown_name(policy)
    return (
        gettext("%(policy)s · proposed for this patient") % {"policy": name} if policy == proposal else name
    )


class RequestForm(forms.Form):
    """The criteria of a match request. `policies`: those offered; `policy`, one of them, gives what is prefilled;
    `proposal`: the one for such patients.

    `prefilled_by` names the policy whose floors and dose the form showed: who chooses another one sees its floors and
    dose, or says again that the ones shown shall stay.
    """

    policy = forms.ChoiceField(
        label=_("Selection policy"),
        required=False,
        help_text=_("Its rules exclude, warn and order. Lists can be judged by another policy later."),
    )
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
    donor_types = forms.MultipleChoiceField(
        label=_("Donors searched"),
        choices=[(DonorType.CORD, _("Cord blood units")), (DonorType.ADULT, _("Adult donors of registries"))],
        initial=list(CORD_ONLY),
        widget=forms.CheckboxSelectMultiple,
        help_text=DONORS_HELP,
        error_messages={"required": _("Choose cord blood, adult donors, or both.")},
    )
    kept_at_most = forms.TypedChoiceField(
        label=_("Units listed, at most"),
        coerce=int,
        choices=Kept.choices,
        initial=Kept.THOUSAND,
        required=False,
        empty_value=Kept.THOUSAND.value,
        help_text=_(
            "All candidates are counted; the best are listed, each with its evidence and probabilities."
        ),
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

    def __init__(
        self,
        *args: Any,
        policies: Sequence[SelectionPolicy],
        policy: SelectionPolicy,
        proposal: SelectionPolicy | None,
        weight_known: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.chosen_policy = policy
        self.weight_known = weight_known
        self.fields["policy"].choices = [(str(one.pk), _policy_label(one, proposal)) for one in policies]
        self.initial.setdefault("policy", str(policy.pk))
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
        """The floor of a class that goes with the policy, "" for none."""
        return str(usual_floor(self.chosen_policy, name) or "")

    @property
    def floor_fields(self) -> list[forms.BoundField]:
        return [self[floor_field(name)] for name in FLOOR_CHOICES]

    def clean_policy(self) -> str:
        chosen: str = self.cleaned_data["policy"] or str(self.chosen_policy.pk)
        if self.data.get("prefilled_by", chosen) != chosen:
            raise forms.ValidationError(
                _(
                    "Floors and dose below are not yet those of this policy. Take them over with the button, or send "
                    "the form again to keep what stands there."
                ),
                code="policy_not_taken_over",
            )
        return chosen

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
            donor_types=tuple(data["donor_types"]),
            kept_at_most=data["kept_at_most"],
            urgency=data["urgency"],
            notes=data["notes"],
            policy_id=self.chosen_policy.pk,
        )


def request_initial(
    patient: Patient, policy: SelectionPolicy, saved: MatchRequest | None = None
) -> dict[str, Any]:
    """What the form shows at first: a draft's criteria, else the policy's."""
    if saved is None:
        return {"min_tnc_e7_per_kg": _usual_dose(patient, policy), "urgency": patient.urgency}
    floors = {floor_field(name): str(saved.floors.get(name, "")) for name in FLOOR_CHOICES}
    columns = ("loci", "min_tnc_e7_per_kg", "statuses", "donor_types", "kept_at_most", "urgency", "notes")
    return {**floors, **{name: getattr(saved, name) for name in columns}}


def request_taken_over(patient: Patient, policy: SelectionPolicy, posted: QueryDict) -> dict[str, Any]:
    """What was typed, with floors and dose of another policy."""
    typed = {
        name: posted.get(name) for name in ("loci", "kept_at_most", "urgency", "notes") if name in posted
    }
    return {
        **typed,
        "statuses": posted.getlist("statuses"),
        "donor_types": posted.getlist("donor_types"),
        "min_tnc_e7_per_kg": _usual_dose(patient, policy),
    }


def _usual_dose(patient: Patient, policy: SelectionPolicy) -> Decimal | None:
    return None if patient.weight_kg is None else usual_tnc_e7_per_kg(policy)


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
