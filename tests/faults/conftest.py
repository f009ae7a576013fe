from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.conf import settings as django_settings
from django.db import connection

from config.celery import app
from scripts.installation import Installation
from tests.faults.workers import HASTY, Workers, empty
from tests.matching.conftest import own_files

__all__ = ["own_files"]


@pytest.fixture
def workers(own_files: Path, process_environment: dict[str, str], tmp_path: Path) -> Workers:
    """On the servers of the test run."""
    empty(django_settings.REDIS_URL)
    return Workers({**process_environment, **HASTY}, tmp_path)


@pytest.fixture(scope="module")
def installation(django_db_blocker: Any) -> Iterator[Installation]:
    """A whole Qidai on servers of its own, which may be killed; this process speaks to its database and broker."""
    # short enough for sockets, unlike pytest's own; `make test` stops what an interrupted test leaves there
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir=os.environ.get("QIDAI_TEST_ROOTS")))
    folder.chmod(0o755)
    it = Installation(folder, durable=False, **HASTY)
    try:
        it.manage("migrate", "-v", "0")
        with it.started(), django_db_blocker.unblock(), spoken_to(it):
            yield it
    finally:
        it.close()
        shutil.rmtree(folder)


@contextmanager
def spoken_to(it: Installation) -> Iterator[None]:
    """Database and broker of this process are those of another installation meanwhile."""
    theirs = dj_database_url.parse(it.urls["DATABASE_URL"])
    before = {name: connection.settings_dict[name] for name in theirs}
    connection.close()
    connection.settings_dict.update(theirs)
    os.environ["CELERY_BROKER_URL"] = it.urls["REDIS_URL"]
    app._after_fork()  # forgets its connections
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
        del os.environ["CELERY_BROKER_URL"]
        app._after_fork()
