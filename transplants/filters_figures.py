"""Choices of a cohort on its pages: a form that stays in the address, links to split, chips to take off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core.models import User
from hospitals.choices import DIAGNOSES, DiagnosisGroup
from hospitals.models import Hospital
from transplants.choices_outcomes import FIRST_TRANSPLANT_YEAR
from transplants.cohorts.cached import offered
from transplants.cohorts.definition import HORIZONS, LAST_YEAR, Cohort
from transplants.cohorts.dimensions import ALL_GROUPS, DIMENSIONS, FILTERS
from transplants.cohorts.disclosure import Scope, scope_of
from transplants.models import TransplantBatch

PAGES = (
    ("outcome-survival", gettext_lazy("Survival")),
    ("outcome-incidence", gettext_lazy("Competing events")),
    ("outcome-hospitals", gettext_lazy("Hospitals compared")),
    ("outcome-forest", gettext_lazy("What goes with survival")),
)


class CohortForm(forms.Form):
    """What every reader may choose. Bound to the cohort of the address."""

    use_required_attribute = False

    group = forms.ChoiceField(label=gettext_lazy("Diseases"), required=False)
    split = forms.ChoiceField(label=gettext_lazy("Split by"), required=False)
    years = forms.ChoiceField(
        label=gettext_lazy("Years shown"), required=False, choices=[(str(n), str(n)) for n in HORIZONS]
    )
    hospital = forms.ChoiceField(label=gettext_lazy("Hospital"), required=False)
    combined = forms.ChoiceField(
        label=gettext_lazy("Combined and supportive grafts"),
        required=False,
        choices=[("", pgettext_lazy("grafts", "out")), ("1", pgettext_lazy("grafts", "in"))],
    )

    def __init__(self, cohort: Cohort, scope: Scope) -> None:
        super().__init__(_data(cohort), auto_id="cohort-%s")
        groups = offered(scope)
        labels = dict(DiagnosisGroup.choices)
        choices = [(group, str(labels[group])) for group in groups]
        if scope.is_full:
            choices.append((ALL_GROUPS, _("All diseases")))
        self.fields["group"].choices = choices  # type: ignore[attr-defined]
        splits = [(d.key, d.label) for d in DIMENSIONS.values() if scope.is_full or d.open or cohort.hospital]
        self.fields["split"].choices = [("", _("not split")), *splits]  # type: ignore[attr-defined]
        self.fields["hospital"].choices = [("", _("all")), *_hospitals(scope)]  # type: ignore[attr-defined]
        if len(self.fields["hospital"].choices) == 1:  # type: ignore[attr-defined]
            del self.fields["hospital"]
        if not cohort.hospital and not groups.get(cohort.group, scope.is_full):
            del self.fields["combined"]


class NarrowForm(forms.Form):
    """What only a reader of all rows may choose besides."""

    use_required_attribute = False

    dx = forms.MultipleChoiceField(
        label=gettext_lazy("Diagnoses"), required=False, choices=[(d.code, d.label) for d in DIAGNOSES]
    )
    since = forms.IntegerField(label=gettext_lazy("From the year"), required=False)
    until = forms.IntegerField(label=gettext_lazy("To the year"), required=False)
    list = forms.ChoiceField(label=gettext_lazy("List"), required=False)

    def __init__(self, cohort: Cohort) -> None:
        chosen = dict(cohort.chosen)
        years = {"from": cohort.since or "", "to": cohort.until or ""}
        super().__init__(
            {"dx": list(cohort.diagnoses), "list": str(cohort.batch or ""), **years, **chosen},
            auto_id="cohort-%s",
        )
        for name, field in (("from", "since"), ("to", "until")):  # `from` is no name in Python
            self.fields[name] = self.fields.pop(field)
            self.fields[name].widget.attrs.update(min=FIRST_TRANSPLANT_YEAR, max=LAST_YEAR)
        batches = [(str(row.pk), row.name or row.file_name) for row in TransplantBatch.objects.all()]
        if batches:
            self.fields["list"].choices = [("", _("all")), *batches]  # type: ignore[attr-defined]
        else:
            del self.fields["list"]
        for key in FILTERS:
            self.fields[key] = forms.MultipleChoiceField(
                label=DIMENSIONS[key].label,
                required=False,
                choices=DIMENSIONS[key].values,
                widget=forms.CheckboxSelectMultiple,
            )


def _data(cohort: Cohort) -> dict[str, str]:
    return {
        "group": cohort.group,
        "split": cohort.split,
        "years": str(cohort.horizon),
        "hospital": str(cohort.hospital or ""),
        "combined": "1" if cohort.combined else "",
    }


def _hospitals(scope: Scope) -> list[tuple[str, str]]:
    rows = Hospital.objects.order_by("name")
    if scope.own is not None:
        rows = rows.filter(pk__in=scope.own)
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def context(cohort: Cohort, person: User, name: str) -> dict[str, Any]:
    scope = scope_of(person)
    page = reverse(f"transplants:{name}")
    return {
        "form": CohortForm(cohort, scope),
        "narrow": NarrowForm(cohort) if scope.is_full else None,
        "is_narrowed": bool(
            cohort.diagnoses or cohort.chosen or cohort.since or cohort.until or cohort.batch
        ),
        "active": chips(cohort),
        "clear_url": page,
        "is_limited": not scope.is_full,
        "is_own": cohort.hospital is not None and not scope.is_full,
    }


def chips(cohort: Cohort) -> list[dict[str, str]]:
    """Each narrowing, with the address without it."""
    found = []
    labels = {d.code: d.label for d in DIAGNOSES}
    for code in cohort.diagnoses:
        rest = tuple(other for other in cohort.diagnoses if other != code)
        found.append((_("Diagnosis"), str(labels[code]), replace(cohort, diagnoses=rest)))
    if cohort.since:
        found.append((_("From the year"), str(cohort.since), replace(cohort, since=None)))
    if cohort.until:
        found.append((_("To the year"), str(cohort.until), replace(cohort, until=None)))
    for key, values in cohort.chosen:
        label = ", ".join(str(DIMENSIONS[key].label_of(value)) for value in values)
        rest_of = tuple(pair for pair in cohort.chosen if pair[0] != key)
        found.append((str(DIMENSIONS[key].label), label, replace(cohort, chosen=rest_of)))
    if cohort.batch:
        row = TransplantBatch.objects.filter(pk=cohort.batch).first()
        found.append((_("List"), (row.name or row.file_name) if row else "–", replace(cohort, batch=None)))
    return [
        {"label": label, "value": value, "remove": f"?{without.query}"} for label, value, without in found
    ]


def tabs(name: str, cohort: Cohort) -> list[dict[str, Any]]:
    """The pages of outcomes; a cohort is kept from one to the next."""
    return [
        {
            "url": f"{reverse(f'transplants:{page}')}?{cohort.query}",
            "label": label,
            "active": page == name,
        }
        for page, label in PAGES
    ]
