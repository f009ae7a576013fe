"""The calendar of a person: its private link on a page, and the feed that calendar programs read."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST, require_safe

from core import feeds, limits
from core.access import permission_required, person_of, public
from core.models import FeedToken
from core.roles import Permission
from transplants import calendars

_VIEW = permission_required(Permission.RESERVATION_VIEW)
WINDOW_SECONDS = 600
MOST_FETCHES = 60  # of one link in WINDOW_SECONDS; a program asks each few minutes at most
MOST_MISSES = (
    30  # of one address: links that are none; a whole hospital may come from it, so no right one is held up
)


@require_GET
@_VIEW
def calendar(request: HttpRequest) -> HttpResponse:
    token = FeedToken.objects.filter(user=person_of(request)).first()
    return _page(request, {"token": token})


@never_cache
@sensitive_variables("link", "token")
@require_POST
@_VIEW
def calendar_make(request: HttpRequest) -> HttpResponse:
    """A new link, shown on this one answer; a former one ends."""
    token = feeds.feed_make(user=person_of(request))
    # in the query, which no log of the server keeps (config/access_log.py)
    path = f"{reverse('transplants:calendar-feed')}?key={token}"
    link = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
    return _page(request, {"link": link})


@require_POST
@_VIEW
def calendar_revoke(request: HttpRequest) -> HttpResponse:
    if feeds.feed_revoke(user=person_of(request)):
        messages.success(request, _("The link leads nowhere from now on."))
    return redirect("transplants:calendar")


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    crumbs = [(reverse("transplants:reservation-list"), _("Reservations")), ("", _("Calendar"))]
    return render(request, "transplants/calendar.html", {**context, "crumbs": crumbs})


@public
@sensitive_variables("token")
@require_safe
def calendar_feed(request: HttpRequest) -> HttpResponse:
    """For calendar programs, which cannot sign in: whoever has the link. It shows what its person may see now."""
    token = request.GET.get("key", "")
    person = feeds.person_of(token) if token else None
    if person is None:
        misses = f"feed-miss:{get_adapter().get_client_ip(request)}"
        if not limits.allowed(misses, most=MOST_MISSES, seconds=WINDOW_SECONDS):
            return _too_often()
        raise Http404
    if not limits.allowed(f"feed:{person.pk}", most=MOST_FETCHES, seconds=WINDOW_SECONDS):
        return _too_often()
    feeds.feed_fetched(user=person)
    with translation.override(person.language or settings.LANGUAGE_CODE):
        body = calendars.calendar_of(person)
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="qidai.ics"'
    response["Cache-Control"] = "private, max-age=300"
    return response


def _too_often() -> HttpResponse:
    response = HttpResponse(_("Too many requests. Try again later."), status=429, content_type="text/plain")
    response["Retry-After"] = str(WINDOW_SECONDS)
    return response
