"""The two roles and the database (decision 8): runs roles.sql, which production runs as well."""

from __future__ import annotations

import hashlib
from pathlib import Path

from config.embedded import process
from config.embedded.binaries import find_postgres
from config.embedded.errors import EmbeddedError
from config.embedded.state import State

SUPERUSER = "postgres"
OWNER = "qidai_owner"
APP = "qidai_app"
DATABASE = "qidai"
SCRIPT = Path(__file__).with_name("roles.sql")


def fingerprint(state: State) -> str:
    """Changes when the script or a password does."""
    parts = [SCRIPT.read_text(), *_passwords(state).values()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def apply(state: State, environment: dict[str, str]) -> None:
    """Make what is missing; the script says the same at every run."""
    options = ["-X", "-q", "-h", state.sockets, "-U", SUPERUSER, "-d", "postgres", "-f", str(SCRIPT)]
    done = process.run(
        [find_postgres() / "psql", *options],
        {**environment, **_passwords(state), "PGOPTIONS": "-c client_min_messages=warning"},
    )
    if done.returncode:
        raise EmbeddedError(f"roles and rights could not be set:\n{done.stderr}")
    state.roles_applied = fingerprint(state)
    state.save()


def _passwords(state: State) -> dict[str, str]:
    return {
        "PGPASSWORD": state.password(SUPERUSER),
        "QIDAI_OWNER_PASSWORD": state.password(OWNER),
        "QIDAI_APP_PASSWORD": state.password(APP),
    }
