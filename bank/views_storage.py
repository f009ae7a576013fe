"""The map of the storage: sites and tanks, a tank, a canister, and what is moved on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import places, scanning, services_storage, storage_map
from bank.choices import NodeKind
from bank.forms_storage import (
    MoveForm,
    NodeForm,
    PutForm,
    SlotReasonForm,
    TakeOutForm,
)
from bank.models import Bank, CordBloodUnit, Slot, StorageNode
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.exports import csv_response
from core.models import AuditEntry
from core.posting import show_error
from core.roles import Permission

LAST_MOVES = 10
MOVES = ("unit.place", "unit.move", "unit.take_out")


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def overview(request: HttpRequest) -> HttpResponse:
    context = storage_map.overview(person_of(request))
    return render(request, "bank/storage.html", context | {"crumbs": storage_map.crumbs()})


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def misplaced(request: HttpRequest) -> HttpResponse:
    rows = storage_map.misplaced(person_of(request))
    crumbs = storage_map.crumbs(last=_("Misplaced units"))
    context = {"rows": rows, "most": storage_map.MOST_MISPLACED, "crumbs": crumbs}
    return render(request, "bank/storage_misplaced.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def export(request: HttpRequest) -> HttpResponseBase:
    rows = storage_map.export_rows(person_of(request))
    return csv_response("qidai-storage.csv", storage_map.EXPORT_HEADER, rows)


# --- a canister -------------------------------------------------------------------------------------


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def canister_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _canister_page(request, _canister(request, pk))


def _canister(request: HttpRequest, pk: Any) -> StorageNode:
    nodes = StorageNode.objects.of_kind(NodeKind.CANISTER).with_parents()
    return get_visible_or_404(nodes, person_of(request), pk=pk)


def _canister_page(
    request: HttpRequest,
    node: StorageNode,
    *,
    act: str = "",
    form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    """act: name of the form that was sent and not accepted."""
    context = storage_map.canister(node)
    slots = [entry["slot"] for entry in context["slots"]]
    shown = {name: _forms(name, slots) for name in FORMS}
    if form is not None:
        shown[act] = form
    context |= {
        "node": node,
        "forms": shown,
        "act": act,
        "may_move": not node.for_samples and person_of(request).has_permission(Permission.STORAGE_EDIT),
        "chosen": {name: shown["move"][name].value() or "" for name in ("unit", "slot")},
        "crumbs": storage_map.crumbs(node),
    }
    return render(request, "bank/storage_canister.html", context, status=status)


def _free(slots: list[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.is_free]


def _free_for_units(slots: list[Slot]) -> list[Slot]:
    return [slot for slot in _free(slots) if not slot.for_samples]


def _taken(slots: list[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.unit_id]


def _blocked(slots: list[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.blocked]


# The forms of a canister: class, and which of its slots they are about (None: it asks by itself).
FORMS: dict[str, tuple[type[forms.Form], Callable[[list[Slot]], list[Slot]] | None]] = {
    "move": (MoveForm, None),
    "put": (PutForm, _free_for_units),
    "take-out": (TakeOutForm, _taken),
    "block": (SlotReasonForm, _free),
    "unblock": (SlotReasonForm, _blocked),
}


def _forms(name: str, slots: list[Slot], data: Any = None) -> forms.Form:
    kind, about = FORMS[name]
    more: dict[str, Any] = {} if about is None else {"slots": about(slots)}
    return kind(data, auto_id=f"{name}_%s", **more)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def canister_act(request: HttpRequest, pk: Any, act: str) -> HttpResponse:
    """One of FORMS; what was chosen stays on the page where the service says no."""
    node = _canister(request, pk)
    slots = list(node.slots.select_related("unit"))
    for slot in slots:
        slot.canister = node
    form = _forms(act, slots, request.POST)
    if not form.is_valid():
        return _canister_page(request, node, act=act, form=form, status=400)
    try:
        done = ACTS[act](request, node, form.cleaned_data, form)
    except DomainError as error:
        show_error(form, error)
        return _canister_page(request, _canister(request, pk), act=act, form=form, status=error.status)
    messages.success(request, done)
    return redirect("bank:storage-canister", pk=node.pk)


def _move(request: HttpRequest, node: StorageNode, given: dict[str, Any], form: Any) -> str:
    slot_id = scanning.slot_of(given["place"], person_of(request)).pk if form.wants_other else given["slot"]
    slot = services_storage.unit_move(
        unit_id=given["unit"], slot_id=slot_id, actor=actor_of(request), canister_id=node.pk
    )
    return _lies(slot)


def _put(request: HttpRequest, node: StorageNode, given: dict[str, Any], form: Any) -> str:
    unit = scanning.unit_of(given["number"], person_of(request))
    slot = services_storage.unit_put(unit_id=unit.pk, slot_id=given["slot"], actor=actor_of(request))
    return _lies(slot)


def _take_out(request: HttpRequest, node: StorageNode, given: dict[str, Any], form: Any) -> str:
    unit = services_storage.unit_take_out(
        unit_id=given["unit"], actor=actor_of(request), reason=given["reason"]
    )
    return _("%(unit)s was taken out.") % {"unit": unit.public_no}


def _block(request: HttpRequest, node: StorageNode, given: dict[str, Any], form: Any) -> str:
    slot = services_storage.slot_block(slot_id=given["slot"], actor=actor_of(request), reason=given["reason"])
    return _("%(place)s is blocked.") % {"place": slot.place}


def _unblock(request: HttpRequest, node: StorageNode, given: dict[str, Any], form: Any) -> str:
    slot = services_storage.slot_unblock(
        slot_id=given["slot"], actor=actor_of(request), reason=given["reason"]
    )
    return _("%(place)s can be used again.") % {"place": slot.place}


def _lies(slot: Slot) -> str:
    unit = slot.unit.public_no if slot.unit else ""
    return _("%(unit)s lies in %(place)s now.") % {"unit": unit, "place": slot.place}


ACTS: dict[str, Callable[[HttpRequest, StorageNode, dict[str, Any], Any], str]] = {
    "move": _move,
    "put": _put,
    "take-out": _take_out,
    "block": _block,
    "unblock": _unblock,
}


# --- by scan ----------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def scan(request: HttpRequest) -> HttpResponse:
    """One field: a unit, then its place. The unit in hand stands in the form, so that nothing else is needed."""
    user = person_of(request)
    held = _held(request)
    if request.method == "GET":
        return _scan_page(request, held)
    try:
        found = scanning.read(request.POST.get("scan", ""), user, held=held)
        if isinstance(found, CordBloodUnit):
            return redirect(f"{reverse('bank:storage-scan')}?unit={found.pk}")
        assert held is not None  # read() gives a place only with a unit in hand
        slot = services_storage.unit_put(unit_id=held.pk, slot_id=found.pk, actor=actor_of(request))
    except DomainError as error:
        return _scan_page(request, held, error=error.message, status=error.status)
    messages.success(request, _lies(slot))
    return redirect("bank:storage-scan")


def _held(request: HttpRequest) -> CordBloodUnit | None:
    text = (request.POST if request.method == "POST" else request.GET).get("unit", "")
    if not text:
        return None
    return get_visible_or_404(CordBloodUnit.objects.select_related("bank"), person_of(request), pk=text)


def _scan_page(
    request: HttpRequest, held: CordBloodUnit | None, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "held": held,
        "here": services_storage.slot_of(held) if held else None,
        "free": scanning.free_place_for(held) if held else None,
        "error": error,
        "moves": _last_moves(request),
        "crumbs": storage_map.crumbs(last=_("Move by scan")),
    }
    return render(request, "bank/storage_scan.html", context, status=status)


def _last_moves(request: HttpRequest) -> list[dict[str, Any]]:
    """What this person moved last."""
    rows = AuditEntry.objects.filter(actor_id=str(person_of(request).pk), action__in=MOVES)
    return [
        {
            "at": row.at,
            "unit": row.target_label,
            "url": reverse("bank:unit-detail", args=[row.target_key]),
            "before": (row.before or {}).get("place", ""),
            "after": (row.after or {}).get("place", ""),
        }
        for row in rows.order_by("-at")[:LAST_MOVES]
    ]


# --- nodes ---------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def node_create(request: HttpRequest) -> HttpResponse:
    nodes = StorageNode.objects.visible_to(person_of(request)).exclude(kind=NodeKind.CANISTER)
    form = NodeForm(
        request.POST if request.method == "POST" else None,
        banks=list(Bank.objects.filter(source="own")),
        nodes=sorted(nodes.with_parents().select_related("bank"), key=_as_drawn),
        initial={"kind": NodeKind.TANK},
    )
    if form.is_valid():
        try:
            node = services_storage.nodes_create(actor=actor_of(request), **form.given())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("%(node)s was made.") % {"node": node})
            return redirect(_page_of(node))
    context = {"form": form, "crumbs": storage_map.crumbs(last=_("New tank, rack or canister"))}
    return render(request, "bank/storage_node.html", context, status=400 if form.is_bound else 200)


def _as_drawn(node: StorageNode) -> tuple[Any, ...]:
    """Sites first, then tanks, then racks; each as it stands."""
    above = places.chain(node)
    return len(above), *((one.position, one.code) for one in above)


def _page_of(node: StorageNode) -> str:
    """Where a node is drawn."""
    if node.kind == NodeKind.CANISTER:
        return reverse("bank:storage-canister", args=[node.pk])
    if node.kind == NodeKind.SITE:
        return reverse("bank:storage")
    tank_id = node.pk if node.kind == NodeKind.TANK else node.parent_id
    return reverse("bank:storage-tank", args=[tank_id])
