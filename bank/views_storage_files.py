"""Files of places and of readings: checked first with every finding, then confirmed by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from bank import services_placing, services_tanks, storage_map, uploads
from bank.forms_storage import FileForm
from bank.imports.tables import Columns
from core.access import permission_required, person_of
from core.audit import actor_of
from core.errors import InvalidInput
from core.roles import Permission

FINDINGS_SHOWN = 200


@dataclass(frozen=True)
class Kind:
    """A kind of file: its service, its columns, what its page says."""

    name: str
    title: Promise
    columns: Columns
    helps: dict[str, Promise]
    service: Callable[..., Any]
    figures: Callable[[Any], list[dict[str, Any]]]
    changes: Callable[[Any], int]

    @property
    def url(self) -> str:
        return f"bank:storage-{self.name}-file"


def _placing_figures(report: services_placing.PlacingReport) -> list[dict[str, Any]]:
    return [
        {"value": report.rows, "label": _("rows")},
        {"value": report.placed, "label": _("placed")},
        {"value": report.moved, "label": _("moved")},
        {"value": report.unchanged, "label": _("there already, unchanged")},
        {"value": report.left_out, "label": _("places without a unit, left out")},
        _wrong(report),
    ]


def _reading_figures(report: services_tanks.ReadingsReport) -> list[dict[str, Any]]:
    return [
        {"value": report.rows, "label": _("rows")},
        {"value": report.new, "label": _("new")},
        {"value": report.unchanged, "label": _("there already, unchanged")},
        {"value": report.alarms, "label": _("beyond a limit"), "tone": "warn" if report.alarms else ""},
        _wrong(report),
    ]


def _wrong(report: Any) -> dict[str, Any]:
    count = len(report.findings)
    return {"value": count, "label": _("errors"), "tone": "bad" if count else ""}


PLACING = Kind(
    name="placing",
    title=gettext_lazy("Place units by file"),
    columns=services_placing.COLUMNS,
    helps={
        "unit": gettext_lazy("unit number, or DIN with its check character"),
        "place": gettext_lazy("tank, rack, canister and slot: T1-R3-C2-07"),
        "status": gettext_lazy("as the export of the map has it; it is not read"),
    },
    service=services_placing.units_place,
    figures=_placing_figures,
    changes=lambda report: report.changes,
)
READINGS = Kind(
    name="readings",
    title=gettext_lazy("Readings by file"),
    columns=services_tanks.COLUMNS,
    helps={
        "tank": gettext_lazy("code of the tank: T1"),
        "read_at": gettext_lazy("YYYY-MM-DD HH:MM, by the clock of this installation"),
        "temperature_c": gettext_lazy("temperature, °C"),
        "level_percent": gettext_lazy("level of liquid nitrogen, %"),
    },
    service=services_tanks.readings_import,
    figures=_reading_figures,
    changes=lambda report: report.new,
)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def placing_file(request: HttpRequest) -> HttpResponse:
    return _check(request, PLACING)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def placing_confirm(request: HttpRequest) -> HttpResponse:
    return _confirm(request, PLACING)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def readings_file(request: HttpRequest) -> HttpResponse:
    return _check(request, READINGS)


@require_POST
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.STORAGE_EDIT)
def readings_confirm(request: HttpRequest) -> HttpResponse:
    return _confirm(request, READINGS)


def _check(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Step one: the form; then what the file would do. Nothing is written."""
    posted = request.method == "POST"
    form = FileForm(request.POST if posted else None, request.FILES if posted else None)
    if form.is_valid():
        upload, data = uploads.keep(
            form.cleaned_data["file"], person_of(request), uploads.Choices(purpose=kind.name)
        )
        report = kind.service(data=data, actor=actor_of(request), dry_run=True)
        return _preview(request, kind, upload, report)
    columns = [
        {"name": name, "help": kind.helps[name], "needed": name in kind.columns.needed}
        for name in kind.columns.known
    ]
    context = {
        "kind": kind,
        "form": form,
        "columns": columns,
        "crumbs": storage_map.crumbs(last=str(kind.title)),
    }
    return render(request, "bank/storage_file.html", context, status=400 if form.is_bound else 200)


def _confirm(request: HttpRequest, kind: Kind) -> HttpResponse:
    """Step two: the same file again, for good; what changed meanwhile shows as findings."""
    upload = uploads.of_token(request.POST.get("token", ""), person_of(request))
    data = upload.read() if upload and upload.choices.purpose == kind.name else None
    if upload is None or data is None:
        raise InvalidInput("upload_gone", _("The checked file is no longer there. Choose it again."))
    report = kind.service(data=data, actor=actor_of(request))
    if not report.written:
        return _preview(request, kind, upload, report)
    upload.discard()
    count = kind.changes(report)
    if not count:
        messages.info(request, _("Every row was there already; nothing changed."))
    else:
        text = ngettext("%(n)d row was taken in.", "%(n)d rows were taken in.", count)
        messages.success(request, text % {"n": count})
    return redirect("bank:storage")


def _preview(request: HttpRequest, kind: Kind, upload: uploads.Upload, report: Any) -> HttpResponse:
    context = {
        "kind": kind,
        "upload": upload,
        "figures": kind.figures(report),
        "changes": kind.changes(report),
        "findings": report.findings[:FINDINGS_SHOWN],
        "more": max(0, len(report.findings) - FINDINGS_SHOWN),
        "crumbs": storage_map.crumbs(last=str(kind.title)),
    }
    return render(request, "bank/storage_file_preview.html", context)
