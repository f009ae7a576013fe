"""Reading of the environment: a bad value is refused with the name, the value and the cure."""

from __future__ import annotations

import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


class BadEnvironment(SystemExit):
    """A setting that cannot be used; ends the program with one clear line."""


def text(name: str, default: str = "") -> str:
    """Set to nothing is not set: docker compose passes an empty text for what .env does not give."""
    return os.environ.get(name, "").strip() or default


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

    User and password are percent-encoded where they hold signs of an address. Whatever is not understood is refused,
    never passed over: e-mails would leave in the clear or not at all. A refused value is not shown: it may hold a
    password.
    """
    try:
        return _mail_of(urlsplit(text(name, default)))
    except ValueError as error:
        wrong = str(error) if isinstance(error, _Wrong) else "cannot be read"
        cure = "write none:, console:, smtp://user:password@host:587?tls=1 or smtps://user:password@host"
        raise BadEnvironment(f"{name} {wrong}; {cure}.") from None


class _Wrong(ValueError):
    """What is wrong with an address, to be read behind the name of its setting."""


def _mail_of(parts: SplitResult) -> Mail:
    if parts.scheme not in _MAILERS:
        raise _Wrong("begins with no known kind of delivery")
    backend, usual = _MAILERS[parts.scheme]
    if backend != "smtp":
        if parts.netloc or parts.path or parts.query or parts.fragment:
            raise _Wrong(f"says more than {parts.scheme}: which takes nothing else")
        return Mail(backend, "", usual, "", "", False, False)
    if parts.path.strip("/") or parts.fragment:
        raise _Wrong("has signs behind its mail server (percent-encode those of user and password)")
    user = unquote(parts.username or "", errors="strict")
    password = unquote(parts.password or "", errors="strict")
    if bool(user) != bool(password):
        raise _Wrong("names a user or a password without the other")
    host, port = _host_of(parts, "mail server"), _port_of(parts, usual)
    return Mail(backend, host, port, user, password, parts.scheme == "smtps", _is_start_tls(parts))


def _host_of(parts: SplitResult, what: str) -> str:
    host = parts.hostname or ""
    if not host:
        raise _Wrong(f"names no {what}")
    try:
        host.encode("idna")
    except UnicodeError:  # mail..example
        raise _Wrong(f"names no possible {what}") from None
    if not re.fullmatch(r"[\w.:-]+", host):
        raise _Wrong(f"names no possible {what}")
    return host


def _port_of(parts: SplitResult, usual: int) -> int:
    try:
        port = usual if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise _Wrong("has a port that is no number from 1 to 65535")
    return port


def _is_start_tls(parts: SplitResult) -> bool:
    options = parse_qsl(parts.query, keep_blank_values=True)
    if not options:
        return False
    if parts.scheme == "smtps":
        raise _Wrong("has options; smtps:// takes none, it is encrypted from the first byte")
    if len(options) > 1 or options[0] not in (("tls", "1"), ("tls", "0")):
        raise _Wrong("has an option other than tls=1 or tls=0")
    return options[0] == ("tls", "1")


def web_address(name: str, *, default: str) -> str:
    """Where people reach the installation, such as https://qidai.example.org, without a slash at its end."""
    value = text(name, default)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        _host_of(parts, "host"), _port_of(parts, 443)
        if parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
            raise _Wrong("is no plain address of the web")
    except ValueError as error:
        wrong = str(error) if isinstance(error, _Wrong) else "cannot be read"
        raise BadEnvironment(f"{name} {wrong}; write it as https://qidai.example.org.") from None
    return value.rstrip("/")


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
