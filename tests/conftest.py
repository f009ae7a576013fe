"""Every test runs on real PostgreSQL, as the application's role, and where it needs one on a real broker.

The owner makes and empties the test database; the application, which the tests drive, could not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from core.ownership import as_owner

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Made and migrated by the owner; then the connection belongs to the application again."""
    with django_db_blocker.unblock(), as_owner():
        config = setup_databases(verbosity=0, interactive=False, serialized_aliases={"default"})
    yield
    with django_db_blocker.unblock(), as_owner():
        teardown_databases(config, verbosity=0)


_empty_tables = TransactionTestCase._fixture_teardown


def _empty_as_owner(self: TransactionTestCase) -> None:
    """The application may not empty the ledger. What migrations put into the tables is put back."""
    with as_owner():
        _empty_tables(self)
        connection.creation.deserialize_db_from_string(connection._test_serialized_contents)


TransactionTestCase._fixture_teardown = _empty_as_owner


@pytest.fixture(autouse=True)
def _clean_caches() -> None:
    """English, and no cached release of an earlier test."""
    from django.utils import translation

    translation.activate("en")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real reference data. They are not part of the project: missing is a skip, in CI a failure."""
    if not SHARED_DATA.is_dir():
        reason = f"real reference data not found at {SHARED_DATA}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED_DATA


def database_url(person: dict[str, Any]) -> str:
    """URL of the test database for a process of its own."""
    host = quote(str(person["HOST"]), safe="")
    name = connection.settings_dict["NAME"]
    return f"postgres://{person['USER']}:{quote(str(person['PASSWORD']))}@{host}:{person['PORT'] or 5432}/{name}"


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """Environment of a real process (worker, command) that works on this test's database and broker."""
    return {
        **os.environ,
        "QIDAI_ENV": "test",
        "QIDAI_VAR": str(settings.VAR_DIR),
        "DATABASE_URL": database_url(connection.settings_dict),
        "DATABASE_OWNER_URL": database_url(settings.DATABASE_OWNER),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTEST_XDIST_WORKER": "",
    }


@contextmanager
def running_worker() -> Iterator[None]:
    """A real Celery worker on the real broker, in a thread of this process (so that coverage sees it)."""
    from celery.contrib.testing.worker import start_worker

    from config.celery import app

    app.control.purge()
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield


@pytest.fixture
def celery_worker(transactional_db: None) -> Iterator[None]:
    with running_worker():
        yield
