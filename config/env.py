"""Reading of the environment: a bad value is refused with the name, the value and the cure."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


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


def number(name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number, `least` to `most`."""
    value = text(name)
    if value == "":
        return default
    try:
        found = int(value)
    except ValueError:
        raise BadEnvironment(f"{name}={value!r} is not a whole number.") from None
    if found < least or (most is not None and found > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise BadEnvironment(f"{name}={found} is out of range; write {allowed}.")
    return found


def items(name: str, *, default: list[str]) -> list[str]:
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else default


# Scheme of an address of e-mail -> Django's backend, usual port
_MAILERS = {"none": ("dummy", 25), "console": ("console", 25), "smtp": ("smtp", 25), "smtps": ("smtp", 465)}


@dataclass(frozen=True)
class Mail:
    """How e-mails leave. tls: from the first byte; start_tls: after a greeting in the clear."""

    backend: str
    host: str
    port: int
    user: str
    password: str
    tls: bool
    start_tls: bool


def email(name: str, *, default: str) -> Mail:
    """From one address: none:, console:, smtp://user:password@host:587?tls=1 (STARTTLS), smtps://…

    User and password are percent-encoded where they hold signs of an address. A value that cannot be read is not
    shown: it may hold a password.
    """
    cure = "write none:, console:, smtp://user:password@host:587?tls=1 or smtps://user:password@host"
    try:
        parts = urlsplit(text(name) or default)
        backend, usual = _MAILERS[parts.scheme]
        port = parts.port or usual
    except (KeyError, ValueError):
        raise BadEnvironment(f"{name} cannot be read; {cure}.") from None
    if backend == "smtp" and not parts.hostname:
        raise BadEnvironment(f"{name} names no mail server; {cure}.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    start_tls = parts.scheme == "smtp" and parse_qs(parts.query).get("tls") == ["1"]
    return Mail(backend, parts.hostname or "", port, user, password, parts.scheme == "smtps", start_tls)


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
