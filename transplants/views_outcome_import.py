"""Lists of earlier transplants with preview: a job checks the file, a person confirms, a job writes it."""

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

from bank import presenters_import, services_files, uploads
from bank.choices_files import FilePurpose
from bank.models import ImportFile
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission
from hospitals.models import Hospital
from transplants import presenters_outcome_import as presenters
from transplants.forms_outcome_import import ListColumnsForm, ListConfirmForm, ListFileForm

_IMPORT = Permission.OUTCOME_IMPORT


@require_http_methods(["GET", "POST"])
@permission_required(_IMPORT)
def outcome_import(request: HttpRequest) -> HttpResponse:
    """Step one: choose a file. Nothing is written; a small one is checked at once."""
    form = ListFileForm(posted(request), request.FILES or None, hospitals=_hospitals())
    if form.is_valid():
        more = {name: form.cleaned_data[name] for name in ("name", "hospital", "own")}
        file = services_files.file_start(
            file=form.cleaned_data["file"],
            purpose=FilePurpose.OUTCOMES,
            choices=uploads.Choices(purpose=FilePurpose.OUTCOMES.value, more=more),
            user=person_of(request),
        )
        return _gone_on(file)
    mine = ImportFile.objects.visible_to(person_of(request)).of(FilePurpose.OUTCOMES).select_related("job")
    context = {
        "form": form,
        "files": presenters_import.recent(mine),
        "columns": presenters.columns(),
        "batches": presenters.batches(),
        "crumbs": [("", _("Earlier transplants"))],
    }
    return render(request, "transplants/outcome_import.html", context, status=400 if form.is_bound else 200)


@never_cache
@require_GET
@permission_required(_IMPORT)
def outcome_import_file(request: Any, pk: Any) -> HttpResponse:
    """How it stands, for htmx every second only that; once it is checked, what it would do."""
    file = _file(request, pk)
    if request.htmx and not file.job.is_open:
        return HttpResponseClientRefresh()
    if request.htmx:
        context = presenters_import.progress(file)
        return render(request, "transplants/_outcome_import_progress.html", context)
    return _page(request, file)


@require_POST
@permission_required(_IMPORT)
def outcome_import_columns(request: HttpRequest, pk: Any) -> HttpResponse:
    """Between the steps: what the columns mean; then, or after a failure, the check anew."""
    file = _file(request, pk)
    table = presenters.table_of(file) if "column_0" in request.POST else None
    if table is None:
        return _gone_on(services_files.file_check(file_id=file.pk, changes={}, actor=actor_of(request)))
    form = ListColumnsForm(request.POST, table=table, chosen=presenters.chosen_columns(file, table))
    if not form.is_valid():
        return _page(request, file, form=form, status=400)
    changes = {"mapping": form.mapping}
    return _gone_on(services_files.file_check(file_id=file.pk, changes=changes, actor=actor_of(request)))


@require_GET
@permission_required(_IMPORT)
def outcome_import_findings(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All that is wrong with a checked list, as a file."""
    file = services_files.findings_of(_file(request, pk)).open("rb")
    return FileResponse(
        file, as_attachment=True, filename="qidai-transplant-findings.csv", content_type="text/csv"
    )


@require_POST
@permission_required(_IMPORT)
def outcome_import_confirm(request: HttpRequest, pk: Any) -> HttpResponse:
    """Step two: for good."""
    file = _file(request, pk)
    form = ListConfirmForm(request.POST, has_errors=bool(file.report.get("errors")))
    outcome = carried_out(
        request,
        form,
        lambda: services_files.file_confirm(file_id=file.pk, actor=actor_of(request), skip_bad=form.skips),
    )
    if not outcome.done:
        return _page(request, _file(request, pk), confirm=form, status=outcome.status)
    return _gone_on(outcome.value, request)


@require_POST
@permission_required(_IMPORT)
def outcome_import_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    file = _file(request, pk)
    services_files.file_cancel(file=file, actor=actor_of(request))
    messages.success(request, _("The work on this file was stopped. Nothing of it is written."))
    return redirect("transplants:outcome-import-file", pk=file.pk)


def _gone_on(file: ImportFile, request: HttpRequest | None = None) -> HttpResponse:
    """To the page of the file. A small one is done at once; request: of a confirmation, which says what was written."""
    if file.job.is_open and services_files.is_small(file):
        services_files.file_execute(job_id=file.job_id)
        file = ImportFile.objects.select_related("job").get(pk=file.pk)
    if request is not None and file.is_written:
        count = file.report["changes"]
        text = ngettext("%(n)d transplant is new or changed.", "%(n)d transplants are new or changed.", count)
        messages.success(request, text % {"n": count})
    return redirect("transplants:outcome-import-file", pk=file.pk)


def _file(request: HttpRequest, pk: Any) -> ImportFile:
    rows = ImportFile.objects.filter(purpose=FilePurpose.OUTCOMES).select_related("job")
    return get_visible_or_404(rows, person_of(request), pk=pk)


def _hospitals() -> list[tuple[str, str]]:
    rows = Hospital.objects.order_by("code")
    return [(row.code, f"{row.code} {row.display_name}") for row in rows]


def _page(
    request: HttpRequest,
    file: ImportFile,
    *,
    form: ListColumnsForm | None = None,
    confirm: ListConfirmForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """form, confirm: those that were sent and not accepted."""
    context = presenters.page(file, form)
    if file.is_checked:
        context["confirm"] = confirm or ListConfirmForm(has_errors=bool(file.report.get("errors")))
    context["crumbs"] = [
        (reverse("transplants:outcome-import"), _("Earlier transplants")),
        ("", file.file_name),
    ]
    return render(request, "transplants/outcome_import_file.html", context, status=status)
