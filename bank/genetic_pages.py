"""What every page that hands out a file with HLA typings does first; for the apps above the bank too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from bank import services_genetic
from bank.choices_genetic import GeneticKind
from bank.genetic import Asked, digest_of
from core.access import person_of
from core.errors import DomainError

APPROVAL = "approval"  # names one in the address of a file
_SALT = "bank.genetic"
TOKEN_SECONDS = 3_600
Ids = Callable[[], Sequence[UUID]]


def file_asked(
    request: HttpRequest, kind: GeneticKind, *, title: str, count: int, ids: Ids, patient: UUID | None = None
) -> Asked:
    """The file that the address names, without the approval: whatever order its query is written in.

    patient: whose list it is; None of the inventory.
    """
    query = sorted((key, value) for key in request.GET for value in request.GET.getlist(key))
    plain = urlencode([pair for pair in query if pair[0] != APPROVAL])
    address = f"{request.path}?{plain}" if plain else request.path
    return Asked(kind, address, title, count, ids, patient=str(patient or ""))


def refused(request: HttpRequest, asked: Asked) -> HttpResponseBase | None:
    """None: the file may be made, and is counted. Else where the person is led: to ask, or to what was asked."""
    user = person_of(request)
    try:
        services_genetic.genetic_take(user=user, asked=asked, approval_id=_approval(request))
    except DomainError as error:
        services_genetic.genetic_blocked(user=user, asked=asked, reason=error.code)
        messages.error(request, error.message)
        if error.code in ("needs_approval", "approval_other"):
            return redirect(f"{reverse('bank:genetic-ask')}?{urlencode({'of': token_of(request, asked)})}")
        return redirect("bank:genetic-mine")
    return None


def guard_api(request: Any, asked: Asked) -> None:
    """Count a page of an API. Raises NotAllowed `needs_approval`."""
    user = person_of(request)
    try:
        services_genetic.genetic_take(user=user, asked=asked)
    except DomainError as error:
        services_genetic.genetic_blocked(user=user, asked=asked, reason=error.code)
        raise


def guard_api_page(
    request: Any, page: Any, kind: GeneticKind, *, title: str, patient: UUID | None = None
) -> None:
    """The same of a page of a list: how far into the list it reaches is what counts."""
    rows = len(page)
    if rows:
        whole = page.end_index()
        guard_api(request, Asked(kind, request.path, title, whole, list, rows, str(patient or "")))


def _approval(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get(APPROVAL, ""))
    except ValueError:
        return None


def token_of(request: HttpRequest, asked: Asked) -> str:
    """What is asked for, sealed: the form that asks for an approval cannot be given other numbers."""
    told = {
        "by": str(person_of(request).pk), "kind": asked.kind.value, "address": asked.address,
        "title": asked.title, "units": asked.count,
        "digest": digest_of(asked.kind, asked.address, asked.ids()),
    }  # fmt: skip
    return signing.dumps(told, salt=_SALT, compress=True)


def read_token(request: HttpRequest, token: str) -> dict[str, Any] | None:
    """None: not ours, another person's, or older than an hour."""
    try:
        told: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=TOKEN_SECONDS)
    except signing.BadSignature:
        return None
    return told if told.pop("by") == str(person_of(request).pk) else None


def file_url(address: str, approval: UUID) -> str:
    """The address by which an approved file is fetched."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({APPROVAL: str(approval)})}"
