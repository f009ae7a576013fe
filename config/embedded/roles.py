"""Database, roles and rights (decision 8): the owner migrates, the application reads and writes rows only."""

from __future__ import annotations

import hashlib
import subprocess

from config.embedded.binaries import find_postgres
from config.embedded.errors import EmbeddedError
from config.embedded.state import State

SUPERUSER = "postgres"
OWNER = "qidai_owner"
APP = "qidai_app"
DATABASE = "qidai"

# docker/initdb/ says the same for production. Only constants of this file are put into the text (ruff: S608).
ROLES = f"""
SELECT 'CREATE ROLE {OWNER}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') \\gexec
SELECT 'CREATE ROLE {APP}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') \\gexec
ALTER ROLE {OWNER} LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD :'owner_password';
ALTER ROLE {APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
"""  # noqa: S608
CREATE_DATABASE = f"""
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template1'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
"""  # noqa: S608
# In template1 as well: databases that the owner makes later, as test runs do, begin with the same rights.
RIGHTS = f"""
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {APP};
GRANT USAGE ON SCHEMA public TO {APP};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {APP};
"""
SCRIPT = (
    f"{ROLES}\\connect template1\n{RIGHTS}\\connect postgres\n{CREATE_DATABASE}\\connect {DATABASE}\n{RIGHTS}"
)


def fingerprint(state: State) -> str:
    """Changes when the script or a password does."""
    return hashlib.sha256(_statements(state).encode()).hexdigest()


def apply(state: State, environment: dict[str, str]) -> None:
    """Make what is missing; the script says the same at every run."""
    done = subprocess.run(
        [find_postgres() / "psql", "-X", "-q", "-h", state.sockets, "-U", SUPERUSER, "-d", "postgres"],
        input=_statements(state),
        env={
            **environment,
            "PGPASSWORD": state.password(SUPERUSER),
            "PGOPTIONS": "-c client_min_messages=warning",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(f"roles and rights could not be set:\n{done.stderr}")
    state.roles_applied = fingerprint(state)
    state.save()


def _statements(state: State) -> str:
    secrets = {"owner_password": state.password(OWNER), "app_password": state.password(APP)}
    variables = "".join(f"\\set {name} {value}\n" for name, value in secrets.items())
    return f"\\set ON_ERROR_STOP on\n{variables}{SCRIPT}"
