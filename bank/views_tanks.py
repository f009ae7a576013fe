"""A tank: its racks and canisters, its log, its limits and alarms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from bank import places, services_storage, services_tanks, storage_map, tank_log
from bank.choices import NodeKind
from bank.forms_storage import AlarmForm, QuarantineForm, ReadingForm, TankLimitsForm
from bank.models import StorageNode, TankAlarm
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.posting import show_error
from core.roles import Permission

MAX_ALARMS = 20


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def tank_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _page(request, _tank(request, pk))


def _tank(request: HttpRequest, pk: Any) -> StorageNode:
    nodes = StorageNode.objects.of_kind(NodeKind.TANK).select_related("parent", "bank")
    return get_visible_or_404(nodes, person_of(request), pk=pk)


def _page(
    request: HttpRequest,
    tank: StorageNode,
    *,
    act: str = "",
    form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    """act: name of the form that was sent and not accepted, or the id of an alarm."""
    log = tank_log.context(tank, request.GET.get("days", ""))
    racks = storage_map.racks(tank)
    shown: dict[str, forms.Form] = {
        "reading": ReadingForm(auto_id="reading_%s"),
        "limits": TankLimitsForm(auto_id="limits_%s", initial=_limits(log["limits"])),
        "quarantine": QuarantineForm(auto_id="quarantine_%s", initial={"quarantine": tank.quarantine}),
    }
    if form is not None and act in shown:
        shown[act] = form
    alarms = tank.alarms.select_related("acknowledged_by")[:MAX_ALARMS]
    context = {
        "tank": tank,
        "racks": racks,
        "taken": storage_map.taken_of(one for rack in racks for one in rack["canisters"]),
        "quarantine": places.in_quarantine(tank),
        "log": log,
        "forms": shown,
        "act": act,
        "alarms": [
            {
                "alarm": alarm,
                "form": form if act == str(alarm.pk) else AlarmForm(auto_id=f"alarm_{alarm.pk}_%s"),
                "open": act == str(alarm.pk),
            }
            for alarm in alarms
        ],
        "crumbs": storage_map.crumbs(tank),
    }
    return render(request, "bank/storage_tank.html", context, status=status)


def _limits(limits: Any) -> dict[str, Any]:
    return {name: getattr(limits, name, None) for name in ("warm_above_c", "level_below_percent")}


def _act(request: HttpRequest, pk: Any, act: str, done: Promise) -> HttpResponse:
    """One service of a tank with what its form asks."""
    tank = _tank(request, pk)
    kind, service, key = ACTS[act]
    form = kind(request.POST, auto_id=f"{act}_%s")
    if not form.is_valid():
        return _page(request, tank, act=act, form=form, status=400)
    try:
        service(**{key: tank.pk}, actor=actor_of(request), **form.cleaned_data)
    except DomainError as error:
        show_error(form, error)
        return _page(request, _tank(request, pk), act=act, form=form, status=error.status)
    messages.success(request, str(done))
    return redirect("bank:storage-tank", pk=tank.pk)


ACTS: dict[str, tuple[type[forms.Form], Any, str]] = {
    "reading": (ReadingForm, services_tanks.reading_record, "tank_id"),
    "limits": (TankLimitsForm, services_tanks.tank_limits_set, "tank_id"),
    "quarantine": (QuarantineForm, services_storage.node_quarantine_change, "node_id"),
}


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def tank_reading(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "reading", gettext_lazy("The reading is recorded."))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def tank_limits(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "limits", gettext_lazy("The limits count from the next reading on."))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def tank_quarantine(request: HttpRequest, pk: Any) -> HttpResponse:
    return _act(request, pk, "quarantine", gettext_lazy("The tank is marked so on the map."))


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def alarm_acknowledge(request: HttpRequest, pk: Any) -> HttpResponse:
    alarm = get_visible_or_404(TankAlarm, person_of(request), pk=pk)
    form = AlarmForm(request.POST, auto_id=f"alarm_{alarm.pk}_%s")
    status = 400
    if form.is_valid():
        try:
            services_tanks.alarm_acknowledge(
                alarm_id=alarm.pk, actor=actor_of(request), remark=form.cleaned_data["remark"]
            )
        except DomainError as error:
            show_error(form, error)
            status = error.status
        else:
            messages.success(request, _("The alarm is acknowledged."))
            return redirect("bank:storage-tank", pk=alarm.tank_id)
    return _page(request, _tank(request, alarm.tank_id), act=str(alarm.pk), form=form, status=status)
