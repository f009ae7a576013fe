"""Pages that look into every app: my work, the global search, health."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core import find, nav, work


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    items = [_shown(item) for item in work.items_for(request.user)]
    starts = [
        {"url": reverse(i.url_name), "label": i.label} for i in nav.items_for(request.user) if i.prefix != "/"
    ]
    return render(request, "home.html", {"items": items, "starts": starts})


def _shown(item: work.WorkItem) -> dict[str, Any]:
    """A work item in the words of the list part."""
    moment = item.due_at or item.since
    due = timezone.localtime(moment).strftime("%Y-%m-%d") if moment else ""
    tone = "bad" if item.overdue else "info"
    return {
        "url": item.url,
        "title": item.title,
        "detail": item.detail,
        "due": due,
        "late": item.overdue,
        "tag": item.kind,
        "tone": tone,
        "more_url": item.more_url,
        "more": item.more,
    }


@require_GET
def find_anything(request: HttpRequest) -> HttpResponse:
    """A single exact hit (a scanned barcode, a patient code) opens at once; else a list."""
    text = request.GET.get("q", "")
    hits = find.find(request.user, text)
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1:
        return redirect(exact[0].url)
    return render(request, "find.html", {"hits": hits, "q": text})


@never_cache
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """For the supervisor and the load balancer: can this process answer, and reach its database?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


healthz.public = True
