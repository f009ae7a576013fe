"""Import with preview: a job checks a file, all findings are shown, a person confirms, a job writes it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from bank import presenters_import as presenters
from bank import services_exchange, services_files, uploads
from bank.choices import Source
from bank.choices_files import FilePurpose
from bank.forms import ImportForm
from bank.forms_exchange import ColumnsForm, CountsForm
from bank.forms_files import ConfirmForm, ResultsFileForm
from bank.imports.columns import HLA_COLUMNS, MOTHER_COLUMNS, SEROLOGY_COLUMNS, VALUE_COLUMNS
from bank.imports.results_file import COLUMNS as RESULT_COLUMNS
from bank.imports.results_file import HELPS as RESULT_HELPS
from bank.models import Bank, ImportFile, ImportMapping
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.posting import carried_out, posted
from core.roles import Permission


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import(request: HttpRequest) -> HttpResponse:
    """Step one: choose a file. Nothing is written; a small one is checked at once."""
    form = ImportForm(
        posted(request),
        request.FILES or None,
        banks=_banks(),
        mappings=_mappings(),
        has_partners=Bank.objects.filter(source=Source.PARTNER).exists(),
    )
    if not form.is_valid():
        return _form_page(request, form, status=400 if form.is_bound else 200)
    file = services_files.file_start(
        file=form.cleaned_data["file"],
        purpose=FilePurpose.UNITS,
        choices=_choices(form),
        user=person_of(request),
    )
    return _gone_on(file)


@never_cache
@require_GET
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_file(request: Any, pk: Any) -> HttpResponse:
    """How it stands, for htmx every second only that; once it is checked, what it would do."""
    file = _file(request, pk)
    if request.htmx and not file.job.is_open:
        return HttpResponseClientRefresh()
    if request.htmx:
        return render(request, "bank/_import_progress.html", presenters.progress(file))
    return _page(request, file)


@require_POST
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_columns(request: HttpRequest, pk: Any) -> HttpResponse:
    """Between the steps: what the columns mean, or in what the counts are given; then the check anew."""
    file = _file(request, pk)
    form = _question_form(request, file)
    if form is not None and (not form.is_valid() or not _kept(request, file, form)):
        return _page(request, file, form=form, status=400)
    changes = {}
    if isinstance(form, ColumnsForm):
        changes = {"mapping": form.mapping}
    elif form is not None:
        changes = {"counts": form.cleaned_data["counts"]}
    return _gone_on(services_files.file_check(file_id=file.pk, changes=changes, actor=actor_of(request)))


@require_GET
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_findings(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All that is wrong with a checked file, as a file."""
    file = services_files.findings_of(_file(request, pk)).open("rb")
    return FileResponse(
        file, as_attachment=True, filename="qidai-import-findings.csv", content_type="text/csv"
    )


@require_POST
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_confirm(request: HttpRequest, pk: Any) -> HttpResponse:
    """Step two: for good."""
    file = _file(request, pk)
    form = ConfirmForm(request.POST, user=person_of(request), report=file.report)
    outcome = carried_out(
        request,
        form,
        lambda: services_files.file_confirm(file_id=file.pk, actor=actor_of(request), **form.cleaned_data),
    )
    if not outcome.done:
        return _page(request, _file(request, pk), confirm=form, status=outcome.status)
    return _gone_on(outcome.value, request)


@require_POST
@permission_required(Permission.INVENTORY_IMPORT)
def unit_import_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    file = _file(request, pk)
    services_files.file_cancel(file=file, actor=actor_of(request))
    messages.success(request, _("The work on this file was stopped. Nothing of it is written."))
    return redirect("bank:unit-import-file", pk=file.pk)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.INVENTORY_IMPORT)
def results_file(request: HttpRequest) -> HttpResponse:
    """Choose a laboratory's file of results; from then on it is as with a file of units."""
    form = ResultsFileForm(posted(request), request.FILES or None)
    if form.is_valid():
        file = services_files.file_start(
            file=form.cleaned_data["file"],
            purpose=FilePurpose.RESULTS,
            choices=uploads.Choices(purpose=FilePurpose.RESULTS.value),
            user=person_of(request),
        )
        return _gone_on(file)
    mine = ImportFile.objects.visible_to(person_of(request)).of(FilePurpose.RESULTS).select_related("job")
    context = {
        "form": form,
        "files": presenters.recent(mine),
        "columns": [
            {"name": name, "help": text, "needed": name in RESULT_COLUMNS.needed}
            for name, text in RESULT_HELPS.items()
        ],
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Results by file"))],
    }
    return render(request, "bank/results_file.html", context, status=400 if form.is_bound else 200)


def _gone_on(file: ImportFile, request: HttpRequest | None = None) -> HttpResponse:
    """To the page of the file. A small one is done at once; request: of a confirmation, which says what was written."""
    if file.job.is_open and services_files.is_small(file):
        services_files.file_execute(job_id=file.job_id)
        file = ImportFile.objects.select_related("job").get(pk=file.pk)
    if request is not None and file.is_written and file.report["changes"]:
        _tell_written(request, file)
        if file.batch_id:
            return redirect("bank:batch-detail", pk=file.batch_id)
    return redirect("bank:unit-import-file", pk=file.pk)


def _tell_written(request: HttpRequest, file: ImportFile) -> None:
    if file.purpose == FilePurpose.RESULTS:
        count = file.report["recorded"]
        text = ngettext(
            "%(n)d result was recorded; a second person verifies it.",
            "%(n)d results were recorded; a second person verifies them.",
            count,
        )
    elif file.report["is_partner"]:
        count = file.report["changes"]
        text = ngettext("%(n)d unit is new, changed or gone.", "%(n)d units are new, changed or gone.", count)
    else:
        count = file.report["imported"]
        text = ngettext("%(n)d unit was imported.", "%(n)d units were imported.", count)
    messages.success(request, text % {"n": count})


def _file(request: HttpRequest, pk: Any) -> ImportFile:
    rows = ImportFile.objects.exclude(purpose=FilePurpose.OUTCOMES).select_related("job", "batch")
    return get_visible_or_404(rows, person_of(request), pk=pk)


def _choices(form: ImportForm) -> uploads.Choices:
    chosen = form.cleaned_data.get("columns")
    kept = ImportMapping.objects.filter(pk=chosen).first() if chosen else None
    return uploads.Choices(
        bank_code=form.cleaned_data["bank"],
        blank=form.blank,
        counts=form.cleaned_data["counts"],
        mapping=kept.columns if kept else {},
        full=form.cleaned_data.get("content") != "changes",
    )


def _question_form(request: HttpRequest, file: ImportFile) -> CountsForm | ColumnsForm | None:
    if "counts" in request.POST:
        return CountsForm(request.POST)
    table = presenters.table_of(file) if "column_0" in request.POST else None
    chosen = presenters.chosen_columns(file, table) if table else []
    return ColumnsForm(request.POST, table=table, chosen=chosen) if table else None


def _kept(request: HttpRequest, file: ImportFile, form: CountsForm | ColumnsForm) -> bool:
    """Keep the columns where a name was given; False, and said on the form, where that cannot be."""
    if not isinstance(form, ColumnsForm) or not form.cleaned_data["keep_as"]:
        return True
    try:
        services_exchange.mapping_keep(
            bank_code=presenters.bank_code(file),
            name=form.cleaned_data["keep_as"],
            columns=form.mapping,
            actor=actor_of(request),
        )
    except DomainError as error:
        form.add_error("keep_as", error.message)
        return False
    return True


def _banks() -> list[tuple[str, str]]:
    """The own ones first."""
    return [(bank.code, str(bank)) for bank in Bank.objects.order_by("source", "code")]


def _mappings() -> list[tuple[str, str]]:
    rows = ImportMapping.objects.select_related("bank")
    return [(str(row.pk), f"{row.name} ({row.bank.code})") for row in rows]


def _form_page(request: HttpRequest, form: ImportForm, status: int = 200) -> HttpResponse:
    mine = ImportFile.objects.visible_to(person_of(request)).of(FilePurpose.UNITS).select_related("job")
    context = {
        "form": form,
        "files": presenters.recent(mine),
        "columns": VALUE_COLUMNS,
        "hla_columns": HLA_COLUMNS,
        "serology_columns": SEROLOGY_COLUMNS,
        "mother_columns": MOTHER_COLUMNS,
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Import"))],
    }
    return render(request, "bank/unit_import.html", context, status=status)


def _page(
    request: HttpRequest,
    file: ImportFile,
    *,
    form: CountsForm | ColumnsForm | None = None,
    confirm: ConfirmForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """form, confirm: those that were sent and not accepted."""
    context = presenters.page(file, form)
    if file.is_checked:
        context["confirm"] = confirm or ConfirmForm(user=person_of(request), report=file.report)
    context["crumbs"] = [
        (reverse("bank:unit-list"), _("Inventory")),
        (presenters.start_url(file), presenters.start_label(file)),
        ("", file.file_name),
    ]
    return render(request, "bank/unit_import_file.html", context, status=status)
