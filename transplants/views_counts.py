"""Pages of blood counts: the table with engraftment, typing in, a file with preview, taking days out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from core.access import permission_required, person_of
from core.errors import DomainError
from core.posting import carried_out, posted, show_error
from core.roles import Permission
from transplants import count_files
from transplants import presenters_follow_up as presenters
from transplants import services_counts as services
from transplants.choices_outcomes import CountSource
from transplants.count_files import Read
from transplants.forms_follow_up import CountFileForm, CountFormSet
from transplants.models import Transplant
from transplants.outcomes.engraftment import Count
from transplants.services_counts import Given
from transplants.services_follow_up import may_edit
from transplants.views_follow_up import crumbs, transplant

_VIEW, _EDIT = Permission.TRANSPLANT_VIEW, Permission.FOLLOW_UP_EDIT


@require_http_methods(["GET", "POST"])
@permission_required(_VIEW)
def count_list(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was counted, and lines to type in."""
    acting = (_EDIT,) if request.method == "POST" else ()
    if acting and not person_of(request).has_permission(_EDIT):
        raise PermissionDenied
    row = transplant(request, pk, *acting)
    lines = CountFormSet(posted(request), prefix="c")
    status, faults = 200, []
    if request.method == "POST":
        status = 400
        if lines.is_valid():
            try:
                return _saved(request, row, _typed(lines), CountSource.TYPED)
            except DomainError as error:
                faults, status = list(error.details) or [{"text": error.message}], error.status
    return _page(request, row, lines=lines, faults=faults, status=status)


def _typed(lines: Any) -> list[Given]:
    found = []
    for number, form in enumerate(lines, start=1):
        data = form.cleaned_data
        if data.get("counted_on"):
            count = Count(
                data["counted_on"],
                data.get("anc_e9_per_l"),
                data.get("platelets_e9_per_l"),
                bool(data.get("transfused")),
            )
            found.append(Given(number, count))
    return found


@require_POST
@permission_required(_VIEW, _EDIT)
def count_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """First the preview with all that is wrong; with `take` what was shown is kept."""
    row = transplant(request, pk, _EDIT)
    form = CountFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, row, file_form=form, status=400)
    data = form.data_given()
    try:
        found = count_files.read(data, row.infused_on, died_on=services.died_on(row))
        if "take" in request.POST and not found.faults:
            return _saved(request, row, found.given, CountSource.FILE)
    except DomainError as error:
        show_error(form, error)
        return _page(request, row, file_form=form, status=error.status)
    text = data.decode("utf-8-sig", errors="replace")
    again = CountFileForm(initial={"text": text})
    return _page(request, row, file_form=again, preview=found, text=text, status=400 if found.faults else 200)


@require_POST
@permission_required(_VIEW, _EDIT)
def count_remove(request: HttpRequest, pk: Any) -> HttpResponse:
    """Days that were entered by mistake."""
    row = transplant(request, pk, _EDIT)
    form = forms.Form(request.POST)

    def remove() -> int:
        days = [dt.date.fromisoformat(day) for day in request.POST.getlist("day") if _is_day(day)]
        return services.counts_save(transplant_id=row.pk, given=[], remove=days, user=person_of(request))

    outcome = carried_out(request, form, remove)
    if outcome.done:
        _say(request, outcome.value)
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("transplants:count-list", pk=row.pk)


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _saved(request: HttpRequest, row: Transplant, given: list[Given], source: str) -> HttpResponse:
    changed = services.counts_save(transplant_id=row.pk, given=given, user=person_of(request), source=source)
    _say(request, changed)
    return redirect("transplants:count-list", pk=row.pk)


def _say(request: HttpRequest, changed: int) -> None:
    text = ngettext("%(n)d day is changed.", "%(n)d days are changed.", changed)
    messages.success(request, text % {"n": changed} if changed else _("Everything was known already."))


def _page(
    request: HttpRequest,
    row: Transplant,
    *,
    lines: Any = None,
    file_form: CountFileForm | None = None,
    preview: Read | None = None,
    text: str = "",
    faults: Any = (),
    status: int = 200,
) -> HttpResponse:
    counts = services.counts_of(row)
    shown = preview.given if preview else []
    both = [
        *(one for one in counts if one.day not in {g.count.day for g in shown}),
        *(g.count for g in shown),
    ]
    context = {
        "row": row,
        "counts": [_line(row, one) for one in counts],
        "engraftment": presenters.engraftment(counts),
        "lines": lines or CountFormSet(prefix="c"),
        "file_form": file_form or CountFileForm(),
        "preview": preview,
        "preview_rows": [{**_line(row, one.count), "line": one.line} for one in shown],
        "preview_engraftment": presenters.engraftment(both) if preview and not preview.faults else [],
        "text": text,
        "faults": list(faults),
        "may_edit": may_edit(row, person_of(request)),
        "crumbs": crumbs(row, _("Blood counts")),
    }
    return render(request, "transplants/count_list.html", context, status=status)


def _line(row: Transplant, count: Count) -> dict[str, Any]:
    return {
        "day": count.day,
        "days": (count.day - row.infused_on).days,
        "anc": _plain(count.anc_e9_per_l),
        "platelets": _plain(count.platelets_e9_per_l),
        "transfused": count.transfused,
    }


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"
