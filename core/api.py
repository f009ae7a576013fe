"""What every API view shares: closed by default, one error shape, one pagination."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import DomainError


class DenyAll(BasePermission):
    """The default: a view that names no permission answers nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class IsSignedIn(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)


class CarefulJSONParser(JSONParser):
    """JSON that can be stored and echoed: nothing nested beyond reason, no NUL, no half of a surrogate pair."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            text = json.dumps(data, ensure_ascii=False)
            text.encode()
        except (RecursionError, UnicodeEncodeError):
            raise exceptions.ParseError(_("This JSON cannot be read.")) from None
        if "\\u0000" in text and _holds_nul(data):
            raise exceptions.ParseError(_("A text holds a NUL character; remove it."))
        return data


def _holds_nul(data: Any) -> bool:
    """Whether a key or a text somewhere inside holds a NUL; PostgreSQL stores none."""
    if isinstance(data, dict):
        return any(_holds_nul(part) for pair in data.items() for part in pair)
    if isinstance(data, list):
        return any(map(_holds_nul, data))
    return isinstance(data, str) and "\0" in data


class Pagination(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """One shape for every error: {error: {code, message, fields: {name: [..]}, details: [..]}}."""
    if isinstance(exc, DomainError):
        named = {exc.field: [exc.message]} if exc.field else {}
        return _answer(exc.status, exc.code, exc.message, named, exc.details)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if isinstance(exc, exceptions.ValidationError):
        fields = exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
        return _answer(400, "invalid", _("Some fields need your attention."), fields)
    if isinstance(exc, exceptions.APIException):
        code = exc.get_codes() if isinstance(exc.get_codes(), str) else exc.default_code
        response = _answer(exc.status_code, str(code), str(exc.detail))
        if getattr(exc, "auth_header", None):
            response["WWW-Authenticate"] = exc.auth_header
        return response
    return None


def _answer(
    status: int, code: str, message: str, fields: Any = None, details: list[Any] | None = None
) -> Response:
    return Response(
        {"error": {"code": code, "message": message, "fields": fields or {}, "details": details or []}},
        status=status,
    )
