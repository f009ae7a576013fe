"""Reading of the environment: a bad value is refused with the name, the value and the cure."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path


class BadEnvironment(SystemExit):
    """A setting that cannot be used; ends the program with one clear line."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def environment() -> str:
    """development, test or production. pytest-django loads the settings before any conftest, so a test run is
    known by pytest itself.
    """
    found = text("QIDAI_ENV", "test" if "pytest" in sys.modules else "development")
    if found not in ("development", "test", "production"):
        raise BadEnvironment(f"QIDAI_ENV={found!r}: write development, test or production.")
    return found


def var_folder(checkout: Path) -> Path:
    """Where the data of this installation lie."""
    usual = "var/test" if environment() == "test" else "var"
    return Path(text("QIDAI_VAR") or checkout / usual).resolve()


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    if value == "":
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadEnvironment(f"{name}={value!r} is neither yes nor no; write 1 or 0.")


def number(name: str, *, default: int) -> int:
    value = text(name)
    if value == "":
        return default
    try:
        return int(value)
    except ValueError:
        raise BadEnvironment(f"{name}={value!r} is not a whole number.") from None


def items(name: str, *, default: list[str]) -> list[str]:
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else default


def secret(name: str, *, folder: Path, required: bool) -> str:
    """A secret from the environment; on a laptop one is made once and kept with mode 0600."""
    value = text(name)
    if value:
        return value
    if required:
        raise BadEnvironment(f"{name} must be set in production: a long random text that you keep safe.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name.lower()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _written(path)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_urlsafe(48))
    return path.read_text()


def _written(path: Path) -> str:
    """Another process may have made the file this instant and not yet filled it."""
    import time

    for _ in range(100):
        value = path.read_text().strip()
        if value:
            return value
        time.sleep(0.02)
    raise BadEnvironment(f"{path} is empty; delete it and start again.")
