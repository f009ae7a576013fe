"""Error pages that say what happened and what to do, in the reader's language."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def _page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        error = {"code": {400: "invalid", 403: "permission_denied", 404: "not_found"}.get(status, "error")}
        return JsonResponse(
            {"error": {**error, "message": message, "fields": {}, "details": []}}, status=status
        )
    return render(request, f"{status}.html", {"message": message}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, _("This request could not be read."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403, _("Your role does not include this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404, _("This page does not exist, or it belongs to another hospital."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request, 403, _("This form is too old or was opened in another window. Load the page and try again.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, 500, _("Something went wrong on our side. Nothing was half-written."))
