"""Forms of follow-up, of blood counts, of the facts of a transplant and of their lists. Services check again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.models import User
from hospitals.choices import Stage, diagnosis_groups
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_outcomes import MOST_HCT_CI, MOST_TBI_GY, Cause
from transplants.findings import ACUTE_NUMBERS, FEV1
from transplants.models import FollowUp, OutcomeRules, Transplant
from transplants.outcomes.answers import ANSWERS, FINDINGS
from transplants.querysets_outcomes import OutcomeQuerySet
from transplants.services_facts import FACTS
from transplants.writing import LONGEST_REASON

CHOOSE = ("", "—")
KARNOFSKY: Final = [CHOOSE, *((str(value), str(value)) for value in range(100, -1, -10))]
YES_NO: Final = (CHOOSE, ("yes", _("yes")), ("no", _("no")))
UNITS: Final[Mapping[str, str]] = {
    "donor_chimerism_percent": "%", "enzyme_percent": "%", "skin_percent": "%", "stool_ml": "mL", "fev1_percent": "%",
    "tbi_gy": "Gy",
}  # fmt: skip
SITES: Final[Mapping[str, Any]] = {
    "skin": _("Skin: area"),
    "skin_features": _("Skin: hardening"),
    "mouth": _("Mouth"),
    "eyes": _("Eyes"),
    "gut": _("Gastrointestinal tract"),
    "liver": pgettext_lazy("organ", "Liver"),
    "joints": _("Joints and fascia"),
    "genital": _("Genital tract"),
}
SCORES: Final = (
    ("", _("not examined")),
    ("0", _("0: none")),
    ("1", _("1: mild")),
    ("2", _("2: moderate")),
    ("3", _("3: severe")),
)


def date_field(label: Any, **more: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, required=False, **more)


def _number(label: Any, least: float, most: float, step: str = "any", **more: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"step": step, "inputmode": "decimal"})
    return forms.DecimalField(
        label=label, min_value=least, max_value=most, widget=widget, required=False, **more
    )


def _field(model: type[Any], name: str) -> forms.Field:
    """The field of a column, as our pages show it: nothing is needed, a choice begins with a dash."""
    column: Any = model._meta.get_field(name)
    if name == "karnofsky":
        return forms.TypedChoiceField(
            label=column.verbose_name, choices=KARNOFSKY, coerce=int, empty_value=None, required=False
        )
    if column.choices:
        return forms.ChoiceField(label=column.verbose_name, choices=[CHOOSE, *column.choices], required=False)
    kind = column.get_internal_type()
    if kind == "DateField":
        return date_field(column.verbose_name)
    if kind == "DecimalField":
        return _number(column.verbose_name, 0, 10 ** (column.max_digits - column.decimal_places) - 1)
    widget = forms.Textarea(attrs={"rows": 2}) if column.max_length and column.max_length >= 400 else None
    found: forms.Field = (
        column.formfield(required=False, widget=widget) if widget else column.formfield(required=False)
    )
    return found


# Sections of the page: key, title, help, fields.
SECTIONS: Final[tuple[tuple[str, Any, Any, tuple[str, ...]], ...]] = (
    ("contact", _("The patient"), "", ("contact", "contact_on", "karnofsky")),
    (
        "graft",
        _("Engraftment"),
        _("Where counts show a recovery, their day counts and stands here already."),
        (
            "neutrophils", "neutrophils_on", "platelets", "platelets_on", "graft_failure", "graft_failure_on",
            "donor_chimerism_percent", "chimerism_on", "enzyme_percent",
        ),
    ),
    (
        "acute",
        _("Acute GVHD"),
        _("Findings at their worst, as measured. Stages (MAGIC) and grade follow from them; an organ that nobody "
          "looked at stays empty."),
        (
            "acute", "acute_on", "skin_percent", "bullae", "bilirubin", "bilirubin_unit", "stool_ml", "stool_episodes",
            "gut_severe", "upper_gut", "acute_severe_on",
        ),
    ),
    (
        "chronic",
        _("Chronic GVHD"),
        _("NIH scores at their worst; of the lung FEV1 counts, not symptoms. The severity follows from them."),
        ("chronic", "chronic_on", *SITES, "fev1_percent", "chronic_systemic", "chronic_systemic_on"),
    ),
    (
        "disease",
        _("Disease and what came after"),
        "",
        (
            "relapse", "relapse_on", "malignancy", "malignancy_on", "second_transplant", "second_transplant_on",
            "infections", "organs",
        ),
    ),
    (
        "death",
        _("If the patient died"),
        _("Exactly one primary cause, any number of contributing ones. While the result of an autopsy is pending the "
          "form stays open to be completed."),
        ("primary_cause", "autopsy", "contributing"),
    ),
    ("note", _("Note"), _("No name of a patient."), ("note",)),
)  # fmt: skip


class FollowUpForm(forms.Form):
    """One form of follow-up on one page. Every answer may be missing in a draft: missing is not "no"."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, correcting: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ANSWERS:
            if name not in FINDINGS and name != "contributing":
                self.fields[name] = _field(FollowUp, name)
        self.fields["contributing"] = forms.MultipleChoiceField(
            label=_("Contributing causes"),
            choices=[one for one in Cause.choices if one[0] != Cause.UNKNOWN],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )
        self.fields.update(_acute_fields() | _chronic_fields())
        if correcting:
            self.fields["reason"] = forms.CharField(
                label=_("Why it is corrected"),
                max_length=LONGEST_REASON,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def sections(self) -> Iterator[dict[str, Any]]:
        for key, title, text, names in SECTIONS:
            fields = [(self[name], UNITS.get(name, "")) for name in names]
            yield {"key": key, "title": title, "help": text, "fields": fields}

    def answers(self) -> dict[str, Any]:
        """For the services."""
        data = self.cleaned_data
        found = {name: data[name] for name in ANSWERS if name not in FINDINGS}
        found["acute_organs"] = {name: data[name] for name in _acute_fields()}
        found["chronic_sites"] = {name: data[name] for name in _chronic_fields()}
        return found


def initial_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the page begins with: answers, the findings each in its own field."""
    plain = {name: value for name, value in values.items() if name not in FINDINGS}
    return {**plain, **(values.get("acute_organs") or {}), **(values.get("chronic_sites") or {})}


def _acute_fields() -> dict[str, forms.Field]:
    def answer(label: Any, **more: Any) -> forms.ChoiceField:
        return forms.ChoiceField(label=label, choices=YES_NO, required=False, **more)

    return {
        "skin_percent": _number(_("Skin: share of the body surface"), *ACUTE_NUMBERS["skin_percent"]),
        "bullae": answer(_("Erythroderma with blisters or peeling of more than 5 %")),
        "bilirubin": _number(_("Total bilirubin"), *ACUTE_NUMBERS["bilirubin"]),
        "bilirubin_unit": forms.ChoiceField(
            label=_("Bilirubin in"),
            choices=[("mg_per_dl", "mg/dL"), ("umol_per_l", "µmol/L")],
            required=False,
        ),
        "stool_ml": _number(_("Stool a day, measured"), *ACUTE_NUMBERS["stool_ml"]),
        "stool_episodes": _number(
            _("else episodes a day"), *ACUTE_NUMBERS["stool_episodes"], step="1", decimal_places=0
        ),
        "gut_severe": answer(_("Severe abdominal pain, ileus or bloody stool")),
        "upper_gut": answer(_("Lasting nausea, vomiting or loss of appetite")),
    }


def _chronic_fields() -> dict[str, forms.Field]:
    scored = {
        name: forms.ChoiceField(label=label, choices=SCORES, required=False) for name, label in SITES.items()
    }
    fev1 = _number(_("Lung: FEV1 of the predicted value"), *FEV1)
    return {**scored, "fev1_percent": fev1}


# --- counts ---------------------------------------------------------------------------------------


class CountForm(forms.Form):
    """One day. A row without a day is left out."""

    counted_on = date_field(_("Day"))
    anc_e9_per_l = _number(_("Neutrophils"), 0, 1_000_000)
    platelets_e9_per_l = _number(_("Platelets"), 0, 1_000_000)
    transfused = forms.BooleanField(label=_("Platelets were given"), required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        said = any(data.get(name) not in (None, False, "") for name in data if name != "counted_on")
        if said and not data.get("counted_on") and "counted_on" not in self.errors:
            self.add_error("counted_on", _("Give the day."))
        return data


CountFormSet = forms.formset_factory(CountForm, extra=5, max_num=100)


class CountFileForm(forms.Form):
    """A file or a pasted table; the text goes along with the preview, so that what is taken over is what was shown."""

    file = forms.FileField(label=_("CSV file"), required=False)
    text = forms.CharField(
        label=_("or paste the table here"),
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
        strip=False,
    )

    def data_given(self) -> bytes:
        upload = self.cleaned_data.get("file")
        if upload is None:
            return str(self.cleaned_data.get("text") or "").encode()
        found: bytes = upload.read()
        return found


# --- facts, rules, list ---------------------------------------------------------------------------


class FactsForm(forms.Form):
    """What a transplant was given for and how."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in FACTS:
            self.fields[name] = _field(Transplant, name)
        self.fields["diagnosis"] = forms.ChoiceField(
            label=_("Diagnosis"), choices=[CHOOSE, *diagnosis_groups()], required=False
        )
        self.fields["diagnosis_text"].label = _("Diagnosis in words")
        self.fields["stage"] = forms.ChoiceField(
            label=_("Stage"), choices=[CHOOSE, *Stage.choices], required=False
        )
        self.fields["tbi_gy"] = _number(_("Total body irradiation"), 0, MOST_TBI_GY, decimal_places=2)
        self.fields["hct_ci"] = forms.IntegerField(
            label=_("Comorbidity index (HCT-CI)"), min_value=0, max_value=MOST_HCT_CI, required=False
        )
        self.fields["symptomatic"].help_text = _("Of inherited disorders.")
        self.fields["risk_index"].help_text = _("Of blood cancers: the refined index, by disease and status.")

    def pairs(self) -> list[tuple[Any, str]]:
        return [(self[name], UNITS.get(name, "")) for name in FACTS]

    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in FACTS}


class OutcomeRulesForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )

    class Meta:
        model = OutcomeRules
        fields = ("remind_every_days", "tell_bank_after_days", "graft_failure_day")


class FollowUpFilterForm(forms.Form):
    """Filters of the list of forms; what they say stays in the URL."""

    state = forms.ChoiceField(
        label=pgettext_lazy("follow-up", "Forms"),
        required=False,
        choices=[
            ("", _("due and overdue")),
            ("overdue", _("overdue")),
            ("due", _("due")),
            ("soon", _("due within 60 days")),
        ],
    )
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]
            return
        self.fields["hospital"] = HospitalChoiceField(
            label=_("Hospital"),
            queryset=Hospital.objects.visible_to(user).order_by("code"),
            required=False,
            empty_label=_("all"),
        )

    def apply(self, rows: OutcomeQuerySet, today: dt.date) -> OutcomeQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data: dict[str, Any] = self.cleaned_data if self.is_bound else {}
        if hospital := data.get("hospital"):
            rows = rows.filter(transplant__hospital=hospital)
        state = data.get("state")
        if state == "soon":
            return rows.filter(due_from__gt=today, due_from__lte=today + dt.timedelta(days=60))
        if state == "overdue":
            return rows.overdue(today)
        return rows.due(today) if state == "due" else rows.asked(today)
