"""Every address × role × own or other hospital. An address without a row fails here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core.roles import HOSPITAL_ROLES, Role
from tests.access.matrix import PUBLIC, Row, World
from tests.access.rows_core import THIRD_PARTY
from tests.factories.core import UserFactory

MODULES = [
    importlib.import_module(f"tests.access.{path.stem}")
    for path in sorted(
        Path(__file__).parent.glob("rows_*.py"), key=lambda p: ("hospitals" not in p.stem, p.stem)
    )
]
ROWS: list[Row] = [row for module in MODULES for row in module.ROWS]


def all_names(resolver: Any = None, space: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from all_names(entry, inner)
        elif isinstance(entry, URLPattern):
            yield f"{space}{entry.name}"


def test_every_address_has_a_row() -> None:
    known = {row.name for row in ROWS} | THIRD_PARTY

    assert set(all_names()) - known == set()


def test_every_row_has_an_address() -> None:
    assert {row.name for row in ROWS} - set(all_names()) == set()


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once and never committed: every call below is undone by its own savepoint."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = World()
        world.sessions = {}
        for role in Role:
            world.users[role] = UserFactory(roles=[role], full_name=str(role))
        for module in MODULES:
            if hasattr(module, "build"):
                module.build(world)
        yield world
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _as_many_signatures_as_there_are_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person signs many rows within a minute; the limit of tries has tests of its own."""
    monkeypatch.setattr("core.signing.guard_tries", lambda request: None)


def _call(row: Row, client: Client, world: World, kwargs: dict[str, Any]) -> Any:
    url = reverse(row.name, kwargs=kwargs) + row.query
    extra = {"content_type": "application/json"} if row.json and row.method != "get" else {}
    response = getattr(client, row.method)(url, row.data(world), **extra)
    if getattr(response, "streaming", False):
        b"".join(response.streaming_content)
    return response


def _id(row: Row) -> str:
    return f"{row.method} {row.name}"


def _expected(row: Row, role: Role, *, other: bool) -> tuple[int, ...]:
    if row.roles != PUBLIC and role not in row.roles:
        return (403,)
    if role in row.hidden_from or (other and role in HOSPITAL_ROLES):
        return (404,)
    if role in row.forbidden_to:
        return (403,)
    return row.ok


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_anonymous_visitor(row: Row, world: World) -> None:
    status = _call_apart(row, world, row.kwargs(world), None)

    assert status in (row.ok if row.roles == PUBLIC else (401, 403) if row.json else (302,))


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_each_role(row: Row, world: World) -> None:
    got = {}
    wanted = {}
    for role, user in world.users.items():
        for other, kwargs in ((False, row.kwargs), (True, row.other)):
            if kwargs is None:
                continue
            allowed = _expected(row, role, other=other)
            status = _call_apart(row, world, kwargs(world), user)
            if status not in allowed:
                got[f"{role} other={other}"] = status
                wanted[f"{role} other={other}"] = allowed

    assert got == {}, f"wanted {wanted}"


def _call_apart(row: Row, world: World, kwargs: dict[str, Any], user: Any) -> int:
    """Each call is undone: the second role meets the same world as the first."""
    client = _browser(user, world)
    with transaction.atomic():
        response = _call(row, client, world, kwargs)
        transaction.set_rollback(True)
    if (
        settings.SESSION_COOKIE_NAME in response.cookies
    ):  # it wrote its session, and no savepoint undoes the cache
        world.sessions.pop(user and user.pk, None)
    return int(response.status_code)


def _browser(user: Any, world: World) -> Client:
    """A fresh one for each call; its person signed in once: that costs more than most pages."""
    client = Client(raise_request_exception=True)
    if user is None:
        return client
    if user.pk not in world.sessions:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        world.sessions[user.pk] = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[user.pk]
    return client
