"""The list of patients, and what lists share: filters, columns and CSV are one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.models import User
from core.pages import Column, Sort, sort_from
from core.roles import Permission
from hospitals import choices
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital, Patient
from hospitals.querysets import PatientQuerySet, hospitals_open_to

ANY = [("", _("all"))]


class ListFilter(forms.Form):
    """A GET form. What is unknown in the address filters nothing, so that an old link still shows a list."""

    use_required_attribute = False

    def value(self, name: str) -> Any:
        if not hasattr(self, "cleaned_data"):
            self.is_valid()
        return self.cleaned_data.get(name)


class PatientFilter(ListFilter):
    q = forms.CharField(label=_("Patient code"), required=False, max_length=40)
    hospital = HospitalChoiceField(
        label=_("Hospital"), required=False, queryset=Hospital.objects.none(), empty_label=_("all")
    )
    diagnosis = forms.ChoiceField(
        label=_("Diagnosis"), required=False, choices=[*ANY, *choices.DiagnosisGroup.choices]
    )
    urgency = forms.ChoiceField(label=_("Urgency"), required=False, choices=[*ANY, *choices.Urgency.choices])
    typing = forms.ChoiceField(
        label=_("HLA typing"),
        required=False,
        choices=[
            *ANY,
            ("typed", _("Typed")),
            ("missing", _("Missing")),
            ("discrepancy", _("Two samples differ")),
        ],
    )
    weight = forms.ChoiceField(
        label=_("Weight"), required=False, choices=[*ANY, ("known", _("Known")), ("missing", _("Missing"))]
    )
    state = forms.ChoiceField(required=False, choices=choices.PatientState.choices, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        opened = hospitals_open_to(user, Permission.PATIENT_VIEW)
        if opened is not None and len(opened) < 2:
            del self.fields["hospital"]
        else:
            hospitals: Any = self.fields["hospital"]
            hospitals.queryset = Hospital.objects.visible_to(user)

    def state_shown(self) -> str:
        return self.value("state") or choices.PatientState.ACTIVE.value

    def apply(self, rows: PatientQuerySet) -> PatientQuerySet:
        """All filters but the state, which has tabs of its own."""
        if self.value("q"):
            rows = rows.matching(self.value("q"))
        if self.value("hospital"):
            rows = rows.filter(hospital=self.value("hospital"))
        if self.value("urgency"):
            rows = rows.filter(urgency=self.value("urgency"))
        if self.value("diagnosis"):
            codes = [d.code for d in choices.DIAGNOSES if d.group == self.value("diagnosis")]
            rows = rows.filter(diagnosis__in=codes)
        if self.value("typing"):
            rows = _typed_as(rows, self.value("typing"))
        if self.value("weight"):
            rows = rows.filter(weight_kg__isnull=self.value("weight") == "missing")
        return rows


def _typed_as(rows: PatientQuerySet, wanted: str) -> PatientQuerySet:
    if wanted == "discrepancy":
        return rows.filter(typing_discrepancy=True)
    return rows.untyped() if wanted == "missing" else rows.filter(is_typed=True)


PATIENT_COLUMNS = (
    Column(_("Patient"), "code"),
    Column(_("Hospital"), "hospital"),
    Column(_("Sex")),
    Column(_("Date of birth"), "birth"),
    Column(_("Weight"), "weight", num=True, unit="kg"),
    Column(_("Diagnosis"), "diagnosis"),
    Column(_("Blood group")),
    Column(_("HLA typing"), "typing"),
    Column(_("Last change"), "changed"),
)


def patient_columns(form: PatientFilter) -> list[Column]:
    """Whoever sees one hospital only needs no column that says so in every row."""
    return [column for column in PATIENT_COLUMNS if column.key != "hospital" or "hospital" in form.fields]


PATIENT_SORTS = {
    "code": "code",
    "hospital": "hospital__code",
    "birth": "birth_date",
    "weight": "weight_kg",
    "diagnosis": "diagnosis",
    "typing": "is_typed",
    "changed": "updated_at",
}


def patient_selection(request: HttpRequest) -> tuple[PatientQuerySet, PatientFilter, Sort]:
    """The filtered rows of both states, in order; the caller takes the state that is shown."""
    form = PatientFilter(request.GET, user=person_of(request))
    sort = sort_from(request, PATIENT_SORTS, "-changed")
    rows = form.apply(Patient.objects.visible_to(person_of(request)).with_typed()).select_related("hospital")
    return rows.order_by(*nulls_last(sort)), form, sort


def patient_rows(rows: PatientQuerySet) -> Iterator[list[Any]]:
    for row in rows.with_current_typing().iterator(chunk_size=500):
        typing = row.current_typing
        yield [
            row.code,
            row.hospital.code,
            row.state,
            row.sex,
            row.birth_date,
            row.weight_kg,
            row.abo,
            row.rh,
            row.cmv,
            row.populations,
            row.diagnosis,
            row.icd10,
            row.stage,
            row.urgency,
            typing.canonical_gl if typing else "",
            typing.nomenclature if typing else "",
            timezone.localtime(row.updated_at).isoformat(timespec="seconds"),
        ]


PATIENT_CSV = (
    *("code", "hospital", "state", "sex", "birth_date", "weight_kg", "abo", "rh", "cmv", "population"),
    *("diagnosis", "icd10", "stage", "urgency", "hla_gl", "hla_release", "updated_at"),
)


def nulls_last(sort: Sort) -> list[Any]:
    """Unknown values stand at the end in both directions."""
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    return [
        field.desc(nulls_last=True) if sort.descending else field.asc(nulls_last=True),
        *rest,
    ]
