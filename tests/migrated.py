"""The migrations run once: every test process, of this run and of later ones, begins with a copy of their database.

A copy is taken only where every migration, and what migrations are made of, is word for word the same; `migrate` runs
over it all the same, so content types and permissions are always those of the models of today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import setup_databases

ROOT = Path(__file__).resolve().parents[1]
_PREFIX = "qidai_migrated_"
_LOCK = 0x71646169  # any number that nothing else on this server locks


def setup_migrated_databases() -> Any:
    """Django's own set-up, from the copy where there is one; the first process makes it. As the owner."""
    name = f"{_PREFIX}{_digest()}"
    with _one_at_a_time() as cursor:
        found = _named(cursor, name)
        connection.settings_dict["TEST"]["TEMPLATE"] = name if found else None
        config = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
        if not found:
            _keep_a_copy(cursor, name)
    return config


def _digest() -> str:
    paths = [*ROOT.glob("*/migrations/*.py"), ROOT / "core" / "crypto.py", ROOT / "requirements.txt"]
    parts = [part for path in sorted(paths) for part in (str(path.relative_to(ROOT)), path.read_text())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextmanager
def _one_at_a_time() -> Iterator[Any]:
    """The others wait: two copies of one database at once are refused, and two that migrate do the work twice."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        yield cursor  # the lock ends with the connection


def _named(cursor: Any, pattern: str) -> list[str]:
    cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern.replace("_", r"\_")])
    return [name for (name,) in cursor.fetchall()]


def _keep_a_copy(cursor: Any, name: str) -> None:
    """Under another name until it is whole; those of other migrations go."""
    connection.close()  # a database in use cannot be copied
    quoted = connection.ops.quote_name
    for old in _named(cursor, f"{_PREFIX}%"):
        cursor.execute(f"DROP DATABASE {quoted(old)}")
    making, migrated = f"{_PREFIX}making", connection.settings_dict["NAME"]
    cursor.execute(f"CREATE DATABASE {quoted(making)} TEMPLATE {quoted(migrated)}")
    cursor.execute(f"ALTER DATABASE {quoted(making)} RENAME TO {quoted(name)}")
