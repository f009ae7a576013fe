"""Import with preview: a file is checked first, all findings are shown, then a person confirms."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank import services, uploads
from bank.forms import ImportForm, LimitsForm
from bank.imports.columns import HLA_COLUMNS, MOTHER_COLUMNS, SEROLOGY_COLUMNS, VALUE_COLUMNS
from bank.imports.report import ImportReport
from bank.models import Bank, ImportBatch, PlausibilityLimits
from core.access import get_visible_or_404, permission_required
from core.audit import actor_of
from core.errors import DomainError, InvalidInput
from core.models import User
from core.pages import paginate
from core.roles import Permission

MAX_ROWS = 20_000
FINDINGS_SHOWN = 200


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import(request: HttpRequest) -> HttpResponse:
    """Step one: upload and check. Nothing is written."""
    posted = request.method == "POST"
    form = ImportForm(request.POST if posted else None, request.FILES if posted else None, banks=_banks())
    if not form.is_valid():
        return _form_page(request, form, status=400 if form.is_bound else 200)
    bank_code = form.cleaned_data["bank"]
    upload, data = uploads.keep(form.cleaned_data["file"], _person(request), bank_code, form.blank)
    report = _run(request, upload, data, dry_run=True)
    return _preview(request, upload, report)


@require_POST
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_confirm(request: HttpRequest) -> HttpResponse:
    """Step two: the same file again, for good."""
    upload = uploads.of_token(request.POST.get("token", ""), _person(request))
    data = upload.read() if upload else None
    if upload is None or data is None:
        raise InvalidInput("upload_gone", _("The checked file is no longer there. Choose it again."))
    report = _run(request, upload, data, skip_bad="skip_bad" in request.POST)
    if not report.written and report.findings:
        return _preview(request, upload, report)
    upload.discard()
    if not report.written:
        messages.info(request, _("Every row was there already; nothing changed."))
        return redirect("bank:unit-list")
    text = ngettext("%(n)d unit was imported.", "%(n)d units were imported.", report.imported)
    messages.success(request, text % {"n": report.imported})
    return redirect("bank:batch-detail", pk=report.batch_id)


def _run(
    request: HttpRequest,
    upload: uploads.Upload,
    data: bytes,
    *,
    dry_run: bool = False,
    skip_bad: bool = False,
) -> ImportReport:
    return services.units_import(
        data=data,
        file_name=upload.name,
        actor=actor_of(request),
        bank_code=upload.bank_code,
        dry_run=dry_run,
        skip_bad=skip_bad,
        blank=upload.blank,
        max_rows=MAX_ROWS,
    )


def _person(request: HttpRequest) -> User:
    """Behind permission_required nobody is anonymous."""
    return cast(User, request.user)


def _banks() -> list[tuple[str, str]]:
    return [(bank.code, str(bank)) for bank in Bank.objects.all()]


def _form_page(request: HttpRequest, form: ImportForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "columns": VALUE_COLUMNS,
        "hla_columns": HLA_COLUMNS,
        "serology_columns": SEROLOGY_COLUMNS,
        "mother_columns": MOTHER_COLUMNS,
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Import"))],
    }
    return render(request, "bank/unit_import.html", context, status=status)


def _preview(request: HttpRequest, upload: uploads.Upload, report: ImportReport) -> HttpResponse:
    context = {
        "upload": upload,
        "report": report,
        "figures": _figures(report),
        "findings": report.findings[:FINDINGS_SHOWN],
        "more": max(0, len(report.findings) - FINDINGS_SHOWN),
        "warnings": report.warnings[:FINDINGS_SHOWN],
        "more_warnings": max(0, len(report.warnings) - FINDINGS_SHOWN),
        "crumbs": [
            (reverse("bank:unit-list"), _("Inventory")),
            (reverse("bank:unit-import"), _("Import")),
            ("", upload.name),
        ],
    }
    return render(request, "bank/unit_import_preview.html", context)


def _figures(report: ImportReport) -> list[dict[str, Any]]:
    return [
        {"value": report.rows, "label": _("rows")},
        {"value": report.imported, "label": _("new")},
        {
            "value": report.held,
            "label": _("of them wait for confirmation"),
            "tone": "warn" if report.held else "",
        },
        *(
            [{"value": len(report.warnings), "label": _("with a typing conflict"), "tone": "warn"}]
            if report.warnings
            else []
        ),
        {"value": report.unchanged, "label": _("there already, unchanged")},
        {"value": report.failed, "label": _("with errors"), "tone": "bad" if report.failed else ""},
    ]


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def batch_list(request: HttpRequest) -> HttpResponse:
    batches = ImportBatch.objects.select_related("bank").order_by("-created_at", "pk")
    labels = (_("When"), _("File"), _("Who"), _("Rows"), _("New"), _("Waiting"), _("Failed"))
    columns = [{"label": label, "key": "", "num": place > 2} for place, label in enumerate(labels)]
    context = {
        "page": paginate(request, batches),
        "columns": columns,
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Imports"))],
    }
    return render(request, "bank/batch_list.html", context)


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def batch_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    batch = get_visible_or_404(ImportBatch.objects.select_related("bank"), _person(request), pk=pk)
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), (reverse("bank:batch-list"), _("Imports"))]
    context = {"batch": batch, "facts": _batch_facts(batch), "crumbs": [*crumbs, ("", batch.file_name)]}
    return render(request, "bank/batch_detail.html", context)


def _batch_facts(batch: ImportBatch) -> list[dict[str, Any]]:
    seed = batch.invented_counts_seed
    counts = _("from the file") if seed is None else _("invented (seed %(seed)s)") % {"seed": seed}
    return [
        {"label": _("Bank"), "value": batch.bank},
        {"label": _("Form"), "value": batch.get_kind_display()},
        {"label": _("Imported by"), "value": batch.actor},
        {"label": _("Rows"), "value": batch.rows},
        {"label": _("New"), "value": batch.imported},
        {"label": _("Waiting for confirmation"), "value": batch.held},
        {"label": _("Unchanged"), "value": batch.unchanged},
        {"label": _("Failed"), "value": batch.failed},
        {"label": _("Nomenclature"), "value": batch.nomenclature},
        {"label": _("Multiple allele codes"), "value": batch.mac_version},
        {"label": _("Counts"), "value": counts},
        {"label": "SHA-256", "value": batch.file_sha256},
    ]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.UNIT_CONFIRM)
def limits_edit(request: HttpRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = LimitsForm(request.POST if posted else None, instance=PlausibilityLimits.load())
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in LimitsForm.Meta.fields}
        try:
            services.limits_update(values=values, actor=actor_of(request), reason=form.cleaned_data["reason"])
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("The limits are in force for every import from now on."))
            return redirect("bank:limits-edit")
    crumbs = [(reverse("bank:unit-list"), _("Inventory")), ("", _("Plausibility limits"))]
    status = 400 if form.is_bound else 200
    return render(request, "bank/limits_form.html", {"form": form, "crumbs": crumbs}, status=status)
