"""What the yield page asks: a year, months of it, a site; it stays in the address."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from bank.yields.cohort import Cohort

ALL_YEARS = "all"


class YieldForm(forms.Form):
    """What is not given or senseless has its usual value; a last month before the first is the first."""

    use_required_attribute = False

    year = forms.ChoiceField(label=_("Collected in"), required=False)
    first = forms.TypedChoiceField(
        label=_("From month"), required=False, coerce=int, choices=list(MONTHS.items())
    )
    last = forms.TypedChoiceField(
        label=_("To month"), required=False, coerce=int, choices=list(MONTHS.items())
    )
    site = forms.CharField(label=_("Collection site"), required=False, max_length=120)

    def __init__(self, data: Any, *, years: Iterable[int], usual: int) -> None:
        given = {name: value for name, value in data.items() if value != ""}
        super().__init__({"year": str(usual), "first": "1", "last": "12", **given})
        asked: Any = self.fields["year"]
        asked.choices = [(ALL_YEARS, _("all years")), *((str(year), str(year)) for year in years)]
        self.usual = usual
        self.full_clean()

    def name_sites(self, sites: Iterable[str]) -> None:
        """A list to choose from, of those that have units in the period; what was asked stays in it."""
        asked = self.cohort.site
        names = sorted({*sites, asked} - {""})
        choices = [("", _("all sites")), *((name, name) for name in names)]
        self.fields["site"].widget = forms.Select(choices=choices)

    @property
    def year_asked(self) -> int | None:
        """None for all years."""
        year = self.cleaned_data.get("year") or str(self.usual)
        return None if year == ALL_YEARS else int(year)

    @property
    def cohort(self) -> Cohort:
        site = str(self.cleaned_data.get("site") or "").replace("\0", "")
        year = self.year_asked
        if year is None:
            return Cohort(site=site)
        first = self.cleaned_data.get("first") or 1
        last = max(self.cleaned_data.get("last") or 12, first)
        end = dt.date(year, last, calendar.monthrange(year, last)[1])
        return Cohort(dt.date(year, first, 1), end, site)
