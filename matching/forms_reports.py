"""Forms of match reports: what it shall hold, and its signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core.signing import SignatureForm
from matching.choices import SignatureMeaning
from matching.models import MatchReport
from matching.presenters import reports
from matching.reports.bounds import FEWEST_UNITS, MOST_PAIRS, MOST_UNITS, USUAL_UNITS
from matching.services import Signing


class ReportForm(forms.Form):
    """How many units, in which language; report_id: of the one report that the form makes.

    What is left out has its usual value; what is wrong is an error.
    """

    n = forms.IntegerField(
        label=_("Units, the first of the list"),
        min_value=FEWEST_UNITS,
        max_value=MOST_UNITS,
        required=False,
        error_messages={"invalid": _("Write a whole number.")},
    )
    pairs = forms.IntegerField(
        label=_("Best pairs of two units"),
        help_text=_("0: none"),
        min_value=0,
        max_value=MOST_PAIRS,
        required=False,
        error_messages={"invalid": _("Write a whole number.")},
    )
    report_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)
    lang = forms.ChoiceField(label=_("Language of the report"), choices=settings.LANGUAGES, required=False)

    @classmethod
    def usual(cls) -> dict[str, Any]:
        return {"n": USUAL_UNITS, "pairs": 0, "lang": get_language() or settings.LANGUAGE_CODE}

    def value(self, name: str) -> Any:
        return self.cleaned_data.get(name) or self.usual()[name]


def choice_text(unit: Mapping[str, Any]) -> str:
    """7. UNIT · excluded by itself: rule · a pair with OTHER · not on offer any more"""
    words = [f"{unit['rank']}. {unit['unit_no']}"]
    if unit["excluded"]:
        words.append(_("excluded by itself: %(rules)s") % {"rules": ", ".join(unit["excluded"])})
    if unit["partners"]:
        words.append(_("a pair with %(units)s") % {"units": ", ".join(unit["partners"])})
    if unit["gone"]:
        words.append(str(_("not on offer any more")))
    return " · ".join(words)


class SignForm(SignatureForm):
    """The words that are signed, the units chosen, the password."""

    meaning = forms.ChoiceField(
        label=_("I sign that"), choices=SignatureMeaning.choices, widget=forms.RadioSelect
    )
    chosen = forms.MultipleChoiceField(
        label=_("Units chosen"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("One, or two for a double graft."),
    )
    remark = forms.CharField(label=_("Remark"), max_length=400, required=False)
    field_order = ["meaning", "chosen", "remark", "password"]

    def __init__(self, *args: Any, report: MatchReport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["chosen"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(unit["unit_no"], choice_text(unit)) for unit in reports.units(report)]

    def signing(self) -> Signing:
        data = self.cleaned_data
        return Signing(data["meaning"], tuple(data["chosen"]), data["remark"])
