"""Every test runs on real PostgreSQL, as the application's role, and where it needs one on a real broker.

The owner makes and empties the test database; the application, which the tests drive, could not.
"""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext, teardown_databases

from core import audit
from core.ownership import as_owner
from tests.migrated import setup_migrated_databases

# Models, templates, catalogues and nomenclatures stay for the whole run. To walk through all of them after every few
# hundred new objects, as Python does by default, took a seventh of the time.
gc.set_threshold(50_000, 20, 100)

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
        config = setup_migrated_databases()
        _remember_initial_rows()
    yield
    with django_db_blocker.unblock():
        _end_other_sessions()
        with as_owner():
            teardown_databases(config, verbosity=0)


def _end_other_sessions() -> None:
    """A thread of a live server or worker may still hold its connection; the database could not be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


_initial_rows: dict[str, str] = {}


def _tables_with_rows(cursor: Any) -> list[str]:
    tables = [t for t in connection.introspection.table_names(cursor) if t != "django_migrations"]
    cursor.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables))
    return [name for (name,) in cursor.fetchall()]


def _remember_initial_rows() -> None:
    """What migrations put into the tables: default policy, limits, content types."""
    with connection.cursor() as cursor:
        for table in _tables_with_rows(cursor):
            buffer = io.StringIO()
            cursor.copy_expert(f"COPY {table} TO STDOUT", buffer)
            _initial_rows[table] = buffer.getvalue()


def _back_to_initial_rows(self: TransactionTestCase) -> None:
    """After a test with real commits. By the owner, since the application may not empty the ledger.

    Deleting is quicker than truncating, and the deferred foreign keys make any order right.
    """
    with as_owner(), transaction.atomic(), connection.cursor() as cursor:
        for table in _tables_with_rows(cursor):
            cursor.execute(f"DELETE FROM {table}")
        for table, rows in _initial_rows.items():
            cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(rows))


TransactionTestCase._fixture_teardown = _back_to_initial_rows


# No test fails because a machine is slow.
hypothesis.settings.register_profile(
    "qidai", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("qidai")

RECHECK_SECONDS_AS_SHIPPED, HELD_SECONDS = 3.0, 1e9


@pytest.fixture(autouse=True)
def _clean_caches() -> None:
    """English, and no cached release of an earlier test."""
    from django.utils import translation

    translation.activate("en")


def _own_transaction() -> bool:
    """Whether the code under test began one: the transaction around each test is not its own."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


@pytest.fixture(autouse=True)
def _services_begin_their_own_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a service that forgot it works in every test and ends with an error in front of its users."""
    monkeypatch.setattr(audit, "_in_transaction", _own_transaction)


@pytest.fixture(autouse=True)
def _counted_without_looking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few seconds a process asks whether its reference data are those in use: on a slow machine that would be
    counted among the queries of a page. A test that set the seconds itself means what it set."""
    from matching import reference

    enter, leave = CaptureQueriesContext.__enter__, CaptureQueriesContext.__exit__

    def begin(context: CaptureQueriesContext) -> CaptureQueriesContext:
        if reference.RECHECK_SECONDS == RECHECK_SECONDS_AS_SHIPPED:
            reference.RECHECK_SECONDS = HELD_SECONDS
        return enter(context)

    def end(context: CaptureQueriesContext, *how: Any) -> None:
        if reference.RECHECK_SECONDS == HELD_SECONDS:
            reference.RECHECK_SECONDS = RECHECK_SECONDS_AS_SHIPPED
        leave(context, *how)

    monkeypatch.setattr(CaptureQueriesContext, "__enter__", begin)
    monkeypatch.setattr(CaptureQueriesContext, "__exit__", end)


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
    return (
        f"postgres://{person['USER']}:{quote(str(person['PASSWORD']))}@{host}:{person['PORT'] or 5432}/{name}"
    )


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
