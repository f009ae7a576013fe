"""Pages that look into every app: my work, the global search, health."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core import find, nav, work
from core.access import person_of
from core.pages import Column
from core.roles import Permission

# Of the bank's people, whose day has a page of its own: so many things stand on the first page.
MOST_AT_HOME = 6


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    items = work.items_for(person_of(request))
    has_day = person_of(request).has_permission(Permission.INVENTORY_VIEW_ALL)
    shown = items[:MOST_AT_HOME] if has_day else items
    starts = [
        {"url": reverse(i.url_name), "label": i.label} for i in nav.items_for(request.user) if i.prefix != "/"
    ]
    context = {"items": shown, "count": len(items), "more": len(items) - len(shown), "starts": starts}
    return render(request, "home.html", context)


@require_GET
def today(request: HttpRequest) -> HttpResponse:
    """All that waits for this person, as a table: how many, since when, until when. Nobody sees another one's day."""
    items = work.items_for(person_of(request))
    context = {
        "items": items,
        "overdue": sum(item.overdue for item in items),
        "columns": [
            Column(_("Task")),
            Column(_("How many"), num=True),
            Column(_("Oldest waits")),
            Column(pgettext("task", "Due")),
        ],
    }
    return render(request, "today.html", context)


@require_GET
def find_anything(request: HttpRequest) -> HttpResponse:
    """A single exact hit (a scanned barcode, a patient code) opens at once; else a list."""
    text = request.GET.get("q", "")
    hits = find.find(request.user, text)
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1:
        return redirect(exact[0].url)
    return render(request, "find.html", {"hits": hits, "advice": find.advice(request.user, text), "q": text})


@never_cache
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """For the supervisor and the load balancer: can this process answer, and reach its database?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


healthz.public = True
