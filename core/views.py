"""Pages of core: jobs, audit trail, profile, language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import jobs, notifications, services
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.exports import csv_response
from core.forms import AuditFilterForm
from core.models import AuditEntry, Job, User
from core.pages import Column, paginate
from core.roles import Permission

TONES = {"queued": "info", "running": "maybe", "done": "good", "failed": "bad", "cancelled": "warn"}


@require_GET
@permission_required(Permission.JOB_VIEW)
def job_list(request: HttpRequest) -> HttpResponse:
    rows = Job.objects.visible_to(request.user)
    state = request.GET.get("state", "")
    if state in Job.State.values:
        rows = rows.filter(state=state)
    labels = (_("Job"), _("State"), _("Progress"), _("Started by"), _("Created"), _("Ended"))
    context = {
        "page": paginate(request, rows),
        "tabs": _job_tabs(state),
        "columns": [Column(label, num=index == 2) for index, label in enumerate(labels)],
        "tones": TONES,
    }
    return render(request, "core/job_list.html", context)


def _job_tabs(state: str) -> list[dict[str, Any]]:
    choices = [("", _("All")), *Job.State.choices]
    return [
        {"url": f"?state={value}" if value else "?", "label": label, "active": value == state}
        for value, label in choices
    ]


@require_GET
@permission_required(Permission.JOB_VIEW)
def job_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    job = get_visible_or_404(Job, person_of(request), pk=pk)
    context = {
        "job": job,
        "may_cancel": job.is_open and job.may_be_cancelled_by(person_of(request)),
        "shown": shown_progress(job),
        "facts": _job_facts(job),
        "crumbs": [(reverse("core:job-list"), _("Jobs")), ("", job.title)],
    }
    return render(request, "core/_job_progress.html" if request.htmx else "core/job_detail.html", context)


def shown_progress(job: Job) -> dict[str, Any]:
    """A job in the words of the progress part."""
    counts = [{"label": name.replace("_", " "), "value": value} for name, value in job.counts.items()]
    state = "succeeded" if job.state == Job.State.DONE else job.state
    return {"state": state, "title": job.stage or job.get_state_display(), "counts": counts}


def _job_facts(job: Job) -> list[dict[str, Any]]:
    return [
        {"label": _("State"), "value": job.get_state_display(), "tone": TONES[job.state]},
        {"label": _("Attempts"), "value": job.attempts},
        {"label": _("Started"), "value": _moment(job.started_at)},
        {"label": _("Ended"), "value": _moment(job.ended_at)},
        {"label": _("Number"), "value": job.pk},
    ]


def _moment(at: Any) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


@require_POST
@permission_required(Permission.JOB_VIEW)
def job_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    job = get_visible_or_404(Job, person_of(request), pk=pk)
    if not job.may_be_cancelled_by(person_of(request)):
        raise PermissionDenied
    jobs.job_cancel(job=job, actor=actor_of(request))
    messages.success(request, _("The job was cancelled."))
    return redirect("core:job-detail", pk=job.pk)


@require_GET
@permission_required(Permission.AUDIT_VIEW)
def audit_list(request: HttpRequest) -> HttpResponse:
    form = AuditFilterForm(request.GET or None)
    labels = (_("When"), _("Who"), _("Action"), _("Record"), _("Change"))
    page = paginate(request, form.apply(AuditEntry.objects.order_by("-at", "pk")))
    context = {
        "page": page,
        "entries": [(entry, entry.change_rows(person_of(request))) for entry in page],
        "form": form,
        "columns": [Column(label) for label in labels],
        "export_url": f"{reverse('core:audit-export')}?{request.GET.urlencode()}",
    }
    return render(request, "core/audit_list.html", context)


@require_GET
@permission_required(Permission.AUDIT_VIEW)
def audit_export(request: HttpRequest) -> HttpResponseBase:
    rows = AuditFilterForm(request.GET or None).apply(AuditEntry.objects.order_by("-at", "pk"))
    header = ["at", "actor", "action", "target_type", "target", "reason", "before", "after", "request_id"]
    return csv_response("qidai-audit.csv", header, _audit_rows(rows, person_of(request)))


def _audit_rows(rows: Any, reader: User) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=1000):
        before, after = row.values_for(reader)
        yield [
            row.at.isoformat(timespec="seconds"),
            row.actor_label,
            row.action,
            row.target_type,
            row.target_label,
            row.reason,
            before or "",
            after or "",
            row.request_id,
        ]


@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    context = {"permissions": sorted(request.user.permissions), "is_mail_sent": notifications.is_mail_sent()}
    return render(request, "core/profile.html", context)


@require_POST
def language_set(request: HttpRequest) -> HttpResponse:
    """Switch the language and stay on the page; remembered with the account and in a cookie."""
    language = request.POST.get("language", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = "/"
    response = redirect(back)
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            services.user_set_language(user=request.user, language=language)
        translation.activate(language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


language_set.public = True  # also on the sign-in page
