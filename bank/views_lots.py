"""Pages of lots: the list, one lot with all that it touched, register, correct, block, give back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from bank import lots, presenters_lots
from bank import services_lots as services
from bank.choices import STATUS_TONE
from bank.forms_lots import (
    LotBlockForm,
    LotCorrectForm,
    LotFilterForm,
    LotForm,
    LotMergeForm,
    LotUnblockForm,
)
from bank.models import Lot, LotUse
from bank.services_lot_merge import lot_merge as lot_merge_service
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.exports import csv_response
from core.pages import Column, paginate, sort_from
from core.panels import Place, panels
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import signing

SORTS = {"number": "number", "kind": "kind", "expires": "expires_on", "received": "received_on"}
HEADS = (
    Column(gettext_lazy("Number"), "number"),
    Column(gettext_lazy("Kind"), "kind"),
    Column(gettext_lazy("Manufacturer")),
    Column(gettext_lazy("Expires on"), "expires"),
    Column(gettext_lazy("State")),
    Column(gettext_lazy("Units"), num=True),
)
Crumbs = list[tuple[str, str]]


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def lot_list(request: HttpRequest) -> HttpResponse:
    """`?q=` a part of the number or manufacturer; newest expiry last unless asked otherwise."""
    user, form = person_of(request), LotFilterForm(request.GET)
    sort = sort_from(request, SORTS, "number")
    page = paginate(request, form.apply(Lot.objects.visible_to(user)).order_by(*sort.fields))
    counts = LotUse.objects.visible_to(user).units_of([lot.pk for lot in page])
    context = {
        "page": page,
        "rows": [presenters_lots.list_row(lot, counts.get(lot.pk, 0), timezone.localdate()) for lot in page],
        "form": form,
        "sort": sort,
        "columns": HEADS,
        "filtered": any(form.cleaned_data.values()),
        "may_edit": user.has_permission(Permission.LOT_EDIT),
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Lots"))],
    }
    return render(request, "bank/lot_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def lot_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """One lot: which units it touched, at which step, and the state of each."""
    lot, user = _lot(request, pk), person_of(request)
    context = {
        "lot": lot,
        "facts": presenters_lots.facts(lot, timezone.localdate()),
        "figures": presenters_lots.figures(lot),
        "merged": lot.merged.order_by("number"),
        "expired": lot.has_expired(timezone.localdate()),
        "page": paginate(request, lots.uses(lot)),
        "history": presenters_lots.history(lot),
        "panels": panels(Place.LOT, user, lot),
        "tones": STATUS_TONE,
        "may_edit": user.has_permission(Permission.LOT_EDIT),
        "may_block": user.has_permission(Permission.LOT_BLOCK),
        "crumbs": _crumbs(str(lot)),
    }
    return render(request, "bank/lot_detail.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def lot_units_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    lot = _lot(request, pk)
    return csv_response(f"qidai-lot-{lot.pk}.csv", lots.CSV_HEADER, lots.csv_rows(lot))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LOT_EDIT)
def lot_register(request: HttpRequest) -> HttpResponse:
    form = LotForm(posted(request))
    outcome = carried_out(
        request, form, lambda: services.lot_register(actor=actor_of(request), **form.cleaned_data)
    )
    if outcome.done:
        messages.success(request, _("The lot is registered."))
        return redirect("bank:lot-detail", pk=outcome.value.pk)
    context = {"form": form, "crumbs": _crumbs(_("Register a lot"))}
    return render(request, "bank/lot_register.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LOT_EDIT)
def lot_correct(request: HttpRequest, pk: Any) -> HttpResponse:
    lot = _lot(request, pk)
    form = LotCorrectForm(
        posted(request), initial={name: getattr(lot, name) for name in services.CORRECTABLE}
    )

    def correct() -> Lot:
        reason = form.cleaned_data["reason"]
        return services.lot_correct(
            lot_id=lot.pk, values=form.values(), actor=actor_of(request), reason=reason
        )

    outcome = carried_out(request, form, correct)
    if outcome.done:
        messages.success(request, _("The lot is corrected."))
        return redirect("bank:lot-detail", pk=lot.pk)
    context = {"lot": lot, "form": form, "crumbs": _crumbs(_("Correct"), lot)}
    return render(request, "bank/lot_correct.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LOT_BLOCK)
def lot_block(request: HttpRequest, pk: Any) -> HttpResponse:
    """Keep a lot from use, with the password, and which units are held with it; of a blocked one, further units."""
    lot = _lot(request, pk)
    touched = lots.touched(lot)
    form = LotBlockForm(posted(request), holdable=touched.holdable)
    service = services.lot_units_hold if lot.is_blocked else services.lot_block

    def block() -> Lot:
        data = form.cleaned_data
        given = {name: data[name] for name in ("password", "reason", "seen")}
        return _signed(request, lot, lambda **who: service(hold_units=form.chosen(), **given, **who))

    outcome = carried_out(request, form, block)
    if outcome.done:
        messages.success(request, _("The lot is blocked. Units that were chosen are on hold."))
        return redirect("bank:lot-detail", pk=lot.pk)
    form.show(lots.digest(lot))
    act = _("Put its units on hold") if lot.is_blocked else _("Block this lot")
    context = {"lot": lot, "touched": touched, "form": form, "act": act, "crumbs": _crumbs(act, lot)}
    return render(request, "bank/lot_block.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LOT_BLOCK)
def lot_unblock(request: HttpRequest, pk: Any) -> HttpResponse:
    """Give a lot back to use, with the password."""
    lot = _lot(request, pk)
    form = LotUnblockForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: _signed(request, lot, lambda **who: services.lot_unblock(**form.cleaned_data, **who)),
    )
    if outcome.done:
        messages.success(
            request, _("The lot may be used again. Its units stay on hold until each is looked at.")
        )
        return redirect("bank:lot-detail", pk=lot.pk)
    context = {"lot": lot, "form": form, "crumbs": _crumbs(_("Give back to use"), lot)}
    return render(request, "bank/lot_unblock.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.LOT_BLOCK)
def lot_merge(request: HttpRequest, pk: Any) -> HttpResponse:
    """Another lot, written by mistake as one of its own, is taken into this one, with the password."""
    lot = _lot(request, pk)
    form = LotMergeForm(posted(request))
    outcome = carried_out(
        request,
        form,
        lambda: _signed(request, lot, lambda **who: lot_merge_service(**form.cleaned_data, **who)),
    )
    if outcome.done:
        return _merged(request, outcome.value)
    context = {"lot": lot, "form": form, "crumbs": _crumbs(_("Take another lot in"), lot)}
    return render(request, "bank/lot_merge.html", context, status=outcome.status)


def _merged(request: HttpRequest, lot: Lot) -> HttpResponse:
    """To the step where units are held, where the merged lot is blocked and some of its units can be."""
    waiting = len(lots.touched(lot).holdable) if lot.is_blocked else 0
    if not waiting:
        messages.success(request, _("The lots are one. Both names lead here."))
        return redirect("bank:lot-detail", pk=lot.pk)
    text = ngettext(
        "The lots are one, and it is blocked: %(n)s unit of it can be put on hold. Do it here.",
        "The lots are one, and it is blocked: %(n)s units of it can be put on hold. Do it here.",
        waiting,
    )
    messages.warning(request, text % {"n": waiting})
    return redirect("bank:lot-block", pk=lot.pk)


def _signed(request: HttpRequest, lot: Lot, service: Callable[..., Lot]) -> Lot:
    """A service that wants the password."""
    with signing(request, target=lot, action="lot.sign_refused") as user:
        return service(lot_id=lot.pk, user=user)


def _lot(request: HttpRequest, pk: Any) -> Lot:
    row: Lot = get_visible_or_404(
        Lot.objects.select_related("registered_by", "merged_into"), person_of(request), pk=pk
    )
    return row


def _crumbs(here: str, lot: Lot | None = None) -> Crumbs:
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), (reverse("bank:lot-list"), _("Lots"))]
    if lot is not None:
        crumbs.append((reverse("bank:lot-detail", args=[lot.pk]), str(lot)))
    return [*crumbs, ("", here)]
