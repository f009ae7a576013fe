"""The typing workbench: what a typing denotes, how two of them match. Nothing is stored or recorded.

A form that is sent leads to an address that holds its input, so that a result can be shared and reloaded; an
input too long for an address is answered as it is. The live check sends the same form while one types.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import replace_url

from core.access import permission_required
from core.roles import Permission
from hla.antigens import ANTIGEN_RULES
from matching import reference
from matching.presenters import workbench as words
from matching.workbench import MAX_CHARACTERS, MAX_LINES, Workbench

MAX_ADDRESS: Final = 2_000  # characters of a query string that every browser and proxy carries

# Made up. They can be read by any release and by the built-in nomenclature.
EXAMPLES: Final = (
    (_("A whole typing"), "A*02:01+A*24:02^B*40:01+B*46:01^C*01:02+C*03:04^DRB1*09:01+DRB1*15:01"),
    (_("Serology"), "A2+A24^B60+B46^DR9+DR15"),
    (_("DNA and serology that contradict each other"), "A*02:01+A*24:02^A1+A24"),
    (_("Which of two genotypes is open"), "A*02:01+A*24:02|A*02:05+A*24:03"),
    (_("Lists, families, a null allele"), "A*02:01/02:06+A*24:XX^B*40:01+B*15:01^C*01:02+C*04:09N"),
    (_("With mistakes"), "A*02:01+A*0299\nB*40:01+B*46:01+B*15:01\nDRB1*9"),
)
PAIR_EXAMPLES: Final = (
    (
        _("A mismatch at A and an open C"),
        "A*02:01+A*24:02^B*40:01+B*46:01^C*01:02+C*03:04^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01",
        "A*02:06+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01",
    ),
    (_("Serology against DNA"), "A2+A24^B60+B46^DR9+DR15", "A*02:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"),
    (_("DPB1 and the leader of B"), "B*07:02+B*46:01^DPB1*02:01+DPB1*05:01", "B*07:02+B*08:01^DPB1*02:01+DPB1*09:01"),
)  # fmt: skip


def text_field(label: Any, help_text: Any, rows: int) -> forms.CharField:
    attrs = {"rows": rows, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        strip=False,
        max_length=MAX_CHARACTERS,
        widget=forms.Textarea(attrs={**attrs, "class": "mono"}),
        error_messages={
            "max_length": _(
                "At most %(limit_value)d characters are read here, these are %(show_value)d. "
                "For long lists use the API or manage.py hla_explain."
            )
        },
    )


def blank_field() -> forms.BooleanField:
    return forms.BooleanField(label=_("A single value counts as homozygous"), required=False)


class WorkbenchForm(forms.Form):
    """What both pages share. Line ends are those of one character, so that positions of errors hold."""

    texts: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in self.texts:
            data[name] = data.get(name, "").replace("\r\n", "\n").replace("\r", "\n")
        return data

    @property
    def bench(self) -> Workbench:
        """The workbench as the form asks for it."""
        return Workbench(
            reference.resolver(),
            blank="homozygous" if self.cleaned_data["blank_homozygous"] else "unknown",
            antigen_rule=self.cleaned_data.get("antigen_rule") or "split",
        )

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data[name].strip() for name in self.texts)

    def query(self) -> str:
        """The input as a query string, only what differs from an empty form; "" if there is none or it is too long."""
        given = {name: value for name, value in self.cleaned_data.items() if value and value != "split"}
        if self.is_empty:
            return ""
        query = urlencode({name: "1" if value is True else value for name, value in given.items()})
        return query if len(query) <= MAX_ADDRESS else ""


class InterpretForm(WorkbenchForm):
    """Typings, one a line."""

    texts = ("typing",)
    typing = text_field(
        _("Typing"),
        _("A value, both values of a locus or a whole GL string; several of them on lines of their own."),
        rows=4,
    )
    blank_homozygous = blank_field()

    def lines(self) -> list[str]:
        return [line for line in self.cleaned_data["typing"].split("\n") if line.strip()]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        count = len(self.lines())
        if count > MAX_LINES:
            text = ngettext(
                "At most %(limit)d line is read here, these are %(count)d.",
                "At most %(limit)d lines are read here, these are %(count)d.",
                MAX_LINES,
            )
            self.add_error("typing", text % {"limit": MAX_LINES, "count": count})
        return data


class CompareForm(WorkbenchForm):
    """A patient's typing and a unit's. Loci may stand on lines of their own."""

    texts = ("patient", "unit")
    patient = text_field(_("Patient"), "", 5)
    unit = text_field(_("Unit"), "", 5)
    antigen_rule = forms.ChoiceField(
        label=_("Two splits of one broad antigen"),
        choices=list(zip(ANTIGEN_RULES, (_("are a mismatch"), _("are a match")), strict=True)),
        required=False,
    )
    blank_homozygous = blank_field()


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW)
def workbench(request: HttpRequest) -> HttpResponse:
    form = InterpretForm(_given(request))
    answer: dict[str, Any] = {}
    if form.is_valid() and not form.is_empty:
        bench = form.bench
        answer = words.interpreted(bench, [bench.explain(line) for line in form.lines()])
    examples = [{"label": label, "url": _address(typing=text)} for label, text in EXAMPLES]
    return _page(request, form, "matching:workbench", "matching/workbench.html", answer, examples)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW)
def workbench_compare(request: HttpRequest) -> HttpResponse:
    form = CompareForm(_given(request))
    answer: dict[str, Any] = {}
    if form.is_valid() and not form.is_empty:
        # a line end stands for ^, which is as long: places of errors stay what they are
        texts = {side: form.cleaned_data[side].replace("\n", "^") for side in form.texts}
        bench = form.bench
        answer = words.compared(
            bench, bench.compare(**texts), {name: form.cleaned_data[name] for name in texts}
        )
    examples = [
        {"label": label, "url": _address(patient=patient, unit=unit)} for label, patient, unit in PAIR_EXAMPLES
    ]  # fmt: skip
    return _page(
        request, form, "matching:workbench-compare", "matching/workbench_compare.html", answer, examples
    )


def _given(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _address(**fields: str) -> str:
    return "?" + urlencode(fields)


def _page(
    request: HttpRequest,
    form: WorkbenchForm,
    url_name: str,
    template: str,
    answer: dict[str, Any],
    examples: list[dict[str, Any]],
) -> HttpResponse:
    """The page, the address of the input after a form was sent, or only the answer for the live check."""
    live = bool(getattr(request, "htmx", False))
    query = form.query() if form.is_valid() else ""
    address = f"{reverse(url_name)}?{query}" if query else reverse(url_name)
    if request.method == "POST" and not live and (query or not answer) and form.is_valid():
        return redirect(address)
    context = {
        "form": form,
        "answer": answer,
        "examples": examples,
        "tabs": _tabs(url_name),
        "basis": words.basis(Workbench(reference.resolver())),
        "live": live,
        "share": bool(query),
    }
    response = render(request, "matching/_workbench_answer.html" if live else template, context)
    return replace_url(response, address) if live and form.is_valid() else response


def _tabs(url_name: str) -> list[dict[str, Any]]:
    names = (("matching:workbench", _("Interpret")), ("matching:workbench-compare", _("Compare")))
    return [{"url": reverse(name), "label": label, "active": name == url_name} for name, label in names]
