"""Watching a patient: started and ended on the page of a request, listed for who watches."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.pages import paginate
from core.roles import Permission
from hospitals.querysets import open_in
from matching import services
from matching.forms_watch import WatchForm
from matching.models import MatchRequest, PatientWatch
from matching.presenters import crumbs, watches


@require_GET
@permission_required(Permission.REQUEST_VIEW)
def watch_list(request: HttpRequest) -> HttpResponse:
    """By which patients the person is told."""
    person = person_of(request)
    page = paginate(request, PatientWatch.objects.telling(person).with_names())
    context = {
        "page": page,
        "rows": [watches.listed(watch, person) for watch in page],
        "crumbs": [
            (reverse("core:notification-list"), _("Notifications")),
            crumbs.here(_("Watched patients")),
        ],
    }
    return render(request, "matching/watch_list.html", context)


@require_POST
@permission_required(Permission.REQUEST_VIEW)
def watch_start(request: HttpRequest, pk: Any) -> HttpResponse:
    """For oneself whoever may see the request, for the whole hospital whoever may submit it."""
    person = person_of(request)
    found = get_visible_or_404(MatchRequest.objects.select_related("patient"), person, pk=pk)
    for_hospital = open_in(person, Permission.REQUEST_SUBMIT, found.hospital_id)
    form = WatchForm({"whose": "mine", **request.POST.dict()}, for_hospital=for_hospital)
    if not form.is_valid():
        messages.error(request, _("Choose what counts as better."))
        return _to_request(found)
    try:
        services.watch_start(
            request=found,
            user=person,
            counts=form.cleaned_data["counts"],
            whole_hospital=form.whole_hospital,
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(code)s is watched.") % {"code": found.patient.code})
    return _to_request(found)


def _to_request(found: MatchRequest) -> HttpResponse:
    return redirect(f"{reverse('matching:request-detail', args=[found.pk])}#watch")


@require_POST
@permission_required(Permission.REQUEST_VIEW)
def watch_end(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    watch = get_visible_or_404(PatientWatch.objects.with_names(), person, pk=pk)
    if not watches.may_end(watch, person):
        raise PermissionDenied
    services.watch_end(watch_id=watch.pk, actor=actor_of(request))
    messages.success(request, _("%(code)s is watched no more.") % {"code": watch.request.patient.code})
    return redirect(f"{reverse('matching:request-detail', args=[watch.request_id])}#watch")
