"""The match list: filters and orders over all stored results of a search, as the address says them.

Every filter acts on all stored results, not on the page. The number on a chip says how many results remain if
this chip is added to the filters that are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Count, F, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import DonorType, Source
from bank.models import Bank
from bank.querysets import not_blocked
from hla.loci import SEARCH_LOCI
from matching.choices import CLASS_SIZE, SIZES
from matching.computing import searched_donors
from matching.engine.numbers import plain_number
from matching.engine.selection.catalogue import RULES
from matching.engine.selection.checks import years_before
from matching.match_order import MatchOrder
from matching.models import Evaluation, SearchRun
from matching.querysets import SearchResultQuerySet
from matching.selection.policies import rules_of

NEWER_THAN_YEARS = 10  # age from which lists mark a unit (NMDP filter; domain notes 4.4 R13)
# Doses of the quick filters: of a single unit, for blood cancer and for other diseases (ASH-SAP table; notes 4.1).
USUAL_TNC_E7_PER_KG, HIGH_TNC_E7_PER_KG = Decimal("2.5"), Decimal(5)
USUAL_CD34_E5_PER_KG = Decimal("1.5")
CLASS_FILTERS = ("antigen6", "allele6", "allele8", "allele10")
USUAL_PERCENT = 50  # of the quick filter by probability

BY_PROBABILITY = {f"p{size}": size for size in SIZES}  # filters by name
DONOR_CHIPS = {
    DonorType.CORD.value: gettext_lazy("cord blood"),
    DonorType.ADULT.value: gettext_lazy("adult donors"),
}
# Which units are shown: those that no rule excludes, those that one does, or all, these last.
ELIGIBLE, EXCLUDED, ALL = "eligible", "excluded", "all"


class ResultFilterForm(forms.Form):
    """Filters as in the address. What is unknown or senseless filters nothing."""

    antigen6 = forms.TypedChoiceField(label=gettext_lazy("Antigen class"), required=False, coerce=int)
    allele6 = forms.TypedChoiceField(label=gettext_lazy("Allele class of 6"), required=False, coerce=int)
    allele8 = forms.TypedChoiceField(label=gettext_lazy("Allele class of 8"), required=False, coerce=int)
    allele10 = forms.TypedChoiceField(label=gettext_lazy("Allele class of 10"), required=False, coerce=int)
    tnc = forms.DecimalField(
        label=gettext_lazy("TNC ×10⁷/kg, at least"), required=False, min_value=0, max_value=1000
    )
    cd34 = forms.DecimalField(
        label=gettext_lazy("CD34 ×10⁵/kg, at least"), required=False, min_value=0, max_value=1000
    )
    years = forms.IntegerField(
        label=gettext_lazy("Collected in the last … years"), required=False, min_value=1, max_value=50
    )
    locus = forms.MultipleChoiceField(
        label=gettext_lazy("Certainly matched at"), required=False, widget=forms.CheckboxSelectMultiple
    )
    abo = forms.BooleanField(label=gettext_lazy("Identical ABO"), required=False)
    free = forms.BooleanField(label=gettext_lazy("Still on offer"), required=False)
    own = forms.BooleanField(label=gettext_lazy("Own inventory only"), required=False)
    donor = forms.ChoiceField(label=gettext_lazy("Donor"), required=False)
    bank = forms.ChoiceField(label=gettext_lazy("Bank or registry"), required=False)
    p6 = forms.IntegerField(
        label=gettext_lazy("P(6/6) in %, at least"), required=False, min_value=1, max_value=100
    )
    p8 = forms.IntegerField(
        label=gettext_lazy("P(8/8) in %, at least"), required=False, min_value=1, max_value=100
    )
    p10 = forms.IntegerField(
        label=gettext_lazy("P(10/10) in %, at least"), required=False, min_value=1, max_value=100
    )
    rule = forms.ChoiceField(
        required=False, choices=[(code, code) for code in RULES], widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, run: SearchRun, weighed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CLASS_FILTERS:
            if name not in run.counts:
                del self.fields[name]
                continue
            values = [value for value, _possible, _certain in run.counts[name]]
            size = CLASS_SIZE[name]
            self._offer(name, [("", _("all")), *((str(value), f"{value}/{size}") for value in values)])
        self._offer("locus", [(locus, locus) for locus in run.criteria["loci"]])
        if not weighed:
            del self.fields["tnc"], self.fields["cd34"]
        if not run.request.patient.abo:
            del self.fields["abo"]
        self._offer_origins(run)
        for name, size in BY_PROBABILITY.items():
            if size not in predicted_sizes(run):
                del self.fields[name]

    def _offer_origins(self, run: SearchRun) -> None:
        """Donors and banks to choose from, where the list has several."""
        donors = searched_donors(run.criteria)
        banks = list(Bank.objects.filter(pk__in=run.results.order_by().values("unit__bank").distinct()))
        self._offer("donor", [("", _("all")), *((one, str(DONOR_CHIPS[one])) for one in donors)])
        self._offer("bank", [("", _("all")), *((bank.code, str(bank)) for bank in banks)])
        for name, found in (("donor", donors), ("bank", banks)):
            if len(found) < 2:
                del self.fields[name]

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def predicted_sizes(run: SearchRun) -> tuple[int, ...]:
    """The sizes of the classes asked, where the search computed probabilities: (6, 8, 10) or fewer."""
    if not run.prediction.get("sets"):
        return ()
    return tuple(size for size in SIZES if size <= 2 * len(run.criteria["loci"]))


def lead_size(run: SearchRun) -> int:
    """The size by which one judges first: 8 of 8 where C was asked, else 6 of 6."""
    return min(8, 2 * len(run.criteria["loci"]))


@dataclass(frozen=True)
class Chip:
    """One filter that a click turns on or off. `name` and `value` as in the address."""

    name: str
    value: str
    label: str
    on: bool
    count: int
    url: str


class MatchList:
    """The selection of one view of a list: which results, in which order, and the chips beside them.

    evaluation: what the rules of a policy found; usual: which units are shown where the address does not say.
    """

    def __init__(
        self, query: QueryDict, run: SearchRun, evaluation: Evaluation, *, usual: str = ELIGIBLE
    ) -> None:
        self.run, self.evaluation = run, evaluation
        self.query = query
        weighed = evaluation.weight_kg is not None
        self.form = ResultFilterForm(query, run=run, weighed=weighed)
        self.form.is_valid()
        self.today = timezone.localdate()
        self.sizes = predicted_sizes(run)
        asked = query.get("show", usual)
        self.show = asked if asked in (ELIGIBLE, EXCLUDED, ALL) else usual
        rules = rules_of(evaluation.policy)
        self.order = MatchOrder(query, run, self.sizes, rules.sort, weighed=weighed)

    @property
    def active(self) -> dict[str, Any]:
        """Filters that are on, by name."""
        return {
            name: value
            for name, value in self.form.cleaned_data.items()
            if value not in (None, "", [], False)
        }

    def condition(self, name: str, value: Any) -> Q:
        """What a filter asks of a result."""
        match name:
            case "tnc":
                return Q(judged__tnc_e7_per_kg__gte=float(value))
            case "cd34":
                return Q(judged__cd34_e5_per_kg__gte=float(value))
            case "rule":
                return Q(judged__excluded_by__contains=[value])
            case "years":
                return Q(unit__collected_on__gte=years_before(self.today, int(value)))
            case "locus":
                return Q(*(locus_matched(locus) for locus in value))
            case "abo":
                return Q(unit__abo=self.run.request.patient.abo)
            case "free":
                return still_on_offer()
            case "own":
                return Q(unit__source=Source.OWN)
            case "donor":
                return Q(unit__donor_type=value)
            case "bank":
                return Q(unit__bank__code=value)
            case "p6" | "p8" | "p10":
                return Q(**{f"p0_of{BY_PROBABILITY[name]}__gte": int(value) / 100})
            case _:
                return Q(**{f"{name}_max": int(value)})

    def conditions(self, *, without: str = "") -> Q:
        asked = Q()
        for name, value in self.active.items():
            if name != without:
                asked &= self.condition(name, value)
        return asked

    @property
    def shown(self) -> Q:
        return {ELIGIBLE: Q(judged__is_excluded=False), EXCLUDED: Q(judged__is_excluded=True)}.get(
            self.show, Q()
        )

    def judged(self) -> SearchResultQuerySet:
        found: SearchResultQuerySet = self.run.results.judged_by(self.evaluation)
        return found

    def rows(self) -> SearchResultQuerySet:
        """The stored results that pass, in order, with their units as they are now."""
        return self.judged().filter(self.shown & self.conditions()).with_unit().order_by(*self.order.fields())

    @cached_property
    def _totals(self) -> dict[str, Any]:
        """Over all stored results, in one query: the rows behind each chip."""
        counts = {
            f"n{place}": Count("pk", filter=self._with(name, value))
            for place, (name, value, _label) in enumerate(self._offered())
        }
        return self.judged().filter(self.shown).aggregate(**counts)

    @property
    def most_lost(self) -> float:
        """The most by which a probability of the list may be too low."""
        return self.evaluation.most_lost

    def chips(self) -> list[Chip]:
        """The quick filters with their counts."""
        return [
            self._chip(name, value, label, self._totals[f"n{place}"])
            for place, (name, value, label) in enumerate(self._offered())
        ]

    def _offered(self) -> list[tuple[str, str, str]]:
        """(name, value, label) of each chip that makes sense for this search."""
        fields = self.form.fields
        found: list[tuple[str, str, str]] = []
        if "tnc" in fields:
            asked = Decimal(self.run.criteria["min_tnc_e7_per_kg"] or USUAL_TNC_E7_PER_KG)
            doses = [asked] if asked >= HIGH_TNC_E7_PER_KG else [asked, HIGH_TNC_E7_PER_KG]
            found += [
                ("tnc", plain_number(dose), _("TNC ≥ %(dose)s") % {"dose": plain_number(dose)})
                for dose in doses
            ]
            dose = plain_number(USUAL_CD34_E5_PER_KG)
            found.append(("cd34", dose, _("CD34 ≥ %(dose)s") % {"dose": dose}))
        if (name := f"p{lead_size(self.run)}") in fields:
            found.append((name, str(USUAL_PERCENT), _probability_chip(BY_PROBABILITY[name], USUAL_PERCENT)))
        if "abo" in fields:
            found.append(("abo", "on", _("identical ABO")))
        years = NEWER_THAN_YEARS
        found.append(("years", str(years), _("newer than %(n)d y") % {"n": years}))
        found.append(("free", "on", _("still on offer")))
        if "donor" in fields:
            found += [("donor", one, str(DONOR_CHIPS[one])) for one in searched_donors(self.run.criteria)]
        if self.form["own"].value() or self._has_partners:
            found.append(("own", "on", _("own inventory only")))
        loci = [locus for locus in SEARCH_LOCI if locus in self.run.criteria["loci"]]
        found += [("locus", locus, _("%(locus)s 2/2") % {"locus": locus}) for locus in loci]
        return found

    @cached_property
    def _has_partners(self) -> bool:
        return bool(Bank.objects.filter(source=Source.PARTNER).exists())

    def _with(self, name: str, value: str) -> Q:
        """All active filters and this one; a locus adds to the loci that are on, others replace their value."""
        if name == "locus":
            loci = {*self.active.get("locus", []), value}
            return self.conditions(without="locus") & self.condition("locus", sorted(loci))
        return self.conditions(without=name) & self.condition(name, value)

    def _chip(self, name: str, value: str, label: str, count: int) -> Chip:
        on = self._is_on(name, value)
        return Chip(name, value, label, on, count, self._toggled(name, value, on))

    def _is_on(self, name: str, value: str) -> bool:
        active = self.active.get(name)
        if name == "locus":
            return value in (active or [])
        if name in ("abo", "free", "own"):
            return bool(active)
        if name == "donor":
            return bool(active == value)
        return active is not None and Decimal(active) == Decimal(value)

    def _toggled(self, name: str, value: str, on: bool) -> str:
        query = self._query_without_page()
        others = [old for old in query.getlist(name) if old != value] if name == "locus" else []
        query.setlist(name, others if on else [*others, value])
        return _address(query)

    def with_value(self, name: str, value: Any) -> str:
        """Address of this list with one filter set to `value`, or cleared if it has that value already."""
        query = self._query_without_page()
        if str(self.active.get(name, "")) == str(value):
            query.pop(name, None)
        else:
            query[name] = str(value)
        return _address(query)

    def without_filters(self) -> str:
        query = QueryDict(mutable=True)
        for name in ("policy", "show", "sort", "unit"):  # units that are ticked stay so
            if name in self.query:
                query.setlist(name, self.query.getlist(name))
        return _address(query)

    def tabs(self) -> list[dict[str, Any]]:
        """Units that no rule excludes, and those that one does, with their numbers: nothing is out of sight."""
        units, excluded = self.evaluation.units, self.evaluation.excluded
        counted = (
            (ELIGIBLE, _("Eligible"), units - excluded),
            (EXCLUDED, _("Excluded by a rule"), excluded),
            (ALL, _("All"), units),
        )
        return [
            {"label": label, "count": count, "active": self.show == name, "url": self.showing(name)}
            for name, label, count in counted
        ]

    def showing(self, name: str) -> str:
        """Address of this list with other units shown."""
        query = self._query_without_page()
        query.pop("rule", None)
        query["show"] = name
        return _address(query)

    def excluding(self) -> list[dict[str, Any]]:
        """Among excluded units: each rule that excludes some, its number, and the address of only those."""
        if self.show != EXCLUDED:
            return []
        counts = self.evaluation.excluded_by
        return [
            {
                "code": code,
                "count": counts[code],
                "on": self.active.get("rule") == code,
                "url": self.with_value("rule", code),
            }
            for code in RULES
            if counts.get(code)
        ]

    def order_note(self) -> str:
        """Another order than the search's sorts what was kept, and says so where something was not."""
        if not self.run.cut or not self.order.reorders:
            return ""
        numbers = {"kept": f"{self.run.kept:,}", "cut": f"{self.run.cut:,}"}
        return (
            _(
                "Only the %(kept)s listed units are sorted: the best by class, certain matches and TNC. "
                "%(cut)s further candidates are not among them."
            )
            % numbers
        )

    def _query_without_page(self) -> QueryDict:
        query = self.query.copy()
        query.pop("page", None)
        return query


def _probability_chip(size: int, percent: int) -> str:
    return _("P(%(size)s) ≥ %(percent)s %%") % {"size": f"{size}/{size}", "percent": percent}


def _address(query: QueryDict) -> str:
    return f"?{query.urlencode()}" if query else "?"


def locus_matched(locus: str) -> Q:
    """Both positions certainly matched at allele level."""
    return Q(**{f"evidence__{locus}__match__0": 2})


def still_on_offer() -> Q:
    """The unit stands today as the search found it."""
    return Q(not_blocked("unit__"), unit__status=F("status"))
