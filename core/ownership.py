"""Two database roles: the owner migrates, the application works (and may not touch the ledger)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

_PERSON = ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")


@contextmanager
def as_owner() -> Iterator[None]:
    """The default connection as the owner of the database, for migrations and test set-up.

    Only the credentials change; the name of the database stays (a test run has its own).
    """
    connection.close()
    before = {name: connection.settings_dict.get(name) for name in _PERSON}
    connection.settings_dict.update(
        {name: settings.DATABASE_OWNER.get(name) or before[name] for name in _PERSON}
    )
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
