"""The list of typings that mean something else by the reference data in use: one selection for page and file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.access import person_of
from core.models import User
from core.pages import Column, Sort, sort_from
from hla.loci import LOCI
from matching.choices import ChangeKind
from matching.models import Rereading, TypingChange
from matching.presenters import references
from matching.querysets import TypingChangeQuerySet, may_see_requests_touched

ALL = [("", _("all"))]
COMPARISONS_OFFERED = 30

CHANGE_SORTS = {
    "touched": "number",
    "locus": "locus",
    "typing": "first",
    "units": "units",
    "requests": "request_count",
}
# `number` goes by the requests touched first: who may not see these gets an order that does not know of it.
PLAIN_SORTS = {"locus": "locus", "typing": "first", "units": "units"}
PLAIN_LAST = ("locus", "first", "second")
CHANGE_CSV = ("locus", "first", "second", "changes", "what", "units")


def change_columns(*, with_requests: bool) -> list[Column]:
    columns = [
        Column(_("Locus"), "locus"),
        Column(_("Typing"), "typing"),
        Column(_("What changed")),
        Column(_("Units"), "units", num=True),
        Column(_("Open requests"), "requests", num=True),
    ]
    return columns if with_requests else columns[:-1]


class ChangeFilterForm(forms.Form):
    """What it says stays in the address; what is unknown there filters nothing."""

    use_required_attribute = False

    q = forms.CharField(label=_("Typing"), required=False, max_length=60)
    comparison = forms.ChoiceField(label=_("Comparison"), required=False)
    kind = forms.ChoiceField(label=_("What changed"), required=False, choices=[*ALL, *ChangeKind.choices])
    locus = forms.ChoiceField(
        label=_("Locus"), required=False, choices=[*ALL, *((name, name) for name in LOCI)]
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Rereading.objects.visible_to(user).with_data().with_changes_for(user)
        self.comparisons = {str(row.pk): row for row in rows[:COMPARISONS_OFFERED]}
        choice = cast(forms.ChoiceField, self.fields["comparison"])
        choice.choices = [(key, references.comparison_name(row)) for key, row in self.comparisons.items()]

    @property
    def chosen(self) -> Rereading | None:
        """The comparison asked for, else the newest that is not known to have changed nothing, else the newest."""
        wanted = getattr(self, "cleaned_data", {}).get("comparison", "")
        rows = list(self.comparisons.values())
        telling = (row for row in rows if row.shows_changes or row.completed_at is None or not row.compared)
        return self.comparisons.get(wanted) or next(telling, rows[0] if rows else None)

    def apply(self, rows: TypingChangeQuerySet) -> TypingChangeQuerySet:
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        rows = rows.filter(rereading=self.chosen)
        if data.get("q"):
            text = data["q"].replace("\0", "").strip()
            rows = rows.filter(Q(first__icontains=text) | Q(second__icontains=text))
        if data.get("kind"):
            rows = rows.filter(kinds__contains=[data["kind"]])
        if data.get("locus"):
            rows = rows.filter(locus=data["locus"])
        return rows


def change_selection(request: HttpRequest) -> tuple[TypingChangeQuerySet, ChangeFilterForm, Sort]:
    """The visible changes that the address asks for, in its order."""
    person = person_of(request)
    form = ChangeFilterForm(request.GET, user=person)
    rows: TypingChangeQuerySet = form.apply(TypingChange.objects.visible_to(person))
    sort = change_sort(request, with_requests=may_see_requests_touched(person))
    return rows.order_by(*sort.fields), form, sort


def change_sort(request: HttpRequest, *, with_requests: bool) -> Sort:
    """Those that touch most first, unless the address says otherwise."""
    if with_requests:
        return sort_from(request, CHANGE_SORTS, "touched", last="number")
    sort = sort_from(request, PLAIN_SORTS, "-units")
    return replace(sort, fields=(sort.fields[0], *PLAIN_LAST))


def change_rows(rows: TypingChangeQuerySet, *, with_requests: bool) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=500):
        cells = [
            row.locus,
            row.first,
            row.second,
            " ".join(row.kinds),
            " | ".join(references.change_lines(row)),
        ]
        yield [*cells, row.units, *([row.request_count] if with_requests else [])]
