"""Senseless, huge and broken values in addresses and bodies are answered, never a fault of the program.

The rows are those of the access matrix: a new page is tried as soon as it stands there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from core.roles import HOSPITAL_ROLES, Role
from tests.access import rows_hospitals, rows_matching
from tests.access.matrix import Row, World
from tests.factories.core import UserFactory
from tests.matching.conftest import BACKEND

# Everything that a page or route of matching reads from its address, and what it does not.
NAMES = (
    "abo", "against", "allele8", "antigen6", "by", "cd34", "class", "comparison", "dose", "floor", "free",
    "hospital", "indication", "kind", "lang", "locus", "n", "name", "order", "p8", "page", "page_size", "passed",
    "patient", "patients", "per_page", "policy", "q", "quantity", "release", "request", "retired", "rule", "run",
    "set", "show", "shown", "since", "sort", "state", "tnc", "typing", "unit", "units", "until", "years",
)  # fmt: skip
FIELDS = ("unit", "place", "policy", "run", "note_id", "report_id", "chosen", "preview", "n", "defaults")
BAD = ("", "-1", "9" * 40, "1e400", "NaN", "a\0b", "\u0661")
JUNK: tuple[Any, ...] = (
    None,
    True,
    10**30,
    "",
    "a\0b",
    [],
    {},
    [[]],
    {"a": {}},
    "9" * 50,
    float("inf"),
    "x" * 3000,
)
NOBODYS = str(UUID(int=7))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = World()
        for role in Role:
            world.users[role] = UserFactory(roles=[role], full_name=str(role))
        rows_hospitals.build(world)
        rows_matching.build(world)
        yield world
        transaction.set_rollback(True)


def once(method: str) -> list[Row]:
    """Each address once, where somebody may call it."""
    found = {row.name: row for row in rows_matching.ROWS if row.method == method and row.roles}
    return list(found.values())


def client_for(row: Row, world: World) -> Client:
    roles = set(row.roles) - row.forbidden_to - row.hidden_from
    role = min(roles & HOSPITAL_ROLES or roles)
    client = Client(raise_request_exception=True)
    client.force_login(world.users[Role(role)], backend=BACKEND)
    return client


def status(client: Client, method: str, *args: Any, **more: Any) -> int:
    """Each call is undone."""
    with transaction.atomic():
        response = getattr(client, method)(*args, **more)
        if getattr(response, "streaming", False):
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    return int(response.status_code)


@pytest.mark.parametrize("row", once("get"), ids=lambda row: row.name)
def test_addresses(row: Row, world: World) -> None:
    client, url = client_for(row, world), reverse(row.name, kwargs=row.kwargs(world))

    for bad in BAD:
        assert status(client, "get", url, dict.fromkeys(NAMES, bad)) < 500
    for repeated in (["x", "1"], [NOBODYS, NOBODYS]):
        assert status(client, "get", url, dict.fromkeys(NAMES, repeated)) < 500


@pytest.mark.parametrize("row", [row for row in once("post") if not row.json], ids=lambda row: row.name)
def test_forms(row: Row, world: World) -> None:
    client, url = client_for(row, world), reverse(row.name, kwargs=row.kwargs(world))
    base = row.data(world)

    for bad in ("9" * 40, "a\0b", NOBODYS):
        assert status(client, "post", url, {**base, **dict.fromkeys(FIELDS, bad)}) < 500, bad
        for name in base:
            assert status(client, "post", url, {**base, name: bad}) < 500, (name, bad)


@pytest.mark.parametrize("row", [row for row in once("post") if row.json], ids=lambda row: row.name)
def test_bodies(row: Row, world: World) -> None:
    client, url = client_for(row, world), reverse(row.name, kwargs=row.kwargs(world))
    base = row.data(world)

    def answered(body: Any) -> int:
        return status(client, "post", url, body, content_type="application/json")

    fields = ("policy", "floors", "min_tnc_e7_per_kg", "statuses", "id", "notes") if base else ()
    for name in {*base, *fields}:
        for junk in JUNK:
            assert answered(json.dumps({**base, name: junk})) < 500, (name, junk)
    for raw in ("", "[]", "null", '"x"', "{", "1", "[{}]"):
        assert answered(raw) < 500, raw


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("api:shortlist-list", lambda w: {"run": str(w.other_run.pk), "unit": str(w.match_unit.pk)}),
        ("api:graft-note-list", lambda w: {"patient": str(w.other_typed_patient.pk), "text": "t"}),
        ("api:match-request-list", lambda w: {"patient": str(w.other_typed_patient.pk)}),
    ],
)
def test_what_a_body_names_of_another_hospital_does_not_exist(name: str, body: Any, world: World) -> None:
    client = Client()
    client.force_login(world.users[Role.HOSPITAL_COORDINATOR], backend=BACKEND)
    others, nobodys = body(world), {**body(world), next(iter(body(world))): NOBODYS}

    found = [
        status(client, "post", reverse(name), json.dumps(one), content_type="application/json")
        for one in (others, nobodys)
    ]

    assert found == [404, 404]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("matching:run-compare", lambda w: {"unit": [w.match_unit.pk, NOBODYS]}),
        ("matching:run-detail", lambda w: {"policy": w.other_policy.pk}),
        ("matching:pair-list", lambda w: {"policy": w.other_policy.pk}),
        ("matching:run-export", lambda w: {"policy": w.other_policy.pk}),
        ("matching:run-report", lambda w: {"policy": w.other_policy.pk}),
        ("api:run-results", lambda w: {"policy": w.other_policy.pk}),
        ("api:run-pairs", lambda w: {"policy": w.other_policy.pk}),
        ("matching:run-changes", lambda w: {"against": 77}),
    ],
)
def test_what_an_address_names_of_another_hospital_does_not_exist(
    name: str, query: Any, world: World
) -> None:
    client = Client()
    client.force_login(world.users[Role.HOSPITAL_PHYSICIAN], backend=BACKEND)

    assert status(client, "get", reverse(name, args=[world.run.pk]), query(world)) == 404
