"""Pages of recalls: list, what would be recalled and its signature, one recall, its end, whom it concerns as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from bank.models import CordBloodUnit, Lot
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import Target
from core.exports import csv_response
from core.models import User
from core.pages import paginate
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing
from transplants import affected, presenters_incidents
from transplants import presenters_recalls as presenters
from transplants import services_recall as services
from transplants.forms_recalls import RecallEndForm, RecallForm, RecallUnitsForm
from transplants.models import Incident, Recall, RecallUnit
from transplants.services_recall import Wanted
from transplants.subjects_incidents import key_of

_VIEW, _START = Permission.RECALL_VIEW, Permission.RECALL_START


@require_GET
@permission_required(_VIEW)
def recall_list(request: HttpRequest) -> HttpResponse:
    """Those that are on first."""
    rows = Recall.objects.visible_to(person_of(request)).with_names().with_unit_counts()
    page = paginate(request, rows.order_by(F("lifted_at").desc(nulls_first=True), "-started_at", "pk"))
    context = {
        "page": page,
        "rows": [presenters.list_row(row) for row in page],
        "crumbs": [(reverse("transplants:incident-list"), _("Incidents")), ("", _("Recalls"))],
    }
    return render(request, "transplants/recall_list.html", context)


# --- started --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(_VIEW, _START)
def recall_create(request: HttpRequest) -> HttpResponse:
    """`?lot=` or `?unit=` leads to what would be recalled at once; else units are named first. `?incident=` chooses."""
    person = person_of(request)
    lot = _lot(request)
    if "seen" in request.POST:
        return _sign(request, lot)
    if lot is not None:
        return _preview(request, lot, Wanted(lot_id=lot.pk))
    key = key_of(request, "unit")
    if key and request.method == "GET":
        unit = get_visible_or_404(CordBloodUnit, person, pk=key)
        return _preview(request, None, Wanted(unit_ids=[unit.pk]))
    form = RecallUnitsForm(posted(request))
    if request.method == "POST" and form.is_valid():
        return _preview(request, None, Wanted(unit_ids=form.cleaned_data["units"]))
    context = {"form": form, "crumbs": _crumbs(_("Recall units"))}
    return render(request, "transplants/recall_units.html", context, status=400 if form.is_bound else 200)


def _lot(request: HttpRequest) -> Lot | None:
    key = key_of(request, "lot")
    if key is None:
        return None
    lot: Lot = get_visible_or_404(Lot.objects.select_related("merged_into"), person_of(request), pk=key)
    return lot.merged_into or lot


def _sign(request: HttpRequest, lot: Lot | None) -> HttpResponse:
    form = RecallForm(request.POST, incidents=Incident.objects.visible_to(person_of(request)))
    wanted = Wanted(lot_id=lot.pk) if lot else Wanted()

    def start() -> Recall:
        data = dict(form.cleaned_data)
        incident, units = data.pop("incident"), data.pop("units")
        what = wanted if lot else Wanted(unit_ids=units)
        target: Target = lot or (Recall._meta.label, "", "")
        with signing(request, target=target, action="recall.sign_refused") as user:
            return services.recall_start(
                wanted=what, user=user, incident_id=incident.pk if incident else None, **data
            )

    outcome = carried_out(request, form, start)
    if outcome.done:
        _say_whom(request, outcome.value)
        return redirect("transplants:recall-detail", pk=outcome.value.pk)
    named = form.cleaned_data.get("units", []) if not lot else []
    what = wanted if lot else Wanted(unit_ids=named)
    return _preview(request, lot, what, form, outcome.status)


def _say_whom(request: HttpRequest, row: Recall) -> None:
    """Who was told of it, and whom somebody has to call."""
    untold = presenters.not_reached(affected.stakes_of(_unit_ids(row)))
    if not untold:
        text = _("%(number)s is on; the bank and every hospital concerned are told.")
        messages.success(request, text % {"number": row.number})
        return
    text = _("%(number)s is on, but nobody could be told in these hospitals; call them now: %(hospitals)s")
    messages.warning(request, text % {"number": row.number, "hospitals": "; ".join(untold)})


def _preview(
    request: HttpRequest, lot: Lot | None, wanted: Wanted, form: RecallForm | None = None, status: int = 200
) -> HttpResponse:
    """What would be recalled, and the form that signs just that."""
    found = services.would_recall(wanted)
    incident = key_of(request, "incident")
    units = " ".join(map(str, wanted.unit_ids))
    shown = form or RecallForm(
        incidents=Incident.objects.visible_to(person_of(request)),
        initial={
            "units": units,
            "incident": incident,
            "title": _("Lot %(lot)s") % {"lot": lot} if lot else "",
        },
    )
    shown.show(found.digest)
    query = request.GET.urlencode()
    here = (
        f"{reverse('transplants:recall-create')}?{query}" if query else reverse("transplants:recall-create")
    )
    context = {
        "lot": lot,
        "form": shown,
        "action": here,
        **_concerned(found, person_of(request)),
        "in_house": found.units[: presenters.MOST_UNITS],
        "crumbs": _crumbs(_("What would be recalled")),
    }
    return render(request, "transplants/recall_preview.html", context, status=status)


def _concerned(found: affected.Affected, user: User) -> dict[str, Any]:
    return {
        "total": len(found.units),
        "figures": presenters.figures(found),
        "states": presenters.states(found),
        "outside": presenters.outside_rows(found, user),
        "stakes": presenters.stake_rows(found.stakes, user),
        "untold": presenters.not_reached(found.stakes),
    }


def _crumbs(here: str, row: Recall | None = None) -> list[tuple[str, str]]:
    crumbs = [
        (reverse("transplants:incident-list"), _("Incidents")),
        (reverse("transplants:recall-list"), _("Recalls")),
    ]
    if row is not None:
        crumbs.append((reverse("transplants:recall-detail", args=[row.pk]), row.number))
    return [*crumbs, ("", here)]


# --- one recall -----------------------------------------------------------------------------------


def _visible(request: HttpRequest, pk: Any) -> Recall:
    row: Recall = get_visible_or_404(Recall.objects.with_names(), person_of(request), pk=pk)
    return row


def _unit_ids(row: Recall) -> list[Any]:
    return list(row.units.values_list("unit", flat=True))


@require_GET
@permission_required(_VIEW)
def recall_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """Whom it concerns as things stand now, and each of its units."""
    row, person = _visible(request, pk), person_of(request)
    may = presenters.may(row, person)
    page = paginate(request, row.units.select_related("unit__bank").order_by("unit__unit_no", "pk"))
    context = {
        "row": row,
        "may": may,
        "state": presenters.state_tag(row),
        "facts": presenters.facts(row),
        "page": page,
        "units": [presenters.unit_row(one, may_free=may["end"]) for one in page],
        **_concerned(affected.affected_by(_unit_ids(row)), person),
        "history": presenters_incidents.history(row),
        "crumbs": _crumbs(row.number),
    }
    return render(request, "transplants/recall_detail.html", context)


@require_GET
@permission_required(_VIEW)
def recall_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Whom it concerns, as things stand now."""
    row = _visible(request, pk)
    found = affected.affected_by(_unit_ids(row))
    return csv_response(f"qidai-{row.number}.csv", affected.CSV_HEADER, affected.csv_rows(found))


@require_GET
@permission_required(_VIEW, Permission.INVENTORY_VIEW_ALL)
def lot_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Whom a lot concerns, recalled or not."""
    lot = get_visible_or_404(Lot, person_of(request), pk=pk)
    found = services.would_recall(Wanted(lot_id=lot.pk))
    return csv_response(f"qidai-lot-{lot.pk}-concerned.csv", affected.CSV_HEADER, affected.csv_rows(found))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(_VIEW, _START)
def recall_lift(request: HttpRequest, pk: Any) -> HttpResponse:
    row = _visible(request, pk)

    def lift(user: User, **given: Any) -> Recall:
        return services.recall_lift(recall_id=row.pk, user=user, **given)

    held = row.units.filter(freed_at__isnull=True).count()
    text = ngettext(
        "%(n)s unit may move again, unless another recall keeps it back.",
        "%(n)s units may move again, unless another recall keeps them back.",
        held,
    )
    page = {"title": _("Lift the recall"), "text": text % {"n": f"{held:,}"}}
    return _end(request, row, lift, page, _("The recall is lifted."))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(_VIEW, _START)
def recall_free_unit(request: HttpRequest, pk: Any, unit_pk: Any) -> HttpResponse:
    row = _visible(request, pk)
    rows = RecallUnit.objects.filter(recall=row).select_related("unit")
    unit = get_visible_or_404(rows, person_of(request), unit=unit_pk).unit

    def free(user: User, **given: Any) -> Recall:
        return services.recall_free_unit(recall_id=row.pk, unit_id=unit.pk, user=user, **given)

    text = _("%(unit)s may move again, unless another recall keeps it back.") % {"unit": unit.public_no}
    page = {"title": _("Take a unit out of the recall"), "text": text}
    return _end(request, row, free, page, _("The unit is out of the recall."))


def _end(
    request: HttpRequest, row: Recall, service: Callable[..., Recall], page: dict[str, str], done: str
) -> HttpResponse:
    """One page for both ends of a recall: reason and password."""
    form = RecallEndForm(posted(request))
    target = (row._meta.label, str(row.pk), row.number)

    def end() -> Recall:
        with signing(request, target=target, action="recall.sign_refused") as user:
            return service(user, **form.cleaned_data)

    outcome = carried_out(request, form, end)
    if outcome.done:
        messages.success(request, done)
        return redirect("transplants:recall-detail", pk=row.pk)
    context = {"row": row, "form": form, **page, "crumbs": _crumbs(page["title"], row)}
    return render(request, "transplants/recall_end.html", context, status=outcome.status)
