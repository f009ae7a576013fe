"""The gallery at /components/: every part of a page in every state, with made-up data that looks real."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from config import components_choosing, components_match
from core.pages import Sort
from core.work import WorkItem


class PatientGalleryForm(forms.Form):
    """Each kind of field once; the gallery binds it to bad values to show how an error looks."""

    code = forms.CharField(
        label=gettext_lazy("Patient code"), help_text=gettext_lazy("No name, no number of a hospital record.")
    )
    weight_kg = forms.DecimalField(label=gettext_lazy("Weight"), min_value=1, max_value=250)
    born_on = forms.DateField(label=gettext_lazy("Born on"), widget=forms.DateInput(attrs={"type": "date"}))
    diagnosis = forms.ChoiceField(
        label=gettext_lazy("Diagnosis"),
        choices=[("", "—"), ("mld", gettext_lazy("Metachromatic leukodystrophy"))],
    )
    sex = forms.ChoiceField(
        label=gettext_lazy("Sex"),
        choices=[("f", gettext_lazy("female")), ("m", gettext_lazy("male"))],
        widget=forms.RadioSelect,
    )
    urgent = forms.BooleanField(label=gettext_lazy("Transplant planned within 30 days"), required=False)
    note = forms.CharField(label=gettext_lazy("Note"), widget=forms.Textarea, required=False)


class TypingGalleryForm(forms.Form):
    """Two values per locus, as in the patient form."""

    a1 = forms.CharField(initial="11:01")
    a2 = forms.CharField(initial="24:02")
    b1 = forms.CharField(initial="40:01")
    b2 = forms.CharField(initial="46:XX")
    c1 = forms.CharField(initial="01:02", required=False)
    c2 = forms.CharField(required=False)
    drb1_1 = forms.CharField(initial="09:01")
    drb1_2 = forms.CharField(initial="15:AZZZ")
    dqb1_1 = forms.CharField(required=False)
    dqb1_2 = forms.CharField(required=False)


class FilterGalleryForm(forms.Form):
    q = forms.CharField(label=gettext_lazy("Search"), required=False)
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        choices=[("", gettext_lazy("all")), ("LISTED", gettext_lazy("listed"))],
        required=False,
    )
    tnc_min = forms.DecimalField(label=gettext_lazy("TNC from, ×10⁷"), required=False)


@require_GET
def components(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    context = {
        **_form_parts(),
        **_list_parts(now),
        **components_match.parts(),
        **components_choosing.parts(),
        "progress_states": _progress_states(now),
    }
    return render(request, "components.html", context)


def _form_parts() -> dict[str, Any]:
    bad = PatientGalleryForm({"code": "P-7Q4-2031", "weight_kg": "1240", "born_on": "2031-02-30", "sex": "f"})
    bad.full_clean()
    typing = TypingGalleryForm()
    return {
        "form": PatientGalleryForm(auto_id="new_%s"),
        "bad_form": bad,
        "filter_form": FilterGalleryForm({"status": "LISTED", "tnc_min": "120"}, auto_id="f_%s"),
        "typing_rows": _typing_rows(typing),
        "remarks": [
            {
                "severity": "conflict",
                "text": _("The antigens A1+A24 contradict the DNA typing A*02:01+A*24:02."),
            },
            {"severity": "warning", "text": _("A*24:02 could also be a null allele; read as expressed.")},
            {"severity": "note", "text": _("46:XX stands for 98 alleles.")},
        ],
        "import_errors": [
            {
                "line": 7,
                "column": "hla_a_1",
                "text": _("A*99:01 is not an allele of release 3.58.0. Did you mean A*29:01?"),
            },
            {"line": 31, "column": "tnc_e7", "text": _("4,100 ×10⁷ is far above 500 ×10⁷. Is the unit 10⁷?")},
            {"line": 112, "column": "din", "text": _("The check character of A9999 24 031877 is B, not Y.")},
        ],
    }


def _typing_rows(form: TypingGalleryForm) -> list[dict[str, Any]]:
    return [
        {
            "locus": "A",
            "required": True,
            "first": form["a1"],
            "second": form["a2"],
            "reading": "A*11:01, A*24:02",
        },
        {
            "locus": "B",
            "required": True,
            "first": form["b1"],
            "second": form["b2"],
            "reading": "B*40:01, B*46:XX",
            "remarks": [{"severity": "note", "text": _("46:XX stands for 98 alleles.")}],
        },
        {
            "locus": "C",
            "first": form["c1"],
            "second": form["c2"],
            "reading": "C*01:02, ?",
            "remarks": [{"severity": "note", "text": _("The second value is unknown, not homozygous.")}],
        },
        {
            "locus": "DRB1",
            "required": True,
            "first": form["drb1_1"],
            "second": form["drb1_2"],
            "errors": [_("15:AZZZ is not in the MAC table. Type the alleles, or load a newer table.")],
        },
        {"locus": "DQB1", "first": form["dqb1_1"], "second": form["dqb1_2"]},
    ]


def _list_parts(now: datetime) -> dict[str, Any]:
    return {
        "crumbs": [("#", _("Patients")), ("#", "P-7Q4-2031"), ("", _("Match list"))],
        "page": Paginator(range(20117), 50).page(3),
        "sort": Sort("-tnc", ("-tnc_e7", "pk")),
        "columns": [
            {"label": _("Unit"), "key": "din"},
            {"label": _("Collected on"), "key": "collected"},
            {"label": "TNC", "key": "tnc", "num": True, "unit": "×10⁷"},
            {"label": _("Status"), "key": ""},
        ],
        "chips": [
            {"label": _("Status"), "value": _("listed"), "remove": "?"},
            {"label": "TNC", "value": "≥ 120 ×10⁷", "remove": "?"},
        ],
        "facts": _facts(),
        "entries": [
            {
                "at": now,
                "actor": "Chen Wei",
                "text": _("Search completed"),
                "detail": _("7,120 units in 38 ms"),
                "tone": "good",
            },
            {
                "at": now - timedelta(hours=3),
                "actor": "Chen Wei",
                "text": _("Weight changed from 12.1 to 12.4 kg"),
            },
            {
                "at": now - timedelta(days=2),
                "actor": "system",
                "text": _("Held for confirmation: CD34 4.1 % of TNC"),
                "tone": "warn",
            },
        ],
        "work": _work(now),
        "tabs": [
            {"url": "#", "label": _("Overview"), "active": True},
            {"url": "#", "label": _("Requests"), "count": 3},
            {"url": "#", "label": _("Audit"), "count": 41},
        ],
        "steps": [
            {"label": _("Patient"), "state": "done"},
            {"label": _("Typing"), "state": "now"},
            {"label": _("Criteria"), "state": ""},
        ],
    }


def _facts() -> list[dict[str, Any]]:
    return [
        {"label": _("Donation number"), "value": "A9999 24 031877 B"},
        {"label": _("Collected on"), "value": "2024-05-17"},
        {"label": _("Status"), "value": _("listed"), "tone": "good"},
        {"label": "TNC", "value": "168.4", "unit": "×10⁷"},
        {"label": "CD34", "value": "7.2", "unit": "×10⁶", "note": _("0.43 % of TNC")},
        {"label": _("Volume"), "value": "22.0", "unit": "mL"},
        {"label": "ABO", "value": "O+"},
        {"label": _("Segments"), "value": None},
    ]


def _work(now: datetime) -> list[WorkItem]:
    return [
        WorkItem(
            _("Confirm 3 implausible counts"),
            "#",
            _("Import of 2026-11-20"),
            due_at=now - timedelta(days=1),
            count=3,
        ),
        WorkItem(
            _("Match list of P-7Q4-2031 is ready"),
            "#",
            _("Hospital 014 · 7,120 units"),
            since=now - timedelta(minutes=12),
        ),
    ]


def _progress_states(now: datetime) -> list[dict[str, Any]]:
    names = [_("Read the typing"), _("Load the inventory"), _("Score"), _("Rank"), _("Store")]

    def stages(*states: str) -> list[dict[str, str]]:
        return [{"label": name, "state": state} for name, state in zip(names, states, strict=True)]

    counts = [{"label": _("units"), "value": "20,117"}, {"label": _("distinct typings"), "value": "9,482"}]
    return [
        {
            "id": "p1",
            "state": "queued",
            "title": _("Waiting for a free worker"),
            "share": 0.0,
            "stages": stages("", "", "", "", ""),
        },
        {
            "id": "p2",
            "state": "running",
            "title": _("Scoring distinct typings"),
            "share": 0.62,
            "started_at": now - timedelta(seconds=7),
            "stages": stages("done", "done", "now", "", ""),
            "counts": counts,
        },
        {
            "id": "p3",
            "state": "done",
            "title": _("Done in 0.4 s"),
            "share": 1.0,
            "stages": stages(*["done"] * 5),
        },
        {
            "id": "p4",
            "state": "failed",
            "title": _("Stopped"),
            "share": 0.2,
            "stages": stages("done", "failed", "", "", ""),
            "error": _("The inventory could not be read. It will be tried again in a minute."),
        },
    ]
