"""Pages of the inventory files for other registries: make one, watch it, download it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from bank import services_exchange
from bank.choices import CountUnit, Source
from bank.exports.withheld import has_ended
from bank.forms_exchange import ExportForm
from bank.models import Bank, InventoryExport
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError
from core.models import Job
from core.pages import paginate
from core.posting import show_error
from core.roles import Permission


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_EXPORT)
def export_list(request: HttpRequest) -> HttpResponse:
    """The files made so far and the form of a new one; a small one is made at once."""
    initial = {name: request.GET[name] for name in ("bank", "counts", "since") if name in request.GET}
    form = ExportForm(
        request.POST if request.method == "POST" else None, initial=initial, **_offered(request)
    )
    if form.is_valid():
        try:
            export = services_exchange.export_start(actor=actor_of(request), **_asked(form))
        except DomainError as error:
            show_error(form, error)
        else:
            if services_exchange.is_small(export):
                services_exchange.export_execute(job_id=export.job_id)
            return redirect("bank:export-detail", pk=export.pk)
    return _list_page(request, form)


def _offered(request: HttpRequest) -> dict[str, Any]:
    exports = InventoryExport.objects.visible_to(person_of(request)).finished().select_related("bank")
    return {"banks": Bank.objects.filter(source=Source.OWN), "earlier": exports}


def _asked(form: ExportForm) -> dict[str, Any]:
    given = form.cleaned_data
    since: InventoryExport | None = given.get("since")
    counts = given["counts"] or (since.counts if since else "")
    return {
        "bank_id": given["bank"].pk,
        "mode": form.mode,
        "counts": CountUnit(counts),
        "since_id": since.pk if since else None,
        "issuing_organisation": given.get("issuing_organisation"),
    }


def _list_page(request: HttpRequest, form: ExportForm) -> HttpResponse:
    exports = InventoryExport.objects.visible_to(person_of(request)).select_related("bank", "job")
    labels = (_("When"), _("Kind"), _("Bank"), _("Who"), _("On offer"), _("Written"), _("Gone"))
    context = {
        "form": form,
        "page": paginate(request, exports),
        "columns": [{"label": label, "key": "", "num": place > 3} for place, label in enumerate(labels)],
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Inventory files"))],
    }
    status = 400 if form.is_bound else 200
    return render(request, "bank/export_list.html", context, status=status)


@never_cache
@require_GET
@permission_required(Permission.INVENTORY_EXPORT)
def export_detail(request: Any, pk: Any) -> HttpResponse:
    """How it stands, for htmx every second only that; once it is made, what is in it."""
    export = _export(request, pk)
    context: dict[str, Any] = {"export": export, "shown": _progress(export.job)}
    if export.is_finished and has_ended(export):
        context |= {"withheld": services_exchange.WITHHELD, "anew_url": _anew(export)}
    if request.htmx:
        if not export.job.is_open:
            return HttpResponseClientRefresh()
        return render(request, "bank/_export_progress.html", context)
    crumbs = [
        (reverse("bank:unit-list"), _("Inventory")),
        (reverse("bank:export-list"), _("Inventory files")),
    ]
    context |= {"facts": _facts(export), "crumbs": [*crumbs, ("", str(export))]}
    return render(request, "bank/export_detail.html", context)


@require_GET
@permission_required(Permission.INVENTORY_EXPORT)
def export_file(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The file, if everything in it may still go out; else its page, which says that it may not."""
    export = _export(request, pk)
    try:
        file = services_exchange.export_fetched(export=export, actor=actor_of(request)).open("rb")
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("bank:export-detail", pk=export.pk)
    return FileResponse(file, as_attachment=True, filename=export.file_name, content_type="application/xml")


def _anew(export: InventoryExport) -> str:
    """The form of a new file, as this one was asked for."""
    asked = {"bank": export.bank_id, "counts": export.counts, "since": export.since_id or ""}
    return f"{reverse('bank:export-list')}?{urlencode(asked)}"


def _export(request: HttpRequest, pk: Any) -> InventoryExport:
    rows = InventoryExport.objects.select_related("bank", "job", "since")
    return get_visible_or_404(rows, person_of(request), pk=pk)


def _progress(job: Job) -> dict[str, Any]:
    """Context of _components/progress.html, without its address."""
    titles = {
        Job.State.QUEUED.value: _("Waiting for a free worker"),
        Job.State.FAILED.value: _("The file could not be made"),
        Job.State.CANCELLED.value: _("The file was cancelled"),
    }
    return {
        "state": job.state,
        "title": titles.get(job.state) or (_("Writing the units") if job.stage else _("Starting")),
        "share": job.share if job.is_open else None,
        "started_at": job.started_at,
        "error": job.error if job.state == Job.State.FAILED else "",
    }


def _facts(export: InventoryExport) -> list[dict[str, Any]]:
    if not export.is_finished:
        return []
    since = str(export.since) if export.since else ""
    return [
        {"label": _("Bank"), "value": export.bank},
        {"label": _("Kind"), "value": export.mode},
        *([{"label": _("Follows"), "value": since}] if since else []),
        {"label": _("Snapshot (UTC)"), "value": f"{export.snapshot_time:%Y-%m-%d %H:%M:%S}"},
        {"label": _("Made by"), "value": export.made_by},
        {"label": _("On offer"), "value": export.units},
        {"label": _("Written"), "value": export.written},
        {"label": _("Told to be gone"), "value": export.removed},
        {"label": _("Kept back: may not go abroad"), "value": export.kept_back},
        {"label": _("Cell counts"), "value": export.get_counts_display()},
        {"label": _("Schema version"), "value": export.schema_version},
        {"label": _("Size, bytes"), "value": export.size_bytes},
        {"label": "SHA-256", "value": export.sha256},
    ]
