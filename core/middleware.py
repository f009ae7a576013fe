"""What every request needs: an id, a language, a sign-in, and domain errors turned into pages."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from core.audit import current_request_id
from core.errors import DomainError
from core.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """An id per request: in the audit, in the response header, in the error page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid4().hex[:16]
        token = current_request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response


class LanguageMiddleware:
    """The language a person chose travels with the account, not with the browser."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class LoginRequiredMiddleware:
    """Every page asks for a sign-in, unless its view says `public` (core.access.public)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponse | None:
        if request.user.is_authenticated or getattr(view, "public", False) or _is_public(request):
            return None
        return redirect_to_login(request.get_full_path())


class PrivateAnswersMiddleware:
    """What a signed-in person sees stays in no cache: Back after sign-out shows nothing on a shared computer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store, private"
        return response


# The API answers 401/403 by itself; allauth guards its own pages.
_PUBLIC_PREFIXES = ("/accounts/", "/api/", "/i18n/", "/healthz", "/static/")


def _is_public(request: HttpRequest) -> bool:
    return request.path_info.startswith(_PUBLIC_PREFIXES)


class DomainErrorMiddleware:
    """A domain error that no view caught: a clear page with its status, never a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        return render(request, "error.html", {"error": exception}, status=exception.status)
