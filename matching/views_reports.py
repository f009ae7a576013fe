"""Pages of match reports: ask for one, the file, those kept, one of them, sign it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bank.choices_genetic import GeneticKind
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import Conflict, DomainError, NotAllowed
from core.models import Installation
from core.posting import show_error
from core.roles import Permission
from core.signing import guard_tries
from matching import services
from matching.forms_reports import ReportForm, SignForm
from matching.list_files import list_refused
from matching.match_list import MatchList
from matching.models import MatchReport, MatchRequest, SearchRun
from matching.presenters import crumbs, people, reports
from matching.reports.bounds import FEWEST_UNITS, MOST_PAIRS, MOST_UNITS
from matching.reports.selection import asked_of, filter_texts, order_text
from matching.reports.signed import signed_copy
from matching.services import ReportAsked
from matching.views_runs import evaluation_for

_PAIRS = {str(n) for n in range(MOST_PAIRS + 1)}


def _finished(request: HttpRequest, pk: Any) -> SearchRun:
    rows = SearchRun.objects.with_request().finished()
    run: SearchRun = get_visible_or_404(rows, person_of(request), pk=pk)
    return run


def _asked(request: HttpRequest, run: SearchRun, form: ReportForm) -> ReportAsked:
    """As the address says it: order and filters of the list, then how many and in which language."""
    return asked_of(_shown(request, run), form.value("n"), form.value("lang"), form.value("pairs"))


def _list_query(request: HttpRequest, form: ReportForm) -> str:
    """What the address says of the list, without what it asks of the report."""
    query = request.GET.copy()
    for name in form.fields:
        query.pop(name, None)
    return query.urlencode()


def _shown(request: HttpRequest, run: SearchRun) -> MatchList:
    return MatchList(request.GET, run, evaluation_for(request, run))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.REQUEST_VIEW)
def run_report(request: HttpRequest, pk: Any) -> HttpResponse:
    """Ask for a report of the list as the address orders and filters it; POST makes and keeps it."""
    run = _finished(request, pk)
    may_keep = services.may_keep_reports(person_of(request), run.request.hospital_id)
    if request.method == "POST" and not may_keep:
        raise PermissionDenied
    form = ReportForm(request.POST) if request.method == "POST" else ReportForm(initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        kept = _kept(request, run, form)
        if kept is not None:
            return redirect("matching:report-detail", pk=kept)
    shown = _shown(request, run)
    context = {
        **people.run_head(run, shown.evaluation.weight_kg),
        "form": form,
        "may_keep": may_keep,
        "order": order_text(shown),
        "filters": list(filter_texts(shown)),
        "passing": shown.rows().count(),
        "query": request.GET.urlencode(),
        "hidden": [
            (name, value)
            for name, values in request.GET.lists()
            if name not in form.fields
            for value in values
        ],
        "list_url": f"{reverse('matching:run-detail', args=[run.pk])}?{request.GET.urlencode()}",
        "kept": reports.rows(run.reports.without_file().prefetch_related("signatures")),
        "crumbs": crumbs.of_run(run, crumbs.here(_("Report"))),
    }
    return render(request, "matching/run_report.html", context)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """As usual; the page of pairs asks for some of them too."""
    wanted = request.GET.get("pairs", "")
    return {**ReportForm.usual(), **({"pairs": int(wanted)} if wanted in _PAIRS else {})}


def _kept(request: HttpRequest, run: SearchRun, form: ReportForm) -> Any:
    """The id of the kept report; None if it was refused."""
    wanted = form.cleaned_data["report_id"]
    try:
        report = services.report_create(
            run=run, asked=_asked(request, run, form), actor=actor_of(request), report_id=wanted
        )
    except DomainError as error:
        if error.code == "report_exists":  # the form was sent twice: show what the first one made
            return wanted
        show_error(form, error)
        return None
    messages.success(request, _("The report was made and is kept."))
    return report.pk


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def run_report_pdf(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The report as a file that is not kept: `?n=10&lang=zh-hans` and the list's own order and filters."""
    run = _finished(request, pk)
    form = ReportForm(request.GET)
    if not form.is_valid():
        text = _(
            "A report holds %(least)d to %(most)d units and at most %(pairs)d pairs, in English or Chinese."
        )
        messages.error(request, text % {"least": FEWEST_UNITS, "most": MOST_UNITS, "pairs": MOST_PAIRS})
        return redirect(f"{reverse('matching:run-report', args=[run.pk])}?{_list_query(request, form)}")
    wanted = _asked(request, run, form)
    ids = [one.unit_id for one in (*wanted.results, *wanted.beside)]
    if (elsewhere := list_refused(request, run, GeneticKind.REPORT_PDF, ids)) is not None:
        return elsewhere
    pdf = services.report_print(run=run, asked=wanted, actor=actor_of(request))
    return _file(pdf, reports.file_name(run))


def _kept_refused(request: HttpRequest, report: MatchReport) -> HttpResponseBase | None:
    ids = [UUID(one["id"]) for one in report.units]
    return list_refused(request, report.run, GeneticKind.REPORT_PDF, ids)


def _file(pdf: bytes, name: str) -> HttpResponse:
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def report_list(request: HttpRequest, pk: Any) -> HttpResponse:
    """The reports of a request, newest first."""
    found = get_visible_or_404(MatchRequest.objects.with_patient(), person_of(request), pk=pk)
    rows = MatchReport.objects.filter(run__request=found).without_file().select_related("run")
    newest = found.runs.finished().order_by("-run_no").first()
    context = {
        "found": found,
        "rows": reports.rows(rows.prefetch_related("signatures")),
        "newest": newest,
        "crumbs": crumbs.of_request(found, crumbs.here(_("Reports"))),
    }
    return render(request, "matching/report_list.html", context)


def _report(request: HttpRequest, pk: Any) -> MatchReport:
    rows = MatchReport.objects.with_run().prefetch_related("signatures")
    report: MatchReport = get_visible_or_404(rows, person_of(request), pk=pk)
    return report


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def report_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    report = _report(request, pk)
    return _detail(request, report, SignForm(report=report))


def _detail(request: HttpRequest, report: MatchReport, form: SignForm, status: int = 200) -> HttpResponse:
    user, run = person_of(request), report.run
    signed = {one.signer for one in report.signatures.all()}
    may_sign = services.signing_role(user, run.request.hospital_id) is not None
    context = {
        "report": report,
        "run": run,
        "found": run.request,
        "facts": reports.facts(report),
        "units": reports.units(report),
        "intact": reports.is_intact(report),
        "signatures": reports.signatures(report),
        "form": form if may_sign and str(user.pk) not in signed else None,
        "crumbs": crumbs.of_request(
            run.request,
            (reverse("matching:report-list", args=[run.request_id]), _("Reports")),
            crumbs.here(report.digest[: reports.SHOWN_DIGEST]),
        ),
    }
    return render(request, "matching/report_detail.html", context, status=status)


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def report_pdf(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The kept file, bit for bit."""
    report = _report(request, pk)
    if (elsewhere := _kept_refused(request, report)) is not None:
        return elsewhere
    return _file(bytes(report.pdf), reports.file_name(report.run, report))


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def report_signed_pdf(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The kept file with its signatures on a sheet behind it."""
    report = _report(request, pk)
    if not report.signatures.all():
        messages.error(request, _("Nobody has signed this report yet."))
        return redirect("matching:report-detail", pk=report.pk)
    if not reports.is_intact(report):
        messages.error(request, _("The stored file is not the one that was made. Make a new report."))
        return redirect("matching:report-detail", pk=report.pk)
    if (elsewhere := _kept_refused(request, report)) is not None:
        return elsewhere
    pdf = signed_copy(report, synthetic=Installation.load().synthetic)
    return _file(pdf, reports.file_name(report.run, report, signed=True))


@require_POST
@sensitive_post_parameters("password")
@permission_required(Permission.REQUEST_VIEW, Permission.REPORT_SIGN)
def report_sign(request: HttpRequest, pk: Any) -> HttpResponse:
    """Sign with the password; ten tries a minute."""
    report = _report(request, pk)
    form = SignForm(request.POST, report=report)
    try:
        guard_tries(request)
    except NotAllowed as error:
        services.report_sign_refused(report=report, user=person_of(request), reason=error.code)
        show_error(form, error)
        return _detail(request, report, form)
    if form.is_valid():
        try:
            services.report_sign(
                report_id=report.pk,
                signing=form.signing(),
                password=form.cleaned_data["password"],
                user=person_of(request),
            )
        except (
            Conflict
        ) as error:  # signed already, or a file that was changed: nothing to correct in the form
            messages.error(request, error.message)
            return redirect("matching:report-detail", pk=report.pk)
        except DomainError as error:
            if error.code == "may_not_sign":
                raise PermissionDenied(error.message) from error
            show_error(form, error)
        else:
            messages.success(request, _("The report was signed."))
            return redirect("matching:report-detail", pk=report.pk)
    return _detail(request, report, form)
